//! Logins of browsers: the way in, everything that does not lead in, and the way out.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ccm_ports::{Login, Query};
use http::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::app::TestApp;
use crate::browser::{Asked, Browser};
use crate::login_server::{LoginServer, SigningKey, message};
use crate::tokens::app_of;

async fn logins(app: &TestApp) -> Vec<Login> {
    app.stores().logins.list(&Query::default()).await.unwrap().items
}

/// The API, its login server, and a browser that is logged in.
async fn logged_in(roles: &[&str]) -> (LoginServer, TestApp, Browser) {
    let server = LoginServer::start().await;
    let app = app_of(&server).await;
    let mut browser = Browser::default();
    browser.log_in(&app, &server, roles).await;
    (server, app, browser)
}

#[tokio::test]
async fn a_browser_logs_in_and_keeps_nothing_but_a_cookie() {
    let server = LoginServer::start().await;
    let app = app_of(&server).await;
    let mut browser = Browser::default();

    let asked = browser.begin(&app, "/labs?q=a b").await;
    assert_eq!(browser.jar.len(), 1);
    server.grant(&asked, &app, &["manager"]);
    let answer = browser.end(&app, asked.get("state")).await;

    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "ccm"),
        ("redirect_uri", "http://127.0.0.1:8080/auth/callback"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(asked.get(name), value);
    }
    let form = server.desk.form.lock().unwrap().clone();
    assert_eq!((form["grant_type"].as_str(), form["code"].as_str()), ("authorization_code", "c"));
    assert_eq!(form["redirect_uri"], "http://127.0.0.1:8080/auth/callback");
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
    assert_eq!(challenge, asked.get("code_challenge"));
    // A path with a space is none.
    assert_eq!((answer.status, answer.header("location")), (303, "/"));
    let set = answer
        .headers
        .get_all("set-cookie")
        .iter()
        .find(|c| c.as_bytes().starts_with(b"ccm_session="));
    let set = set.unwrap().to_str().unwrap();
    assert!(set.ends_with("; Path=/; Max-Age=86400; HttpOnly; SameSite=Strict"), "{set}");
    assert_eq!(browser.jar.keys().collect::<Vec<_>>(), ["ccm_session"]);
    let session = browser.session(&app).await;
    assert_eq!(session["user"], json!({ "name": "ada", "kind": "person" }));
    assert_eq!((&session["role"], &session["mode"]), (&json!("operator"), &json!("oidc")));
    assert_eq!(session["expires_at"], "2026-02-02T10:40:00Z");
}

#[tokio::test]
async fn what_is_stored_opens_no_door() {
    let (server, app, browser) = logged_in(&["admin"]).await;

    let stored = serde_json::to_string(&logins(&app).await).unwrap();

    let grant = server.desk.grant.lock().unwrap().clone().unwrap();
    for secret in
        [&browser.jar["ccm_session"], grant["access_token"].as_str().unwrap(), "of-the-first-login"]
    {
        assert!(!stored.contains(secret), "{stored}");
    }
    let key = &logins(&app).await[0].key;
    let mut thief = Browser { jar: [("ccm_session".to_owned(), key.clone())].into() };
    assert_eq!(thief.session(&app).await, Value::Null);
}

#[tokio::test]
async fn any_process_serves_a_login_and_a_new_one_has_a_new_cookie() {
    let (server, app, mut browser) = logged_in(&["viewer"]).await;
    let other = app.twin(server.section());
    let first = browser.jar["ccm_session"].clone();

    assert_eq!(browser.session(&other).await["role"], "viewer");
    browser.log_in(&app, &server, &["admin"]).await;

    assert_ne!(browser.jar["ccm_session"], first);
    assert_eq!(browser.session(&other).await["role"], "admin");
    assert_eq!(logins(&app).await.len(), 1);
    let mut old = Browser { jar: [("ccm_session".to_owned(), first)].into() };
    assert_eq!(old.session(&app).await, Value::Null);
}

#[tokio::test]
async fn a_way_back_leads_to_us_or_home() {
    let server = LoginServer::start().await;
    let app = app_of(&server).await;

    for (asked_for, led_to) in [
        ("/workers/1?tab=labs", "/workers/1?tab=labs"),
        ("//evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("/auth/logout", "/"),
        ("", "/"),
    ] {
        let mut browser = Browser::default();
        let asked = browser.begin(&app, asked_for).await;
        server.grant(&asked, &app, &["viewer"]);
        let answer = browser.end(&app, asked.get("state")).await;
        assert_eq!((answer.status, answer.header("location")), (303, led_to), "{asked_for:?}");
    }
}

/// ID tokens that prove nothing about this login.
fn wrong_id_tokens(server: &LoginServer, good: &Value) -> Vec<(&'static str, Value)> {
    let now = good["iat"].as_i64().unwrap();
    let signed = |changes: Value| {
        let mut claims = good.clone();
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        json!(server.key.sign(&claims))
    };
    let none = message(&json!({ "alg": "none" }), good);
    vec![
        ("no ID token", Value::Null),
        ("another nonce", signed(json!({ "nonce": "of-another-login" }))),
        ("no nonce", signed(json!({ "nonce": null }))),
        ("another audience", signed(json!({ "aud": "grafana" }))),
        ("another party", signed(json!({ "aud": ["ccm", "grafana"], "azp": "grafana" }))),
        ("another issuer", signed(json!({ "iss": "https://evil.example" }))),
        ("an end that has passed", signed(json!({ "exp": now - 60 }))),
        ("no subject", signed(json!({ "sub": null }))),
        ("another access token", signed(json!({ "at_hash": "AAAAAAAAAAAAAAAAAAAAAA" }))),
        ("an access token in its place", signed(json!({ "typ": "Bearer" }))),
        ("a logout token in its place", signed(json!({ "events": {} }))),
        ("no signature", json!(format!("{none}."))),
        ("another key", json!(SigningKey::rsa("first").sign(good))),
    ]
}

#[tokio::test]
async fn tokens_that_do_not_prove_who_it_is_let_nobody_in() {
    let server = LoginServer::start().await;
    let app = app_of(&server).await;
    let probe = Asked(json_map(&json!({ "nonce": "n", "state": "s" })));

    for n in 0..wrong_id_tokens(&server, &server.id_claims(&probe, &app)).len() {
        let mut browser = Browser::default();
        let asked = browser.begin(&app, "/").await;
        let (what, id) = wrong_id_tokens(&server, &server.id_claims(&asked, &app)).swap_remove(n);
        server.answer(&app, &["admin"], &json!({ "id_token": id }));

        let answer = browser.end(&app, asked.get("state")).await;

        assert_eq!((answer.status, answer.code().as_str()), (400, "login_failed"), "{what}");
        assert!(!browser.jar.contains_key("ccm_session"), "{what}");
    }
    assert_eq!(logins(&app).await, []);
}

#[tokio::test]
async fn answers_that_are_not_of_this_browsers_login_let_nobody_in() {
    let server = LoginServer::start().await;
    let app = app_of(&server).await;
    let mut other = Browser::default();
    let others = other.begin(&app, "/").await;

    for (what, query) in [
        ("no state", "code=c"),
        ("an empty state", "code=c&state="),
        ("a state of nobody", "code=c&state=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        ("another browser's state", &format!("code=c&state={}", others.get("state"))),
        ("no code", "state=OWN"),
        ("a refusal", "state=OWN&error=access_denied&error_description=%3Cscript%3E"),
        ("another login server", "code=c&state=OWN&iss=https%3A%2F%2Fevil.example"),
    ] {
        let mut browser = Browser::default();
        let asked = browser.begin(&app, "/").await;
        server.grant(&asked, &app, &["admin"]);
        let query = query.replace("OWN", asked.get("state"));
        let answer = browser.open(&app, &format!("/auth/callback?{query}")).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "login_failed"), "{what}");
        assert!(!browser.jar.contains_key("ccm_session"), "{what}");
    }
    // Login CSRF: a stranger's whole answer, brought to a browser that began none, or to one that is late.
    server.grant(&others, &app, &["admin"]);
    let stranger = Browser::default().end(&app, others.get("state")).await;
    app.clock.advance(Duration::from_secs(600));
    let late = other.end(&app, others.get("state")).await;

    assert_eq!((stranger.code().as_str(), late.code().as_str()), ("login_failed", "login_failed"));
    assert_eq!(logins(&app).await, []);
    assert!(
        server.desk.form.lock().unwrap().is_empty(),
        "a code was sent that nobody here asked for"
    );
}

fn json_map(value: &Value) -> std::collections::BTreeMap<String, String> {
    serde_json::from_value(value.clone()).unwrap()
}

#[tokio::test]
async fn a_code_that_is_refused_lets_nobody_in_and_says_so_to_people() {
    let server = LoginServer::start().await;
    let app = app_of(&server).await;
    let mut browser = Browser::default();
    let asked = browser.begin(&app, "/").await;

    let path = format!("/auth/callback?code=used&state={}", asked.get("state"));
    let page = browser.call(&app, Method::GET, &path).header("accept", "text/html").send().await;

    assert_eq!((page.status, page.header("content-type")), (400, "text/html; charset=utf-8"));
    assert!(page.text.contains("did not accept the code"), "{}", page.text);
    assert!(page.text.contains("href=\"/auth/login\""), "{}", page.text);
}

#[tokio::test]
async fn other_sites_change_nothing_with_a_persons_cookie() {
    let (_server, app, browser) = logged_in(&["admin"]).await;
    let ends = logins(&app).await[0].ends_at;
    app.clock.advance(Duration::from_secs(60));
    let call = |headers: &[(&str, &str)]| {
        let call = browser.call(&app, Method::POST, "/api/v1/session/extend").json(json!({}));
        headers.iter().fold(call, |call, (name, value)| call.header(name, *value)).send()
    };

    for headers in [
        &[][..],
        &[("origin", "https://evil.example")],
        &[("origin", "http://127.0.0.1:9999")],
        &[("origin", "https://127.0.0.1:8080")],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site"), ("origin", "http://127.0.0.1:8080")],
    ] {
        let answer = call(headers).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "foreign_origin"), "{headers:?}");
    }
    let logout =
        browser.call(&app, Method::POST, "/auth/logout").header("origin", "https://evil.example");
    logout.send().await.refused(403, "foreign_origin");
    assert_eq!(logins(&app).await[0].ends_at, ends);

    for headers in [
        &[("origin", "http://127.0.0.1:8080")][..],
        &[("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "same-origin"), ("origin", "https://before.the.proxy")],
    ] {
        assert_eq!(call(headers).await.status, 200, "{headers:?}");
    }
    assert!(logins(&app).await[0].ends_at > ends);
}

#[tokio::test]
async fn a_login_lasts_a_working_day_and_a_day_at_most() {
    let (server, app, mut browser) = logged_in(&["viewer"]).await;
    let hours = |n: u64| Duration::from_secs(n * 3600);
    server.answer(&app, &["viewer"], &json!({}));
    app.clock.advance(hours(7));

    let stays = browser.post(&app, "/api/v1/session/extend").await.expect(200);
    assert_eq!(stays["expires_at"], "2026-02-02T17:40:00Z");
    for _ in 0..3 {
        app.clock.advance(hours(5));
        server.answer(&app, &["viewer"], &json!({}));
        browser.post(&app, "/api/v1/session/extend").await.expect(200);
    }
    let last = browser.session(&app).await;

    assert_eq!(last["expires_at"], "2026-02-03T02:40:00Z", "a day after the login");
    app.clock.advance(hours(2));
    assert_eq!(browser.session(&app).await, Value::Null);
    browser.post(&app, "/api/v1/session/extend").await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn a_logout_ends_the_login_everywhere_and_gives_the_token_back() {
    let (server, app, mut browser) = logged_in(&["admin"]).await;
    let mut copy = browser.clone();

    let left = browser.post(&app, "/auth/logout").await.expect(200);

    let door = Asked::read(left["location"].as_str().unwrap());
    assert_eq!(door.get("client_id"), "ccm");
    assert_eq!(door.get("post_logout_redirect_uri"), "http://127.0.0.1:8080/");
    assert_eq!(door.0.len(), 2, "an address is no place for a token");
    assert!(browser.jar.is_empty());
    assert_eq!(copy.session(&app).await, Value::Null);
    assert_eq!(*server.desk.revoked.lock().unwrap(), ["of-the-first-login"]);
    let again = copy.post(&app, "/auth/logout").await.expect(200);
    assert_eq!(again["location"], Value::Null);
}

#[tokio::test]
async fn roles_follow_the_login_server_within_minutes() {
    let (server, app, mut browser) = logged_in(&["admin"]).await;
    server.answer(&app, &["user"], &json!({ "refresh_token": "of-the-second-question" }));

    app.clock.advance(Duration::from_secs(299));
    assert_eq!(browser.session(&app).await["role"], "admin", "nobody was asked yet");
    app.clock.advance(Duration::from_secs(1));
    let all = futures_util::future::join_all((0..8).map(|_| {
        let mut browser = browser.clone();
        let app = &app;
        async move { browser.session(app).await["role"].clone() }
    }));
    let all = all.await;

    assert!(all.contains(&json!("viewer")), "{all:?}");
    assert_eq!(browser.session(&app).await["role"], "viewer");
    assert_eq!(
        server.desk.form.lock().unwrap()["refresh_token"],
        "of-the-first-login",
        "asked once"
    );
    app.clock.advance(Duration::from_secs(300));
    server.answer(&app, &[], &json!({}));
    assert_eq!(browser.session(&app).await["role"], Value::Null);
    assert_eq!(server.desk.form.lock().unwrap()["refresh_token"], "of-the-second-question");
}

#[tokio::test]
async fn a_login_that_the_login_server_ended_ends_and_one_that_it_does_not_speak_of_holds() {
    let (server, app, mut browser) = logged_in(&["admin"]).await;
    app.clock.advance(Duration::from_secs(300));

    server.desk.is_down.store(true, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(browser.session(&app).await["role"], "admin", "it cannot be asked");
    app.clock.advance(Duration::from_secs(60));
    server.desk.is_down.store(false, std::sync::atomic::Ordering::SeqCst);
    *server.desk.grant.lock().unwrap() = None;
    let ended = browser.session(&app).await;

    assert_eq!(ended, Value::Null);
    assert_eq!(logins(&app).await, []);
}

#[tokio::test]
async fn an_answer_about_somebody_else_changes_no_roles() {
    let (server, app, mut browser) = logged_in(&["viewer"]).await;
    let mut claims = server.claims(&["admin"], app.fleet.now().plus(Duration::from_secs(300)));
    claims["sub"] = json!("somebody else");
    server.answer(&app, &[], &json!({ "access_token": server.key.sign(&claims) }));
    app.clock.advance(Duration::from_secs(300));

    assert_eq!(browser.session(&app).await["role"], "viewer");
}

#[tokio::test]
async fn in_dev_mode_there_is_no_login() {
    let app = TestApp::new();

    for (method, path) in [
        (Method::GET, "/auth/login"),
        (Method::GET, "/auth/callback?code=c&state=s"),
        (Method::POST, "/auth/logout"),
        (Method::POST, "/auth/backchannel-logout"),
    ] {
        app.raw(method, path).send().await.refused(404, "login_off");
    }
}
