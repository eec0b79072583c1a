//! Libraries of other languages for tests, from PyPI and npm, in directories that git ignores: fetched once per change of their
//! pinned versions.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::run::Workspace;
use crate::{files, stamp, tools};

/// Generates a JavaScript client's code from `proto/`, by its own buf.gen.yaml; returns the client's directory.
pub(crate) fn generated_from_proto(workspace: &Workspace, client: &str) -> Result<PathBuf> {
    let bin = node_modules(workspace)?.join(".bin");
    let dir = workspace.root.join(client);
    files::empty(&dir.join("generated"))?;
    workspace.program(bin.join("buf")).dir(&dir).arg("generate").env("PATH", with_path(&[&bin])?).run()?;
    Ok(dir)
}

/// What Node's own test runner says last: its counts, and what failed and why.
pub(crate) fn closing_of_node(lines: Vec<String>) -> Vec<String> {
    const FAILURES: &str = "✖ failing tests:";
    // Enough for the first few errors with their stacks.
    const MOST: usize = 80;
    let is_count = |line: &str| {
        line.strip_prefix("ℹ ")
            .is_some_and(|rest| ["tests ", "pass ", "fail "].iter().any(|word| rest.starts_with(word)))
    };
    let failures = lines.iter().position(|line| line.contains(FAILURES)).unwrap_or(lines.len());
    let counts = lines.iter().filter(|line| is_count(line));
    counts.chain(lines.iter().skip(failures).take(MOST)).cloned().collect()
}

/// Installs the npm packages of the Node client, buf among them; returns `node_modules`.
pub(crate) fn node_modules(workspace: &Workspace) -> Result<PathBuf> {
    npm_packages(workspace, &workspace.root.join("tests/clients/node"))
}

/// Installs the npm packages of a directory; returns its `node_modules`.
pub(crate) fn npm_packages(workspace: &Workspace, dir: &Path) -> Result<PathBuf> {
    tools::node(workspace)?;
    let modules = dir.join("node_modules");
    let inputs = read(&dir.join("package-lock.json"))? + &workspace.program("node").arg("--version").output()?;
    stamp::once(&modules.join(".stamp"), &inputs, || {
        let npm = workspace.program("npm").dir(dir);
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).run()
    })?;
    Ok(modules)
}

/// Makes the virtual environment of the Python client; returns its `python`.
pub(crate) fn python_environment(workspace: &Workspace) -> Result<PathBuf> {
    tools::python(workspace)?;
    let requirements = workspace.root.join("tests/clients/python/requirements.txt");
    let environment = workspace.cache("clients")?.join("python");
    let python = environment.join("bin/python");
    // A checkout that was moved needs a new environment: its scripts hold their own path.
    let version = workspace.program("python3").arg("--version").output()?;
    let inputs = format!("{}\n{version}\n{}", environment.display(), read(&requirements)?);
    stamp::once(&environment.join(".stamp"), &inputs, || {
        workspace.program("python3").args(["-m", "venv", "--clear"]).arg(&environment).run()?;
        let pip = workspace.program(&python).args(["-m", "pip", "install", "--disable-pip-version-check"]);
        pip.arg("--requirement").arg(&requirements).run()
    })?;
    Ok(python)
}

/// Our own proto files, relative to `proto/`.
pub(crate) fn proto_files(workspace: &Workspace) -> Result<Vec<String>> {
    let dir = workspace.root.join("proto/aurareels/v1");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".proto") {
            files.push(format!("aurareels/v1/{name}"));
        }
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// `PATH` with more directories in front.
pub(crate) fn with_path(dirs: &[&Path]) -> Result<std::ffi::OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let first = dirs.iter().map(|dir| dir.to_path_buf());
    std::env::join_paths(first.chain(std::env::split_paths(&path))).context("a directory with a colon in its name")
}
