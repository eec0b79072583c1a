//! The way of a request: body, identity, faults, vendor, journal.
//!
//! Guaranteed: each request is in the journal exactly once, with what really happened (acted or not, what was
//! answered, whether an answer was sent at all), and the entry exists before the answer leaves.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http::Request;
use http::header::CONTENT_LENGTH;
use hyper::body::Incoming;

use crate::call::{Broken, Call, Identity, Params, Upload};
use crate::fault::{Action, Plan, When};
use crate::host::{Host, Vendor};
use crate::reply::{self, Reply};
use crate::server::CutSwitch;
use crate::sim::Sim;
use crate::{cloudflare, control, media, meta, tiktok, youtube};

/// Largest body that is buffered; uploads are streamed.
const BODY_LIMIT: u64 = 4 << 20;
/// How much of an upload is read although the answer is already known.
const DRAIN_LIMIT: u64 = 256 << 20;
/// How long a broken answer waits between its last byte and the end of the connection.
pub(crate) const FLUSH_TIME: Duration = Duration::from_millis(20);

/// What the connection does next.
pub(crate) enum Outcome {
    Reply(Reply),
    Cut,
}

/// Handles one request from its head to its answer.
pub(crate) async fn handle(sim: Arc<Sim>, host: Host, request: Request<Incoming>, cut: CutSwitch) -> Outcome {
    let (head, incoming) = request.into_parts();
    let mut call = Call {
        host,
        method: head.method,
        path: head.uri.path().to_owned(),
        query: Params::parse(head.uri.query().unwrap_or("").as_bytes()),
        headers: head.headers,
        body: Bytes::new(),
        upload: Some(Upload::new(incoming, cut)),
    };
    if host.vendor() == Vendor::Control {
        if read_body(&mut call).await.is_err() {
            return Outcome::Cut;
        }
        return Outcome::Reply(control::act(&sim, &call).await);
    }

    let streamed = streams_body(&call);
    if !streamed {
        match read_body(&mut call).await {
            Ok(()) => {}
            Err(BodyError::Broken) => return Outcome::Cut,
            Err(BodyError::TooLong) => return Outcome::Reply(reply::text(413, "body too large")),
        }
    }
    settle(&sim);
    let identity = identify(&sim, &call);
    let plan = sim.faults.plan(&call, &identity, &sim.random, || subject(&sim, &call));
    let entry = sim.journal.open(&sim.clock, &call, &identity, &plan);

    wait(&plan, Phase::Before).await;
    let outcome = match plan.action.clone() {
        Some(Action::Cut { when: When::Before, .. }) => Outcome::Cut,
        Some(Action::Cut { when: When::Body, after_bytes }) => match call.upload.as_mut() {
            Some(upload) if streamed => {
                upload.cut_after(after_bytes);
                act(&sim, &mut call, entry).await;
                Outcome::Cut
            }
            _ => Outcome::Cut,
        },
        Some(Action::Answer { act: false, .. } | Action::Html { act: false }) => {
            finish_reading(&mut call).await;
            Outcome::Reply(act_free_answer(plan.action.as_ref()))
        }
        action => {
            let acted = act(&sim, &mut call, entry).await;
            settle(&sim);
            finish_reading(&mut call).await;
            wait(&plan, Phase::After).await;
            after_acting(action.as_ref(), acted).await
        }
    };
    sim.journal.close(entry, sent_status(&outcome));
    outcome
}

/// Lets everything happen whose time has come, so that reads see the present.
pub(crate) fn settle(sim: &Arc<Sim>) {
    tiktok::settle(sim);
    meta::settle(sim);
    youtube::settle(sim);
}

fn streams_body(call: &Call) -> bool {
    match call.host.vendor() {
        Vendor::TikTok => tiktok::streams_body(call),
        Vendor::Meta => meta::streams_body(call),
        Vendor::YouTube => youtube::streams_body(call),
        Vendor::Cloudflare | Vendor::Media | Vendor::Control => false,
    }
}

fn identify(sim: &Sim, call: &Call) -> Identity {
    match call.host.vendor() {
        Vendor::TikTok => tiktok::identify(sim, call),
        Vendor::Meta => meta::identify(sim, call),
        Vendor::YouTube => youtube::identify(sim, call),
        Vendor::Cloudflare => cloudflare::identify(call),
        Vendor::Media => Identity::of("media.get"),
        Vendor::Control => Identity::of("control"),
    }
}

/// The caption of the post that the request is about (its first word, which an edit keeps), or the video's name.
fn subject(sim: &Sim, call: &Call) -> Option<String> {
    let text = match call.host.vendor() {
        Vendor::TikTok => tiktok::subject(sim, call),
        Vendor::Meta => meta::subject(sim, call),
        Vendor::YouTube => youtube::subject(sim, call),
        Vendor::Media => Some(call.path.clone()),
        Vendor::Cloudflare => None,
        Vendor::Control => None,
    };
    text.and_then(|text| text.split_whitespace().next().map(str::to_owned))
}

async fn act(sim: &Arc<Sim>, call: &mut Call, entry: u64) -> Reply {
    let reply = match call.host.vendor() {
        Vendor::TikTok => tiktok::act(sim, call).await,
        Vendor::Meta => meta::act(sim, call).await,
        Vendor::YouTube => youtube::act(sim, call).await,
        Vendor::Cloudflare => cloudflare::act(sim, call).await,
        Vendor::Media => media::serve::act(sim, call).await,
        Vendor::Control => control::act(sim, call).await,
    };
    sim.journal.acted(entry, reply.status().as_u16());
    reply
}

fn sent_status(outcome: &Outcome) -> Option<u16> {
    match outcome {
        Outcome::Reply(reply) => Some(reply.status().as_u16()),
        Outcome::Cut => None,
    }
}

#[derive(Clone, Copy)]
enum Phase {
    Before,
    After,
}

async fn wait(plan: &Plan, phase: Phase) {
    let (ms, hold) = match phase {
        Phase::Before => (plan.delay_before_ms, plan.hold_before.as_ref()),
        Phase::After => (plan.delay_after_ms, plan.hold_after.as_ref()),
    };
    if ms > 0 {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
    if let Some(hold) = hold {
        hold.released().await;
    }
}

fn act_free_answer(action: Option<&Action>) -> Reply {
    match action {
        Some(Action::Answer { status, headers, body, .. }) => scripted(*status, headers, body.as_ref()),
        _ => html_page(),
    }
}

async fn after_acting(action: Option<&Action>, acted: Reply) -> Outcome {
    match action {
        None => Outcome::Reply(acted),
        Some(Action::Cut { .. }) => Outcome::Cut,
        Some(Action::Answer { status, headers, body, .. }) => Outcome::Reply(scripted(*status, headers, body.as_ref())),
        Some(Action::Html { .. }) => Outcome::Reply(html_page()),
        Some(Action::TruncatedBody) => Outcome::Reply(truncated(acted).await),
        Some(Action::BrokenResponse) => Outcome::Reply(broken_in_the_middle(acted).await),
    }
}

fn scripted(
    status: u16,
    headers: &std::collections::BTreeMap<String, String>,
    body: Option<&serde_json::Value>,
) -> Reply {
    let mut reply = match body {
        None => reply::empty(status),
        Some(serde_json::Value::String(text)) => reply::text(status, text.clone()),
        Some(value) => reply::json(status, value),
    };
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (name.parse::<http::HeaderName>(), value.parse::<http::HeaderValue>()) {
            reply.headers_mut().insert(name, value);
        }
    }
    reply
}

fn html_page() -> Reply {
    reply::html(200, "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Checking</body></html>")
}

async fn whole(reply: Reply) -> (http::response::Parts, Bytes) {
    let (parts, body) = reply.into_parts();
    let bytes = axum::body::to_bytes(body, BODY_LIMIT as usize).await.unwrap_or_default();
    (parts, bytes)
}

/// A complete HTTP answer whose body stops in the middle of its JSON.
async fn truncated(reply: Reply) -> Reply {
    let (mut parts, bytes) = whole(reply).await;
    parts.headers.remove(CONTENT_LENGTH);
    Reply::from_parts(parts, Body::from(bytes.slice(..bytes.len() / 2)))
}

/// Head and half of the body, then the connection is closed.
async fn broken_in_the_middle(reply: Reply) -> Reply {
    let (mut parts, bytes) = whole(reply).await;
    parts.headers.insert(CONTENT_LENGTH, bytes.len().max(1).into());
    let half = bytes.slice(..bytes.len() / 2);
    let pieces = stream::unfold(Some(half), |half| async move {
        match half {
            Some(half) => Some((Ok(half), None)),
            None => {
                // An error drops what is not flushed yet, and the client shall see the half.
                tokio::time::sleep(FLUSH_TIME).await;
                Some((Err(std::io::Error::other("cut by a fault rule")), None))
            }
        }
    });
    Reply::from_parts(parts, Body::from_stream(pieces))
}

async fn finish_reading(call: &mut Call) {
    if let Some(upload) = call.upload.as_mut() {
        upload.drain(DRAIN_LIMIT).await;
    }
}

enum BodyError {
    Broken,
    TooLong,
}

async fn read_body(call: &mut Call) -> Result<(), BodyError> {
    let Some(mut upload) = call.upload.take() else { return Ok(()) };
    let mut body = BytesMut::new();
    while let Some(piece) = upload.next().await {
        let piece = piece.map_err(|Broken| BodyError::Broken)?;
        if (body.len() + piece.len()) as u64 > BODY_LIMIT {
            upload.drain(DRAIN_LIMIT).await;
            return Err(BodyError::TooLong);
        }
        body.extend_from_slice(&piece);
    }
    call.body = body.freeze();
    Ok(())
}
