//! Field masks in JSON, for calls in JSON and for agents' tools.

use serde_json::Value;

/// A request whose field mask names fields as the proto file does (`privacy_level`), with the names that JSON has for them
/// (`privacyLevel`): the library reads no others in a mask, though it reads both everywhere else. `None` for any other request.
pub(super) fn in_camel_case(request: &Value) -> Option<Value> {
    let fields = request.as_object()?;
    let name = ["update_mask", "updateMask"].into_iter().find(|name| fields.contains_key(*name))?;
    let mask = fields[name].as_str().filter(|mask| mask.contains('_'))?;
    let mut camel = String::with_capacity(mask.len());
    for (number, word) in mask.split('_').enumerate() {
        match word.chars().next().filter(|_| number > 0) {
            Some(first) => {
                camel.push(first.to_ascii_uppercase());
                camel.push_str(&word[first.len_utf8()..]);
            }
            None => camel.push_str(word),
        }
    }
    let mut renamed = fields.clone();
    renamed.insert(name.to_owned(), camel.into());
    Some(Value::Object(renamed))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_path_of_a_mask_gets_its_name_in_json() {
        let mask = |mask: &str| in_camel_case(&json!({ "id": 1, "update_mask": mask }));
        let expected = json!({ "id": 1, "update_mask": "privacyLevel,aiMetadata.videoUrl" });
        assert_eq!(mask("privacy_level,ai_metadata.video_url"), Some(expected));
        assert_eq!(mask("caption"), None);
        assert_eq!(in_camel_case(&json!({ "update_mask": 5 })), None);
        assert_eq!(in_camel_case(&json!([])), None);
    }
}
