//! What every collection must do, whatever it keeps.

#![expect(clippy::unwrap_used, reason = "a suite: to fail is to panic")]

use ccm_domain::Epoch;
use futures_util::future::join_all;

use super::store::{Parcel, Slip, World, add, add_all, keys, stored, waiting, waiting_of};
use crate::{Cursor, Filter, MOST_ITEMS, Query, StoreError, Writer};

mod fencing;
mod formats;
mod listing;
mod paging;
mod unique;
mod writing;

pub use fencing::*;
pub use formats::*;
pub use listing::*;
pub use paging::*;
pub use unique::*;
pub use writing::*;

/// Stamps the suite out as tests; takes an expression that makes a fresh
/// [`World`](crate::contract::store::World), `.await` allowed.
#[macro_export]
macro_rules! collection_contract {
    ($world:expr) => {
        $crate::collection_contract! { @each $world;
            an_inserted_document_reads_back
            what_was_never_written_is_not_found
            a_taken_key_is_refused_and_named
            a_document_begins_at_revision_one
            a_put_replaces_the_document
            what_only_a_later_release_knows_outlives_an_older_ones_write
            a_later_release_takes_over_what_an_older_one_wrote
            refusals_are_the_same_for_documents_of_a_later_release
            of_two_writers_the_second_is_refused
            a_skipped_revision_is_refused
            a_removed_document_is_gone_and_its_key_is_free
            a_removal_at_another_revision_is_refused
            a_document_is_kept_while_its_changes_wait
            a_refused_write_leaves_nothing_behind
            collections_do_not_see_each_other
            text_of_any_kind_is_kept_and_found
            writers_that_race_lose_no_update
            a_unique_key_is_taken_once
            a_put_cannot_take_the_unique_key_of_another
            a_document_keeps_its_own_unique_keys
            a_unique_key_that_is_given_up_is_free
            unique_keys_are_free_after_a_removal
            of_many_inserts_under_one_unique_key_one_wins
            a_leader_writes_what_no_other_sealed
            a_deposed_leader_writes_nothing_after_the_seal
            a_deposed_leader_removes_nothing_after_the_seal
            staleness_is_told_before_a_conflict
            a_leaders_write_fences_older_leaders
            refusals_of_a_deposed_leader_are_counted
            an_intent_is_not_fenced
            an_intent_does_not_undo_a_seal
            a_leaders_insert_is_fenced_and_an_intents_is_not
            a_seal_counts_what_it_fences
            a_repeated_seal_fences_what_was_added_since
            an_older_seal_lowers_no_guard
            a_seal_leaves_other_collections_alone
            documents_are_listed_by_key
            every_filter_selects_what_it_says
            filters_follow_the_document
            a_list_is_sorted_by_a_field_and_ties_by_key
            a_rare_filter_and_a_frequent_one_agree
            pages_join_to_the_whole_list
            a_page_that_ends_the_list_has_no_cursor
            limits_out_of_range_are_brought_into_it
            a_cursor_holds_while_documents_come_and_go
            a_document_that_moves_is_seen_where_it_is
        }
    };
    (@each $world:expr; $($name:ident)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                let world = $world;
                $crate::contract::collection::$name(&world).await;
            }
        )*
    };
}
