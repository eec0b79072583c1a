//! The audit log: what people and keys did, one JSON object a line, in a file per day below `<data directory>/audit/`.
//!
//! Guaranteed: the line of a call is in the file, as far as the kernel is concerned, before the call is answered, and on the
//! disk within [`file::SYNC`]; a call whose caller hangs up has its line too. A line names who called with what, the RPC, the
//! rows, the outcome, the time, and the address; never a secret, a caption, or anything else of a request. Writing is no
//! commit of the database and holds up nobody for longer than [`PATIENCE`].
//! Expected failures: a disk that is full or hangs. The calls go on; the log says so once, and the next line that can be
//! written says how many are missing. A core that dies loses the lines of the calls under way.

mod file;
pub(crate) mod read;
#[cfg(test)]
mod tests;

use std::{
    fmt::Display,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::{clock::Clock, domain::ids::UserId};

/// Longest time that a call waits for its line.
const PATIENCE: Duration = Duration::from_secs(1);

/// Most rows that a line names.
const MOST_ROWS: usize = 200;

/// One line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// When the call was answered.
    pub(crate) time: String,
    /// With what: "api_key/3", "token/7" (JWTs of user 7), "site", "session/12", "command/root"; empty for a credential
    /// that was refused.
    pub(crate) caller: String,
    /// For which user, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<i64>,
    /// The RPC without its package, the page, or the command.
    pub(crate) action: String,
    /// The rows that it named, made or changed: "post/5".
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) rows: Vec<String>,
    /// The gRPC code: "Ok", "NotFound"; "Cancelled" when the caller hung up first.
    pub(crate) outcome: String,
    /// The reason of a refusal, as in `ErrorInfo`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) reason: String,
    /// The other end of the connection.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) address: String,
    /// `X-Forwarded-For`, as it came: the word of a proxy, or of the caller.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) forwarded_for: String,
    /// How many lines before this one could not be written, or were left out because refused callers were too many.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) missing: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Where lines go. Cheap to clone.
#[derive(Clone)]
pub(crate) struct AuditLog(Option<Arc<Inner>>);

struct Inner {
    writer: file::Writer,
    clock: Clock,
}

/// What an audit log needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keep {
    /// Files older than so many days are removed; for ever when absent.
    pub(crate) days: Option<u32>,
}

/// The directory of the files.
pub(crate) fn directory(data_dir: &Path) -> PathBuf {
    data_dir.join("audit")
}

impl AuditLog {
    /// A log that writes nothing.
    pub(crate) fn off() -> Self {
        Self(None)
    }

    /// Begins writing below this directory.
    pub(crate) fn open(data_dir: &Path, keep: Keep, clock: Clock) -> std::io::Result<Self> {
        let writer = file::Writer::start(directory(data_dir), keep)?;
        Ok(Self(Some(Arc::new(Inner { writer, clock }))))
    }

    /// Whether lines are written.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Writes a line, and waits until it is written.
    pub(crate) async fn write(&self, entry: Entry) {
        let Some(inner) = &self.0 else { return };
        if let Some(written) = inner.send(entry)
            && timeout(PATIENCE, written).await.is_err()
        {
            inner.writer.slow();
        }
    }

    /// Hands a line over without waiting for it.
    fn hand_over(&self, entry: Entry) {
        if let Some(inner) = &self.0 {
            drop(inner.send(entry));
        }
    }

    /// Counts a line that is left out on purpose.
    pub(crate) fn leave_out(&self) {
        if let Some(inner) = &self.0 {
            inner.writer.leave_out();
        }
    }
}

impl Inner {
    fn send(&self, mut entry: Entry) -> Option<tokio::sync::oneshot::Receiver<()>> {
        let now = self.clock.now();
        entry.time = moment(now);
        self.writer.send(entry, now.date_naive())
    }
}

/// Appends the line of a command, which works beside a core or without one.
pub(crate) fn append(data_dir: &Path, mut entry: Entry, now: DateTime<Utc>) -> std::io::Result<()> {
    entry.time = moment(now);
    file::append(&directory(data_dir), &entry, now.date_naive())
}

fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// The rows that a call touches, noted while it runs.
#[derive(Clone, Debug, Default)]
struct Trail(Arc<Mutex<Noted>>);

#[derive(Debug, Default)]
struct Noted {
    rows: Vec<String>,
    user: Option<i64>,
}

tokio::task_local! {
    static TRAIL: Trail;
}

impl Trail {
    fn lock(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, row: String) {
        let mut noted = self.lock();
        if noted.rows.len() < MOST_ROWS && !noted.rows.contains(&row) {
            noted.rows.push(row);
        }
    }

    /// The line of a call with what was noted of it.
    fn complete(&self, entry: Entry) -> Entry {
        let Noted { rows, user } = std::mem::take(&mut *self.lock());
        Entry { rows, user: entry.user.or(user), ..entry }
    }
}

/// Notes a row that the running call names, makes or changes. Does nothing where no call is followed.
pub(crate) fn touches(kind: &str, id: impl Display) {
    // The error says that no call is followed here.
    let _ = TRAIL.try_with(|trail| trail.add(format!("{kind}/{id}")));
}

/// Notes for whom the running call acts, where its credential does not say it.
pub(crate) fn acts_for(user: UserId) {
    let _ = TRAIL.try_with(|trail| trail.lock().user = Some(user.0));
}

/// A call that is followed: its line is written when it is answered, or when it is dropped because its caller hung up.
pub(crate) struct Followed {
    log: AuditLog,
    trail: Trail,
    entry: Option<Entry>,
}

impl Followed {
    /// Follows a call. `entry` says what is known of it before.
    pub(crate) fn begin(log: &AuditLog, entry: Entry) -> Self {
        Self { log: log.clone(), trail: Trail::default(), entry: Some(entry) }
    }

    /// Runs what the call does.
    pub(crate) async fn run<T>(&self, call: impl Future<Output = T>) -> T {
        TRAIL.scope(self.trail.clone(), call).await
    }

    /// Writes the line.
    pub(crate) async fn answered(mut self, outcome: String, reason: String) {
        if let Some(entry) = self.entry.take() {
            let entry = self.trail.complete(entry);
            self.log.write(Entry { outcome, reason, ..entry }).await;
        }
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        if let Some(entry) = self.entry.take() {
            let entry = self.trail.complete(entry);
            self.log.hand_over(Entry { outcome: "Cancelled".to_owned(), ..entry });
        }
    }
}
