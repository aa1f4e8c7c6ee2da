//! Writing the XML of AWS's query protocols.

use std::fmt::{Display, Write};

/// What every document starts with.
pub(crate) const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// An XML document that grows by elements.
#[derive(Debug, Default)]
pub(crate) struct Xml(String);

impl Xml {
    /// Starts with the one element that holds everything, in a namespace.
    pub(crate) fn document(name: &str, namespace: &str, fill: impl FnOnce(&mut Self)) -> String {
        let mut xml = Self(format!("{DECLARATION}<{name} xmlns=\"{namespace}\">"));
        fill(&mut xml);
        xml.close(name);
        xml.0
    }

    /// Adds an element with elements in it.
    pub(crate) fn element(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        self.open(name);
        fill(self);
        self.close(name);
    }

    /// Adds an element with text in it.
    pub(crate) fn text(&mut self, name: &str, text: impl Display) {
        self.open(name);
        for c in text.to_string().chars() {
            match c {
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '&' => self.0.push_str("&amp;"),
                '"' => self.0.push_str("&quot;"),
                c => self.0.push(c),
            }
        }
        self.close(name);
    }

    /// Adds an element with text in it if there is any.
    pub(crate) fn maybe(&mut self, name: &str, text: Option<impl Display>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// Adds a list in EC2's form: each entry is an `item`.
    pub(crate) fn items<T>(
        &mut self,
        name: &str,
        entries: impl IntoIterator<Item = T>,
        mut each: impl FnMut(&mut Self, T),
    ) {
        self.element(name, |xml| {
            for entry in entries {
                xml.element("item", |xml| each(xml, entry));
            }
        });
    }

    /// Returns what was written.
    pub(crate) fn into_text(self) -> String {
        self.0
    }

    fn open(&mut self, name: &str) {
        // Writing to a string cannot fail.
        let _ = write!(self.0, "<{name}>");
    }

    fn close(&mut self, name: &str) {
        let _ = write!(self.0, "</{name}>");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_absent_text_left_out() {
        let text = Xml::document("A", "urn:x", |xml| {
            xml.text("b", "<&\">");
            xml.maybe("c", None::<&str>);
            xml.items("d", [1, 2], |xml, n| xml.text("n", n));
        });

        assert_eq!(
            text,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<A xmlns=\"urn:x\"><b>&lt;&amp;&quot;&gt;</b>\
             <d><item><n>1</n></item><item><n>2</n></item></d></A>"
        );
    }
}
