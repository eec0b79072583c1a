//! What was used of the budgets that a platform gives the app a day: one count for all users and all cores.
//!
//! Guaranteed: of calls that may wait, no more are let through than the budget allows, however many ask at once. A call is
//! counted before it is made: one that a dying core never made counts all the same.

use super::{
    Result, Store,
    db::{Row, Tx},
};
use crate::{
    domain::{budget::Charge, platform::Platform},
    params,
};

const USED: &str = "SELECT used FROM aurareels_app_budgets WHERE platform = ? AND budget = ? AND day = ?";
const SET: &str = "UPDATE aurareels_app_budgets SET used = ? WHERE platform = ? AND budget = ? AND day = ?";
const BEGIN: &str = "INSERT INTO aurareels_app_budgets (used, platform, budget, day) VALUES (?, ?, ?, ?)";
const TIDY: &str = "DELETE FROM aurareels_app_budgets WHERE platform = ? AND budget = ? AND day < ?";

fn used(row: Option<Row>) -> Result<i64> {
    row.map_or(Ok(0), |row| row.int("used"))
}

async fn used_of(tx: &mut Tx, platform: Platform, charge: &Charge) -> Result<i64> {
    used(tx.fetch_optional(USED, &params![platform.as_str(), &*charge.budget, &charge.day]).await?)
}

async fn set(tx: &mut Tx, platform: Platform, charge: &Charge, used: i64) -> Result<()> {
    let values = params![used, platform.as_str(), &*charge.budget, &charge.day];
    if tx.execute(SET, &values).await? == 0 {
        // The first call of a day.
        tx.execute(TIDY, &params![platform.as_str(), &*charge.budget, &charge.day]).await?;
        tx.execute(BEGIN, &values).await?;
    }
    Ok(())
}

impl Store {
    /// Counts a call. `Some`: there is no room for it, it waits, and nothing was counted.
    pub async fn charge(&self, platform: Platform, charges: &[Charge]) -> Result<Option<Charge>> {
        if charges.is_empty() {
            return Ok(None);
        }
        let charges = charges.to_vec();
        self.db
            .write(async move |tx| {
                for charge in charges.iter().filter(|charge| charge.may_wait) {
                    let wanted = i64::from(charge.units) + i64::from(charge.leaves);
                    if used_of(tx, platform, charge).await? + wanted > i64::from(charge.limit) {
                        return Ok(Some(charge.clone()));
                    }
                }
                for charge in charges.iter().filter(|charge| charge.units > 0) {
                    let used = used_of(tx, platform, charge).await?;
                    set(tx, platform, charge, used + i64::from(charge.units)).await?;
                }
                Ok(None)
            })
            .await
    }

    /// The platform says that nothing is left of these budgets, whatever was counted here.
    pub async fn used_up(&self, platform: Platform, charges: &[Charge]) -> Result<()> {
        let charges: Vec<Charge> = charges.iter().filter(|charge| charge.units > 0).cloned().collect();
        if charges.is_empty() {
            return Ok(());
        }
        self.db
            .write(async move |tx| {
                for charge in &charges {
                    let used = used_of(tx, platform, charge).await?.max(charge.limit.into());
                    set(tx, platform, charge, used).await?;
                }
                Ok(())
            })
            .await
    }

    /// What was used of a budget.
    pub async fn used_of_budget(&self, platform: Platform, charge: &Charge) -> Result<i64> {
        let values = params![platform.as_str(), &*charge.budget, &charge.day];
        used(self.db.read().await?.fetch_optional(USED, &values).await?)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::DateTime;

    use super::*;
    use crate::{clock::Clock, secret::KeyRing};

    async fn open() -> (tempfile::TempDir, Store) {
        let directory = tempfile::tempdir().unwrap();
        let keys = Arc::new(KeyRing::from_settings("a key for tests, 0123456789abcdef", &[] as &[&str]).unwrap());
        let store =
            Store::open(crate::store::db::testing::place(directory.path()).await, keys, Clock::system()).await.unwrap();
        store.migrate().await.unwrap();
        (directory, store)
    }

    fn charge(units: u32, day: &str) -> Charge {
        Charge {
            budget: "uploads".into(),
            units,
            leaves: 0,
            limit: 5,
            day: day.into(),
            until: DateTime::UNIX_EPOCH,
            may_wait: true,
        }
    }

    #[tokio::test]
    async fn no_more_calls_are_let_through_than_the_day_has_however_many_ask_at_once() {
        let (_directory, store) = open().await;
        let asking = (0..20).map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.charge(Platform::Youtube, &[charge(1, "2026-11-29")]).await.unwrap() })
        });
        let mut let_through = 0;
        for asked in asking.collect::<Vec<_>>() {
            let_through += usize::from(asked.await.unwrap().is_none());
        }
        assert_eq!(let_through, 5);
        assert_eq!(store.charge(Platform::Youtube, &[charge(1, "2026-11-30")]).await.unwrap(), None, "a new day");
        assert_eq!(store.charge(Platform::Tiktok, &[charge(1, "2026-11-29")]).await.unwrap(), None, "another app");
    }

    #[tokio::test]
    async fn what_has_begun_keeps_its_reserve_and_what_cannot_wait_is_counted_all_the_same() {
        let (_directory, store) = open().await;
        let opens = Charge { units: 0, leaves: 3, ..charge(0, "d") };
        assert_eq!(store.charge(Platform::Youtube, &[charge(2, "d"), opens.clone()]).await.unwrap(), None);
        assert_eq!(store.charge(Platform::Youtube, &[charge(1, "d")]).await.unwrap(), None);
        assert_eq!(store.charge(Platform::Youtube, std::slice::from_ref(&opens)).await.unwrap(), Some(opens));
        let read = Charge { may_wait: false, ..charge(4, "d") };
        assert_eq!(store.charge(Platform::Youtube, std::slice::from_ref(&read)).await.unwrap(), None);
        assert_eq!(store.used_of_budget(Platform::Youtube, &read).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn the_platforms_word_that_nothing_is_left_stands() {
        let (_directory, store) = open().await;
        store.used_up(Platform::Youtube, &[charge(1, "d")]).await.unwrap();
        assert!(store.charge(Platform::Youtube, &[charge(1, "d")]).await.unwrap().is_some());
    }
}
