//! `POST /{ig-user}/media`: making a container, and downloading its video.
//!
//! The id comes back at once; the download and the processing run behind it. A failure shows in the container's
//! status, or, if the behaviour says so, in the answer to the creation.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::access::Access;
use super::behaviour::{Behaviour, FetchErrors};
use super::container::{Container, LIFE_MS, Stage};
use super::error::GraphError;
use super::input::Input;
use super::rules::{self, Draft, REEL_BYTES, Source};
use super::token::Session;
use super::world::{Id, Kind, World};
use crate::fetch::{FetchError, Fetched, Limits, Received};
use crate::host::Host;
use crate::sim::Sim;

/// Largest cover picture, in bytes.
const COVER_BYTES: u64 = 8_000_000;

/// Carries the creation out.
pub(crate) async fn create(
    sim: &Arc<Sim>,
    session: &Session,
    account: Id,
    input: &Input<'_>,
    version: &str,
) -> Result<Value, GraphError> {
    let now = super::now(sim);
    let (draft, behaviour) = check(&mut sim.meta.lock(), session, account, input, now)?;
    let resumable = draft.source == Source::Resumable;
    let fetched = match &draft.source {
        Source::Url(url) if behaviour.fetch_errors == FetchErrors::Create => {
            let video = video(sim, url, &draft, &behaviour).await?;
            cover(sim, &draft, &behaviour).await?;
            Some(video)
        }
        Source::Url(_) | Source::Resumable | Source::Children => None,
    };

    let now = super::now(sim);
    let mut world = sim.meta.lock();
    let id = world.new_id(Kind::Container);
    let source = match &draft.source {
        Source::Url(url) => url.clone(),
        Source::Resumable | Source::Children => "upload".to_owned(),
    };
    let stage = match draft.source {
        Source::Children => Stage::Ready(now + behaviour.processing_ms),
        Source::Url(_) | Source::Resumable => Stage::Waiting,
    };
    let background = matches!(draft.source, Source::Url(_)) && fetched.is_none();
    let mut container = Container {
        account,
        flavour: session.flavour(),
        created_at: now,
        stage,
        upload: resumable.then(Received::default),
        resumable,
        received: 0,
        file_size: None,
        source,
        byte_count: None,
        sha256: None,
        published: Vec::new(),
        visible_at: 0,
        scripted_reads: VecDeque::new(),
        draft,
    };
    if let Some(fetched) = fetched {
        container.complete(fetched.byte_count, fetched.sha256, Ok(()), now, &behaviour);
    }
    world.containers.insert(id, container);
    if let Some(account) = world.accounts.get_mut(&account) {
        account.created.push_back(now);
    }
    drop(world);

    if background {
        tokio::spawn(download(sim.clone(), id));
    }
    let mut answer = json!({ "id": id.to_string() });
    if resumable {
        answer["uri"] = json!(format!("{}/ig-api-upload/{version}/{id}", sim.url(Host::MetaRupload)));
    }
    Ok(answer)
}

fn check(
    world: &mut World,
    session: &Session,
    account: Id,
    input: &Input<'_>,
    now: i64,
) -> Result<(Draft, Arc<Behaviour>), GraphError> {
    world.may_publish(session, account, Access { verb: "post" })?;
    let behaviour = world.behaviour_of(account);
    let World { accounts, locations, .. } = world;
    let state = accounts.get_mut(&account).ok_or_else(|| GraphError::unsupported("post", &account.to_string()))?;
    let draft = rules::draft(input, session.flavour(), state, locations, &behaviour)?;
    while state.created.front().is_some_and(|at| *at <= now - LIFE_MS) {
        state.created.pop_front();
    }
    if state.created.len() >= behaviour.container_limit {
        return Err(GraphError::parse(&behaviour.container_limit_error).unwrap_or_else(|| GraphError::known(9, None)));
    }
    Ok((draft, behaviour))
}

impl Container {
    /// Notes that the whole video is here, and what became of it.
    pub(crate) fn complete(
        &mut self,
        byte_count: u64,
        sha256: String,
        verdict: Result<(), GraphError>,
        now: i64,
        behaviour: &Behaviour,
    ) {
        self.byte_count = Some(byte_count);
        self.received = byte_count;
        self.sha256 = Some(sha256);
        let forced = behaviour.processing_error.as_deref().and_then(GraphError::parse);
        let at = now + behaviour.processing_ms;
        self.stage = match forced.map_or(verdict, Err) {
            Ok(()) => Stage::Ready(at),
            Err(error) => Stage::Failed(at, error),
        };
    }
}

/// Downloads the video of a container and notes the end, whatever it is.
pub(crate) fn download(sim: Arc<Sim>, id: Id) -> impl Future<Output = ()> + Send {
    // From the call on, not from the first poll.
    let at_work = sim.fetcher.begin();
    async move {
        fetch(&sim, id).await;
        drop(at_work);
    }
}

async fn fetch(sim: &Arc<Sim>, id: Id) {
    let known = {
        let world = sim.meta.lock();
        world.containers.get(&id).map(|container| {
            (
                container.draft.clone(),
                container.source.clone(),
                container.created_at,
                world.behaviour_of(container.account),
            )
        })
    };
    let Some((draft, url, created_at, behaviour)) = known else { return };
    let result = match video(sim, &url, &draft, &behaviour).await {
        Ok(video) => cover(sim, &draft, &behaviour).await.map(|()| video),
        Err(error) => Err(error),
    };
    let now = super::now(sim);
    let mut world = sim.meta.lock();
    // The simulator may have been reset meanwhile, and the id given out anew.
    let Some(container) = world.containers.get_mut(&id).filter(|container| container.created_at == created_at) else {
        return;
    };
    match result {
        Ok(video) => container.complete(video.byte_count, video.sha256, Ok(()), now, &behaviour),
        Err(error) => container.stage = Stage::Failed(now, error),
    }
}

async fn video(sim: &Sim, url: &str, draft: &Draft, behaviour: &Behaviour) -> Result<Fetched, GraphError> {
    let fetched = sim.fetcher.fetch(url, limits(behaviour, REEL_BYTES)).await.map_err(|error| match error {
        FetchError::TimedOut => GraphError::known(-2, Some(2207003)),
        FetchError::TooLarge(_) => GraphError::known(352, Some(2207026)),
        FetchError::BadUrl(_)
        | FetchError::Unreachable(_)
        | FetchError::Status(_)
        | FetchError::Redirected
        | FetchError::BrokenOff(_) => GraphError::known(9004, Some(2207052)),
    })?;
    rules::check_video(draft, fetched.byte_count, fetched.probe.as_ref(), behaviour)?;
    Ok(fetched)
}

/// The cover must be a JPEG of at most 8 MB.
async fn cover(sim: &Sim, draft: &Draft, behaviour: &Behaviour) -> Result<(), GraphError> {
    let Some(url) = &draft.cover_url else { return Ok(()) };
    let fetched = sim.fetcher.fetch(url, limits(behaviour, COVER_BYTES)).await.map_err(|error| match error {
        FetchError::TimedOut => GraphError::known(-2, Some(2207003)),
        FetchError::TooLarge(_) => GraphError::known(36000, Some(2207004)),
        FetchError::BadUrl(_)
        | FetchError::Unreachable(_)
        | FetchError::Status(_)
        | FetchError::Redirected
        | FetchError::BrokenOff(_) => GraphError::known(9004, Some(2207052)),
    })?;
    let jpeg = fetched.content_type.as_deref().is_some_and(|kind| kind.starts_with("image/jpeg"));
    if jpeg { Ok(()) } else { Err(GraphError::known(36001, Some(2207005))) }
}

fn limits(behaviour: &Behaviour, max_bytes: u64) -> Limits {
    Limits {
        max_bytes,
        timeout: Duration::from_millis(behaviour.fetch_timeout_ms),
        redirects: behaviour.fetch_redirects,
        local_http: true,
    }
}
