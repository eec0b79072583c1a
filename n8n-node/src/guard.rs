//! No panic may reach n8n: a panic that unwinds out of a synchronous export ends the whole process.
//!
//! Every synchronous export runs inside [`sync`], which turns a panic into a JavaScript exception. Asynchronous ones are
//! polled by the napi runtime, which turns a panic into a rejected promise; they only have the checkpoint that lets a
//! test prove it. `tests/addon/panics.test.js` lists the exports and makes each of them panic.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs the body of a synchronous export.
pub(crate) fn sync<T>(export: &str, body: impl FnOnce() -> napi::Result<T>) -> napi::Result<T> {
    catch_unwind(AssertUnwindSafe(|| {
        checkpoint(export);
        body()
    }))
    .unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<&str>().map(ToString::to_string).or_else(|| panic.downcast_ref().cloned());
        Err(napi::Error::from_reason(format!("panic in {export}: {}", said.unwrap_or_default())))
    })
}

/// Panics when a test asks for it.
#[cfg(feature = "panic-injection")]
pub(crate) fn checkpoint(export: &str) {
    if std::env::var("AURAREELS_ADDON_PANIC").is_ok_and(|wanted| wanted == export) {
        panic!("injected panic");
    }
}

/// Nothing: only the build for tests has the hook.
#[cfg(not(feature = "panic-injection"))]
#[inline]
pub(crate) fn checkpoint(_export: &str) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_that_names_the_export() {
        let error = sync::<()>("Call.cancel", || panic!("broken {}", 1)).unwrap_err();
        assert_eq!(error.reason, "panic in Call.cancel: broken 1");
    }

    #[test]
    fn what_the_body_answers_is_handed_on() {
        assert_eq!(sync("version", || Ok(7)).unwrap(), 7);
    }
}
