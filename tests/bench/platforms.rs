//! The simulator on threads of its own: what plays the platforms must not hold up the clients of the same process.

use std::ops::Deref;

use anyhow::Result;
use aurareels_simulator::{Options, Simulator};
use tokio::runtime::{Builder, Runtime};

/// A running simulator.
pub(crate) struct Platforms {
    simulator: Simulator,
    threads: Threads,
}

/// Threads that end by themselves: a runtime cannot be waited for within another one.
struct Threads(Option<Runtime>);

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(threads) = self.0.take() {
            threads.shutdown_background();
        }
    }
}

impl Platforms {
    pub(crate) async fn start(options: Options) -> Result<Self> {
        let threads = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let simulator = threads.spawn(Simulator::start(options)).await??;
        Ok(Self { simulator, threads: Threads(Some(threads)) })
    }

    pub(crate) async fn shutdown(self) {
        let Self { simulator, threads } = self;
        simulator.shutdown().await;
        drop(threads);
    }
}

impl Deref for Platforms {
    type Target = Simulator;

    fn deref(&self) -> &Simulator {
        &self.simulator
    }
}
