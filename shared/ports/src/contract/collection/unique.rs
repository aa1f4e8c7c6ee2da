//! Keys that no two documents of a collection share.

use super::*;

/// The second document is refused as a whole, its other unique keys stay free.
pub async fn a_unique_key_is_taken_once(world: &dyn World) {
    add(world, &Parcel::new("p").marked(&["one", "two"])).await;

    let second = Parcel::new("q").marked(&["three", "two"]);
    let err = world.parcels().insert(&second, &[second.change(0)], Writer::Intent).await;

    assert!(matches!(&err, Err(StoreError::Taken(key)) if key == "two"), "{err:?}");
    assert_eq!(world.parcels().find("q").await.unwrap(), None);
    assert_eq!(waiting(world).await, []);
    add(world, &Parcel::new("r").marked(&["three"])).await;
}

/// A document cannot grow into another's place.
pub async fn a_put_cannot_take_the_unique_key_of_another(world: &dyn World) {
    let parcel = Parcel::new("p").marked(&["own"]);
    add(world, &parcel).await;
    add(world, &Parcel::new("q").marked(&["taken"])).await;

    for by in [Writer::Intent, Writer::Leader(Epoch(1))] {
        let err = world.parcels().put(&parcel.next().marked(&["taken"]), &[], by).await;

        assert!(matches!(&err, Err(StoreError::Taken(key)) if key == "taken"), "{err:?}");
    }
    assert_eq!(stored(world, "p").await, parcel);
    let thief = Parcel::new("r").marked(&["own"]);
    world.parcels().insert(&thief, &[], Writer::Intent).await.unwrap_err();
}

/// What a document has it may keep, and it may name it twice.
pub async fn a_document_keeps_its_own_unique_keys(world: &dyn World) {
    let first = Parcel::new("p").marked(&["one"]);
    add(world, &first).await;

    let second = first.next().marked(&["two", "one", "one"]);
    world.parcels().put(&second, &[], Writer::Intent).await.unwrap();

    assert_eq!(stored(world, "p").await, second);
}

/// Without it, the next document may have it.
pub async fn a_unique_key_that_is_given_up_is_free(world: &dyn World) {
    let parcel = Parcel::new("p").marked(&["one", "two"]);
    add(world, &parcel).await;

    world.parcels().put(&parcel.next().marked(&["two"]), &[], Writer::Intent).await.unwrap();

    add(world, &Parcel::new("q").marked(&["one"])).await;
    let err = world.parcels().insert(&Parcel::new("r").marked(&["two"]), &[], Writer::Intent).await;
    assert!(matches!(err, Err(StoreError::Taken(_))), "{err:?}");
}

/// A document that is gone holds nothing.
pub async fn unique_keys_are_free_after_a_removal(world: &dyn World) {
    add(world, &Parcel::new("p").marked(&["one", "two"])).await;

    world.parcels().remove("p", 1, Writer::Intent).await.unwrap();

    add(world, &Parcel::new("q").marked(&["one", "two"])).await;
}

/// Exactly one gets the place, the others hear who is in the way.
pub async fn of_many_inserts_under_one_unique_key_one_wins(world: &dyn World) {
    let try_one = |nth: usize| async move {
        let parcel = Parcel::new(&format!("p{nth}")).marked(&["one"]);
        world.parcels().insert(&parcel, &[parcel.change(0)], Writer::Intent).await
    };

    let outcomes = join_all((0..24).map(try_one)).await;

    let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let taken = |outcome: &&Result<(), StoreError>| matches!(outcome, Err(StoreError::Taken(key)) if key == "one");
    assert_eq!((won, outcomes.iter().filter(taken).count()), (1, 23));
    assert_eq!(keys(world, &Query::default()).await.len(), 1);
    assert_eq!(world.outbox().backlog().await.unwrap(), 1);
}
