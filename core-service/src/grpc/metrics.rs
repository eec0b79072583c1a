//! `/metrics` in the text format of Prometheus, and the counting that fills it.
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>
//!
//! Labels come from fixed sets (the RPC table, gRPC codes, statuses), so no caller can make the page grow. A stream is
//! counted when it begins; an error in the middle of it is not seen here.

use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tonic::Code;

use crate::{
    domain::post::Status as PostStatus,
    publish_lateness::{self, PublishLateness},
    store::Store,
};

/// Upper bounds of the duration histogram, in seconds.
const BUCKETS: [f64; 8] = [0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0, 60.0];

/// How long a count of the posts serves: it reads a whole index.
const COUNT_FOR: Duration = Duration::from_secs(15);

#[derive(Clone, Default)]
struct Calls {
    by_code: BTreeMap<i32, u64>,
    buckets: [u64; BUCKETS.len()],
    count: u64,
    seconds: f64,
}

/// The posts by status, as they were counted last.
struct Counted {
    at: Instant,
    posts: Vec<(PostStatus, i64)>,
}

/// What is counted. Cheap to clone.
#[derive(Clone)]
pub(super) struct Metrics {
    calls: Arc<Mutex<BTreeMap<&'static str, Calls>>>,
    posts: Arc<tokio::sync::Mutex<Option<Counted>>>,
    store: Store,
    publish_lateness: PublishLateness,
}

impl Metrics {
    pub(super) fn new(store: Store, publish_lateness: PublishLateness) -> Self {
        Self { calls: Arc::default(), posts: Arc::default(), store, publish_lateness }
    }

    /// Counts an RPC of the table.
    pub(super) fn note(&self, rpc: &'static str, code: Code, took: Duration) {
        let seconds = took.as_secs_f64();
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let of_rpc = calls.entry(rpc).or_default();
        *of_rpc.by_code.entry(code.into()).or_default() += 1;
        of_rpc.count += 1;
        of_rpc.seconds += seconds;
        for (bucket, bound) in of_rpc.buckets.iter_mut().zip(BUCKETS) {
            *bucket += u64::from(seconds <= bound);
        }
    }

    /// The page.
    pub(super) async fn page(&self) -> String {
        let mut page = String::new();
        let version = env!("CARGO_PKG_VERSION");
        head(&mut page, "aurareels_build_info", "gauge", "The release of this core.");
        line(&mut page, "aurareels_build_info", &format!("version=\"{version}\""), 1);
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone();
        head(&mut page, "aurareels_requests_total", "counter", "Answered RPCs, by gRPC code.");
        for (rpc, of_rpc) in &calls {
            for (code, count) in &of_rpc.by_code {
                let labels = format!("rpc=\"{rpc}\",code=\"{:?}\"", Code::from(*code));
                line(&mut page, "aurareels_requests_total", &labels, count);
            }
        }
        head(
            &mut page,
            "aurareels_request_seconds",
            "histogram",
            "Time until an RPC was answered, or its stream began.",
        );
        for (rpc, of_rpc) in &calls {
            for (bound, count) in BUCKETS.iter().zip(of_rpc.buckets) {
                line(&mut page, "aurareels_request_seconds_bucket", &format!("rpc=\"{rpc}\",le=\"{bound}\""), count);
            }
            line(&mut page, "aurareels_request_seconds_bucket", &format!("rpc=\"{rpc}\",le=\"+Inf\""), of_rpc.count);
            line(&mut page, "aurareels_request_seconds_sum", &format!("rpc=\"{rpc}\""), of_rpc.seconds);
            line(&mut page, "aurareels_request_seconds_count", &format!("rpc=\"{rpc}\""), of_rpc.count);
        }
        self.late(&mut page);
        let help = "Reads of the database, those within writes apart.";
        head(&mut page, "aurareels_store_reads_total", "counter", help);
        let _ = writeln!(page, "aurareels_store_reads_total {}", self.store.reads());
        if let Ok(count) = self.store.count_quarantined().await {
            let help = "Posts that this release cannot read and that are quarantined.";
            head(&mut page, "aurareels_posts_quarantined", "gauge", help);
            let _ = writeln!(page, "aurareels_posts_quarantined {count}");
        }
        if let Some(posts) = self.posts().await {
            head(&mut page, "aurareels_posts", "gauge", "Posts in the database, by status.");
            for status in PostStatus::ALL {
                let count = posts.iter().find(|(of, _)| *of == status).map_or(0, |(_, count)| *count);
                line(&mut page, "aurareels_posts", &format!("status=\"{status}\""), count);
            }
        }
        page
    }

    fn late(&self, page: &mut String) {
        const NAME: &str = "aurareels_publish_late_seconds";
        let counted = self.publish_lateness.counted();
        head(page, NAME, "histogram", "From a post's due time until its visible request left.");
        for (bound, count) in publish_lateness::BOUNDS.iter().zip(counted.at_most) {
            line(page, &format!("{NAME}_bucket"), &format!("le=\"{bound}\""), count);
        }
        line(page, &format!("{NAME}_bucket"), "le=\"+Inf\"", counted.count);
        let _ = writeln!(page, "{NAME}_sum {}\n{NAME}_count {}", counted.seconds, counted.count);
    }

    /// The posts by status, counted anew when the last count is old; `None` when the database does not answer.
    async fn posts(&self) -> Option<Vec<(PostStatus, i64)>> {
        let mut counted = self.posts.lock().await;
        if let Some(fresh) = counted.as_ref().filter(|counted| counted.at.elapsed() < COUNT_FOR) {
            return Some(fresh.posts.clone());
        }
        let posts = self.store.posts_by_status().await.ok()?;
        *counted = Some(Counted { at: Instant::now(), posts: posts.clone() });
        Some(posts)
    }
}

fn head(page: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(page, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(page: &mut String, name: &str, labels: &str, value: impl std::fmt::Display) {
    let _ = writeln!(page, "{name}{{{labels}}} {value}");
}
