//! Bearer tokens of a login server: what opens the API, what does not, and a login server that is away.

use std::sync::atomic::Ordering;
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::app::{Answer, TestApp};
use crate::login_server::{LoginServer, SigningKey, message, section};

/// The longest that anything is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// The API once it knows the login server.
pub(crate) async fn app_of(server: &LoginServer) -> TestApp {
    knowing(TestApp::with_login(server.section())).await
}

pub(crate) async fn knowing(app: TestApp) -> TestApp {
    said_of_login(&app, |said| said == "ok").await;
    app
}

/// Waits until readiness says this of the login server.
pub(crate) async fn said_of_login(app: &TestApp, fits: impl Fn(&str) -> bool) {
    let mut last = String::new();
    let waited = tokio::time::timeout(PATIENCE, async {
        loop {
            last = app.shell.ready.check().await.parts["login"].clone();
            if fits(&last) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "readiness says of the login server: {last}");
}

async fn read(app: &TestApp, token: &str) -> Answer {
    app.call(Method::GET, "/workers").bearer(token).send().await
}

#[tokio::test]
async fn a_token_opens_what_its_roles_allow() {
    let server = LoginServer::start().await;
    let app = app_of(&server).await;
    let now = app.fleet.now();

    for (roles, role, reads, ends) in [
        (&["user", "offline_access"][..], json!("viewer"), 200, 403),
        (&["manager"], json!("operator"), 200, 403),
        (&["viewer", "admin"], json!("admin"), 200, 404),
        (&["Admin", "root"], Value::Null, 403, 403),
        (&[], Value::Null, 403, 403),
    ] {
        let token = server.token(roles, now);
        let session = app.call(Method::GET, "/session").bearer(&token).send().await.expect(200);
        assert_eq!((&session["user"]["name"], &session["role"]), (&json!("ada"), &role));
        assert_eq!(session["mode"], "oidc");
        assert_eq!(session["expires_at"], "2026-02-02T02:45:00Z", "{session}");
        assert_eq!(read(&app, &token).await.status, reads, "{roles:?}");
        let end = app.call(Method::DELETE, "/system/streams/1").bearer(&token).send().await;
        assert_eq!(end.status, ends, "{roles:?}");
    }
}

#[tokio::test]
async fn programs_are_told_from_people() {
    let server = LoginServer::start().await;
    let app = app_of(&server).await;
    let mut claims = server.claims(&["viewer"], app.fleet.now());

    for (login, subject, name, kind) in [
        (json!("ada"), "4711", "ada", "person"),
        (Value::Null, "4711", "4711", "person"),
        (json!("a\nb\u{7}"), "4711", "ab", "person"),
        (json!("service-account-backup"), "4712", "service-account-backup", "token"),
        (Value::Null, "elsewhere", "elsewhere", "token"),
    ] {
        (claims["preferred_username"], claims["sub"]) = (login, json!(subject));
        let call = app.call(Method::GET, "/session").bearer(&server.key.sign(&claims));
        let user = call.send().await.expect(200)["user"].clone();
        assert_eq!(user, json!({ "name": name, "kind": kind }));
    }
}

#[tokio::test]
async fn other_algorithms_of_the_list_prove_as_much() {
    let server = LoginServer::start().await;
    let curve = SigningKey::ec("curve");
    server.show(&[&server.key, &curve]);
    let app = app_of(&server).await;

    let token = curve.sign(&server.claims(&["viewer"], app.fleet.now()));

    assert_eq!(read(&app, &token).await.status, 200);
}

/// Tokens that somebody could make who has no key of the login server.
fn forged(server: &LoginServer, good: &Value) -> Vec<(&'static str, String)> {
    let key = server.key.shown();
    let own = SigningKey::rsa("first");
    let hs = message(&json!({ "alg": "HS256", "kid": "first" }), good);
    let with_secret = |secret: &[u8]| {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), hs.as_bytes());
        format!("{hs}.{}", URL_SAFE_NO_PAD.encode(tag))
    };
    let none = |alg: &str| message(&json!({ "alg": alg, "kid": "first" }), good);
    let real = server.key.sign(good);
    let (body, signature) = real.rsplit_once('.').unwrap();
    let mut richer = good.clone();
    richer["realm_access"]["roles"] = json!(["admin"]);
    let other_body = message(&json!({ "alg": "RS256", "kid": "first" }), &richer);
    let head = |header: Value| server.key.sign_under(&header, good);
    vec![
        ("no signature", format!("{}.", none("none"))),
        ("no signature, in capitals", format!("{}.", none("NONE"))),
        ("no signature under a good name", format!("{}.", none("RS256"))),
        (
            "the public key as a secret",
            with_secret(&URL_SAFE_NO_PAD.decode(key["n"].as_str().unwrap()).unwrap()),
        ),
        ("the shown key as a secret", with_secret(key.to_string().as_bytes())),
        ("an empty secret", with_secret(b"")),
        ("another key under the same name", own.sign(good)),
        ("another body under a good signature", format!("{other_body}.{signature}")),
        ("a cut signature", format!("{body}.{}", &signature[..signature.len() - 4])),
        ("another algorithm of the same key", head(json!({ "alg": "PS256", "kid": "first" }))),
        ("an algorithm of another kind of key", head(json!({ "alg": "ES256", "kid": "first" }))),
        ("critical headers", head(json!({ "alg": "RS256", "kid": "first", "crit": ["b64"] }))),
        ("its own key", {
            let header = json!({ "alg": "RS256", "kid": "mine", "jwk": own.shown(), "jku": "http://evil.example" });
            own.sign_under(&header, good)
        }),
        ("a token of nothing", "..".to_owned()),
        ("no token", "nonsense".to_owned()),
        ("an endless token", format!("{}.x.y", "a".repeat(20_000))),
        ("a token of five parts", format!("{real}.x.y")),
    ]
}

/// Tokens that the login server made, but not for this or not now.
fn misused(server: &LoginServer, good: &Value) -> Vec<(&'static str, String)> {
    let now = good["iat"].as_i64().unwrap();
    let signed = |changes: Value| {
        let mut claims = good.clone();
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        server.key.sign(&claims)
    };
    let typed = |typ: &str| {
        server.key.sign_under(&json!({ "alg": "RS256", "kid": "first", "typ": typ }), good)
    };
    vec![
        ("another issuer", signed(json!({ "iss": "http://evil.example" }))),
        ("an issuer with a slash", signed(json!({ "iss": format!("{}/", server.issuer()) }))),
        ("no issuer", signed(json!({ "iss": null }))),
        ("another audience", signed(json!({ "aud": "grafana" }))),
        ("other audiences", signed(json!({ "aud": ["account", "ccm2"] }))),
        ("no audience", signed(json!({ "aud": null }))),
        ("our id as authorized party only", signed(json!({ "aud": "account", "azp": "ccm" }))),
        ("an end that has passed", signed(json!({ "exp": now - 31 }))),
        ("no end", signed(json!({ "exp": null }))),
        ("an end that is text", signed(json!({ "exp": "tomorrow" }))),
        ("a beginning that has not come", signed(json!({ "nbf": now + 60 }))),
        ("a birth that has not come", signed(json!({ "iat": now + 60 }))),
        ("nobody", signed(json!({ "sub": null }))),
        ("an ID token of Keycloak", signed(json!({ "typ": "ID" }))),
        ("a refresh token of Keycloak", signed(json!({ "typ": "Refresh" }))),
        ("an ID token of anybody", signed(json!({ "typ": null, "nonce": "n" }))),
        ("an ID token with a hash", signed(json!({ "typ": null, "at_hash": "h" }))),
        ("a logout token", signed(json!({ "typ": null, "events": { "x": {} } }))),
        ("a logout token by its header", typed("logout+jwt")),
    ]
}

#[tokio::test]
async fn tokens_that_prove_nothing_open_nothing() {
    let server = LoginServer::start().await;
    let app = app_of(&server).await;
    let good = server.claims(&["admin"], app.fleet.now());
    let before = app.everything().await;
    assert_eq!(read(&app, &server.key.sign(&good)).await.status, 200);

    for (what, token) in forged(&server, &good).into_iter().chain(misused(&server, &good)) {
        let answer = read(&app, &token).await;
        assert_eq!((answer.status, answer.code().as_str()), (401, "unauthenticated"), "{what}");
        assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"ccm\"", "{what}");
        assert_eq!(answer.pointers(), ["header/Authorization"], "{what}");
        let import = app.call(Method::POST, "/workers/import").bearer(&token);
        let import = import.header("idempotency-key", "k").json(json!({ "ami_id": "ami-1" }));
        assert_eq!(import.send().await.status, 401, "{what}");
    }
    let nothing = app.call(Method::GET, "/workers").send().await;
    nothing.refused(401, "unauthenticated");
    let dev = app.call(Method::GET, "/workers").role("admin").send().await;
    dev.refused(401, "unauthenticated");

    assert_eq!(app.everything().await, before);
}

#[tokio::test]
async fn clocks_may_be_a_little_apart() {
    let server = LoginServer::start().await;
    let app = app_of(&server).await;
    let now = app.fleet.now();
    let later = server.token(&["viewer"], now.plus(Duration::from_secs(29)));

    assert_eq!(read(&app, &later).await.status, 200);
    app.clock.advance(Duration::from_secs(29 + 300 + 29));
    assert_eq!(read(&app, &later).await.status, 200);
    app.clock.advance(Duration::from_secs(2));
    let refused = read(&app, &later).await.refused(401, "unauthenticated");

    assert!(refused["detail"].as_str().unwrap().contains("expired"), "{refused}");
}

#[tokio::test]
async fn a_new_key_is_fetched_once_and_made_up_ones_fetch_nothing() {
    let server = LoginServer::start().await;
    let app = app_of(&server).await;
    let claims = server.claims(&["viewer"], app.fleet.now());
    let (old, next) = (server.key.sign(&claims), SigningKey::rsa("second"));
    server.show(&[&next]);
    let asked = server.times_asked();

    let fresh = next.sign(&claims);
    let all = futures_util::future::join_all((0..20).map(|_| read(&app, &fresh))).await;

    assert!(all.iter().all(|answer| answer.status == 200), "{all:?}");
    assert_eq!(server.times_asked(), asked + 1);
    for n in 0..20 {
        let made_up = SigningKey::ec(&format!("made-up-{n}")).sign(&claims);
        assert_eq!(read(&app, &made_up).await.status, 401);
    }
    assert_eq!(read(&app, &old).await.status, 401, "its key is not shown any more");
    assert_eq!(server.times_asked(), asked + 1);
}

#[tokio::test]
async fn a_login_server_that_is_away_keeps_nobody_from_starting_and_is_found_when_it_comes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let app = TestApp::with_login(section(&format!("http://{address}")));

    let answer = read(&app, "a.b.c").await;
    let readiness = app.shell.ready.check().await;

    answer.refused(503, "login_unavailable");
    assert_eq!(answer.header("retry-after"), "3");
    assert_eq!(app.get("/workers").await.status, 401, "who brings nothing is told so anyway");
    assert!(readiness.ready, "it can serve those whom it knows");
    assert_ne!(readiness.parts["login"], "ok");
    let server = LoginServer::start_at(TcpListener::bind(address).await.unwrap()).await;
    let app = knowing(app).await;
    assert_eq!(read(&app, &server.token(&["viewer"], app.fleet.now())).await.status, 200);
}

#[tokio::test]
async fn a_login_server_that_is_somebody_else_is_not_believed() {
    for says in [
        json!({ "issuer": "https://evil.example" }),
        json!({ "jwks_uri": "ftp://evil.example/keys" }),
        json!({ "token_endpoint": null }),
        json!({ "filler": "x".repeat(300_000) }),
    ] {
        let server = LoginServer::start().await;
        *server.desk.says.lock().unwrap() = says;
        let app = TestApp::with_login(server.section());

        said_of_login(&app, |said| said.contains("not reached")).await;
        let token = server.token(&["admin"], app.fleet.now());

        read(&app, &token).await.refused(503, "login_unavailable");
        assert_eq!(server.times_asked(), 0);
    }
}

#[tokio::test]
async fn a_login_server_that_fails_later_leaves_its_last_keys() {
    let server = LoginServer::start().await;
    let app = app_of(&server).await;
    server.desk.is_down.store(true, Ordering::SeqCst);

    let token = server.token(&["viewer"], app.fleet.now());

    assert_eq!(read(&app, &token).await.status, 200);
}
