//! Everything that any core of this process logs, kept for the search for secrets.

use std::{
    io::{self, Write},
    sync::{Mutex, MutexGuard, Once, PoisonError},
};

use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

static KEPT: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static START: Once = Once::new();

fn kept() -> MutexGuard<'static, Vec<u8>> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Keep;

impl Write for Keep {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if std::env::var_os("AURAREELS_TEST_LOG").is_some() {
            io::stderr().write_all(bytes)?;
        }
        kept().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Keep {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        Keep
    }
}

/// Starts keeping, once per process; says where the log ends now. The core's own words are kept down to the finest
/// level. With `AURAREELS_TEST_LOG` set they are shown, too.
pub fn keep() -> usize {
    START.call_once(|| {
        let filter = EnvFilter::new("info,aurareels_core=trace,hyper=debug,reqwest=debug,h2=info,sqlx=debug");
        // Another subscriber would be a mistake of the tests, which the search for secrets would not notice.
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(|| Keep).init();
    });
    kept().len()
}

/// Whether a text was logged since a position.
pub fn holds(from: usize, text: &str) -> bool {
    let kept = kept();
    contains(&kept[from.min(kept.len())..], text.as_bytes())
}

/// Whether bytes contain others.
pub fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    let Some(first) = wanted.first() else { return true };
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        if rest[at..].starts_with(wanted) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}
