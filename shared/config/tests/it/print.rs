//! What `--print-config` shows.

use ccm_config::load;

use crate::{Config, sources};

#[test]
fn the_report_shows_effective_values_origins_and_no_secret() {
    let loaded = load::<Config>(&sources(&[
        ("CCM_STORE__URL", "mongodb://ann:hunter2@db/ccm"),
        ("CCM_RELAY__PASSWORD", "hunter2"),
        ("CCM_RELAY__WORKERS", "9"),
        ("CCM_RELAY__REGIONS", "a,b"),
        ("CCM_RELAY__SINKS", r#"[{ url = "u", secret = "hunter2" }]"#),
    ]))
    .unwrap();

    let shown = loaded.report.to_string();

    assert!(!shown.contains("hunter2"), "{shown}");
    let flat: Vec<_> =
        shown.lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for line in [
        "[store]",
        "url = \"mongodb://ann:hidden@db/ccm\" # CCM_STORE__URL",
        "timeout = \"5s\" # default",
        "workers = 9 # CCM_RELAY__WORKERS",
        "regions = [\"a\", \"b\"] # CCM_RELAY__REGIONS",
        "password = \"[hidden]\" # CCM_RELAY__PASSWORD",
        "[jobs.prune]",
    ] {
        assert!(flat.iter().any(|shown| shown == line), "{line}\nis missing in\n{shown}");
    }
}

#[test]
fn the_report_is_valid_configuration_again() {
    let loaded = load::<Config>(&sources(&[("CCM_RELAY__REGIONS", "a,b")])).unwrap();

    assert!(loaded.report.to_string().parse::<toml::Table>().is_ok());
}

#[test]
fn debug_output_of_a_configuration_hides_secrets() {
    let loaded = load::<Config>(&sources(&[
        ("CCM_RELAY__PASSWORD", "hunter2"),
        ("CCM_STORE__URL", "redis://:hunter2@x"),
    ]))
    .unwrap();

    assert!(!format!("{:?}", loaded.value).contains("hunter2"));
}
