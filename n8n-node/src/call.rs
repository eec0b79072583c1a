//! One request, one answer, within a deadline, unless the caller gives up.

use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use tokio_util::sync::CancellationToken;
use tonic::client::Grpc;

use crate::{
    boundary::{self, Method},
    codec::Raw,
    endpoint::Target,
    failure::{Failure, Reason},
};

/// Largest answer: a page of 500 posts with all their warnings is far below.
pub(crate) const LARGEST_ANSWER: usize = 32 << 20;

/// Makes one call. The answer is JSON in the boundary's form.
pub(crate) async fn unary(
    target: &Target,
    method: &str,
    request: &str,
    deadline: Duration,
    cancelled: &CancellationToken,
) -> Result<String, Box<Failure>> {
    let method = Method::find(method)?;
    let message = boundary::read(&method.input, request)?;
    let exchange = exchange(target, &method, message.encode_to_vec().into(), deadline);
    let answer = tokio::select! {
        biased;
        () = cancelled.cancelled() => return Err(Failure::own(Reason::Cancelled, "the call was cancelled")),
        answer = tokio::time::timeout(deadline, exchange) => answer.unwrap_or_else(|_| Err(no_answer(deadline)))?,
    };
    boundary::write(&method.output, &answer)
}

/// What a deadline that passed says.
pub(crate) fn no_answer(deadline: Duration) -> Box<Failure> {
    Failure::own(Reason::NoAnswer, format!("no answer within {} s", deadline.as_secs_f64()))
}

async fn exchange(target: &Target, method: &Method, message: Bytes, deadline: Duration) -> Result<Bytes, Box<Failure>> {
    let mut request = target.request(message)?;
    request.set_timeout(deadline);
    let mut grpc = Grpc::new(target.channel()?).max_decoding_message_size(LARGEST_ANSWER);
    grpc.ready().await.map_err(|error| Box::<Failure>::from(tonic::Status::from_error(Box::new(error))))?;
    Ok(grpc.unary(request, method.path.clone(), Raw).await?.into_inner())
}
