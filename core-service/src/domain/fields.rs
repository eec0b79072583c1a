//! Named JSON values in little memory: an entry of a ledger has one to ten of them, and ten thousand posts that are due
//! in the same second hold a hundred thousand such entries. A JSON map keeps half a kilobyte for its first value.
//!
//! Guaranteed: reads and writes the same JSON as a map with the same names; names are sorted, each is there once.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Map, Number, Value};

/// Named values, sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(Box<str>, Held)>);

/// A value in a third of the memory of [`Value`].
#[derive(Clone, Debug, PartialEq, Eq)]
enum Held {
    Null,
    Flag(bool),
    Number(Number),
    Text(Box<str>),
    Compound(Box<Value>),
}

impl From<Value> for Held {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Flag(flag),
            Value::Number(number) => Self::Number(number),
            Value::String(text) => Self::Text(text.into()),
            compound @ (Value::Array(_) | Value::Object(_)) => Self::Compound(Box::new(compound)),
        }
    }
}

impl Held {
    fn value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Flag(flag) => Value::Bool(*flag),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Text(text) => Value::String(text.as_ref().to_owned()),
            Self::Compound(compound) => compound.as_ref().clone(),
        }
    }
}

impl Serialize for Held {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Compound(compound) => compound.serialize(serializer),
        }
    }
}

impl Fields {
    fn place(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| known.as_ref().cmp(name))
    }

    fn held(&self, name: &str) -> Option<&Held> {
        self.place(name).ok().map(|place| &self.0[place].1)
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<Value> {
        self.held(name).map(Held::value)
    }

    /// The value of a name, if it is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.held(name)? {
            Held::Text(text) => Some(text),
            Held::Null | Held::Flag(_) | Held::Number(_) | Held::Compound(_) => None,
        }
    }

    /// The value of a name, if it is an object or a list.
    pub fn compound(&self, name: &str) -> Option<&Value> {
        match self.held(name)? {
            Held::Compound(compound) => Some(compound),
            Held::Null | Held::Flag(_) | Held::Number(_) | Held::Text(_) => None,
        }
    }

    /// Whether a name has a value.
    pub fn contains_key(&self, name: &str) -> bool {
        self.place(name).is_ok()
    }

    /// Sets a value.
    pub fn insert(&mut self, name: &str, value: Value) {
        match self.place(name) {
            Ok(place) => self.0[place].1 = value.into(),
            Err(place) => {
                // Doubling would keep room for what hardly ever comes.
                self.0.reserve_exact(1);
                self.0.insert(place, (name.into(), value.into()));
            }
        }
    }

    /// Removes a value.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.place(name).ok().map(|place| self.0.remove(place).1.value())
    }

    /// Takes over the values of others; theirs replace those of the same name.
    pub fn extend(&mut self, others: Self) {
        self.0.reserve_exact(others.0.len());
        for (name, held) in others.0 {
            match self.place(&name) {
                Ok(place) => self.0[place].1 = held,
                Err(place) => self.0.insert(place, (name, held)),
            }
        }
    }

    /// The names.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_ref())
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Value)> {
        self.0.iter().map(|(name, held)| (name.as_ref(), held.value()))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As a JSON map.
    pub fn to_map(&self) -> Map<String, Value> {
        self.iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

/// For tests: the value of a name that is there.
#[cfg(test)]
impl Fields {
    pub(crate) fn at(&self, name: &str) -> Value {
        self.get(name).unwrap_or_else(|| panic!("no value of {name}"))
    }
}

impl FromIterator<(String, Value)> for Fields {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(values: I) -> Self {
        let mut fields = Self::default();
        for (name, value) in values {
            fields.insert(&name, value);
        }
        fields
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, held)| (name, held)))
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Named;

        impl<'de> Visitor<'de> for Named {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Fields::default();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    fields.insert(&name, value);
                }
                Ok(fields)
            }
        }

        deserializer.deserialize_map(Named)
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            "[a-c]{0,3}".prop_map(Value::from),
            vec(any::<u8>(), 0..3).prop_map(Value::from),
            any::<bool>().prop_map(|inner| serde_json::json!({ "inner": inner })),
        ]
    }

    proptest! {
        /// Whatever is done to it: what a JSON map would say.
        #[test]
        fn it_is_a_json_map(
            stored in vec(("[a-c]{0,2}", value()), 0..8),
            done in vec((0..3_u8, "[a-c]{0,2}", value()), 0..12),
            others in vec(("[a-c]{0,2}", value()), 0..4),
        ) {
            let mut map: Map<String, Value> = stored.into_iter().collect();
            let mut fields: Fields = serde_json::from_str(&Value::Object(map.clone()).to_string()).unwrap();
            for (what, name, value) in done {
                match what {
                    0 => {
                        fields.insert(&name, value.clone());
                        map.insert(name, value);
                    }
                    1 => prop_assert_eq!(fields.remove(&name), map.remove(&name)),
                    _ => {
                        let expected = map.get(&name);
                        prop_assert_eq!(fields.get(&name), expected.cloned());
                        prop_assert_eq!(fields.text(&name), expected.and_then(Value::as_str));
                        let is_compound = |value: &&Value| value.is_array() || value.is_object();
                        prop_assert_eq!(fields.compound(&name), expected.filter(is_compound));
                    }
                }
            }
            let others: Map<String, Value> = others.into_iter().collect();
            map.extend(others.clone());
            fields.extend(others.into_iter().collect());
            prop_assert!(fields.keys().is_sorted());
            prop_assert_eq!(fields.is_empty(), map.is_empty());
            prop_assert_eq!(serde_json::to_value(&fields).unwrap(), Value::Object(map.clone()));
            prop_assert_eq!(fields.to_map(), map);
        }
    }

    #[test]
    fn only_an_object_is_read() {
        for other in ["[]", "1", "null", "\"a\""] {
            assert!(serde_json::from_str::<Fields>(other).is_err(), "{other}");
        }
        let twice: Fields = serde_json::from_str(r#"{"a": 1, "a": 2}"#).unwrap();
        assert_eq!(twice.get("a"), Some(Value::from(2)));
    }
}
