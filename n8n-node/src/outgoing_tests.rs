use aurareels_proto::v1;
use proptest::prelude::*;
use prost_reflect::Value;
use serde_json::json;

use super::*;

fn of(name: &str) -> MessageDescriptor {
    descriptors::pool().get_message_by_name(&format!("aurareels.v1.{name}")).unwrap()
}

fn written(name: &str, encoded: &[u8]) -> serde_json::Value {
    serde_json::from_str(&write(&of(name), encoded).unwrap()).unwrap()
}

/// A value for every field, and for those inside; two for lists.
fn filled(message: &MessageDescriptor) -> DynamicMessage {
    let mut filled = DynamicMessage::new(message.clone());
    for field in message.fields() {
        let value = match field.kind() {
            Kind::Message(inner) if inner.full_name() == "google.protobuf.Struct" => continue,
            Kind::Message(inner) => Value::Message(filled_inner(&inner)),
            Kind::Enum(of) => Value::EnumNumber(of.values().last().unwrap().number()),
            Kind::String => Value::String("a \"quoted\" \u{1F408}\n".to_owned()),
            Kind::Bytes => Value::Bytes(vec![0, 255].into()),
            Kind::Bool => Value::Bool(true),
            Kind::Double => Value::F64(0.25),
            Kind::Float => Value::F32(0.1),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(-7),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(i64::MIN),
            Kind::Uint32 | Kind::Fixed32 => Value::U32(u32::MAX),
            Kind::Uint64 | Kind::Fixed64 => Value::U64(u64::MAX),
        };
        let value = if field.is_list() { Value::List(vec![value.clone(), value]) } else { value };
        filled.set_field(&field, value);
    }
    filled
}

fn filled_inner(message: &MessageDescriptor) -> DynamicMessage {
    match message.full_name() {
        "google.protobuf.Timestamp" | "google.protobuf.Duration" => {
            let mut time = DynamicMessage::new(message.clone());
            time.set_field_by_name("seconds", Value::I64(1_767_225_600));
            time.set_field_by_name("nanos", Value::I32(120_034_000));
            time
        }
        _ => filled(message),
    }
}

/// The library's JSON of a message, with our words for enums.
fn expected(message: &DynamicMessage) -> serde_json::Value {
    let options = SerializeOptions::new()
        .use_proto_field_name(true)
        .stringify_64_bit_integers(false)
        .use_enum_numbers(true)
        .skip_default_fields(false);
    message.serialize_with_options(serde_json::value::Serializer, &options).unwrap()
}

/// Our JSON with the library's numbers for enums, and without what is not there.
fn as_the_library_has_it(message: &MessageDescriptor, json: &mut serde_json::Value) {
    let Some(object) = json.as_object_mut() else { return };
    object.retain(|_, value| !value.is_null());
    for field in message.fields() {
        let Some(value) = object.get_mut(field.name()) else { continue };
        let each = |change: &dyn Fn(&mut serde_json::Value), value: &mut serde_json::Value| match value {
            serde_json::Value::Array(list) => list.iter_mut().for_each(change),
            value => change(value),
        };
        match field.kind() {
            Kind::Enum(of) => {
                let number = |value: &mut serde_json::Value| {
                    let word = value.as_str().unwrap();
                    let mut values = of.values();
                    let found = values.find(|v| descriptors::enum_word(&of, v.number()).as_deref() == Some(word));
                    *value = found.unwrap().number().into();
                };
                each(&number, value);
            }
            Kind::Message(inner) => each(&|value| as_the_library_has_it(&inner, value), value),
            Kind::Bytes => *value = "AP8=".into(),
            _ => {}
        }
    }
}

#[test]
fn every_message_is_written_as_the_library_writes_it() {
    let mut seen = 0;
    for message in descriptors::messages() {
        let whole = filled(&message);
        let mut json = written(message.name(), &whole.encode_to_vec());
        as_the_library_has_it(&message, &mut json);
        assert_eq!(json, expected(&whole), "{}", message.full_name());
        seen += 1;
    }
    assert!(seen > 60, "{seen} messages");
}

#[test]
fn fields_come_in_the_order_of_the_proto_and_all_of_them() {
    let text = write(&of("ListPostsResponse"), &[]).unwrap();
    let names: Vec<_> = of("ListPostsResponse").fields().map(|field| format!("\"{}\":", field.name())).collect();
    let places: Vec<_> = names.iter().map(|name| text.find(name).unwrap()).collect();
    assert!(places.is_sorted(), "{text}");
}

#[test]
fn what_a_newer_core_adds_is_skipped() {
    let mut encoded = v1::GetPostRequest { id: 3 }.encode_to_vec();
    // Fields 900 to 903: a number, four and eight bytes, a text.
    encoded.extend_from_slice(&[0xa0, 0x38, 1, 0xad, 0x38, 1, 2, 3, 4, 0xb1, 0x38, 1, 2, 3, 4, 5, 6, 7, 8]);
    encoded.extend_from_slice(&[0xba, 0x38, 2, b'h', b'i']);
    assert_eq!(written("GetPostRequest", &encoded)["id"], 3);
}

#[test]
fn of_a_value_that_comes_twice_the_last_counts_and_a_message_is_put_together() {
    let twice = [v1::GetPostRequest { id: 3 }.encode_to_vec(), v1::GetPostRequest { id: 4 }.encode_to_vec()].concat();
    assert_eq!(written("GetPostRequest", &twice)["id"], 4);
    let part = |event| v1::WatchPostsResponse { event: Some(event), position: 0 }.encode_to_vec();
    let first = part(v1::Event { sequence: 5, ..Default::default() });
    let second = part(v1::Event { post_id: 6, ..Default::default() });
    let event = &written("WatchPostsResponse", &[first, second].concat())["event"];
    assert_eq!((&event["sequence"], &event["post_id"]), (&json!(5), &json!(6)));
}

#[test]
fn of_a_value_that_comes_twice_the_first_must_be_readable_as_well() {
    let refused = |name, encoded: &[u8]| write(&of(name), encoded).unwrap_err();
    refused("GetPostRequest", &[0x09, 1, 2, 3, 4, 5, 6, 7, 8, 0x08, 1]);
    refused("ProbeVideoRequest", &[0x0a, 1, 0xff, 0x0a, 1, b'a']);
    refused("GetPostRequest", &[0x0b, 0x0c, 0x08, 1]);
    let event = v1::WatchPostsResponse { event: Some(v1::Event { sequence: 300, ..Default::default() }), position: 0 };
    let [key, 3, number, ref rest @ ..] = event.encode_to_vec()[..] else { panic!() };
    refused("WatchPostsResponse", &[&[key, 1, number, key, rest.len() as u8][..], rest].concat());
}

#[test]
fn numbers_of_a_list_may_come_one_by_one() {
    let apart = [v1::PublishPostsRequest { accounts: vec![1], ..Default::default() }.encode_to_vec()].concat();
    let [key, ..] = apart[..] else { panic!() };
    assert_eq!(key & 7, 2, "packed");
    let single = [key & !7, 5, key & !7, 6];
    assert_eq!(written("PublishPostsRequest", &single)["accounts"], json!([5, 6]));
}

#[test]
fn bytes_that_are_no_message_are_refused_and_never_a_panic() {
    let whole = filled(&of("ListPostsResponse")).encode_to_vec();
    let mut refused = 0;
    for length in 0..whole.len() {
        refused += usize::from(write(&of("ListPostsResponse"), &whole[..length]).is_err());
    }
    assert!(refused > whole.len() / 2);
    for place in 0..whole.len() {
        for flip in [1, 2, 0x80, 0xff] {
            let mut broken = whole.clone();
            broken[place] ^= flip;
            if let Ok(text) = write(&of("ListPostsResponse"), &broken) {
                assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
            }
        }
    }
    assert!(write(&of("GetPostRequest"), &[0x0a, 1, b'x']).is_err(), "a text in place of a number");
    let time = prost_types::Timestamp { seconds: i64::MAX, nanos: -1 };
    let post = v1::Post { scheduled_at: Some(time), ..Default::default() };
    assert!(write(&of("Post"), &post.encode_to_vec()).is_err(), "no time");
    assert!(write(&of("ProbeVideoRequest"), &[0x0a, 1, 0xff]).is_err(), "not UTF-8");
}

/// Decisions, read from bytes that proptest makes and shrinks; after their end each is the first one.
struct Decisions(std::vec::IntoIter<u8>);

impl Decisions {
    fn byte(&mut self) -> u8 {
        self.0.next().unwrap_or_default()
    }

    fn number(&mut self) -> u64 {
        match self.byte() % 4 {
            0 => self.byte().into(),
            1 => u64::MAX - u64::from(self.byte()),
            2 => 1 << (self.byte() % 64),
            _ => u64::from_be_bytes(std::array::from_fn(|_| self.byte())),
        }
    }

    fn text(&mut self) -> String {
        const PIECES: [&str; 8] = ["", "a", "\"", "\\", "\u{0}", "\u{7f}", "\u{2028}", "\u{1F408}"];
        (0..self.byte() % 6).map(|_| PIECES[usize::from(self.byte()) % PIECES.len()]).collect()
    }

    fn value(&mut self, kind: &Kind, depth: usize) -> Option<Value> {
        let number = self.number();
        Some(match kind {
            Kind::Message(inner) if inner.full_name() == "google.protobuf.Struct" => return None,
            Kind::Message(inner) if inner.full_name().starts_with("google.protobuf.") => {
                let mut time = DynamicMessage::new(inner.clone());
                time.set_field_by_name("seconds", Value::I64((number % 253_402_300_799) as i64));
                time.set_field_by_name("nanos", Value::I32((self.number() % 1_000_000_000) as i32));
                Value::Message(time)
            }
            Kind::Message(_) if depth == 0 => return None,
            Kind::Message(inner) => Value::Message(self.message(inner, depth - 1)),
            // The first one says that nothing is said: it is `null` in our form.
            Kind::Enum(of) => {
                Value::EnumNumber(of.values().nth(1 + number as usize % (of.values().len() - 1))?.number())
            }
            Kind::String => Value::String(self.text()),
            Kind::Bytes => Value::Bytes(vec![0, 255].into()),
            Kind::Bool => Value::Bool(number % 2 == 1),
            // Few digits: the reader of JSON in this test rounds long ones.
            Kind::Double => Value::F64(f64::from(number as i32) / 64.0),
            Kind::Float => Value::F32(number as i16 as f32 / 64.0),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(number as i32),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(number as i64),
            Kind::Uint32 | Kind::Fixed32 => Value::U32(number as u32),
            Kind::Uint64 | Kind::Fixed64 => Value::U64(number),
        })
    }

    fn message(&mut self, of: &MessageDescriptor, depth: usize) -> DynamicMessage {
        let mut made = DynamicMessage::new(of.clone());
        for field in of.fields().filter(|field| !field.is_map()) {
            let times = self.byte() % 4;
            let mut values: Vec<_> = (0..times).filter_map(|_| self.value(&field.kind(), depth)).collect();
            match field.is_list() {
                true => made.set_field(&field, Value::List(values)),
                false => values.pop().into_iter().for_each(|value| made.set_field(&field, value)),
            }
        }
        made
    }
}

/// Without enums that say nothing.
fn without_unspecified(message: &MessageDescriptor, json: &mut serde_json::Value) {
    let Some(object) = json.as_object_mut() else { return };
    for field in message.fields() {
        let Some(value) = object.get_mut(field.name()) else { continue };
        match (field.kind(), value) {
            (Kind::Enum(_), value) if *value == 0 => drop(object.remove(field.name())),
            (Kind::Message(inner), serde_json::Value::Array(list)) => {
                list.iter_mut().for_each(|value| without_unspecified(&inner, value));
            }
            (Kind::Message(inner), value) => without_unspecified(&inner, value),
            _ => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn made_up_messages_are_written_as_the_library_writes_them(
        which in any::<prop::sample::Index>(),
        bytes in prop::collection::vec(any::<u8>(), 0..2_000),
    ) {
        let messages: Vec<_> = descriptors::messages().collect();
        let of = which.get(&messages);
        let message = Decisions(bytes.into_iter()).message(of, 4);
        let mut json = written(of.name(), &message.encode_to_vec());
        as_the_library_has_it(of, &mut json);
        let mut library = expected(&message);
        without_unspecified(of, &mut library);
        prop_assert_eq!(json, library, "{}", of.full_name());
    }

    #[test]
    fn made_up_bytes_are_read_where_the_library_reads_them(
        which in any::<prop::sample::Index>(),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        let messages: Vec<_> = descriptors::messages().collect();
        let of = which.get(&messages);
        let mut encoded = Decisions(bytes.into_iter()).message(of, 4).encode_to_vec();
        for (at, byte) in changes.into_iter().filter(|_| !encoded.is_empty()).collect::<Vec<_>>() {
            let at = at.index(encoded.len());
            encoded[at] = byte;
        }
        let ours = write(of, &encoded);
        if DynamicMessage::decode(of.clone(), encoded.as_slice()).is_err() {
            prop_assert!(ours.is_err(), "{}: {ours:?} of {encoded:?}", of.full_name());
        } else if let Ok(text) = ours {
            prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
        }
    }
}
