//! `POST rupload.facebook.com/ig-api-upload/{version}/{container}`: resumable uploads, Facebook Login only.
//!
//! Bytes that arrived stay, also when the connection breaks, so an upload goes on from there; `offset: 0` starts it
//! anew. Failures come in `debug_info`, not in the Graph envelope.
//!
//! <https://developers.facebook.com/documentation/instagram-platform/content-publishing/resumable-uploads>

use std::sync::Arc;

use http::Method;
use serde_json::json;

use super::Flavour;
use super::access::Access;
use super::behaviour::FetchErrors;
use super::container::{LIFE_MS, Stage};
use super::create;
use super::error::upload_error;
use super::rules::{self, REEL_BYTES};
use super::world::{Id, World};
use crate::call::{Broken, Call};
use crate::fetch::Received;
use crate::reply::{self, Reply};
use crate::sim::Sim;

/// A refused upload; `retriable` tells the client whether the same request may work later.
struct Refusal {
    status: u16,
    retriable: bool,
    kind: &'static str,
    message: String,
}

impl Refusal {
    fn processing(message: impl Into<String>) -> Self {
        Refusal { status: 400, retriable: false, kind: "ProcessingFailedError", message: message.into() }
    }

    fn not_authorized(message: impl Into<String>) -> Self {
        Refusal { status: 400, retriable: false, kind: "NotAuthorizedError", message: message.into() }
    }

    fn reply(&self) -> Reply {
        upload_error(self.status, self.retriable, self.kind, &self.message)
    }
}

/// What an upload request announces.
struct Announced {
    id: Id,
    size: u64,
    received: Received,
}

/// The container an upload is for, and its account.
pub(crate) fn target(world: &World, segments: &[&str]) -> Option<(Id, Id)> {
    let [_, _, id] = segments else { return None };
    let id = Id::parse(id)?;
    Some((id, world.containers.get(&id)?.account))
}

/// Receives bytes, or a URL to fetch.
pub(crate) async fn upload(sim: &Arc<Sim>, call: &mut Call) -> Reply {
    let announced = match open(sim, call) {
        Ok(Opened::Bytes(announced)) => *announced,
        Ok(Opened::Fetching(id, FetchErrors::Container)) => {
            tokio::spawn(create::download(sim.clone(), id));
            return success();
        }
        Ok(Opened::Fetching(id, FetchErrors::Create)) => {
            create::download(sim.clone(), id).await;
            return fetched(sim, id);
        }
        Err(refusal) => return refusal.reply(),
    };
    let Announced { id, size, mut received } = announced;
    if let Some(upload) = call.upload.as_mut() {
        while received.byte_count <= size {
            match upload.next().await {
                Some(Ok(piece)) => received.push(&piece),
                Some(Err(Broken)) | None => break,
            }
        }
    }
    match close(sim, id, size, received) {
        Ok(()) => success(),
        Err(refusal) => refusal.reply(),
    }
}

fn success() -> Reply {
    reply::json(200, &json!({ "success": true, "message": "Upload successful." }))
}

enum Opened {
    Bytes(Box<Announced>),
    Fetching(Id, FetchErrors),
}

/// The answer to a `file_url` that was pulled before answering; the message of a failure is itself JSON text.
fn fetched(sim: &Sim, id: Id) -> Reply {
    let world = sim.meta.lock();
    match world.containers.get(&id).map(|container| &container.stage) {
        Some(Stage::Failed(_, error)) => Refusal::processing(error.body("").to_string()).reply(),
        Some(Stage::Waiting | Stage::Ready(_)) | None => success(),
    }
}

fn open(sim: &Sim, call: &Call) -> Result<Opened, Refusal> {
    let now = super::now(sim);
    let mut world = sim.meta.lock();
    if call.method != Method::POST {
        return Err(Refusal::processing("Unsupported method"));
    }
    let token = call
        .header("authorization")
        .and_then(|value| value.strip_prefix("OAuth "))
        .ok_or_else(|| Refusal::not_authorized("The header Authorization: OAuth {access token} is required"))?;
    let session =
        world.check(Flavour::Facebook, token.trim(), now).map_err(|error| Refusal::not_authorized(error.message))?;
    let unknown = || Refusal::processing("Container does not exist or has expired");
    let segments = call.segments();
    let (id, account) = target(&world, &segments).ok_or_else(unknown)?;
    world
        .may_publish(&session, account, Access { verb: "post" })
        .map_err(|error| Refusal::not_authorized(error.message))?;

    let fetch_errors = world.behaviour_of(account).fetch_errors;
    let container = world.containers.get_mut(&id).ok_or_else(unknown)?;
    if !container.resumable || now >= container.created_at + LIFE_MS {
        return Err(unknown());
    }
    if container.byte_count.is_some() || !matches!(container.stage, Stage::Waiting) {
        return Err(Refusal::processing("The video of this container was uploaded already"));
    }
    if let Some(url) = call.header("file_url") {
        if container.upload.take().is_none() {
            return Err(busy());
        }
        container.source = url.to_owned();
        return Ok(Opened::Fetching(id, fetch_errors));
    }
    let number = |name: &str| {
        call.header(name)
            .and_then(|text| text.trim().parse::<u64>().ok())
            .ok_or_else(|| Refusal::processing(format!("The header {name} is required and must be a number")))
    };
    let offset = number("offset")?;
    let size = number("file_size")?;
    if size == 0 || size > REEL_BYTES {
        return Err(Refusal::processing("The file size is not supported"));
    }
    if offset > 0 && container.file_size.is_some_and(|known| known != size) {
        return Err(Refusal::processing("file_size differs from the one announced before"));
    }
    let stored = container.upload.take().ok_or_else(busy)?;
    let received = match offset {
        0 => Received::default(),
        offset if offset == stored.byte_count => stored,
        _ => {
            let expected = stored.byte_count;
            container.upload = Some(stored);
            return Err(Refusal {
                status: 400,
                retriable: true,
                kind: "OffsetInvalidError",
                message: format!("Request offset does not match: {expected} bytes were received"),
            });
        }
    };
    container.file_size = Some(size);
    container.received = received.byte_count;
    Ok(Opened::Bytes(Box::new(Announced { id, size, received })))
}

fn busy() -> Refusal {
    Refusal {
        status: 400,
        retriable: true,
        kind: "ConcurrentRequestError",
        message: "Another request uploads to this container".to_owned(),
    }
}

fn close(sim: &Sim, id: Id, size: u64, received: Received) -> Result<(), Refusal> {
    let now = super::now(sim);
    let mut world = sim.meta.lock();
    let Some(account) = world.containers.get(&id).map(|container| container.account) else {
        return Err(Refusal::processing("Container does not exist or has expired"));
    };
    let behaviour = world.behaviour_of(account);
    let Some(container) = world.containers.get_mut(&id) else {
        return Err(Refusal::processing("Container does not exist or has expired"));
    };
    container.received = received.byte_count;
    if received.byte_count > size {
        container.received = 0;
        container.upload = Some(Received::default());
        return Err(Refusal::processing("More bytes than file_size were received"));
    }
    if received.byte_count < size {
        container.upload = Some(received);
        return Err(Refusal {
            status: 400,
            retriable: true,
            kind: "PartialRequestError",
            message: "Partial request (did not match length of file)".to_owned(),
        });
    }
    let (byte_count, sha256, probe) = received.finish();
    let verdict = rules::check_video(&container.draft, byte_count, probe.as_ref(), &behaviour);
    container.complete(byte_count, sha256, verdict, now, &behaviour);
    Ok(())
}
