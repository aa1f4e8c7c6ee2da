//! Events from outside, on the relay's own port.

use std::net::SocketAddr;
use std::sync::Arc;

use ccm_app::Fleet;
use ccm_config::section::{DrainSection, HttpSection, InboundSection};
use ccm_events::signature::{self, SigningKey};
use ccm_ports::{Clock as _, Query, Receipt, SystemClock};
use ccm_runtime::Shell;
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::desk::Desk;
use crate::outside::SECRET;

const BATCH: &str = "application/cloudevents-batch+json";
const STRUCTURED: &str = "application/cloudevents+json";

/// A relay that takes events of whoever signs them.
struct Port {
    desk: Desk,
    shell: Shell,
    address: SocketAddr,
}

impl Port {
    fn open() -> Self {
        Self::with(&InboundSection {
            secret: [SECRET].into_iter().collect(),
            origins: vec!["*".to_owned()],
            ..InboundSection::for_testing()
        })
    }

    fn with(section: &InboundSection) -> Self {
        let (desk, shell) = (Desk::new(), Shell::for_testing());
        let opened =
            ccm_relay::take_events(&fleet(&desk), section, &HttpSection::for_testing(), &shell);
        Self { desk, shell, address: opened.unwrap().unwrap() }
    }

    fn url(&self) -> String {
        format!("http://{}/api/v1/events/inbound", self.address)
    }

    async fn send(&self, media: &str, body: &Value) -> Response {
        let body = body.to_string();
        let key: SigningKey = SECRET.parse().unwrap();
        let seconds = signature::seconds(SystemClock.now());
        let signature = signature::sign(&[key], "msg_1", &seconds, body.as_bytes());
        let request = Client::new()
            .post(self.url())
            .header("content-type", media)
            .header("webhook-id", "msg_1")
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", signature);
        request.body(body).send().await.unwrap()
    }

    async fn receipts(&self) -> Vec<Receipt> {
        self.desk.stores.receipts.list(&Query::default()).await.unwrap().items
    }

    async fn stop(self) {
        self.shell.stop(&DrainSection::for_testing()).await.unwrap();
    }
}

fn fleet(desk: &Desk) -> Fleet {
    Fleet {
        stores: desk.stores.clone(),
        clock: desk.clock.clone(),
        bell: Arc::new(desk.bus.clone()),
    }
}

fn event(id: &str) -> Value {
    json!({"specversion": "1.0", "id": id, "source": "/here", "type": "org.example.happened"})
}

async fn code(answer: Response) -> (u16, String) {
    let status = answer.status().as_u16();
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["status"], status);
    (status, problem["code"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn the_port_is_not_opened_without_a_secret() {
    let (desk, shell) = (Desk::new(), Shell::for_testing());

    let section = InboundSection::for_testing();
    let opened =
        ccm_relay::take_events(&fleet(&desk), &section, &HttpSection::for_testing(), &shell);

    assert_eq!(opened.unwrap(), None);
}

#[tokio::test]
async fn signed_events_are_taken_once() {
    let port = Port::open();

    let answer = port.send(BATCH, &json!([event("a"), event("b"), event("a")])).await;
    assert_eq!(answer.status(), 202);
    let counts: Value = answer.json().await.unwrap();
    assert_eq!(counts, json!({"accepted": 2, "known": 1}));
    assert_eq!(port.send(STRUCTURED, &event("b")).await.status(), 204);

    assert_eq!(port.receipts().await.len(), 2);
    let text = port.shell.metrics.render().unwrap();
    for line in ["{outcome=\"ignored\"} 2", "{outcome=\"known\"} 2"] {
        let line = format!("ccm_inbound_events_total{line}");
        assert!(text.contains(&line), "{line} is not in\n{text}");
    }
    port.stop().await;
}

#[tokio::test]
async fn refusals_are_problems_with_the_codes_of_the_api() {
    let port = Port::open();
    let (client, url) = (Client::new(), port.url());

    let unsigned = client.post(&url).header("content-type", STRUCTURED).body("{}");
    let unsigned = unsigned.send().await.unwrap();
    assert!(unsigned.headers()["www-authenticate"].to_str().unwrap().starts_with("Bearer"));
    assert_eq!(code(unsigned).await, (401, "unauthenticated".to_owned()));
    for (media, body, expected) in [
        ("text/plain", json!({}), (415, "unsupported_media_type")),
        (STRUCTURED, json!("x".repeat(1 << 20)), (413, "body_too_large")),
        (STRUCTURED, json!("x".repeat(64 << 10)), (413, "body_too_large")),
        (STRUCTURED, json!({"id": "a"}), (400, "invalid_event")),
    ] {
        let (status, word) = code(port.send(media, &body).await).await;
        assert_eq!((status, word.as_str()), expected);
    }
    let elsewhere = client.get(format!("http://{}/", port.address)).send().await.unwrap();
    assert_eq!(code(elsewhere).await, (404, "no_such_route".to_owned()));
    let other = client.get(&url).send().await.unwrap();
    assert!(other.headers().contains_key("allow"));
    assert_eq!(code(other).await, (405, "method_not_allowed".to_owned()));

    assert!(port.receipts().await.is_empty());
    let text = port.shell.metrics.render().unwrap();
    let line = "ccm_inbound_declined_total{reason=\"body_too_large\"} 2";
    assert!(text.contains(line), "{line} is not in\n{text}");
    port.stop().await;
}

#[tokio::test]
async fn each_attribute_that_is_wrong_is_named() {
    let port = Port::open();
    let wrong = json!([event("a"), {"specversion": "1.0", "id": "", "source": "/", "time": "now"}]);

    let problem: Value = port.send(BATCH, &wrong).await.json().await.unwrap();

    let errors = problem["errors"].as_array().unwrap().iter();
    let pointers: Vec<_> = errors.map(|error| error["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/1/id", "/1/type", "/1/time"]);
    port.stop().await;
}

#[tokio::test]
async fn a_rate_that_is_used_up_is_told_with_when_there_is_room() {
    let port = Port::with(&InboundSection {
        secret: [SECRET].into_iter().collect(),
        rate: 2,
        ..InboundSection::for_testing()
    });
    assert_eq!(port.send(BATCH, &json!([event("a"), event("b")])).await.status(), 202);

    let answer = port.send(STRUCTURED, &event("c")).await;

    let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((29..=30).contains(&wait), "{wait}");
    assert_eq!(code(answer).await, (429, "too_many_events".to_owned()));
    port.stop().await;
}

#[tokio::test]
async fn consent_names_the_sender_and_the_rate() {
    let port = Port::open();
    let ask = Client::new().request(Method::OPTIONS, port.url());

    let answer = ask.header("webhook-request-origin", "hooks.example").send().await.unwrap();

    assert_eq!(answer.status(), 204);
    assert_eq!(answer.headers()["webhook-allowed-origin"], "hooks.example");
    assert_eq!(answer.headers()["webhook-allowed-rate"], "300");
    port.stop().await;
}

#[tokio::test]
async fn an_event_that_is_being_sent_is_taken_before_the_process_ends() {
    let port = Port::with(&InboundSection {
        bearer: ["a-token-of-twenty-xx"].into_iter().collect(),
        ..InboundSection::for_testing()
    });
    let body = event("a").to_string();
    let head = format!(
        "POST /api/v1/events/inbound HTTP/1.1\r\nhost: relay\r\ncontent-type: {STRUCTURED}\r\n\
         authorization: Bearer a-token-of-twenty-xx\r\ncontent-length: {}\r\n\
         expect: 100-continue\r\n\r\n",
        body.len()
    );
    let mut sender = TcpStream::connect(port.address).await.unwrap();
    sender.write_all(head.as_bytes()).await.unwrap();
    // Told so, the body is waited for.
    let mut go_on = [0; 25];
    sender.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");

    let drain = DrainSection::for_testing();
    let finish = async {
        port.shell.stopping().cancelled().await;
        sender.write_all(body.as_bytes()).await.unwrap();
        let mut answer = String::new();
        sender.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let (stopped, answer) = tokio::join!(port.shell.stop(&drain), finish);

    assert!(answer.starts_with("HTTP/1.1 202 Accepted\r\n"), "{answer}");
    stopped.unwrap();
    assert!(TcpStream::connect(port.address).await.is_err());
    assert_eq!(port.receipts().await.len(), 1);
}
