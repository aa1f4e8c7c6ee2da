//! Pages: every document once, whatever happens between two of them.

use super::*;

/// Returns all pages of a list; each cursor goes through its text form, as it does over the API.
async fn pages(world: &dyn World, query: &Query) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut after: Option<Cursor> = None;
    loop {
        let page = world.parcels().list(&query.clone().after(after)).await.unwrap();
        pages.push(page.items.into_iter().map(|parcel| parcel.id).collect());
        after = page.next.map(|cursor| cursor.to_string().parse().unwrap());
        if after.is_none() {
            return pages;
        }
    }
}

/// Four labels for fifteen parcels, so that most pages end among equal values.
async fn fill(world: &dyn World) {
    for nth in 0..15 {
        let parcel = Parcel::new(&format!("p{nth:02}")).labeled(&format!("l{}", nth % 4));
        add(world, &parcel.tagged(&["t", if nth % 3 == 0 { "third" } else { "other" }])).await;
    }
    add(world, &Parcel::new("unlabeled")).await;
}

/// Nothing is left out or repeated, in either direction, with ties and with filters.
pub async fn pages_join_to_the_whole_list(world: &dyn World) {
    fill(world).await;
    let plain = Query::default();
    let filtered = Query::default().is("tag", "other");
    let excluded = Query::default().and(Filter::NotIn("tag", vec!["third".to_owned()]));

    for query in [plain, filtered, excluded] {
        for sort in [None, Some("label")] {
            for descending in [false, true] {
                let query = Query { sort, descending, ..query.clone() };
                let whole = keys(world, &query).await;
                for limit in [1, 2, 3, 7, 15, 16, 17] {
                    let pages = pages(world, &query.clone().limit(limit)).await;

                    assert!(pages.iter().all(|page| page.len() <= limit as usize));
                    assert_eq!(pages.concat(), whole, "{limit} of {query:?}");
                }
            }
        }
    }
}

/// Otherwise a reader would ask for an empty page, and a browser show a button that leads nowhere.
pub async fn a_page_that_ends_the_list_has_no_cursor(world: &dyn World) {
    for id in ["a", "b"] {
        add(world, &Parcel::new(id).labeled("l")).await;
    }

    for query in [Query::default(), Query::default().by("label", true)] {
        for (limit, more) in [(1, true), (2, false), (3, false)] {
            let page = world.parcels().list(&query.clone().limit(limit)).await.unwrap();

            assert_eq!(page.next.is_some(), more, "{limit}");
        }
    }
    let nothing = world.parcels().list(&Query::default().is("tag", "none")).await.unwrap();
    assert_eq!((nothing.items.len(), nothing.next), (0, None));
}

/// No query reads a whole collection at once, and none reads nothing for ever.
pub async fn limits_out_of_range_are_brought_into_it(world: &dyn World) {
    add_all(world, (0..=MOST_ITEMS).map(|nth| Parcel::new(&nth.to_string()))).await;
    let listed = async |limit| {
        let page = world.parcels().list(&Query { limit, ..Query::default() }).await.unwrap();
        (page.items.len(), page.next.is_some())
    };

    assert_eq!(listed(0).await, (1, true));
    assert_eq!(listed(u32::MAX).await, (MOST_ITEMS as usize, true));
}

/// The cursor's own document may go; new ones are seen if they sort behind it.
pub async fn a_cursor_holds_while_documents_come_and_go(world: &dyn World) {
    for id in ["b", "d", "f", "h"] {
        add(world, &Parcel::new(id).labeled("l")).await;
    }

    for query in [Query::default(), Query::default().by("label", false)] {
        let first = world.parcels().list(&query.clone().limit(2)).await.unwrap();
        let rest = query.after(first.next);
        assert_eq!(keys(world, &rest).await, ["f", "h"]);

        world.parcels().remove("d", 1, Writer::Intent).await.unwrap();
        for id in ["a", "c", "e", "g"] {
            add(world, &Parcel::new(id).labeled("l")).await;
        }
        assert_eq!(keys(world, &rest).await, ["e", "f", "g", "h"]);

        for id in ["a", "c", "e", "g"] {
            world.parcels().remove(id, 1, Writer::Intent).await.unwrap();
        }
        add(world, &Parcel::new("d").labeled("l")).await;
    }
}

/// A cursor is a place in the order, not a snapshot: what moves is seen where it now is.
pub async fn a_document_that_moves_is_seen_where_it_is(world: &dyn World) {
    for (id, label) in [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")] {
        add(world, &Parcel::new(id).labeled(label)).await;
    }
    let query = Query::default().by("label", false);
    let first = world.parcels().list(&query.clone().limit(2)).await.unwrap();

    let moved = [(stored(world, "a").await, "5"), (stored(world, "d").await, "0")];
    for (parcel, label) in moved {
        world.parcels().put(&parcel.next().labeled(label), &[], Writer::Intent).await.unwrap();
    }

    assert_eq!(keys(world, &query.after(first.next)).await, ["c", "a"]);
}
