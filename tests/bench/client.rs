//! A gRPC client of the core, and accounts connected through the real consent page.

use std::{ops::Range, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use aurareels_proto::v1::{
    CompleteConnectRequest, ConnectAccountRequest, GetPostRequest, ListPostsRequest, LoginFlavour, Platform, Post,
    PostContent, PostStatus, account_service_client::AccountServiceClient, media_service_client::MediaServiceClient,
    post_service_client::PostServiceClient, webhook_service_client::WebhookServiceClient,
};
use aurareels_simulator::Simulator;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use tonic::{
    Request,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::Channel,
};

use crate::core::Core;

/// The secret of the one browser that connects here.
const BROWSER: &str = "the browser of the bench";

/// Adds the API key to each call.
#[derive(Clone)]
pub(crate) struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, tonic::Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

pub(crate) type Posts = PostServiceClient<InterceptedService<Channel, Bearer>>;

/// A channel of its own to the core.
pub(crate) async fn posts(core: &Core) -> Result<Posts> {
    posts_at(&core.address, &core.key).await
}

/// A channel of its own to an address.
pub(crate) async fn posts_at(address: &str, key: &str) -> Result<Posts> {
    let channel = Channel::from_shared(address.to_owned())?.connect().await?;
    Ok(PostServiceClient::with_interceptor(channel, Bearer(format!("Bearer {key}").parse()?)))
}

/// A channel of its own to the core, for uploads.
pub(crate) async fn media(core: &Core) -> Result<MediaServiceClient<InterceptedService<Channel, Bearer>>> {
    let channel = Channel::from_shared(core.address.clone())?.connect().await?;
    Ok(MediaServiceClient::with_interceptor(channel, Bearer(format!("Bearer {}", core.key).parse()?)))
}

/// How an account is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Login {
    Tiktok,
    /// Instagram Login.
    Instagram,
    /// Instagram by Facebook Login, whose videos are uploaded.
    InstagramByFacebook,
    /// A Facebook Page.
    Page,
    Youtube,
}

impl Login {
    pub(crate) const fn platform(self) -> Platform {
        match self {
            Self::Tiktok => Platform::Tiktok,
            Self::Instagram | Self::InstagramByFacebook => Platform::Instagram,
            Self::Page => Platform::Facebook,
            Self::Youtube => Platform::Youtube,
        }
    }

    const fn flavour(self) -> LoginFlavour {
        match self {
            Self::Tiktok => LoginFlavour::Tiktok,
            Self::Instagram => LoginFlavour::InstagramLogin,
            Self::InstagramByFacebook | Self::Page => LoginFlavour::FacebookLogin,
            Self::Youtube => LoginFlavour::Google,
        }
    }

    /// An account of its own at the simulator, with an owner of its own.
    fn account(self, number: usize) -> Value {
        let name = format!("bench{number}");
        match self {
            Self::Tiktok => {
                json!({ "platform": "tiktok", "id": format!("-000{name}"), "name": name, "username": name })
            }
            Self::Instagram => json!({ "platform": "instagram", "username": name, "page": false }),
            Self::InstagramByFacebook => json!({ "platform": "instagram", "username": format!("{name}.page") }),
            Self::Page => json!({ "platform": "facebook", "name": name }),
            Self::Youtube => {
                json!({ "platform": "youtube", "id": format!("UCbench{number:017}"), "name": name, "username": name })
            }
        }
    }
}

/// Calls on webhook endpoints, with a key.
pub(crate) async fn webhooks_of(
    core: &Core,
    key: &str,
) -> Result<WebhookServiceClient<InterceptedService<Channel, Bearer>>> {
    let channel = Channel::from_shared(core.address.clone())?.connect().await?;
    Ok(WebhookServiceClient::with_interceptor(channel, Bearer(format!("Bearer {key}").parse()?)))
}

/// Makes this many accounts, one owner each, at the simulator and connects them.
pub(crate) async fn connect(core: &Core, simulator: &Simulator, login: Login, count: usize) -> Result<Vec<i64>> {
    connect_of(core, &core.key, simulator, login, 0..count).await
}

/// Makes accounts with these numbers at the simulator and connects them with a key.
pub(crate) async fn connect_of(
    core: &Core,
    key: &str,
    simulator: &Simulator,
    login: Login,
    numbers: Range<usize>,
) -> Result<Vec<i64>> {
    let channel = Channel::from_shared(core.address.clone())?.connect().await?;
    let accounts = AccountServiceClient::with_interceptor(channel, Bearer(format!("Bearer {key}").parse()?));
    let http = Arc::new(http_client()?);
    stream::iter(numbers)
        .map(|number| {
            let (mut accounts, http) = (accounts.clone(), http.clone());
            let made = simulator.create_account(&login.account(number));
            async move {
                let made = made?;
                // Facebook's login asks for the person, who has a Page and perhaps an account.
                let owner = if login.flavour() == LoginFlavour::FacebookLogin { "person_id" } else { "id" };
                let owner = made[owner].as_str().context("no owner")?;
                let platform = login.platform();
                let request = ConnectAccountRequest {
                    platform: platform.into(),
                    login_flavour: login.flavour().into(),
                    browser_secret: BROWSER.to_owned(),
                    ..ConnectAccountRequest::default()
                };
                let link = accounts.connect_account(request).await?.into_inner();
                let (code, state) = consent(&http, &link.auth_url, owner).await?;
                let browser_secret = BROWSER.to_owned();
                let request = CompleteConnectRequest { platform: platform.into(), code, state, browser_secret };
                let connected = accounts.complete_connect(request).await?.into_inner();
                let of_platform = connected.accounts.iter().find(|account| account.platform() == platform);
                of_platform.map(|account| account.id).context("nothing was connected")
            }
        })
        .buffer_unordered(16)
        .try_collect()
        .await
}

/// Allows on the consent page as a browser would; answers code and state of the redirect.
async fn consent(http: &reqwest::Client, auth_url: &str, account: &str) -> Result<(String, String)> {
    let answer = http.post(auth_url).form(&[("decision", "allow"), ("account", account)]).send().await?;
    let location = answer.headers().get("location").context("the consent page did not redirect")?.to_str()?.to_owned();
    let location = url::Url::parse(&location)?;
    let part = |name: &str| location.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    Ok((part("code").context("no code")?, part("state").context("no state")?))
}

pub(crate) fn http_client() -> Result<reqwest::Client> {
    let tls = aurareels_core::http::tls_config(&aurareels_core::http::HttpSettings::default())?;
    Ok(aurareels_core::http::client_builder(&tls).build()?)
}

/// What is posted: a small video, told apart by its job.
pub(crate) fn content(video_url: &str, job: String) -> PostContent {
    PostContent {
        video_job_id: job,
        video_url: video_url.to_owned(),
        caption: "A caption of usual length, written for the benchmark".to_owned(),
        hashtags: vec!["bench".to_owned(), "reels".to_owned()],
        privacy_level: "PUBLIC".to_owned(),
        ..PostContent::default()
    }
}

/// How many posts have one of these statuses.
pub(crate) async fn count(posts: &mut Posts, statuses: &[PostStatus]) -> Result<i64> {
    let request = ListPostsRequest {
        statuses: statuses.iter().map(|status| (*status).into()).collect(),
        page_size: 1,
        include_total: true,
        ..ListPostsRequest::default()
    };
    Ok(posts.list_posts(request).await?.into_inner().total.unwrap_or(0))
}

/// Waits until a post is published; answers it.
pub(crate) async fn until_published(posts: &mut Posts, id: i64) -> Result<Post> {
    loop {
        let post = posts.get_post(GetPostRequest { id }).await?.into_inner();
        match post.status() {
            PostStatus::Published => return Ok(post),
            PostStatus::Failed | PostStatus::NeedsReview => anyhow::bail!("post {id}: {}", post.error_message),
            _ => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}
