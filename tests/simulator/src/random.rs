//! Seeded chance: ids, tokens and random faults come from one generator, so a run can be repeated.

use std::sync::Mutex;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Tokens of at least this many letters are credentials (codes, tokens, upload tokens); shorter ones are ids of logs,
/// people and the like.
const CREDENTIAL_LENGTH: usize = 40;

/// The generator behind a lock, and every credential it made.
#[derive(Debug)]
pub(crate) struct Random(Mutex<StdRng>, Mutex<Vec<String>>);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(Mutex::new(StdRng::seed_from_u64(seed)), Mutex::default())
    }

    /// Letters and digits.
    pub(crate) fn token(&self, length: usize) -> String {
        let mut rng = self.0.lock().expect("random lock");
        let token: String = (0..length).map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())])).collect();
        if length >= CREDENTIAL_LENGTH {
            self.1.lock().expect("credentials lock").push(token.clone());
        }
        token
    }

    /// The random part of every credential that was made: nothing outside may ever show one.
    pub(crate) fn credentials(&self) -> Vec<String> {
        self.1.lock().expect("credentials lock").clone()
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
