//! How long a request may stall.
//!
//! Guaranteed: a body of which nothing comes for [`STALLED`] ends with DEADLINE_EXCEEDED, over HTTP/2 and HTTP/1.1, so
//! nobody waits for ever for the rest of a message. An upload has a time of its own, which is a setting (`app/media`).
//! Also here: what a connection has to know of its requests (`connection`).

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    middleware::Next,
    response::Response,
};
use http::Version;
use hyper::body::{Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use super::{
    auth::scopes::UPLOAD,
    connection::{Peer, UnderWay},
    status,
};

/// Longest time in which nothing comes of a body that is not there yet.
const STALLED: Duration = Duration::from_secs(30);

/// Middleware around what may wait for a request's body.
pub(super) async fn bounded(request: Request, next: Next) -> Response {
    let (request, under_way) = bound(request);
    kept(next.run(request).await, under_way)
}

/// Bounds a request's body, and tells its connection that it has come.
pub(super) fn bound(request: Request) -> (Request, Option<UnderWay>) {
    let is_http1 = request.version() <= Version::HTTP_11;
    let under_way = request.extensions().get::<Peer>().and_then(|peer| peer.request(is_http1));
    let is_free = request.body().is_end_stream() || request.uri().path() == UPLOAD;
    (if is_free { request } else { request.map(|body| with(body, STALLED)) }, under_way)
}

/// Keeps a request under way until its answer is sent.
pub(super) fn kept(response: Response, under_way: Option<UnderWay>) -> Response {
    match under_way {
        None => response,
        Some(under_way) => response.map(|body| Body::new(Served { body, _under_way: under_way })),
    }
}

fn with(body: Body, longest: Duration) -> Body {
    Body::new(Bounded { body, longest, timer: None })
}

/// A request's body, for each part of which is waited so long.
struct Bounded {
    body: Body,
    longest: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl HttpBody for Bounded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let me = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut me.body).poll_frame(context) {
            me.timer = None;
            return Poll::Ready(frame);
        }
        let longest = me.longest;
        let timer = me.timer.get_or_insert_with(|| Box::pin(sleep(longest)));
        if timer.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        me.timer = None;
        Poll::Ready(Some(Err(axum::Error::new(status::stalled(longest)))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer's body; as long as it is there, its request is under way.
struct Served {
    body: Body,
    _under_way: UnderWay,
}

impl HttpBody for Served {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn a_body_that_stalls_ends_with_a_status_and_a_slow_one_goes_on() {
        const MOMENT: Duration = Duration::from_millis(20);
        let came = stream::iter([1, 2, 3]).then(|_| async {
            sleep(MOMENT).await;
            Ok::<_, axum::Error>(Bytes::from_static(b"some"))
        });
        let whole = with(Body::from_stream(came), MOMENT * 100).collect().await.unwrap().to_bytes();
        assert_eq!(whole.len(), 12);
        let stalls = stream::iter([Ok::<_, axum::Error>(Bytes::from_static(b"some"))]).chain(stream::pending());
        let error = with(Body::from_stream(stalls), MOMENT).collect().await.unwrap_err();
        let status = tonic::Status::from_error(Box::new(error));
        assert_eq!(status.code(), tonic::Code::DeadlineExceeded, "{status:?}");
    }
}
