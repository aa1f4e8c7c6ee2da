//! The log: a place for every change, for ever.

use super::*;

/// An empty log has an end and a beginning too.
pub async fn an_empty_log_begins_at_one(world: &dyn World) {
    assert_eq!(world.log().head().await.unwrap(), 0);
    assert_eq!(world.log().oldest().await.unwrap(), 1);
    assert_eq!(world.log().read(0, 10).await.unwrap(), []);
}

/// 1, 2, 3 …, over several appends.
pub async fn places_are_given_without_a_hole(world: &dyn World) {
    let changes = changes_of(0..5);

    let first = world.log().append(0, &changes[..2]).await.unwrap();
    let second = world.log().append(2, &changes[2..]).await.unwrap();

    assert_eq!((places(&first), places(&second)), (vec![1, 2], vec![3, 4, 5]));
    assert_eq!(world.log().head().await.unwrap(), 5);
    assert_eq!(world.log().oldest().await.unwrap(), 1);
    let expected: Vec<_> = (1..).zip(changes).map(|(seq, change)| Logged { seq, change }).collect();
    assert_eq!(world.log().read(0, 10).await.unwrap(), expected);
}

/// Whoever expects another end is not the only relay.
pub async fn an_append_at_another_place_is_refused(world: &dyn World) {
    let changes = changes_of(0..3);
    world.log().append(0, &changes[..2]).await.unwrap();

    for after in [0, 1, 3, u64::MAX] {
        let err = world.log().append(after, &changes).await.unwrap_err();

        assert!(matches!(err, StoreError::Conflict), "{after}: {err:?}");
    }
    assert_eq!(world.log().head().await.unwrap(), 2);
    assert_eq!(places(&world.log().read(0, 10).await.unwrap()), [1, 2]);
}

/// Known and new ones may come together; each is answered with its place, in the order given.
pub async fn a_change_keeps_the_place_that_it_has(world: &dyn World) {
    let changes = changes_of(0..5);
    world.log().append(0, &changes[1..3]).await.unwrap();

    let logged = world.log().append(2, &changes).await.unwrap();

    assert_eq!(places(&logged), [3, 1, 2, 4, 5]);
    let answered: Vec<_> = logged.into_iter().map(|logged| logged.change).collect();
    assert_eq!(answered, changes);
    assert_eq!(world.log().head().await.unwrap(), 5);
}

/// Even within one append.
pub async fn a_change_given_twice_gets_one_place(world: &dyn World) {
    let [a, b] = [Parcel::new("a").change(0), Parcel::new("b").change(0)];

    let logged = world.log().append(0, &[a.clone(), b, a]).await.unwrap();

    assert_eq!(places(&logged), [1, 2, 1]);
    assert_eq!(world.log().head().await.unwrap(), 2);
}

/// An idle relay leaves no trace.
pub async fn an_append_of_nothing_changes_nothing(world: &dyn World) {
    world.log().append(0, &changes_of(0..2)).await.unwrap();

    assert_eq!(world.log().append(2, &[]).await.unwrap(), []);
    assert_eq!(world.log().head().await.unwrap(), 2);
}

/// From any place on, so many at most.
pub async fn the_log_is_read_in_pages(world: &dyn World) {
    world.log().append(0, &changes_of(0..7)).await.unwrap();

    for (after, limit, expected) in [
        (0, 3, vec![1, 2, 3]),
        (3, 3, vec![4, 5, 6]),
        (6, 3, vec![7]),
        (7, 3, vec![]),
        (9, 3, vec![]),
        (u64::MAX, 3, vec![]),
        (0, 0, vec![]),
        (2, usize::MAX, vec![3, 4, 5, 6, 7]),
    ] {
        let read = world.log().read(after, limit).await.unwrap();

        assert_eq!(places(&read), expected, "{limit} after {after}");
    }
}

/// A place is never given out again, even when nothing of the log is left.
pub async fn the_end_of_the_log_survives_its_trimming(world: &dyn World) {
    world.log().append(0, &changes_of(0..5)).await.unwrap();

    assert_eq!(world.log().trim(3).await.unwrap(), 2);
    assert_eq!(world.log().trim(3).await.unwrap(), 0);
    assert_eq!(world.log().oldest().await.unwrap(), 3);
    assert_eq!(places(&world.log().read(0, 10).await.unwrap()), [3, 4, 5]);

    assert_eq!(world.log().trim(u64::MAX).await.unwrap(), 3);
    assert_eq!((world.log().head().await.unwrap(), world.log().oldest().await.unwrap()), (5, 6));
    let logged = world.log().append(5, &changes_of(5..6)).await.unwrap();
    assert_eq!(places(&logged), [6]);
    assert_eq!(world.log().oldest().await.unwrap(), 6);
}

/// Looks, appends, and dies; the next one does the same again and no client sees anything twice.
pub async fn a_relay_that_died_before_telling_is_repeated_harmlessly(world: &dyn World) {
    let parcel = tell(world, "p", 2).await;
    let seen = waiting(world).await.remove(0);
    let first = world.log().append(0, &seen.changes).await.unwrap();
    tell_more(world, &parcel, 1, Writer::Intent).await;

    let head = world.log().head().await.unwrap();
    let seen = waiting(world).await.remove(0);
    let second = world.log().append(head, &seen.changes).await.unwrap();
    world.outbox().told(&[seen]).await.unwrap();

    assert_eq!((places(&first), places(&second)), (vec![1, 2], vec![1, 2, 3]));
    assert_eq!(world.log().read(0, 10).await.unwrap(), second);
    assert_eq!(waiting(world).await, []);
}

/// Many relays at once only repeat each other: everything committed is in the log once, in order.
pub async fn relays_that_race_leave_no_hole_and_no_double(world: &dyn World) {
    const PARCELS: u64 = 6;
    const WRITES: u64 = 5;
    let write = |nth: u64| async move {
        let mut parcel = tell(world, &format!("p{nth}"), 1).await;
        for _ in 1..WRITES {
            parcel = tell_more(world, &parcel, 1, Writer::Intent).await;
        }
    };
    let relay = |_| async {
        while world.log().head().await.unwrap() < PARCELS * WRITES {
            let head = world.log().head().await.unwrap();
            for seen in world.outbox().pending(4).await.unwrap() {
                match world.log().append(head, &seen.changes).await {
                    Ok(_) => world.outbox().told(&[seen]).await.unwrap(),
                    Err(StoreError::Conflict) => {}
                    Err(err) => panic!("{err:?}"),
                }
            }
        }
    };

    tokio::join!(join_all((0..PARCELS).map(write)), join_all((0..3).map(relay)));

    let all = world.log().read(0, usize::MAX).await.unwrap();
    assert_eq!(places(&all), (1..=PARCELS * WRITES).collect::<Vec<_>>());
    for nth in 0..PARCELS {
        let own = format!("parcel/p{nth}");
        let told = all.iter().filter(|logged| logged.change.subject.to_string() == own);
        let revs: Vec<_> =
            told.map(|logged| logged.change.data.value()["rev"].as_u64().unwrap()).collect();
        assert_eq!(revs, (1..=WRITES).collect::<Vec<_>>(), "{own}");
    }
}
