//! Rows with words of another release: each is quarantined alone, the others go on, and it goes on when it can be read.

use std::time::Duration;

use anyhow::{Result, ensure};
use aurareels_core::domain::post::Status;
use chrono::TimeDelta;

use crate::{
    checks,
    core::Orders,
    drive::{self, Dead},
    mode::{Mode, Upload},
    rig::Asking,
    scenarios::{Scenario, boxed, rest, until},
    suite::{Verdict, on_rig},
};

/// The scenarios of one upload mode: group, name, what to run.
pub(crate) fn of(upload: Upload) -> Vec<(&'static str, String, Scenario)> {
    let name = "words of another release".to_owned();
    vec![("damaged rows", name, boxed(move || unknown_words(upload)))]
}

/// Captions of the posts; each but the first has a word that this release does not know in the place of this name.
const POSTS: [&str; 5] = ["plain", "reason", "wait", "status", "step"];

/// Those that nobody can go on with.
const UNREADABLE: [&str; 3] = ["wait", "status", "step"];

const DAMAGE: [&str; 4] = [
    "UPDATE aurareels_social_posts SET status = CONCAT(status, '!') WHERE full_caption LIKE 'status%'",
    "UPDATE aurareels_social_posts SET waiting_for = 'a sign' WHERE full_caption LIKE 'wait%'",
    "UPDATE aurareels_social_posts SET error = \
     '{\"class\":{\"class\":\"transient\"},\"reason\":\"OF_A_LATER_RELEASE\",\"rule\":\"\",\"message\":\"?\",\"remediation\":\"\"}' \
     WHERE full_caption LIKE 'reason%'",
    "UPDATE aurareels_post_steps SET outcome = CONCAT(outcome, '!') WHERE outcome IS NOT NULL \
     AND post_id IN (SELECT id FROM aurareels_social_posts WHERE full_caption LIKE 'step%')",
];

const MENDING: [&str; 3] = [
    "UPDATE aurareels_social_posts SET status = REPLACE(status, '!', '') WHERE full_caption LIKE 'status%'",
    "UPDATE aurareels_social_posts SET waiting_for = NULL WHERE full_caption LIKE 'wait%'",
    "UPDATE aurareels_post_steps SET outcome = REPLACE(outcome, '!', '') WHERE outcome LIKE '%!'",
];

async fn unknown_words(upload: Upload) -> Result<Verdict> {
    let mode = Mode { upload, scheduled: false };
    on_rig(&[], async move |rig| {
        let account = rig.account(mode).await?;
        let mut ids = Vec::new();
        for name in POSTS {
            let ahead = (name != "step").then_some(TimeDelta::hours(1));
            let asking = Asking { video: name, text: name, ahead, ..Asking::default() };
            ids.push((name, rig.ask(mode, account, &asking).await?));
        }
        // One has begun, and its ledger says so, when its core dies.
        let mut dead = Dead::default();
        let fault = Some("outcome_committed=kill".to_owned());
        let mut core = rig.core(&Orders { fault, ..Orders::default() })?;
        until("a step is written", Duration::from_secs(60), async || {
            drive::step(rig, &core, &dead).await?;
            Ok(core.ended()?.is_some())
        })
        .await?;
        dead.buried(rig, &core).await?;
        rig.database.take_any_word().await?;
        for sql in DAMAGE {
            rig.database.write(sql).await?;
        }
        let mut core = rig.core(&Orders::default())?;
        rest(rig, &mut core, &dead).await?;
        let aside = "SELECT full_caption FROM aurareels_social_posts WHERE set_aside > '' ORDER BY id";
        let rows = rig.database.rows(aside).await?;
        let aside = rows.iter().map(|row| row.text("full_caption")).collect::<Result<Vec<_>>>()?;
        ensure!(
            aside.len() == UNREADABLE.len() && aside.iter().zip(UNREADABLE).all(|(post, name)| post.starts_with(name)),
            "quarantined: {aside:?}"
        );
        for (name, id) in &ids {
            let out = checks::visible(rig, name);
            ensure!(out == usize::from(!UNREADABLE.contains(name)), "{name}, post {id}: {out} visible");
        }
        core.kill()?;
        for sql in MENDING {
            rig.database.write(sql).await?;
        }
        let mut core = rig.core(&Orders::default())?;
        until("they are taken up", Duration::from_secs(20), async || {
            let left = "SELECT COUNT(*) AS n FROM aurareels_social_posts WHERE set_aside > ''";
            Ok(rig.database.count(left).await? == 0)
        })
        .await?;
        rest(rig, &mut core, &dead).await?;
        core.kill()?;
        for (name, id) in ids {
            let ending = checks::ending(rig, id, name).await?;
            ensure!(ending.post.status == Status::Published, "{name} ended {}", ending.post.status);
        }
        checks::database(rig).await?;
        Ok(Verdict::Once)
    })
    .await
}
