//! What is refused, and what the message says.

use ccm_config::{ConfigError, load};

use crate::{Config, TempFile, sources};

fn refused(variables: &[(&str, &str)]) -> ConfigError {
    load::<Config>(&sources(variables)).unwrap_err()
}

#[test]
fn an_unknown_key_is_named_with_its_origin() {
    let err = refused(&[("CCM_HTTP__LISTN", "127.0.0.1:1")]);

    assert_eq!(
        err.to_string(),
        "1 fault in the configuration\n  \
         http.listn: unknown key; known here: listen (set by CCM_HTTP__LISTN)"
    );
}

#[test]
fn all_faults_of_all_sources_are_reported_at_once() {
    let file =
        TempFile::new("faults.toml", "[store]\ntimeout = 5\nurll = \"x\"\n[strange]\na = 1\n");
    let sources = sources(&[("CCM_HTTP__LISTEN", "nowhere"), ("CCM_AUTH__MODE", "none")])
        .file(Some(file.0.clone()));

    let err = load::<Config>(&sources).unwrap_err();

    let mut keys: Vec<_> = err.faults.iter().map(|fault| fault.key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["auth.mode", "http.listen", "store.timeout", "store.urll", "strange"]);
    assert!(err.faults.iter().all(|fault| fault.origin.is_some()), "{err}");
}

#[test]
fn a_missing_key_says_how_to_set_it() {
    let err = refused(&[("CCM_AUTH__OIDC__ISSUER", "https://login.example")]);

    assert_eq!(err.faults[0].key, "auth.oidc.client_id");
    assert!(err.to_string().contains("CCM_AUTH__OIDC__CLIENT_ID"), "{err}");
}

#[test]
fn a_fault_inside_a_list_names_the_entry() {
    let err = refused(&[("CCM_RELAY__SINKS", r#"[{ url = "u", secret = "s" }, { url = "u" }]"#)]);

    assert_eq!(err.faults[0].key, "relay.sinks[1].secret");
}

#[test]
fn a_section_that_is_a_plain_value_is_refused_by_name() {
    let file = TempFile::new("plain.toml", "http = 3\n");

    let err = load::<Config>(&sources(&[]).file(Some(file.0.clone()))).unwrap_err();

    assert_eq!(err.faults[0].key, "http");
}

#[test]
fn a_file_that_is_no_toml_or_not_there_is_refused_with_its_name() {
    let file = TempFile::new("broken.toml", "[http]\nlisten = \n");
    let err = load::<Config>(&sources(&[]).file(Some(file.0.clone()))).unwrap_err();
    assert!(err.to_string().contains("line 2"), "{err}");
    assert!(err.to_string().contains("broken.toml"), "{err}");

    let err = load::<Config>(&sources(&[]).file(Some("nowhere.toml".into()))).unwrap_err();
    assert!(err.to_string().contains("cannot read nowhere.toml"), "{err}");
}

#[test]
fn a_secret_file_that_is_not_there_is_refused() {
    let err = refused(&[("CCM_RELAY__PASSWORD_FILE", "nowhere")]);

    assert_eq!(err.faults[0].key, "relay.password");
    assert!(err.to_string().contains("CCM_RELAY__PASSWORD_FILE"), "{err}");
}

#[test]
fn a_value_given_both_ways_is_refused() {
    let file = TempFile::new("both", "hunter2\n");

    let err = refused(&[("CCM_RELAY__PASSWORD", "x"), ("CCM_RELAY__PASSWORD_FILE", file.text())]);

    assert!(err.to_string().contains("set twice"), "{err}");
}

#[test]
fn no_message_repeats_a_secret_that_has_the_wrong_type() {
    for value in ["[\"4711\"]", "4711", "{ a = 4711 }"] {
        let file = TempFile::new("secret.toml", &format!("[relay]\npassword = {value}\n"));

        let err = load::<Config>(&sources(&[]).file(Some(file.0.clone()))).unwrap_err();

        assert_eq!(err.faults[0].key, "relay.password", "{value}");
        assert!(!err.to_string().contains("4711"), "{err}");
    }
}
