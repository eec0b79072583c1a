//! Start time and idle memory.

use std::{path::Path, time::Duration};

use anyhow::Result;
use aurareels_simulator::{Options, Simulator};

use crate::{
    core::Core,
    stats::{ms, percentile},
};

/// Starts on a fresh database.
const STARTS: usize = 5;

/// How long the core is left alone.
const IDLE: Duration = Duration::from_secs(20);

pub(crate) async fn run(binary: &Path) -> Result<()> {
    let simulator = Simulator::start(Options::default()).await?;
    let mut times = Vec::new();
    for _ in 0..STARTS {
        times.push(Core::start(binary, &simulator, &[]).await?.started_in);
    }
    let core = Core::start(binary, &simulator, &[]).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = core.cpu()?;
    tokio::time::sleep(IDLE).await;
    let cpu = core.cpu()? - before;
    println!("\n## Start and idle\n");
    println!("| figure | value |\n|---|---|");
    println!("| process start to SERVING, fresh database, median of {STARTS} | {} |", ms(percentile(&mut times, 0.5)));
    println!("| resident memory, idle | {:.1} MiB |", core.memory_mib("VmRSS")?);
    println!(
        "| CPU while idle for {} s | {:.2} % of a core |",
        IDLE.as_secs(),
        cpu.as_secs_f64() / IDLE.as_secs_f64() * 100.0
    );
    println!("| size of the binary | {:.1} MiB |", std::fs::metadata(binary)?.len() as f64 / 1024.0 / 1024.0);
    simulator.shutdown().await;
    Ok(())
}
