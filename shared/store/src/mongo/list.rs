//! From a [`Query`] to one `find`.
//!
//! **Invariant:** values and cursors are values, never operators; a text that is looked for becomes a pattern
//! without meaning of its own.

use ccm_ports::{Cursor, Document, Filter, MOST_ITEMS, Page, Query, StoreError};
use futures_util::TryStreamExt as _;
use mongodb::bson::{self, doc};
use serde::Deserialize;

use super::Mongo;
use super::stored::parse;

/// What a page needs of a document.
#[derive(Deserialize)]
struct Row {
    #[serde(rename = "_id")]
    key: String,
    doc: bson::Document,
    #[serde(default)]
    f: bson::Document,
}

/// Reads one page.
pub(super) async fn page<D: Document>(store: &Mongo, query: &Query) -> Result<Page<D>, StoreError> {
    let wanted = query.limit.clamp(1, MOST_ITEMS) as usize;
    let rows = query.limit.clamp(1, MOST_ITEMS) + 1;
    let docs = store.collection::<Row>(D::COLLECTION);
    let (filter, order) = (filter(query), order(query));
    let mut wants = doc! { "doc": 1 };
    if let Some(field) = query.sort {
        wants.insert(path(field), 1);
    }
    let found: Vec<Row> = store
        .run("list documents", async move {
            // One more tells whether the list goes on. All come in one answer, if they have room in it.
            let page = docs.find(filter).sort(order).projection(wants);
            page.limit(rows.into()).batch_size(rows).await?.try_collect().await
        })
        .await?;
    let goes_on = found.len() > wanted;
    let mut items = Vec::with_capacity(found.len());
    let mut last = None;
    for row in found.into_iter().take(wanted) {
        items.push(parse(&row.key, row.doc)?);
        let value = query.sort.and_then(|field| row.f.get_str(field).ok()).unwrap_or_default();
        last = Some(Cursor { value: value.to_owned(), key: row.key });
    }
    Ok(Page { items, next: last.filter(|_| goes_on) })
}

/// Returns all that a document of the page must fulfill.
fn filter(query: &Query) -> bson::Document {
    let mut all: Vec<_> = query.filters.iter().map(condition).collect();
    all.extend(query.sort.map(|field| doc! { path(field): { "$exists": true } }));
    all.extend(query.after.as_ref().map(|cursor| beyond(query, cursor)));
    if all.is_empty() {
        doc! {}
    } else {
        doc! { "$and": all }
    }
}

fn order(query: &Query) -> bson::Document {
    let direction = if query.descending { -1 } else { 1 };
    let mut order = doc! {};
    if let Some(field) = query.sort {
        order.insert(path(field), direction);
    }
    order.insert("_id", direction);
    order
}

/// The server's own rule for fields with several values is ours: one of them must do.
fn condition(filter: &Filter) -> bson::Document {
    match filter {
        Filter::In(field, values) => doc! { path(field): { "$in": values } },
        Filter::NotIn(field, values) => doc! { path(field): { "$nin": values } },
        Filter::Below(field, value) => doc! { path(field): { "$lt": value } },
        Filter::AtLeast(field, value) => doc! { path(field): { "$gte": value } },
        Filter::Contains(field, part) => doc! { path(field): { "$regex": containing(part) } },
    }
}

/// The first bound lets an index begin where the page does.
fn beyond(query: &Query, cursor: &Cursor) -> bson::Document {
    let (from, beyond) = if query.descending { ("$lte", "$lt") } else { ("$gte", "$gt") };
    let behind_key = doc! { "_id": { beyond: &cursor.key } };
    match query.sort {
        None => behind_key,
        Some(field) => {
            let behind_value = doc! { path(field): { beyond: &cursor.value } };
            doc! { path(field): { from: &cursor.value }, "$or": [behind_value, behind_key] }
        }
    }
}

/// Returns a pattern for texts that contain the part, with letter case ignored in ASCII. The server's own way
/// to ignore it goes further.
fn containing(part: &str) -> String {
    let mut pattern = String::new();
    for letter in part.chars() {
        if letter.is_ascii_alphabetic() {
            pattern.extend(['[', letter.to_ascii_lowercase(), letter.to_ascii_uppercase(), ']']);
        } else if letter.is_ascii() {
            pattern.push_str(&format!("\\x{:02x}", u32::from(letter)));
        } else {
            pattern.push(letter);
        }
    }
    pattern
}

fn path(field: &str) -> String {
    format!("f.{field}")
}
