//! The shapes of Meta's answers that its platforms share, as far as they are used.
//!
//! Ids are text: most arrive as text, some as numbers beyond 2^53, and both end as the same digits. Every field that
//! the pages do not promise is optional. Two endpoints of Instagram Login are documented as `{"data":[{...}]}` and
//! seen as `{...}`; [`unwrapped`] takes both.

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use crate::platform::waits;

/// An id as text, whether it came as text or as a whole number.
pub(crate) fn id_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    id_of(&Value::deserialize(deserializer)?).ok_or_else(|| serde::de::Error::custom("an id is text or a whole number"))
}

/// The same for ids that may be missing.
pub(crate) fn id_text_opt<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(id_of(&Value::deserialize(deserializer)?))
}

/// An id that is present and not empty.
fn id_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) if number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}

/// A value as this shape.
pub(crate) fn shaped<T: DeserializeOwned>(value: Value) -> Option<T> {
    serde_json::from_value(value).ok()
}

/// The first element of `data` where the answer is wrapped in a list, else the answer itself.
pub(crate) fn unwrapped(mut value: Value) -> Value {
    match value.get_mut("data").and_then(Value::as_array_mut) {
        Some(list) if !list.is_empty() => list.swap_remove(0),
        _ => value,
    }
}

/// A page of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct Page<T> {
    pub(crate) data: Vec<T>,
    pub(crate) paging: Option<Paging>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Paging {
    cursors: Option<Cursors>,
    next: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Cursors {
    after: Option<String>,
}

impl<T> Page<T> {
    /// The cursor of the next page; `None` on the last one.
    pub(crate) fn after(&self) -> Option<&str> {
        let paging = self.paging.as_ref()?;
        paging.next.as_ref()?;
        paging.cursors.as_ref()?.after.as_deref()
    }
}

/// An access token as every token endpoint gives it.
#[derive(Deserialize)]
pub(crate) struct TokenAnswer {
    pub(crate) access_token: String,
    #[serde(default, deserialize_with = "waits::seconds")]
    pub(crate) expires_in: Option<f64>,
}

/// `GET /me` of Instagram Login, and the Instagram account of a Page.
#[derive(Debug, Deserialize)]
pub(crate) struct Profile {
    #[serde(default, deserialize_with = "id_text_opt")]
    pub(crate) id: Option<String>,
    #[serde(default, deserialize_with = "id_text_opt")]
    pub(crate) user_id: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) account_type: Option<String>,
    pub(crate) profile_picture_url: Option<String>,
}

/// A Page under a Facebook login.
#[derive(Deserialize)]
pub(crate) struct FacebookPage {
    #[serde(deserialize_with = "id_text")]
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    pub(crate) access_token: Option<String>,
    pub(crate) tasks: Option<Vec<String>>,
    pub(crate) instagram_business_account: Option<Profile>,
}

/// An object of which only the id counts.
#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    #[serde(deserialize_with = "id_text")]
    pub(crate) id: String,
}

/// A line of `/me/permissions`.
#[derive(Debug, Deserialize)]
pub(crate) struct Permission {
    pub(crate) permission: String,
    pub(crate) status: String,
}

/// The error shape of `api.instagram.com`.
#[derive(Debug, Deserialize)]
pub(crate) struct LoginError {
    pub(crate) error_type: String,
    pub(crate) code: Option<i64>,
    #[serde(default)]
    pub(crate) error_message: String,
}

/// The error shape of `rupload.facebook.com`.
#[derive(Debug, Deserialize)]
pub(crate) struct UploadError {
    pub(crate) debug_info: DebugInfo,
}

#[derive(Debug, Deserialize)]
pub(crate) struct DebugInfo {
    pub(crate) retriable: Option<bool>,
    #[serde(default, rename = "type")]
    pub(crate) kind: String,
}
