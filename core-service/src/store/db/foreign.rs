//! A database of somebody else, on MySQL or MariaDB: the original plugin's. Its tables are not ours to migrate, and no rule of
//! [`super`] holds for them.

use std::time::Duration;

use tokio::time::timeout;

use super::{mysql, place::Place, row::Row, server::failure::Outcome, values::Value};
use crate::store::{Error, Result, ailment::Ailment};

/// Longest time of a statement.
const STATEMENT: Duration = Duration::from_secs(60);

/// A connection to it.
pub(in crate::store) struct Foreign(mysql::Connection);

async fn limited<T>(statement: impl Future<Output = Outcome<T>>) -> Result<T> {
    match timeout(STATEMENT, statement).await {
        Ok(outcome) => Ok(outcome?),
        Err(_) => Err(Error::Sick(Ailment::Slow(STATEMENT.as_secs()))),
    }
}

impl Foreign {
    pub(in crate::store) async fn open(place: &Place) -> Result<Self> {
        let options = mysql::options(&place.url)?;
        limited(mysql::Connection::make(&options)).await.map(Self)
    }

    pub(in crate::store) async fn fetch(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        limited(self.0.fetch(sql, params)).await
    }

    pub(in crate::store) async fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64> {
        limited(self.0.execute(sql, params)).await
    }

    /// Runs a statement without values.
    pub(in crate::store) async fn run(&mut self, sql: &str) -> Result<()> {
        limited(self.0.run(sql)).await
    }

    pub(in crate::store) async fn close(self) {
        self.0.end().await;
    }
}
