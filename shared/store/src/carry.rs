//! Documents that a later release wrote: what this build does not know of them outlives its writes.
//!
//! While processes of two releases run side by side, or after a step back, an older build writes documents that a
//! later one wrote. It reads what it knows and replaces the document; all that it never saw would be gone. So every
//! document says in which format it was written, a plain write matches only what is not later, and what is later
//! is written over in a second step: what the build knew of it is compared with what it wants to write, and
//! everything else stays as it is.

use std::collections::BTreeSet;

use ccm_ports::Document;
use serde_json::Value;

#[cfg(test)]
mod tests;

/// What this build knows of a document.
pub(crate) struct Known {
    /// As it would write it.
    pub(crate) body: Value,
    /// Names of its index fields.
    pub(crate) fields: BTreeSet<&'static str>,
}

impl Known {
    /// Reads a body as this build understands it.
    pub(crate) fn of<D: Document>(stored: &Value) -> Result<Self, serde_json::Error> {
        let doc: D = serde_json::from_value(stored.clone())?;
        let fields = doc.fields().into_iter().map(|(name, _)| name).collect();
        Ok(Self { body: serde_json::to_value(&doc)?, fields })
    }
}

/// Brings what is `stored` and not `known` into what is `wanted`.
///
/// What the writer left as it knew it stays as it is stored, whatever is inside. Members that it does not know are
/// kept; elements of lists are told apart by their `id`.
pub(crate) fn over(stored: Value, known: &Value, wanted: &mut Value) {
    if wanted == known {
        *wanted = stored;
        return;
    }
    match (stored, known, wanted) {
        (Value::Object(stored), Value::Object(known), Value::Object(wanted)) => {
            for (name, stored) in stored {
                match (known.get(&name), wanted.get_mut(&name)) {
                    (Some(known), Some(wanted)) => over(stored, known, wanted),
                    (None, None) => drop(wanted.insert(name, stored)),
                    // Taken away by the writer, or given by it for the first time.
                    (Some(_), None) | (None, Some(_)) => {}
                }
            }
        }
        (Value::Array(stored), Value::Array(known), Value::Array(wanted)) => {
            for wanted in wanted {
                let Some(id) = wanted.get("id").cloned() else { continue };
                let same = |element: &&Value| element.get("id") == Some(&id);
                if let (Some(stored), Some(known)) =
                    (stored.iter().find(same), known.iter().find(same))
                {
                    over(stored.clone(), known, wanted);
                }
            }
        }
        _ => {}
    }
}
