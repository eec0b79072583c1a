//! `keys generate|rotate`: the keys that seal the platforms' tokens.

use std::time::Duration;

use anyhow::bail;
use clap::Subcommand;
use tokio::time::{Instant, sleep};

use super::process::{Configured, Note};
use crate::{
    bootstrap,
    clock::Clock,
    fault, secret,
    store::{Store, encryption_keys::Rotation},
};

/// Longest wait until every core has read its keys anew. One that was killed counts as alive for less.
const PATIENCE: Duration = Duration::from_secs(20);

/// Time between two looks at the cores.
const LOOK: Duration = Duration::from_millis(300);

#[derive(Subcommand)]
pub(super) enum Action {
    /// Print a new encryption key for AURAREELS_SOCIAL_ENCRYPTION_KEY.
    Generate,
    /// Seal everything stored with the current key, so that the old ones can be taken out of the settings. Cores that run
    /// read their settings anew before.
    Rotate,
}

pub(super) async fn run(configured: &Configured, action: Action) -> anyhow::Result<()> {
    match action {
        Action::Generate => {
            println!("{}", secret::generate_key().expose());
            eprintln!(
                "Set it as AURAREELS_SOCIAL_ENCRYPTION_KEY and keep a copy: without it the stored tokens are lost."
            );
            Ok(())
        }
        Action::Rotate => {
            let clock = Clock::system();
            fault::follow_clock(&clock).await;
            let store = bootstrap::open_store(&configured.settings()?, clock.clone()).await?;
            let rotated = rotate(&store, &clock).await;
            store.close().await;
            let rotated = rotated?;
            configured.note(Note::of("keys rotate"));
            say(&rotated)
        }
    }
}

async fn rotate(store: &Store, clock: &Clock) -> anyhow::Result<Rotation> {
    have_cores_take_up_keys(store, clock).await?;
    Ok(store.rotate_keys().await?)
}

/// Asks the cores that run to read their settings anew, and waits until all of them seal with this key.
async fn have_cores_take_up_keys(store: &Store, clock: &Clock) -> anyhow::Result<()> {
    if store.has_silent_core(clock.now()).await? {
        bail!(
            "a core serves this database and does not say with which keys: it is of an older release, or stopped. End it, \
             or start it with the new release, then rotate again; nothing was changed"
        );
    }
    if !store.cores_with_other_keys(clock.now()).await?.is_empty() {
        store.ask_for_keys(clock.now()).await?;
    }
    let until = Instant::now() + PATIENCE;
    loop {
        let others = store.cores_with_other_keys(clock.now()).await?;
        let Some(other) = others.first() else { return Ok(()) };
        if others.iter().any(|other| other.has_answered) || Instant::now() > until {
            bail!(
                "the core of {} seals with the key {}, not with {}, and could not read what a rotation writes. Give it this \
                 key as AURAREELS_SOCIAL_ENCRYPTION_KEY and the one before in AURAREELS_SOCIAL_ENCRYPTION_OLD_KEYS: in its \
                 aurareels.toml, or in its environment by a restart. Then rotate again; nothing was changed",
                other.name,
                other.key_id,
                store.keys().current_key_id()
            );
        }
        sleep(LOOK).await;
    }
}

fn say(rotation: &Rotation) -> anyhow::Result<()> {
    for table in &rotation.tables {
        println!("{}: {} rows were sealed with the current key", table.table, table.rewritten);
        if let Some(first) = table.unreadable.first() {
            let count = table.unreadable.len();
            eprintln!("{}: {count} values cannot be opened with the given keys, {first} for one", table.table);
        }
    }
    for key in &rotation.forgotten {
        println!("key {key} is needed no more; take it out of AURAREELS_SOCIAL_ENCRYPTION_OLD_KEYS");
    }
    for key in &rotation.still_needed {
        eprintln!("key {key} is still needed");
    }
    match rotation.unreadable().count() {
        0 => Ok(()),
        left => bail!("{left} values were left as they are; add the keys that sealed them and rotate again"),
    }
}
