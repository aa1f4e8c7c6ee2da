//! Filters and order.

use super::*;

fn is_in(field: &'static str, values: &[&str]) -> Filter {
    Filter::In(field, values.iter().map(|&value| value.to_owned()).collect())
}

fn not_in(field: &'static str, values: &[&str]) -> Filter {
    Filter::NotIn(field, values.iter().map(|&value| value.to_owned()).collect())
}

/// Without anything else, a list is everything in the order of its keys.
pub async fn documents_are_listed_by_key(world: &dyn World) {
    for id in ["b", "a", "c", "B", "10", "9"] {
        add(world, &Parcel::new(id)).await;
    }

    assert_eq!(keys(world, &Query::default()).await, ["10", "9", "B", "a", "b", "c"]);
    let largest_first = Query { descending: true, ..Query::default() };
    assert_eq!(keys(world, &largest_first).await, ["c", "b", "a", "B", "9", "10"]);
}

/// A document matches when one of its values does; `NotIn` when none does.
pub async fn every_filter_selects_what_it_says(world: &dyn World) {
    add(world, &Parcel::new("a").labeled("Red apple").tagged(&["x"])).await;
    add(world, &Parcel::new("b").labeled("blue").tagged(&["x", "y"])).await;
    add(world, &Parcel::new("c").labeled("green").tagged(&["y", "z"])).await;
    add(world, &Parcel::new("d")).await;
    let below = Filter::Below("label", "c".to_owned());
    let at_least = Filter::AtLeast("label", "blue".to_owned());
    let contains = |part: &str| Filter::Contains("label", part.to_owned());

    let cases: Vec<(Vec<Filter>, &[&str])> = vec![
        (vec![is_in("tag", &["x"])], &["a", "b"]),
        (vec![is_in("tag", &["x", "z"])], &["a", "b", "c"]),
        (vec![is_in("tag", &["x", "y"])], &["a", "b", "c"]),
        (vec![is_in("tag", &["x"]), is_in("tag", &["y"])], &["b"]),
        (vec![is_in("tag", &[])], &[]),
        (vec![is_in("tag", &["none"])], &[]),
        (vec![is_in("unknown", &["x"])], &[]),
        (vec![not_in("tag", &["x"])], &["c", "d"]),
        (vec![not_in("tag", &["x", "z"])], &["d"]),
        (vec![not_in("tag", &[])], &["a", "b", "c", "d"]),
        (vec![not_in("unknown", &["x"])], &["a", "b", "c", "d"]),
        (vec![below.clone()], &["a", "b"]),
        (vec![at_least.clone()], &["b", "c"]),
        (vec![below, at_least], &["b"]),
        (vec![Filter::Below("tag", "y".to_owned())], &["a", "b"]),
        (vec![Filter::AtLeast("tag", "y".to_owned())], &["b", "c"]),
        (vec![contains("RE")], &["a", "c"]),
        (vec![contains("d a")], &["a"]),
        (vec![contains("%")], &[]),
        (vec![contains("")], &["a", "b", "c"]),
        (vec![contains("e"), not_in("tag", &["y"])], &["a"]),
        (vec![is_in("tag", &["y"]), contains("b")], &["b"]),
    ];
    for (filters, expected) in cases {
        let query = Query { filters, ..Query::default() };

        assert_eq!(keys(world, &query).await, expected, "{:?}", query.filters);
    }
}

/// What a write takes away or adds is no longer, or at once, found.
pub async fn filters_follow_the_document(world: &dyn World) {
    let first = Parcel::new("p").labeled("red").tagged(&["a", "b"]);
    add(world, &first).await;
    let second = first.next().tagged(&["b", "c"]);
    let second = Parcel { label: None, ..second };

    world.parcels().put(&second, &[], Writer::Intent).await.unwrap();

    for (tag, found) in [("a", 0), ("b", 1), ("c", 1)] {
        assert_eq!(keys(world, &Query::default().is("tag", tag)).await.len(), found, "{tag}");
    }
    assert_eq!(keys(world, &Query::default().by("label", false)).await, [""; 0]);
}

/// Documents without the field are left out; equal values stand in the order of their keys.
pub async fn a_list_is_sorted_by_a_field_and_ties_by_key(world: &dyn World) {
    for (id, label) in [("d", "1"), ("a", "2"), ("c", "1"), ("b", "10"), ("e", "2")] {
        add(world, &Parcel::new(id).labeled(label).tagged(&["t"])).await;
    }
    add(world, &Parcel::new("none").tagged(&["t"])).await;

    for query in [Query::default(), Query::default().is("tag", "t")] {
        let up = query.clone().by("label", false);
        assert_eq!(keys(world, &up).await, ["c", "d", "b", "a", "e"]);
        let down = query.by("label", true);
        assert_eq!(keys(world, &down).await, ["e", "a", "b", "d", "c"]);
    }
}

/// However a store finds its way, it comes to the same documents.
pub async fn a_rare_filter_and_a_frequent_one_agree(world: &dyn World) {
    let parcel = |nth: usize| {
        let parcel = Parcel::new(&format!("{nth:05}")).labeled(&(9_999 - nth / 3).to_string());
        parcel.tagged(&["all", if nth.is_multiple_of(20) { "rare" } else { "often" }])
    };
    add_all(world, (0..1_300).map(parcel)).await;
    let rare = Query::default().is("tag", "rare").is("tag", "all");
    let often = Query::default().and(not_in("tag", &["often"])).is("tag", "all");

    for sort in [None, Some("label")] {
        let [rare, often] = [&rare, &often].map(|q| Query { sort, ..q.clone() }.limit(50));
        let expected = keys(world, &often).await;

        assert_eq!(expected.len(), 50);
        assert_eq!(keys(world, &rare).await, expected);
    }
}
