//! Reading platforms' answers with care: bounded bodies, one way to tell "never sent" from "no answer", one place that
//! parses JSON. Nothing here decides what an answer means; each platform's file does.
//!
//! Guaranteed: a request that fails before its first byte is [`Exchange::NotSent`]; everything else that brings no
//! complete answer is [`Exchange::NoAnswer`]. Bodies are read to at most [`MAX_BODY`] bytes.

use std::time::Duration;

use futures_util::StreamExt;
use reqwest::{RequestBuilder, StatusCode, header::HeaderMap};
use serde::de::DeserializeOwned;

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
