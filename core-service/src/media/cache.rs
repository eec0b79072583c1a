//! Results by name, kept for a short time, each computed once however many ask at the same time.
//!
//! Bounded: when full, what is expired goes first, then the oldest. A caller that is cancelled does not take the
//! computation of the others with it: the next of them takes over.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::OnceCell;

/// The most results kept.
const MAX_ENTRIES: usize = 1024;

/// The cache.
#[derive(Debug)]
pub(super) struct Cache<T> {
    time: Duration,
    entries: Mutex<HashMap<String, Entry<T>>>,
}

#[derive(Debug)]
struct Entry<T> {
    begun: Instant,
    cell: Arc<OnceCell<T>>,
}

impl<T: Clone> Cache<T> {
    pub(super) fn new(time: Duration) -> Self {
        Self { time, entries: Mutex::default() }
    }

    /// The result for `name`: a kept one, the one that is being computed, or a new one. A result for which `is_kept`
    /// is false goes to those who are waiting for it and to nobody else.
    pub(super) async fn get<F: Future<Output = T>>(
        &self,
        name: &str,
        is_kept: impl Fn(&T) -> bool,
        compute: impl FnOnce() -> F,
    ) -> T {
        let cell = self.cell(name);
        let result = cell.get_or_init(compute).await.clone();
        if !is_kept(&result) {
            self.forget_cell(name, &cell);
        }
        result
    }

    /// The kept result for `name`, if there is one that is fresh.
    pub(super) fn kept(&self, name: &str) -> Option<T> {
        let entries = self.lock();
        let entry = entries.get(name).filter(|entry| entry.begun.elapsed() < self.time)?;
        entry.cell.get().cloned()
    }

    /// Makes the next caller compute anew.
    pub(super) fn forget(&self, name: &str) {
        let mut entries = self.lock();
        // What is being computed right now is as new as can be.
        if entries.get(name).is_some_and(|entry| entry.cell.initialized()) {
            entries.remove(name);
        }
    }

    fn cell(&self, name: &str) -> Arc<OnceCell<T>> {
        let now = Instant::now();
        let mut entries = self.lock();
        if let Some(entry) = entries.get(name) {
            let is_fresh = now.duration_since(entry.begun) < self.time;
            if is_fresh || !entry.cell.initialized() {
                return entry.cell.clone();
            }
        }
        if entries.len() >= MAX_ENTRIES {
            entries.retain(|_, entry| now.duration_since(entry.begun) < self.time);
        }
        if entries.len() >= MAX_ENTRIES {
            let oldest = entries.iter().min_by_key(|(_, entry)| entry.begun).map(|(name, _)| name.clone());
            entries.remove(&oldest.unwrap_or_default());
        }
        let cell = Arc::new(OnceCell::new());
        entries.insert(name.to_owned(), Entry { begun: now, cell: cell.clone() });
        cell
    }

    fn forget_cell(&self, name: &str, cell: &Arc<OnceCell<T>>) {
        let mut entries = self.lock();
        if entries.get(name).is_some_and(|entry| Arc::ptr_eq(&entry.cell, cell)) {
            entries.remove(name);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry<T>>> {
        self.entries.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn many_askers_compute_once_and_failures_are_not_kept() {
        let (cache, computed) = (Cache::new(Duration::from_secs(3600)), AtomicUsize::new(0));
        let compute = |result: Result<u8, ()>| {
            let computed = &computed;
            move || async move {
                computed.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                result
            }
        };
        let asking = (0..50).map(|_| cache.get("a", Result::is_ok, compute(Ok(1))));
        assert!(futures_util::future::join_all(asking).await.iter().all(|result| *result == Ok(1)));
        assert_eq!(computed.load(Ordering::SeqCst), 1);
        cache.get("a", Result::is_ok, compute(Ok(1))).await.unwrap();
        assert_eq!(computed.load(Ordering::SeqCst), 1, "kept");
        cache.forget("a");
        cache.get("a", Result::is_ok, compute(Ok(1))).await.unwrap();
        assert_eq!(computed.load(Ordering::SeqCst), 2, "forgotten");
        for _ in 0..2 {
            cache.get("b", Result::is_ok, compute(Err(()))).await.unwrap_err();
        }
        assert_eq!(computed.load(Ordering::SeqCst), 4, "failures are computed each time");
    }

    #[tokio::test]
    async fn results_expire_and_the_number_of_them_is_bounded() {
        let cache = Cache::new(Duration::ZERO);
        assert_eq!(cache.get("a", |_| true, || async { 1 }).await, 1);
        assert_eq!(cache.get("a", |_| true, || async { 2 }).await, 2);
        let cache = Cache::new(Duration::from_secs(3600));
        for number in 0..MAX_ENTRIES + 10 {
            cache.get(&number.to_string(), |_| true, || async move { number }).await;
        }
        assert_eq!(cache.lock().len(), MAX_ENTRIES);
        assert!(cache.lock().contains_key(&(MAX_ENTRIES + 9).to_string()) && !cache.lock().contains_key("0"));
    }

    #[tokio::test]
    async fn a_cancelled_asker_does_not_stop_the_others() {
        let cache = Arc::new(Cache::new(Duration::from_secs(3600)));
        let stuck = tokio::spawn({
            let cache = cache.clone();
            async move { cache.get("a", |_| true, std::future::pending::<u8>).await }
        });
        while cache.lock().is_empty() {
            tokio::task::yield_now().await;
        }
        stuck.abort();
        assert!(stuck.await.unwrap_err().is_cancelled());
        assert_eq!(cache.get("a", |_| true, || async { 7 }).await, 7);
    }
}
