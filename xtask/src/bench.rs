//! Measures a release build: `aurareels-bench` (tests/bench) runs the core as a process of its own against the simulator
//! and prints figures for docs/measurements.md.

use std::time::Duration;

use anyhow::Result;

use crate::{run::Workspace, rust, tools};

/// Long enough for the one that lets posts wait for most of an hour.
const LIMIT: Duration = Duration::from_secs(3 * 3600);

/// Builds in release and measures; `arguments` go to the benchmark.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<bool> {
    tools::c_compiler(workspace)?;
    // The whole workspace, as everywhere: cargo then unifies features the same way and builds nothing twice.
    workspace.cargo("build").args(["--release", "--workspace", "--bins"]).run()?;
    let release = rust::target_directory(workspace)?.join("release");
    let bench = workspace.program(release.join("aurareels-bench")).arg("--binary").arg(release.join("aurareels"));
    bench.args(arguments).limit(LIMIT).run()?;
    Ok(true)
}
