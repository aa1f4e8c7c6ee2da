//! Two releases on the same documents.

use super::*;
use crate::contract::store::LaterParcel;

const LEADER: Writer = Writer::Leader(Epoch(3));

async fn add_later(world: &dyn World, by: Writer) -> LaterParcel {
    let parcel = Parcel::new("p").labeled("red").tagged(&["a", "b"]).marked(&["m"]);
    let sender = [("name".to_owned(), "ada".to_owned())].into();
    let later = LaterParcel { parcel, weight: Some(7), sender };
    world.later_parcels().insert(&later, &[], by).await.unwrap();
    later
}

/// An older release reads what it knows, and its write changes that alone: body, index, changes.
pub async fn what_only_a_later_release_knows_outlives_an_older_ones_write(world: &dyn World) {
    for by in [Writer::Intent, LEADER] {
        let later = add_later(world, by).await;
        let read = stored(world, "p").await;
        assert_eq!(read, later.parcel);
        let second = read.next().labeled("blue").tagged(&["b", "c"]);
        let third = second.next().labeled("green");

        world.parcels().put(&second, &[second.change(0)], by).await.unwrap();
        world.parcels().put(&third, &[], by).await.unwrap();

        assert_eq!(stored(world, "p").await, third);
        let found = world.later_parcels().get("p").await.unwrap();
        assert_eq!(found, LaterParcel { parcel: third.clone(), ..later });
        for (name, value, count) in [
            ("label", "red", 0),
            ("label", "green", 1),
            ("tag", "a", 0),
            ("tag", "c", 1),
            ("weight", "7", 1),
        ] {
            let listed = keys(world, &Query::default().is(name, value)).await;
            assert_eq!(listed.len(), count, "{name} {value}");
        }
        let waits = waiting(world).await;
        assert_eq!(waits.len(), 1, "{waits:?}");
        // The later one goes on, and takes away what it added.
        let last = LaterParcel { parcel: third.next(), ..LaterParcel::default() };
        world.later_parcels().put(&last, &[], by).await.unwrap();
        assert_eq!(world.later_parcels().get("p").await.unwrap(), last);
        assert_eq!(keys(world, &Query::default().is("weight", "7")).await, [""; 0]);
        let told = world.outbox().pending(10).await.unwrap();
        world.outbox().told(&told).await.unwrap();
        world.parcels().remove("p", last.parcel.rev, by).await.unwrap();
    }
}

/// What a document of an older release does not have has its default.
pub async fn a_later_release_takes_over_what_an_older_one_wrote(world: &dyn World) {
    add(world, &Parcel::new("p").labeled("red")).await;

    let read = world.later_parcels().get("p").await.unwrap();
    let second = LaterParcel { parcel: read.parcel.next(), weight: Some(9), ..read };
    world.later_parcels().put(&second, &[], LEADER).await.unwrap();

    assert_eq!(world.later_parcels().get("p").await.unwrap(), second);
    assert_eq!(keys(world, &Query::default().is("weight", "9")).await, ["p"]);
}

/// Who is late or deposed is told so, whatever wrote the document, and changes nothing.
pub async fn refusals_are_the_same_for_documents_of_a_later_release(world: &dyn World) {
    let later = add_later(world, Writer::Leader(Epoch(4))).await;
    let next = later.parcel.next();
    let skipped = next.next();
    let twin = Parcel::new("q").marked(&["n"]);
    add(world, &twin).await;

    let deposed = world.parcels().put(&next, &[next.change(0)], LEADER).await;
    let late = world.parcels().put(&skipped, &[], Writer::Intent).await;
    let taken = next.clone().marked(&["n"]);
    let taken = world.parcels().put(&taken, &[next.change(0)], Writer::Intent).await;

    assert!(matches!(deposed, Err(StoreError::Stale)), "{deposed:?}");
    assert!(matches!(late, Err(StoreError::Conflict)), "{late:?}");
    assert!(matches!(&taken, Err(StoreError::Taken(key)) if key == "n"), "{taken:?}");
    assert_eq!(world.later_parcels().get("p").await.unwrap(), later);
    assert_eq!(waiting(world).await, []);
}
