//! Converting the original's tables in place: a core takes their names and ids over, in the same database.
//!
//! Guaranteed: refused while the original's cron hook is there. The original's tables are moved aside in one statement, under
//! names of their own, and stay there untouched; a run that is cut off goes on from what it finds.

use super::Error;
use crate::store::{
    db::Place,
    original::{Found, Original},
};

/// Moves the original's tables aside, so that a core can make its own in their place. A trial leaves them where they are.
pub async fn adopt(place: &Place, is_trial: bool) -> Result<Original, Error> {
    let mut original = Original::open(place).await?;
    match original.has_cron_hook().await {
        Ok(false) => {}
        Ok(true) => return Err(Error::StillRuns),
        Err(problem) => return Err(Error::OptionsUnreadable(place.table_prefix.clone(), problem)),
    }
    let (table, found) = (original.table(), original.look().await?);
    match (original.set_aside(is_trial).await?, found) {
        (true, _) => Ok(original),
        (false, Found::Core) => Err(Error::OfCore(table)),
        (false, Found::Original | Found::Nothing) => Err(Error::NotThere(table)),
    }
}
