//! The phases of stopping run in their order and within their limits.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use ccm_config::Span;
use ccm_config::section::DrainSection;
use ccm_runtime::{Part, Shell};
use tokio::time::Instant;

fn limits() -> DrainSection {
    DrainSection {
        delay: Span::from_secs(5),
        streams: Span::from_secs(20),
        requests: Span::from_secs(10),
        jobs: Span::from_secs(15),
    }
}

/// Stops the shell and returns after how many seconds each phase came.
async fn phases(shell: &Shell) -> (Vec<(&'static str, u64)>, Result<(), Vec<&'static str>>) {
    let begun = Instant::now();
    let seen = Arc::new(Mutex::new(Vec::new()));
    for (name, token) in [("draining", shell.draining()), ("stopping", shell.stopping())] {
        let seen = Arc::clone(&seen);
        shell.tasks.spawn("watch", async move {
            token.cancelled().await;
            seen.lock().unwrap().push((name, begun.elapsed().as_secs()));
        });
    }
    let outcome = shell.stop(&limits()).await;
    let mut seen = seen.lock().unwrap().clone();
    seen.push(("end", begun.elapsed().as_secs()));
    (seen, outcome)
}

#[tokio::test(start_paused = true)]
async fn an_idle_process_waits_for_load_balancers_only() {
    let (seen, outcome) = phases(&Shell::for_testing()).await;

    assert_eq!(seen, [("draining", 5), ("stopping", 5), ("end", 5)]);
    assert_eq!(outcome, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn streams_and_jobs_have_their_time_beside_each_other_and_requests_after_them() {
    let shell = Shell::for_testing();
    let _stream = shell.hold(Part::Streams);
    let _job = shell.hold(Part::Jobs);
    let _request = shell.hold(Part::Requests);

    let (seen, outcome) = phases(&shell).await;

    assert_eq!(seen, [("draining", 5), ("stopping", 25), ("end", 35)]);
    assert_eq!(outcome, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_phase_ends_as_soon_as_nothing_holds_it() {
    let shell = Shell::for_testing();
    let (hold, draining) = (shell.hold(Part::Streams), shell.draining());
    shell.tasks.spawn("stream", async move {
        draining.cancelled().await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        drop(hold);
    });

    let (seen, _) = phases(&shell).await;

    assert_eq!(seen, [("draining", 5), ("stopping", 7), ("end", 7)]);
    assert_eq!(shell.drain.held(Part::Streams), 0);
}

#[tokio::test(start_paused = true)]
async fn a_failed_process_does_not_wait_for_load_balancers() {
    let shell = Shell::for_testing();
    shell.tasks.spawn_critical("leader", async { anyhow::bail!("lost") });
    shell.tasks.failed().cancelled_owned().await;

    let (seen, _) = phases(&shell).await;

    assert_eq!(seen.last(), Some(&("end", 0)));
}

#[tokio::test(start_paused = true)]
async fn closers_run_last_to_first_after_all_tasks_have_ended() {
    let shell = Shell::for_testing();
    let said = Arc::new(Mutex::new(Vec::new()));
    for name in ["store", "bus"] {
        let said = Arc::clone(&said);
        shell.on_close(name, async move { said.lock().unwrap().push(name) });
    }
    let (stop, task_said) = (shell.stopping(), Arc::clone(&said));
    shell.tasks.spawn("task", async move {
        stop.cancelled().await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        task_said.lock().unwrap().push("task");
    });

    shell.stop(&limits()).await.unwrap();

    assert_eq!(*said.lock().unwrap(), ["task", "bus", "store"]);
}

#[tokio::test(start_paused = true)]
async fn a_closer_that_hangs_is_named() {
    let shell = Shell::for_testing();
    shell.on_close("store", std::future::pending());

    assert_eq!(shell.stop(&limits()).await, Err(vec!["store"]));
}

#[tokio::test(start_paused = true)]
async fn a_part_is_not_ready_until_it_is_connected() {
    let shell = Shell::for_testing();
    let mut attempts = 0;

    let connected = shell
        .connect("store", || {
            attempts += 1;
            let (attempt, ready) = (attempts, shell.ready.clone());
            async move {
                assert!(!ready.check().await.ready);
                anyhow::ensure!(attempt == 3, "away");
                Ok(attempt)
            }
        })
        .await;

    assert_eq!(connected.unwrap(), 3);
    assert!(shell.ready.check().await.ready);
}

#[tokio::test(start_paused = true)]
async fn connecting_ends_when_the_process_is_told_to_stop() {
    let shell = Shell::for_testing();
    shell.drain.request();

    let connected: anyhow::Result<()> =
        shell.connect("store", || async { anyhow::bail!("away") }).await;

    assert!(connected.unwrap_err().to_string().contains("store"));
}
