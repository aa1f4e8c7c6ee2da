//! One failing critical task stops the others; best-effort ones come back; drain names the rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ccm_runtime::Tasks;
use tokio::sync::Notify;

const GRACE: Duration = Duration::from_secs(5);

#[tokio::test(start_paused = true)]
async fn one_failing_critical_task_stops_the_others() {
    let tasks = Tasks::new();
    let stop = tasks.stopping();
    tasks.spawn_critical("listener", async move {
        stop.cancelled().await;
        Ok(())
    });

    tasks.spawn_critical("leader", async { anyhow::bail!("lost") });

    tasks.failed().cancelled_owned().await;
    assert!(tasks.draining().is_cancelled());
    assert_eq!(tasks.drain(GRACE).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_critical_task_that_panics_or_just_ends_stops_the_process_too() {
    let quiet = Tasks::new();
    quiet.spawn_critical("leader", async { Ok(()) });
    quiet.stopping().cancelled_owned().await;

    let loud = Tasks::new();
    loud.spawn_critical("leader", async { panic!("on purpose") });
    loud.stopping().cancelled_owned().await;

    assert!(quiet.failed().is_cancelled() && loud.failed().is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_critical_task_that_ends_while_draining_is_no_failure() {
    let tasks = Tasks::new();
    let draining = tasks.draining();
    tasks.spawn_critical("leader", async move {
        draining.cancelled().await;
        Ok(())
    });

    tasks.begin_draining();

    assert_eq!(tasks.drain(GRACE).await, Ok(()));
    assert!(!tasks.failed().is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_best_effort_task_is_started_again_after_errors_and_panics_until_it_ends_well() {
    let tasks = Tasks::new();
    let starts = Arc::new(AtomicU32::new(0));
    let (count, done) = (Arc::clone(&starts), Arc::new(Notify::new()));
    let finished = Arc::clone(&done);

    tasks.spawn_best_effort("feed", move || {
        let (count, finished) = (Arc::clone(&count), Arc::clone(&finished));
        async move {
            match count.fetch_add(1, Ordering::Relaxed) {
                0 => anyhow::bail!("first"),
                1 => panic!("second"),
                _ => {
                    finished.notify_one();
                    Ok(())
                }
            }
        }
    });

    done.notified().await;
    assert_eq!(tasks.drain(GRACE).await, Ok(()));
    assert_eq!(starts.load(Ordering::Relaxed), 3);
    assert!(!tasks.failed().is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_best_effort_task_is_dropped_when_the_process_stops() {
    let tasks = Tasks::new();
    tasks.spawn_best_effort("feed", std::future::pending);

    assert_eq!(tasks.drain(GRACE).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn drain_gives_up_after_the_grace_period_and_names_what_is_left() {
    let tasks = Tasks::new();
    tasks.spawn_critical("deaf", std::future::pending());
    tasks.spawn("connection", std::future::pending());
    tasks.spawn("connection", std::future::pending());
    tasks.spawn("short", async {});
    let asked = tokio::time::Instant::now();

    let left = tasks.drain(GRACE).await;

    assert_eq!(left, Err(vec!["connection", "deaf"]));
    assert_eq!(asked.elapsed(), GRACE);
}

#[tokio::test(start_paused = true)]
async fn what_drain_gave_up_on_is_aborted() {
    struct SayDropped(Option<tokio::sync::oneshot::Sender<()>>);
    impl Drop for SayDropped {
        fn drop(&mut self) {
            let _ = self.0.take().unwrap().send(());
        }
    }
    let tasks = Tasks::new();
    let (sender, dropped) = tokio::sync::oneshot::channel();
    let guard = SayDropped(Some(sender));
    tasks.spawn("deaf", async move {
        let _guard = guard;
        std::future::pending::<()>().await;
    });

    tasks.drain(GRACE).await.unwrap_err();

    dropped.await.unwrap();
}
