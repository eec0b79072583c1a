//! The Rust stage: builds the whole workspace once and runs all its tests.
//!
//! Everything is built with `--workspace`, so that cargo unifies features the same way in every stage and no crate is
//! built twice.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::run::Workspace;
use crate::stage::{Report, TestsFailed};
use crate::tools;

/// Builds and runs all Rust tests: with cargo-nextest where it is installed, else with `cargo test`.
pub(crate) fn test(workspace: &Workspace) -> Result<Report> {
    tools::c_compiler(workspace)?;
    workspace.cargo_of_tests("build")?.args(["--workspace", "--all-targets"]).run()?;
    let mut closing = Vec::new();
    let mut passed = true;
    let ignored = workspace.full;
    if tools::has_cargo(workspace, "nextest") {
        let mut nextest = workspace.cargo_of_tests("nextest")?.args(["run", "--workspace", "--no-fail-fast"]);
        nextest = nextest.args(["--config-file", "xtask/nextest.toml"]);
        if ignored {
            nextest = nextest.args(["--run-ignored", "all"]);
        }
        passed &= watch(nextest, &mut closing)?;
        // nextest leaves the examples in the documentation to cargo.
        let doc = workspace.cargo_of_tests("test")?.args(["--workspace", "--doc", "--no-fail-fast"]);
        passed &= watch(doc, &mut closing)?;
    } else {
        let mut test = workspace.cargo_of_tests("test")?.args(["--workspace", "--no-fail-fast"]);
        if ignored {
            test = test.args(["--", "--include-ignored"]);
        }
        passed &= watch(test, &mut closing)?;
    }
    if !passed {
        return Err(TestsFailed { what: "Rust tests failed".to_owned(), closing }.into());
    }
    Ok(Report { remark: None, closing })
}

/// Builds the `aurareels` binary (debug) and returns its path.
pub(crate) fn binary(workspace: &Workspace) -> Result<PathBuf> {
    tools::c_compiler(workspace)?;
    workspace.cargo_of_tests("build")?.args(["--workspace", "--bins"]).run()?;
    Ok(target_directory(workspace)?.join("debug/aurareels"))
}

/// Where cargo puts what it has built.
pub(crate) fn target_directory(workspace: &Workspace) -> Result<PathBuf> {
    let metadata = workspace.cargo("metadata").args(["--format-version", "1", "--no-deps"]).output()?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata).context("cargo metadata is not JSON")?;
    let target = metadata["target_directory"].as_str().context("cargo metadata names no target directory")?;
    Ok(PathBuf::from(target))
}

fn watch(program: crate::run::Program, closing: &mut Vec<String>) -> Result<bool> {
    let (passed, lines) = program.watch()?;
    closing.extend(lines.into_iter().filter(|line| is_closing(line)));
    Ok(passed)
}

/// nextest's `Summary [ 1.2s] 3 tests run: ...`, or each binary's `test result: ...` (those without tests left out).
pub(crate) fn is_closing(line: &str) -> bool {
    let text = line.trim_start();
    (text.starts_with("Summary [") && text.contains("run:"))
        || (text.starts_with("test result:") && !text.contains(" 0 passed; 0 failed;"))
}

#[cfg(test)]
mod tests {
    use super::is_closing;

    #[test]
    fn closing_lines_of_both_runners_are_known() {
        assert!(is_closing("     Summary [   0.003s] 3 tests run: 3 passed, 0 skipped"));
        assert!(is_closing("     Summary [   0.003s] 2/3 tests run: 1 passed, 1 failed, 0 skipped"));
        assert!(is_closing(
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s"
        ));
        assert!(!is_closing("test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out"));
        assert!(!is_closing("test stage::tests::summary ... ok"));
    }
}
