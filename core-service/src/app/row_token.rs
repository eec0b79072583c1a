//! Page tokens of lists by row, newest first: the last row of the previous page.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{Error, Result, broken};
use crate::domain::failure::Reason;

/// The token of the page after this row.
pub(super) fn after(row: i64) -> String {
    URL_SAFE_NO_PAD.encode(row.to_be_bytes())
}

/// The row of a token; without one, a row that comes before all others.
pub(super) fn read(token: Option<&str>) -> Result<i64> {
    let Some(text) = token else { return Ok(i64::MAX) };
    let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| <[u8; 8]>::try_from(bytes).ok());
    bytes.map(i64::from_be_bytes).ok_or_else(|| {
        let remedy = "begin without a token";
        let one = broken("page_token", "FIELD_MALFORMED", "not one of ours", "it must be a next_page_token", remedy);
        Error::Invalid { reason: Reason::InvalidField, broken: vec![one] }
    })
}
