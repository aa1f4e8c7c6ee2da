//! Inserting, replacing, removing: compare-and-set on the revision.

use super::*;

/// What was inserted is found, byte for byte.
pub async fn an_inserted_document_reads_back(world: &dyn World) {
    let parcel = Parcel::new("p").labeled("red").tagged(&["a", "b"]).marked(&["m"]);

    world.parcels().insert(&parcel, &[], Writer::Intent).await.unwrap();

    assert_eq!(world.parcels().find("p").await.unwrap(), Some(parcel.clone()));
    assert_eq!(world.parcels().get("p").await.unwrap(), parcel);
}

/// Absence is `None`, or an error that names the noun.
pub async fn what_was_never_written_is_not_found(world: &dyn World) {
    let all = world.parcels();
    let refused = |outcome: Result<(), StoreError>| {
        assert!(matches!(outcome, Err(StoreError::NotFound("parcel"))), "{outcome:?}");
    };

    assert_eq!(all.find("p").await.unwrap(), None);
    refused(all.get("p").await.map(drop));
    for by in [Writer::Intent, Writer::Leader(Epoch(7))] {
        refused(all.put(&Parcel::new("p").next(), &[], by).await);
        refused(all.remove("p", 1, by).await);
    }
    assert_eq!(all.find("p").await.unwrap(), None);
}

/// A second document under the same key changes nothing about the first.
pub async fn a_taken_key_is_refused_and_named(world: &dyn World) {
    let first = Parcel::new("p").labeled("first");
    add(world, &first).await;

    let second = Parcel::new("p").labeled("second").marked(&["m"]);
    let err = world.parcels().insert(&second, &[second.change(0)], Writer::Intent).await;

    assert!(matches!(&err, Err(StoreError::Taken(key)) if key == "p"), "{err:?}");
    assert_eq!(stored(world, "p").await, first);
    assert_eq!(waiting(world).await, []);
    add(world, &Parcel::new("q").marked(&["m"])).await;
}

/// A document that claims a past is a defect of the caller's.
pub async fn a_document_begins_at_revision_one(world: &dyn World) {
    for rev in [0, 2] {
        let parcel = Parcel { rev, ..Parcel::new("p") };

        let err = world.parcels().insert(&parcel, &[], Writer::Intent).await.unwrap_err();

        assert!(matches!(err, StoreError::Corrupt(_)), "{rev}: {err:?}");
    }
    assert_eq!(world.parcels().find("p").await.unwrap(), None);
}

/// Nothing of the older revision stays.
pub async fn a_put_replaces_the_document(world: &dyn World) {
    let first = Parcel::new("p").labeled("red").tagged(&["a"]);
    add(world, &first).await;
    let second = first.next().labeled("blue").tagged(&["b", "c"]);

    world.parcels().put(&second, &[], Writer::Intent).await.unwrap();

    assert_eq!(stored(world, "p").await, second);
    assert_eq!(keys(world, &Query::default().is("label", "red")).await, [""; 0]);
    assert_eq!(keys(world, &Query::default().is("label", "blue")).await, ["p"]);
}

/// Both read the same revision; only one may replace it.
pub async fn of_two_writers_the_second_is_refused(world: &dyn World) {
    let read = Parcel::new("p");
    add(world, &read).await;
    let first = read.next().labeled("first");
    let second = read.next().labeled("second");
    world.parcels().put(&first, &[], Writer::Intent).await.unwrap();

    for by in [Writer::Intent, Writer::Leader(Epoch(1))] {
        let err = world.parcels().put(&second, &[], by).await.unwrap_err();

        assert!(matches!(err, StoreError::Conflict), "{err:?}");
    }
    assert_eq!(stored(world, "p").await, first);
}

/// A writer that leaves a revision out has not seen what it replaces.
pub async fn a_skipped_revision_is_refused(world: &dyn World) {
    let parcel = Parcel::new("p");
    add(world, &parcel).await;

    let err = world.parcels().put(&parcel.next().next(), &[], Writer::Intent).await.unwrap_err();

    assert!(matches!(err, StoreError::Conflict), "{err:?}");
    assert_eq!(stored(world, "p").await, parcel);
}

/// After a removal the key begins anew.
pub async fn a_removed_document_is_gone_and_its_key_is_free(world: &dyn World) {
    let parcel = Parcel::new("p").labeled("red").tagged(&["a"]);
    add(world, &parcel).await;
    world.parcels().put(&parcel.next(), &[], Writer::Intent).await.unwrap();

    world.parcels().remove("p", 2, Writer::Intent).await.unwrap();

    assert_eq!(world.parcels().find("p").await.unwrap(), None);
    assert_eq!(keys(world, &Query::default()).await, [""; 0]);
    assert_eq!(keys(world, &Query::default().by("label", false)).await, [""; 0]);
    add(world, &Parcel::new("p")).await;
    assert_eq!(stored(world, "p").await, Parcel::new("p"));
}

/// Whoever removes must have seen what it removes.
pub async fn a_removal_at_another_revision_is_refused(world: &dyn World) {
    let parcel = Parcel::new("p");
    add(world, &parcel).await;
    world.parcels().put(&parcel.next(), &[], Writer::Intent).await.unwrap();

    for rev in [0, 1, 3] {
        let err = world.parcels().remove("p", rev, Writer::Intent).await.unwrap_err();

        assert!(matches!(err, StoreError::Conflict), "{rev}: {err:?}");
    }
    assert_eq!(stored(world, "p").await, parcel.next());
}

/// A document takes its changes along; none may be lost.
pub async fn a_document_is_kept_while_its_changes_wait(world: &dyn World) {
    let parcel = Parcel::new("p");
    world.parcels().insert(&parcel, &[parcel.change(0)], Writer::Intent).await.unwrap();

    let err = world.parcels().remove("p", 1, Writer::Intent).await.unwrap_err();

    assert!(matches!(err, StoreError::Conflict), "{err:?}");
    world.outbox().told(&waiting(world).await).await.unwrap();
    world.parcels().remove("p", 1, Writer::Intent).await.unwrap();
    assert_eq!(world.parcels().find("p").await.unwrap(), None);
}

/// No field, unique key or change of a write that lost.
pub async fn a_refused_write_leaves_nothing_behind(world: &dyn World) {
    let parcel = Parcel::new("p").labeled("red");
    add(world, &parcel).await;
    add(world, &Parcel::new("q").marked(&["taken"])).await;
    let late = Parcel { rev: 3, ..parcel.next().labeled("blue").marked(&["free"]) };
    let greedy = parcel.next().labeled("blue").marked(&["free", "taken"]);

    for refused in [late, greedy] {
        let changes = [refused.change(0)];
        world.parcels().put(&refused, &changes, Writer::Intent).await.unwrap_err();
    }

    assert_eq!(stored(world, "p").await, parcel);
    assert_eq!(keys(world, &Query::default().by("label", false)).await, ["p"]);
    assert_eq!(keys(world, &Query::default().is("label", "red")).await, ["p"]);
    assert_eq!(waiting(world).await, []);
    add(world, &Parcel::new("r").marked(&["free"])).await;
}

/// The same key may stand in two collections.
pub async fn collections_do_not_see_each_other(world: &dyn World) {
    let slip = Slip { id: "p".to_owned(), rev: 1 };
    add(world, &Parcel::new("p")).await;
    world.slips().insert(&slip, &[], Writer::Intent).await.unwrap();

    world.parcels().remove("p", 1, Writer::Intent).await.unwrap();

    assert_eq!(world.slips().list(&Query::default()).await.unwrap().items, [slip]);
    assert_eq!(world.parcels().list(&Query::default()).await.unwrap().items, []);
}

/// Quotes, wildcards, line breaks and letters of all kinds are text like any other.
pub async fn text_of_any_kind_is_kept_and_found(world: &dyn World) {
    let odd =
        ["'; DROP TABLE docs; --", "50%_\\", "$where", "ünïcödé 🦀", "two\nlines", "a.b/c", ""];
    for (nth, text) in odd.iter().enumerate() {
        let id = format!("{nth}{text}");
        let parcel = Parcel::new(&id).labeled(text).tagged(&[text]).marked(&[text]);
        add(world, &parcel).await;

        assert_eq!(stored(world, &id).await, parcel, "{text:?}");
        let labeled = Query::default().is("label", *text);
        assert_eq!(keys(world, &labeled).await, [id.as_str()], "{text:?}");
        let twin = Parcel::new("twin").marked(&[text]);
        let err = world.parcels().insert(&twin, &[], Writer::Intent).await.unwrap_err();
        assert!(matches!(&err, StoreError::Taken(mark) if mark == text), "{err:?}");
    }
}

/// Each of many tasks counts up until it got through; every count is there, and every change, in order.
pub async fn writers_that_race_lose_no_update(world: &dyn World) {
    const TASKS: u64 = 16;
    const EACH: u64 = 12;
    add(world, &Parcel::new("p")).await;

    let count_up = |_| async {
        for _ in 0..EACH {
            loop {
                let next = stored(world, "p").await.next();
                let changes = [next.change(0)];
                match world.parcels().put(&next, &changes, Writer::Intent).await {
                    Ok(()) => break,
                    Err(StoreError::Conflict) => {}
                    Err(err) => panic!("{err:?}"),
                }
            }
        }
    };
    join_all((0..TASKS).map(count_up)).await;

    let after = stored(world, "p").await;
    assert_eq!((after.count, after.rev), (TASKS * EACH, TASKS * EACH + 1));
    let expected: Vec<_> =
        (2..=after.rev).map(|rev| Parcel { rev, ..Parcel::new("p") }.change(0).id).collect();
    assert_eq!(waiting_of(world, "p").await, expected);
}
