//! The dashboard: its types, linter and unit tests, that the committed `dist/` is what its sources give, and each view's main
//! job in Chromium against cores of its own.

use anyhow::{Context, Result};

use crate::environments::{closing_of_node, npm_packages, with_path};
use crate::report::{Report, TestsFailed};
use crate::run::Workspace;
use crate::{n8n_package, rust, tools};

/// All browser tests took ten minutes beside a build; what takes twice as long hangs.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(20 * 60);

/// What needs no browser, in order.
const CHECKS: [&[&str]; 6] = [
    &["node", "scripts/check-rpc.mjs"],
    &["tsc"],
    &["eslint", "."],
    &["vitest", "run"],
    &["node", "scripts/check-dist.mjs"],
    &["node", "scripts/size.mjs"],
];

/// Checks the dashboard and tries it in a browser.
pub(crate) fn test(workspace: &Workspace) -> Result<Report> {
    let chromium = tools::chromium(workspace)?;
    let dir = workspace.root.join("dashboard");
    let modules = npm_packages(workspace, &dir)?;
    // The tools want a newer Node than the clients do.
    let node = n8n_package::newest_node(workspace)?;
    let path = with_path(&[&modules.join(".bin"), node.parent().context("a program is in a directory")?])?;
    for check in CHECKS {
        workspace.program(check[0]).args(&check[1..]).dir(&dir).env("PATH", &path).env("CI", "true").run()?;
    }
    let mut files: Vec<_> = std::fs::read_dir(dir.join("tests"))
        .context("the dashboard has no tests")?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.retain(|file| file.to_string_lossy().ends_with(".test.js"));
    files.sort();
    // One file after the other: each starts a core and a browser.
    let tests = workspace.program(&node).dir(&dir).args(["--test", "--test-reporter=spec", "--test-concurrency=1"]);
    let tests = tests.args(files).env("AURAREELS_BINARY", rust::binary(workspace)?);
    let tests = tests.env("AURAREELS_CHROMIUM", chromium);
    let tests = tests.env("AURAREELS_PICTURES", workspace.cache("clients")?.join("dashboard-pictures"));
    let (passed, lines) = tests.limit(LIMIT).watch()?;
    let closing = closing_of_node(lines);
    if passed {
        Ok(Report { remark: None, closing })
    } else {
        Err(TestsFailed { what: "the dashboard failed".to_owned(), closing }.into())
    }
}
