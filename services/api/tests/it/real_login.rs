//! The whole way with a login server that others wrote: `dev/sim-oidc`, which is npm's `oidc-provider`.

use std::collections::BTreeMap;
use std::process::Stdio;

use ccm_api::ApiConfig;
use ccm_config::section::{AuthMode, AuthSection, DrainSection};
use ccm_ports::{Clock as _, SystemClock};
use reqwest::header::{LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStdout, Command};
use url::Url;

use crate::app::TestApp;
use crate::login_server::section;
use crate::tokens::knowing;

/// The provider and the API, each on a port of its own.
struct Place {
    provider: String,
    api: String,
    app: TestApp,
    /// It ends when it has nowhere to write to.
    _process: (Child, Lines<BufReader<ChildStdout>>),
}

/// A browser that goes wherever it is sent.
struct Browser {
    http: reqwest::Client,
    jar: BTreeMap<String, String>,
}

impl Place {
    async fn build() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let provider = format!("http://{address}");
        // The API comes first: it does not wait for its login server.
        let mut oidc = section(&provider);
        oidc.client_secret = "ccm".into();
        let app = TestApp::new_at(SystemClock.now());
        let mut config = ApiConfig::for_testing();
        config.auth = AuthSection { mode: AuthMode::Oidc, oidc: Some(oidc) };
        let port = ccm_api::start(app.deps(), &config, &app.shell).await.unwrap();
        let api = format!("http://{port}");
        let process = Self::start(&address.to_string(), &api).await;
        Self { provider, api, app: knowing(app).await, _process: process }
    }

    async fn start(listen: &str, app: &str) -> (Child, Lines<BufReader<ChildStdout>>) {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../dev/sim-oidc");
        let is_there = std::path::Path::new(folder).join("node_modules/oidc-provider").exists();
        assert!(is_there, "the login server is not installed: run dev/setup unit");
        let mut process = Command::new("node")
            .args(["server.mjs", "--listen", listen, "--app", app])
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.starts_with("sim-oidc serves") {
                return (process, lines);
            }
        }
        panic!("the login server did not start");
    }

    /// Changes at the login server what somebody may do; with no roles nobody of that name is left.
    async fn change(&self, name: &str, roles: Option<&[&str]>) {
        let url = format!("{}/_sim/people/{name}", self.provider);
        let http = reqwest::Client::new();
        let request = match roles {
            Some(roles) => http.post(url).json(&json!({ "roles": roles })),
            None => http.delete(url),
        };
        assert_eq!(request.send().await.unwrap().status(), 204);
    }

    async fn stop(self) {
        self.app.shell.stop(&DrainSection::for_testing()).await.unwrap();
    }
}

impl Browser {
    fn new() -> Self {
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            // The provider closes idle connections when it likes.
            .pool_max_idle_per_host(0)
            .build()
            .unwrap();
        Self { http, jar: BTreeMap::new() }
    }

    /// Opens an address and goes on until there is a page; returns where that is, and its text.
    async fn open(&mut self, url: &str) -> (Url, String) {
        let request = self.http.get(url);
        self.go(url.parse().unwrap(), request).await
    }

    async fn submit(&mut self, url: &Url, form: &[(&str, &str)]) -> (Url, String) {
        let request = self.http.post(url.clone()).form(form);
        self.go(url.clone(), request).await
    }

    async fn go(&mut self, mut at: Url, mut request: reqwest::RequestBuilder) -> (Url, String) {
        loop {
            let cookies: Vec<String> = self.jar.iter().map(|(k, v)| format!("{k}={v}")).collect();
            let answer = request.header("cookie", cookies.join("; ")).send().await.unwrap();
            for line in answer.headers().get_all(SET_COOKIE) {
                let pair = line.to_str().unwrap().split(';').next().unwrap();
                let (name, value) = pair.split_once('=').unwrap();
                self.jar.insert(name.to_owned(), value.to_owned());
                self.jar.retain(|_, value| !value.is_empty());
            }
            let Some(to) = answer.headers().get(LOCATION) else {
                return (at, answer.text().await.unwrap());
            };
            at = at.join(to.to_str().unwrap()).unwrap();
            request = self.http.get(at.clone());
        }
    }

    async fn log_in(&mut self, place: &Place, name: &str) -> Url {
        let begin = format!("{}/auth/login?return_to=/labs", place.api);
        let (form, page) = self.open(&begin).await;
        assert!(
            form.as_str().starts_with(&place.provider) && page.contains("password"),
            "{form} {page}"
        );
        let fields = [("prompt", "login"), ("login", name), ("password", "anything")];
        self.submit(&form, &fields).await.0
    }

    async fn session(&mut self, place: &Place) -> Value {
        let (_, text) = self.open(&format!("{}/api/v1/session", place.api)).await;
        serde_json::from_str(&text).unwrap()
    }
}

#[tokio::test]
async fn people_log_in_with_a_provider_that_others_wrote() {
    let place = Place::build().await;

    for (name, role) in [("ada", "admin"), ("max", "operator"), ("uma", "viewer")] {
        let mut browser = Browser::new();
        let landed = browser.log_in(&place, name).await;
        assert_eq!(landed.as_str(), format!("{}/labs", place.api));
        let session = browser.session(&place).await;
        assert_eq!((&session["user"]["name"], &session["role"]), (&json!(name), &json!(role)));
    }

    place.stop().await;
}

#[tokio::test]
async fn a_login_follows_the_provider_and_ends_with_it() {
    let place = Place::build().await;
    let mut browser = Browser::new();
    browser.log_in(&place, "max").await;
    place.change("max", Some(&["admin"])).await;
    let minute = std::time::Duration::from_secs(61);

    assert_eq!(browser.session(&place).await["role"], "operator");
    place.app.clock.advance(minute);
    assert_eq!(browser.session(&place).await["role"], "admin");
    place.change("max", None).await;
    place.app.clock.advance(minute);

    assert_eq!(browser.session(&place).await["code"], "unauthenticated");
    place.stop().await;
}

#[tokio::test]
async fn a_logout_at_the_provider_is_told_to_us() {
    let place = Place::build().await;
    let (mut browser, mut other) = (Browser::new(), Browser::new());
    browser.log_in(&place, "ada").await;
    other.log_in(&place, "uma").await;

    let (at, page) = browser.open(&format!("{}/session/end?client_id=ccm", place.provider)).await;
    let secret = page.split("name=\"xsrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let confirm = at.join("/session/end/confirm").unwrap();
    browser.submit(&confirm, &[("xsrf", secret), ("logout", "yes")]).await;

    assert_eq!(browser.session(&place).await["code"], "unauthenticated");
    assert_eq!(other.session(&place).await["role"], "viewer");
    place.stop().await;
}

#[tokio::test]
async fn programs_call_with_a_token_of_their_own() {
    let place = Place::build().await;
    let http = reqwest::Client::new();
    let grant = [("grant_type", "client_credentials")];
    let asked = http.post(format!("{}/token", place.provider)).basic_auth("robot", Some("robot"));
    let grant: Value = asked.form(&grant).send().await.unwrap().json().await.unwrap();

    let session = http.get(format!("{}/api/v1/session", place.api));
    let session =
        session.bearer_auth(grant["access_token"].as_str().unwrap()).send().await.unwrap();
    let session: Value = session.json().await.unwrap();

    assert_eq!(session["user"], json!({ "name": "robot", "kind": "token" }));
    assert_eq!(session["role"], "operator");
    place.stop().await;
}
