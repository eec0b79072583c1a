//! The event stream: WatchPosts, held open for as long as it is wanted.
//!
//! Guaranteed: notices are handed over one at a time, and the next message is read only after the last one was taken,
//! so that memory is bounded and the position is never ahead of what JavaScript has taken. A stream that is lost is opened
//! again from that position, with growing pauses; the caller hears of it and has nothing to do. It ends for good when
//! it is stopped, when its time limit passes, or when the core refuses it for a reason that time does not heal. One with a
//! time limit also ends when the process is asked to end: an execution waits for it, and n8n waits for executions.

use std::{future::Future, time::Duration};

use bytes::Bytes;
use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor, Value};
use rand::RngExt;
use tokio::time::Instant;
use tokio_stream::StreamExt;
use tokio_util::sync::CancellationToken;
use tonic::client::Grpc;

use crate::{
    boundary::{self, Method},
    call::LARGEST_ANSWER,
    codec::Raw,
    ending,
    endpoint::Target,
    failure::{Failure, Reason},
};

/// First pause before a lost stream is opened again; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// The core sends a heartbeat every 30 s; a stream that is silent for longer than two of them is dead.
const SILENCE: Duration = Duration::from_secs(75);

/// What the caller is told.
#[derive(Debug)]
pub(crate) enum Notice {
    /// The stream is open (again): everything after this position will come.
    Open { position: i64 },
    /// An event, as JSON in the boundary's form.
    Event { position: i64, event: String },
    /// A heartbeat: nothing that is wanted happened up to this position.
    Position { position: i64 },
    /// The stream is lost; it will be opened again after the pause.
    Lost { failure: Box<Failure>, pause: Duration },
    /// The end: nothing comes after it.
    Ended(End),
}

/// Why a stream ended.
#[derive(Debug)]
pub(crate) enum End {
    /// It was stopped.
    Stopped,
    /// Its time limit passed.
    Limit,
    /// It cannot go on.
    Failed(Box<Failure>),
}

/// Takes notices; `Err` when nobody listens any more.
pub(crate) trait Listener: Sync {
    /// Hands one over and waits until it is taken.
    fn tell(&self, notice: Notice) -> impl Future<Output = Result<(), ()>> + Send;
}

/// WatchPostsResponse, with the event still encoded.
#[derive(Clone, PartialEq, Message)]
struct Envelope {
    #[prost(bytes = "bytes", optional, tag = "1")]
    event: Option<Bytes>,
    #[prost(int64, tag = "2")]
    position: i64,
}

/// What to watch.
pub(crate) struct Watch {
    /// Which core, as whom.
    pub(crate) target: Target,
    /// WatchPostsRequest in the boundary's form.
    pub(crate) request: String,
    /// Ends the stream by itself after this time, and when the process is asked to end.
    pub(crate) limit: Option<Duration>,
}

/// Runs a stream to its end and tells it.
pub(crate) async fn run(watch: Watch, listener: &impl Listener, stop: CancellationToken) {
    let limit = async {
        match watch.limit {
            Some(limit) => tokio::time::timeout(limit, ending::asked()).await.map_or(End::Limit, |()| {
                End::Failed(Failure::own(Reason::ProcessEnds, "the process was asked to end"))
            }),
            None => std::future::pending().await,
        }
    };
    let end = tokio::select! {
        biased;
        () = stop.cancelled() => End::Stopped,
        end = follow(&watch, listener) => end,
        end = limit => end,
    };
    // Nobody may listen any more; then there is nobody to tell.
    let _ = listener.tell(Notice::Ended(end)).await;
}

async fn follow(watch: &Watch, listener: &impl Listener) -> End {
    let prepared = Method::find("PostService/WatchPosts")
        .and_then(|method| boundary::read(&method.input, &watch.request).map(|request| (method, request)));
    let (method, mut request) = match prepared {
        Ok(prepared) => prepared,
        Err(failure) => return End::Failed(failure),
    };
    let mut pause = FIRST_PAUSE;
    loop {
        let opened = Instant::now();
        let failure = match read_one(&watch.target, &method, &mut request, listener).await {
            Ok(()) => return End::Stopped,
            Err(failure) if failure.is_passing() => failure,
            Err(failure) => return End::Failed(failure),
        };
        if opened.elapsed() > LONGEST_PAUSE {
            pause = FIRST_PAUSE;
        }
        // Many triggers lose their streams at the same moment; they must not all come back at the same moment.
        let wait = pause.mul_f64(rand::rng().random_range(0.5..1.0));
        if listener.tell(Notice::Lost { failure, pause: wait }).await.is_err() {
            return End::Stopped;
        }
        tokio::time::sleep(wait).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// The message that an event is.
fn event_of(method: &Method) -> Result<MessageDescriptor, Box<Failure>> {
    let kind = method.output.get_field_by_name("event").map(|field| field.kind());
    kind.and_then(|kind| kind.as_message().cloned())
        .ok_or_else(|| Failure::own(Reason::Bug, "the answers of WatchPosts have no event"))
}

/// Opens the stream and reads it until it fails. `Ok` when nobody listens any more. The request moves on with what was
/// taken.
async fn read_one(
    target: &Target,
    method: &Method,
    request: &mut DynamicMessage,
    listener: &impl Listener,
) -> Result<(), Box<Failure>> {
    let message = target.request(request.encode_to_vec().into())?;
    let mut grpc = Grpc::new(target.channel()?).max_decoding_message_size(LARGEST_ANSWER);
    let opening = async {
        grpc.ready().await.map_err(|error| Box::<Failure>::from(tonic::Status::from_error(Box::new(error))))?;
        Ok(grpc.server_streaming(message, method.path.clone(), Raw).await?.into_inner())
    };
    let events = event_of(method)?;
    let mut stream = silent(tokio::time::timeout(SILENCE, opening).await)?;
    let mut open = false;
    loop {
        let Some(encoded) = silent(tokio::time::timeout(SILENCE, stream.next()).await.map(Ok))? else {
            return Err(Failure::own(Reason::ConnectionLost, "the core ended the stream"));
        };
        let Envelope { position, event } = Envelope::decode(encoded?).map_err(|error| {
            Failure::own(Reason::AnswerUnreadable, format!("the core's event cannot be read: {error}"))
        })?;
        if !open {
            open = true;
            if listener.tell(Notice::Open { position }).await.is_err() {
                return Ok(());
            }
        }
        let notice = match event {
            Some(event) => Notice::Event { position, event: boundary::write(&events, &event)? },
            None => Notice::Position { position },
        };
        if listener.tell(notice).await.is_err() {
            return Ok(());
        }
        request.set_field_by_name("after_sequence", Value::I64(position));
    }
}

fn silent<T>(answer: Result<Result<T, Box<Failure>>, tokio::time::error::Elapsed>) -> Result<T, Box<Failure>> {
    answer.unwrap_or_else(|_| Err(Failure::own(Reason::ConnectionLost, "the stream was silent for too long")))
}

#[cfg(test)]
mod tests {
    use aurareels_proto::v1;

    use super::*;

    #[test]
    fn the_envelope_is_the_one_of_the_proto() {
        let event = v1::Event { sequence: 7, ..Default::default() };
        let answer = v1::WatchPostsResponse { event: Some(event.clone()), position: 9 };
        let envelope = Envelope::decode(answer.encode_to_vec().as_slice()).unwrap();
        assert_eq!(envelope, Envelope { event: Some(event.encode_to_vec().into()), position: 9 });
        assert_eq!(
            event_of(&Method::find("PostService/WatchPosts").unwrap()).unwrap().full_name(),
            "aurareels.v1.Event"
        );
    }
}
