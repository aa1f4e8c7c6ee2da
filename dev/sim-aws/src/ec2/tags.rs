//! CreateTags, DeleteTags.

use std::collections::BTreeMap;

use super::Call;
use crate::params::Params;
use crate::refusal::Refusal;
use crate::xml::Xml;

pub(super) async fn create(call: &Call<'_>) -> Result<String, Refusal> {
    let ids = call.some_ids("ResourceId")?;
    let tags = read(call.params)?;
    call.sim.cloud.create_tags(&call.caller.scope, &ids, &tags).await?;
    Ok(call.answer("CreateTags", |xml| xml.text("return", true)))
}

pub(super) async fn delete(call: &Call<'_>) -> Result<String, Refusal> {
    let ids = call.some_ids("ResourceId")?;
    let tags = call
        .params
        .groups("Tag")
        .iter()
        .map(|tag| Ok((tag.must("Key")?.to_owned(), tag.get("Value").map(str::to_owned))))
        .collect::<Result<_, Refusal>>()?;
    call.sim.cloud.delete_tags(&call.caller.scope, &ids, &tags).await?;
    Ok(call.answer("DeleteTags", |xml| xml.text("return", true)))
}

/// Reads `Tag.N` with keys and values.
pub(super) fn read(params: &Params) -> Result<BTreeMap<String, String>, Refusal> {
    params
        .groups("Tag")
        .iter()
        .map(|tag| {
            let value = tag.get("Value").unwrap_or_default();
            Ok((tag.must("Key")?.to_owned(), value.to_owned()))
        })
        .collect()
}

/// Writes the tags of a thing.
pub(super) fn tag_set(xml: &mut Xml, tags: &BTreeMap<String, String>) {
    xml.items("tagSet", tags, |xml, (key, value)| {
        xml.text("key", key);
        xml.text("value", value);
    });
}
