//! Scenarios that need more than one death of one core: two cores, one of them paused past its lease; SIGTERM in the
//! middle; panics; renewals, quotas and backlogs, whose points an undisturbed post never passes.

use std::{pin::Pin, time::Duration};

use anyhow::{Context, Result, ensure};
use aurareels_core::domain::{
    ids::{AccountId, PostId},
    ledger::{StepClass, StepOutcome},
    post::Status,
};
use aurareels_simulator::{Action, Hold, Matcher, Rule};
use rustix::process::Signal;
use serde_json::json;

use crate::{
    checks,
    core::{Core, Orders},
    drive::{self, Dead},
    mode::{Mode, Upload},
    rig::{Rig, breath},
    suite::{Verdict, on_rig},
    windows::Window,
};

/// Makes the scenario's future on the thread that runs it.
pub(crate) type Scenario = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = Result<Verdict>>>> + Send>;

pub(crate) fn boxed<F: Future<Output = Result<Verdict>> + 'static>(
    make: impl FnOnce() -> F + Send + 'static,
) -> Scenario {
    Box::new(move || Box::pin(make()))
}

/// The shortest lease there is, so that it can pass in real time: a stopped process is judged by the monotonic clock.
const SHORT_LEASE: [(&str, &str); 1] = [("AURAREELS_LEASE_SECONDS", "3")];

/// Real time in which a short lease surely ends.
const LEASE_OVER: Duration = Duration::from_millis(3_300);

/// Longer than a write waits for the database's lock.
const LOCK_PATIENCE_OVER: Duration = Duration::from_millis(11_500);

/// The scenarios of one upload mode: group, name, what to run.
pub(crate) fn of(upload: Upload) -> Vec<(&'static str, String, Scenario)> {
    let mode = Mode { upload, scheduled: false };
    let mut all: Vec<(&'static str, String, Scenario)> = Vec::new();
    for point in ["step_recorded", "exchange_begins", "request_leaves", "answer_arrived", "exchange_ends"] {
        all.push(("two cores, one paused", format!("paused at {point}"), boxed(move || paused(mode, point))));
    }
    if !upload.shows_with_its_last_byte() {
        all.push((
            "two cores, one paused",
            "paused at connection_opened".to_owned(),
            boxed(move || paused(mode, "connection_opened")),
        ));
    }
    // Behind the last look at the lease, only the platform's own refusal of a second sending helps (docs/windows.md).
    let behind = if upload.shows_with_its_last_byte() { "last_byte_leaves" } else { "lease_checked" };
    all.push(("two cores, one paused", format!("paused at {behind}"), boxed(move || paused(mode, behind))));
    all.push((
        "two cores, one paused",
        "paused inside a commit".to_owned(),
        boxed(move || paused_inside_a_commit(mode)),
    ));
    for point in ["renew_begins", "renewed"] {
        all.push(("renewals", format!("killed at {point}"), boxed(move || killed_while_held(mode, point, None))));
    }
    for point in ["shutdown_release_begins", "shutdown_released"] {
        let scenario = boxed(move || killed_while_held(mode, point, Some(Signal::TERM)));
        all.push(("shutdown", format!("SIGTERM, killed at {point}"), scenario));
    }
    all.push(("shutdown", "SIGTERM in the visible request".to_owned(), boxed(move || terminated(mode, None))));
    if let Some(request) = upload.unseen_upload() {
        all.push(("shutdown", "SIGTERM in the upload".to_owned(), boxed(move || terminated(mode, Some(request)))));
    }
    for point in ["exchange_begins", "exchange_ends", "outcome_committed"] {
        all.push(("panics", format!("panic at {point}"), boxed(move || panicked(mode, point, None))));
    }
    if upload == Upload::TiktokPull {
        let scenario = boxed(kills_every_core);
        all.push(("panics", "a post that ends every core takes no other with it".to_owned(), scenario));
    }
    for point in ["abandon_begins", "abandoned"] {
        let scenario = boxed(move || panicked(mode, "exchange_ends", Some(point)));
        all.push(("panics", format!("panic, killed at {point}"), scenario));
    }
    for point in ["postpone_begins", "postponed"] {
        all.push(("backlog", format!("killed at {point}"), boxed(move || backlog(upload, point))));
    }
    if upload.platform() == aurareels_core::domain::platform::Platform::Instagram {
        for point in ["quota_note_begins", "quota_noted"] {
            all.push(("quota", format!("killed at {point}"), boxed(move || quota(upload, point))));
        }
    }
    for point in ["note_begins", "noted"] {
        all.push(("changed video", format!("killed at {point}"), boxed(move || measured_again(upload, point))));
    }
    if upload.refresh().is_some() {
        for point in ["refresh_release_begins", "refresh_released"] {
            all.push(("refused refresh", format!("killed at {point}"), boxed(move || refresh_in_vain(upload, point))));
        }
    }
    all
}

/// Runs a scenario on a rig with one post and checks how it ended.
pub(crate) async fn with_post<F>(mode: Mode, settings: &[(&str, &str)], scenario: F) -> Result<Verdict>
where
    F: AsyncFnOnce(&mut Rig) -> Result<()>,
{
    on_rig(settings, async move |rig| {
        let account = rig.account(mode).await?;
        let id = rig.create(mode, account, "solo").await?;
        rig.ceilings.reviews = usize::from(mode.upload == Upload::TiktokPull);
        scenario(rig).await?;
        let ending = checks::ending(rig, id, "solo").await?;
        checks::database(rig).await?;
        if mode.upload == Upload::TiktokPull && ending.post.status == Status::NeedsReview {
            return Ok(Verdict::Explained(Window::LostPublishId));
        }
        ensure!(
            ending.post.status == Status::Published && ending.visible == 1,
            "ended {} with {} visible: {:?}",
            ending.post.status,
            ending.visible,
            ending.post.error
        );
        Ok(Verdict::Once)
    })
    .await
}

pub(crate) async fn until(what: &str, limit: Duration, mut look: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let begun = std::time::Instant::now();
    while !look().await? {
        ensure!(begun.elapsed() < limit, "{what}: not within {} s", limit.as_secs());
        breath().await;
    }
    Ok(())
}

/// Runs until everything rests with this core.
pub(crate) async fn rest(rig: &Rig, core: &mut Core, dead: &Dead) -> Result<()> {
    until("the post comes to rest", drive::PATIENCE, async || {
        ensure!(core.ended()?.is_none(), "the core ended by itself");
        Ok(!drive::step(rig, core, dead).await?)
    })
    .await
}

/// A core is stopped at a point of its visible request, longer than its lease; another takes over and ends the work; then
/// the first one wakes.
async fn paused(mode: Mode, point: &'static str) -> Result<Verdict> {
    with_post(mode, &SHORT_LEASE, async move |rig| {
        if point == "lease_checked" {
            rig.control("meta/behaviour", json!({"set": {"second_publish": "error"}})).await?;
            rig.control("meta/facebook/behaviour", json!({"set": {"second_finish": "success"}})).await?;
        }
        let fault = format!("{point}:{}=stop", mode.upload.point_of_no_return());
        let mut sleeper = rig.core(&Orders { fault: Some(fault), ..Orders::default() })?;
        let mut dead = Dead::default();
        until("the first core stops", Duration::from_secs(60), async || {
            ensure!(sleeper.ended()?.is_none(), "the first core ended");
            if sleeper.is_stopped() {
                return Ok(true);
            }
            drive::step(rig, &sleeper, &dead).await?;
            Ok(false)
        })
        .await?;
        tokio::time::sleep(LEASE_OVER).await;
        dead.buried(rig, &sleeper).await?;
        let mut heir = rig.core(&Orders::default())?;
        // Whoever was stopped while another of its tasks was committing keeps the database's lock: nobody can take over,
        // and both go on when it wakes.
        if !rig.is_locked().await? {
            rest(rig, &mut heir, &dead).await?;
        }
        sleeper.signal(Signal::CONT)?;
        // Awake, it has nothing to send: it looks at its lease, learns that it is fenced and goes on to other work.
        let passed = sleeper.passed().len();
        until("the first core goes on", Duration::from_secs(10), async || Ok(sleeper.passed().len() > passed)).await?;
        tokio::time::sleep(Duration::from_millis(700)).await;
        rest(rig, &mut heir, &dead).await?;
        sleeper.kill()?;
        heir.kill()?;
        // What the heir found out stands: the sleeper's word is void.
        let ledger = rig.parts.store.ledger(PostId(1)).await?;
        let overwritten = ledger
            .entries()
            .iter()
            .any(|entry| entry.class == StepClass::PointOfNoReturn && entry.outcome == Some(StepOutcome::NoEffect));
        ensure!(!overwritten, "the woken core wrote over what the other one found out");
        Ok(())
    })
    .await
}

/// A core is stopped in the middle of a commit and keeps what it wrote locked, longer than a write waits. Another one that
/// starts meanwhile does not end for that, and the work goes on: on a file when the first one wakes, on a server before.
async fn paused_inside_a_commit(mode: Mode) -> Result<Verdict> {
    with_post(mode, &SHORT_LEASE, async move |rig| {
        let fault = Some("row_written=stop".to_owned());
        let mut sleeper = rig.core(&Orders { fault, ..Orders::default() })?;
        let mut dead = Dead::default();
        until("the first core stops", Duration::from_secs(60), async || {
            ensure!(sleeper.ended()?.is_none(), "the first core ended");
            Ok(sleeper.is_stopped())
        })
        .await?;
        ensure!(rig.is_locked().await? || !rig.is_file(), "the database is not locked");
        let mut heir = rig.core(&Orders::default())?;
        tokio::time::sleep(LOCK_PATIENCE_OVER).await;
        ensure!(heir.ended()?.is_none(), "the second core ended by itself while the database was locked");
        dead.buried(rig, &sleeper).await?;
        if !rig.is_file() {
            // A server lets go what is locked by a core that says no more.
            rest(rig, &mut heir, &dead).await?;
        }
        sleeper.signal(Signal::CONT)?;
        rest(rig, &mut heir, &dead).await?;
        sleeper.kill()?;
        rest(rig, &mut heir, &dead).await?;
        heir.kill()
    })
    .await
}

/// The visible request is held by the platform while a core dies at a point of its own housekeeping.
async fn killed_while_held(mode: Mode, point: &'static str, signal: Option<Signal>) -> Result<Verdict> {
    with_post(mode, &SHORT_LEASE, async move |rig| {
        let matcher = Matcher { operation: Some(mode.upload.visible_request().to_owned()), ..Matcher::default() };
        let rule = rig.sim.add_fault(Rule::hold_once(matcher, Hold::Before));
        // Renewals happen all the time: the one that counts comes while the request is held.
        let nth = if signal.is_none() { "#3" } else { "" };
        let mut core = rig.core(&Orders { fault: Some(format!("{point}{nth}=kill")), ..Orders::default() })?;
        let mut dead = Dead::default();
        until("the request is held", Duration::from_secs(60), async || {
            if rig.sim.fault_fired(rule) == Some(1) || core.ended()?.is_some() {
                return Ok(true);
            }
            drive::step(rig, &core, &dead).await?;
            Ok(false)
        })
        .await?;
        if let Some(signal) = signal {
            core.signal(signal)?;
        }
        until("the core dies", Duration::from_secs(20), async || Ok(core.ended()?.is_some())).await?;
        rig.sim.release_fault(rule);
        dead.buried(rig, &core).await?;
        let mut heir = rig.core(&Orders::default())?;
        rest(rig, &mut heir, &dead).await?;
        heir.kill()
    })
    .await
}

/// SIGTERM while a request is under way: the core ends in time, and the next one finishes.
async fn terminated(mode: Mode, request: Option<&'static str>) -> Result<Verdict> {
    with_post(mode, &[], async move |rig| {
        let operation = request.unwrap_or(mode.upload.visible_request()).to_owned();
        let matcher = Matcher { operation: Some(operation), ..Matcher::default() };
        let rule = Rule { delay_before_ms: 700, hold: None, ..Rule::hold_once(matcher, Hold::Before) };
        let rule = rig.sim.add_fault(rule);
        let mut core = rig.core(&Orders::default())?;
        let mut dead = Dead::default();
        until("the request is under way", Duration::from_secs(60), async || {
            drive::step(rig, &core, &dead).await?;
            Ok(rig.sim.fault_fired(rule) == Some(1))
        })
        .await?;
        core.terminate().await?;
        dead.buried(rig, &core).await?;
        let mut heir = rig.core(&Orders::default())?;
        rest(rig, &mut heir, &dead).await?;
        heir.kill()
    })
    .await
}

/// A worker panics; its post is found again by the same core, or, when that dies too, by the next.
async fn panicked(mode: Mode, point: &'static str, then_killed_at: Option<&'static str>) -> Result<Verdict> {
    with_post(mode, &SHORT_LEASE, async move |rig| {
        let mut fault = format!("{point}:{}=panic", mode.upload.point_of_no_return());
        if let Some(second) = then_killed_at {
            fault.push_str(&format!(";{second}=kill"));
        }
        let mut core = rig.core(&Orders { fault: Some(fault), ..Orders::default() })?;
        let mut dead = Dead::default();
        if then_killed_at.is_some() {
            until("the core dies", Duration::from_secs(60), async || {
                drive::step(rig, &core, &dead).await?;
                Ok(core.ended()?.is_some())
            })
            .await?;
            dead.buried(rig, &core).await?;
            core = rig.core(&Orders::default())?;
        }
        rest(rig, &mut core, &dead).await?;
        core.kill()
    })
    .await
}

/// Whatever core works on one of the posts is gone before it has written anything; the others are under way with it each
/// time. It is quarantined, and they go out.
async fn kills_every_core() -> Result<Verdict> {
    const OTHERS: usize = 4;
    on_rig(&[], async move |rig| {
        let pull = Mode { upload: Upload::TiktokPull, scheduled: false };
        let other = Mode { upload: Upload::TiktokSingle, scheduled: false };
        let account = rig.account(pull).await?;
        let poison = rig.create(pull, account, "poison").await?;
        let mut others = Vec::new();
        for number in 0..OTHERS {
            let caption = format!("other{number}");
            others.push((rig.create(other, account, &caption).await?, caption));
        }
        let fault = Some(format!("step_record_begins:{}#*=kill", pull.upload.point_of_no_return()));
        let order = Orders { fault, ..Orders::default() };
        drive::run(rig, std::iter::repeat_n(order, 40)).await?;
        rig.ceilings.failures = 1;
        let ending = checks::ending(rig, poison, "poison").await?;
        let reason = ending.post.error.as_ref().map(|error| error.reason.as_str());
        ensure!(
            ending.post.status == Status::Failed && ending.visible == 0 && reason == Some("QUARANTINED"),
            "the post to blame ended {} for {reason:?}",
            ending.post.status
        );
        for (id, caption) in others {
            let ending = checks::ending(rig, id, &caption).await?;
            ensure!(ending.post.status == Status::Published, "{caption} ended {}", ending.post.status);
        }
        checks::database(rig).await?;
        Ok(Verdict::Once)
    })
    .await
}

/// Two posts of one account found late: the second is put off, and the core dies there.
async fn backlog(upload: Upload, point: &'static str) -> Result<Verdict> {
    let mode = Mode { upload, scheduled: true };
    with_post(mode, &[], async move |rig| {
        rig.create(mode, AccountId(1), "second").await?;
        rig.advance(mode.ahead() + chrono::TimeDelta::minutes(5))?;
        // A refresh that the first post began at the same time would be cut as well: that is a case of its own.
        rig.renew(AccountId(1)).await?;
        died_and_went_on(rig, point).await?;
        ensure!(checks::visible(rig, "second") == 1, "the second post is not visible once");
        Ok(())
    })
    .await
}

/// The day's quota is used up when the post wants to go out, and the core dies while it notes that.
async fn quota(upload: Upload, point: &'static str) -> Result<Verdict> {
    let mode = Mode { upload, scheduled: false };
    with_post(mode, &[], async move |rig| {
        drive::run(rig, [Orders::default()]).await?;
        rig.control("meta/behaviour", json!({"set": {"quota_total": 1}})).await?;
        rig.create(mode, AccountId(1), "second").await?;
        died_and_went_on(rig, point).await?;
        ensure!(checks::visible(rig, "second") == 1, "the second post is not visible once");
        Ok(())
    })
    .await
}

/// What was measured of the video is not known any more, so that it is written again; the core dies there.
async fn measured_again(upload: Upload, point: &'static str) -> Result<Verdict> {
    let mode = Mode { upload, scheduled: false };
    with_post(mode, &[], async move |rig| {
        rig.database.write("UPDATE aurareels_social_posts SET media_facts = NULL").await?;
        died_and_went_on(rig, point).await
    })
    .await
}

/// The platform has trouble when a token is to be refreshed that still works; the core dies while it gives up for now.
async fn refresh_in_vain(upload: Upload, point: &'static str) -> Result<Verdict> {
    let mode = Mode { upload, scheduled: true };
    with_post(mode, &[], async move |rig| {
        let name = upload.refresh().context("nothing is refreshed")?;
        let matcher = Matcher { operation: Some(name.to_owned()), ..Matcher::default() };
        let trouble = Action::Answer { status: 503, headers: Default::default(), body: None, act: false };
        rig.sim.add_fault(Rule { times: 4, ..Rule::once(matcher, trouble) });
        died_and_went_on(rig, point).await
    })
    .await
}

/// A core dies at a point, the next one ends the work.
async fn died_and_went_on(rig: &mut Rig, point: &str) -> Result<()> {
    let order = Orders { fault: Some(format!("{point}=kill")), ..Orders::default() };
    let course = drive::run(rig, [order, Orders::default()]).await?;
    ensure!(course.deaths == 1, "{point} was not passed");
    Ok(())
}
