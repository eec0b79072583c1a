//! Test videos: making them, reading their headers, and serving them over HTTP.

pub(crate) mod mp4;
pub(crate) mod scan;
pub(crate) mod serve;

pub(crate) use serve::Media;
