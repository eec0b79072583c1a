//! Dependencies point to `domain`: every `crate::` path of every file is compared with the table of docs/architecture.md,
//! and no type of tonic, sqlx or reqwest leaves its module.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The composition root, which may use everything.
const ROOT: &[&str] = &["bootstrap", "server", "cli", "main", "lib"];

/// What the other modules may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("clock", &[]),
    ("secret", &[]),
    ("private", &[]),
    ("descriptors", &[]),
    ("http", &["domain"]),
    ("fault", &["clock"]),
    ("backup", &["domain", "clock", "config", "private", "store"]),
    ("audit", &["domain", "clock", "private"]),
    ("import", &["domain", "clock", "platform", "secret", "store"]),
    ("progress", &["domain", "platform"]),
    ("repeated", &[]),
    ("telemetry", &["domain", "http"]),
    ("media", &["domain", "http", "private", "secret"]),
    ("store", &["domain", "clock", "secret", "params", "private", "telemetry", "fault"]),
    ("platform", &["domain", "clock", "http", "secret", "fault", "media"]),
    ("tokens", &["domain", "store", "platform", "clock", "secret", "fault"]),
    (
        "publisher",
        &["domain", "store", "platform", "tokens", "media", "progress", "telemetry", "clock", "secret", "fault"],
    ),
    ("scheduler", &["domain", "store", "publisher", "clock", "fault", "repeated"]),
    ("zones", &[]),
    ("app", &["domain", "store", "platform", "tokens", "media", "progress", "clock", "secret", "zones", "repeated"]),
    ("analytics", &["domain", "store", "app", "platform", "tokens", "clock", "repeated"]),
    ("webhooks", &["domain", "store", "app", "media", "clock", "secret", "fault", "repeated"]),
    ("config", &["domain", "http", "media", "platform", "secret", "store", "telemetry"]),
    (
        "grpc",
        &[
            "domain",
            "app",
            "audit",
            "clock",
            "config",
            "descriptors",
            "media",
            "platform",
            "progress",
            "secret",
            "store",
            "telemetry",
        ],
    ),
];

/// Crates whose types stay inside these modules.
const KEPT_INSIDE: &[(&str, &[&str])] = &[
    ("sqlx::", &["store"]),
    ("tonic::", &["grpc", "cli"]),
    ("reqwest::", &["http", "platform", "media", "publisher", "webhooks", "telemetry", "cli"]),
];

fn sources(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// The module a file belongs to: the first part of its path under `src`.
fn module_of(root: &Path, path: &Path) -> String {
    let first = path.strip_prefix(root).unwrap().components().next().unwrap();
    first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
}

/// Every first segment after `crate::`, also in grouped imports.
fn used(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let (mut word, mut first) = (String::new(), true);
            for character in group.chars() {
                match character {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        word.clear();
                        first = true;
                    }
                    ':' if depth == 0 && first && !word.is_empty() => {
                        found.insert(std::mem::take(&mut word));
                        first = false;
                    }
                    _ if depth == 0 && first && (character.is_alphanumeric() || character == '_') => {
                        word.push(character);
                    }
                    _ => {}
                }
            }
        } else {
            found.insert(
                rest.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect(),
            );
        }
    }
    found
}

#[test]
fn dependencies_point_to_domain() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut wrong = Vec::new();
    for path in &files {
        let name = path.file_name().unwrap().to_string_lossy();
        // Tests may reach for whatever they need.
        if name.contains("test") || name == "plans.rs" || name == "simulated.rs" || name == "layering.rs" {
            continue;
        }
        let module = module_of(&root, path);
        if ROOT.contains(&module.as_str()) {
            continue;
        }
        let Some((_, allowed)) = MAY_USE.iter().find(|(known, _)| *known == module) else {
            wrong.push(format!("{module} is not in the table"));
            continue;
        };
        let text = fs::read_to_string(path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for target in used(code) {
            if target != module && !allowed.contains(&target.as_str()) {
                wrong.push(format!("{} uses {target}", path.strip_prefix(&root).unwrap().display()));
            }
        }
        for (of_crate, inside) in KEPT_INSIDE {
            let uses = code.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(of_crate));
            if uses && !inside.contains(&module.as_str()) {
                wrong.push(format!("{} names {of_crate}", path.strip_prefix(&root).unwrap().display()));
            }
        }
    }
    assert!(files.len() > 50, "only {} files were read", files.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
