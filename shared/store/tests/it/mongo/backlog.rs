//! A backlog that is larger than what a look sees.

use std::collections::BTreeSet;

use ccm_domain::Timestamp;
use ccm_events::Change;
use ccm_ports::contract::store::Parcel;
use ccm_ports::{Collection as _, Outbox as _, Writer};

use super::fresh::Fresh;

/// Enough for a look to be full many times.
const DOCUMENTS: u64 = 400;
const BATCH: usize = 64;

fn told_at(parcel: &Parcel, at: u64) -> Change {
    Change { time: Timestamp::from_millis(i64::try_from(at).unwrap()), ..parcel.change(at) }
}

#[tokio::test]
async fn whatever_was_seen_before_a_look_finds_the_oldest_and_in_the_end_all() {
    let fresh = Fresh::new().await;
    let mut committed = BTreeSet::new();
    for nth in 0..DOCUMENTS {
        // Some at the same moment, some long after the others.
        let at = if nth % 10 == 0 { nth * 1_000 } else { nth };
        let parcel = Parcel::new(&format!("p{nth:04}"));
        let change = told_at(&parcel, at);
        committed.insert((at, change.id.clone()));
        fresh.store.insert(&parcel, &[change], Writer::Intent).await.unwrap();
    }

    let mut late = DOCUMENTS;
    while !committed.is_empty() {
        let pending = fresh.store.pending(BATCH).await.unwrap();
        let seen: Vec<_> = pending.iter().flat_map(|document| &document.changes).collect();
        let oldest = committed.iter().take(BATCH).map(|(at, _)| *at);
        let moments = seen.iter().map(|change| u64::try_from(change.time.as_millis()).unwrap());
        assert!(moments.clone().eq(oldest.clone()), "{moments:?} and not {oldest:?}");
        for change in &seen {
            let at = u64::try_from(change.time.as_millis()).unwrap();
            assert!(committed.remove(&(at, change.id.clone())), "{change:?}");
        }
        fresh.store.told(&pending).await.unwrap();
        // Meanwhile somebody commits what is older than anything that waits.
        if late < DOCUMENTS + 3 {
            let parcel = Parcel::new(&format!("p{late:04}"));
            let change = told_at(&parcel, 0);
            committed.insert((0, change.id.clone()));
            fresh.store.insert(&parcel, &[change], Writer::Intent).await.unwrap();
            late += 1;
        }
    }
    assert_eq!(fresh.store.pending(BATCH).await.unwrap(), []);
}
