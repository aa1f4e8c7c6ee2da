//! The same checks hold where everything is one process that is killed and comes back.

use std::time::Duration;

use crate::checker::{self, EventLog, Findings};
use crate::place::{binary, free_address, seed};
use crate::process::{Process, Recipe};
use crate::rest::Rest;
use crate::sse::{Browsers, Manners};
use crate::waiting::eventually;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn browsers_of_a_standalone_that_is_killed_see_everything_once() {
    let seed = seed();
    let folder = tempfile::tempdir().unwrap();
    let (http, admin) = (free_address(), free_address());
    let recipe = Recipe::new("standalone", binary("ccm-standalone"), folder.path())
        .args(["--simulate", "8", "--speed", "20"])
        .env("CCM_HTTP__LISTEN", http.to_string())
        .env("CCM_ADMIN__LISTEN", admin.to_string())
        .env("CCM_STORE__URL", format!("embedded:{}/ccm.db", folder.path().display()))
        .env("CCM_SSE__HEARTBEAT", "1s")
        .env("CCM_DRAIN__STREAMS", "1s");
    let mut process = Process::start(recipe);
    let rest = Rest::new(vec![format!("http://{http}")]);
    rest.get("/system").await;
    let manners = Manners {
        filters: vec![
            String::new(),
            "worker.*".to_owned(),
            "lab.*,system.leader_changed".to_owned(),
        ],
        disconnect: Some(Duration::from_secs(2)),
        most_retry: Duration::from_millis(300),
        keep_moments: true,
        ..Manners::default()
    };
    let browsers = Browsers::open(rest.pods(), 30, &manners, seed);
    browsers.all_open().await;

    for round in 1..=3 {
        let head = rest.get("/system").await["events"]["head"].as_u64().unwrap();
        eventually("more happens", async || {
            let now = rest.get("/system").await["events"]["head"].as_u64().unwrap();
            if now > head + 20 { Ok(()) } else { Err((round, head, now)) }
        })
        .await;
        process.kill().await;
        process.start_again();
    }

    rest.get("/system").await;
    let log = EventLog::read(&rest, 0).await;
    browsers.reach(log.head(), Duration::from_secs(20)).await;
    let diaries = browsers.close().await;
    let mut findings = Findings::default();
    checker::check_log(&log, &mut findings);
    checker::check_browsers(&diaries, &log, &mut findings);
    checker::check_slots(&rest, &log, &diaries, &mut findings).await;
    checker::check_told_state(&rest, &mut findings).await;
    findings.must_be_none();
}
