//! Everything that JavaScript can see: types at the boundary and the exports, each guarded against panics.
//!
//! The names of the TypeScript side are in `native/index.d.ts`; a test compares both lists.

#![allow(unsafe_code, reason = "napi's macros expand to the C interface of Node")]
#![allow(missing_docs, reason = "napi's macros add undocumented items")]
#![allow(unreachable_pub, reason = "what napi registers is reached from JavaScript only")]
#![cfg_attr(test, allow(dead_code, reason = "in a test build napi registers nothing"))]

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{Mutex, OnceLock},
    time::Duration,
};

use futures_util::FutureExt;
use napi::{
    Status,
    bindgen_prelude::{Buffer, Function, Promise, spawn, within_runtime_if_available},
    threadsafe_function::ThreadsafeFunction,
};
use napi_derive::napi;
use tokio::sync::watch as signal;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    call, ending,
    endpoint::Target,
    failure::{Failure, Reason},
    guard,
    upload::Upload,
    watch::{self, End, Listener, Notice},
};

/// Who calls which core.
#[napi(object, object_to_js = false, js_name = "Target")]
pub struct JsTarget {
    pub address: String,
    pub api_key: String,
    pub user_id: Option<String>,
    pub ca_certificate: Option<String>,
}

impl From<JsTarget> for Target {
    fn from(target: JsTarget) -> Self {
        let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        Self {
            address: target.address,
            api_key: target.api_key,
            user_id: given(target.user_id),
            ca_certificate: given(target.ca_certificate),
        }
    }
}

/// A field that the core refused.
#[napi(object, object_from_js = false, js_name = "FieldViolation")]
pub struct JsFieldViolation {
    pub field: String,
    pub description: String,
}

/// What went wrong.
#[napi(object, object_from_js = false, use_nullable = true, js_name = "Failure")]
pub struct JsFailure {
    /// Name of the gRPC code: `NOT_FOUND`.
    pub code: String,
    /// Stable word; `null` when there is none.
    pub reason: Option<String>,
    pub message: String,
    pub metadata: HashMap<String, String>,
    /// Milliseconds after which it makes sense to ask again.
    pub retry_delay_ms: Option<f64>,
    pub field_violations: Vec<JsFieldViolation>,
}

impl From<Box<Failure>> for JsFailure {
    fn from(failure: Box<Failure>) -> Self {
        let violations = failure.field_violations.into_iter();
        Self {
            code: code_name(failure.code).to_owned(),
            reason: (!failure.reason.is_empty()).then_some(failure.reason),
            message: failure.message,
            metadata: failure.metadata,
            retry_delay_ms: failure.retry_delay.map(|delay| delay.as_secs_f64() * 1000.0),
            field_violations: violations
                .map(|violation| JsFieldViolation { field: violation.field, description: violation.description })
                .collect(),
        }
    }
}

/// The name of a code as gRPC writes it.
fn code_name(code: tonic::Code) -> &'static str {
    use tonic::Code;
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// An answer, or what went wrong: one of the two is `null`.
#[napi(object, object_from_js = false, use_nullable = true, js_name = "Answer")]
pub struct JsAnswer {
    /// The answer as JSON.
    pub answer: Option<String>,
    pub failure: Option<JsFailure>,
}

impl From<Result<String, Box<Failure>>> for JsAnswer {
    fn from(result: Result<String, Box<Failure>>) -> Self {
        match result {
            Ok(answer) => Self { answer: Some(answer), failure: None },
            Err(failure) => Self { answer: None, failure: Some(failure.into()) },
        }
    }
}

/// The version of this native code, which must be the one of the JavaScript around it.
#[napi]
pub fn version() -> napi::Result<String> {
    guard::sync("version", || Ok(env!("CARGO_PKG_VERSION").to_owned()))
}

/// One call, which can be cancelled while it runs.
#[napi(js_name = "Call")]
pub struct JsCall {
    cancelled: CancellationToken,
}

#[napi]
impl JsCall {
    #[napi(constructor)]
    pub fn new() -> napi::Result<Self> {
        guard::sync("Call.constructor", || {
            // Every operation begins with a call, so that what it waits for later hears of the process's end.
            ending::listen();
            Ok(Self { cancelled: CancellationToken::new() })
        })
    }

    /// Calls `method` ("PostService/GetPost") with a request in JSON.
    #[napi]
    pub async fn run(
        &self,
        target: JsTarget,
        method: String,
        request: String,
        timeout_ms: f64,
    ) -> napi::Result<JsAnswer> {
        guard::asynchronous("Call.run", async {
            let deadline = milliseconds(timeout_ms);
            Ok(call::unary(&target.into(), &method, &request, deadline, &self.cancelled).await.into())
        })
        .await
    }

    /// Gives up: the call ends at once with CANCELLED. What was sent may have been done.
    #[napi]
    pub fn cancel(&self) -> napi::Result<()> {
        guard::sync("Call.cancel", || {
            self.cancelled.cancel();
            Ok(())
        })
    }
}

/// What a watch tells.
#[napi(object, object_from_js = false, use_nullable = true, js_name = "Notice")]
pub struct JsNotice {
    /// `open`, `event`, `position`, `lost`, `stopped`, `limit` or `failed`; the last three end the stream.
    pub kind: String,
    pub position: Option<i64>,
    /// The event as JSON.
    pub event: Option<String>,
    pub failure: Option<JsFailure>,
    /// Milliseconds until the stream is opened again.
    pub retry_in_ms: Option<f64>,
}

impl From<Notice> for JsNotice {
    fn from(notice: Notice) -> Self {
        let kind =
            |kind: &str| Self { kind: kind.to_owned(), position: None, event: None, failure: None, retry_in_ms: None };
        match notice {
            Notice::Open { position } => Self { position: Some(position), ..kind("open") },
            Notice::Event { position, event } => Self { position: Some(position), event: Some(event), ..kind("event") },
            Notice::Position { position } => Self { position: Some(position), ..kind("position") },
            Notice::Lost { failure, pause } => {
                Self { failure: Some(failure.into()), retry_in_ms: Some(pause.as_secs_f64() * 1000.0), ..kind("lost") }
            }
            Notice::Ended(End::Stopped) => kind("stopped"),
            Notice::Ended(End::Limit) => kind("limit"),
            Notice::Ended(End::Failed(failure)) => Self { failure: Some(failure.into()), ..kind("failed") },
        }
    }
}

/// Weak, so that an open stream never keeps n8n alive; bounded, and used for one notice at a time.
type Callback = ThreadsafeFunction<JsNotice, Promise<()>, JsNotice, Status, false, true, 4>;

struct Subscriber(Callback);

impl Listener for Subscriber {
    async fn tell(&self, notice: Notice) -> Result<(), ()> {
        let taken = self.0.call_async_catch(notice.into()).await.map_err(|_| ())?;
        taken.await.map_err(|_| ())
    }
}

/// An event stream. Dropping it ends the stream.
#[napi(js_name = "Watch")]
pub struct JsWatch {
    stop: DropGuard,
    ended: Mutex<Option<signal::Receiver<bool>>>,
}

#[napi]
impl JsWatch {
    #[napi(constructor)]
    pub fn new() -> napi::Result<Self> {
        guard::sync("Watch.constructor", || {
            Ok(Self { stop: CancellationToken::new().drop_guard(), ended: Mutex::new(None) })
        })
    }

    /// Opens the stream of a WatchPostsRequest in JSON. `notify` must return a promise; the next notice comes after it
    /// is resolved. With a `limit_ms` the stream ends by itself, at the latest when the process is asked to end.
    #[napi(
        ts_args_type = "target: Target, request: string, limitMs: number | null, notify: (notice: Notice) => Promise<void>"
    )]
    pub fn start(
        &self,
        target: JsTarget,
        request: String,
        limit_ms: Option<f64>,
        notify: Function<'_, JsNotice, Promise<()>>,
    ) -> napi::Result<()> {
        guard::sync("Watch.start", || {
            let mut ended = self.ended.lock().map_err(|error| napi::Error::from_reason(error.to_string()))?;
            if ended.is_some() {
                return Err(napi::Error::from_reason("this watch was started before"));
            }
            let callback: Callback = notify
                .build_threadsafe_function()
                .callee_handled::<false>()
                .weak::<true>()
                .max_queue_size::<4>()
                .build()?;
            let (done, receiver) = signal::channel(false);
            *ended = Some(receiver);
            let stop = self.stop.token().clone();
            let watch = watch::Watch { target: target.into(), request, limit: limit_ms.map(milliseconds) };
            spawn(async move {
                // Dropped last, also when the task panics: `stop` never waits for a dead stream.
                let _done = done;
                let subscriber = Subscriber(callback);
                let running = AssertUnwindSafe(watch::run(watch, &subscriber, stop)).catch_unwind();
                if running.await.is_err() {
                    let failure = Failure::own(Reason::Bug, "the event stream ended by a bug of the addon");
                    let _ = subscriber.tell(Notice::Ended(End::Failed(failure))).await;
                }
            });
            Ok(())
        })
    }

    /// Ends the stream and waits until it has ended.
    #[napi]
    pub async fn stop(&self) -> napi::Result<()> {
        guard::asynchronous("Watch.stop", async {
            self.stop.token().cancel();
            let ended = self.ended.lock().map_err(|error| napi::Error::from_reason(error.to_string()))?.clone();
            if let Some(mut ended) = ended {
                // The sender is dropped when the task ends, which is the signal.
                while ended.changed().await.is_ok() {}
            }
            Ok(())
        })
        .await
    }
}

/// A video on its way to the core.
#[napi(js_name = "Upload")]
pub struct JsUpload {
    cancelled: DropGuard,
    upload: OnceLock<Upload>,
}

#[napi]
impl JsUpload {
    #[napi(constructor)]
    pub fn new() -> napi::Result<Self> {
        guard::sync("Upload.constructor", || {
            Ok(Self { cancelled: CancellationToken::new().drop_guard(), upload: OnceLock::new() })
        })
    }

    /// Begins with an UploadMediaInfo in JSON. `patience_ms` is how long the core may take for one chunk, and for its
    /// answer after the last one.
    #[napi]
    pub fn start(&self, target: JsTarget, info: String, patience_ms: f64) -> napi::Result<()> {
        guard::sync("Upload.start", || {
            let token = self.cancelled.token().clone();
            let upload =
                within_runtime_if_available(|| Upload::begin(target.into(), info, milliseconds(patience_ms), token));
            self.upload.set(upload).map_err(|_| napi::Error::from_reason("this upload was started before"))
        })
    }

    /// Hands over the next bytes and waits until there is room for more. `answer` is `"more"`, or `"enough"` when the core
    /// wants no more: `finish` then tells why.
    #[napi]
    pub async fn write(&self, bytes: Buffer) -> napi::Result<JsAnswer> {
        guard::asynchronous("Upload.write", async {
            let more = self.started()?.write(&bytes).await;
            Ok(more.map(|more| if more { "more" } else { "enough" }.to_owned()).into())
        })
        .await
    }

    /// Ends the file and waits for the answer: Media in JSON.
    #[napi]
    pub async fn finish(&self) -> napi::Result<JsAnswer> {
        guard::asynchronous("Upload.finish", async { Ok(self.started()?.finish().await.into()) }).await
    }

    /// Gives up: nothing is kept of the file.
    #[napi]
    pub fn cancel(&self) -> napi::Result<()> {
        guard::sync("Upload.cancel", || {
            self.cancelled.token().cancel();
            Ok(())
        })
    }
}

impl JsUpload {
    fn started(&self) -> napi::Result<&Upload> {
        self.upload.get().ok_or_else(|| napi::Error::from_reason("this upload was not started"))
    }
}

/// Milliseconds as JavaScript has them; nonsense becomes zero.
fn milliseconds(value: f64) -> Duration {
    Duration::try_from_secs_f64(value / 1000.0).unwrap_or_default()
}
