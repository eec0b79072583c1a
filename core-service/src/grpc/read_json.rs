//! Requests in JSON, for calls in JSON and for agents' tools. Of one that cannot be read, the field is named.

use prost_reflect::{DynamicMessage, MethodDescriptor};
use serde::Deserializer;

/// Reads a request. Of one that cannot be read: at which field, such as `content.caption`, or nothing for the whole.
pub(super) fn message<'de, D: Deserializer<'de>>(
    method: &MethodDescriptor,
    json: D,
) -> Result<DynamicMessage, (String, D::Error)> {
    let mut track = serde_path_to_error::Track::new();
    let json = serde_path_to_error::Deserializer::new(json, &mut track);
    DynamicMessage::deserialize(method.input(), json).map_err(|error| {
        // The library writes `.` for the whole, and `?` for a name that it could not read.
        let path = track.path().to_string();
        (path.trim_end_matches('?').trim_end_matches('.').to_owned(), error)
    })
}
