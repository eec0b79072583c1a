//! The counters that give rows their ids: SQLite keeps one per AUTOINCREMENT table, also past rows that are gone.

use super::tx::Tx;
use crate::{params, store::Result};

impl Tx {
    /// The highest id that each table with a counter ever gave.
    pub(in crate::store) async fn counters(&mut self) -> Result<Vec<(String, i64)>> {
        let rows = self
            .fetch_all(
                "SELECT t.name AS name, COALESCE(s.seq, 0) AS seq FROM sqlite_master t LEFT JOIN sqlite_sequence s \
                 ON s.name = t.name WHERE t.type = 'table' AND t.name LIKE 'aurareels%' AND t.sql LIKE '%AUTOINCREMENT%'",
                &[],
            )
            .await?;
        rows.iter().map(|row| Ok((row.text("name")?, row.int("seq")?))).collect()
    }

    /// Has every table with a counter give ids from `first` on.
    pub(in crate::store) async fn move_counters(&mut self, first: i64) -> Result<()> {
        for (name, _) in self.counters().await? {
            let moved =
                self.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", &params![first - 1, &name]).await?;
            if moved == 0 {
                self.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", &params![&name, first - 1])
                    .await?;
            }
        }
        Ok(())
    }
}
