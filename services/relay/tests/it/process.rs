//! The relay as a process, which this build can only refuse to be.

use std::process::{Command, Output};

fn run(settings: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ccm-relay"))
        .env_clear()
        .envs(settings.iter().copied())
        .output()
        .unwrap()
}

#[test]
fn stores_inside_one_process_are_refused_with_where_they_live() {
    for store in ["memory:", "embedded:ccm.db"] {
        let output = run(&[("CCM_STORE__URL", store), ("CCM_BUS__URL", "local:")]);

        assert_eq!(output.status.code(), Some(64), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        let sentence = "`memory:` and `embedded:` stores live in ccm-standalone only";
        assert!(said.contains(sentence), "{said}");
        assert!(said.contains("bus.url = \"local:\""), "{said}");
    }
}

#[test]
fn stores_that_this_build_cannot_reach_are_refused_without_their_passwords() {
    let url = "mongodb://ccm:hunter2@db.example/ccm";
    let output = run(&[("CCM_STORE__URL", url)]);

    assert_eq!(output.status.code(), Some(64), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("no adapter for \"mongodb\" stores"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}
