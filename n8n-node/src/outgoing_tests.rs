use aurareels_proto::v1;
use prost_reflect::Value;
use serde_json::json;

use super::*;

fn of(name: &str) -> MessageDescriptor {
    boundary::pool().get_message_by_name(&format!("aurareels.v1.{name}")).unwrap()
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
                    let found = values.find(|v| boundary::enum_word(&of, v.number()).as_deref() == Some(word));
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
    for message in boundary::messages() {
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
