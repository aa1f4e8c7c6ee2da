//! A login server that signs whatever a test wants, and lies where it is told to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ccm_config::section::OidcSection;
use ccm_domain::Timestamp;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Our id there.
pub(crate) const CLIENT: &str = "ccm";

/// A key that signs.
pub(crate) struct SigningKey {
    pub(crate) id: String,
    pair: Pair,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ec(EcdsaKeyPair),
}

/// What the server shares with the test.
pub(crate) struct Desk {
    address: SocketAddr,
    keys: Mutex<Vec<Value>>,
    /// How often the keys were asked for.
    pub(crate) asked: AtomicUsize,
    /// It answers nothing but that it is unwell.
    pub(crate) is_down: AtomicBool,
    /// What it answers for a code or a refresh token, and the last form of that.
    pub(crate) grant: Mutex<Option<Value>>,
    pub(crate) form: Mutex<BTreeMap<String, String>>,
    /// What it says beside its doors.
    pub(crate) says: Mutex<Value>,
    /// Tokens that were given back.
    pub(crate) revoked: Mutex<Vec<String>>,
}

/// A served one; gone when dropped.
pub(crate) struct LoginServer {
    pub(crate) desk: Arc<Desk>,
    pub(crate) key: SigningKey,
    _serving: JoinSet<()>,
}

impl SigningKey {
    pub(crate) fn rsa(id: &str) -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        Self { id: id.to_owned(), pair: Pair::Rsa(Box::new(pair)) }
    }

    pub(crate) fn ec(id: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { id: id.to_owned(), pair: Pair::Ec(pair) }
    }

    /// Its public part, as it is shown.
    pub(crate) fn shown(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match &self.pair {
            Pair::Rsa(pair) => {
                let (n, e) = rsa_numbers(pair.public_key().as_ref());
                json!({ "kty": "RSA", "use": "sig", "kid": self.id, "n": text(n), "e": text(e) })
            }
            Pair::Ec(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (text(&point[1..33]), text(&point[33..]));
                json!({ "kty": "EC", "crv": "P-256", "kid": self.id, "x": x, "y": y })
            }
        }
    }

    pub(crate) const fn algorithm(&self) -> &'static str {
        match self.pair {
            Pair::Rsa(_) => "RS256",
            Pair::Ec(_) => "ES256",
        }
    }

    /// Signs a token whose header says what it should.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_under(&json!({ "alg": self.algorithm(), "kid": self.id, "typ": "JWT" }), claims)
    }

    /// Signs a token under any header.
    pub(crate) fn sign_under(&self, header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        let signature = match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let random = SystemRandom::new();
                pair.sign(&RSA_PKCS1_SHA256, &random, message.as_bytes(), &mut signature).unwrap();
                signature
            }
            Pair::Ec(pair) => {
                pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap().as_ref().to_vec()
            }
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// Header and claims as they are signed.
pub(crate) fn message(header: &Value, claims: &Value) -> String {
    let text = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", text(header), text(claims))
}

/// Reads `RSAPublicKey` (RFC 8017, A.1.1): a sequence of two numbers.
fn rsa_numbers(der: &[u8]) -> (&[u8], &[u8]) {
    fn number(der: &[u8]) -> (&[u8], &[u8]) {
        let (content, rest) = element(der);
        let first = content.iter().position(|byte| *byte != 0).unwrap();
        (&content[first..], rest)
    }
    fn element(der: &[u8]) -> (&[u8], &[u8]) {
        let (start, length) = match der[1] {
            short @ 0..=0x7f => (2, usize::from(short)),
            0x81 => (3, usize::from(der[2])),
            _ => (4, usize::from(der[2]) << 8 | usize::from(der[3])),
        };
        der[start..].split_at(length)
    }
    let (n, rest) = number(element(der).0);
    (n, number(rest).0)
}

impl LoginServer {
    pub(crate) async fn start() -> Self {
        Self::start_at(TcpListener::bind("127.0.0.1:0").await.unwrap()).await
    }

    pub(crate) async fn start_at(listener: TcpListener) -> Self {
        let key = SigningKey::rsa("first");
        let desk = Arc::new(Desk {
            address: listener.local_addr().unwrap(),
            keys: Mutex::new(vec![key.shown()]),
            asked: AtomicUsize::new(0),
            is_down: AtomicBool::new(false),
            grant: Mutex::default(),
            form: Mutex::default(),
            says: Mutex::new(json!({})),
            revoked: Mutex::default(),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", routing::get(discovery))
            .route("/keys", routing::get(keys))
            .route("/token", routing::post(token))
            .route("/revoke", routing::post(revoke))
            .with_state(Arc::clone(&desk));
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { desk, key, _serving: serving }
    }

    pub(crate) fn issuer(&self) -> String {
        format!("http://{}", self.desk.address)
    }

    /// The section that leads here.
    pub(crate) fn section(&self) -> OidcSection {
        section(&self.issuer())
    }

    /// Shows these keys from now on.
    pub(crate) fn show(&self, keys: &[&SigningKey]) {
        *self.desk.keys.lock().unwrap() = keys.iter().map(|key| key.shown()).collect();
    }

    /// What a good access token says.
    pub(crate) fn claims(&self, roles: &[&str], now: Timestamp) -> Value {
        let seconds = now.as_millis() / 1000;
        json!({
            "iss": self.issuer(), "sub": "4711", "aud": ["account", CLIENT], "typ": "Bearer",
            "preferred_username": "ada", "azp": "elsewhere",
            "iat": seconds, "exp": seconds + 300, "realm_access": { "roles": roles },
        })
    }

    /// A good access token.
    pub(crate) fn token(&self, roles: &[&str], now: Timestamp) -> String {
        self.key.sign(&self.claims(roles, now))
    }

    pub(crate) fn times_asked(&self) -> usize {
        self.desk.asked.load(Ordering::SeqCst)
    }
}

/// A section that leads to an issuer.
pub(crate) fn section(issuer: &str) -> OidcSection {
    OidcSection {
        issuer: issuer.parse().unwrap(),
        client_id: CLIENT.to_owned(),
        client_secret: "of-the-client".into(),
        audience: None,
        roles_claim: None,
        public_url: None,
    }
}

async fn discovery(State(desk): State<Arc<Desk>>) -> Response {
    if desk.is_down.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let issuer = format!("http://{}", desk.address);
    let mut document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "end_session_endpoint": format!("{issuer}/logout"),
        "revocation_endpoint": format!("{issuer}/revoke"),
    });
    for (name, value) in desk.says.lock().unwrap().as_object().unwrap() {
        document[name] = value.clone();
    }
    Json(document).into_response()
}

async fn keys(State(desk): State<Arc<Desk>>) -> Json<Value> {
    desk.asked.fetch_add(1, Ordering::SeqCst);
    Json(json!({ "keys": *desk.keys.lock().unwrap() }))
}

async fn token(State(desk): State<Arc<Desk>>, form: String) -> Response {
    if desk.is_down.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    *desk.form.lock().unwrap() = fields(&form);
    match desk.grant.lock().unwrap().clone() {
        Some(grant) => Json(grant).into_response(),
        None => {
            (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" }))).into_response()
        }
    }
}

async fn revoke(State(desk): State<Arc<Desk>>, form: String) -> StatusCode {
    desk.revoked.lock().unwrap().extend(fields(&form).remove("token"));
    StatusCode::OK
}

fn fields(form: &str) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(form.as_bytes()).into_owned().collect()
}
