//! What every outbox and every event log must do: no change lost, none told in the wrong place.

#![expect(clippy::unwrap_used, reason = "a suite: to fail is to panic")]

use ccm_domain::Epoch;
use ccm_events::Change;
use futures_util::future::join_all;

use super::store::{Parcel, World, waiting, waiting_of};
use crate::{Document, Logged, Pending, StoreError, Writer};

mod log;
mod waiting;

pub use log::*;
pub use waiting::*;

/// Stamps the suite out as tests; takes an expression that makes a fresh
/// [`World`](crate::contract::store::World), `.await` allowed.
#[macro_export]
macro_rules! outbox_contract {
    ($world:expr) => {
        $crate::outbox_contract! { @each $world;
            changes_wait_in_the_order_of_their_writes
            a_change_reads_back_as_it_was_written
            a_write_without_changes_waits_for_nothing
            changes_that_wait_survive_the_next_write
            a_look_is_bounded_and_begins_with_the_oldest
            a_look_ahead_leaves_out_what_is_under_way
            told_takes_exactly_what_was_told
            told_takes_out_of_many_documents_at_once
            telling_twice_is_harmless
            what_came_meanwhile_goes_on_waiting
            an_empty_log_begins_at_one
            places_are_given_without_a_hole
            an_append_at_another_place_is_refused
            a_change_keeps_the_place_that_it_has
            a_change_given_twice_gets_one_place
            an_append_of_nothing_changes_nothing
            the_log_is_read_in_pages
            the_end_of_the_log_survives_its_trimming
            a_relay_that_died_before_telling_is_repeated_harmlessly
            relays_that_race_leave_no_hole_and_no_double
        }
    };
    (@each $world:expr; $($name:ident)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                let world = $world;
                $crate::contract::outbox::$name(&world).await;
            }
        )*
    };
}

/// Inserts a parcel with so many changes.
async fn tell(world: &dyn World, id: &str, changes: u64) -> Parcel {
    let parcel = Parcel::new(id);
    let changes: Vec<_> = (0..changes).map(|n| parcel.change(n)).collect();
    world.parcels().insert(&parcel, &changes, Writer::Intent).await.unwrap();
    parcel
}

/// Writes the parcel's next revision with so many changes.
async fn tell_more(world: &dyn World, parcel: &Parcel, changes: u64, by: Writer) -> Parcel {
    let next = parcel.next();
    let changes: Vec<_> = (0..changes).map(|n| next.change(n)).collect();
    world.parcels().put(&next, &changes, by).await.unwrap();
    next
}

fn changes_of(ids: std::ops::Range<u64>) -> Vec<Change> {
    ids.map(|n| Parcel::new("p").change(n)).collect()
}

fn places(logged: &[Logged]) -> Vec<u64> {
    logged.iter().map(|logged| logged.seq).collect()
}
