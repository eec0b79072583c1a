//! The TypeScript types of all messages, made from the proto's descriptors.
//!
//! The test below compares `nodes/shared/api.ts` with what it would be, so that no field can be missing or misspelt on
//! the TypeScript side; `AURAREELS_UPDATE_TYPES=1 cargo test -p aurareels-n8n types` writes it.

use std::{collections::BTreeSet, fmt::Write};

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};

use crate::descriptors;

/// Where a message travels to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    /// To the core: every field may be left out.
    In,
    /// From the core: every field is there.
    Out,
}

fn source() -> String {
    let services: Vec<_> = descriptors::pool().services().filter(|s| s.package_name() == "aurareels.v1").collect();
    let mut messages = BTreeSet::new();
    let mut enums = BTreeSet::new();
    let mut calls = String::new();
    for service in &services {
        for method in service.methods() {
            collect(&method.input(), Way::In, &mut messages, &mut enums);
            collect(&method.output(), Way::Out, &mut messages, &mut enums);
            if !method.is_client_streaming() && !method.is_server_streaming() {
                let (input, output) = (method.input(), method.output());
                let (name, rpc) = (service.name(), method.name());
                writeln!(calls, "\t'{name}/{rpc}': {{ request: {}Input; answer: {} }};", input.name(), output.name())
                    .expect("a string takes everything");
            }
        }
    }
    let mut out = String::from(
        "/**\n * The messages of `proto/`, as they cross the boundary to the native module. Made by `n8n-node/src/types.rs`; do not\n \
         * edit. A name that ends in `Input` is a message on its way to the core: what is left out is not given.\n */\n\n\
         import type { IDataObject } from 'n8n-workflow';\n",
    );
    for name in enums {
        let of = descriptors::pool().get_enum_by_name(&name).expect("it was collected from there");
        out.push_str(&enum_type(&of));
    }
    for (name, way) in messages {
        let message = descriptors::pool().get_message_by_name(&name).expect("it was collected from there");
        out.push_str(&message_type(&message, way));
    }
    write!(out, "\n/** Every call with one answer. */\nexport interface Calls {{\n{calls}}}\n")
        .expect("a string takes everything");
    out
}

fn collect(
    message: &MessageDescriptor,
    way: Way,
    messages: &mut BTreeSet<(String, Way)>,
    enums: &mut BTreeSet<String>,
) {
    if message.package_name() == "google.protobuf" || !messages.insert((message.full_name().to_owned(), way)) {
        return;
    }
    for field in message.fields() {
        match field.kind() {
            Kind::Message(inner) => collect(&inner, way, messages, enums),
            Kind::Enum(of) => drop(enums.insert(of.full_name().to_owned())),
            _ => {}
        }
    }
}

fn enum_type(of: &EnumDescriptor) -> String {
    let words = of.values().filter_map(|value| descriptors::enum_word(of, value.number()));
    let words: Vec<String> = words.map(|word| format!("\t| '{word}'")).collect();
    format!("\nexport type {} =\n{};\n", of.name(), words.join("\n"))
}

fn message_type(message: &MessageDescriptor, way: Way) -> String {
    if message.fields().len() == 0 {
        return format!("\nexport type {} = Record<string, never>;\n", name_of(message, way));
    }
    let mut out = format!("\nexport interface {} {{\n", name_of(message, way));
    for field in message.fields() {
        let optional = if way == Way::In { "?" } else { "" };
        writeln!(out, "\t{}{optional}: {};", field.name(), field_type(&field, way)).expect("a string takes everything");
    }
    out.push_str("}\n");
    out
}

fn name_of(message: &MessageDescriptor, way: Way) -> String {
    match way {
        Way::In => format!("{}Input", message.name()),
        Way::Out => message.name().to_owned(),
    }
}

fn field_type(field: &FieldDescriptor, way: Way) -> String {
    let of = match field.kind() {
        Kind::Message(message) => match message.full_name() {
            "google.protobuf.Timestamp" | "google.protobuf.Duration" | "google.protobuf.FieldMask" => {
                "string".to_owned()
            }
            "google.protobuf.Struct" => "IDataObject".to_owned(),
            _ => name_of(&message, way),
        },
        Kind::Enum(of) => of.name().to_owned(),
        Kind::Bool => "boolean".to_owned(),
        Kind::String | Kind::Bytes => "string".to_owned(),
        _ => "number".to_owned(),
    };
    if field.is_list() {
        return format!("{of}[]");
    }
    // An enum without a value is "unspecified", which is null at the boundary.
    let nullable = field.supports_presence() || matches!(field.kind(), Kind::Enum(_));
    if nullable { format!("{of} | null") } else { of }
}

#[test]
fn the_typescript_types_are_in_step_with_the_proto() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("nodes/shared/api.ts");
    let wanted = source();
    if std::env::var_os("AURAREELS_UPDATE_TYPES").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "{} is not what proto/ says: run with AURAREELS_UPDATE_TYPES=1", path.display());
}
