//! Reading platforms' answers with care: bounded bodies, one way to tell "never sent" from "no answer", one place that
//! parses JSON. Nothing here decides what an answer means; each platform's file does.
//!
//! Guaranteed: a request that fails before its first byte is [`Exchange::NotSent`]; everything else that brings no
//! complete answer is [`Exchange::NoAnswer`]. Bodies are read to at most [`MAX_BODY`] bytes.

use std::{io, pin::pin, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use reqwest::{
    Body, RequestBuilder, StatusCode,
    header::{CONTENT_LENGTH, HeaderMap},
};
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;

use super::Lease;
use crate::fault::{self, FaultPoint};

/// Longest answer that is read, bytes. API answers are a few kilobytes.
pub(crate) const MAX_BODY: usize = 1024 * 1024;

/// A complete answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// HTTP status.
    pub(crate) status: StatusCode,
    /// Headers.
    pub(crate) headers: HeaderMap,
    /// The body, at most [`MAX_BODY`] bytes.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body as this JSON shape; `None` when it is something else (a proxy's HTML, a cut answer).
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// What became of a request.
#[derive(Debug)]
pub(crate) enum Exchange {
    /// A complete answer came.
    Answered(Answer),
    /// Provably nothing left this machine: DNS, connect or TLS failed.
    NotSent(String),
    /// Something may have left, and no complete answer came.
    NoAnswer(String),
}

/// Sends one request and reads its whole answer within `timeout`. The error texts hold no URL: URLs may hold secrets.
pub(crate) async fn exchange(request: RequestBuilder, timeout: Duration) -> Exchange {
    let sent = tokio::time::timeout(timeout, async {
        fault::point(FaultPoint::RequestLeaves, "");
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) if error.is_connect() || error.is_builder() => return Exchange::NotSent(describe(error)),
            Err(error) => return Exchange::NoAnswer(describe(error)),
        };
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        let mut stream = response.bytes_stream();
        while let Some(chunk) = stream.next().await {
            match chunk {
                Ok(chunk) if body.len() + chunk.len() <= MAX_BODY => body.extend_from_slice(&chunk),
                Ok(_) => return Exchange::NoAnswer(format!("the answer is longer than {MAX_BODY} bytes")),
                Err(error) => return Exchange::NoAnswer(describe(error)),
            }
        }
        fault::point(FaultPoint::AnswerArrived, "");
        Exchange::Answered(Answer { status, headers, body })
    })
    .await;
    sent.unwrap_or_else(|_| Exchange::NoAnswer(format!("no answer within {} s", timeout.as_secs())))
}

/// Sends one request that must not leave once the claim on its post has run out. The claim is asked as late as it can
/// be: when the connection stands and takes the body. Without its body a request is incomplete, and no platform acts on
/// it; so a process that was paused before, and woken after its time, sends nothing. What stays open is the way from
/// that question to the socket (`docs/windows.md`).
pub(crate) async fn exchange_held(request: RequestBuilder, timeout: Duration, lease: &dyn Lease) -> Exchange {
    let (client, request) = request.build_split();
    let mut request = match request {
        Ok(request) => request,
        Err(error) => return Exchange::NotSent(describe(error)),
    };
    let body = request.body().and_then(Body::as_bytes).map(Bytes::copy_from_slice).unwrap_or_default();
    request.headers_mut().insert(CONTENT_LENGTH, body.len().into());
    let (want, wanted) = oneshot::channel::<()>();
    let (give, given) = oneshot::channel::<Bytes>();
    let handed_over = stream::once(async move {
        // The other side is there as long as the exchange is.
        let _ = want.send(());
        given.await.map_err(|_| io::Error::other("the claim on the post ran out"))
    });
    *request.body_mut() = Some(Body::wrap_stream(handed_over));
    let handing = async {
        let holds = wanted.await.is_ok() && lease.holds();
        if holds {
            fault::point(FaultPoint::LeaseChecked, "");
            // Nobody waits for it any more when the connection has broken meanwhile.
            let _ = give.send(body);
        } else {
            drop(give);
        }
        holds
    };
    let mut sending = pin!(exchange(RequestBuilder::from_parts(client, request), timeout));
    let handed = tokio::select! {
        biased;
        exchange = &mut sending => return exchange,
        handed = handing => handed,
    };
    match sending.await {
        // An answer all the same is judged as any other.
        Exchange::NoAnswer(_) if !handed => {
            Exchange::NotSent("the claim on the post ran out before the request was complete".to_owned())
        }
        other => other,
    }
}

/// The error with its causes, without the URL.
fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
