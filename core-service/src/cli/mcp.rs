//! `mcp`: a server for an agent that starts it, as a client of a running core.
//!
//! Guaranteed: nothing but the protocol goes to standard output; it ends when the agent closes its input.

use rmcp::{ServiceExt, transport};

use super::client::Server;
use crate::grpc::McpServer;

pub(super) async fn run(server: Server) -> anyhow::Result<()> {
    let core = server.client().await?;
    let agent = McpServer::new(core.channel()).serve(transport::stdio_pipes()).await?;
    agent.waiting().await?;
    Ok(())
}
