//! No panic may reach n8n: a panic that unwinds out of a synchronous export ends the whole process.
//!
//! Every export runs inside [`sync`] or [`asynchronous`], which turn a panic into an exception or a rejected promise that
//! names the export. (napi itself catches those of asynchronous exports, but keeps most of their messages to itself.)
//! `tests/addon/panics.test.mjs` lists the exports and makes each of them panic.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt;

/// Runs the body of a synchronous export.
pub(crate) fn sync<T>(export: &str, body: impl FnOnce() -> napi::Result<T>) -> napi::Result<T> {
    catch_unwind(AssertUnwindSafe(|| {
        checkpoint(export);
        body()
    }))
    .unwrap_or_else(|panic| Err(told(export, panic.as_ref())))
}

/// Runs the body of an asynchronous export.
pub(crate) async fn asynchronous<T>(export: &str, body: impl Future<Output = napi::Result<T>>) -> napi::Result<T> {
    let running = AssertUnwindSafe(async {
        checkpoint(export);
        body.await
    });
    running.catch_unwind().await.unwrap_or_else(|panic| Err(told(export, panic.as_ref())))
}

fn told(export: &str, panic: &(dyn Any + Send)) -> napi::Error {
    let said = panic.downcast_ref::<&str>().map(ToString::to_string).or_else(|| panic.downcast_ref().cloned());
    napi::Error::from_reason(format!("panic in {export}: {}", said.unwrap_or_default()))
}

/// Panics when a test asks for it.
#[cfg(feature = "panic-injection")]
fn checkpoint(export: &str) {
    if std::env::var("AURAREELS_ADDON_PANIC").is_ok_and(|wanted| wanted == export) {
        panic!("injected panic in {export}");
    }
}

/// Nothing: only the build for tests has the hook.
#[cfg(not(feature = "panic-injection"))]
#[inline]
fn checkpoint(_export: &str) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_that_names_the_export() {
        let error = sync::<()>("Call.cancel", || panic!("broken {}", 1)).unwrap_err();
        assert_eq!(error.reason, "panic in Call.cancel: broken 1");
    }

    #[tokio::test]
    async fn so_does_one_of_an_asynchronous_export_also_after_it_has_waited() {
        let body = async {
            tokio::task::yield_now().await;
            panic!("broken {}", 2)
        };
        let error = asynchronous::<()>("Call.run", body).await.unwrap_err();
        assert_eq!(error.reason, "panic in Call.run: broken 2");
    }

    #[tokio::test]
    async fn what_the_body_answers_is_handed_on() {
        assert_eq!(sync("version", || Ok(7)).unwrap(), 7);
        assert_eq!(asynchronous("Call.run", async { Ok(7) }).await.unwrap(), 7);
    }
}
