//! Webhooks: what one endpoint that hangs costs a thousand others, and whether anything is lost on the way to receivers that
//! fail, hang, answer late and die, while the core is killed.

mod beside;
mod lossless;
mod receiver;

pub(crate) use beside::run as beside;
pub(crate) use lossless::run as lossless;

use anyhow::Result;
use aurareels_proto::v1::{CreateDraftRequest, CreateWebhookEndpointRequest};
use aurareels_simulator::{Host, Simulator};

use crate::{
    client::{self, Login, Posts},
    core::Core,
};

/// A user with an account.
struct User {
    key: String,
    account: i64,
    posts: Posts,
    video: String,
}

impl User {
    async fn new(core: &Core, simulator: &Simulator, number: usize) -> Result<Self> {
        let key = core.key_of(number)?;
        let account = client::connect_of(core, &key, simulator, Login::Tiktok, number..number + 1).await?[0];
        let posts = client::posts_at(&core.address, &key).await?;
        let video = format!("{}/v/bench.mp4?size=200000&duration=5", simulator.url(Host::Media));
        Ok(Self { key, account, posts, video })
    }

    /// Makes an endpoint for these events.
    async fn endpoint(&self, core: &Core, url: String, types: &[&str]) -> Result<()> {
        let event_types = types.iter().map(|name| (*name).to_owned()).collect();
        let request = CreateWebhookEndpointRequest { url, event_types, ..CreateWebhookEndpointRequest::default() };
        client::webhooks_of(core, &self.key).await?.create_webhook_endpoint(request).await?;
        Ok(())
    }

    /// A draft, which makes one event.
    fn draft(&self, name: String) -> CreateDraftRequest {
        CreateDraftRequest {
            account_id: self.account,
            content: Some(client::content(&self.video, name.clone())),
            request_key: name,
            ..CreateDraftRequest::default()
        }
    }
}
