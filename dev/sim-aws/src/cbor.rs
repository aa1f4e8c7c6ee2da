//! Just enough CBOR for Smithy's RPC v2 protocol.

use std::collections::BTreeMap;

use ccm_domain::Timestamp;
use minicbor::data::Type;
use minicbor::decode::{Decoder, Error};

/// How deep a document may nest; GetMetricData needs seven.
const DEEPEST: u8 = 32;

/// A decoded document.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Nothing,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Self>),
    Map(BTreeMap<String, Self>),
}

impl Value {
    /// Reads one document.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        decode(&mut Decoder::new(bytes), 0)
    }

    /// Returns a member of a map, [`Value::Nothing`] when it is absent.
    pub(crate) fn get(&self, name: &str) -> &Self {
        match self {
            Self::Map(members) => members.get(name).unwrap_or(&Self::Nothing),
            Self::Nothing | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::List(_) => {
                &Self::Nothing
            }
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(crate) fn number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    pub(crate) fn flag(&self) -> Option<bool> {
        if let Self::Bool(flag) = self { Some(*flag) } else { None }
    }

    pub(crate) fn list(&self) -> &[Self] {
        if let Self::List(entries) = self { entries } else { &[] }
    }

    /// Reads seconds since 1970 as a moment; the tag that marks them as such is dropped in decoding.
    pub(crate) fn moment(&self) -> Option<Timestamp> {
        #[expect(clippy::cast_possible_truncation, reason = "the cast saturates")]
        self.number().map(|seconds| Timestamp::from_millis((seconds * 1_000.0).round() as i64))
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "CBOR has more types than the protocol")]
fn decode(from: &mut Decoder<'_>, depth: u8) -> Result<Value, Error> {
    if depth > DEEPEST {
        return Err(Error::message("nested too deep"));
    }
    Ok(match from.datatype()? {
        Type::Null | Type::Undefined => {
            from.skip()?;
            Value::Nothing
        }
        Type::Bool => Value::Bool(from.bool()?),
        Type::U8
        | Type::U16
        | Type::U32
        | Type::U64
        | Type::I8
        | Type::I16
        | Type::I32
        | Type::I64 => {
            #[expect(clippy::cast_precision_loss, reason = "counts, periods and seconds are small")]
            let number = from.i64()? as f64;
            Value::Number(number)
        }
        Type::F16 => Value::Number(f64::from(from.f16()?)),
        Type::F32 => Value::Number(f64::from(from.f32()?)),
        Type::F64 => Value::Number(from.f64()?),
        Type::String => Value::Text(from.str()?.to_owned()),
        Type::StringIndef => Value::Text(from.str_iter()?.collect::<Result<String, Error>>()?),
        Type::Tag => {
            from.tag()?;
            decode(from, depth + 1)?
        }
        Type::Array | Type::ArrayIndef => {
            let length = from.array()?;
            let mut entries = Vec::new();
            while more(from, length, entries.len())? {
                entries.push(decode(from, depth + 1)?);
            }
            Value::List(entries)
        }
        Type::Map | Type::MapIndef => {
            let length = from.map()?;
            let mut members = BTreeMap::new();
            let mut read = 0;
            while more(from, length, read)? {
                let name = from.str()?.to_owned();
                members.insert(name, decode(from, depth + 1)?);
                read += 1;
            }
            Value::Map(members)
        }
        other => return Err(Error::message(format!("cannot read {other}"))),
    })
}

/// Whether a list or map goes on; one of unknown length ends with a break.
fn more(from: &mut Decoder<'_>, length: Option<u64>, read: usize) -> Result<bool, Error> {
    match length {
        Some(length) => Ok((read as u64) < length),
        None if from.datatype()? == Type::Break => {
            from.skip()?;
            Ok(false)
        }
        None => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_and_unknown_lengths_read_the_same() {
        // {"a": [1, -2.5, true, null]} twice: with lengths, and with breaks.
        let known = [0xa1, 0x61, b'a', 0x84, 0x01, 0xf9, 0xc1, 0x00, 0xf5, 0xf6];
        let unknown = [0xbf, 0x61, b'a', 0x9f, 0x01, 0xf9, 0xc1, 0x00, 0xf5, 0xf6, 0xff, 0xff];

        let read = Value::decode(&known).unwrap();

        assert_eq!(Value::decode(&unknown).unwrap(), read);
        let list = [Value::Number(1.0), Value::Number(-2.5), Value::Bool(true), Value::Nothing];
        assert_eq!(read.get("a").list(), list);
        assert_eq!(*read.get("b"), Value::Nothing);
    }

    #[test]
    fn a_tagged_number_is_a_moment_and_broken_bytes_are_an_error() {
        // Tag 1 and the double 1,700,000,000.5.
        let moment = [0xc1, 0xfb, 0x41, 0xd9, 0x54, 0xfc, 0x40, 0x20, 0x00, 0x00];

        let read = Value::decode(&moment).unwrap();

        assert_eq!(read.moment(), Some(Timestamp::from_millis(1_700_000_000_500)));
        assert!(Value::decode(&[0xa1, 0x61]).is_err());
        assert!(Value::decode(&[0x9f; 100]).is_err());
    }
}
