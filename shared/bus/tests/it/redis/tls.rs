//! Redis behind TLS.

use std::process::Command;

use ccm_ports::{Bell, Chime, EventFeed, EventPublisher};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

use super::server::{Server, free_port, variable};
use super::world::{bus, hear, log};

/// Tells a test that it is the inner one of a process with authorities of its own.
const INNER: &str = "CCM_BUS_TLS_URL";

struct Secured {
    _server: Server,
    folder: TempDir,
    port: u16,
}

impl Secured {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = authority.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(authority, key);
        let own = KeyPair::generate().unwrap();
        let names = vec!["127.0.0.1".to_owned()];
        let certificate = CertificateParams::new(names).unwrap().signed_by(&own, &issuer).unwrap();
        let file = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).unwrap();
            format!("{}/{name}", folder.path().display())
        };
        let port = free_port();
        let server = Server::with(&[
            &format!("tls-port {port}"),
            &format!("tls-cert-file {}", file("cert.pem", &certificate.pem())),
            &format!("tls-key-file {}", file("key.pem", &own.serialize_pem())),
            &format!("tls-ca-cert-file {}", file("ca.pem", &ca)),
            "tls-auth-clients no",
        ]);
        Self { _server: server, folder, port }
    }

    fn url(&self) -> String {
        format!("rediss://127.0.0.1:{}", self.port)
    }
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let secured = Secured::start();
    let bus = bus(&secured.url());

    let refused = [bus.last().await.unwrap_err(), bus.subscribe().await.err().unwrap()];

    for err in refused {
        assert!(format!("{err:?}").contains("certificate"), "{err:?}");
    }
}

#[tokio::test]
async fn a_certificate_of_one_of_the_systems_authorities_opens_the_server() {
    let Some(url) = variable(INNER) else {
        let secured = Secured::start();
        let name = "redis::tls::a_certificate_of_one_of_the_systems_authorities_opens_the_server";
        let mut inner = Command::new(std::env::current_exe().unwrap());
        inner.args([name, "--exact"]).env(INNER, secured.url());
        inner.env("SSL_CERT_FILE", secured.folder.path().join("ca.pem"));
        let inner = inner.output().unwrap();
        let said = String::from_utf8_lossy(&inner.stdout);
        assert!(inner.status.success() && said.contains("1 passed"), "{said}");
        return;
    };
    let bus = bus(&url);
    let mut heard = bus.subscribe().await.unwrap();
    let _bell = bus.listen(Chime::Outbox).await;

    bus.append(&log(1..=2)).await.unwrap();

    hear(&mut heard, 2).await;
}
