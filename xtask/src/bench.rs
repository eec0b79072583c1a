//! Measures a release build: `aurareels-bench` (tests/bench) runs the core as a process of its own against the simulator
//! and prints figures for docs/measurements.md. The n8n addon is measured from Node (tests/bench/addon), when asked for by
//! `--only addon`. With `--database postgres|mysql` it measures cores on a private server, started for it.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result};

use crate::{
    addon,
    databases::{self, Servers},
    n8n_package,
    run::Workspace,
    rust,
    stack::Stack,
    stamp, tools,
};

/// Long enough for the one that lets posts wait for most of an hour.
const LIMIT: Duration = Duration::from_secs(3 * 3600);

/// Builds in release and measures; `arguments` go to the benchmark.
pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<bool> {
    tools::c_compiler(workspace)?;
    let mut arguments = arguments.to_vec();
    let database = databases::chosen(&mut arguments)?;
    // The whole workspace, as everywhere: cargo then unifies features the same way and builds nothing twice.
    workspace.cargo("build").args(["--release", "--workspace", "--bins"]).run()?;
    let release = rust::target_directory(workspace)?.join("release");
    if arguments == ["--only", "addon"] {
        return addon(workspace, &release.join("aurareels"));
    }
    let bench = workspace.program(release.join("aurareels-bench")).arg("--binary").arg(release.join("aurareels"));
    let bench = bench.args(arguments).limit(LIMIT);
    let Some(name) = database else {
        bench.run()?;
        return Ok(true);
    };
    let servers = Servers::start_to_measure(workspace, &name)?;
    servers.known_to(bench).env("AURAREELS_TEST_DATABASE", &name).run()?;
    Ok(true)
}

/// The addon against other clients from Node, on the newest Node that it is made for.
fn addon(workspace: &Workspace, core: &Path) -> Result<bool> {
    n8n_package::prepare(workspace, addon::Build::Release)?;
    let dir = workspace.root.join("tests/bench/addon");
    let lock = std::fs::read_to_string(dir.join("package-lock.json")).context("no package-lock.json")?;
    stamp::once(&dir.join("node_modules/.stamp"), &lock, || {
        let npm = workspace.program("npm").dir(&dir);
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]).run()
    })?;
    let node = n8n_package::newest_node(workspace)?;
    let stack = Stack::start(workspace, core, "bench-addon", &[])?;
    let program = workspace.program(node).dir(&dir).arg("main.mjs").limit(LIMIT);
    let program = stack.environment.iter().fold(program, |program, (name, value)| program.env(name, value));
    program.run().inspect_err(|_| stack.print_logs())?;
    stack.stop()?;
    Ok(true)
}
