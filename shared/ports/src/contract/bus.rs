//! What every bus must do: events in order and once, a gap told instead of a silent loss, bells.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a suite: to fail is to panic")]

use std::time::Duration;

use async_trait::async_trait;
use ccm_domain::Timestamp;
use ccm_events::{Change, Event, Kind, Subject};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use serde_json::json;

use crate::{Bell, EventFeed, EventPublisher, Heard};

mod bells;
mod history;
mod order;

pub use bells::*;
pub use history::*;
pub use order::*;

/// A bus with nothing on it at the start of each test.
#[async_trait]
pub trait World: Send + Sync {
    /// The adapter, as the relay sees it.
    fn publisher(&self) -> &dyn EventPublisher;

    /// The adapter, as an API process sees it.
    fn feed(&self) -> &dyn EventFeed;

    /// The adapter, as everybody sees it.
    fn bell(&self) -> &dyn Bell;

    /// Returns how many events the history keeps: at least, at most.
    fn history(&self) -> (usize, usize);

    /// Returns how many events overrun a subscriber that does not read.
    fn flood(&self) -> usize;
}

/// Stamps the suite out as tests; takes an expression that makes a fresh [`World`], `.await` allowed.
///
/// With a name in front it is one test of that name, for worlds that share what is slow to start.
#[macro_export]
macro_rules! bus_contract {
    ($world:expr) => {
        $crate::bus_contract! { @list each $world }
    };
    ($test:ident: $start:expr, $world:expr) => {
        #[tokio::test]
        async fn $test() {
            let start = $start;
            $crate::bus_contract! { @list all $world, &start }
        }
    };
    (@list $how:ident $world:expr $(, $start:expr)?) => {
        $crate::bus_contract! { @$how $world $(, $start)?;
            a_subscriber_hears_what_is_told_from_then_on
            every_subscriber_hears_every_event_in_order
            a_subscriber_that_leaves_disturbs_nobody
            events_that_the_bus_has_are_skipped
            an_append_behind_a_hole_is_refused
            a_hole_inside_a_batch_ends_it
            a_large_batch_is_kept_whole_and_in_order
            an_append_of_nothing_changes_nothing
            an_empty_bus_takes_any_first_event
            a_cleared_bus_tells_of_the_gap_and_takes_any_event
            publishers_that_repeat_each_other_publish_once
            ephemeral_events_are_heard_and_kept_nowhere
            history_is_read_in_order_and_in_pages
            history_returns_events_as_they_were_told
            history_is_bounded_and_tells_its_bounds
            whoever_subscribes_before_reading_history_misses_nothing
            a_flooded_subscriber_hears_of_the_gap
            a_bus_that_is_heard_says_that_it_is_well
            a_bell_is_heard_by_all_who_listen
            a_chime_is_heard_by_those_who_listen_for_it
            a_ring_before_listening_is_not_heard
            many_rings_are_heard_at_least_once
        }
    };
    (@each $world:expr; $($name:ident)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                let world = $world;
                $crate::contract::bus::$name(&world).await;
            }
        )*
    };
    (@all $world:expr, $start:expr; $($name:ident)*) => {
        $(
            let world = $world($start).await;
            $crate::contract::bus::$name(&world).await;
        )*
    };
}

/// The longest that anything is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

fn change(n: u64, kind: Kind) -> Change {
    Change {
        id: format!("tests/{n}"),
        kind,
        subject: Subject::Fleet("settings".to_owned()),
        time: Timestamp::from_millis(1_700_000_000_000),
        data: json!({ "n": n }).into(),
        traceparent: None,
    }
}

fn logged(seq: u64) -> Event {
    Event::logged(seq, &change(seq, Kind::SettingsChanged))
}

fn batch(seqs: impl IntoIterator<Item = u64>) -> Vec<Event> {
    seqs.into_iter().map(logged).collect()
}

fn ephemeral(n: u64) -> Event {
    Event::ephemeral(&change(n, Kind::SystemHealth))
}

fn seqs(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.seq.unwrap()).collect()
}

async fn append(world: &dyn World, seqs: impl IntoIterator<Item = u64>) {
    world.publisher().append(&batch(seqs)).await.unwrap();
}

async fn next<T>(stream: &mut BoxStream<'static, T>) -> T {
    let next = tokio::time::timeout(PATIENCE, stream.next()).await;
    next.expect("something is heard").expect("the stream goes on")
}

/// Hears up to and including the event with this number.
async fn hear_until(stream: &mut BoxStream<'static, Heard>, last: u64) -> Vec<Heard> {
    let mut heard = Vec::new();
    loop {
        heard.push(next(stream).await);
        if matches!(heard.last(), Some(Heard::Event(event)) if event.seq == Some(last)) {
            return heard;
        }
    }
}

fn events(seqs: impl IntoIterator<Item = u64>) -> Vec<Heard> {
    batch(seqs).into_iter().map(Heard::Event).collect()
}
