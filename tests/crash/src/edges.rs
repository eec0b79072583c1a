//! The edges of the promise: refusals of a platform that acted, equal captions in flight, files that are replaced on the
//! way, stops at the worst moment, callers who move a post while it is handed over, a platform that hangs.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use aurareels_core::{
    app::posts::requests::{PostInput, UpdatePost},
    domain::{
        ids::{AccountId, PostId},
        platform::{LoginFlavour, Platform},
        post::{Content, SchedulerKind, Status},
    },
};
use aurareels_simulator::{Action, Hold, Matcher, Refusal, Rule, When, incomplete, refusals};
use chrono::TimeDelta;
use serde_json::json;

use crate::{
    checks,
    core::{Core, Orders},
    drive::{self, Dead},
    mode::{Mode, Upload},
    rig::{Asking, CALLER, Rig, breath},
    scenarios::{Scenario, boxed, rest, until, with_post},
    suite::{Verdict, on_rig},
    webhook::Webhook,
    windows::Window,
};

/// After this a core looks for what others have written.
const SWEEP: TimeDelta = TimeDelta::milliseconds(4_100);

/// Refusals that one case tries one after the other, with one core.
const TOGETHER: usize = 14;

/// The scenarios of one upload mode: group, name, what to run.
pub(crate) fn of(upload: Upload) -> Vec<(&'static str, String, Scenario)> {
    let mut all: Vec<(&'static str, String, Scenario)> = Vec::new();
    for act in [true, false] {
        for (number, some) in refusals(upload.visible_request()).chunks(TOGETHER).enumerate() {
            let (some, having) = (some.to_vec(), if act { "having" } else { "without having" });
            let name = format!("every refusal, {having} acted ({})", number + 1);
            all.push(("refusals that lie", name, boxed(move || refused(upload, some, act))));
        }
    }
    all.push(("equal captions", "one's request is lost".to_owned(), boxed(move || twins(upload))));
    all.push(("stops", "SIGTERM while armed".to_owned(), boxed(move || stopped_while_armed(upload))));
    if upload.refresh().is_some() {
        let scenario = boxed(move || stopped_while_refreshing(upload));
        all.push(("stops", "SIGTERM while a token is refreshed".to_owned(), scenario));
    }
    all.push(("hand-over", "published now while n8n is told".to_owned(), boxed(move || moved_while_told(upload))));
    if upload.platform() == Platform::Instagram {
        all.push(("hand-over", "edited while it is prepared".to_owned(), boxed(move || edited_while_prepared(upload))));
    }
    if upload.unseen_upload().is_some() && upload != Upload::YoutubeOneStep {
        for (how, served) in [("with an ETag", ""), ("without an ETag", "&no_etag=1")] {
            let scenario = boxed(move || replaced(upload, served));
            all.push(("replaced files", format!("replaced on the way, {how}"), scenario));
        }
    }
    if upload == Upload::TiktokMulti {
        all.push(("refusals that lie", "all parts are in, and are not".to_owned(), boxed(told_complete)));
    }
    if upload != Upload::InstagramUrl {
        all.push(("neighbours", "two accounts of one user".to_owned(), boxed(move || two_accounts(upload))));
    }
    if upload == Upload::TiktokPull {
        all.push(("neighbours", "a platform that hangs".to_owned(), boxed(hangs)));
    }
    all
}

/// Runs until everything rests; owners whose login died connect again.
pub(crate) async fn rest_with_owners(rig: &mut Rig, core: &mut Core, dead: &Dead) -> Result<()> {
    let (begun, mut looked) = (Instant::now(), Instant::now());
    loop {
        ensure!(core.ended()?.is_none(), "the core ended by itself");
        if !drive::step(rig, core, dead).await? {
            return Ok(());
        }
        if looked.elapsed() > Duration::from_millis(100) {
            looked = Instant::now();
            reconnect(rig).await?;
        }
        ensure!(begun.elapsed() < drive::PATIENCE, "no rest: {:?}", rig.wanting().await?);
    }
}

/// Lets the owners of dead logins connect again.
async fn reconnect(rig: &mut Rig) -> Result<()> {
    let dead =
        "SELECT platform, account_id, login_flavour FROM aurareels_social_accounts WHERE health = 'needs_reconnect'";
    for row in rig.database.rows(dead).await? {
        let (platform, person) = (row.text("platform")?, row.text("account_id")?);
        let flavour: Option<LoginFlavour> = row.text("login_flavour")?.parse().ok();
        let platform: Platform = platform.parse().context("no such platform")?;
        match platform {
            Platform::Tiktok | Platform::Youtube => rig.connect(platform, None, Some(&person)).await?,
            Platform::Instagram | Platform::Facebook => rig.connect(platform, flavour, None).await?,
        };
    }
    Ok(())
}

async fn status(rig: &Rig, id: PostId) -> Result<Status> {
    Ok(rig.parts.posts.get(CALLER, id).await?.post.status)
}

/// The visible request is refused in every way that the sheet knows. Where the platform acted all the same, the post is
/// published once and holds its own id; where it did not, it is published later, or failed with proof.
async fn refused(upload: Upload, refusals: Vec<Refusal>, act: bool) -> Result<Verdict> {
    let mode = Mode { upload, scheduled: false };
    on_rig(&[], async move |rig| {
        let account = rig.account(mode).await?;
        // A pull whose answer told nothing true (500) has no handle to ask about.
        rig.ceilings.reviews = usize::from(upload == Upload::TiktokPull && !act);
        rig.ceilings.failures = if act { 0 } else { refusals.len() };
        let mut core = rig.core(&Orders::default())?;
        let mut reviews = 0;
        for (number, refusal) in refusals.iter().enumerate() {
            let caption = format!("refused{number}");
            let operation = Some(upload.visible_request().to_owned());
            let rule = Rule::once(Matcher { operation, ..Matcher::default() }, refusal.answer(act));
            let rule = rig.sim.add_fault(rule);
            reconnect(rig).await?;
            let id = rig.create(mode, account, &caption).await?;
            rig.advance(SWEEP)?;
            let told = format!("refused with {}", refusal.name);
            rest_with_owners(rig, &mut core, &Dead::default()).await.context(told.clone())?;
            ensure!(rig.sim.fault_fired(rule) == Some(1), "{told}: the request was never made");
            let (status, visible) = (status(rig, id).await?, checks::visible(rig, &caption));
            let is_right = match status {
                Status::Published => visible == 1,
                Status::Failed => visible == 0 && !act,
                Status::NeedsReview => upload == Upload::TiktokPull,
                _ => false,
            };
            reviews += usize::from(status == Status::NeedsReview);
            ensure!(is_right, "{told}: it ended {status}, {visible} visible");
        }
        core.kill()?;
        checks::database(rig).await?;
        Ok(if reviews > 0 { Verdict::Explained(Window::LostPublishId) } else { Verdict::Once })
    })
    .await
}

/// TikTok says that all parts are in, and its header says that they are not.
async fn told_complete() -> Result<Verdict> {
    let upload = Upload::TiktokMulti;
    with_post(Mode { upload, scheduled: false }, &[], async move |rig| {
        let size = upload.video_size();
        let operation = Some(upload.visible_request().to_owned());
        let matcher = Matcher { operation, ..Matcher::default() };
        rig.sim.add_fault(Rule::once(matcher, incomplete(size / 2, size)));
        drive::run(rig, [Orders::default()]).await?;
        Ok(())
    })
    .await
}

/// Two posts with one caption and two videos are under way; the request of one never arrives. Each becomes visible once and
/// holds its own id.
async fn twins(upload: Upload) -> Result<Verdict> {
    let mode = Mode { upload, scheduled: false };
    on_rig(&[], async move |rig| {
        rig.ceilings.reviews = usize::from(upload == Upload::TiktokPull);
        let account = rig.account(mode).await?;
        let operation = Some(upload.visible_request().to_owned());
        let lost =
            Rule::once(Matcher { operation, ..Matcher::default() }, Action::Cut { when: When::Before, after_bytes: 0 });
        let lost = rig.sim.add_fault(lost);
        let asking = |video| Asking { video, text: "one caption for two", ..Asking::default() };
        let first = rig.ask(mode, account, &asking("first")).await?;
        let mut core = rig.core(&Orders::default())?;
        let dead = Dead::default();
        until("the first one's request is lost", Duration::from_secs(60), async || {
            drive::step(rig, &core, &dead).await?;
            Ok(rig.sim.fault_fired(lost) == Some(1))
        })
        .await?;
        let second = rig.ask(mode, account, &asking("second")).await?;
        rig.advance(SWEEP)?;
        rest(rig, &mut core, &dead).await?;
        core.kill()?;
        let (first, second) = (status(rig, first).await?, status(rig, second).await?);
        checks::database(rig).await?;
        ensure!(second == Status::Published, "the second one ended {second}");
        if upload == Upload::TiktokPull && first == Status::NeedsReview {
            return Ok(Verdict::Explained(Window::LostPublishId));
        }
        ensure!(first == Status::Published, "the first one ended {first}");
        Ok(Verdict::Once)
    })
    .await
}

/// A core is asked to end when it has recorded the visible request and waits for its time; another one takes over before
/// that time. The post is not early.
async fn stopped_while_armed(upload: Upload) -> Result<Verdict> {
    for _ in 0..5 {
        match stopped_if_seen_armed(upload).await {
            Err(error) if format!("{error:#}").contains(MISSED) => {}
            other => return other,
        }
    }
    stopped_if_seen_armed(upload).await
}

/// A request is armed for less than a second of real time: on a busy machine nobody may look, or the core may not end, while
/// it is.
const MISSED: &str = "the request had left before the core was stopped";

async fn stopped_if_seen_armed(upload: Upload) -> Result<Verdict> {
    with_post(Mode { upload, scheduled: true }, &[], async move |rig| {
        let mut core = rig.core(&Orders::default())?;
        let mut dead = Dead::default();
        let mut armed = None;
        until("the request is armed", Duration::from_secs(60), async || {
            armed = rig.armed_until().await?;
            if armed.is_none() {
                ensure!(rig.sim.posts().is_empty(), MISSED);
                drive::step(rig, &core, &dead).await?;
            }
            Ok(armed.is_some())
        })
        .await?;
        core.terminate().await?;
        dead.buried(rig, &core).await?;
        let left = armed.context("no time")? - rig.sim.clock().now();
        ensure!(left > TimeDelta::zero(), MISSED);
        let mut heir = rig.core(&Orders::default())?;
        rest(rig, &mut heir, &dead).await?;
        heir.kill()
    })
    .await
}

/// A core is asked to end while the platform answers a refresh that has rotated the token: the answer is kept.
async fn stopped_while_refreshing(upload: Upload) -> Result<Verdict> {
    with_post(Mode { upload, scheduled: true }, &[], async move |rig| {
        let name = upload.refresh().context("nothing is refreshed")?;
        let matcher = Matcher { operation: Some(name.to_owned()), ..Matcher::default() };
        let rule = Rule { delay_after_ms: 700, hold: None, ..Rule::hold_once(matcher, Hold::After) };
        let rule = rig.sim.add_fault(rule);
        let mut core = rig.core(&Orders::default())?;
        let mut dead = Dead::default();
        until("the token is refreshed", Duration::from_secs(60), async || {
            drive::step(rig, &core, &dead).await?;
            Ok(rig.sim.fault_fired(rule) == Some(1))
        })
        .await?;
        core.terminate().await?;
        dead.buried(rig, &core).await?;
        let log = std::fs::read_to_string(rig.log())?;
        ensure!(
            !log.contains("closed pool") && !log.contains("pool is closed"),
            "the store was closed under a refresh"
        );
        let mut heir = rig.core(&Orders::default())?;
        rest(rig, &mut heir, &dead).await?;
        heir.kill()
    })
    .await
}

/// n8n takes its time to answer the hand-over; meanwhile the caller wants the post published now. It is, and long before
/// its time.
async fn moved_while_told(upload: Upload) -> Result<Verdict> {
    let mode = Mode { upload, scheduled: true };
    let webhook = Webhook::open().await?;
    let address = webhook.address.clone();
    let settings = [("N8N_SCHEDULER_WEBHOOK", address.as_str()), ("N8N_API_KEY", "canary-n8n-key")];
    on_rig(&settings, async move |rig| {
        rig.moved_by_hand = true;
        let account = rig.account(mode).await?;
        let scheduler = Some(SchedulerKind::N8n);
        let asking = Asking { video: "solo", text: "solo", scheduler, ..Asking::default() };
        let id = rig.ask(mode, account, &asking).await?;
        let due = rig.parts.posts.get(CALLER, id).await?.post.scheduled_at.context("no time")?;
        let mut core = rig.core(&Orders::default())?;
        let dead = Dead::default();
        until("n8n is told", Duration::from_secs(60), async || Ok(webhook.is_asked())).await?;
        rig.parts.posts.publish_now(CALLER, id, None).await?;
        webhook.answer();
        rest(rig, &mut core, &dead).await?;
        core.kill()?;
        let ending = checks::ending(rig, id, "solo").await?;
        checks::database(rig).await?;
        ensure!(ending.post.status == Status::Published, "it ended {}", ending.post.status);
        let asked_at = rig.sim.posts().first().context("nothing is visible")?.asked_at;
        ensure!(
            asked_at < due - TimeDelta::minutes(30),
            "\"publish now\" waited for the old time: {asked_at}, due {due}"
        );
        Ok(Verdict::Once)
    })
    .await
}

/// A caller edits the caption of a post that a worker prepares, while its container, which holds the caption, is made.
/// Whatever the caller is answered, what is visible has the caption that the row has.
async fn edited_while_prepared(upload: Upload) -> Result<Verdict> {
    let mode = Mode { upload, scheduled: false };
    on_rig(&[], async move |rig| {
        let account = rig.account(mode).await?;
        let ahead = Some(TimeDelta::hours(2));
        let id = rig.ask(mode, account, &Asking { video: "solo", text: "solo", ahead, ..Asking::default() }).await?;
        let matcher = Matcher { operation: Some("meta.container_create".to_owned()), ..Matcher::default() };
        let held = rig.sim.add_fault(Rule::hold_once(matcher, Hold::After));
        let mut core = rig.core(&Orders::default())?;
        let dead = Dead::default();
        until("the container is made", Duration::from_secs(60), async || {
            drive::step(rig, &core, &dead).await?;
            Ok(rig.sim.fault_fired(held) == Some(1))
        })
        .await?;
        ensure!(status(rig, id).await? == Status::Scheduled, "it is not prepared ahead of its time");
        let content = Content { caption: "solo, edited".to_owned(), ..Content::default() };
        let input = PostInput { content, ..PostInput::default() };
        let change = UpdatePost { id, input, fields: vec!["caption".to_owned()], revision: None };
        let _ = rig.parts.posts.update(CALLER, change).await;
        rig.sim.release_fault(held);
        rest(rig, &mut core, &dead).await?;
        core.kill()?;
        let status = status(rig, id).await?;
        checks::database(rig).await?;
        ensure!(status == Status::Published, "it ended {status}");
        Ok(Verdict::Once)
    })
    .await
}

/// The file behind the link is replaced by another of the same size while it travels; what is published is one of them.
async fn replaced(upload: Upload, served: &'static str) -> Result<Verdict> {
    let mode = Mode { upload, scheduled: false };
    on_rig(&[], async move |rig| {
        let account = rig.account(mode).await?;
        let (size, from) = match upload {
            // Behind the third chunk.
            Upload::TiktokMulti => (70_000_000, 35_000_000),
            _ => (4_000_000, 3_000_000),
        };
        let served = format!("{served}&size={size}&swap=99&swap_after={from}");
        let asking = Asking { video: "solo", served: &served, text: "solo", ..Asking::default() };
        let id = rig.ask(mode, account, &asking).await?;
        if let Some(request) = upload.unseen_upload().filter(|_| upload != Upload::TiktokMulti) {
            // The upload breaks off half way, and goes on from there.
            let matcher = Matcher { operation: Some(request.to_owned()), ..Matcher::default() };
            rig.sim.add_fault(Rule::once(matcher, Action::Cut { when: When::Body, after_bytes: size / 2 }));
        }
        drive::run(rig, [Orders::default()]).await?;
        let ending = checks::ending(rig, id, "solo").await?;
        checks::database(rig).await?;
        ensure!(ending.post.status == Status::Published, "it ended {}: {:?}", ending.post.status, ending.post.error);
        Ok(Verdict::Once)
    })
    .await
}

/// Two accounts of one platform have a post each at the same time: each is visible on its own account.
async fn two_accounts(upload: Upload) -> Result<Verdict> {
    let mode = Mode { upload, scheduled: false };
    on_rig(&[], async move |rig| {
        let first = rig.account(mode).await?;
        let other = match upload.platform() {
            Platform::Tiktok => Some("-000tiktok-creator-other"),
            Platform::Youtube => Some("UCotherotherotherother00"),
            // One login brings several.
            Platform::Instagram | Platform::Facebook => None,
        };
        if let Some(other) = other {
            let platform = upload.platform();
            let spec = json!({"platform": platform.as_str(), "id": other, "name": "Other", "username": "other"});
            rig.control("accounts", spec).await?;
            rig.connect(platform, None, Some(other)).await?;
        }
        let other = format!(
            "SELECT id FROM aurareels_social_accounts WHERE id <> {} AND platform = '{}' ORDER BY id LIMIT 1",
            first.0,
            upload.platform().as_str()
        );
        let second = AccountId(rig.database.row(&other).await?.int("id")?);
        let mut posts = Vec::new();
        for (account, caption) in [(first, "first"), (second, "second")] {
            posts.push((rig.create(mode, account, caption).await?, caption));
        }
        drive::run(rig, [Orders::default()]).await?;
        for (id, caption) in posts {
            let ending = checks::ending(rig, id, caption).await?;
            ensure!(ending.post.status == Status::Published, "{caption} ended {}", ending.post.status);
        }
        checks::database(rig).await?;
        Ok(Verdict::Once)
    })
    .await
}

/// TikTok accepts requests and answers none; Instagram's posts go out meanwhile, and TikTok's when it answers again.
async fn hangs() -> Result<Verdict> {
    const EACH: usize = 6;
    on_rig(&[], async move |rig| {
        let tiktok = Mode { upload: Upload::TiktokSingle, scheduled: false };
        let instagram = Mode { upload: Upload::FacebookUrl, scheduled: false };
        let mut posts: Vec<(PostId, String, AccountId)> = Vec::new();
        for (mode, name) in [(tiktok, "hanging"), (instagram, "healthy")] {
            let account = rig.account(mode).await?;
            for number in 0..EACH {
                let caption = format!("{name}{number}");
                posts.push((rig.create(mode, account, &caption).await?, caption, account));
            }
        }
        let matcher = Matcher { vendor: Some("tiktok".to_owned()), ..Matcher::default() };
        let hanging = rig.sim.add_fault(Rule { times: 0, ..Rule::hold_once(matcher, Hold::Before) });
        let mut core = rig.core(&Orders::default())?;
        until("the healthy platform's posts are out", Duration::from_secs(60), async || {
            ensure!(core.ended()?.is_none(), "the core ended by itself");
            // Polls of the healthy ones are waited for; the hanging ones hold their claims.
            rig.advance(TimeDelta::milliseconds(100))?;
            breath().await;
            let mut out = 0;
            for (id, ..) in &posts[EACH..] {
                out += usize::from(status(rig, *id).await? == Status::Published);
            }
            Ok(out == EACH)
        })
        .await?;
        ensure!(rig.sim.fault_fired(hanging).is_some_and(|fired| fired >= 1), "nothing hangs");
        ensure!(rig.sim.posts().iter().all(|post| post.platform == "instagram"), "a post that hangs is out");
        rig.sim.remove_fault(hanging);
        rest(rig, &mut core, &Dead::default()).await?;
        core.kill()?;
        for (id, caption, _) in posts {
            let ending = checks::ending(rig, id, &caption).await?;
            ensure!(ending.post.status == Status::Published, "{caption} ended {}", ending.post.status);
        }
        checks::database(rig).await?;
        Ok(Verdict::Once)
    })
    .await
}
