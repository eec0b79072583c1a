//! What befalls the server of a run's database: whoever started it restarts it all the time (`cargo xtask chaos`), and a
//! proxy before it cuts COMMITs off, before and after it gets them, for a moment at a time.

use std::{
    fs::File,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

use crate::{proxy::Mode, rig::Rig};

/// A file that has a line per restart; while its lock is held there is none.
const RESTARTS: &str = "AURAREELS_TEST_RESTARTS";

/// Real time between two moments in which COMMITs are cut.
const CALM: Duration = Duration::from_secs(8);

/// How long such a moment is.
const CUTTING: Duration = Duration::from_millis(150);

/// When COMMITs are cut.
pub(super) struct Upsets {
    since: Instant,
    cutting: bool,
}

/// While this lives, the server is left alone.
pub(super) struct Peace {
    _restarts: Option<File>,
}

fn restarts_file() -> Option<PathBuf> {
    std::env::var_os(RESTARTS).map(PathBuf::from)
}

/// How often the server was restarted.
pub(super) fn restarts() -> usize {
    let told = restarts_file().and_then(|file| std::fs::read_to_string(file).ok());
    told.map_or(0, |told| told.lines().count())
}

impl Upsets {
    pub(super) fn new() -> Self {
        Self { since: Instant::now(), cutting: false }
    }

    /// Begins to cut, or ends it, when it is time.
    pub(super) fn look(&mut self, rig: &Rig) {
        let Some(proxy) = &rig.proxy else { return };
        if self.since.elapsed() > if self.cutting { CUTTING } else { CALM } {
            self.cutting = !self.cutting;
            self.since = Instant::now();
            proxy.set(if self.cutting { Mode::CutsCommits } else { Mode::Through });
        }
    }

    /// Ends what is under way, and lets nothing begin.
    pub(super) async fn peace(&mut self, rig: &Rig) -> Result<Peace> {
        if let Some(proxy) = &rig.proxy {
            (self.cutting, self.since) = (false, Instant::now());
            proxy.set(Mode::Through);
        }
        let Some(file) = restarts_file() else { return Ok(Peace { _restarts: None }) };
        let locked = tokio::task::spawn_blocking(move || {
            let file = File::open(file)?;
            file.lock()?;
            std::io::Result::Ok(file)
        });
        Ok(Peace { _restarts: Some(locked.await?.context("the server's restarts cannot be held up")?) })
    }
}
