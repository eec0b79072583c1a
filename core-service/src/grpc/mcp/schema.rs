//! The JSON Schema of a message, from its descriptor and the comments of the proto files: what the API takes as JSON is
//! described where it is defined, and a new field is there by itself.

use std::collections::{BTreeMap, HashMap};

use prost_reflect::{EnumDescriptor, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor};
use rmcp::model::JsonObject;
use serde_json::{Value, json};

/// The object that a request is. Fields of `left_out` are not shown, those of `required` are demanded.
pub(super) fn of(request: &MessageDescriptor, left_out: &[&str], required: &[&str]) -> JsonObject {
    let mut schema = Schema::default();
    let mut object = schema.object(request, left_out);
    if !required.is_empty() {
        object.insert("required".to_owned(), json!(required));
    }
    if !schema.definitions.is_empty() {
        object.insert("$defs".to_owned(), json!(schema.definitions));
    }
    object
}

#[derive(Default)]
struct Schema {
    /// Messages within it, by name.
    definitions: BTreeMap<String, Value>,
    comments: HashMap<String, HashMap<Vec<i32>, String>>,
}

impl Schema {
    fn object(&mut self, message: &MessageDescriptor, left_out: &[&str]) -> JsonObject {
        let mut properties = JsonObject::new();
        for field in message.fields().filter(|field| !left_out.contains(&field.name())) {
            properties.insert(field.name().to_owned(), self.field(&field));
        }
        JsonObject::from_iter([
            ("type".to_owned(), json!("object")),
            ("properties".to_owned(), Value::Object(properties)),
            ("additionalProperties".to_owned(), json!(false)),
        ])
    }

    fn field(&mut self, field: &FieldDescriptor) -> Value {
        let mut description = self.comment(&field.parent_file(), field.path());
        if let Kind::Enum(of) = field.kind() {
            description = join(description, self.words(&of));
        }
        let one = self.value(&field.kind());
        let mut schema = match field.is_list() {
            true => json!({ "type": "array", "items": one }),
            false => one,
        };
        if let Some(schema) = schema.as_object_mut().filter(|_| !description.is_empty()) {
            schema.insert("description".to_owned(), json!(description));
        }
        schema
    }

    fn value(&mut self, kind: &Kind) -> Value {
        match kind {
            Kind::Double | Kind::Float => json!({ "type": "number" }),
            Kind::Bool => json!({ "type": "boolean" }),
            Kind::String => json!({ "type": "string" }),
            Kind::Bytes => json!({ "type": "string", "contentEncoding": "base64" }),
            Kind::Enum(of) => {
                let names = of.values().filter(|value| value.number() != 0).map(|value| value.name().to_owned());
                json!({ "type": "string", "enum": names.collect::<Vec<_>>() })
            }
            Kind::Message(message) => self.message(message),
            _ => json!({ "type": "integer" }),
        }
    }

    fn message(&mut self, message: &MessageDescriptor) -> Value {
        match message.full_name() {
            "google.protobuf.Timestamp" => json!({ "type": "string", "format": "date-time" }),
            "google.protobuf.Duration" => json!({ "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?s$" }),
            "google.protobuf.Struct" => json!({ "type": "object" }),
            // Its JSON is one text: names, separated by commas.
            "google.protobuf.FieldMask" => json!({ "type": "string" }),
            _ => {
                let name = message.name().to_owned();
                if !self.definitions.contains_key(&name) {
                    // Noted first: a message may hold itself.
                    self.definitions.insert(name.clone(), Value::Null);
                    let mut object = self.object(message, &[]);
                    let description = self.comment(&message.parent_file(), message.path());
                    object.insert("description".to_owned(), json!(description));
                    self.definitions.insert(name.clone(), Value::Object(object));
                }
                json!({ "$ref": format!("#/$defs/{name}") })
            }
        }
    }

    /// What an enum's words mean.
    fn words(&mut self, of: &EnumDescriptor) -> String {
        let mut words = Vec::new();
        for value in of.values().filter(|value| value.number() != 0) {
            words.push(format!("{}: {}", value.name(), self.comment(&of.parent_file(), value.path())));
        }
        words.join(" ")
    }

    /// The comment above a definition, in one line.
    fn comment(&mut self, file: &FileDescriptor, path: &[i32]) -> String {
        let comments = self.comments.entry(file.name().to_owned()).or_insert_with(|| {
            let locations = file.file_descriptor_proto().source_code_info.iter().flat_map(|info| &info.location);
            let text = |comment: &str| comment.split_whitespace().collect::<Vec<_>>().join(" ");
            locations.map(|location| (location.path.clone(), text(location.leading_comments()))).collect()
        });
        comments.get(path).cloned().unwrap_or_default()
    }
}

fn join(first: String, second: String) -> String {
    if first.is_empty() { second } else { format!("{first} {second}") }
}
