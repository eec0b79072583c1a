//! A core is asked to end while callers wait for its answers: who was answered has a post, who was not asks again.

use std::{net::TcpListener, time::Duration};

use anyhow::{Context, Result, ensure};
use aurareels_core::{
    app::api_keys::{ApiKeys, Scope},
    domain::ids::{AccountId, PostId},
};
use aurareels_proto::v1::{PostContent, PublishPostsRequest, post_service_client::PostServiceClient};
use aurareels_simulator::{Filter, Host};
use tonic::{Request, transport::Endpoint};

use crate::{
    checks,
    core::{Core, Orders},
    drive::Dead,
    mode::{Mode, Upload},
    rig::{CALLER, Rig},
    scenarios::{Scenario, boxed, rest, until},
    suite::{Verdict, on_rig},
};

/// The scenarios of one upload mode: group, name, what to run.
pub(crate) fn of(upload: Upload) -> Vec<(&'static str, String, Scenario)> {
    // What the API writes does not depend on the way of the upload.
    if !matches!(upload, Upload::TiktokSingle | Upload::FacebookResumable) {
        return Vec::new();
    }
    vec![("stops", "SIGTERM while calls are in flight".to_owned(), boxed(move || stopped_in_flight(upload)))]
}

/// Callers at the same time.
const CALLERS: usize = 16;

/// Who calls, and where.
#[derive(Clone)]
struct Line {
    address: String,
    key: String,
    videos: String,
    account: AccountId,
}

impl Line {
    /// One caller's request, the same each time.
    async fn ask(&self, number: usize) -> Result<PostId> {
        let channel = Endpoint::from_shared(self.address.clone())?.connect().await?;
        let content = PostContent {
            // The look at the video takes a while.
            video_url: format!("{}/v/call{number}.mp4?size=200000&duration=15&delay_ms={}", self.videos, 20 * number),
            caption: format!("call{number}"),
            privacy_level: "PUBLIC".to_owned(),
            ..PostContent::default()
        };
        let request = PublishPostsRequest {
            accounts: vec![self.account.0],
            content: Some(content),
            request_key: format!("key of call {number}"),
            ..PublishPostsRequest::default()
        };
        let mut request = Request::new(request);
        request.metadata_mut().insert("authorization", format!("Bearer {}", self.key).parse()?);
        let answer = PostServiceClient::new(channel).publish_posts(request).await?.into_inner();
        Ok(PostId(answer.posts.first().context("no post was created")?.id))
    }
}

/// Starts a core with an open port, and waits for it.
async fn open(rig: &mut Rig) -> Result<(Core, String)> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let settings = vec![("AURAREELS_LISTEN".to_owned(), format!("127.0.0.1:{port}"))];
    let mut core = rig.core(&Orders { settings, ..Orders::default() })?;
    until("the port is open", Duration::from_secs(20), async || {
        ensure!(core.ended()?.is_none(), "the core ended by itself");
        Ok(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok())
    })
    .await?;
    Ok((core, format!("http://127.0.0.1:{port}")))
}

async fn stopped_in_flight(upload: Upload) -> Result<Verdict> {
    let mode = Mode { upload, scheduled: false };
    on_rig(&[], async move |rig| {
        let account = rig.account(mode).await?;
        let keys = ApiKeys::new(rig.parts.store.clone());
        let (key, _) = keys.create("crash", vec![Scope::Read, Scope::Publish], Some(CALLER.user)).await?;
        let key = key.expose().to_owned();
        rig.canaries.push(key.clone());
        let (mut core, address) = open(rig).await?;
        let line = Line { address, key, videos: rig.sim.url(Host::Media).to_owned(), account };
        let calls: Vec<_> = (0..CALLERS)
            .map(|number| {
                let line = line.clone();
                tokio::spawn(async move { line.ask(number).await })
            })
            .collect();
        until("some are at work", Duration::from_secs(20), async || {
            Ok(rig.sim.requests(&Filter::default()).iter().any(|request| matches!(request.host, Host::Media)))
        })
        .await?;
        let early = calls.iter().filter(|call| call.is_finished()).count();
        ensure!(early < CALLERS, "nobody waits any more");
        core.terminate().await?;
        let mut dead = Dead::default();
        dead.buried(rig, &core).await?;
        let mut answered = Vec::new();
        for call in calls {
            answered.push(call.await?.ok());
        }
        let log = std::fs::read_to_string(rig.log())?;
        ensure!(!log.contains("the store is closed"), "the store was closed under a call");
        let (mut heir, address) = open(rig).await?;
        let line = Line { address, ..line };
        let mut ids = Vec::new();
        for (number, first) in answered.into_iter().enumerate() {
            let id = line.ask(number).await.with_context(|| format!("call {number} again"))?;
            ensure!(first.is_none_or(|first| first == id), "call {number} was answered {first:?}, and then {id}");
            ids.push(id);
        }
        rest(rig, &mut heir, &dead).await?;
        heir.kill()?;
        for (number, id) in ids.into_iter().enumerate() {
            let ending = checks::ending(rig, id, &format!("call{number}")).await?;
            ensure!(ending.visible == 1, "call {number} ended {}", ending.post.status);
        }
        checks::database(rig).await?;
        Ok(Verdict::Once)
    })
    .await
}
