//! What docs/failure-scenarios.md names exists: each test as a function, each case of the suite by its name.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{lies, mode::Upload, scenarios};

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

#[test]
fn every_named_test_exists() {
    let mut code = String::new();
    sources(&root().join("core-service/src"), &mut code);
    sources(&root().join("tests"), &mut code);
    let page = fs::read_to_string(root().join("docs/failure-scenarios.md")).expect("the page");
    let named: Vec<&str> = page.split('`').skip(1).step_by(2).filter(|name| name.matches('_').count() >= 3).collect();
    assert!(named.len() > 40, "only {} tests are named", named.len());
    for name in named {
        assert!(code.contains(&format!("fn {name}(")), "docs/failure-scenarios.md names {name}, which does not exist");
    }
}

#[test]
fn every_named_case_exists() {
    let cases: Vec<(&str, String)> = Upload::ALL
        .into_iter()
        .flat_map(|upload| scenarios::of(upload).into_iter().chain(lies::of(upload)))
        .map(|(group, name, _)| (group, name))
        .collect();
    // Groups that the suite makes from what a post passes.
    let made = ["pairs", "deaths during recovery", "loss of power", "window"];
    let page = fs::read_to_string(root().join("docs/failure-scenarios.md")).expect("the page");
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
