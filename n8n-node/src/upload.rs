//! Uploading a video: chunks come in one by one and are awaited, so that memory stays constant whatever the size.
//!
//! At most two messages wait between JavaScript and the connection; when the network or the core's disk is slow, so is
//! the reader of the file. The core may answer before the last byte, because it has the file already or because it
//! refuses it: writing then says "no more", and the answer tells which.

use std::time::Duration;

use aurareels_proto::v1::{UploadMediaRequest, upload_media_request::Part};
use bytes::Bytes;
use prost::Message;
use tokio::{
    sync::{Mutex, mpsc},
    task::JoinHandle,
};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::client::Grpc;

use crate::{
    boundary::{self, Method},
    call::no_answer,
    codec::Raw,
    endpoint::Target,
    failure::{Failure, Reason},
};

/// Bytes in one message. The core takes up to 1 MiB.
const CHUNK: usize = 256 << 10;

/// Messages on their way to the connection.
const UNDER_WAY: usize = 2;

/// Media in the boundary's form, or why not.
type Answer = Result<String, Box<Failure>>;

/// An upload under way.
pub(crate) struct Upload {
    chunks: Mutex<Option<mpsc::Sender<Bytes>>>,
    answer: Mutex<Option<JoinHandle<Answer>>>,
    patience: Duration,
}

impl Upload {
    /// Begins one. `info` is UploadMediaInfo in the boundary's form; `patience` is how long the core may take for one
    /// chunk, and for its answer after the last one. Must be called on a thread of the runtime.
    pub(crate) fn begin(target: Target, info: String, patience: Duration, cancelled: CancellationToken) -> Self {
        let (sender, receiver) = mpsc::channel(UNDER_WAY);
        let answer = tokio::spawn(async move {
            tokio::select! {
                biased;
                () = cancelled.cancelled() => Err(Failure::own(Reason::Cancelled, "the upload was cancelled")),
                answer = send(&target, &info, receiver) => answer,
            }
        });
        Self { chunks: Mutex::new(Some(sender)), answer: Mutex::new(Some(answer)), patience }
    }

    /// Hands over the next bytes. False when the core wants no more: the answer tells why.
    pub(crate) async fn write(&self, bytes: &[u8]) -> Result<bool, Box<Failure>> {
        let chunks = self.chunks.lock().await;
        let Some(chunks) = chunks.as_ref() else { return Ok(false) };
        for part in bytes.chunks(CHUNK) {
            let message = UploadMediaRequest { part: Some(Part::Chunk(part.to_vec().into())) };
            match tokio::time::timeout(self.patience, chunks.send(message.encode_to_vec().into())).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Ok(false),
                Err(_) => return Err(no_answer(self.patience)),
            }
        }
        Ok(true)
    }

    /// Ends the file and waits for the core's answer: Media in the boundary's form.
    pub(crate) async fn finish(&self) -> Answer {
        *self.chunks.lock().await = None;
        let answer = self.answer.lock().await.take();
        let Some(answer) = answer else {
            return Err(Failure::own(Reason::RequestInvalid, "this upload was finished before"));
        };
        let abort = answer.abort_handle();
        match tokio::time::timeout(self.patience, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Failure::own(Reason::Bug, "the upload ended by a bug of the addon")),
            Err(_) => {
                abort.abort();
                Err(no_answer(self.patience))
            }
        }
    }
}

async fn send(target: &Target, info: &str, chunks: mpsc::Receiver<Bytes>) -> Answer {
    let method = Method::find("MediaService/UploadMedia")?;
    let first = boundary::read(&method.input, &format!(r#"{{"info":{info}}}"#))?;
    let messages = futures_util::StreamExt::chain(
        tokio_stream::once(Bytes::from(first.encode_to_vec())),
        ReceiverStream::new(chunks),
    );
    let mut grpc = Grpc::new(target.channel()?);
    grpc.ready().await.map_err(|error| Box::<Failure>::from(tonic::Status::from_error(Box::new(error))))?;
    let answer = grpc.client_streaming(target.request(messages)?, method.path.clone(), Raw).await?.into_inner();
    boundary::write(&method.output, &answer)
}
