//! One request that carries a range of the video, streamed from the source straight into it: never more than two of the
//! source's pieces are in memory.
//!
//! Guaranteed:
//! - The piece that holds the range's last byte is handed over only while the claim on the post holds, and
//!   [`Sent::complete`] tells whether it was. Where it was not, the platform cannot have the range: the request announces its
//!   length, and a body that ends early breaks the connection.
//! - A source that fails, ends early or gives too much breaks the request off; [`Sent::broken`] says why.
//! - The video's last byte is handed over only once it is known that all of them were of one version of the video.

use std::{
    io,
    pin::pin,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::StreamExt;
use reqwest::{Body, RequestBuilder, header::CONTENT_LENGTH};
use tokio::{
    sync::mpsc::{Sender, channel, error::SendTimeoutError},
    time::Instant,
};
use tokio_stream::wrappers::ReceiverStream;

use super::{Call, VideoStream, is_replaced, wire};
use crate::{
    domain::{
        failure::{Failure, FailureClass, Reason},
        ledger::{Entry, Evidence},
        media::VideoVersion,
    },
    fault::{self, FaultPoint},
    http::connection::Connector,
};

/// How long the source may bring nothing, or the connection take nothing.
const STALL: Duration = Duration::from_secs(60);

/// How long the answer may take after the last byte, and after the body was broken off.
const ANSWER: Duration = Duration::from_secs(300);
const BROKEN: Duration = Duration::from_secs(5);

/// A range to be sent.
pub(crate) struct Put<'a> {
    /// For a point of no return: the line it leaves on, at the post's time.
    pub(crate) connector: Option<&'a Connector>,
    /// First byte.
    pub(crate) first: u64,
    /// Last byte, included.
    pub(crate) last: u64,
    /// Size of the whole video.
    pub(crate) total: u64,
    /// The version of the video that the bytes are of.
    pub(crate) version: &'a VideoVersion,
    /// Longest wait for the whole exchange.
    pub(crate) timeout: Duration,
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct Sent {
    /// The answer, if one came.
    pub(crate) exchange: wire::Exchange,
    /// The last byte of the range was handed to the connection.
    pub(crate) complete: bool,
    /// Why we broke it off.
    pub(crate) broken: Option<Failure>,
}

/// What the two sides of a PUT tell each other.
#[derive(Default)]
struct State {
    complete: AtomicBool,
    broken: Mutex<Option<Failure>>,
}

fn lock(broken: &Mutex<Option<Failure>>) -> std::sync::MutexGuard<'_, Option<Failure>> {
    broken.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Put<'_> {
    /// Sends the range as the body of a request. An error is one before anything left.
    pub(crate) async fn send(&self, call: &Call<'_>, request: RequestBuilder) -> Result<Sent, Failure> {
        let source = call.video.open(self.first, self.last, self.version).await?;
        if self.connector.is_none() {
            if !call.lease.holds() {
                return Err(claim_lost());
            }
            fault::point(FaultPoint::LeaseChecked, "");
        }
        let (pieces, body) = channel::<io::Result<Bytes>>(1);
        let request = request
            .header(CONTENT_LENGTH, self.last - self.first + 1)
            .body(Body::wrap_stream(ReceiverStream::new(body)));
        let state = State::default();
        let mut sending = pin!(async {
            match self.connector {
                Some(connector) => wire::exchange_at_its_time(connector, request, self.timeout, call.lease).await,
                None => wire::exchange(request, self.timeout).await,
            }
        });
        let mut feeding = pin!(self.feed(source, pieces, call, &state));
        let mut fed_at = None;
        let exchange = loop {
            let patience = if lock(&state.broken).is_some() { BROKEN } else { ANSWER };
            let until = fed_at.map_or_else(Instant::now, |at: Instant| at + patience);
            tokio::select! {
                biased;
                exchange = &mut sending => break exchange,
                () = &mut feeding, if fed_at.is_none() => fed_at = Some(Instant::now()),
                // A point of no return has a limit of its own.
                () = tokio::time::sleep_until(until), if fed_at.is_some() && self.connector.is_none() => {
                    break wire::Exchange::NoAnswer("no answer to the upload".to_owned());
                }
            }
        };
        let broken = lock(&state.broken).take();
        Ok(Sent { exchange, complete: state.complete.load(Ordering::SeqCst), broken })
    }

    /// Hands the source's pieces to the request, and tells the progress.
    async fn feed(&self, mut source: VideoStream, pieces: Sender<io::Result<Bytes>>, call: &Call<'_>, state: &State) {
        // The source stands ready; its bytes are for the post's time.
        if self.connector.is_some() && !call.lease.opens().await {
            return;
        }
        let mut at = self.first;
        let stopped = loop {
            let piece = match tokio::time::timeout(STALL, source.next()).await {
                Ok(Some(Ok(piece))) if piece.is_empty() => continue,
                Ok(Some(Ok(piece))) => piece,
                Ok(Some(Err(error))) => break Some(source_failed(&error.to_string())),
                Ok(None) if at <= self.last => break Some(source_failed("it ended early")),
                Ok(None) => break None,
                Err(_) => break Some(source_failed("it brought nothing for a minute")),
            };
            let end = at.saturating_add(piece.len() as u64);
            if end > self.last + 1 {
                break Some(source_failed("it gave more bytes than were asked for"));
            }
            if end == self.total
                && let Err(failure) = call.video.verify(self.version).await
            {
                // What came in one piece is not mixed because its host cannot be asked any more.
                if is_replaced(&failure) || self.first > 0 {
                    break Some(failure);
                }
            }
            if end == self.last + 1 {
                if !call.lease.holds() {
                    break Some(claim_lost());
                }
                state.complete.store(true, Ordering::SeqCst);
                fault::point(FaultPoint::LastByteLeaves, "");
            }
            match pieces.send_timeout(Ok(piece), STALL).await {
                Ok(()) => {}
                // The other side has gone; its answer says why.
                Err(SendTimeoutError::Closed(_)) => break None,
                Err(SendTimeoutError::Timeout(_)) => break Some(line_stalled()),
            }
            if end == self.last + 1 {
                fault::point(FaultPoint::LastByteLeft, "");
            }
            at = end;
            call.progress.uploaded(at, self.total);
        };
        if let Some(failure) = stopped
            && at <= self.last
        {
            *lock(&state.broken) = Some(failure);
            // An error, not an end: it breaks the connection off.
            let _ = pieces.send_timeout(Err(io::Error::other("the upload was broken off")), BROKEN).await;
        }
    }
}

/// Longest foreign text that is shown, characters.
const MAX_SHOWN: usize = 200;

/// Foreign text, fit to be shown: one line, no control characters, not long.
fn shown(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(MAX_SHOWN).collect()
}

/// The claim on the post ran out.
pub(crate) fn claim_lost() -> Failure {
    Failure::new(
        FailureClass::Transient,
        Reason::ConcurrentChange,
        "the claim on the post ran out before the request left",
    )
    .with_remedy("nothing to do: whoever holds the post goes on")
}

/// The way to the platform takes nothing any more.
fn line_stalled() -> Failure {
    Failure::new(
        FailureClass::Transient,
        Reason::PlatformUnavailable,
        "the upload's connection took nothing for a minute",
    )
    .with_remedy("nothing to do: the upload goes on where it stopped")
}

/// In evidence: why the video could not be read on.
pub(crate) const SOURCE: &str = "source";

/// The evidence of an upload that we broke off. What the source said is told apart from the rest: only then is it the
/// video's host that is to blame.
pub(crate) fn broken(failure: &Failure) -> Evidence {
    let is_of_source = failure.reason == Reason::MediaUnreachable;
    Evidence::new().with(if is_of_source { SOURCE } else { "broken_off" }, failure.message.as_str())
}

/// The failure of an upload that its source broke off.
pub(crate) fn unreadable_source(upload: &Entry) -> Option<Failure> {
    let message = upload.evidence.0.text(SOURCE)?;
    let failure = Failure::new(FailureClass::Transient, Reason::MediaUnreachable, message);
    Some(failure.with_remedy(SOURCE_REMEDY))
}

const SOURCE_REMEDY: &str = "nothing to do: the upload goes on where it stopped; check the video's host if this stays";

/// The video could not be read on.
pub(crate) fn source_failed(why: &str) -> Failure {
    let message = format!("the video's source failed during the upload: {}", shown(why));
    Failure::new(FailureClass::Transient, Reason::MediaUnreachable, message).with_remedy(SOURCE_REMEDY)
}
