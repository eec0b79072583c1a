//! `cargo xtask crash` and `cargo xtask chaos`: a fault build of the core in a target directory of its own, and the
//! program that kills it (tests/crash).
//!
//! The fault build shares nothing with other builds, so that switching between them rebuilds nothing. Before anything is
//! killed, the marker of fault builds is looked for in every binary there is: it must be in this one and in no other.

use std::{path::Path, sync::mpsc, time::Duration};

use anyhow::{Context, Result, ensure};

use crate::{
    databases::{self, Servers},
    report::{Report, TestsFailed},
    run::{Program, Workspace},
    rust, tools,
};

/// Long enough for 100,000 posts.
const LIMIT: Duration = Duration::from_secs(12 * 3600);

/// Time between two restarts of a server under chaos.
const RESTARTS: Duration = Duration::from_secs(60);

/// `aurareels_core::fault::MARKER`.
const MARKER: &str = "aurareels-fault-points-are-armed";

/// Packages of a fault build: the core, the program that kills it, and the disk that loses power.
const PACKAGES: [&str; 3] = ["aurareels-core", "aurareels-crash", "aurareels-power"];

/// Builds, checks the marker, runs `command` with these arguments; `--database` among them is for us.
pub(crate) fn run(workspace: &Workspace, command: &str, arguments: &[String]) -> Result<bool> {
    let mut arguments = arguments.to_vec();
    let database = databases::chosen(&mut arguments)?;
    Ok(on(workspace, database.as_deref(), command, &arguments)?.0)
}

/// The stage of `cargo xtask test`: the whole crash suite on SQLite. With `--full` in its long version, and on each server.
pub(crate) fn test(workspace: &Workspace) -> Result<Report> {
    let mut closing = Vec::new();
    let mut passed = true;
    let mut runs = vec![(None, if workspace.full { vec!["--long".to_owned()] } else { Vec::new() })];
    if workspace.full {
        runs.extend(Servers::NAMES.map(|name| (Some(name), Vec::new())));
    }
    for (database, arguments) in runs {
        let (well, lines) = on(workspace, database, "crash", &arguments)?;
        passed &= well;
        closing.extend(lines.into_iter().filter(|line| rust::is_closing(line)));
    }
    if !passed {
        return Err(TestsFailed { what: "the crash suite failed".to_owned(), closing }.into());
    }
    Ok(Report { remark: None, closing })
}

/// Runs a command on a database: on a server that is started for it and, under chaos, restarted all the time.
fn on(
    workspace: &Workspace,
    database: Option<&str>,
    command: &str,
    arguments: &[String],
) -> Result<(bool, Vec<String>)> {
    let program = built(workspace)?.arg(command).args(arguments);
    let Some(name) = database else { return program.watch() };
    let mut servers = Servers::start_some(workspace, &[name])?;
    let program = servers.known_to(program).env("AURAREELS_TEST_DATABASE", name);
    if command != "chaos" {
        return program.watch();
    }
    let turns = servers.file("restarts");
    std::fs::File::create(&turns)?;
    let program = program.env("AURAREELS_TEST_RESTARTS", &turns);
    std::thread::scope(|scope| {
        let (ended, told) = mpsc::channel();
        let restarting = scope.spawn(move || servers.restart_every(RESTARTS, &turns, &told));
        let outcome = program.watch();
        drop(ended);
        restarting.join().expect("restarting does not panic")?;
        outcome
    })
}

/// The program that kills cores, with a fault build of the core beside it.
fn built(workspace: &Workspace) -> Result<Program> {
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
    Ok(workspace.program(armed.join("aurareels-crash")).limit(LIMIT))
}

fn holds_marker(binary: &Path) -> Result<bool> {
    let bytes = std::fs::read(binary).with_context(|| format!("cannot read {}", binary.display()))?;
    Ok(bytes.windows(MARKER.len()).any(|window| window == MARKER.as_bytes()))
}
