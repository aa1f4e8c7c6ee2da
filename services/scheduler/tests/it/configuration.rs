//! What stands in `defaults.toml` and what can be set.

use ccm_config::{ConfigError, Sources, load};
use ccm_domain::schedule::{Cadence, JOBS};
use ccm_runtime::ServiceConfig as _;
use ccm_scheduler::config::{JobsSection, ProcessConfig};

const DEFAULTS: &str = include_str!("../../defaults.toml");

fn parse(text: String) -> Result<ProcessConfig, ConfigError> {
    // Compiled-in defaults live for ever.
    load(&Sources::new(text.leak())).map(|loaded| loaded.value)
}

#[test]
fn the_defaults_say_what_the_table_of_jobs_says() {
    let config = parse(DEFAULTS.to_owned()).unwrap();

    for job in &JOBS {
        assert_eq!(config.jobs.schedule(job), JobsSection::default().schedule(job), "{}", job.name);
    }
}

#[test]
fn a_job_is_set_by_its_section() {
    let slower = DEFAULTS.replace("every = \"60s\"", "every = \"2m\"");

    let observe = parse(slower).unwrap().jobs.schedule(&JOBS[0]).unwrap();

    assert_eq!(observe.cadence, Cadence::Every { seconds: 120 });
    assert_eq!(observe.jitter_s, 5);
}

#[test]
fn a_job_that_has_no_schedule_cannot_be_set() {
    for name in ["[jobs.prunes]", "[jobs.refresh_worker]"] {
        let refused = parse(DEFAULTS.replace("[jobs.prune]", name)).unwrap_err().to_string();

        assert!(refused.contains("there is no periodic job"), "{refused}");
    }
}

#[test]
fn what_is_out_of_bounds_is_named() {
    let wrong = DEFAULTS
        .replace("every = \"60s\"", "every = \"1s\"")
        .replace("https://{public_ip}", "https://{public_name}");

    let faults = parse(wrong).unwrap().check().join("\n");

    assert!(faults.contains("jobs.observe_instances: must be from 5 to 604800"), "{faults}");
    assert!(faults.contains("cml.endpoint knows"), "{faults}");
}
