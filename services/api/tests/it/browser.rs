//! A browser as far as logins matter: it keeps cookies and goes where it is sent, one step at a time.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};
use url::Url;

use crate::app::{Answer, Call, TestApp};
use crate::login_server::{CLIENT, LoginServer};

/// A browser.
#[derive(Clone, Default)]
pub(crate) struct Browser {
    pub(crate) jar: BTreeMap<String, String>,
}

/// What the login server was asked.
pub(crate) struct Asked(pub(crate) BTreeMap<String, String>);

impl Browser {
    /// Opens an address below us.
    pub(crate) async fn open(&mut self, app: &TestApp, path: &str) -> Answer {
        let answer = self.call(app, Method::GET, path).send().await;
        self.keep(&answer);
        answer
    }

    /// Calls as a page of ours does.
    pub(crate) async fn post(&mut self, app: &TestApp, path: &str) -> Answer {
        let call = self.call(app, Method::POST, path).header("sec-fetch-site", "same-origin");
        let answer = call.json(json!({})).send().await;
        self.keep(&answer);
        answer
    }

    /// A call with all cookies.
    pub(crate) fn call<'a>(&self, app: &'a TestApp, method: Method, path: &str) -> Call<'a> {
        let call = app.raw(method, path);
        if self.jar.is_empty() { call } else { call.header("cookie", self.cookies()) }
    }

    pub(crate) fn cookies(&self) -> String {
        let pairs: Vec<String> = self.jar.iter().map(|(k, v)| format!("{k}={v}")).collect();
        pairs.join("; ")
    }

    pub(crate) fn keep(&mut self, answer: &Answer) {
        for line in answer.headers.get_all("set-cookie") {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if line.contains("Max-Age=0") {
                self.jar.remove(name);
            } else {
                self.jar.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// Begins a login; returns what the login server is asked.
    pub(crate) async fn begin(&mut self, app: &TestApp, return_to: &str) -> Asked {
        let query: String = url::form_urlencoded::byte_serialize(return_to.as_bytes()).collect();
        let answer = self.open(app, &format!("/auth/login?return_to={query}")).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        Asked::read(answer.header("location"))
    }

    /// Comes back from the login server.
    pub(crate) async fn end(&mut self, app: &TestApp, state: &str) -> Answer {
        self.open(app, &format!("/auth/callback?code=c&state={state}&session_state=x")).await
    }

    /// Logs somebody in.
    pub(crate) async fn log_in(&mut self, app: &TestApp, server: &LoginServer, roles: &[&str]) {
        let asked = self.begin(app, "/").await;
        server.grant(&asked, app, roles);
        let answer = self.end(app, asked.get("state")).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/"), "{}", answer.text);
    }

    /// Who the browser is logged in as; nothing when it is not.
    pub(crate) async fn session(&mut self, app: &TestApp) -> Value {
        let answer = self.open(app, "/api/v1/session").await;
        if answer.status == 401 { Value::Null } else { answer.expect(200) }
    }
}

impl Asked {
    pub(crate) fn read(location: &str) -> Self {
        Self(Url::parse(location).unwrap().query_pairs().into_owned().collect())
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).unwrap_or_else(|| panic!("{name} is not in {:?}", self.0))
    }
}

impl LoginServer {
    /// What a good ID token of a login says.
    pub(crate) fn id_claims(&self, asked: &Asked, app: &TestApp) -> Value {
        let seconds = app.fleet.now().as_millis() / 1000;
        json!({
            "iss": self.issuer(), "sub": "4711", "aud": CLIENT, "nonce": asked.get("nonce"), "sid": "s-1",
            "preferred_username": "ada", "iat": seconds, "exp": seconds + 300,
        })
    }

    /// Answers the code of this login with tokens that give roles.
    pub(crate) fn grant(&self, asked: &Asked, app: &TestApp, roles: &[&str]) {
        let id = self.key.sign(&self.id_claims(asked, app));
        self.answer(app, roles, &json!({ "id_token": id }));
    }

    /// Answers with an access token that gives roles, and more.
    pub(crate) fn answer(&self, app: &TestApp, roles: &[&str], more: &Value) {
        let mut grant = json!({
            "access_token": self.token(roles, app.fleet.now()), "refresh_token": "of-the-first-login",
            "token_type": "Bearer", "expires_in": 300,
        });
        for (name, value) in more.as_object().unwrap() {
            grant[name] = value.clone();
        }
        *self.desk.grant.lock().unwrap() = Some(grant);
    }
}
