//! Which value wins, and how text becomes a type.

use ccm_config::section::{
    AdminSection, AuthMode, AuthSection, BusSection, DrainSection, EventsSection, HttpSection,
    LogFormat, StoreSection, TelemetrySection,
};
use ccm_config::{Sources, Span, load};

use crate::{Config, TempFile, sources};

#[test]
fn the_defaults_alone_are_a_configuration() {
    let config = load::<Config>(&sources(&[])).unwrap().value;

    assert_eq!(config.http.listen.port(), 8080);
    assert_eq!(config.store.timeout, Span::from_secs(5));
    assert_eq!(config.auth.mode, AuthMode::Oidc);
    assert!(config.auth.oidc.is_none());
    assert!(config.telemetry.otlp_endpoint.is_none());
    assert_eq!(config.jobs["prune"].every, Span::from_secs(3600));
}

#[test]
fn the_sections_that_servers_copy_can_be_loaded() {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Shared {
        http: HttpSection,
        admin: AdminSection,
        store: StoreSection,
        bus: BusSection,
        events: EventsSection,
        auth: AuthSection,
        telemetry: TelemetrySection,
        drain: DrainSection,
    }

    let shared =
        load::<Shared>(&Sources::new(include_str!("../../shared-sections.toml"))).unwrap().value;

    assert_eq!((shared.http.listen.port(), shared.admin.listen.port()), (8080, 9090));
    assert_eq!((shared.store.url.scheme(), shared.bus.url.scheme()), ("mongodb", "redis"));
    assert_eq!(shared.events.history, 100_000);
    assert_eq!(shared.auth.mode, AuthMode::Oidc);
    assert_eq!(shared.telemetry.log_format, LogFormat::Auto);
    assert_eq!(shared.drain.total().as_secs(), 5 + 20 + 10 + 6);
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let file = TempFile::new(
        "layers.toml",
        "[http]\nlisten = \"127.0.0.1:1\"\n[store]\ntimeout = \"7s\"\n",
    );
    let sources = sources(&[("CCM_HTTP__LISTEN", "127.0.0.1:2")]).file(Some(file.0.clone()));

    let config = load::<Config>(&sources).unwrap().value;

    assert_eq!(config.http.listen.port(), 2);
    assert_eq!(config.store.timeout, Span::from_secs(7));
    assert_eq!(config.store.url.expose(), "memory:");
}

#[test]
fn an_argument_wins_over_the_environment() {
    let sources = sources(&[("CCM_STORE__URL", "embedded:/a")]).argument(
        "--data /b",
        "store.url",
        "embedded:/b",
    );

    assert_eq!(load::<Config>(&sources).unwrap().value.store.url.expose(), "embedded:/b");
}

#[test]
fn environment_text_takes_the_type_that_the_option_has() {
    let config = load::<Config>(&sources(&[
        ("CCM_RELAY__WORKERS", "12"),
        ("CCM_RELAY__RATIO", "1"),
        ("CCM_RELAY__RETRY", "false"),
        ("CCM_RELAY__PENDING", "64KiB"),
        ("CCM_RELAY__PASSWORD", "12345"),
        ("CCM_RELAY__SINKS", r#"[{ url = "http://127.0.0.1", secret = "s" }]"#),
        ("CCM_JOBS__PRUNE__EVERY", "5m"),
    ]))
    .unwrap()
    .value;

    assert_eq!(config.relay.workers, 12);
    assert!((config.relay.ratio - 1.0).abs() < f64::EPSILON);
    assert!(!config.relay.retry);
    assert_eq!(config.relay.pending.bytes(), 64 << 10);
    assert_eq!(config.relay.password.unwrap().expose(), "12345");
    assert_eq!(config.relay.sinks[0].url, "http://127.0.0.1");
    assert_eq!(config.relay.sinks[0].secret.expose(), "s");
    assert_eq!(config.jobs["prune"].every, Span::from_secs(300));
}

#[test]
fn a_list_in_the_environment_is_an_array_or_words_between_commas() {
    for (text, regions) in [
        ("us-east-1, eu-west-1", vec!["us-east-1", "eu-west-1"]),
        (r#"["us-east-1"]"#, vec!["us-east-1"]),
        ("us-east-1", vec!["us-east-1"]),
        ("", vec![]),
    ] {
        let config = load::<Config>(&sources(&[("CCM_RELAY__REGIONS", text)])).unwrap().value;
        assert_eq!(config.relay.regions, regions, "{text}");
    }
}

#[test]
fn a_variable_that_ends_in_file_reads_the_value_from_that_file() {
    let file = TempFile::new("password", "hunter2\n");

    let config = load::<Config>(&sources(&[("CCM_RELAY__PASSWORD_FILE", file.text())])).unwrap();

    assert_eq!(config.value.relay.password.unwrap().expose(), "hunter2");
    let shown = config.report.to_string();
    assert!(shown.contains("CCM_RELAY__PASSWORD_FILE"), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn a_key_that_itself_ends_in_file_stays_a_key() {
    let config =
        load::<Config>(&sources(&[("CCM_RELAY__CA_FILE", "/etc/ssl/ca.pem")])).unwrap().value;

    assert_eq!(config.relay.ca_file.as_deref(), Some("/etc/ssl/ca.pem"));
}

#[test]
fn an_empty_variable_leaves_an_optional_value_unset() {
    let config = load::<Config>(&sources(&[("CCM_TELEMETRY__OTLP_ENDPOINT", "")])).unwrap().value;

    assert!(config.telemetry.otlp_endpoint.is_none());
}

#[test]
fn variables_without_a_section_are_not_configuration() {
    assert!(load::<Config>(&sources(&[("CCM_TEST_REDIS_URL", "x"), ("HOME", "/x")])).is_ok());
}
