//! What a caller announces before the bytes of an upload, and whether it is well formed.

use super::{MediaId, Result, malformed};

/// Longest file name, characters.
pub(super) const MAX_FILE_NAME: usize = 255;

/// Longest name of an upload, bytes.
pub(super) const MAX_UPLOAD_ID: usize = 128;

/// What a caller says about a file before it sends it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UploadInfo {
    /// The file's name.
    pub file_name: String,
    /// The content type given by the caller; empty when none.
    pub content_type: String,
    /// Its size.
    pub size_bytes: Option<u64>,
    /// Its SHA-256, hexadecimal; empty when not given.
    pub sha256: String,
    /// The client's name for the upload, if it is to be continued after a broken connection; empty when not.
    pub upload_id: String,
    /// Where in the file the bytes begin.
    pub offset: u64,
}

/// Checks the name and the hash; returns the announced hash.
pub(super) fn announced_hash(info: &UploadInfo) -> Result<Option<MediaId>> {
    if info.file_name.chars().count() > MAX_FILE_NAME || info.file_name.chars().any(char::is_control) {
        let measured = format!("{} characters", info.file_name.chars().count());
        let limit = "at most 255 characters without control characters are taken";
        return Err(malformed("info.file_name", measured, limit, "shorten it"));
    }
    if info.sha256.is_empty() {
        return Ok(None);
    }
    info.sha256.parse().map(Some).map_err(|_| {
        let measured = format!("{} characters", info.sha256.chars().count());
        malformed("info.sha256", measured, "a SHA-256 has 64 hexadecimal digits", "leave it out or give it whole")
    })
}

/// Checks what a client says about a resumable upload; returns the announced size.
pub(super) fn size_of_resumable(info: &UploadInfo) -> Result<Option<u64>> {
    let UploadInfo { upload_id, offset, size_bytes, .. } = info;
    if upload_id.is_empty() {
        let remedy = "give upload_id, or leave offset out";
        return match offset {
            0 => Ok(None),
            _ => Err(malformed("info.offset", offset.to_string(), "only an upload with a name is continued", remedy)),
        };
    }
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if upload_id.len() > MAX_UPLOAD_ID || !upload_id.bytes().all(is_good) {
        let measured = format!("{} bytes", upload_id.len());
        let limit = "1 to 128 of A-Z, a-z, 0-9, `.`, `_` and `-` are taken";
        return Err(malformed("info.upload_id", measured, limit, "name it by a UUID or by the file's SHA-256"));
    }
    size_bytes.map(Some).ok_or_else(|| {
        let limit = "a resumable upload needs it, to know where the file ends";
        malformed("info.size_bytes", "absent", limit, "give the file's size")
    })
}
