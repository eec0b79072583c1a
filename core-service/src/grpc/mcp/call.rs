//! A unary RPC whose messages are known by their descriptors: over a connection to a core, or within one.

use bytes::Bytes;
use http::uri::PathAndQuery;
use prost::Message;
use prost_reflect::{DynamicMessage, MessageDescriptor, MethodDescriptor};
use rmcp::model::JsonObject;
use serde_json::Value;
use tonic::{
    Request, Status,
    body::Body,
    client::{Grpc, GrpcService},
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};

use crate::grpc::{field_mask, read_json};

/// Whoever answers RPCs.
pub(crate) trait Rpcs: Clone + Send + Sync + 'static {
    /// Makes one call.
    fn call(
        &self,
        method: &MethodDescriptor,
        request: Request<DynamicMessage>,
    ) -> impl Future<Output = Result<DynamicMessage, Status>> + Send;
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl<T, B> Rpcs for T
where
    T: GrpcService<Body, ResponseBody = B> + Clone + Send + Sync + 'static,
    T::Error: Into<BoxError>,
    T::Future: Send,
    B: http_body_util::BodyExt<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError> + Send,
{
    async fn call(
        &self,
        method: &MethodDescriptor,
        request: Request<DynamicMessage>,
    ) -> Result<DynamicMessage, Status> {
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        let path = PathAndQuery::try_from(path).map_err(|error| Status::internal(error.to_string()))?;
        let mut client = Grpc::new(self.clone());
        client.ready().await.map_err(|error| Status::from_error(error.into()))?;
        Ok(client.unary(request, path, Dynamic(method.output())).await?.into_inner())
    }
}

/// Arguments that are not the request of a tool.
#[derive(Debug)]
pub(super) struct Unread {
    /// Where: `content.caption`; empty for the arguments themselves.
    pub(super) field: String,
    /// What is wrong.
    pub(super) problem: String,
    /// What may stand there.
    pub(super) remedy: String,
}

/// The request that a tool's arguments say.
pub(super) fn from_arguments(method: &MethodDescriptor, arguments: JsonObject) -> Result<DynamicMessage, Unread> {
    let value = Value::Object(arguments);
    let value = field_mask::in_camel_case(&value).unwrap_or(value);
    read_json::message(method, value).map_err(|(field, error)| {
        let remedy = "send what the tool's inputSchema describes".to_owned();
        Unread { field, problem: error.to_string(), remedy }
    })
}

/// Messages as bytes and back.
struct Dynamic(MessageDescriptor);

impl Codec for Dynamic {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = Encoding;
    type Decoder = Decoding;

    fn encoder(&mut self) -> Encoding {
        Encoding
    }

    fn decoder(&mut self) -> Decoding {
        Decoding(self.0.clone())
    }
}

struct Encoding;

impl Encoder for Encoding {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, message: DynamicMessage, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        message.encode(into).map_err(|error| Status::internal(error.to_string()))
    }
}

struct Decoding(MessageDescriptor);

impl Decoder for Decoding {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        let message = DynamicMessage::decode(self.0.clone(), from);
        message.map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}
