//! A small write and a small read through the connections that everything uses, to see whether the database can be used.
//!
//! It finds a disk that is full or read-only, a lock that another process keeps, files that were taken away, a writer that
//! stopped, and damage at both ends of every large table. Damage elsewhere is known once some statement meets it; then the
//! whole file is checked until it is whole again.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tracing::{error, info};

use super::Db;
use crate::store::{Error, Result, ailment::Ailment, db::row::Row};

/// Reads the first and the last page of every large table, and the way there.
pub(in crate::store::db) const ENDS: &str = "SELECT (SELECT MIN(id) FROM aurareels_social_accounts), (SELECT MAX(id) FROM aurareels_social_accounts), \
     (SELECT MIN(id) FROM aurareels_social_posts), (SELECT MAX(id) FROM aurareels_social_posts), \
     (SELECT MIN(next_step_at) FROM aurareels_social_posts WHERE next_step_at IS NOT NULL) AS next_step_at, \
     (SELECT MIN(post_id) FROM aurareels_post_steps), (SELECT MAX(post_id) FROM aurareels_post_steps), \
     (SELECT MIN(sequence) FROM aurareels_events), (SELECT MAX(sequence) FROM aurareels_events), \
     (SELECT MIN(id) FROM aurareels_media), (SELECT MAX(id) FROM aurareels_media), \
     (SELECT MAX(id) FROM aurareels_api_keys), (SELECT MAX(number) FROM aurareels_lineages)";

/// When the next post wants attention, by what [`ENDS`] read. A time that cannot be read may be any.
pub(in crate::store::db) fn next_step_of(ends: Option<Row>) -> Option<DateTime<Utc>> {
    ends.and_then(|row| row.opt_time("next_step_at").unwrap_or(Some(DateTime::UNIX_EPOCH)))
}

/// Least time between two checks of the whole file.
const CHECK_GAP: Duration = Duration::from_secs(15);

impl Db {
    /// Whether the files are in place, before anything waits for them.
    pub(in crate::store) fn look(&self) -> Result<()> {
        match &self.place {
            Some(place) => place.look().map(drop).map_err(Error::Sick),
            None => Ok(()),
        }
    }

    /// Reads a little of everything.
    pub(in crate::store) async fn read_ends(&self) -> Result<Option<DateTime<Utc>>> {
        let ends = self.read().await?.fetch_optional(ENDS, &[]).await?;
        if self.signs.is_damaged() {
            self.check_in_background();
            return Err(Error::Sick(Ailment::Damaged));
        }
        Ok(next_step_of(ends))
    }

    /// What keeps the writer from answering, if that is known.
    pub(in crate::store) fn delay(&self, waited: Duration) -> Ailment {
        if self.signs.is_locked() { Ailment::Locked } else { Ailment::Slow(waited.as_secs()) }
    }

    fn check_in_background(&self) {
        if !self.signs.begin_check() {
            return;
        }
        let (readers, signs) = (self.readers.clone(), self.signs.clone());
        tokio::spawn(async move {
            let begun = Instant::now();
            let check = async {
                let mut connection = readers.acquire().await?;
                connection.close_on_drop();
                sqlx::query_scalar::<_, String>("PRAGMA quick_check(1)").fetch_one(&mut *connection).await
            };
            let found = check.await;
            match &found {
                Ok(word) if word == "ok" => info!("the database file is whole"),
                Ok(word) => error!(found = %word, "the database file is damaged"),
                Err(error) => error!(%error, "the database file cannot be checked"),
            }
            let is_whole = found.is_ok_and(|word| word == "ok");
            if !is_whole {
                // A check of a large file costs: it takes at most a tenth of the time.
                tokio::time::sleep(CHECK_GAP.max(begun.elapsed() * 10)).await;
            }
            signs.end_check(is_whole);
        });
    }
}
