//! Whom the client trusts: the system's authorities, those of a file, certificates of that file, or anybody.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::{CmlOptions, OptionsError};

/// Makes the HTTP client that all workers share.
pub(crate) fn client(options: &CmlOptions) -> Result<reqwest::Client, OptionsError> {
    let builder = reqwest::Client::builder()
        .connect_timeout(options.timeouts.connect)
        // A redirect would carry the token to somebody else.
        .redirect(Policy::none())
        // Sooner than a controller's web server closes idle connections: its close would race a request.
        .pool_idle_timeout(Duration::from_secs(20))
        .pool_max_idle_per_host(2)
        .user_agent(concat!("ccm/", env!("CARGO_PKG_VERSION")));
    let builder = match (options.verify_tls, &options.ca_file) {
        (false, _) => builder.tls_danger_accept_invalid_certs(true),
        (true, None) => builder,
        (true, Some(file)) => builder.tls_backend_preconfigured(trusting(file)?),
    };
    builder.build().map_err(|err| OptionsError::Tls(err.to_string()))
}

fn trusting(file: &Path) -> Result<ClientConfig, OptionsError> {
    let unusable = |reason: String| OptionsError::CaFile { file: file.to_owned(), reason };
    let pem = std::fs::read(file).map_err(|err| unusable(err.to_string()))?;
    let trusted: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .map_err(|err| unusable(err.to_string()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    // A controller's own certificate may be no authority; it is then trusted as it stands.
    roots.add_parsable_certificates(trusted.iter().cloned());
    if trusted.is_empty() {
        return Err(unusable("it holds no certificate".to_owned()));
    }
    let chains =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .map_err(|err| unusable(err.to_string()))?;
    let verifier = Trust { trusted, chains, provider: Arc::clone(&provider) };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|err| OptionsError::Tls(err.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(config)
}

/// Trusts the certificates of the file as they stand, and chains that end in one of them.
#[derive(Debug)]
struct Trust {
    trusted: Vec<CertificateDer<'static>>,
    chains: Arc<WebPkiServerVerifier>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.trusted.iter().any(|pinned| pinned.as_ref() == end_entity.as_ref()) {
            return Ok(ServerCertVerified::assertion());
        }
        self.chains.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
