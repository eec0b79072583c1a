//! Writes an encoded message as JSON in the boundary's form, straight from its bytes.
//!
//! A message in between (of descriptors and values in maps) costs more than all else that an answer takes; a page of posts
//! has a thousand fields. So each message is read twice: once to see where its fields lie, once to write them in their
//! order, with those that are not there. What a newer core adds is skipped. Messages of google.protobuf are rare and
//! left to the library, but for times.
//!
//! Bytes that are no message are an error, and so is a nesting deeper than [`DEEPEST`]: a stack that overflows would end n8n.

use std::{collections::HashMap, sync::LazyLock};

use chrono::{DateTime, SecondsFormat};
use prost::{
    DecodeError, Message,
    encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field},
};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, SerializeOptions};
use prost_types::Timestamp;
use serde::Serialize;

use crate::descriptors;

/// Deepest nesting of messages.
const DEEPEST: usize = 64;

/// Why bytes cannot be written.
#[derive(Debug)]
pub(crate) struct Unreadable(String);

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<DecodeError> for Unreadable {
    fn from(error: DecodeError) -> Self {
        Self(error.to_string())
    }
}

impl From<serde_json::Error> for Unreadable {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

/// One message as JSON.
pub(crate) fn write(message: &MessageDescriptor, encoded: &[u8]) -> Result<String, Unreadable> {
    let shape = SHAPES.by_name.get(message.full_name());
    let shape = shape.ok_or_else(|| Unreadable(format!("{} is not of this API", message.full_name())))?;
    // A message grows by its fields' names; a page of posts becomes five times as long. To move it is dearer than the room.
    let mut out = Out { json: Vec::with_capacity(encoded.len() * 6 + 256), depth: 0 };
    out.message(&SHAPES.all[*shape], encoded)?;
    String::from_utf8(out.json).map_err(|error| Unreadable(error.to_string()))
}

/// What is looked up for every field of every message that is written, made once.
struct Shapes {
    all: Vec<Shape>,
    by_name: HashMap<String, usize>,
}

struct Shape {
    fields: Vec<Field>,
    /// Index of a field by its number. Numbers are small; most are in use.
    by_number: Vec<Option<usize>>,
}

impl Shape {
    fn of(message: &MessageDescriptor, by_name: &HashMap<String, usize>) -> Self {
        let fields: Vec<_> = message.fields().collect();
        let largest = fields.iter().map(FieldDescriptor::number).max().unwrap_or_default();
        let mut by_number = vec![None; largest as usize + 1];
        for (index, field) in fields.iter().enumerate() {
            by_number[field.number() as usize] = Some(index);
        }
        Self { fields: fields.iter().map(|field| Field::of(field, by_name)).collect(), by_number }
    }

    fn index(&self, number: u32) -> Option<usize> {
        *self.by_number.get(number as usize)?
    }
}

struct Field {
    /// `,"name":`
    key: String,
    /// What it is where it is not sent.
    default: &'static str,
    /// Both together: of most messages most fields are not there.
    absent: String,
    form: Form,
    occurs: Occurs,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Occurs {
    /// Always; its default where it is not sent.
    Always,
    /// `null` where it is not sent.
    Perhaps,
    Often,
}

enum Form {
    Scalar(Kind),
    /// Numbers with their words, in quotes. There are few: to look through them is faster than to hash.
    Enum(Vec<(i32, String)>),
    /// Index of the shape.
    Message(usize),
    /// A message of google.protobuf.
    Known(MessageDescriptor),
    /// The shape of its entries: key and value.
    Map(usize),
}

static SHAPES: LazyLock<Shapes> = LazyLock::new(|| {
    let ours: Vec<_> = descriptors::messages().collect();
    let by_name: HashMap<String, usize> =
        ours.iter().enumerate().map(|(index, message)| (message.full_name().to_owned(), index)).collect();
    Shapes { all: ours.iter().map(|message| Shape::of(message, &by_name)).collect(), by_name }
});

impl Field {
    fn of(field: &FieldDescriptor, by_name: &HashMap<String, usize>) -> Self {
        let form = match field.kind() {
            Kind::Enum(of) => {
                let word = |number| Some((number, format!("\"{}\"", descriptors::enum_word(&of, number)?)));
                Form::Enum(of.values().filter_map(|value| word(value.number())).collect())
            }
            Kind::Message(of) => match by_name.get(of.full_name()) {
                Some(entry) if field.is_map() => Form::Map(*entry),
                Some(shape) => Form::Message(*shape),
                None => Form::Known(of),
            },
            scalar => Form::Scalar(scalar),
        };
        let occurs = match () {
            () if field.is_list() || field.is_map() => Occurs::Often,
            () if field.supports_presence() => Occurs::Perhaps,
            () => Occurs::Always,
        };
        let default = match (occurs, &form) {
            (Occurs::Often, Form::Map(_)) => "{}",
            (Occurs::Often, _) => "[]",
            // Also "unspecified" of an enum.
            (Occurs::Perhaps, _) | (_, Form::Enum(_) | Form::Message(_) | Form::Known(_) | Form::Map(_)) => "null",
            (_, Form::Scalar(Kind::String)) => "\"\"",
            (_, Form::Scalar(Kind::Bytes)) => "[]",
            (_, Form::Scalar(Kind::Bool)) => "false",
            (_, Form::Scalar(Kind::Float | Kind::Double)) => "0.0",
            (_, Form::Scalar(_)) => "0",
        };
        let key = format!(",{}:", serde_json::Value::from(field.name()));
        Self { absent: format!("{key}{default}"), key, default, form, occurs }
    }
}

/// A field's value as it lies in the bytes.
#[derive(Clone, Copy)]
enum Raw<'a> {
    Varint(u64),
    Fixed32(u32),
    Fixed64(u64),
    Bytes(&'a [u8]),
}

/// Takes the next field off the bytes: its number, and its value unless it is a group, which proto3 has not.
fn take<'a>(bytes: &mut &'a [u8]) -> Result<(u32, Option<Raw<'a>>), Unreadable> {
    let (number, wire_type) = decode_key(bytes)?;
    let raw = match wire_type {
        WireType::Varint => Raw::Varint(decode_varint(bytes)?),
        WireType::ThirtyTwoBit => Raw::Fixed32(u32::from_le_bytes(*array(bytes)?)),
        WireType::SixtyFourBit => Raw::Fixed64(u64::from_le_bytes(*array(bytes)?)),
        WireType::LengthDelimited => {
            let length = usize::try_from(decode_varint(bytes)?).map_err(|_| cut_short())?;
            let (value, rest) = bytes.split_at_checked(length).ok_or_else(cut_short)?;
            *bytes = rest;
            Raw::Bytes(value)
        }
        WireType::StartGroup | WireType::EndGroup => {
            skip_field(wire_type, number, bytes, DecodeContext::default())?;
            return Ok((number, None));
        }
    };
    Ok((number, Some(raw)))
}

fn array<'a, const N: usize>(bytes: &mut &'a [u8]) -> Result<&'a [u8; N], Unreadable> {
    let (value, rest) = bytes.split_first_chunk().ok_or_else(cut_short)?;
    *bytes = rest;
    Ok(value)
}

fn cut_short() -> Unreadable {
    Unreadable("it is cut short".to_owned())
}

fn wrong_type() -> Unreadable {
    Unreadable("a field has another type than expected".to_owned())
}

struct Out {
    json: Vec<u8>,
    depth: usize,
}

impl Out {
    fn message(&mut self, shape: &Shape, mut bytes: &[u8]) -> Result<(), Unreadable> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Unreadable("it is nested too deeply".to_owned()));
        }
        let mut found = Vec::with_capacity(shape.fields.len());
        while !bytes.is_empty() {
            let (number, raw) = take(&mut bytes)?;
            if let Some(index) = shape.index(number) {
                found.push((index, raw.ok_or_else(wrong_type)?));
            }
        }
        // Stable: values of one field stay in their order.
        found.sort_by_key(|(index, _)| *index);
        let mut rest = found.as_slice();
        let begun = self.json.len();
        for (index, field) in shape.fields.iter().enumerate() {
            let values;
            (values, rest) = rest.split_at(rest.iter().take_while(|(of, _)| *of == index).count());
            if values.is_empty() {
                self.json.extend_from_slice(field.absent.as_bytes());
            } else {
                self.json.extend_from_slice(field.key.as_bytes());
                self.field(field, values)?;
            }
        }
        // In place of the first comma.
        match self.json.get_mut(begun) {
            Some(comma) => *comma = b'{',
            None => self.json.push(b'{'),
        }
        self.json.push(b'}');
        self.depth -= 1;
        Ok(())
    }

    fn field(&mut self, field: &Field, values: &[(usize, Raw<'_>)]) -> Result<(), Unreadable> {
        match (field.occurs, &field.form, values) {
            (_, _, []) => {
                self.json.extend_from_slice(field.default.as_bytes());
                Ok(())
            }
            (Occurs::Often, Form::Map(entry), values) => self.map(&SHAPES.all[*entry], values),
            (Occurs::Often, form, values) => self.list(form, values),
            (_, form, [(_, only)]) => self.value(form, *only),
            (_, form, values) => self.repeated(form, values),
        }
    }

    /// A field that comes more than once although it has one value: the last one counts, and a message in pieces is what its
    /// pieces are together. Each has to be readable for itself.
    fn repeated(&mut self, form: &Form, values: &[(usize, Raw<'_>)]) -> Result<(), Unreadable> {
        if matches!(form, Form::Message(_) | Form::Known(_)) {
            let mut whole = Vec::new();
            for (_, raw) in values {
                let mut piece = delimited(*raw)?;
                whole.extend_from_slice(piece);
                while !piece.is_empty() {
                    take(&mut piece)?;
                }
            }
            return self.value(form, Raw::Bytes(&whole));
        }
        let begun = self.json.len();
        for (_, raw) in values {
            self.json.truncate(begun);
            self.value(form, *raw)?;
        }
        Ok(())
    }

    fn list(&mut self, form: &Form, values: &[(usize, Raw<'_>)]) -> Result<(), Unreadable> {
        self.json.push(b'[');
        let empty = self.json.len();
        for (_, raw) in values {
            match (form, raw) {
                (Form::Scalar(kind), Raw::Bytes(packed)) if !matches!(kind, Kind::String | Kind::Bytes) => {
                    self.packed(form, packed, empty)?;
                }
                (Form::Enum(_), Raw::Bytes(packed)) => self.packed(form, packed, empty)?,
                _ => {
                    self.comma(empty);
                    self.value(form, *raw)?;
                }
            }
        }
        self.json.push(b']');
        Ok(())
    }

    fn packed(&mut self, form: &Form, mut bytes: &[u8], empty: usize) -> Result<(), Unreadable> {
        while !bytes.is_empty() {
            let raw = match form {
                Form::Scalar(Kind::Double | Kind::Fixed64 | Kind::Sfixed64) => {
                    Raw::Fixed64(u64::from_le_bytes(*array(&mut bytes)?))
                }
                Form::Scalar(Kind::Float | Kind::Fixed32 | Kind::Sfixed32) => {
                    Raw::Fixed32(u32::from_le_bytes(*array(&mut bytes)?))
                }
                _ => Raw::Varint(decode_varint(&mut bytes)?),
            };
            self.comma(empty);
            self.value(form, raw)?;
        }
        Ok(())
    }

    fn map(&mut self, entry: &Shape, values: &[(usize, Raw<'_>)]) -> Result<(), Unreadable> {
        let [key, value] = entry.fields.as_slice() else { return Err(wrong_type()) };
        self.json.push(b'{');
        let empty = self.json.len();
        for (_, raw) in values {
            let mut bytes = delimited(*raw)?;
            let mut sides: [Vec<(usize, Raw<'_>)>; 2] = Default::default();
            while !bytes.is_empty() {
                if let (number @ 1..=2, raw) = take(&mut bytes)? {
                    sides[number as usize - 1].push((0, raw.ok_or_else(wrong_type)?));
                }
            }
            self.comma(empty);
            // A key is a text in JSON, whatever it is in the proto.
            let begun = self.json.len();
            self.field(key, &sides[0])?;
            if self.json.get(begun) != Some(&b'"') {
                self.json.insert(begun, b'"');
                self.json.push(b'"');
            }
            self.json.push(b':');
            self.field(value, &sides[1])?;
        }
        self.json.push(b'}');
        Ok(())
    }

    fn value(&mut self, form: &Form, raw: Raw<'_>) -> Result<(), Unreadable> {
        match form {
            Form::Message(shape) => self.message(&SHAPES.all[*shape], delimited(raw)?),
            Form::Known(of) => self.known(of, delimited(raw)?),
            Form::Map(_) => Err(wrong_type()),
            Form::Enum(words) => {
                let Raw::Varint(number) = raw else { return Err(wrong_type()) };
                self.word(words, number as i32)
            }
            Form::Scalar(kind) => self.scalar(kind, raw),
        }
    }

    /// The word of an enum's value; `null` for "unspecified". A value that a newer core knows is its number.
    fn word(&mut self, words: &[(i32, String)], number: i32) -> Result<(), Unreadable> {
        match words.iter().find(|(of, _)| *of == number) {
            Some((_, word)) => self.json.extend_from_slice(word.as_bytes()),
            None if number == 0 => self.json.extend_from_slice(b"null"),
            None => self.json(&number.to_string())?,
        }
        Ok(())
    }

    #[allow(clippy::cast_possible_wrap, clippy::cast_possible_truncation, reason = "that is how integers are encoded")]
    fn scalar(&mut self, kind: &Kind, raw: Raw<'_>) -> Result<(), Unreadable> {
        let zigzag = |value: u64| ((value >> 1) as i64) ^ -((value & 1) as i64);
        match (kind, raw) {
            (Kind::String, Raw::Bytes(bytes)) => {
                let text = std::str::from_utf8(bytes).map_err(|error| Unreadable(error.to_string()))?;
                self.json(text)
            }
            (Kind::Bytes, Raw::Bytes(bytes)) => self.json(bytes),
            (Kind::Bool, Raw::Varint(value)) => self.json(&(value != 0)),
            (Kind::Int32, Raw::Varint(value)) => self.json(&(value as i32)),
            (Kind::Int64, Raw::Varint(value)) => self.json(&(value as i64)),
            (Kind::Uint32, Raw::Varint(value)) => self.json(&(value as u32)),
            (Kind::Uint64, Raw::Varint(value)) => self.json(&value),
            (Kind::Sint32, Raw::Varint(value)) => self.json(&(zigzag(value) as i32)),
            (Kind::Sint64, Raw::Varint(value)) => self.json(&zigzag(value)),
            (Kind::Fixed32, Raw::Fixed32(value)) => self.json(&value),
            (Kind::Sfixed32, Raw::Fixed32(value)) => self.json(&(value as i32)),
            (Kind::Float, Raw::Fixed32(value)) => self.json(&f32::from_bits(value)),
            (Kind::Fixed64, Raw::Fixed64(value)) => self.json(&value),
            (Kind::Sfixed64, Raw::Fixed64(value)) => self.json(&(value as i64)),
            (Kind::Double, Raw::Fixed64(value)) => self.json(&f64::from_bits(value)),
            _ => Err(wrong_type()),
        }
    }

    fn known(&mut self, of: &MessageDescriptor, bytes: &[u8]) -> Result<(), Unreadable> {
        if of.full_name() == "google.protobuf.Timestamp" {
            let time = Timestamp::decode(bytes)?;
            let nanos = u32::try_from(time.nanos).ok();
            let time = nanos.and_then(|nanos| DateTime::from_timestamp(time.seconds, nanos));
            let time = time.ok_or_else(|| Unreadable("a time is out of range".to_owned()))?;
            return self.json(&time.to_rfc3339_opts(SecondsFormat::AutoSi, true));
        }
        let message = DynamicMessage::decode(of.clone(), bytes)?;
        let mut serializer = serde_json::Serializer::new(&mut self.json);
        Ok(message.serialize_with_options(&mut serializer, &SerializeOptions::new())?)
    }

    fn json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unreadable> {
        Ok(serde_json::to_writer(&mut self.json, value)?)
    }

    /// Parts elements, but for the first one.
    fn comma(&mut self, empty: usize) {
        if self.json.len() > empty {
            self.json.push(b',');
        }
    }
}

fn delimited(raw: Raw<'_>) -> Result<&[u8], Unreadable> {
    let Raw::Bytes(bytes) = raw else { return Err(wrong_type()) };
    Ok(bytes)
}

#[cfg(test)]
#[path = "outgoing_tests.rs"]
mod tests;
