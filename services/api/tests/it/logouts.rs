//! Logouts from outside, and streams that end with what opened them.

use std::time::Duration;

use ccm_config::section::{AuthMode, AuthSection};
use ccm_domain::Timestamp;
use http::Method;
use serde_json::{Value, json};

use crate::app::{Answer, TestApp};
use crate::browser::Browser;
use crate::login_server::{LoginServer, SigningKey, message};
use crate::reader::{Reader, Served};
use crate::tokens::{app_of, knowing, said_of_login};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

fn logout_claims(server: &LoginServer, now: Timestamp) -> Value {
    let seconds = now.as_millis() / 1000;
    json!({
        "iss": server.issuer(), "aud": "ccm", "iat": seconds, "exp": seconds + 120, "jti": "1",
        "sid": "s-1", "events": { EVENT: {} },
    })
}

async fn tell(app: &TestApp, token: &str) -> Answer {
    let form = format!("logout_token={token}");
    let call = app.raw(Method::POST, "/auth/backchannel-logout");
    call.body("application/x-www-form-urlencoded", form).send().await
}

#[tokio::test]
async fn the_login_server_ends_one_session_or_all_of_a_person() {
    let server = LoginServer::start().await;
    let app = app_of(&server).await;

    for (of, ends) in [
        (json!({ "sid": "s-1" }), true),
        (json!({ "sid": "s-1", "sub": "4711" }), true),
        (json!({ "sub": "4711", "sid": null }), true),
        (json!({ "sid": "s-2" }), false),
        (json!({ "sub": "4712", "sid": null }), false),
        (json!({ "sid": "s-1", "sub": "4712" }), false),
    ] {
        let (mut one, mut two) = (Browser::default(), Browser::default());
        one.log_in(&app, &server, &["admin"]).await;
        two.log_in(&app, &server, &["admin"]).await;
        let mut claims = logout_claims(&server, app.fleet.now());
        for (name, value) in of.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let told = tell(&app, &server.key.sign(&claims)).await;
        assert_eq!(told.status, 200, "{of}: {}", told.text);
        for browser in [&mut one, &mut two] {
            assert_eq!(browser.session(&app).await.is_null(), ends, "{of}");
            browser.post(&app, "/auth/logout").await;
        }
    }
}

#[tokio::test]
async fn a_logout_that_is_not_proven_ends_nothing() {
    let server = LoginServer::start().await;
    let app = app_of(&server).await;
    let mut browser = Browser::default();
    browser.log_in(&app, &server, &["admin"]).await;
    let good = logout_claims(&server, app.fleet.now());
    let now = good["iat"].as_i64().unwrap();
    let signed = |changes: Value| {
        let mut claims = good.clone();
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        server.key.sign(&claims)
    };

    for (what, token) in [
        ("no token", String::new()),
        ("no signature", format!("{}.", message(&json!({ "alg": "none" }), &good))),
        ("another key", SigningKey::rsa("first").sign(&good)),
        ("another issuer", signed(json!({ "iss": "https://evil.example" }))),
        ("another audience", signed(json!({ "aud": "grafana" }))),
        ("no events", signed(json!({ "events": null }))),
        ("another event", signed(json!({ "events": { "x": {} } }))),
        ("a nonce", signed(json!({ "nonce": "n" }))),
        ("no id", signed(json!({ "jti": null }))),
        ("nobody", signed(json!({ "sid": null }))),
        ("old news", signed(json!({ "iat": now - 301, "exp": null }))),
        ("no date", signed(json!({ "iat": null }))),
        ("an access token", server.token(&["admin"], app.fleet.now())),
    ] {
        let answer = tell(&app, &token).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "logout_refused"), "{what}");
    }

    assert_eq!(browser.session(&app).await["role"], "admin");
}

/// The API on a port, with a browser that is logged in and listens. `other` is another process of the same.
struct Listening {
    served: Served,
    other: TestApp,
    browser: Browser,
    reader: Reader,
}

async fn listening(server: &LoginServer) -> Listening {
    let oidc = server.section();
    let served = Served::with(TestApp::new(), |config| {
        config.auth = AuthSection { mode: AuthMode::Oidc, oidc: Some(oidc) };
    })
    .await;
    said_of_login(&served.app, |said| said == "ok").await;
    let other = knowing(served.app.twin(server.section())).await;
    let mut browser = Browser::default();
    browser.log_in(&other, server, &["viewer"]).await;
    let mut reader = served.connect_with("", &[("cookie", &browser.cookies())]).await;
    assert_eq!(reader.status(), "200");
    reader.snapshot().await;
    Listening { served, other, browser, reader }
}

async fn reason(reader: &mut Reader) -> Value {
    let last = reader.rest().await.pop().unwrap();
    assert_eq!(last.event.as_deref(), Some("auth_expired"), "{last:?}");
    last.data["reason"].clone()
}

#[tokio::test]
async fn a_logout_ends_the_streams_of_every_process() {
    let server = LoginServer::start().await;
    let Listening { served, other, mut browser, mut reader } = listening(&server).await;

    browser.post(&other, "/auth/logout").await.expect(200);

    assert_eq!(reason(&mut reader).await, "revoked");
    let again = served.connect_with("", &[("cookie", &browser.cookies())]).await;
    assert_eq!(again.status(), "401");
    served.stop().await;
}

#[tokio::test]
async fn a_login_that_expires_ends_its_streams() {
    let server = LoginServer::start().await;
    let Listening { served, mut reader, .. } = listening(&server).await;
    server.answer(&served.app, &["viewer"], &json!({}));

    served.app.clock.advance(Duration::from_secs(8 * 3600));

    assert_eq!(reason(&mut reader).await, "expired");
    served.stop().await;
}

#[tokio::test]
async fn roles_that_change_end_streams_and_a_new_one_has_the_new_roles() {
    let server = LoginServer::start().await;
    let Listening { served, browser, mut reader, .. } = listening(&server).await;
    served.app.clock.advance(Duration::from_secs(300));
    server.answer(&served.app, &["admin"], &json!({}));

    // Nobody calls: whoever looks after the stream asks the login server.
    assert_eq!(reason(&mut reader).await, "roles_changed");

    let mut again = served.connect_with("", &[("cookie", &browser.cookies())]).await;
    again.snapshot().await;
    served.stop().await;
}

#[tokio::test]
async fn a_person_whom_the_login_server_shuts_out_hears_nothing_more() {
    let server = LoginServer::start().await;
    let Listening { served, mut reader, .. } = listening(&server).await;
    *server.desk.grant.lock().unwrap() = None;

    served.app.clock.advance(Duration::from_secs(300));

    assert_eq!(reason(&mut reader).await, "revoked");
    served.stop().await;
}

#[tokio::test]
async fn a_stream_ends_with_its_token() {
    let server = LoginServer::start().await;
    let Listening { served, .. } = listening(&server).await;
    let now = served.app.fleet.now();
    let mut claims = server.claims(&["viewer"], now);
    claims["exp"] = json!(now.as_millis() / 1000 + 1);
    let token = format!("Bearer {}", server.key.sign(&claims));

    let mut reader = served.connect_with("", &[("authorization", &token)]).await;

    assert_eq!(reason(&mut reader).await, "expired");
    served.stop().await;
}
