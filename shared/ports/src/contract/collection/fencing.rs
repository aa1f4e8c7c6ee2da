//! Guards: a deposed leader changes nothing.

use super::*;

const OLD: Writer = Writer::Leader(Epoch(3));
const NEW: Writer = Writer::Leader(Epoch(4));

async fn seal(world: &dyn World, epoch: u64) -> u64 {
    world.leases().seal(Epoch(epoch)).await.unwrap()
}

fn assert_stale(outcome: &Result<(), StoreError>) {
    assert!(matches!(outcome, Err(StoreError::Stale)), "{outcome:?}");
}

/// A leader goes on writing what it wrote and sealed itself.
pub async fn a_leader_writes_what_no_other_sealed(world: &dyn World) {
    let parcel = Parcel::new("p");
    add(world, &parcel).await;
    seal(world, 3).await;

    world.parcels().put(&parcel.next(), &[], OLD).await.unwrap();
    world.parcels().put(&parcel.next().next(), &[], OLD).await.unwrap();

    assert_eq!(stored(world, "p").await, parcel.next().next());
}

/// From the seal on nothing of the older epoch lands, not even its changes.
pub async fn a_deposed_leader_writes_nothing_after_the_seal(world: &dyn World) {
    let parcel = Parcel::new("p");
    world.parcels().insert(&parcel, &[], OLD).await.unwrap();
    seal(world, 4).await;

    let late = parcel.next();
    assert_stale(&world.parcels().put(&late, &[late.change(0)], OLD).await);

    assert_eq!(stored(world, "p").await, parcel);
    assert_eq!(waiting(world).await, []);
    world.parcels().put(&late, &[], NEW).await.unwrap();
}

/// The same for removals.
pub async fn a_deposed_leader_removes_nothing_after_the_seal(world: &dyn World) {
    add(world, &Parcel::new("p")).await;
    seal(world, 4).await;

    assert_stale(&world.parcels().remove("p", 1, OLD).await);

    stored(world, "p").await;
    world.parcels().remove("p", 1, NEW).await.unwrap();
}

/// Whoever watches a deposed leader sees that it was refused, and nothing else is counted.
pub async fn refusals_of_a_deposed_leader_are_counted(world: &dyn World) {
    let (probe, parcel) = (world.probe(), Parcel::new("p"));
    add(world, &parcel).await;
    seal(world, 4).await;
    world.parcels().put(&parcel.next().next(), &[], NEW).await.unwrap_err();
    assert_eq!(probe.fenced(), 0);

    assert_stale(&world.parcels().put(&parcel.next(), &[], OLD).await);
    assert_stale(&world.parcels().remove("p", 1, OLD).await);

    assert_eq!(probe.fenced(), 2);
}

/// Otherwise a deposed leader would read again and try again.
pub async fn staleness_is_told_before_a_conflict(world: &dyn World) {
    let parcel = Parcel::new("p");
    add(world, &parcel).await;
    world.parcels().put(&parcel.next(), &[], NEW).await.unwrap();

    assert_stale(&world.parcels().put(&parcel.next(), &[], OLD).await);
    assert_stale(&world.parcels().remove("p", 1, OLD).await);
}

/// A write seals what it writes.
pub async fn a_leaders_write_fences_older_leaders(world: &dyn World) {
    let parcel = Parcel::new("p");
    add(world, &parcel).await;
    world.parcels().put(&parcel.next(), &[], NEW).await.unwrap();

    assert_stale(&world.parcels().put(&parcel.next().next(), &[], OLD).await);
}

/// Intents are everybody's.
pub async fn an_intent_is_not_fenced(world: &dyn World) {
    let parcel = Parcel::new("p");
    add(world, &parcel).await;
    seal(world, 4).await;

    world.parcels().put(&parcel.next(), &[], Writer::Intent).await.unwrap();
    world.parcels().remove("p", 2, Writer::Intent).await.unwrap();
}

/// An API process that replaces the whole document still leaves its guard.
pub async fn an_intent_does_not_undo_a_seal(world: &dyn World) {
    let parcel = Parcel::new("p");
    add(world, &parcel).await;
    seal(world, 4).await;
    world.parcels().put(&parcel.next(), &[], Writer::Intent).await.unwrap();

    assert_stale(&world.parcels().put(&parcel.next().next(), &[], OLD).await);
}

/// An observation belongs to who made it, a wish to nobody.
pub async fn a_leaders_insert_is_fenced_and_an_intents_is_not(world: &dyn World) {
    let (seen, wished) = (Parcel::new("seen"), Parcel::new("wished"));
    world.parcels().insert(&seen, &[], NEW).await.unwrap();
    world.parcels().insert(&wished, &[], Writer::Intent).await.unwrap();

    assert_stale(&world.parcels().put(&seen.next(), &[], OLD).await);
    world.parcels().put(&wished.next(), &[], OLD).await.unwrap();
}

/// The count says what an older leader could still have written.
pub async fn a_seal_counts_what_it_fences(world: &dyn World) {
    assert_eq!(seal(world, 1).await, 0);
    add_all(world, (0..1_200).map(|nth| Parcel::new(&format!("p{nth}")))).await;
    world.parcels().insert(&Parcel::new("ahead"), &[], Writer::Leader(Epoch(9))).await.unwrap();

    assert_eq!(seal(world, 4).await, 1_200);
    assert_eq!(seal(world, 4).await, 0);
    assert_eq!(seal(world, 9).await, 1_200);
}

/// What a deposed leader inserts after the seal is fenced by the next sweep.
pub async fn a_repeated_seal_fences_what_was_added_since(world: &dyn World) {
    let late = Parcel::new("late");
    seal(world, 4).await;
    world.parcels().insert(&late, &[], OLD).await.unwrap();

    assert_eq!(seal(world, 4).await, 1);

    assert_stale(&world.parcels().put(&late.next(), &[], OLD).await);
}

/// A deposed leader that seals late takes nothing back.
pub async fn an_older_seal_lowers_no_guard(world: &dyn World) {
    let parcel = Parcel::new("p");
    add(world, &parcel).await;
    seal(world, 4).await;

    assert_eq!(seal(world, 3).await, 0);

    assert_stale(&world.parcels().put(&parcel.next(), &[], OLD).await);
}

/// What no leader writes needs no seal.
pub async fn a_seal_leaves_other_collections_alone(world: &dyn World) {
    let slip = Slip { id: "s".to_owned(), rev: 1 };
    world.slips().insert(&slip, &[], Writer::Intent).await.unwrap();

    assert_eq!(seal(world, 4).await, 0);

    world.slips().put(&Slip { rev: 2, ..slip }, &[], OLD).await.unwrap();
}
