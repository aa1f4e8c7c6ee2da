//! Documents that a later release wrote.

use ccm_ports::{Document, StoreError};
use mongodb::bson::{self, doc};
use mongodb::options::ReadConcern;
use serde::Deserialize;

use super::Mongo;
use super::stored::Stored;
use crate::carry::{self, Known};
use crate::error::corrupt;

/// What is asked for of a document that a later release may have written.
#[derive(Deserialize)]
struct There {
    rev: i64,
    #[serde(default)]
    format: i64,
    doc: bson::Document,
    f: bson::Document,
}

impl Mongo {
    /// Returns the row with what only a later release knows, if such a one wrote the revision that it replaces.
    pub(super) async fn carried<D: Document>(
        &self,
        row: &Stored,
    ) -> Result<Option<Stored>, StoreError> {
        let docs = self.collection::<There>(D::COLLECTION);
        let filter = doc! { "_id": &row.key };
        let found = self
            .run("look what a later release wrote", async move {
                let look = docs.find_one(filter);
                let look = look.projection(doc! { "rev": 1, "format": 1, "doc": 1, "f": 1 });
                look.read_concern(ReadConcern::local()).await
            })
            .await?;
        let newer = |there: &There| there.rev == row.rev - 1 && there.format > row.format;
        let Some(There { format, doc, f, .. }) = found.filter(newer) else { return Ok(None) };
        let failed = |err| corrupt(format!("read {}/{}", D::COLLECTION, row.key), err);
        // Bodies hold nothing but what JSON has.
        let there = serde_json::to_value(doc).map_err(failed)?;
        let known = Known::of::<D>(&there).map_err(failed)?;
        let mut wanted = serde_json::to_value(&row.doc).map_err(failed)?;
        carry::over(there, &known.body, &mut wanted);
        let mut row = Stored { format, ..row.clone() };
        row.doc = bson::serialize_to_document(&wanted)
            .map_err(|err| corrupt(format!("write {}/{}", D::COLLECTION, row.key), err))?;
        let unknown = f.into_iter().filter(|(name, _)| !known.fields.contains(&**name));
        for (name, values) in unknown {
            row.f.entry(name).or_insert(values);
        }
        Ok(Some(row))
    }
}
