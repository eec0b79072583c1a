//! How many connections read, and how long they are waited for.

use std::time::Duration;

/// Most connections that read.
pub(in crate::store::db) const READERS: u32 = 6;

/// Longest wait for a connection that reads.
pub(in crate::store::db) const CONNECTION: Duration = Duration::from_secs(5);
