//! The checks that run none of the project's code: formatting, clippy, and buf over the proto files.

use anyhow::{Context, Result, ensure};

use crate::report::Report;
use crate::run::Workspace;
use crate::{environments, test_build, tools};

/// `cargo fmt --check` over every crate.
pub(crate) fn fmt(workspace: &Workspace) -> Result<Report> {
    tools::cargo_component(workspace, "fmt", "rustfmt")?;
    workspace.cargo("fmt").args(["--all", "--check"]).run().context("`cargo fmt` puts it right")?;
    Ok(Report::default())
}

/// Clippy over every target of the whole workspace; a warning is an error.
///
/// By itself it only checks, which is quick. Where tests follow, that would read every dependency twice: once to check
/// against it and once to build it. There clippy looks on while the tests are built ([`test_build`]).
pub(crate) fn clippy(workspace: &Workspace) -> Result<Report> {
    tools::c_compiler(workspace)?;
    tools::cargo_component(workspace, "clippy", "clippy")?;
    if workspace.shares_build() {
        // What does not pass must not keep the tests from running.
        return build(workspace).inspect_err(|_| workspace.share_build(false));
    }
    workspace.cargo("clippy").args(["--workspace", "--all-targets", "--", "-D", "warnings"]).run()?;
    Ok(Report::default())
}

/// Builds everything that the tests need, with clippy's lints.
fn build(workspace: &Workspace) -> Result<Report> {
    let (passed, lines) = test_build::cargo(workspace, "build")?.args(["--workspace", "--all-targets"]).watch()?;
    ensure!(passed, "clippy or the compiler has complaints");
    // Were clippy's arguments not understood, its lints would be mere warnings.
    ensure!(!lines.iter().any(|line| line.starts_with("warning")), "there are warnings");
    Ok(Report::remark("with the build of the tests"))
}

/// `buf lint`, and `buf breaking` against the proto files of main where there are any.
pub(crate) fn proto(workspace: &Workspace) -> Result<Report> {
    let buf = environments::node_modules(workspace)?.join(".bin/buf");
    workspace.program(&buf).args(["lint", "proto"]).run()?;
    let Some(base) = earlier_proto(workspace) else {
        return Ok(Report::remark("no earlier proto to compare with"));
    };
    // Taken out with git rather than by buf, which cannot read a linked worktree.
    let earlier = workspace.cache("proto-earlier")?;
    std::fs::remove_dir_all(&earlier).context("cannot empty the copy of the earlier proto files")?;
    let earlier = workspace.cache("proto-earlier")?;
    let archive = earlier.join("proto.tar");
    workspace.program("git").args(["archive", "--output"]).arg(&archive).args([&base, "proto"]).quiet().run()?;
    workspace.program("tar").arg("-xf").arg(&archive).arg("-C").arg(&earlier).quiet().run()?;
    workspace.program(&buf).args(["breaking", "proto", "--against"]).arg(earlier.join("proto")).run()?;
    let short = &base[..base.len().min(10)];
    Ok(Report::remark(format!("compared with {short}")))
}

/// The commit whose proto files clients know: that of the remote's main, else of the local one.
///
/// `None` where git or its history is missing (a source archive, a shallow clone of a branch) or held no proto yet.
fn earlier_proto(workspace: &Workspace) -> Option<String> {
    let git = || workspace.program("git");
    let base = ["refs/remotes/origin/main", "refs/heads/main"].iter().find_map(|name| {
        git().args(["rev-parse", "--verify", "--quiet"]).arg(format!("{name}^{{commit}}")).output().ok()
    })?;
    let base = base.trim().to_owned();
    let files = git().args(["ls-tree", "-r", "--name-only", &base, "proto"]).output().ok()?;
    files.lines().any(|file| file.ends_with(".proto")).then_some(base)
}
