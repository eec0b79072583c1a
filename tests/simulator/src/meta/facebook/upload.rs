//! `POST rupload.facebook.com/video-upload/{version}/{video}`: the bytes of a Page's video, or a `file_url` (sheet §2.2).
//!
//! Bytes that arrived stay, also when the connection breaks; the status tells how many, and an upload goes on from
//! there. A `file_url` is only accepted: it is fetched afterwards, and the status tells how that ended. Failures come
//! in `debug_info`, not in the Graph envelope.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde_json::json;

use crate::call::{Broken, Call};
use crate::fetch::{FetchError, Limits, Received};
use crate::meta::Flavour;
use crate::meta::error::{GraphError, upload_error};
use crate::meta::facebook::behaviour::{Behaviour, Phase};
use crate::meta::facebook::video::{Failure, File};
use crate::meta::world::{Id, World};
use crate::reply::{self, Reply};
use crate::sim::Sim;

/// Meta's fetcher, as robots.txt names it.
const ROBOT: &str = "facebookexternalhit";
/// Largest robots.txt that is read.
const ROBOTS_BYTES: usize = 64 << 10;

/// A refused upload.
struct Refusal {
    retriable: bool,
    kind: &'static str,
    message: String,
}

impl Refusal {
    fn new(retriable: bool, kind: &'static str, message: impl Into<String>) -> Self {
        Refusal { retriable, kind, message: message.into() }
    }

    fn reply(&self) -> Reply {
        upload_error(400, self.retriable, self.kind, &self.message)
    }
}

/// The video an upload is for, and its Page.
pub(crate) fn target(world: &World, segments: &[&str]) -> Option<(Id, Id)> {
    let ["video-upload", _, id] = segments else { return None };
    let id = Id::parse(id)?;
    Some((id, world.facebook_pages.videos.get(&id)?.page))
}

enum Opened {
    Bytes { id: Id, size: u64, received: Box<Received> },
    Fetching { id: Id, url: String },
}

/// Receives bytes, or a URL to fetch.
pub(crate) async fn upload(sim: &Arc<Sim>, call: &mut Call) -> Reply {
    let (id, size, mut received) = match open(sim, call) {
        Ok(Opened::Bytes { id, size, received }) => (id, size, *received),
        Ok(Opened::Fetching { id, url }) => {
            tokio::spawn(download(sim.clone(), id, url));
            return success();
        }
        Err(refusal) => return refusal.reply(),
    };
    while let Some(upload) = call.upload.as_mut().filter(|_| received.byte_count <= size) {
        match upload.next().await {
            Some(Ok(piece)) => received.push(&piece),
            Some(Err(Broken)) | None => break,
        }
    }
    match close(sim, id, size, received) {
        Ok(()) => success(),
        Err(refusal) => refusal.reply(),
    }
}

fn success() -> Reply {
    reply::json(200, &json!({ "success": true }))
}

fn open(sim: &Sim, call: &Call) -> Result<Opened, Refusal> {
    let now = crate::meta::now(sim);
    let mut world = sim.meta.lock();
    let not_authorized = |message: String| Refusal::new(false, "NotAuthorizedError", message);
    if call.method != Method::POST {
        return Err(Refusal::new(false, "ProcessingFailedError", "Unsupported method"));
    }
    let token = call
        .header("authorization")
        .and_then(|value| value.strip_prefix("OAuth "))
        .ok_or_else(|| not_authorized("The header Authorization: OAuth {access token} is required".to_owned()))?;
    let session = world.check(Flavour::Facebook, token.trim(), now).map_err(|error| not_authorized(error.message))?;
    let unknown = || Refusal::new(false, "ProcessingFailedError", "The video does not exist or its upload has expired");
    let (id, page) = target(&world, &call.segments()).ok_or_else(unknown)?;
    world.may_publish_on(&session, page, "post").map_err(|error| not_authorized(error.message))?;
    let behaviour = world.facebook_pages.behaviour_of(page);
    let video = world.facebook_pages.videos.get_mut(&id).filter(|video| !video.removed).ok_or_else(unknown)?;
    if video.is_expired(&behaviour, now) {
        return Err(unknown());
    }
    if video.file.is_some() {
        return Err(Refusal::new(false, "ProcessingFailedError", "The video was uploaded already"));
    }
    let busy = || Refusal::new(true, "ConcurrentRequestError", "Another request uploads to this video");
    if let Some(url) = call.header("file_url") {
        if call.header("content-length").is_some_and(|length| length != "0") {
            return Err(Refusal::new(
                false,
                "ParameterValidationError",
                "The body must be empty when file_url is given",
            ));
        }
        video.upload.take().ok_or_else(busy)?;
        url.clone_into(&mut video.source);
        video.failure = None;
        return Ok(Opened::Fetching { id, url: url.to_owned() });
    }
    let number = |name: &str| call.header(name).and_then(|text| text.trim().parse::<u64>().ok());
    let offset = number("offset").ok_or_else(|| {
        Refusal::new(false, "ParameterValidationError", "Header Offset not convertable to unsigned long")
    })?;
    let size = number("file_size").filter(|size| *size > 0).ok_or_else(|| {
        Refusal::new(false, "ParameterValidationError", "Header File_size not convertable to unsigned long")
    })?;
    if size > behaviour.max_bytes {
        return Err(Refusal::new(false, "ProcessingFailedError", "The file is too large"));
    }
    if offset > 0 && video.file_size.is_some_and(|known| known != size) {
        return Err(Refusal::new(false, "ParameterValidationError", "file_size differs from the one announced before"));
    }
    let stored = video.upload.take().ok_or_else(busy)?;
    let received = match offset {
        0 => Received::default(),
        offset if offset == stored.byte_count => stored,
        _ => {
            let expected = stored.byte_count;
            video.upload = Some(stored);
            return Err(Refusal::new(
                true,
                "OffsetInvalidError",
                format!("Request starting offset is invalid: {expected} bytes were received"),
            ));
        }
    };
    video.file_size = Some(size);
    video.received = received.byte_count;
    video.failure = None;
    Ok(Opened::Bytes { id, size, received: Box::new(received) })
}

fn close(sim: &Sim, id: Id, size: u64, received: Received) -> Result<(), Refusal> {
    let now = crate::meta::now(sim);
    let mut world = sim.meta.lock();
    let gone = || Refusal::new(false, "ProcessingFailedError", "The video does not exist");
    let video = world.facebook_pages.videos.get_mut(&id).ok_or_else(gone)?;
    video.received = received.byte_count;
    if received.byte_count > size {
        video.received = 0;
        video.upload = Some(Received::default());
        return Err(Refusal::new(false, "ProcessingFailedError", "More bytes than file_size were received"));
    }
    if received.byte_count < size {
        video.upload = Some(received);
        return Err(Refusal::new(true, "PartialRequestError", "Partial request (did not match length of file)"));
    }
    let (byte_count, sha256, probe) = received.finish();
    video.complete(File { byte_count, sha256, probe }, now);
    Ok(())
}

/// Downloads a video and notes the end, whatever it is.
fn download(sim: Arc<Sim>, id: Id, url: String) -> impl Future<Output = ()> + Send {
    // From the call on, not from the first poll.
    let at_work = sim.fetcher.begin();
    async move {
        let known = {
            let world = sim.meta.lock();
            let video = world.facebook_pages.videos.get(&id);
            video.map(|video| (video.created_at, world.facebook_pages.behaviour_of(video.page)))
        };
        let Some((created_at, behaviour)) = known else { return };
        let result = fetch(&sim, &url, &behaviour).await;
        let now = crate::meta::now(&sim);
        let mut world = sim.meta.lock();
        // The simulator may have been reset meanwhile, and the id given out anew.
        let video = world.facebook_pages.videos.get_mut(&id).filter(|video| video.created_at == created_at);
        if let Some(video) = video {
            match result {
                Ok(file) => video.complete(file, now),
                Err(error) => {
                    video.failure = Some(Failure { phase: Phase::Uploading, error, at: now });
                    video.upload = Some(Received::default());
                }
            }
        }
        drop(world);
        drop(at_work);
    }
}

/// Fetches a file as Meta does: robots.txt first, and never from Meta's own CDN.
pub(crate) async fn fetch(sim: &Sim, url: &str, behaviour: &Behaviour) -> Result<File, GraphError> {
    let refused = |what: &str| {
        let mut error = GraphError::known(389, None);
        error.message = format!("(#389) Unable to fetch video file from URL: {what}");
        error
    };
    let parsed = url::Url::parse(url).map_err(|error| refused(&error.to_string()))?;
    let host = parsed.host_str().unwrap_or("");
    if host == "fbcdn.net" || host.ends_with(".fbcdn.net") {
        return Err(refused("files on fbcdn are not allowed"));
    }
    let limits = Limits {
        max_bytes: behaviour.max_bytes,
        timeout: Duration::from_millis(behaviour.fetch_timeout_ms),
        redirects: behaviour.fetch_redirects,
        local_http: true,
    };
    if let Ok(robots) = parsed.join("/robots.txt")
        && let Some(text) = sim.fetcher.text(robots, limits.timeout, ROBOTS_BYTES).await
        && is_disallowed(&text, parsed.path())
    {
        return Err(refused("robots.txt of the host forbids it"));
    }
    let fetched = sim.fetcher.fetch(url, limits).await.map_err(|error| match error {
        FetchError::TooLarge(_) => GraphError::known(6000, None),
        other => refused(&other.to_string()),
    })?;
    Ok(File { byte_count: fetched.byte_count, sha256: fetched.sha256, probe: fetched.probe })
}

/// Whether the group for Meta's fetcher, or else the one for everybody, forbids the path.
fn is_disallowed(robots: &str, path: &str) -> bool {
    let (mut own, mut all): (Option<bool>, Option<bool>) = (None, None);
    let mut agents: Vec<String> = Vec::new();
    let mut in_rules = false;
    for line in robots.lines() {
        let line = line.split('#').next().unwrap_or("").trim();
        let Some((name, value)) = line.split_once(':') else { continue };
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        if name == "user-agent" {
            if std::mem::take(&mut in_rules) {
                agents.clear();
            }
            agents.push(value.to_ascii_lowercase());
            continue;
        }
        in_rules = true;
        let hit = !value.is_empty() && path.starts_with(value);
        for agent in &agents {
            let verdict = match agent.as_str() {
                "*" => &mut all,
                agent if agent.starts_with(ROBOT) => &mut own,
                _ => continue,
            };
            verdict.get_or_insert(false);
            match name.as_str() {
                "disallow" if hit => *verdict = Some(true),
                "allow" if hit => *verdict = Some(false),
                _ => {}
            }
        }
    }
    own.or(all).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::is_disallowed;

    #[test]
    fn the_group_for_metas_fetcher_goes_before_the_one_for_everybody() {
        let all = "User-agent: *\nDisallow: /";
        assert!(is_disallowed(all, "/v/a.mp4"));
        let own = "User-agent: *\nDisallow: /\n\nUser-agent: facebookexternalhit/1.1\nAllow: /";
        assert!(!is_disallowed(own, "/v/a.mp4"));
        assert!(is_disallowed("User-agent: facebookexternalhit\nDisallow: /v", "/v/a.mp4"));
        assert!(!is_disallowed("User-agent: facebookexternalhit\nDisallow: /x # not here", "/v/a.mp4"));
        assert!(!is_disallowed("User-agent: *\nDisallow:", "/v/a.mp4"));
    }
}
