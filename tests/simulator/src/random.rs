//! Seeded chance: ids, tokens and random faults come from one generator, so a run can be repeated.

use std::sync::Mutex;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The generator behind a lock.
#[derive(Debug)]
pub(crate) struct Random(Mutex<StdRng>);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(Mutex::new(StdRng::seed_from_u64(seed)))
    }

    /// Letters and digits.
    pub(crate) fn token(&self, length: usize) -> String {
        let mut rng = self.0.lock().expect("random lock");
        (0..length).map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())])).collect()
    }

    /// A decimal number with exactly this many digits, the first of them 1 to 9; at most 19.
    pub(crate) fn digits(&self, digits: u32) -> u64 {
        let low = 10u64.pow(digits - 1);
        self.0.lock().expect("random lock").random_range(low..low * 9)
    }

    /// A number in [0, 1).
    pub(crate) fn chance(&self) -> f64 {
        self.0.lock().expect("random lock").random::<f64>()
    }
}
