//! `cargo xtask crash` and `cargo xtask chaos`: a fault build of the core in a target directory of its own, and the
//! program that kills it (tests/crash).
//!
//! The fault build shares nothing with other builds, so that switching between them rebuilds nothing. Before anything is
//! killed, the marker of fault builds is looked for in both binaries: it must be in the one and not in the other.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result, ensure};

use crate::{run::Workspace, rust, tools};

/// Long enough for 100,000 posts.
const LIMIT: Duration = Duration::from_secs(12 * 3600);

/// `aurareels_core::fault::MARKER`.
const MARKER: &str = "aurareels-fault-points-are-armed";

/// Builds both, checks the marker, runs `command` with these arguments.
pub(crate) fn run(workspace: &Workspace, command: &str, arguments: &[String]) -> Result<bool> {
    tools::c_compiler(workspace)?;
    let target = rust::target_directory(workspace)?.join("fault");
    workspace
        .cargo("build")
        .args(["--package", "aurareels-core", "--package", "aurareels-crash", "--bins", "--target-dir"])
        .arg(&target)
        .without_env(|name| name == "CARGO_BUILD_BUILD_DIR")
        .env("AURAREELS_FAULT_BUILD", "1")
        .run()?;
    let armed = target.join("debug/aurareels");
    ensure!(holds_marker(&armed)?, "the fault build has no fault points");
    let plain = rust::binary(workspace)?;
    for other in [plain, rust::target_directory(workspace)?.join("release/aurareels")] {
        ensure!(!other.exists() || !holds_marker(&other)?, "{} has fault points", other.display());
    }
    let program = workspace.program(target.join("debug/aurareels-crash")).arg(command).args(arguments);
    let (passed, _) = program.limit(LIMIT).watch()?;
    Ok(passed)
}

fn holds_marker(binary: &Path) -> Result<bool> {
    let bytes = std::fs::read(binary).with_context(|| format!("cannot read {}", binary.display()))?;
    Ok(bytes.windows(MARKER.len()).any(|window| window == MARKER.as_bytes()))
}
