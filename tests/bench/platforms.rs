//! The simulator on threads of its own: what plays the platforms must not hold up the clients of the same process.

use std::ops::Deref;

use anyhow::Result;
use aurareels_simulator::{Options, Simulator};
use tokio::runtime::{Builder, Runtime};

/// A running simulator.
pub(crate) struct Platforms {
    simulator: Simulator,
    threads: Runtime,
}

impl Platforms {
    pub(crate) async fn start(options: Options) -> Result<Self> {
        let threads = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let simulator = threads.spawn(Simulator::start(options)).await??;
        Ok(Self { simulator, threads })
    }

    pub(crate) async fn shutdown(self) {
        self.simulator.shutdown().await;
        self.threads.shutdown_background();
    }
}

impl Deref for Platforms {
    type Target = Simulator;

    fn deref(&self) -> &Simulator {
        &self.simulator
    }
}
