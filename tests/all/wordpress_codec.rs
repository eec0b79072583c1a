//! The WordPress plugin's codec: its tables follow from `proto/`, and it is tried against bytes that prost makes.
//!
//! Both files are committed. `cargo xtask wordpress-tables` writes them anew; without that, a difference fails here.

use std::{collections::BTreeMap, fmt::Write, fs, path::PathBuf};

use aurareels_proto::v1;
use prost::Message;
use prost_types::{
    DescriptorProto, Duration, FieldDescriptorProto, FieldMask, FileDescriptorSet, Struct, Timestamp, Value,
    field_descriptor_proto::{Label, Type},
    value::Kind,
};
use serde_json::json;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

const TABLES: &str = "wordpress/aurareels/includes/proto-tables.php";
const VECTORS: &str = "tests/wordpress/testdata/vectors.json";

/// Compares a committed file with what it should be, or writes it.
fn keep(file: &str, wanted: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    if std::env::var_os("AURAREELS_WRITE_TABLES").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, wanted).unwrap();
        return;
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(there == wanted, "{file} is not what proto/ makes of it: run `cargo xtask wordpress-tables` and commit it");
}

#[test]
fn the_plugins_tables_are_those_of_the_protos() {
    keep(TABLES, &tables());
}

#[test]
fn the_plugins_vectors_are_what_prost_makes() {
    keep(VECTORS, &(serde_json::to_string_pretty(&vectors()).unwrap() + "\n"));
}

fn tables() -> String {
    let set = FileDescriptorSet::decode(aurareels_proto::FILE_DESCRIPTOR_SET).unwrap();
    let (mut messages, mut enums, mut rpcs) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for file in &set.file {
        let ours = file.package() == "aurareels.v1";
        for message in &file.message_type {
            let name = format!("{}.{}", file.package(), message.name());
            // Struct is written out in the codec itself: it becomes what json_decode would make of it.
            if ours || ["Timestamp", "Duration", "FieldMask"].contains(&message.name()) {
                messages.insert(short(&name).to_owned(), fields(message));
            }
        }
        for one in file.enum_type.iter().filter(|_| ours) {
            let prefix = one.value[0].name().strip_suffix("UNSPECIFIED").expect("an enum starts with UNSPECIFIED");
            let words = one.value.iter().map(|value| {
                let word = value.name().strip_prefix(prefix).expect("every value has the enum's prefix");
                (value.number(), word.to_lowercase())
            });
            enums.insert(one.name().to_owned(), words.collect::<BTreeMap<_, _>>());
        }
        for service in file.service.iter().filter(|_| ours) {
            for method in &service.method {
                if !method.client_streaming() && !method.server_streaming() {
                    let types = [method.input_type(), method.output_type()].map(|name| short(name).to_owned());
                    rpcs.insert(format!("{}/{}", service.name(), method.name()), types);
                }
            }
        }
    }
    let mut php = String::from(
        "<?php\n/**\n * The messages of proto/, for the codec. Made by `cargo xtask wordpress-tables`; not edited by hand.\n *\n \
         * A field is its name, its kind, its type where that has a name, and \"repeated\" or \"optional\".\n *\n \
         * @package AuraReels\n */\n\ndefined( 'ABSPATH' ) || exit;\n\nreturn array(\n\t'messages' => array(\n",
    );
    for (name, fields) in messages {
        writeln!(php, "\t\t'{name}' => array(").unwrap();
        for (number, field) in fields {
            let [name, kind, of, label] = field.map(|text| format!("'{text}'"));
            writeln!(php, "\t\t\t{number} => array( {name}, {kind}, {of}, {label} ),").unwrap();
        }
        php.push_str("\t\t),\n");
    }
    php.push_str("\t),\n\t'enums'    => array(\n");
    for (name, words) in enums {
        writeln!(php, "\t\t'{name}' => array(").unwrap();
        for (number, word) in words {
            writeln!(php, "\t\t\t{number} => '{word}',").unwrap();
        }
        php.push_str("\t\t),\n");
    }
    php.push_str("\t),\n\t'rpcs'     => array(\n");
    for (name, [input, output]) in rpcs {
        writeln!(php, "\t\t'{name}' => array( '{input}', '{output}' ),").unwrap();
    }
    php.push_str("\t),\n);\n");
    php
}

fn fields(message: &DescriptorProto) -> BTreeMap<i32, [String; 4]> {
    message.field.iter().map(|field| (field.number(), entry(message, field))).collect()
}

fn entry(message: &DescriptorProto, field: &FieldDescriptorProto) -> [String; 4] {
    let kind = match field.r#type() {
        Type::Int32 => "int32",
        Type::Int64 => "int64",
        Type::Bool => "bool",
        Type::String => "string",
        Type::Bytes => "bytes",
        Type::Double => "double",
        Type::Enum => "enum",
        Type::Message => "message",
        other => panic!("{}.{}: the plugin's codec has no {other:?}", message.name(), field.name()),
    };
    assert!(message.nested_type.is_empty(), "{}: the plugin's codec has no nested messages and maps", message.name());
    let label = match field.label() {
        Label::Repeated => "repeated",
        _ if field.oneof_index.is_some() => "optional",
        _ => "",
    };
    [field.name(), kind, short(field.type_name()), label].map(str::to_owned)
}

fn short(name: &str) -> &str {
    let name = name.trim_start_matches('.');
    name.strip_prefix("aurareels.v1.").unwrap_or(name)
}

fn time(seconds: i64, nanos: i32) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos })
}

fn value(kind: Kind) -> Value {
    Value { kind: Some(kind) }
}

/// Messages as JSON, as the plugin has them in PHP, with their bytes.
fn vectors() -> Vec<serde_json::Value> {
    let mut all = Vec::new();
    let mut add = |message: &str, value: serde_json::Value, bytes: Vec<u8>| {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        all.push(json!({ "message": message, "value": value, "hex": hex }));
    };
    for id in [0, 1, 127, 128, 300, i64::from(i32::MAX) + 1, i64::MAX, -1, i64::MIN] {
        add("GetPostRequest", json!({ "id": id }), v1::GetPostRequest { id }.encode_to_vec());
    }
    let list = v1::ListPostsRequest {
        statuses: vec![v1::PostStatus::Scheduled.into(), v1::PostStatus::NeedsReview.into(), 300],
        platform: v1::Platform::Tiktok.into(),
        from: time(-1, 999_999_999),
        until: time(4_102_444_800, 0),
        page_size: 20,
        skip: 40,
        include_total: true,
        ..Default::default()
    };
    let as_json = json!({
        "statuses": [2, 8, 300], "platform": 1, "from": { "seconds": -1, "nanos": 999_999_999 },
        "until": { "seconds": 4_102_444_800_i64, "nanos": 0 }, "page_size": 20, "skip": 40, "include_total": true,
    });
    add("ListPostsRequest", as_json, list.encode_to_vec());
    for active in [None, Some(false), Some(true)] {
        let request = v1::ListAccountsRequest { active, ..Default::default() };
        add("ListAccountsRequest", json!({ "active": active }), request.encode_to_vec());
    }
    let metadata = Struct {
        fields: BTreeMap::from([
            ("a".to_owned(), value(Kind::NumberValue(1.5))),
            ("b".to_owned(), value(Kind::BoolValue(false))),
            ("c".to_owned(), value(Kind::NullValue(0))),
            (
                "d".to_owned(),
                value(Kind::ListValue(prost_types::ListValue {
                    values: vec![value(Kind::StringValue("ü🎄".to_owned())), value(Kind::NumberValue(-7.0))],
                })),
            ),
            ("e".to_owned(), value(Kind::StructValue(Struct::default()))),
            ("f".to_owned(), value(Kind::ListValue(prost_types::ListValue::default()))),
            ("g".to_owned(), value(Kind::StringValue(String::new()))),
        ]),
    };
    let metadata_json = json!({ "a": 1.5, "b": false, "c": null, "d": ["ü🎄", -7], "e": {}, "f": [], "g": "" });
    let content = v1::PostContent {
        video_job_id: "job-1".to_owned(),
        video_url: "https://example.org/v.mp4".to_owned(),
        caption: "Merry Christmas! 🎄\nsecond line".to_owned(),
        hashtags: vec!["#christmas".to_owned(), String::new(), "#holiday".to_owned()],
        privacy_level: "PUBLIC".to_owned(),
        allow_comments: Some(true),
        allow_duet: Some(false),
        metadata: Some(metadata.clone()),
        platform_options: Some(v1::PlatformOptions {
            tiktok: Some(v1::TikTokOptions { video_cover_timestamp_ms: Some(0), is_aigc: true, ..Default::default() }),
            ..Default::default()
        }),
        on_long_caption: v1::OnLongCaption::Cut.into(),
        ..Default::default()
    };
    let content_json = json!({
        "video_job_id": "job-1", "video_url": "https://example.org/v.mp4", "caption": "Merry Christmas! 🎄\nsecond line",
        "hashtags": ["#christmas", "", "#holiday"], "privacy_level": "PUBLIC", "allow_comments": true, "allow_duet": false,
        "allow_stitch": null, "metadata": metadata_json,
        "platform_options": { "tiktok": { "video_cover_timestamp_ms": 0, "is_aigc": true }, "instagram": null },
        "on_long_caption": 2,
    });
    let publish = v1::PublishPostsRequest {
        accounts: vec![1, 2, 9_007_199_254_740_993],
        content: Some(content.clone()),
        request_key: "k".repeat(128),
        allow_duplicate: true,
        ..Default::default()
    };
    let as_json = json!({
        "accounts": [1, 2, 9_007_199_254_740_993_i64], "content": content_json, "request_key": "k".repeat(128),
        "allow_duplicate": true,
    });
    add("PublishPostsRequest", as_json, publish.encode_to_vec());
    for (form, form_json) in [
        (v1::schedule_time::Form::Text("2024-12-25 18:00:00".to_owned()), json!({ "text": "2024-12-25 18:00:00" })),
        (v1::schedule_time::Form::At(Timestamp::default()), json!({ "at": { "seconds": 0, "nanos": 0 } })),
        (
            v1::schedule_time::Form::WallTime(v1::WallTime {
                local: "2026-12-25T18:00:00".to_owned(),
                time_zone: "Europe/Berlin".to_owned(),
            }),
            json!({ "wall_time": { "local": "2026-12-25T18:00:00", "time_zone": "Europe/Berlin" } }),
        ),
    ] {
        let request = v1::ReschedulePostRequest {
            id: 5,
            scheduled_at: Some(v1::ScheduleTime { form: Some(form) }),
            revision: Some(0),
        };
        let as_json = json!({ "id": 5, "scheduled_at": form_json, "revision": 0 });
        add("ReschedulePostRequest", as_json, request.encode_to_vec());
    }
    let update = v1::UpdatePostRequest {
        id: 5,
        content: Some(v1::PostContent { caption: "new".to_owned(), ..Default::default() }),
        update_mask: Some(FieldMask { paths: vec!["caption".to_owned(), "hashtags".to_owned()] }),
        revision: None,
    };
    let as_json =
        json!({ "id": 5, "content": { "caption": "new" }, "update_mask": { "paths": ["caption", "hashtags"] } });
    add("UpdatePostRequest", as_json, update.encode_to_vec());
    let post = v1::Post {
        id: 125,
        wp_user_id: 1,
        platform: v1::Platform::Instagram.into(),
        status: 4711,
        scheduled_at: time(1_735_149_600, 500_000_000),
        hashtags: vec!["#a".to_owned()],
        retry_count: -1,
        metadata: Some(Struct::default()),
        account: Some(v1::AccountSummary { id: 2, account_name: "MyInstagram".to_owned(), ..Default::default() }),
        error: Some(v1::PostError { code: "MISSED".to_owned(), retryable: true, ..Default::default() }),
        warnings: vec![v1::Warning::default(), v1::Warning { code: "CAPTION_CUT".to_owned(), ..Default::default() }],
        uploaded_bytes: Some(0),
        late_policy_seconds: 86400,
        ..Default::default()
    };
    let post_json = json!({
        "id": 125, "wp_user_id": 1, "platform": 2, "status": 4711,
        "scheduled_at": { "seconds": 1_735_149_600, "nanos": 500_000_000 }, "published_at": null, "hashtags": ["#a"],
        "retry_count": -1, "metadata": {}, "account": { "id": 2, "account_name": "MyInstagram" },
        "error": { "code": "MISSED", "retryable": true }, "warnings": [{}, { "code": "CAPTION_CUT" }],
        "uploaded_bytes": 0, "late_policy_seconds": 86400,
    });
    add("Post", post_json.clone(), post.encode_to_vec());
    let events = v1::ListEventsResponse {
        events: vec![v1::Event { sequence: 7, post_id: 125, post: Some(post), wp_user_id: 1, ..Default::default() }],
        position: 8,
    };
    let as_json =
        json!({ "events": [{ "sequence": 7, "post_id": 125, "post": post_json, "wp_user_id": 1 }], "position": 8 });
    add("ListEventsResponse", as_json, events.encode_to_vec());
    let rules = v1::VideoRequirements {
        platform: v1::Platform::Tiktok.into(),
        max_duration: Some(Duration { seconds: 600, nanos: 0 }),
        max_size_bytes: 4_294_967_296,
        formats: vec!["mp4".to_owned()],
        min_frame_rate: 23.976,
        max_frame_rate: 60.0,
        ..Default::default()
    };
    let as_json = json!({
        "platform": 1, "max_duration": { "seconds": 600, "nanos": 0 }, "max_size_bytes": 4_294_967_296_i64,
        "formats": ["mp4"], "min_frame_rate": 23.976, "max_frame_rate": 60.0,
    });
    add("VideoRequirements", as_json, rules.encode_to_vec());
    let quota = v1::Quota { account_id: 1, used: Some(0), total: None, window_seconds: 86400, ..Default::default() };
    let as_json = json!({ "account_id": 1, "used": 0, "total": null, "window_seconds": 86400 });
    add("Quota", as_json, quota.encode_to_vec());
    add("DeleteDraftResponse", json!({}), v1::DeleteDraftResponse {}.encode_to_vec());
    let mut details = ErrorDetails::new();
    details.set_error_info("CAPTION_TOO_LONG", "aurareels", [("limit".to_owned(), "2200 UTF-16 units".to_owned())]);
    details.add_bad_request_violation("content.caption", "too long");
    details.set_retry_info(Some(std::time::Duration::from_millis(1500)));
    let status = Status::with_error_details(Code::InvalidArgument, "too long", details);
    add("google.rpc.Status", json!({ "code": 3, "message": "too long" }), status.details().to_vec());
    all
}
