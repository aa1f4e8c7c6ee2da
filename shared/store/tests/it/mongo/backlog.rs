//! A backlog that is larger than what a look sees.

use std::collections::BTreeSet;

use ccm_domain::Timestamp;
use ccm_events::Change;
use ccm_ports::contract::store::Parcel;
use ccm_ports::{Collection as _, Outbox as _, Pending, Writer};

use super::fresh::Fresh;

/// Enough for a look to be full many times.
const DOCUMENTS: u64 = 400;
const BATCH: usize = 64;

fn told_at(parcel: &Parcel, at: u64) -> Change {
    Change { time: Timestamp::from_millis(i64::try_from(at).unwrap()), ..parcel.change(at) }
}

async fn commit(fresh: &Fresh, key: &str, at: u64) {
    let parcel = Parcel::new(key);
    fresh.store.insert(&parcel, &[told_at(&parcel, at)], Writer::Intent).await.unwrap();
}

fn moments(pending: &[Pending]) -> Vec<u64> {
    let changes = pending.iter().flat_map(|document| &document.changes);
    changes.map(|change| u64::try_from(change.time.as_millis()).unwrap()).collect()
}

#[tokio::test]
async fn a_look_ahead_goes_on_behind_what_is_under_way() {
    let fresh = Fresh::new().await;
    for nth in 1..=200 {
        commit(&fresh, &format!("p{nth:04}"), nth).await;
    }

    let first = fresh.store.pending(BATCH).await.unwrap();
    let second = fresh.store.pending_behind(&first, BATCH).await.unwrap();
    assert!(moments(&second).into_iter().eq(65..=128), "{:?}", moments(&second));

    // A document of the first has another change now, and a writer's clock is behind.
    let parcel = Parcel::new("p0001").next();
    fresh.store.put(&parcel, &[told_at(&parcel, 150)], Writer::Intent).await.unwrap();
    commit(&fresh, "late", 0).await;
    let third = fresh.store.pending_behind(&second, BATCH).await.unwrap();
    assert!(moments(&third).into_iter().eq(129..=192), "{:?}", moments(&third));

    for told in [first, second, third] {
        fresh.store.told(&told).await.unwrap();
    }
    let rest = fresh.store.pending(BATCH).await.unwrap();
    let expected: Vec<u64> = [0, 150].into_iter().chain(193..=200).collect();
    assert_eq!(moments(&rest), expected);
}

#[tokio::test]
async fn whatever_was_seen_before_looks_go_on_with_the_oldest_and_find_all_in_the_end() {
    let fresh = Fresh::new().await;
    let mut committed = BTreeSet::new();
    for nth in 0..DOCUMENTS {
        // Some at the same moment, some long after the others.
        let at = if nth % 10 == 0 { nth * 1_000 } else { nth };
        let key = format!("p{nth:04}");
        commit(&fresh, &key, at).await;
        committed.insert((at, told_at(&Parcel::new(&key), at).id));
    }

    let mut late = DOCUMENTS;
    while !committed.is_empty() {
        let pending = fresh.store.pending(BATCH).await.unwrap();
        // What came late may be seen some looks later, the others in their order.
        let in_time: Vec<u64> = moments(&pending).into_iter().filter(|at| *at > 0).collect();
        let expected = committed.iter().map(|(at, _)| *at).filter(|at| *at > 0).take(in_time.len());
        assert!(in_time.iter().copied().eq(expected), "{in_time:?}");
        assert!(!pending.is_empty(), "a look finds something while something waits");
        for change in pending.iter().flat_map(|document| &document.changes) {
            let at = u64::try_from(change.time.as_millis()).unwrap();
            assert!(committed.remove(&(at, change.id.clone())), "{change:?}");
        }
        fresh.store.told(&pending).await.unwrap();
        // Meanwhile somebody commits what is older than anything that waits.
        if late < DOCUMENTS + 3 {
            let key = format!("p{late:04}");
            commit(&fresh, &key, 0).await;
            committed.insert((0, told_at(&Parcel::new(&key), 0).id));
            late += 1;
        }
    }
    assert_eq!(fresh.store.pending(BATCH).await.unwrap(), []);
}
