//! One request as vendors see it: head, parameters, and a body that is either buffered or streamed.
//!
//! Expected failure: the client (or a fault) breaks the connection inside a streamed body; [`Upload::next`] then says
//! [`Broken`] and the vendor keeps what its real counterpart would keep.

use bytes::Bytes;
use http::{HeaderMap, Method};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;

use crate::host::Host;
use crate::server::CutSwitch;

/// A request being handled.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) host: Host,
    pub(crate) method: Method,
    /// Path as sent, without the query, not decoded.
    pub(crate) path: String,
    pub(crate) query: Params,
    pub(crate) headers: HeaderMap,
    /// The whole body; empty for a streamed call.
    pub(crate) body: Bytes,
    /// The body of a call for which `streams_body` said yes.
    pub(crate) upload: Option<Upload>,
}

/// What a request is, for the journal and for fault rules.
#[derive(Clone, Debug, Default)]
pub(crate) struct Identity {
    /// `<vendor>.<operation>`, for example `tiktok.video_init`; `<vendor>.unknown` for what the vendor does not have.
    pub(crate) operation: &'static str,
    /// The platform account that the request acts for, if it can be told.
    pub(crate) account: Option<String>,
}

impl Identity {
    pub(crate) fn of(operation: &'static str) -> Self {
        Identity { operation, account: None }
    }

    pub(crate) fn with_account(operation: &'static str, account: Option<String>) -> Self {
        Identity { operation, account }
    }
}

impl Call {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The token of `Authorization: Bearer …`.
    pub(crate) fn bearer(&self) -> Option<&str> {
        let value = self.header("authorization")?;
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }

    /// The body as `application/x-www-form-urlencoded`; empty if it has another content type.
    pub(crate) fn form(&self) -> Params {
        if self.content_type_is("application/x-www-form-urlencoded") {
            Params::parse(&self.body)
        } else {
            Params::default()
        }
    }

    /// The body as JSON; `None` if it is none.
    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    pub(crate) fn content_type_is(&self, essence: &str) -> bool {
        self.header("content-type")
            .is_some_and(|value| value.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case(essence))
    }

    /// Path segments without empty ones.
    pub(crate) fn segments(&self) -> Vec<&str> {
        self.path.split('/').filter(|segment| !segment.is_empty()).collect()
    }
}

/// Decoded name and value pairs of a query or form, in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    pub(crate) fn parse(encoded: &[u8]) -> Self {
        Params(url::form_urlencoded::parse(encoded).into_owned().collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    pub(crate) fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.get(name)?.parse().ok()
    }
}

/// The connection ended inside the body.
#[derive(Debug)]
pub(crate) struct Broken;

/// A body that is read piece by piece.
#[derive(Debug)]
pub(crate) struct Upload {
    incoming: Incoming,
    received: u64,
    cut_after: Option<u64>,
    cut: CutSwitch,
    ended: bool,
}

impl Upload {
    pub(crate) fn new(incoming: Incoming, cut: CutSwitch) -> Self {
        Upload { incoming, received: 0, cut_after: None, cut, ended: false }
    }

    /// From now on the connection is cut once this many bytes were handed out.
    pub(crate) fn cut_after(&mut self, bytes: u64) {
        self.cut_after = Some(bytes);
    }

    /// The next piece; `None` at the regular end.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, Broken>> {
        loop {
            if self.ended {
                return None;
            }
            let left = self.cut_after.map(|limit| limit.saturating_sub(self.received));
            if left == Some(0) {
                return Some(Err(self.break_off()));
            }
            match self.incoming.frame().await {
                None => {
                    if self.cut_after.is_some() {
                        return Some(Err(self.break_off()));
                    }
                    self.ended = true;
                }
                Some(Err(_)) => {
                    self.ended = true;
                    return Some(Err(Broken));
                }
                Some(Ok(frame)) => {
                    let Ok(mut data) = frame.into_data() else { continue };
                    if let Some(left) = left {
                        data.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                    }
                    self.received += data.len() as u64;
                    return Some(Ok(data));
                }
            }
        }
    }

    /// Reads what is left, so that the client gets the answer instead of a reset while it still sends.
    pub(crate) async fn drain(&mut self, limit: u64) {
        let mut seen = 0;
        while seen < limit {
            match self.next().await {
                Some(Ok(data)) => seen += data.len() as u64,
                Some(Err(Broken)) | None => return,
            }
        }
    }

    fn break_off(&mut self) -> Broken {
        self.ended = true;
        self.cut.cut();
        Broken
    }
}
