//! What docs/failure-scenarios.md and docs/windows.md name exists: each test as a test, each case of the suite by its name.
//! Each of their rows names at least one.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{calls, edges, lies, mode::Upload, restoring, scenarios, words};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn sources(dir: &Path, text: &mut String) {
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.ends_with("node_modules") && !path.ends_with("target") {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(&path).expect("a source file"));
        }
    }
}

fn page(name: &str) -> String {
    fs::read_to_string(root().join("docs").join(name)).expect("the page")
}

/// The rows of the tables of a page, without their heads: each as its cells.
fn rows(page: &str) -> Vec<Vec<&str>> {
    let lines: Vec<&str> = page.lines().collect();
    let is_row = |line: &str| line.starts_with("| ") && !line.starts_with("|---");
    let heads = |at: usize| lines.get(at + 1).is_some_and(|next| next.starts_with("|---"));
    let rows = lines.iter().enumerate().filter(|(at, line)| is_row(line) && !heads(*at));
    rows.map(|(_, line)| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// Names of tests in a text: small words in backticks with three underscores and more.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let is_name = |name: &&str| name.matches('_').count() >= 3 && !name.contains(char::is_uppercase);
    text.split('`').skip(1).step_by(2).filter(is_name)
}

/// Whether a function of this name is a test.
fn is_test(code: &str, name: &str) -> bool {
    code.match_indices(&format!("fn {name}(")).any(|(at, _)| {
        let before = code[..at].trim_end().trim_end_matches("async").trim_end();
        before.ends_with(']') && before.rfind("#[").is_some_and(|from| before[from..].contains("test"))
    })
}

#[test]
fn every_named_test_exists() {
    let mut code = String::new();
    sources(&root().join("core-service/src"), &mut code);
    sources(&root().join("tests"), &mut code);
    assert!(is_test(&code, "every_named_test_exists") && !is_test(&code, "is_test"));
    for (name, least) in [("failure-scenarios.md", 60), ("windows.md", 8)] {
        let page = page(name);
        let all: Vec<&str> = named(&page).collect();
        assert!(all.len() > least, "docs/{name} names only {} tests", all.len());
        for test in all {
            assert!(is_test(&code, test), "docs/{name} names {test}, which is no test");
        }
    }
}

#[test]
fn every_row_names_what_shows_it() {
    for (name, least) in [("failure-scenarios.md", 58), ("windows.md", 7)] {
        let page = page(name);
        let rows = rows(&page);
        assert!(rows.len() >= least, "docs/{name} has only {} rows", rows.len());
        for row in rows {
            let shown_by = row.last().expect("a cell");
            let shown =
                named(shown_by).next().is_some() || ["suite", "cargo xtask"].iter().any(|by| shown_by.contains(by));
            assert!(shown, "docs/{name}: nothing shows {row:?}");
        }
    }
}

#[test]
fn every_named_case_exists() {
    let cases: Vec<(&str, String)> = Upload::ALL
        .into_iter()
        .flat_map(|upload| {
            let all = scenarios::of(upload).into_iter().chain(lies::of(upload)).chain(edges::of(upload));
            all.chain(restoring::of(upload)).chain(words::of(upload)).chain(calls::of(upload))
        })
        .map(|(group, name, _)| (group, name))
        .collect();
    // Groups that the suite makes from what a post passes.
    let made = ["pairs", "deaths during recovery", "loss of power", "window"];
    let page = page("failure-scenarios.md");
    for cell in page.split('|').flat_map(|cell| cell.split(';')) {
        let Some(named) = cell.trim().strip_prefix("suite: ") else { continue };
        for name in named.split(", ").flat_map(|name| name.split(" and ")) {
            let name = name.split(" at ").next().unwrap_or(name).trim();
            let known = made.iter().any(|made| name.starts_with(made))
                || name.starts_with('`')
                || cases
                    .iter()
                    .any(|(group, case)| group.contains(name) || case.contains(name) || name.contains(case.as_str()));
            assert!(known, "docs/failure-scenarios.md names {name:?}, which the suite does not have");
        }
    }
}
