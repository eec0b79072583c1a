//! How punctual this process is: the time from a scheduled post's due time to the moment at which the request that makes
//! it visible was handed to its connection. Only in memory, for `/metrics`; nothing depends on it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Upper bounds of the histogram, in seconds.
pub const BOUNDS: [f64; 9] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 30.0, 300.0];

/// Counts. Cheap to clone; all clones count together.
#[derive(Clone, Debug, Default)]
pub struct PublishLateness(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// One per bound, and one for what is later than all of them.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

/// What was counted so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Counted {
    /// How many were at most so late, per bound.
    pub at_most: [u64; BOUNDS.len()],
    /// How many there were.
    pub count: u64,
    /// Their lateness together, in seconds.
    pub seconds: f64,
}

impl PublishLateness {
    /// A visible request left so late.
    pub fn note(&self, late: Duration) {
        let seconds = late.as_secs_f64();
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        self.0.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.0.micros.fetch_add(u64::try_from(late.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The counts.
    pub fn counted(&self) -> Counted {
        let mut count = 0;
        let mut at_most = [0; BOUNDS.len()];
        for (number, bucket) in self.0.buckets.iter().enumerate() {
            count += bucket.load(Ordering::Relaxed);
            if let Some(sum) = at_most.get_mut(number) {
                *sum = count;
            }
        }
        Counted { at_most, count, seconds: self.0.micros.load(Ordering::Relaxed) as f64 / 1e6 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_what_is_at_most_so_late() {
        let publish_lateness = PublishLateness::default();
        for millis in [0, 50, 51, 900, 1_001, 400_000] {
            publish_lateness.note(Duration::from_millis(millis));
        }
        let counted = publish_lateness.counted();
        assert_eq!(counted.at_most, [2, 3, 3, 3, 4, 5, 5, 5, 5]);
        assert_eq!(counted.count, 6);
        assert!((counted.seconds - 402.002).abs() < 1e-6, "{}", counted.seconds);
    }
}
