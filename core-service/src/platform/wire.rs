//! Reading platforms' answers with care: bounded bodies, one way to tell "never sent" from "no answer", one place that
//! parses JSON. Nothing here decides what an answer means; each platform's file does.
//!
//! Guaranteed: a request that fails before its first byte is [`Exchange::NotSent`]; everything else that brings no
//! complete answer is [`Exchange::NoAnswer`]. Bodies are read to at most [`MAX_BODY`] bytes.

use std::time::Duration;

use futures_util::StreamExt;
use http_body_util::{BodyExt, Limited};
use reqwest::{Body, RequestBuilder, StatusCode, header::HeaderMap};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::Lease;
use crate::{
    domain::failure::describe,
    fault::{self, FaultPoint},
    http::connection::{Answer as Answered, Connection, Connector, Lost},
};

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
            Err(error) if error.is_connect() || error.is_builder() => return Exchange::NotSent(without_url(error)),
            Err(error) => return Exchange::NoAnswer(without_url(error)),
        };
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        let mut stream = response.bytes_stream();
        while let Some(chunk) = stream.next().await {
            match chunk {
                Ok(chunk) if body.len() + chunk.len() <= MAX_BODY => body.extend_from_slice(&chunk),
                Ok(_) => return Exchange::NoAnswer(format!("the answer is longer than {MAX_BODY} bytes")),
                Err(error) => return Exchange::NoAnswer(without_url(error)),
            }
        }
        fault::point(FaultPoint::AnswerArrived, "");
        Exchange::Answered(Answer { status, headers, body })
    })
    .await;
    sent.unwrap_or_else(|_| Exchange::NoAnswer(format!("no answer within {} s", timeout.as_secs())))
}

/// Sends one request at a point of no return, on a connection of its own. The connection is opened first; then the post's time is
/// waited for, and at that moment the claim is asked: a process that was paused before, and woken after its time, sends
/// nothing. What stays open is the way from that question to the socket (`docs/windows.md`). `timeout` counts from then.
// No `async fn`: ten thousand requests may wait here for their time, and it would keep room for each of them three times.
pub(crate) fn exchange_at_its_time<'a>(
    connector: &'a Connector,
    request: RequestBuilder,
    timeout: Duration,
    lease: &'a dyn Lease,
) -> impl Future<Output = Exchange> + Send + 'a {
    let request = request.build().and_then(http::Request::<Body>::try_from).map(Box::new);
    async move {
        let mut request = match request {
            Ok(request) => request,
            Err(error) => return Exchange::NotSent(without_url(error)),
        };
        let host = Box::new(request.uri().clone());
        let mut connection = match connector.connect(&host).await {
            Ok(connection) => connection,
            Err(why) => return Exchange::NotSent(why),
        };
        if let Err(why) = connection.prepare(&mut request) {
            return Exchange::NotSent(why);
        }
        fault::point(FaultPoint::ConnectionOpened, "");
        if !lease.opens().await {
            return Exchange::NotSent("the core was asked to stop before the time came".to_owned());
        }
        // What is read from a file while it is sent takes its time, and others do not wait for it.
        let is_small = request.body().as_bytes().is_some();
        let _place = if is_small { Box::pin(connector.place_under_way()).await } else { None };
        if !connection.is_open() {
            // The other side did not want to wait that long.
            connection = match connector.connect(&host).await {
                Ok(connection) => connection,
                Err(why) => return Exchange::NotSent(why),
            };
        }
        fault::point(FaultPoint::RequestLeaves, "");
        if !lease.holds() {
            return Exchange::NotSent("the claim on the post ran out before the request was sent".to_owned());
        }
        fault::point(FaultPoint::LeaseChecked, "");
        lease.leaves();
        // What sending takes (3 KB) is not held while the time is waited for.
        Box::pin(sent(connection, *request, timeout)).await
    }
}

/// Sends a request that is ready, and reads its whole answer.
async fn sent(connection: Connection, request: http::Request<Body>, timeout: Duration) -> Exchange {
    let until = Instant::now() + timeout;
    // The connection is kept until the whole answer is read.
    let Answered { response, driver: _driver } = match connection.send(request, timeout).await {
        Ok(answered) => answered,
        Err(Lost::NotSent(why)) => return Exchange::NotSent(why),
        Err(Lost::NoAnswer(why)) => return Exchange::NoAnswer(why),
    };
    let (head, body) = response.into_parts();
    match tokio::time::timeout_at(until, Limited::new(body, MAX_BODY).collect()).await {
        Ok(Ok(body)) => {
            fault::point(FaultPoint::AnswerArrived, "");
            Exchange::Answered(Answer { status: head.status, headers: head.headers, body: body.to_bytes().into() })
        }
        Ok(Err(error)) => Exchange::NoAnswer(format!("the answer broke off: {error}")),
        Err(_) => Exchange::NoAnswer(format!("no whole answer within {} s", timeout.as_secs())),
    }
}

/// The error with its causes, without the URL.
fn without_url(error: reqwest::Error) -> String {
    describe(&error.without_url())
}
