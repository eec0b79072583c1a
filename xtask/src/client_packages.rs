//! The client packages of `clients/`: a Python wheel, an npm package, and the crate's example. What is generated from
//! `proto/` is made anew each time, so that it cannot be older.
//!
//! `cargo xtask client-packages` leaves them in `target/client-packages`, as they are published; the README stage installs
//! them as a user does, and runs the example of each.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::run::Workspace;
use crate::{environments, files, rust, test_build};

/// What was built.
pub(crate) struct Packages {
    pub(crate) wheel: PathBuf,
    pub(crate) npm: PathBuf,
    /// The crate's example, as a binary.
    pub(crate) example: PathBuf,
}

/// Builds all of them.
pub(crate) fn build(workspace: &Workspace) -> Result<Packages> {
    let out = files::empty(&rust::target_directory(workspace)?.join("client-packages"))?;
    Ok(Packages { wheel: wheel(workspace, &out)?, npm: npm(workspace, &out)?, example: example(workspace)? })
}

fn wheel(workspace: &Workspace, out: &Path) -> Result<PathBuf> {
    let python = environments::python_environment(workspace)?;
    let source = files::empty(&out.join("python"))?;
    files::copy(&workspace.root.join("clients/python"), &source)?;
    let protoc = workspace.program(&python).args(["-m", "grpc_tools.protoc", "--proto_path=proto"]);
    let to = source.display();
    let protoc =
        protoc.args([format!("--python_out={to}"), format!("--pyi_out={to}"), format!("--grpc_python_out={to}")]);
    protoc.args(environments::proto_files(workspace)?).run()?;
    fs::write(source.join("aurareels/v1/__init__.py"), "").context("cannot write the package's __init__.py")?;
    let pip = workspace.program(&python).args(["-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]);
    pip.args(["--no-deps", "--no-build-isolation", "--wheel-dir"]).arg(out).arg(&source).run()?;
    only(out, ".whl")
}

fn npm(workspace: &Workspace, out: &Path) -> Result<PathBuf> {
    let source = environments::generated_from_proto(workspace, "clients/node")?;
    let npm = workspace.program("npm").dir(&source).args(["pack", "--silent", "--pack-destination"]);
    npm.arg(out).run()?;
    only(out, ".tgz")
}

fn example(workspace: &Workspace) -> Result<PathBuf> {
    test_build::cargo(workspace, "build")?.args(["--workspace", "--example", "publish"]).run()?;
    Ok(rust::target_directory(workspace)?.join("debug/examples/publish"))
}

/// The one file in a directory with this ending.
fn only(dir: &Path, ending: &str) -> Result<PathBuf> {
    let entries = fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    let found: Vec<_> = paths.into_iter().filter(|path| path.to_string_lossy().ends_with(ending)).collect();
    ensure!(found.len() == 1, "{} holds {} files *{ending}", dir.display(), found.len());
    found.into_iter().next().context("no package was built")
}
