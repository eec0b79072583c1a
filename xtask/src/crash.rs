//! `cargo xtask crash` and `cargo xtask chaos`: a fault build of the core in a target directory of its own, and the
//! program that kills it (tests/crash).
//!
//! The fault build shares nothing with other builds, so that switching between them rebuilds nothing. Before anything is
//! killed, the marker of fault builds is looked for in every binary there is: it must be in this one and in no other.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result, ensure};

use crate::{
    run::Workspace,
    rust,
    stage::{Report, TestsFailed},
    tools,
};

/// Long enough for 100,000 posts.
const LIMIT: Duration = Duration::from_secs(12 * 3600);

/// `aurareels_core::fault::MARKER`.
const MARKER: &str = "aurareels-fault-points-are-armed";

/// Packages of a fault build: the core, the program that kills it, and the disk that loses power.
const PACKAGES: [&str; 3] = ["aurareels-core", "aurareels-crash", "aurareels-power"];

/// Builds, checks the marker, runs `command` with these arguments.
pub(crate) fn run(workspace: &Workspace, command: &str, arguments: &[String]) -> Result<bool> {
    Ok(watch(workspace, command, arguments)?.0)
}

/// The stage of `cargo xtask test`: the whole crash suite, in its long version with `--full`.
pub(crate) fn test(workspace: &Workspace) -> Result<Report> {
    let arguments = if workspace.full { vec!["--long".to_owned()] } else { Vec::new() };
    let (passed, lines) = watch(workspace, "crash", &arguments)?;
    let closing: Vec<String> = lines.into_iter().filter(|line| rust::is_closing(line)).collect();
    if !passed {
        return Err(TestsFailed { what: "the crash suite failed".to_owned(), closing }.into());
    }
    Ok(Report { remark: None, closing })
}

fn watch(workspace: &Workspace, command: &str, arguments: &[String]) -> Result<(bool, Vec<String>)> {
    tools::c_compiler(workspace)?;
    let target = rust::target_directory(workspace)?;
    let faults = target.join("fault");
    let mut build =
        workspace.cargo("build").args(["--profile", "fault", "--bins", "--lib", "--target-dir"]).arg(&faults);
    for package in PACKAGES {
        build = build.args(["--package", package]);
    }
    build.without_env(|name| name == "CARGO_BUILD_BUILD_DIR").env("AURAREELS_FAULT_BUILD", "1").run()?;
    let armed = faults.join("fault");
    ensure!(holds_marker(&armed.join("aurareels"))?, "the fault build has no fault points");
    let plain = rust::binary(workspace)?;
    for other in [plain, target.join("release/aurareels")] {
        ensure!(!other.exists() || !holds_marker(&other)?, "{} has fault points", other.display());
    }
    let program = workspace.program(armed.join("aurareels-crash")).arg(command).args(arguments);
    program.limit(LIMIT).watch()
}

fn holds_marker(binary: &Path) -> Result<bool> {
    let bytes = std::fs::read(binary).with_context(|| format!("cannot read {}", binary.display()))?;
    Ok(bytes.windows(MARKER.len()).any(|window| window == MARKER.as_bytes()))
}
