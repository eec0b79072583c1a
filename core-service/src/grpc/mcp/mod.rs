//! Tools for agents: a server of the Model Context Protocol (<https://modelcontextprotocol.io>), by its official SDK.
//!
//! One server for both transports: over standard input and output (`cli::mcp`, with a channel to a running core), and at
//! `/mcp` of the port ([`http`], with this core's own routes). A tool is an RPC of the public API: its arguments are the
//! request's JSON, its result is the answer's, its schema comes from the proto files ([`schema`]), and whoever calls it is
//! established, limited and counted as any other caller.
//!
//! Guaranteed: nothing can be done here that the API does not allow the same key; request keys are the API's, so an agent
//! that repeats itself comes back to the same post; a caller that may only read is shown only the tools that read.
//!
//! Expected failures, as results that the agent can read: arguments that are not the request's, with the field; every
//! refusal of the API, with its reason, fields and remedy.

mod call;
pub(super) mod http;
mod results;
mod schema;
mod tools;

use prost_reflect::DynamicMessage;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, Implementation, JsonObject, ListToolsResult,
        PaginatedRequestParams, ServerCapabilities, ServerConfig,
    },
    service::RequestContext,
};
use tonic::{Code, Request, Status};

pub(crate) use self::call::Rpcs;
use self::tools::Known;
use super::auth::layer;

/// What an agent is told first.
const INSTRUCTIONS: &str = "Publishes and schedules short videos to TikTok, Instagram, Facebook and YouTube. \
     list_accounts shows where; validate_posts tells every broken rule before anything is made; schedule_posts and \
     publish_posts make one post per account. The same request again comes back to the same posts (existed = true), so \
     repeat a call whose answer was lost. get_post and list_posts tell what became of them: published and failed are \
     proven, confirming is being found out, needs_review waits for a person. Publishing cannot be taken back.";

/// The server, for one caller or for many: `R` answers RPCs.
#[derive(Clone)]
pub(crate) struct Server<R> {
    rpcs: R,
}

impl<R: Rpcs> Server<R> {
    pub(crate) fn new(rpcs: R) -> Self {
        Self { rpcs }
    }

    async fn call(&self, tool: &Known, arguments: JsonObject, context: &Context) -> CallToolResult {
        let message = match call::from_arguments(&tool.method, arguments) {
            Ok(message) => message,
            Err(unread) => return results::unread(&unread),
        };
        match self.rpcs.call(&tool.method, request(message, context)).await {
            Ok(answer) => results::answered(&answer),
            Err(status) => results::refused(&status),
        }
    }

    /// Whether the caller may publish. Asked by a request that cannot do anything, so that it works with every credential
    /// and on every transport: there is no post 0.
    async fn may_publish(&self, context: &Context) -> Result<bool, ErrorData> {
        let method = &tools::find("cancel_post").ok_or_else(|| internal("a tool is missing"))?.method;
        let nothing = DynamicMessage::new(method.input());
        match self.rpcs.call(method, request(nothing, context)).await {
            Err(status) if status.code() == Code::PermissionDenied => Ok(false),
            Err(status) if matches!(status.code(), Code::Unauthenticated | Code::Unavailable) => Err(failed(&status)),
            _ => Ok(true),
        }
    }
}

/// The RPC's request, with the credentials of the HTTP request that it came with, if it came with one.
fn request(message: DynamicMessage, context: &Context) -> Request<DynamicMessage> {
    let mut request = Request::new(message);
    if let Some(parts) = context.extensions.get::<::http::request::Parts>() {
        let credentials = layer::bearer_credentials(&parts.headers);
        *request.metadata_mut() = tonic::metadata::MetadataMap::from_headers(credentials);
    }
    request
}

type Context = RequestContext<RoleServer>;

impl<R: Rpcs> ServerHandler for Server<R> {
    fn get_info(&self) -> ServerConfig {
        let name = Implementation::new("aurareels", env!("CARGO_PKG_VERSION")).with_title("AuraReels");
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(name)
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListToolsResult, ErrorData> {
        let known = tools::all().map_err(|error| internal(&error))?;
        let may_publish = self.may_publish(&context).await?;
        let shown = known.iter().filter(|known| may_publish || known.only_reads);
        Ok(ListToolsResult::with_all_items(shown.map(|known| known.tool.clone()).collect()))
    }

    async fn call_tool(&self, request: CallToolRequestParams, context: Context) -> Result<CallToolResponse, ErrorData> {
        let Some(tool) = tools::find(&request.name) else {
            let message = format!("there is no tool `{}`; tools/list names them", request.name);
            return Err(ErrorData::invalid_params(message, None));
        };
        Ok(self.call(tool, request.arguments.unwrap_or_default(), &context).await.into())
    }
}

fn internal(message: &str) -> ErrorData {
    ErrorData::internal_error(message.to_owned(), None)
}

fn failed(status: &Status) -> ErrorData {
    internal(status.message())
}
