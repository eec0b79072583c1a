//! Whether the process was asked to end (SIGTERM, or SIGINT from a terminal).
//!
//! n8n lets executions come to their end before it stops, tells nodes nothing, and after thirty seconds breaks off what
//! is left, which is then lost as "crashed". A node that waits for a post would use all of that time, though nobody needs
//! it to wait: the core goes on without it. So it is told here.
//!
//! n8n's own handlers stay in place and run first. A process that lets a signal end it is left alone: a handler of ours
//! would keep it alive. Where there are no such signals (Windows), nothing is ever heard.

use std::sync::LazyLock;

use tokio_util::sync::CancellationToken;

static ASKED: LazyLock<CancellationToken> = LazyLock::new(|| {
    let asked = CancellationToken::new();
    #[cfg(unix)]
    unix::listen(&asked);
    asked
});

/// Listens from now on for the rest of the process; a request that came before is not heard.
pub(crate) fn listen() {
    LazyLock::force(&ASKED);
}

/// Resolves once the process was asked to end.
pub(crate) async fn asked() {
    ASKED.cancelled().await;
}

#[cfg(unix)]
mod unix {
    use napi::bindgen_prelude::spawn;
    use tokio::signal::unix::{SignalKind, signal};
    use tokio_util::sync::CancellationToken;

    pub(super) fn listen(asked: &CancellationToken) {
        for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
            if !is_handled(kind) {
                continue;
            }
            let asked = asked.clone();
            spawn(async move {
                // Without a handler (the system gave none) n8n stops as it does without us.
                if let Ok(mut signals) = signal(kind) {
                    signals.recv().await;
                    asked.cancel();
                }
            });
        }
    }

    /// Whether somebody in this process handles the signal and lives on. Node without a listener has a handler too: it
    /// tidies the terminal, is gone once it is called, and raises the signal again for the system's default to end the process.
    #[allow(unsafe_code, reason = "no library asks for a handler without setting one")]
    fn is_handled(kind: SignalKind) -> bool {
        let mut current = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: nothing is set; what is there is written into `current`, which lives as long as the call, and all of
        // whose bytes are valid as zeros.
        let current = unsafe {
            if libc::sigaction(kind.as_raw_value(), std::ptr::null(), current.as_mut_ptr()) != 0 {
                return false;
            }
            current.assume_init()
        };
        let is_for_once = current.sa_flags & libc::SA_RESETHAND != 0;
        !is_for_once && ![libc::SIG_DFL, libc::SIG_IGN].contains(&current.sa_sigaction)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[tokio::test]
        async fn a_signal_is_handled_once_somebody_listens() {
            let kind = SignalKind::user_defined2();
            assert!(!is_handled(kind));
            let _listening = signal(kind).unwrap();
            assert!(is_handled(kind));
        }
    }
}
