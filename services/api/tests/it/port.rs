//! The public port itself: a real listener, real connections.

use std::time::Duration;

use ccm_api::ApiConfig;
use ccm_config::section::AuthMode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::app::TestApp;

async fn exchange(stream: &mut TcpStream, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.unwrap();
    read_answer(stream).await
}

/// Reads a head and as much body as `content-length` says.
async fn read_answer(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if length.is_none_or(|length| body.len() >= length.parse().unwrap()) {
                return text;
            }
        }
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "the connection ended early: {text}");
        text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
    }
}

const GET: &str = "GET /api/v1/session HTTP/1.1\r\nhost: localhost\r\n\r\n";

#[tokio::test]
async fn requests_are_answered_on_one_connection_after_another() {
    let app = TestApp::new();
    let address = ccm_api::start(app.deps(), &ApiConfig::for_testing(), &app.shell).await.unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();

    for _ in 0..3 {
        let answer = exchange(&mut stream, GET).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        assert!(answer.contains("\"mode\":\"dev\""), "{answer}");
    }

    let limits = ccm_config::section::DrainSection::for_testing();
    app.shell.stop(&limits).await.unwrap();
    assert_eq!(stream.read(&mut [0; 16]).await.unwrap(), 0, "idle connections end");
    assert!(TcpStream::connect(address).await.is_err(), "the listener is gone");
}

#[tokio::test]
async fn an_answer_under_way_is_finished_before_the_port_closes() {
    let (app, mut reads) = TestApp::with_slow_store(Duration::from_millis(200));
    let address = ccm_api::start(app.deps(), &ApiConfig::for_testing(), &app.shell).await.unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = "GET /api/v1/workers HTTP/1.1\r\nhost: localhost\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    reads.wait_for(|reads| *reads > 0).await.unwrap();

    let limits = ccm_config::section::DrainSection::for_testing();
    let (stopped, answer) = tokio::join!(app.shell.stop(&limits), read_answer(&mut stream));

    stopped.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[tokio::test]
async fn what_is_no_http_ends_that_connection_only() {
    let app = TestApp::new();
    let address = ccm_api::start(app.deps(), &ApiConfig::for_testing(), &app.shell).await.unwrap();
    let mut odd = TcpStream::connect(address).await.unwrap();
    let mut good = TcpStream::connect(address).await.unwrap();

    odd.write_all(b"\x16\x03\x01\x02\x00\x01nonsense\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    odd.read_to_end(&mut answer).await.unwrap();

    assert!(exchange(&mut good, GET).await.starts_with("HTTP/1.1 200 OK"));
    app.shell.stop(&ccm_config::section::DrainSection::for_testing()).await.unwrap();
}

#[tokio::test]
async fn dev_mode_is_refused_where_others_could_reach_it() {
    let app = TestApp::new();
    let mut config = ApiConfig::for_testing();
    config.http.listen = "0.0.0.0:0".parse().unwrap();

    let err = ccm_api::start(app.deps(), &config, &app.shell).await.unwrap_err();

    assert!(err.to_string().contains("loopback"), "{err}");
}

#[tokio::test]
async fn oidc_without_a_login_server_is_refused_with_what_to_do() {
    let app = TestApp::new();
    let mut config = ApiConfig::for_testing();
    config.auth.mode = AuthMode::Oidc;

    let err = ccm_api::start(app.deps(), &config, &app.shell).await.unwrap_err();

    assert!(err.to_string().contains("auth.oidc.issuer"), "{err}");
}
