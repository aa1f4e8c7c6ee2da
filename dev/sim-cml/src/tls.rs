//! A certificate authority of our own and the certificates it gives: good, expired, for another name.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use serde::{Deserialize, Serialize};
use tokio_rustls::TlsAcceptor;

/// Which certificate new connections are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Certificate {
    /// One that our authority vouches for.
    Good,
    /// One that has expired.
    Expired,
    /// One for another host.
    WrongName,
}

/// The certificates of a server, and which one is shown.
#[derive(Debug)]
pub struct Certificates {
    ca_pem: String,
    good: Arc<CertifiedKey>,
    expired: Arc<CertifiedKey>,
    wrong_name: Arc<CertifiedKey>,
    shown: AtomicU8,
}

impl Certificates {
    /// Makes an authority and certificates for loopback and the given address.
    ///
    /// # Errors
    /// When the machine cannot make keys.
    pub fn generate(listen: IpAddr) -> anyhow::Result<Self> {
        let ca_key = KeyPair::generate()?;
        let mut ca = CertificateParams::default();
        ca.distinguished_name.push(DnType::CommonName, "sim-cml test authority");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca_pem = ca.self_signed(&ca_key)?.pem();
        let issuer = Issuer::new(ca, ca_key);
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), listen.to_string()];
        let mut expired = CertificateParams::new(names.clone())?;
        expired.not_before = date_time_ymd(2020, 1, 1);
        expired.not_after = date_time_ymd(2021, 1, 1);
        Ok(Self {
            good: issue(CertificateParams::new(names)?, &issuer)?,
            expired: issue(expired, &issuer)?,
            wrong_name: issue(
                CertificateParams::new(vec!["elsewhere.invalid".to_owned()])?,
                &issuer,
            )?,
            ca_pem,
            shown: AtomicU8::new(Certificate::Good as u8),
        })
    }

    /// Returns the authority's certificate as PEM.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Shows another certificate to new connections.
    pub fn show(&self, which: Certificate) {
        self.shown.store(which as u8, Ordering::Relaxed);
    }

    /// Returns the certificate that is shown as PEM, as somebody would pin it.
    #[must_use]
    pub fn shown_pem(&self) -> String {
        self.current().cert.iter().map(|der| pem("CERTIFICATE", der)).collect()
    }

    fn current(&self) -> &Arc<CertifiedKey> {
        let shown = self.shown.load(Ordering::Relaxed);
        match () {
            () if shown == Certificate::Expired as u8 => &self.expired,
            () if shown == Certificate::WrongName as u8 => &self.wrong_name,
            () => &self.good,
        }
    }

    pub(crate) fn acceptor(self: &Arc<Self>) -> TlsAcceptor {
        let config = rustls::ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map(|builder| {
                builder
                    .with_no_client_auth()
                    .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>)
            });
        #[expect(clippy::expect_used, reason = "the provider supports the default versions")]
        TlsAcceptor::from(Arc::new(config.expect("default protocol versions")))
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(self.current()))
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> =
        (0..text.len()).step_by(64).map(|i| &text[i..text.len().min(i + 64)]).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn issue(
    mut params: CertificateParams,
    issuer: &Issuer<'_, KeyPair>,
) -> anyhow::Result<Arc<CertifiedKey>> {
    params.distinguished_name.push(DnType::CommonName, "cml-controller");
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, issuer)?;
    let der = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let signer = provider().key_provider.load_private_key(der).context("a key just made")?;
    Ok(Arc::new(CertifiedKey::new(vec![certificate.der().clone()], signer)))
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}
