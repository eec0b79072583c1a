//! The Rust stage: builds the whole workspace once and runs all its tests.
//!
//! Everything is built with `--workspace`, so that cargo unifies features the same way in every stage and no crate is
//! built twice.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::databases::Servers;
use crate::report::{Report, TestsFailed};
use crate::run::{Program, Workspace};
use crate::{test_build, tools};

/// Modules of scenarios whose statements differ most between databases: keys, moves, events, pages, claims, secrets, restoring.
const ON_SERVERS: &[&str] =
    &["chaos", "isolation", "keys_at_rest", "request_keys", "restoring", "quarantine", "stopping", "watching"];

/// Builds and runs all Rust tests: with cargo-nextest where it is installed, else with `cargo test`.
pub(crate) fn test(workspace: &Workspace) -> Result<Report> {
    tools::c_compiler(workspace)?;
    test_build::cargo(workspace, "build")?.args(["--workspace", "--all-targets"]).run()?;
    let mut closing = Vec::new();
    let mut passed = true;
    let ignored = workspace.full;
    let (servers, remark) = match Servers::start(workspace) {
        Ok(mut servers) => {
            let remark = servers.remark.take();
            (Some(servers), remark)
        }
        Err(error) => (None, Some(format!("not tried on PostgreSQL and MariaDB: {error:#}"))),
    };
    let beside_servers = |program| match &servers {
        Some(servers) => servers.known_to(program),
        None => program,
    };
    if tools::has_cargo(workspace, "nextest") {
        let mut nextest = test_build::cargo(workspace, "nextest")?.args(["run", "--workspace", "--no-fail-fast"]);
        nextest = nextest.args(["--config-file", "xtask/nextest.toml"]);
        nextest = nextest.args(["--test-threads", &test_threads()]);
        if ignored {
            nextest = nextest.args(["--run-ignored", "all"]);
        }
        passed &= watch(beside_servers(nextest), &mut closing)?;
        // nextest leaves the examples in the documentation to cargo.
        if has_examples(&workspace.root)? {
            let doc = test_build::cargo(workspace, "test")?.args(["--workspace", "--doc", "--no-fail-fast"]);
            passed &= watch(doc, &mut closing)?;
        }
    } else {
        let mut test = test_build::cargo(workspace, "test")?.args(["--workspace", "--no-fail-fast"]);
        if ignored {
            test = test.args(["--", "--include-ignored"]);
        }
        passed &= watch(beside_servers(test), &mut closing)?;
    }
    if let Some(servers) = &servers {
        for database in Servers::NAMES {
            let scenarios = scenarios(workspace)?.env("AURAREELS_TEST_DATABASE", database);
            passed &= watch(servers.known_to(scenarios), &mut closing)?;
        }
    }
    if !passed {
        return Err(TestsFailed { what: "Rust tests failed".to_owned(), closing }.into());
    }
    Ok(Report { remark, closing })
}

/// The scenarios that are tried on the servers, too: all of them with `--full`. Those about several cores choose their servers
/// themselves.
fn scenarios(workspace: &Workspace) -> Result<Program> {
    if tools::has_cargo(workspace, "nextest") {
        let mut filter = "binary(all) - test(/^several_cores::/)".to_owned();
        if !workspace.full {
            filter = format!("binary(all) & test(/^({})::/)", ON_SERVERS.join("|"));
        }
        let nextest = test_build::cargo(workspace, "nextest")?.args(["run", "--workspace", "--no-fail-fast"]);
        let nextest = nextest.args(["--config-file", "xtask/nextest.toml", "-E", &filter]);
        return Ok(nextest.args(["--test-threads", &test_threads()]));
    }
    let test = test_build::cargo(workspace, "test")?.args(["--workspace", "--no-fail-fast", "--test", "all", "--"]);
    if workspace.full {
        return Ok(test.args(["--skip", "several_cores::"]));
    }
    Ok(ON_SERVERS.iter().fold(test, |test, module| test.arg(format!("{module}::"))))
}

/// Most scenarios wait for other tasks more than they compute.
fn test_threads() -> String {
    (std::thread::available_parallelism().map_or(2, usize::from) * 2).to_string()
}

/// Whether any documentation of the workspace holds an example. Where none does, looking for them crate by crate takes longer
/// than most tests.
fn has_examples(root: &Path) -> Result<bool> {
    for entry in std::fs::read_dir(root).with_context(|| format!("cannot read {}", root.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if name != "target" && name != "node_modules" && !name.starts_with('.') && has_examples(&path)? {
                return Ok(true);
            }
        } else if name.ends_with(".rs") {
            let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            if text.lines().any(begins_example) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// A line of documentation that begins or ends a block of code.
fn begins_example(line: &str) -> bool {
    let text = line.trim_start();
    let text = text.strip_prefix("///").or_else(|| text.strip_prefix("//!"));
    text.is_some_and(|text| text.trim_start().starts_with("```"))
}

/// Builds the `aurareels` binary (debug) and returns its path.
pub(crate) fn binary(workspace: &Workspace) -> Result<PathBuf> {
    tools::c_compiler(workspace)?;
    test_build::cargo(workspace, "build")?.args(["--workspace", "--bins"]).run()?;
    Ok(target_directory(workspace)?.join("debug/aurareels"))
}

/// Where cargo puts what it has built.
pub(crate) fn target_directory(workspace: &Workspace) -> Result<PathBuf> {
    let metadata = workspace.cargo("metadata").args(["--format-version", "1", "--no-deps"]).output()?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata).context("cargo metadata is not JSON")?;
    let target = metadata["target_directory"].as_str().context("cargo metadata names no target directory")?;
    Ok(PathBuf::from(target))
}

fn watch(program: Program, closing: &mut Vec<String>) -> Result<bool> {
    let (passed, lines) = program.watch()?;
    closing.extend(lines.into_iter().filter(|line| is_closing(line)));
    Ok(passed)
}

/// What failed, by name; nextest's `Summary [ 1.2s] 3 tests run: ...`, or each binary's `test result: ...` (those without tests left out).
pub(crate) fn is_closing(line: &str) -> bool {
    let text = line.trim_start();
    text.starts_with("FAIL [")
        || (text.starts_with("Summary [") && text.contains("run:"))
        || (text.starts_with("test result:") && !text.contains(" 0 passed; 0 failed;"))
}

#[cfg(test)]
mod tests {
    use super::{begins_example, is_closing};

    #[test]
    fn examples_in_the_documentation_are_found() {
        assert!(begins_example("    /// ```rust"));
        assert!(begins_example("//! ```"));
        assert!(!begins_example("    // ```"));
        assert!(!begins_example("/// `one` word"));
    }

    #[test]
    fn closing_lines_of_both_runners_are_known() {
        assert!(is_closing("        FAIL [   0.012s] (12/99) aurareels-core store::tests::a_row"));
        assert!(is_closing("     Summary [   0.003s] 3 tests run: 3 passed, 0 skipped"));
        assert!(is_closing("     Summary [   0.003s] 2/3 tests run: 1 passed, 1 failed, 0 skipped"));
        assert!(is_closing(
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s"
        ));
        assert!(!is_closing("test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out"));
        assert!(!is_closing("test stage::tests::summary ... ok"));
    }
}
