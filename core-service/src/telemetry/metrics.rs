//! The metrics of one core, in the text format of Prometheus. A process may hold several cores (tests do), so each has a
//! registry of its own.
//!
//! Labels come from fixed sets (the RPC table, gRPC codes, platforms, statuses), so no caller can make the page grow. A stream
//! is counted when it begins; an error in the middle of it is not seen here. What happens to posts is counted by the core that
//! wrote it: with several cores, add theirs up.

use std::{sync::Arc, time::Duration};

use prometheus::{
    Encoder, Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder, core::Collector,
};

use crate::domain::{
    change::{Change, LedgerWrite},
    ledger::StepClass,
    platform::Platform,
    post::{Post, Status, WaitReason},
};

/// Upper bounds of the time until an RPC is answered, in seconds.
const REQUEST: [f64; 8] = [0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0];

/// Upper bounds of how late visible requests leave, in seconds.
const LATE: [f64; 9] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 30.0, 300.0];

/// Upper bounds of the time that a commit takes, in seconds.
const COMMIT: [f64; 10] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 2.0, 10.0];

/// What a database counts of itself.
#[derive(Clone, Debug)]
pub struct StoreMetrics {
    /// How long each COMMIT took, in seconds.
    pub commit_seconds: Histogram,
    /// Writes that were committed. Several share a commit.
    pub writes: IntCounter,
    /// Reads, those within writes apart.
    pub reads: IntCounter,
}

impl Default for StoreMetrics {
    fn default() -> Self {
        let commits = HistogramOpts::new("aurareels_store_commit_seconds", "How long the database took for a COMMIT.");
        let writes = "Writes that were committed. Several may share a commit.";
        let reads = "Reads of the database, those within writes apart.";
        Self {
            commit_seconds: valid(Histogram::with_opts(commits.buckets(COMMIT.to_vec()))),
            writes: valid(IntCounter::new("aurareels_store_writes_total", writes)),
            reads: valid(IntCounter::new("aurareels_store_reads_total", reads)),
        }
    }
}

/// What a database is like at this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreState {
    /// Writes that wait for a writer.
    pub waiting: usize,
    /// Connections for reading that are open.
    pub readers: usize,
    /// Those of them that nobody uses.
    pub idle_readers: usize,
    /// Size of SQLite's log; 0 for a database of a server.
    pub log_bytes: u64,
}

/// The posts that wait or are worked on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueState {
    /// Those that want attention at some time.
    pub waiting: i64,
    /// Those of them whose time has come.
    pub due: i64,
    /// Those that a core holds.
    pub claimed: i64,
}

/// The metrics of one core. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(Arc<Families>);

struct Families {
    registry: Registry,
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    late: HistogramVec,
    attempts: IntCounterVec,
    outcomes: IntCounterVec,
    moves: IntCounterVec,
    limit_waits: IntCounterVec,
    copies: IntCounterVec,
    posts: IntGaugeVec,
    quarantined: IntGauge,
    queue: IntGaugeVec,
    oldest_overdue: Gauge,
    store_waiting: IntGauge,
    store_readers: IntGaugeVec,
    store_log: IntGauge,
}

/// Names and labels are constants of this file; whatever is wrong with one, the first test that starts a core finds it.
#[allow(clippy::expect_used, reason = "constants of this file")]
fn valid<T>(made: prometheus::Result<T>) -> T {
    made.expect("names and labels of metrics are valid")
}

/// A family that is kept here and told by a registry.
fn told<C: Collector + Clone + 'static>(registry: &Registry, family: C) -> C {
    valid(registry.register(Box::new(family.clone())));
    family
}

impl Metrics {
    /// Those of a core with this database.
    pub fn new(store: &StoreMetrics) -> Self {
        let registry = Registry::new();
        let counter = |name: &str, help: &str, labels: &[&str]| {
            told(&registry, valid(IntCounterVec::new(Opts::new(name, help), labels)))
        };
        let gauge = |name: &str, help: &str, labels: &[&str]| {
            told(&registry, valid(IntGaugeVec::new(Opts::new(name, help), labels)))
        };
        let histogram = |name: &str, help: &str, labels: &[&str], bounds: &[f64]| {
            let options = HistogramOpts::new(name, help).buckets(bounds.to_vec());
            told(&registry, valid(HistogramVec::new(options, labels)))
        };
        let single = |name: &str, help: &str| told(&registry, valid(IntGauge::new(name, help)));
        gauge("aurareels_build_info", "The release of this core.", &["version"])
            .with_label_values(&[env!("CARGO_PKG_VERSION")])
            .set(1);
        told(&registry, store.commit_seconds.clone());
        told(&registry, store.writes.clone());
        told(&registry, store.reads.clone());
        #[cfg(target_os = "linux")]
        valid(registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self())));
        let oldest_overdue = valid(Gauge::new(
            "aurareels_queue_oldest_overdue_seconds",
            "How long the post waits that only the core could have started; 0 where there is none.",
        ));
        let families = Families {
            requests: counter("aurareels_requests_total", "Answered RPCs, by gRPC code.", &["rpc", "code"]),
            request_seconds: histogram(
                "aurareels_request_seconds",
                "Time until an RPC was answered, or its stream began.",
                &["rpc"],
                &REQUEST,
            ),
            late: histogram(
                "aurareels_publish_late_seconds",
                "From a post's due time until its visible request left.",
                &["platform"],
                &LATE,
            ),
            attempts: counter(
                "aurareels_publish_attempts_total",
                "Requests that can make a post visible, as they were recorded before they left.",
                &["platform"],
            ),
            outcomes: counter(
                "aurareels_publish_outcomes_total",
                "What became of requests that can make a post visible, by an answer or by what was found out later.",
                &["platform", "outcome"],
            ),
            moves: counter(
                "aurareels_post_moves_total",
                "Posts that the engine moved to another status.",
                &["platform", "status"],
            ),
            limit_waits: counter(
                "aurareels_limit_waits_total",
                "How often a limit put a post off: the platform's quota or rate limit, or the core's daily limit.",
                &["platform", "limit"],
            ),
            copies: counter(
                "aurareels_copies_total",
                "Copies of videos: downloads that began, and posts that got theirs, failed without it or were put off.",
                &["event"],
            ),
            posts: gauge("aurareels_posts", "Posts in the database, by status.", &["status"]),
            quarantined: single(
                "aurareels_posts_quarantined",
                "Posts that this release cannot read and that are quarantined.",
            ),
            queue: gauge(
                "aurareels_queue_posts",
                "Posts that want attention at some time (waiting), whose time has come (due), that a core holds (claimed).",
                &["state"],
            ),
            oldest_overdue: told(&registry, oldest_overdue),
            store_waiting: single("aurareels_store_writes_waiting", "Writes that wait for a writer of the database."),
            store_readers: gauge(
                "aurareels_store_read_connections",
                "Open connections of the database that read, by whether they are used.",
                &["state"],
            ),
            store_log: single(
                "aurareels_store_wal_bytes",
                "Size of SQLite's write-ahead log; 0 for a database of a server.",
            ),
            registry: registry.clone(),
        };
        // A series that begins at nothing is told apart from one that is not there.
        for platform in Platform::ALL {
            families.late.with_label_values(&[platform.as_str()]);
            families.attempts.with_label_values(&[platform.as_str()]);
        }
        Self(Arc::new(families))
    }

    /// Counts an RPC of the table.
    pub fn answered(&self, rpc: &'static str, code: &str, took: Duration) {
        self.0.requests.with_label_values(&[rpc, code]).inc();
        self.0.request_seconds.with_label_values(&[rpc]).observe(took.as_secs_f64());
    }

    /// Where it is counted how late visible requests of a platform leave.
    pub fn late(&self, platform: Platform) -> Histogram {
        self.0.late.with_label_values(&[platform.as_str()])
    }

    /// Counts what the engine wrote of a post.
    pub fn wrote(&self, counted: Counted, after: &Post) {
        let platform = after.platform.as_str();
        if counted.is_attempt {
            self.0.attempts.with_label_values(&[platform]).inc();
        }
        if let Some(outcome) = counted.outcome {
            self.0.outcomes.with_label_values(&[platform, outcome]).inc();
        }
        if after.status != counted.before {
            self.0.moves.with_label_values(&[platform, after.status.as_str()]).inc();
        }
        if let Some(limit) = counted.limit {
            self.0.limit_waits.with_label_values(&[platform, limit]).inc();
        }
    }

    /// Counts what became of a copy that a post waits for.
    pub fn copy(&self, event: &'static str) {
        self.0.copies.with_label_values(&[event]).inc();
    }

    /// Sets the posts by status.
    pub fn set_posts(&self, counts: &[(Status, i64)], quarantined: i64) {
        for (status, count) in counts {
            self.0.posts.with_label_values(&[status.as_str()]).set(*count);
        }
        self.0.quarantined.set(quarantined);
    }

    /// Sets what waits.
    pub fn set_queue(&self, queue: QueueState, oldest_overdue: Duration) {
        for (state, count) in [("waiting", queue.waiting), ("due", queue.due), ("claimed", queue.claimed)] {
            self.0.queue.with_label_values(&[state]).set(count);
        }
        self.0.oldest_overdue.set(oldest_overdue.as_secs_f64());
    }

    /// Sets what the database is like.
    pub fn set_store(&self, state: StoreState) {
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let used = state.readers.saturating_sub(state.idle_readers);
        self.0.store_waiting.set(count(state.waiting));
        self.0.store_readers.with_label_values(&["idle"]).set(count(state.idle_readers));
        self.0.store_readers.with_label_values(&["used"]).set(count(used));
        self.0.store_log.set(i64::try_from(state.log_bytes).unwrap_or(i64::MAX));
    }

    /// The page.
    pub fn page(&self) -> String {
        let mut page = Vec::new();
        // Writing to memory does not fail; a family that cannot be told ends the page.
        let _ = TextEncoder::new().encode(&self.0.registry.gather(), &mut page);
        String::from_utf8_lossy(&page).into_owned()
    }
}

/// What is counted of a change, taken before it is written.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    before: Status,
    is_attempt: bool,
    outcome: Option<&'static str>,
    limit: Option<&'static str>,
}

impl Counted {
    /// Of a change to a post with this status.
    pub fn of(before: Status, change: &Change) -> Self {
        let (is_attempt, outcome) = match &change.ledger {
            LedgerWrite::Insert(entry) if entry.class == StepClass::PointOfNoReturn => (true, entry.outcome),
            LedgerWrite::Update(entry) if entry.class == StepClass::PointOfNoReturn => (false, entry.outcome),
            LedgerWrite::Nothing | LedgerWrite::Insert(_) | LedgerWrite::Update(_) => (false, None),
        };
        let limit = change.release.and_then(|release| release.waiting_for).and_then(|waits| match waits {
            WaitReason::Quota | WaitReason::DailyLimit | WaitReason::RateLimit => Some(waits.as_str()),
            WaitReason::Schedule
            | WaitReason::Processing
            | WaitReason::Retry
            | WaitReason::Reconnect
            | WaitReason::Confirming
            | WaitReason::Workflow
            | WaitReason::RestoreCheck
            | WaitReason::Copy => None,
        });
        Self { before, is_attempt, outcome: outcome.map(|outcome| outcome.as_str()), limit }
    }

    /// Of a post that found no place in the daily limit.
    pub fn daily_limit(before: Status) -> Self {
        Self { before, is_attempt: false, outcome: None, limit: Some(WaitReason::DailyLimit.as_str()) }
    }
}
