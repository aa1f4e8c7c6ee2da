//! Reads a [`Tree`] through serde, keeping the key of every error.
//!
//! Text from the environment is converted to the type that the reader asks for, so `"8080"` is a
//! number to a `u16` and a password to a `Secret`.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, btree_map};
use std::fmt;

use serde::de::value::StringDeserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, SeqAccess,
    Visitor,
};
use toml::Value;

use super::Tree;
use crate::secret::{SECRET, SECRET_URL};

/// Which keys turned out to be secrets.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) hidden: BTreeSet<String>,
    pub(crate) urls: BTreeSet<String>,
}

/// Reads one tree; `key` is where it stands.
pub(crate) struct Reader<'a> {
    pub(crate) tree: Tree,
    pub(crate) key: String,
    pub(crate) seen: &'a RefCell<Seen>,
}

/// An error and the key it is about.
#[derive(Debug)]
pub(crate) struct ReadError {
    pub(crate) key: Option<String>,
    pub(crate) reason: Reason,
}

#[derive(Debug)]
pub(crate) enum Reason {
    Unknown { field: String, expected: &'static [&'static str] },
    Missing { field: &'static str },
    Invalid(String),
}

impl ReadError {
    /// Says where it happened, unless somebody further inside has said so already.
    fn at(mut self, key: &str) -> Self {
        if self.key.is_none() {
            self.key = Some(match &self.reason {
                Reason::Unknown { field, .. } => join(key, field),
                Reason::Missing { field } => join(key, field),
                Reason::Invalid(_) => key.to_owned(),
            });
        }
        self
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Reason::Unknown { expected: [], .. } => f.write_str("unknown key"),
            Reason::Unknown { expected, .. } => {
                write!(f, "unknown key; known here: {}", expected.join(", "))
            }
            Reason::Missing { .. } => f.write_str("must be set"),
            Reason::Invalid(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { key: None, reason: Reason::Invalid(message.to_string()) }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self { key: None, reason: Reason::Unknown { field: field.to_owned(), expected } }
    }

    fn missing_field(field: &'static str) -> Self {
        Self { key: None, reason: Reason::Missing { field } }
    }
}

impl<'a> Reader<'a> {
    fn visit<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let Self { tree, key, seen } = self;
        match tree {
            Tree::Table(table) => {
                visitor.visit_map(Fields { table: table.into_iter(), next: None, key: &key, seen })
            }
            Tree::List(items) => {
                visitor.visit_seq(Items { items: items.into_iter().enumerate(), key: &key, seen })
            }
            Tree::Scalar(Value::String(text)) | Tree::Text(text) => visitor.visit_string(text),
            Tree::Scalar(Value::Integer(number)) => visitor.visit_i64(number),
            Tree::Scalar(Value::Float(number)) => visitor.visit_f64(number),
            Tree::Scalar(Value::Boolean(flag)) => visitor.visit_bool(flag),
            Tree::Scalar(other) => visitor.visit_string(other.to_string()),
        }
        .map_err(|err| err.at(&key))
    }

    /// Turns environment text into a TOML value of the kind that is asked for, if it is one.
    fn typed(mut self, fits: fn(&Value) -> bool) -> Self {
        if let Tree::Text(text) = &self.tree
            && let Some(value) = parse_value(text).filter(fits)
        {
            self.tree = value.into();
        }
        self
    }
}

macro_rules! typed {
    ($($method:ident)* => $fits:expr) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
            self.typed($fits).visit(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = ReadError;

    typed!(deserialize_bool => Value::is_bool);
    typed!(deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8
        deserialize_u16 deserialize_u32 deserialize_u64 => Value::is_integer);
    typed!(deserialize_f32 deserialize_f64 => |value| value.is_float() || value.is_integer());
    typed!(deserialize_map deserialize_unit => Value::is_table);

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.visit(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, ReadError> {
        if let Tree::Text(text) = &self.tree {
            self.tree = list_of(text);
        }
        self.visit(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        // An empty variable is how deployment tools say "not set".
        match &self.tree {
            Tree::Text(text) if text.is_empty() => visitor.visit_none(),
            // A section whose keys are all commented out.
            Tree::Table(table) if table.is_empty() => visitor.visit_none(),
            Tree::Text(_) | Tree::Table(_) | Tree::List(_) | Tree::Scalar(_) => {
                visitor.visit_some(self)
            }
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        if name == SECRET {
            self.seen.borrow_mut().hidden.insert(self.key.clone());
        } else if name == SECRET_URL {
            self.seen.borrow_mut().urls.insert(self.key.clone());
        }
        let key = self.key.clone();
        visitor.visit_newtype_struct(self).map_err(|err| match err.reason {
            // serde quotes the value it did not like, which here is the secret.
            Reason::Invalid(_) if name == SECRET || name == SECRET_URL => {
                ReadError::custom("must be text in quotes").at(&key)
            }
            Reason::Invalid(_) | Reason::Unknown { .. } | Reason::Missing { .. } => err,
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match self.tree {
            Tree::Scalar(Value::String(text)) | Tree::Text(text) => {
                let word: StringDeserializer<ReadError> = text.into_deserializer();
                visitor.visit_enum(word).map_err(|err| err.at(&self.key))
            }
            Tree::Table(_) | Tree::List(_) | Tree::Scalar(_) => {
                let message = format!("expected one of {}", variants.join(", "));
                Err(ReadError::custom(message).at(&self.key))
            }
        }
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit_struct tuple tuple_struct identifier
        ignored_any
    }
}

/// The entries of one table.
struct Fields<'a> {
    table: btree_map::IntoIter<String, Tree>,
    next: Option<(String, Tree)>,
    key: &'a str,
    seen: &'a RefCell<Seen>,
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ReadError> {
        let Some((name, tree)) = self.table.next() else { return Ok(None) };
        let word: StringDeserializer<ReadError> = name.clone().into_deserializer();
        self.next = Some((name, tree));
        seed.deserialize(word).map(Some).map_err(|err| err.at(self.key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let Some((name, tree)) = self.next.take() else {
            return Err(ReadError::custom("a value was asked for before its key"));
        };
        seed.deserialize(Reader { tree, key: join(self.key, &name), seen: self.seen })
    }
}

/// The entries of one list.
struct Items<'a> {
    items: std::iter::Enumerate<std::vec::IntoIter<Tree>>,
    key: &'a str,
    seen: &'a RefCell<Seen>,
}

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ReadError> {
        let Some((index, tree)) = self.items.next() else { return Ok(None) };
        let key = format!("{}[{index}]", self.key);
        seed.deserialize(Reader { tree, key, seen: self.seen }).map(Some)
    }
}

/// Reads environment text as a list: a TOML array, or words between commas.
pub(crate) fn list_of(text: &str) -> Tree {
    match parse_value(text) {
        Some(Value::Array(items)) => Tree::List(items.into_iter().map(Tree::from).collect()),
        _ => Tree::List(
            text.split(',')
                .map(str::trim)
                .filter(|word| !word.is_empty())
                .map(|word| Tree::Text(word.to_owned()))
                .collect(),
        ),
    }
}

/// Reads `text` as the right side of a TOML line.
pub(crate) fn parse_value(text: &str) -> Option<Value> {
    toml::from_str::<BTreeMap<String, Value>>(&format!("value = {text}")).ok()?.remove("value")
}

fn join(key: &str, field: &str) -> String {
    if key.is_empty() { field.to_owned() } else { format!("{key}.{field}") }
}
