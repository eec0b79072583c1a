//! Lets an HTTP/1.1 client finish its request when the answer was known before.
//!
//! Over HTTP/1.1 a server that answers early and closes with bytes unread resets the connection, and the client loses
//! the answer with it: a browser shows "Failed to fetch" where a reason and a remedy stood. (HTTP/2 ends the one stream
//! and says why, so its requests are left alone.)
//!
//! Guaranteed: the rest of a request of at most [`MOST`] bytes that comes within [`LONGEST`] is read and thrown away,
//! beside the answer, in constant memory; then the connection serves on. A client that sends more is cut off.

use std::{
    mem,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, BodyDataStream, Bytes, HttpBody},
    extract::Request,
    middleware::Next,
    response::Response,
};
use http::Version;
use tokio::{runtime::Handle, time::timeout};
use tokio_stream::{Stream, StreamExt};

/// Most bytes that are read for nothing: sixteen times the largest request.
const MOST: usize = 16 * 1024 * 1024;

/// Longest time that they may take.
const LONGEST: Duration = Duration::from_secs(30);

/// Middleware around everything that may answer before it has read the request.
pub(super) async fn drain_body(request: Request, next: Next) -> Response {
    if request.version() > Version::HTTP_11 {
        return next.run(request).await;
    }
    next.run(request.map(|body| Body::from_stream(HeardOut(body.into_data_stream())))).await
}

/// A request's bytes; whoever drops it early has the rest read.
struct HeardOut(BodyDataStream);

impl Stream for HeardOut {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.0).poll_next(context)
    }
}

impl Drop for HeardOut {
    fn drop(&mut self) {
        let rest = mem::replace(&mut self.0, Body::empty().into_data_stream());
        if rest.is_end_stream() {
            return;
        }
        // Outside a runtime the server is gone as well.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(timeout(LONGEST, throw_away(rest)));
        }
    }
}

async fn throw_away(mut rest: BodyDataStream) {
    let mut left = MOST;
    while let Some(Ok(bytes)) = rest.next().await {
        let Some(less) = left.checked_sub(bytes.len()) else { return };
        left = less;
    }
}
