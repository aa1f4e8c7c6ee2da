//! What the process says of its sinks before it begins.

use std::process::{Command, Output};

fn run(argument: &str, settings: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ccm-relay"))
        .arg(argument)
        .env_clear()
        .envs(settings.iter().copied())
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err))
}

#[test]
fn all_that_is_wrong_is_said_at_once_and_no_secret_is() {
    let sinks = r#"[
        { url = "http://hooks.example/hunter2", secret = "hunter3", types = ["worker.exploded"] },
        { url = "https://10.0.0.1/hunter2", headers = { webhook-id = "hunter3" } },
    ]"#;
    let pause = ("CCM_RELAY__DELIVERY__FIRST_PAUSE", "1h");

    let secret = ("CCM_RELAY__INBOUND__SECRET", "hunter4");
    let bearer = ("CCM_RELAY__INBOUND__BEARER", "hunter5");

    let output = run("--check", &[("CCM_RELAY__SINKS", sinks), pause, secret, bearer]);

    assert_eq!(output.status.code(), Some(64), "{output:?}");
    let said = said(&output);
    for part in [
        "relay.sinks[0].url must be https, unless allow_http is set",
        "relay.sinks[0].secret: expected whsec_",
        "relay.sinks[0].types: \"worker.exploded\" names no event type",
        "relay.sinks[1].url is a private address",
        "relay.sinks[1].headers: \"webhook-id\" is set by the relay itself",
        "relay.delivery.first_pause must be from 1s to longest_pause",
        "relay.inbound.secret: expected whsec_",
        "relay.inbound.bearer must have at least 16 characters",
    ] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    assert!(!said.contains("hunter"), "{said}");
}

#[test]
fn what_is_in_force_is_shown_without_addresses_and_secrets() {
    let sinks =
        r#"[{ name = "audit", url = "https://hooks.example/hunter2", secret = "hunter3" }]"#;

    let output = run("--print-config", &[("CCM_RELAY__SINKS", sinks)]);

    let said = said(&output);
    assert!(said.contains("audit") && said.contains("[hidden]"), "{said}");
    assert!(!said.contains("hunter"), "{said}");
}
