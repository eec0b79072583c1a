//! What platforms do to a core that nobody kills: answers lost before and after they acted, pages of proxies, words that
//! come late, a rejection after the acceptance, tokens that rotate.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use aurareels_core::domain::{
    ids::{AccountId, PostId},
    platform::Platform,
    post::Status,
};
use aurareels_simulator::{Action, Filter, Hold, Host, Matcher, Rule, When};
use serde_json::json;

use crate::{
    checks,
    core::{Core, Orders},
    drive::{self, Dead},
    mode::{Mode, Upload},
    rig::{CALLER, Rig},
    scenarios::{Scenario, boxed, rest, until, with_post},
    suite::{Verdict, on_rig},
};

fn answer(status: u16, act: bool) -> Action {
    Action::Answer { status, headers: Default::default(), body: None, act }
}

/// The lies of one upload mode: group, name, what to run.
pub(crate) fn of(upload: Upload) -> Vec<(&'static str, String, Scenario)> {
    const GROUP: &str = "platform lies";
    let cut = |when| Action::Cut { when, after_bytes: 0 };
    let lies = [
        ("connection cut before it acted", cut(When::Before)),
        ("connection cut after it acted", cut(When::After)),
        ("503 before it acted", answer(503, false)),
        ("503 after it acted", answer(503, true)),
        ("500 after it acted", answer(500, true)),
        ("a web page after it acted", Action::Html { act: true }),
        ("half of the answer", Action::TruncatedBody),
        ("an answer that breaks off", Action::BrokenResponse),
    ];
    let mut all: Vec<(&'static str, String, Scenario)> = Vec::new();
    for (name, action) in lies {
        all.push((GROUP, name.to_owned(), boxed(move || lied_to(upload, action))));
    }
    for (name, base) in [("a name that is not known", Door::NoName), ("TLS that fails", Door::NoTls)] {
        all.push((GROUP, name.to_owned(), boxed(move || unreachable(upload, base))));
    }
    all.push((GROUP, "an answer after our patience".to_owned(), boxed(move || answered_late(upload))));
    all.push((GROUP, "a video that breaks off".to_owned(), boxed(move || breaks_off(upload))));
    all.push((GROUP, "a video that breaks off on its way".to_owned(), boxed(move || breaks_off_on_its_way(upload))));
    all.push((GROUP, "a post that stops every worker".to_owned(), boxed(move || poison(upload))));
    match upload.platform() {
        Platform::Facebook => {
            for (name, behaviour) in [
                ("its word comes late", json!({"finish_lag_ms": 200_000})),
                ("the post comes late", json!({"publishing_ms": 120_000})),
                // Longer than absence takes to be believed.
                ("the post comes very late", json!({"publishing_ms": 1_500_000})),
            ] {
                all.push((GROUP, format!("answer lost, {name}"), boxed(move || late_word(upload, behaviour))));
            }
            all.push((GROUP, "an error that passes".to_owned(), boxed(move || errs_once(upload))));
            let unreadable = boxed(move || unreadable_afterwards(upload));
            all.push((GROUP, "answer lost, and the video cannot be read any more".to_owned(), unreadable));
        }
        Platform::Youtube => {
            let rules = json!({"finished_session_seconds": 0, "uploads_list_lag_seconds": 120});
            all.push((
                GROUP,
                "answer lost, and the session with it".to_owned(),
                boxed(move || lost_session(upload, rules)),
            ));
            all.push((GROUP, "taken and kept private".to_owned(), boxed(move || kept_private(upload))));
        }
        Platform::Tiktok => {
            all.push((GROUP, "rejected after it was accepted".to_owned(), boxed(move || rejected(upload))));
            all.push((GROUP, "token rotated twice".to_owned(), boxed(move || rotated_twice(upload))));
            all.push((GROUP, "token dead while polling".to_owned(), boxed(move || token_dies(upload))));
        }
        Platform::Instagram => {
            for (name, behaviour) in [
                ("its word comes late", json!({"published_lag_ms": 200_000, "list_lag_ms": 200_000})),
                ("the post comes late", json!({"publish_takes_ms": 120_000})),
                ("finished after published", json!({"reads_after_publish": ["FINISHED", "FINISHED"]})),
                ("containers cannot be read", json!({"containers_unreadable": true})),
            ] {
                all.push((GROUP, format!("answer lost, {name}"), boxed(move || late_word(upload, behaviour))));
            }
        }
    }
    all
}

fn at_visible_request(upload: Upload, action: Action) -> Rule {
    let operation = Some(upload.visible_request().to_owned());
    Rule::once(Matcher { operation, ..Matcher::default() }, action)
}

/// The visible request's first answer is a lie.
async fn lied_to(upload: Upload, lie: Action) -> Result<Verdict> {
    let mode = Mode { upload, scheduled: false };
    with_post(mode, &[], async move |rig| {
        rig.sim.add_fault(at_visible_request(upload, lie));
        drive::run(rig, [Orders::default()]).await?;
        Ok(())
    })
    .await
}

/// The answer is lost, and what is read afterwards lags behind.
async fn late_word(upload: Upload, behaviour: serde_json::Value) -> Result<Verdict> {
    let mode = Mode { upload, scheduled: false };
    with_post(mode, &[], async move |rig| {
        let path = if upload.platform() == Platform::Facebook { "meta/facebook/behaviour" } else { "meta/behaviour" };
        rig.control(path, json!({ "set": behaviour })).await?;
        rig.sim.add_fault(at_visible_request(upload, Action::Cut { when: When::After, after_bytes: 0 }));
        drive::run(rig, [Orders::default()]).await?;
        Ok(())
    })
    .await
}

/// Facebook takes the finish, and the first look at the video says that it failed, which is not so.
async fn errs_once(upload: Upload) -> Result<Verdict> {
    let mode = Mode { upload, scheduled: false };
    with_post(mode, &[], async move |rig| {
        rig.control("meta/facebook/behaviour", json!({"set": {"passing_errors": 1}})).await?;
        drive::run(rig, [Orders::default()]).await?;
        Ok(())
    })
    .await
}

/// YouTube takes every request, and keeps the video from being seen: the post fails with that for its reason.
async fn kept_private(upload: Upload) -> Result<Verdict> {
    let mode = Mode { upload, scheduled: false };
    on_rig(&[], async move |rig| {
        rig.ceilings.failures = 1;
        let account = rig.account(mode).await?;
        rig.control("youtube/rules", json!({"force_private": true})).await?;
        let id = rig.create(mode, account, "solo").await?;
        drive::run(rig, [Orders::default()]).await?;
        let ending = checks::ending(rig, id, "solo").await?;
        checks::database(rig).await?;
        let rule = ending.post.error.as_ref().map(|error| error.rule.as_str());
        ensure!(
            ending.post.status == Status::Failed && rule == Some("KEPT_PRIVATE"),
            "it ended {} with {rule:?}",
            ending.post.status
        );
        Ok(Verdict::Once)
    })
    .await
}

/// The platform acts, its answer comes after the core's patience, and from then on nothing can be read of the video: it goes
/// to a person, and is found when it can be read again.
async fn unreadable_afterwards(upload: Upload) -> Result<Verdict> {
    let mode = Mode { upload, scheduled: false };
    with_post(mode, &[], async move |rig| {
        rig.ceilings.reviews = 1;
        let operation = upload.visible_request();
        let at = Matcher { operation: Some(operation.to_owned()), ..Matcher::default() };
        let held = rig.sim.add_fault(Rule::hold_once(at, Hold::After));
        let settings = vec![("AURAREELS_FAULT_PATIENCE_MS".to_owned(), "1500".to_owned())];
        let mut core = rig.core(&Orders { settings, ..Orders::default() })?;
        let arrived = Filter { operation: Some(operation.to_owned()), ..Filter::default() };
        let dead = Dead::default();
        until("the visible request", Duration::from_secs(60), async || {
            drive::step(rig, &core, &dead).await?;
            Ok(!rig.sim.requests(&arrived).is_empty())
        })
        .await?;
        rig.control("meta/facebook/behaviour", json!({"set": {"videos_unreadable": true}})).await?;
        rest(rig, &mut core, &dead).await?;
        rig.sim.release_fault(held);
        let row = rig.database.row("SELECT id, status FROM aurareels_social_posts").await?;
        let (id, status) = (row.int("id")?, row.text("status")?);
        ensure!(status == "needs_review", "nobody could know, and it is {status}");
        // The person asks to look again, once it can be read.
        rig.control("meta/facebook/behaviour", json!({"set": {"videos_unreadable": false}})).await?;
        rig.parts.posts.reconcile(CALLER, PostId(id)).await?;
        rest(rig, &mut core, &dead).await?;
        core.kill()
    })
    .await
}

/// The answer to the last byte is lost, and the session answers no more; the video is listed later.
async fn lost_session(upload: Upload, rules: serde_json::Value) -> Result<Verdict> {
    let mode = Mode { upload, scheduled: false };
    with_post(mode, &[], async move |rig| {
        rig.control("youtube/rules", rules).await?;
        let operation = Some("youtube.upload_last_chunk".to_owned());
        let lost = Action::Cut { when: When::After, after_bytes: 0 };
        rig.sim.add_fault(Rule::once(Matcher { operation, ..Matcher::default() }, lost));
        drive::run(rig, [Orders::default()]).await?;
        Ok(())
    })
    .await
}

/// The platform acts at once and answers after the core has given up waiting.
async fn answered_late(upload: Upload) -> Result<Verdict> {
    let mode = Mode { upload, scheduled: false };
    with_post(mode, &[], async move |rig| {
        let operation = Some(upload.visible_request().to_owned());
        let held = rig.sim.add_fault(Rule::hold_once(Matcher { operation, ..Matcher::default() }, Hold::After));
        let settings = vec![("AURAREELS_FAULT_PATIENCE_MS".to_owned(), "1500".to_owned())];
        let mut core = rig.core(&Orders { settings, ..Orders::default() })?;
        rest(rig, &mut core, &Dead::default()).await?;
        ensure!(rig.sim.fault_fired(held) == Some(1), "no answer was held back");
        rig.sim.release_fault(held);
        core.kill()
    })
    .await
}

/// The connection to the video's host ends at 95 % of it, every time. The look at the file before the post is created
/// reaches that far: it is refused in words, and nothing is kept or sent.
async fn breaks_off(upload: Upload) -> Result<Verdict> {
    let mode = Mode { upload, scheduled: false };
    on_rig(&[], async move |rig| {
        let account = rig.account(mode).await?;
        let Err(refused) = rig.create_of(mode, account, "solo", "&break=95").await else {
            bail!("a video that cannot be read to its end was taken");
        };
        ensure!(format!("{refused:#}").contains("broke off"), "refused in other words: {refused:#}");
        ensure!(rig.sim.posts().is_empty(), "something is visible");
        Ok(Verdict::Once)
    })
    .await
}

/// The video's host ends every long answer at 95 % of the file. The looks at the file are short and see nothing of it; the
/// video never arrives whole, and the post fails with that for its reason.
async fn breaks_off_on_its_way(upload: Upload) -> Result<Verdict> {
    let mode = Mode { upload, scheduled: false };
    on_rig(&[], async move |rig| {
        rig.ceilings.failures = 1;
        let account = rig.account(mode).await?;
        let served = if upload.video_size() > 8_000_000 { "" } else { "&size=8000000" };
        let served = format!("&break=95&break_over=300000{served}");
        let id = rig.create_of(mode, account, "solo", &served).await?;
        drive::run(rig, [Orders::default()]).await?;
        let ending = checks::ending(rig, id, "solo").await?;
        checks::database(rig).await?;
        let expected = match upload {
            // What a platform says that fetches it by itself.
            Upload::FacebookUrl | Upload::InstagramUrl => "VIDEO_NOT_PUBLIC",
            _ => "MEDIA_UNREACHABLE",
        };
        let error = ending.post.error.as_ref().map(|error| (error.reason.as_str(), error.message.as_str()));
        ensure!(
            ending.post.status == Status::Failed && error.is_some_and(|(reason, _)| reason == expected),
            "it ended {} with {error:?}, not {expected}",
            ending.post.status
        );
        ensure!(rig.sim.posts().is_empty(), "something is visible");
        Ok(Verdict::Once)
    })
    .await
}

/// How the platform's API cannot be reached.
#[derive(Clone, Copy)]
enum Door {
    NoName,
    NoTls,
}

/// For a while the platform cannot be reached: nothing has left, and nothing is lost.
async fn unreachable(upload: Upload, door: Door) -> Result<Verdict> {
    let mode = Mode { upload, scheduled: false };
    with_post(mode, &[], async move |rig| {
        let base = match door {
            Door::NoName => "https://no-such-host.invalid".to_owned(),
            // A server that speaks no TLS.
            Door::NoTls => rig.sim.url(Host::Media).replacen("http:", "https:", 1),
        };
        let names = ["TIKTOK_API_BASE_URL", "META_GRAPH_BASE_URL", "INSTAGRAM_GRAPH_BASE_URL", "YOUTUBE_API_BASE_URL"];
        let settings: Vec<(String, String)> = rig
            .settings
            .iter()
            .filter(|(name, _)| names.contains(&name.as_str()))
            .map(|(name, _)| (name.clone(), base.clone()))
            .collect();
        ensure!(!settings.is_empty(), "no such setting");
        let mut core = rig.core(&Orders { settings, ..Orders::default() })?;
        let mut dead = Dead::default();
        let tried = core_passed(rig, &core, &dead, "exchange_ends").await;
        core.kill()?;
        tried?;
        dead.buried(rig, &core).await?;
        let mut heir = rig.core(&Orders::default())?;
        rest(rig, &mut heir, &dead).await?;
        heir.kill()
    })
    .await
}

/// Runs a core until it has passed a point twice.
async fn core_passed(rig: &Rig, core: &Core, dead: &Dead, point: &str) -> Result<()> {
    until("the request is tried twice", Duration::from_secs(60), async || {
        drive::step(rig, core, dead).await?;
        Ok(core.passed().iter().filter(|(passed, _)| passed == point).count() >= 2)
    })
    .await
}

/// Whoever works on the post panics before anything is written: after some times it is quarantined, and says so.
async fn poison(upload: Upload) -> Result<Verdict> {
    let mode = Mode { upload, scheduled: false };
    on_rig(&[("AURAREELS_LEASE_SECONDS", "3")], async move |rig| {
        rig.ceilings.failures = 1;
        let account = rig.account(mode).await?;
        let id = rig.create(mode, account, "solo").await?;
        let fault = Some("step_record_begins#*=panic".to_owned());
        let mut core = rig.core(&Orders { fault, ..Orders::default() })?;
        rest(rig, &mut core, &Dead::default()).await?;
        core.kill()?;
        let ending = checks::ending(rig, id, "solo").await?;
        checks::database(rig).await?;
        let reason = ending.post.error.as_ref().map(|error| error.reason.as_str());
        ensure!(
            ending.post.status == Status::Failed && ending.visible == 0 && reason == Some("QUARANTINED"),
            "it ended {} for {reason:?}",
            ending.post.status
        );
        Ok(Verdict::Once)
    })
    .await
}

/// The access token dies after the visible request; the post is live all the same.
async fn token_dies(upload: Upload) -> Result<Verdict> {
    let mode = Mode { upload, scheduled: false };
    with_post(mode, &[], async move |rig| {
        let dead = json!({"data": {}, "error": {"code": "access_token_invalid", "message": "dead", "log_id": "1"}});
        let matcher = Matcher { operation: Some("tiktok.status".to_owned()), ..Matcher::default() };
        let dead = Action::Answer { status: 401, headers: Default::default(), body: Some(dead), act: false };
        rig.advance(chrono::TimeDelta::seconds(30))?;
        rig.sim.add_fault(Rule::once(matcher, dead));
        drive::run(rig, [Orders::default()]).await?;
        Ok(())
    })
    .await
}

/// A second refresh needs the refresh token that the first one brought.
async fn rotated_twice(upload: Upload) -> Result<Verdict> {
    let mode = Mode { upload, scheduled: true };
    with_post(mode, &[], async move |rig| {
        drive::run(rig, [Orders::default()]).await?;
        rig.create(mode, AccountId(1), "second").await?;
        drive::run(rig, [Orders::default()]).await?;
        ensure!(checks::visible(rig, "second") == 1, "the second post is not visible once");
        Ok(())
    })
    .await
}

/// TikTok accepts the video and rejects it afterwards: failed, and nothing is to be seen.
async fn rejected(upload: Upload) -> Result<Verdict> {
    let mode = Mode { upload, scheduled: false };
    on_rig(&[], async move |rig| {
        rig.ceilings.failures = 1;
        let account = rig.account(mode).await?;
        let fails = json!({"outcome": "fail", "fail_reason": "spam_risk"});
        rig.control("tiktok/behaviour", fails).await?;
        let id = rig.create(mode, account, "solo").await?;
        drive::run(rig, [Orders::default()]).await?;
        let ending = checks::ending(rig, id, "solo").await?;
        checks::database(rig).await?;
        ensure!(ending.post.status == Status::Failed && ending.visible == 0, "it ended {}", ending.post.status);
        Ok(Verdict::Once)
    })
    .await
}
