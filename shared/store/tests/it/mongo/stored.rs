//! What stands in the database, as `mongosh` shows it.

use std::collections::BTreeSet;

use ccm_ports::contract::store::Parcel;
use ccm_ports::{Collection as _, Writer};

use super::fresh::Fresh;

#[tokio::test]
async fn a_document_is_plain_bson_beside_what_writes_and_lists_need() {
    let fresh = Fresh::new().await;
    let parcel = Parcel { marks: vec!["m".to_owned()], ..Parcel::new("p").labeled("blue") };

    fresh.store.insert(&parcel, &[], Writer::Intent).await.unwrap();

    let stored = fresh.raw("workers").await;
    let row = stored.first().unwrap();
    assert_eq!(row.get_str("_id").unwrap(), "p");
    assert_eq!((row.get_i64("rev").unwrap(), row.get_i64("guard").unwrap()), (1, 0));
    assert_eq!(row.get_document("doc").unwrap().get_str("label").unwrap(), "blue");
    assert_eq!(row.get_document("f").unwrap().get_str("label").unwrap(), "blue");
    assert_eq!(row.get_array("unique").unwrap().len(), 1);
    // What does not wait for the relay is not in its index.
    assert!(!row.contains_key("waiting") && !row.contains_key("changes"), "{row}");
}

#[tokio::test]
async fn indexes_are_made_once_and_kept() {
    let fresh = Fresh::new().await;
    let names = async || {
        let database = fresh.database().await;
        let mut names = BTreeSet::new();
        for collection in database.list_collection_names().await.unwrap() {
            let indexes = database.collection::<mongodb::bson::Document>(&collection);
            for index in indexes.list_index_names().await.unwrap() {
                names.insert(format!("{collection}.{index}"));
            }
        }
        names
    };
    let first = names().await;

    drop(fresh.another().await);

    assert_eq!(names().await, first);
    for index in
        ["workers.waiting", "workers.unique", "workers.guard", "events.change", "runs.next"]
    {
        assert!(first.contains(index), "{index} is not in {first:?}");
    }
}
