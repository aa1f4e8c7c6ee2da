//! Whom the client believes.

use ccm_cml::{CmlClient, CmlOptions, OptionsError};
use ccm_ports::{CmlApi, RemoteError};
use ccm_sim_cml::tls::{Certificate, Certificates};

use crate::rig::{Plan, Rig, options, write_pem};

fn encrypted() -> Plan {
    Plan { tls: true, ..Plan::default() }
}

/// Asks with fresh connections: certificates are shown at their beginning only.
async fn ask(rig: &Rig, options: CmlOptions) -> Result<(), RemoteError> {
    let client = CmlClient::new(options).unwrap();
    client.facts(&rig.at).await.map(|_| ())
}

fn trusting(rig: &Rig) -> CmlOptions {
    let certificates = rig.certificates.as_ref().unwrap();
    CmlOptions { ca_file: Some(write_pem(certificates.ca_pem())), ..options() }
}

#[tokio::test]
async fn an_unknown_authority_is_refused() {
    let rig = Rig::with(encrypted(), options()).await;
    let stranger = Certificates::generate("127.0.0.1".parse().unwrap()).unwrap();
    let stranger = CmlOptions { ca_file: Some(write_pem(stranger.ca_pem())), ..options() };

    for untrusting in [options(), stranger] {
        let error = ask(&rig, untrusting).await.unwrap_err();
        assert!(matches!(error, RemoteError::Tls(_)), "{error:?}");
    }
    ask(&rig, trusting(&rig)).await.unwrap();
}

#[tokio::test]
async fn an_expired_or_foreign_certificate_is_refused_unless_nothing_is_verified() {
    let rig = Rig::with(encrypted(), options()).await;
    for kind in [Certificate::Expired, Certificate::WrongName] {
        rig.certificates.as_ref().unwrap().show(kind);

        let error = ask(&rig, trusting(&rig)).await.unwrap_err();

        assert!(matches!(error, RemoteError::Tls(_)), "{kind:?}: {error:?}");
        assert!(!error.is_transient());
        ask(&rig, CmlOptions { verify_tls: false, ..options() }).await.unwrap();
    }
}

#[tokio::test]
async fn a_pinned_certificate_is_trusted_whatever_its_name_and_age() {
    let rig = Rig::with(encrypted(), options()).await;
    let certificates = rig.certificates.as_ref().unwrap();
    for kind in [Certificate::Good, Certificate::Expired, Certificate::WrongName] {
        certificates.show(kind);
        let pinned = Some(write_pem(&certificates.shown_pem()));

        ask(&rig, CmlOptions { ca_file: pinned, ..options() }).await.unwrap();
    }
}

#[tokio::test]
async fn plain_http_where_https_is_expected_is_no_certificate_to_trust() {
    let rig = Rig::new().await;
    let mut at = rig.at.clone();
    at.endpoint = at.endpoint.replace("http:", "https:");

    let error = rig.client.facts(&at).await.unwrap_err();

    assert!(matches!(error, RemoteError::Tls(_) | RemoteError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn a_file_that_holds_no_certificate_is_refused_at_the_start() {
    for file in [write_pem("nothing"), "/nowhere/ca.pem".into()] {
        let error = CmlClient::new(CmlOptions { ca_file: Some(file), ..options() }).unwrap_err();

        assert!(matches!(error, OptionsError::CaFile { .. }), "{error:?}");
    }
}
