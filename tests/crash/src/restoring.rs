//! A backup is put back that is older than what went out since: nothing goes out again, and nothing is lost.

use anyhow::{Result, ensure};
use aurareels_core::{
    app::posts::requests::{CreateDraft, PostInput},
    domain::{
        ids::{AccountId, PostId},
        post::Status,
    },
};
use chrono::TimeDelta;

use crate::{
    backups::Means,
    checks,
    core::Orders,
    drive::{self, Dead},
    edges::rest_with_owners,
    mode::{Mode, Upload},
    rig::{Asking, CALLER, Rig},
    scenarios::{Scenario, boxed, until},
    suite::{Verdict, on_rig},
};

/// How far ahead posts are due here.
const AHEAD: TimeDelta = TimeDelta::hours(2);

/// Longer than a post may be late.
const TOO_LATE: TimeDelta = TimeDelta::hours(27);

/// What became of the post between the backup and its return.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Story {
    /// It was waiting, and nothing happened.
    Waited,
    /// It was waiting, and went out at its time.
    WentOut,
    /// It was waiting, and somebody published it before its time.
    ByHand,
    /// It had failed, and somebody tried it again.
    Retried,
    /// It was a draft, and somebody published it.
    Draft,
    /// Its visible request was under way, and arrived.
    UnderWay,
    /// It did not exist: its caller asks again with the key that is gone.
    Asked,
}

/// The scenarios of one upload mode: group, name, what to run.
pub(crate) fn of(upload: Upload) -> Vec<(&'static str, String, Scenario)> {
    let stories = [
        ("it waits", Story::Waited, Means::Copy),
        ("it went out since", Story::WentOut, Means::Commands),
        ("it was published by hand since", Story::ByHand, Means::Commands),
        ("it had failed and was retried since", Story::Retried, Means::Commands),
        ("it was a draft and was published since", Story::Draft, Means::Copy),
        ("its request was under way", Story::UnderWay, Means::Commands),
        ("it was asked for since, and is asked for again", Story::Asked, Means::Copy),
    ];
    let named = |(name, story, means): (&str, Story, Means)| {
        ("restored backups", format!("a backup is restored: {name}"), boxed(move || told(upload, story, means)))
    };
    stories.map(named).into()
}

async fn told(upload: Upload, story: Story, means: Means) -> Result<Verdict> {
    let mode = Mode { upload, scheduled: false };
    on_rig(&[], async move |rig| {
        // Whoever waits for its time is not early; the others were wanted at once.
        // What the backup does not know of may be uploaded again, unseen.
        rig.ceilings.spare_videos = 1;
        rig.moved_by_hand = !matches!(story, Story::Waited | Story::WentOut);
        let account = rig.account(mode).await?;
        let mut dead = Dead::default();
        let before = before(rig, mode, account, story, &mut dead).await?;
        let backup = rig.back_up(means).await?;
        since(rig, mode, account, story, &dead).await?;
        let out = usize::from(story != Story::Waited);
        ensure!(checks::visible(rig, "solo") == out, "it did not go out before the backup was put back");
        rig.leave().await?;
        rig.put_back(backup).await?;
        let id = again(rig, mode, account, story, before).await?;
        let mut core = rig.core(&Orders::default())?;
        rest_with_owners(rig, &mut core, &dead).await?;
        core.kill()?;
        let ending = checks::ending(rig, id, "solo").await?;
        checks::database(rig).await?;
        ensure!(ending.post.status == Status::Published, "it ended {}: {:?}", ending.post.status, ending.post.error);
        Ok(Verdict::Once)
    })
    .await
}

fn asking(ahead: Option<TimeDelta>) -> Asking<'static> {
    Asking { video: "solo", text: "solo", key: Some("the key of solo"), ahead, ..Asking::default() }
}

/// What the backup will hold.
async fn before(
    rig: &mut Rig,
    mode: Mode,
    account: AccountId,
    story: Story,
    dead: &mut Dead,
) -> Result<Option<PostId>> {
    Ok(match story {
        Story::Asked => None,
        Story::Draft => {
            let input = PostInput { content: rig.content(mode, &asking(None)), ..PostInput::default() };
            let draft = CreateDraft { account, input, time: None, request_key: None };
            Some(rig.parts.posts.create_draft(CALLER, draft).await?.id)
        }
        Story::Waited | Story::WentOut | Story::ByHand => Some(rig.ask(mode, account, &asking(Some(AHEAD))).await?),
        Story::Retried => {
            let id = rig.ask(mode, account, &asking(Some(AHEAD))).await?;
            rig.advance(TOO_LATE)?;
            drive::run(rig, [Orders::default()]).await?;
            let status = rig.parts.posts.get(CALLER, id).await?.post.status;
            ensure!(status == Status::Failed, "it was to be late, and is {status}");
            Some(id)
        }
        Story::UnderWay => {
            let id = rig.ask(mode, account, &asking(None)).await?;
            let fault = Some(format!("answer_arrived:{}=stop", mode.upload.point_of_no_return()));
            let mut core = rig.core(&Orders { fault, ..Orders::default() })?;
            until("the core stops", std::time::Duration::from_secs(60), async || {
                ensure!(core.ended()?.is_none(), "the core ended by itself");
                drive::step(rig, &core, dead).await?;
                Ok(core.is_stopped())
            })
            .await?;
            core.kill()?;
            dead.buried(rig, &core).await?;
            Some(id)
        }
    })
}

/// What happens after the backup was made.
async fn since(rig: &mut Rig, mode: Mode, account: AccountId, story: Story, dead: &Dead) -> Result<()> {
    let id = PostId(1);
    match story {
        Story::Waited => return Ok(()),
        Story::WentOut | Story::UnderWay => {}
        Story::ByHand | Story::Draft => drop(rig.parts.posts.publish_now(CALLER, id, None).await?),
        Story::Retried => drop(rig.parts.posts.retry(CALLER, id).await?),
        Story::Asked => drop(rig.ask(mode, account, &asking(None)).await?),
    }
    let mut core = rig.core(&Orders::default())?;
    rest_with_owners(rig, &mut core, dead).await?;
    core.kill()
}

/// What callers do on the backup: those whose post is gone, or not out, want it again.
async fn again(rig: &mut Rig, mode: Mode, account: AccountId, story: Story, before: Option<PostId>) -> Result<PostId> {
    let Some(id) = before else { return rig.ask(mode, account, &asking(None)).await };
    match story {
        // Whatever they are answered, the post is to be out once.
        Story::ByHand | Story::Draft => drop(rig.parts.posts.publish_now(CALLER, id, None).await),
        Story::Retried => drop(rig.parts.posts.retry(CALLER, id).await),
        Story::Waited | Story::WentOut | Story::UnderWay | Story::Asked => {}
    }
    Ok(id)
}
