//! The relay as a process of its own: which places it takes.

use std::process::{Command, Output};

fn check(store: &str, bus: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ccm-relay"))
        .arg("--check")
        .env_clear()
        .envs([("CCM_STORE__URL", store), ("CCM_BUS__URL", bus)])
        .output()
        .unwrap()
}

#[test]
fn places_inside_one_process_are_refused_with_where_they_live() {
    for store in ["memory:", "embedded:ccm.db"] {
        let output = check(store, "local:");

        assert_eq!(output.status.code(), Some(64), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        for part in ["store.url", "bus.url = \"local:\"", "ccm-standalone"] {
            assert!(said.contains(part), "{said}");
        }
    }
}

#[test]
fn places_that_several_processes_share_are_taken_without_showing_their_passwords() {
    let output = check("mongodb://ccm:hunter2@db.example/ccm", "redis://:hunter2@cache.example");

    assert!(output.status.success(), "{output:?}");
    for told in [&output.stdout, &output.stderr] {
        assert!(!String::from_utf8_lossy(told).contains("hunter2"), "{output:?}");
    }
}
