//! Changes that wait in their documents.

use super::*;

/// Within one document the order is that of its history, whoever wrote.
pub async fn changes_wait_in_the_order_of_their_writes(world: &dyn World) {
    let parcel = tell(world, "p", 2).await;
    tell(world, "q", 1).await;
    let parcel = tell_more(world, &parcel, 1, Writer::Leader(Epoch(1))).await;
    tell_more(world, &parcel, 2, Writer::Intent).await;

    let expected = ["1.0", "1.1", "2.0", "3.0", "3.1"].map(|end| format!("workers/p/{end}"));
    assert_eq!(waiting_of(world, "p").await, expected);
    assert_eq!(waiting_of(world, "q").await, ["workers/q/1.0"]);
    assert_eq!(world.outbox().backlog().await.unwrap(), 6);
}

/// Nothing is lost on the way.
pub async fn a_change_reads_back_as_it_was_written(world: &dyn World) {
    let parcel = Parcel::new("p");
    let change = Change {
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        data: serde_json::json!({ "text": "ünï\n\"cödé\"", "number": 1.5, "list": [null, true] })
            .into(),
        ..parcel.change(0)
    };

    world.parcels().insert(&parcel, std::slice::from_ref(&change), Writer::Intent).await.unwrap();

    let expected = Pending {
        collection: Parcel::COLLECTION.to_owned(),
        key: "p".to_owned(),
        changes: vec![change],
    };
    assert_eq!(waiting(world).await, [expected]);
}

/// No document without a change is ever in the way.
pub async fn a_write_without_changes_waits_for_nothing(world: &dyn World) {
    let parcel = tell(world, "p", 0).await;
    tell_more(world, &parcel, 0, Writer::Intent).await;

    assert_eq!(waiting(world).await, []);
    assert_eq!(world.outbox().backlog().await.unwrap(), 0);
}

/// A writer that replaces the document does not know of them, and need not.
pub async fn changes_that_wait_survive_the_next_write(world: &dyn World) {
    let parcel = tell(world, "p", 1).await;

    tell_more(world, &parcel, 0, Writer::Intent).await;

    assert_eq!(waiting_of(world, "p").await, ["workers/p/1.0"]);
}

/// The bound is on changes; what is left out is each document's youngest.
pub async fn a_look_is_bounded_and_begins_with_the_oldest(world: &dyn World) {
    let parcel = tell(world, "p", 2).await;
    tell_more(world, &parcel, 2, Writer::Intent).await;
    tell(world, "q", 3).await;

    for limit in 0..=8 {
        let found = world.outbox().pending(limit).await.unwrap();

        let changes: usize = found.iter().map(|pending| pending.changes.len()).sum();
        assert_eq!(changes, limit.min(7));
        for pending in found {
            let ids: Vec<_> = pending.changes.into_iter().map(|change| change.id).collect();
            assert!(!ids.is_empty());
            assert!(waiting_of(world, &pending.key).await.starts_with(&ids), "{limit}: {ids:?}");
        }
    }
}

/// Else a document's younger changes might be told before its older ones.
pub async fn a_look_ahead_leaves_out_what_is_under_way(world: &dyn World) {
    let parcel = tell(world, "p", 2).await;
    tell(world, "q", 1).await;
    tell(world, "r", 3).await;
    let ahead = world.outbox().pending(2).await.unwrap();
    tell_more(world, &parcel, 1, Writer::Intent).await;

    for limit in 0..=8 {
        let found = world.outbox().pending_behind(&ahead, limit).await.unwrap();

        let changes: usize = found.iter().map(|pending| pending.changes.len()).sum();
        assert!(changes <= limit);
        for pending in found {
            assert!(!ahead.iter().any(|one| one.key == pending.key), "{}", pending.key);
            let ids: Vec<_> = pending.changes.into_iter().map(|change| change.id).collect();
            assert!(!ids.is_empty());
            assert!(waiting_of(world, &pending.key).await.starts_with(&ids), "{limit}: {ids:?}");
        }
    }
}

/// Neither a neighbor in the document nor one in another document goes with it.
pub async fn told_takes_exactly_what_was_told(world: &dyn World) {
    tell(world, "p", 3).await;
    tell(world, "q", 1).await;
    let changes = vec![Parcel::new("p").change(0), Parcel::new("p").change(2)];
    let told = Pending { collection: Parcel::COLLECTION.to_owned(), key: "p".to_owned(), changes };

    world.outbox().told(&[told]).await.unwrap();

    assert_eq!(waiting_of(world, "p").await, ["workers/p/1.1"]);
    assert_eq!(waiting_of(world, "q").await, ["workers/q/1.0"]);
    assert_eq!(world.outbox().backlog().await.unwrap(), 2);
}

/// Whatever their collections; one that has nothing to tell is in nobody's way.
pub async fn told_takes_out_of_many_documents_at_once(world: &dyn World) {
    for (id, changes) in [("p", 3), ("q", 1), ("r", 2), ("s", 0)] {
        tell(world, id, changes).await;
    }
    let mut told = waiting(world).await;
    told.retain(|pending| pending.key != "r");
    for pending in &mut told {
        pending.changes.truncate(2);
    }
    let nothing = Pending { changes: vec![], key: "s".to_owned(), ..told[0].clone() };
    told.push(nothing);

    world.outbox().told(&told).await.unwrap();
    world.outbox().told(&[]).await.unwrap();

    for (id, left) in [("p", vec!["workers/p/1.2"]), ("q", vec![]), ("s", vec![])] {
        assert_eq!(waiting_of(world, id).await, left, "{id}");
    }
    assert_eq!(waiting_of(world, "r").await.len(), 2);
    assert_eq!(world.outbox().backlog().await.unwrap(), 3);
}

/// A relay that does not know whether it was heard says it again, even of a document that is gone.
pub async fn telling_twice_is_harmless(world: &dyn World) {
    let parcel = tell(world, "p", 1).await;
    let told = waiting(world).await;
    world.outbox().told(&told).await.unwrap();

    world.outbox().told(&told).await.unwrap();
    world.parcels().remove("p", parcel.rev, Writer::Intent).await.unwrap();
    world.outbox().told(&told).await.unwrap();

    assert_eq!(waiting(world).await, []);
    assert_eq!(world.parcels().find("p").await.unwrap(), None);
}

/// Between the look and the telling the document went on.
pub async fn what_came_meanwhile_goes_on_waiting(world: &dyn World) {
    let parcel = tell(world, "p", 1).await;
    let seen = waiting(world).await;
    let parcel = tell_more(world, &parcel, 1, Writer::Intent).await;

    world.outbox().told(&seen).await.unwrap();

    assert_eq!(waiting_of(world, "p").await, ["workers/p/2.0"]);
    assert_eq!(world.parcels().get("p").await.unwrap(), parcel);
}
