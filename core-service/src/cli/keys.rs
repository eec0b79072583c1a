//! `keys generate|rotate`: the keys that seal the platforms' tokens.

use anyhow::bail;
use clap::Subcommand;

use super::Configured;
use crate::{clock::Clock, parts, secret};

#[derive(Subcommand)]
pub(super) enum Action {
    /// Print a new encryption key for AURAREELS_SOCIAL_ENCRYPTION_KEY.
    Generate,
    /// Seal everything stored with the current key, so that the old ones can be taken out of the settings.
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
        Action::Rotate => rotate(configured).await,
    }
}

async fn rotate(configured: &Configured) -> anyhow::Result<()> {
    let clock = Clock::system();
    let store = parts::open_store(&configured.settings()?, clock.clone()).await?;
    let rotation = store.rotate_keys(clock.now()).await;
    store.close().await;
    let rotation = rotation?;
    println!("{} values were sealed with the current key", rotation.rewritten);
    for key in &rotation.forgotten {
        println!("key {key} is needed no more; take it out of AURAREELS_SOCIAL_ENCRYPTION_OLD_KEYS");
    }
    for place in &rotation.unreadable {
        eprintln!("cannot be opened with the given keys: {place}");
    }
    for key in &rotation.still_needed {
        eprintln!("key {key} is still needed");
    }
    if !rotation.unreadable.is_empty() {
        bail!(
            "{} values were left as they are; add the keys that sealed them and rotate again",
            rotation.unreadable.len()
        );
    }
    Ok(())
}
