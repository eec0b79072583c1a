//! The native addon of the n8n package: builds it for this machine and puts it where the package's loader looks.
//!
//! The file's name holds platform and version (`core.linux-x64-gnu.v0-1-0.node`), because Node never loads a second file
//! of the same path. `n8n-node/native/index.js` lists all names; a test there keeps both in step.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::run::Workspace;
use crate::{rust, test_build, tools};

/// How the addon is built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Build {
    /// As it is shipped.
    Release,
    /// For tests.
    Debug,
    /// For the test that makes each export panic.
    PanicInjection,
}

/// Builds the addon and copies it into `n8n-node/native`.
pub(crate) fn install(workspace: &Workspace, build: Build) -> Result<PathBuf> {
    let library = compile(workspace, build)?;
    let name = file_name(&host(workspace)?, env!("CARGO_PKG_VERSION"))?;
    let file = workspace.root.join("n8n-node/native").join(name);
    copy(&library, &file)?;
    println!("{}", file.display());
    Ok(file)
}

/// Builds the addon; returns the library that cargo made.
pub(crate) fn compile(workspace: &Workspace, build: Build) -> Result<PathBuf> {
    tools::c_compiler(workspace)?;
    let target = rust::target_directory(workspace)?;
    let library = format!("{}aurareels_n8n{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let dir = match build {
        Build::Release => {
            workspace.cargo("build").args(["--profile", "addon", "--package", "aurareels-n8n"]).run()?;
            target.join("addon")
        }
        // The whole workspace, as everywhere: cargo then unifies features the same way and builds nothing twice.
        Build::Debug => {
            test_build::cargo(workspace, "build")?.args(["--workspace", "--lib"]).run()?;
            target.join("debug")
        }
        // The same but for the addon itself. It is moved away, so that it never stands where the others are taken from.
        Build::PanicInjection => {
            let cargo = test_build::cargo(workspace, "build")?;
            cargo.args(["--workspace", "--lib", "--features", "aurareels-n8n/panic-injection"]).run()?;
            let own = target.join("panic-injection");
            std::fs::create_dir_all(&own).with_context(|| format!("cannot create {}", own.display()))?;
            let built = target.join("debug").join(&library);
            std::fs::rename(&built, own.join(&library)).with_context(|| format!("cannot move {}", built.display()))?;
            own
        }
    };
    Ok(dir.join(library))
}

/// Copies under another name and renames: a process that has the old file mapped keeps it.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    let unfinished = to.with_extension("unfinished");
    std::fs::copy(from, &unfinished).with_context(|| format!("cannot copy {}", from.display()))?;
    std::fs::rename(&unfinished, to).with_context(|| format!("cannot write {}", to.display()))
}

/// The triple that rustc builds for by itself.
fn host(workspace: &Workspace) -> Result<String> {
    let about = workspace.program("rustc").arg("-vV").output()?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("`rustc -vV` names no host")?.to_owned())
}

/// The file's name for a target, as the loader has it.
pub(crate) fn file_name(triple: &str, version: &str) -> Result<String> {
    let platform = match triple {
        "x86_64-unknown-linux-gnu" => "linux-x64-gnu",
        "x86_64-unknown-linux-musl" => "linux-x64-musl",
        "aarch64-unknown-linux-gnu" => "linux-arm64-gnu",
        "aarch64-unknown-linux-musl" => "linux-arm64-musl",
        "x86_64-apple-darwin" => "darwin-x64",
        "aarch64-apple-darwin" => "darwin-arm64",
        "x86_64-pc-windows-msvc" => "win32-x64-msvc",
        "aarch64-pc-windows-msvc" => "win32-arm64-msvc",
        _ => bail!("the n8n package has no name for binaries of {triple}: add one here and in native/index.js"),
    };
    Ok(format!("core.{platform}.v{}.node", version.replace('.', "-")))
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn the_name_holds_platform_and_version() {
        assert_eq!(file_name("aarch64-unknown-linux-musl", "1.20.3").unwrap(), "core.linux-arm64-musl.v1-20-3.node");
        assert!(file_name("riscv64gc-unknown-linux-gnu", "1.0.0").is_err());
    }
}
