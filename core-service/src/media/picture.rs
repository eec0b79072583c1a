//! A look at a cover picture behind a URL, by the same guard as a video: whether strangers get it, what it is, how large.

use url::Url;

use super::{
    ProbeError, Prober,
    fetch::{Opened, host},
    inspect,
};
use crate::domain::{media::CoverFacts, violation::Violation};

/// The field that names a cover.
pub const THUMBNAIL_URL_FIELD: &str = "content.thumbnail_url";

/// Bytes at which a picture shows what it is.
const HEAD: usize = 512;

impl Prober {
    /// Finds out what stands behind the URL of a cover picture. Nothing is kept: it is looked at once per request.
    pub async fn cover(&self, url: &Url) -> Result<CoverFacts, ProbeError> {
        let looking = async {
            let opened = match self.fetcher.open(url, Some((0, Some(HEAD as u64 - 1)))).await {
                Ok(opened) => opened,
                // What a host calls the size of a picture that it makes on the way, nobody needs to know.
                Err(ProbeError::Refused(violation)) if violation.rule == "VIDEO_SIZE_UNKNOWN" => {
                    return Ok(CoverFacts::default());
                }
                Err(error) => return Err(of_cover(error)),
            };
            let Opened { mut response, version, .. } = opened;
            let mut head = Vec::new();
            while head.len() < HEAD {
                match response.chunk().await {
                    Ok(Some(chunk)) => head.extend_from_slice(&chunk[..chunk.len().min(HEAD - head.len())]),
                    Ok(None) => break,
                    Err(_) => {
                        let message = format!("{} broke off in the middle of the cover picture", host(url));
                        return Err(ProbeError::Unreachable { message });
                    }
                }
            }
            Ok(CoverFacts { size_bytes: Some(version.size_bytes), is: Some(inspect::kind_of(&head)) })
        };
        tokio::time::timeout(self.probe_timeout, looking).await.unwrap_or_else(|_| {
            let message = format!("{} answers too slowly to look at the cover picture", host(url));
            Err(ProbeError::Unreachable { message })
        })
    }
}

/// What is wrong with a URL, said of a cover.
fn of_cover(error: ProbeError) -> ProbeError {
    match error {
        ProbeError::Refused(violation) => {
            let Violation { rule, measured, limit, .. } = *violation;
            let rule = if rule == "VIDEO_NOT_PUBLIC" { "THUMBNAIL_NOT_PUBLIC" } else { "THUMBNAIL_URL_INVALID" };
            let message = format!("the cover picture cannot be fetched: {measured}, needed is {limit}");
            let remedy = "give a URL at which everybody gets the picture, or leave it out".to_owned();
            ProbeError::Refused(Box::new(Violation {
                field: THUMBNAIL_URL_FIELD,
                rule,
                measured,
                limit,
                remedy,
                message,
            }))
        }
        ProbeError::Preparing { message } | ProbeError::Unreachable { message } => {
            ProbeError::Unreachable { message: format!("{message} (cover picture)") }
        }
    }
}
