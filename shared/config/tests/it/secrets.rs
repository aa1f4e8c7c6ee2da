//! Secrets that may be several, wherever they come from.

use std::collections::BTreeMap;

use ccm_config::section::InboundSection;
use ccm_config::{Secret, Secrets, Sources, load};
use serde::Deserialize;

const DEFAULTS: &str = "[relay]\nsinks = []\n[relay.inbound]\nrate = 300\norigins = []\n";

#[derive(Debug, Deserialize)]
struct Config {
    relay: Relay,
}

#[derive(Debug, Deserialize)]
struct Relay {
    sinks: Vec<Sink>,
    inbound: InboundSection,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sink {
    #[serde(default)]
    secret: Secrets,
    #[serde(default)]
    headers: BTreeMap<String, Secret>,
}

fn sources(variables: &[(&str, &str)]) -> Sources {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Sources::new(DEFAULTS).environment(variables)
}

fn all(secrets: &Secrets) -> Vec<&str> {
    secrets.expose().collect()
}

#[test]
fn one_secret_and_a_list_of_them_read_the_same_way() {
    let loaded = load::<Config>(&sources(&[
        (
            "CCM_RELAY__SINKS",
            r#"[{ secret = "hunter1" }, { secret = ["hunter2", "hunter3"] }, {}, { secret = "" }]"#,
        ),
        ("CCM_RELAY__INBOUND__SECRET", "hunter4"),
        ("CCM_RELAY__INBOUND__BEARER", "hunter5,hunter6"),
    ]))
    .unwrap();

    let relay = &loaded.value.relay;
    let sinks: Vec<_> = relay.sinks.iter().map(|sink| all(&sink.secret)).collect();
    assert_eq!(sinks, [vec!["hunter1"], vec!["hunter2", "hunter3"], vec![], vec![]]);
    assert_eq!(all(&relay.inbound.secret), ["hunter4"]);
    assert_eq!(all(&relay.inbound.bearer), ["hunter5", "hunter6"]);
}

#[test]
fn neither_report_nor_debug_output_shows_any_of_them() {
    let loaded = load::<Config>(&sources(&[
        (
            "CCM_RELAY__SINKS",
            r#"[{ secret = ["hunter2"], headers = { authorization = "Bearer hunter3" } }]"#,
        ),
        ("CCM_RELAY__INBOUND__SECRET", "hunter4"),
        ("CCM_RELAY__INBOUND__BEARER", "hunter5"),
    ]))
    .unwrap();

    let shown = format!("{}\n{:?}", loaded.report, loaded.value);

    assert!(!shown.contains("hunter"), "{shown}");
    assert!(shown.contains("bearer = \"[hidden]\""), "{shown}");
    assert!(shown.contains("authorization = \"[hidden]\""), "{shown}");
    let sink = &loaded.value.relay.sinks[0];
    assert_eq!(sink.headers["authorization"].expose(), "Bearer hunter3");
}

#[test]
fn a_value_that_is_no_text_is_refused_without_being_repeated() {
    for value in ["[4711, 4712]", "[[\"hunter2\"]]"] {
        let fault = load::<Config>(&sources(&[("CCM_RELAY__INBOUND__BEARER", value)])).unwrap_err();

        let told = fault.to_string();
        assert!(told.contains("relay.inbound.bearer"), "{told}");
        assert!(!told.contains("471") && !told.contains("hunter"), "{told}");
    }
}

#[test]
fn bearer_tokens_that_can_be_guessed_are_refused() {
    let bearer = |token: &str| InboundSection {
        bearer: [token].into_iter().collect(),
        ..InboundSection::for_testing()
    };

    assert!(bearer("a-token-of-twenty-xx").check().is_empty());
    let faults = bearer("hunter2").check();
    assert!(faults[0].contains("16 characters") && !faults[0].contains("hunter2"), "{faults:?}");
}
