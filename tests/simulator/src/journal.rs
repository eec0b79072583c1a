//! The request journal: what was asked, whether it acted, what was answered.
//!
//! Guaranteed: memory is bounded (a ring of entries), the counters are exact beyond the ring. Tests wait for entries
//! with [`Journal::wait`] instead of sleeping.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::call::{Call, Identity, Params};
use crate::clock::Clock;
use crate::fault::{Plan, RuleId};
use crate::host::Host;

/// One request.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Rising number, from 1.
    pub number: u64,
    /// Simulated time of arrival.
    pub time: DateTime<Utc>,
    /// The host that was asked.
    pub host: Host,
    /// HTTP method.
    pub method: String,
    /// Path without query.
    pub path: String,
    /// Query with the values of secrets left out.
    pub query: String,
    /// `<vendor>.<operation>`.
    pub operation: &'static str,
    /// Platform account, if it could be told.
    pub account: Option<String>,
    /// Whether the vendor's code ran; false when a fault kept the request from acting, or while it is held.
    pub acted: bool,
    /// Status of the vendor's own answer, if it acted.
    pub acted_status: Option<u16>,
    /// Status that was sent; `None` when the connection was cut or the request is not answered yet.
    pub sent_status: Option<u16>,
    /// Whether the request is over.
    pub done: bool,
    /// The fault rule that fired.
    pub rule: Option<RuleId>,
    /// Whether a random fault fired.
    pub random_fault: bool,
}

/// Which entries are meant. An empty filter means all.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// One host.
    pub host: Option<Host>,
    /// HTTP method.
    pub method: Option<String>,
    /// One operation.
    pub operation: Option<String>,
    /// One platform account.
    pub account: Option<String>,
    /// Only those that acted (or did not).
    pub acted: Option<bool>,
    /// Only those that acted and whose own answer was 2xx.
    pub succeeded: Option<bool>,
    /// Only numbers greater than this.
    pub after: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Count {
    /// Requests received.
    received: u64,
    /// Requests that acted.
    acted: u64,
    /// Requests that acted with a 2xx answer of their own.
    succeeded: u64,
    /// Requests that got no answer.
    cut: u64,
}

#[derive(Default)]
struct Inner {
    next: u64,
    ring: VecDeque<Entry>,
    counts: HashMap<&'static str, Count>,
}

/// The journal.
pub(crate) struct Journal {
    capacity: usize,
    inner: Mutex<Inner>,
    changed: watch::Sender<u64>,
}

impl Journal {
    pub(crate) fn new(capacity: usize) -> Self {
        Journal { capacity: capacity.max(1), inner: Mutex::default(), changed: watch::channel(0).0 }
    }

    pub(crate) fn open(&self, clock: &Clock, call: &Call, identity: &Identity, plan: &Plan) -> u64 {
        let mut inner = self.inner.lock().expect("journal lock");
        inner.next += 1;
        let number = inner.next;
        let entry = Entry {
            number,
            time: clock.now(),
            host: call.host,
            method: call.method.to_string(),
            path: call.path.clone(),
            query: without_secrets(&call.query),
            operation: identity.operation,
            account: identity.account.clone(),
            acted: false,
            acted_status: None,
            sent_status: None,
            done: false,
            rule: plan.rule,
            random_fault: plan.random,
        };
        if inner.ring.len() == self.capacity {
            inner.ring.pop_front();
        }
        inner.ring.push_back(entry);
        inner.counts.entry(identity.operation).or_default().received += 1;
        drop(inner);
        self.tell();
        number
    }

    pub(crate) fn acted(&self, number: u64, status: u16) {
        self.change(number, |entry, count| {
            entry.acted = true;
            entry.acted_status = Some(status);
            count.acted += 1;
            count.succeeded += u64::from((200..300).contains(&status));
        });
    }

    pub(crate) fn close(&self, number: u64, sent: Option<u16>) {
        self.change(number, |entry, count| {
            entry.done = true;
            entry.sent_status = sent;
            count.cut += u64::from(sent.is_none());
        });
    }

    /// An entry that left the ring before its end keeps its counts as they were.
    fn change(&self, number: u64, change: impl FnOnce(&mut Entry, &mut Count)) {
        let mut inner = self.inner.lock().expect("journal lock");
        let Inner { ring, counts, .. } = &mut *inner;
        let Some(first) = ring.front().map(|entry| entry.number) else { return };
        let Some(index) = number.checked_sub(first) else { return };
        if let Some(entry) = ring.get_mut(index as usize) {
            let count = counts.entry(entry.operation).or_default();
            change(entry, count);
        }
        drop(inner);
        self.tell();
    }

    pub(crate) fn find(&self, filter: &Filter) -> Vec<Entry> {
        let inner = self.inner.lock().expect("journal lock");
        inner.ring.iter().filter(|entry| filter.matches(entry)).cloned().collect()
    }

    pub(crate) fn count(&self, filter: &Filter) -> u64 {
        let inner = self.inner.lock().expect("journal lock");
        inner.ring.iter().filter(|entry| filter.matches(entry)).count() as u64
    }

    pub(crate) fn counts(&self) -> HashMap<&'static str, Count> {
        self.inner.lock().expect("journal lock").counts.clone()
    }

    /// Waits until at least `wanted` entries match; says how many there are at the end.
    pub(crate) async fn wait(&self, filter: &Filter, wanted: u64, limit: Duration) -> u64 {
        let mut changes = self.changed.subscribe();
        let enough = async {
            loop {
                changes.borrow_and_update();
                if self.count(filter) >= wanted || changes.changed().await.is_err() {
                    return;
                }
                // Under load many entries come at once; each look goes through the whole ring.
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let _ = tokio::time::timeout(limit, enough).await;
        self.count(filter)
    }

    pub(crate) fn clear(&self) {
        let mut inner = self.inner.lock().expect("journal lock");
        inner.ring.clear();
        inner.counts.clear();
    }

    fn tell(&self) {
        self.changed.send_modify(|version| *version += 1);
    }
}

impl Filter {
    fn matches(&self, entry: &Entry) -> bool {
        let succeeded = entry.acted_status.is_some_and(|status| (200..300).contains(&status));
        self.host.is_none_or(|host| host == entry.host)
            && self.method.as_deref().is_none_or(|method| method == entry.method)
            && self.operation.as_deref().is_none_or(|operation| operation == entry.operation)
            && self.account.as_deref().is_none_or(|account| entry.account.as_deref() == Some(account))
            && self.acted.is_none_or(|acted| acted == entry.acted)
            && self.succeeded.is_none_or(|wanted| wanted == succeeded)
            && self.after.is_none_or(|after| entry.number > after)
    }
}

fn without_secrets(query: &Params) -> String {
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in query.iter() {
        let secret = ["token", "secret", "code", "proof"].iter().any(|word| name.contains(word));
        out.append_pair(name, if secret { "…" } else { value });
    }
    out.finish()
}
