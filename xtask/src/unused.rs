//! Dependencies that nobody names: each one costs build time and trust.
//!
//! A dependency counts as used when its crate name appears as a word in the crate's sources. That is coarse, but it
//! needs no nightly compiler and errs on the quiet side. A dependency that only generated code uses, or that is there
//! only to switch on features of another crate, is listed in the crate's `[package.metadata.cargo-machete] ignored`
//! (the key that cargo-machete reads), with its reason beside it.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::run::Workspace;
use crate::stage::Report;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: String,
    dependencies: Vec<Dependency>,
    metadata: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    rename: Option<String>,
}

/// Looks through the sources of every crate of the workspace.
pub(crate) fn check(workspace: &Workspace) -> Result<Report> {
    let args = ["--format-version", "1", "--no-deps", "--locked"];
    let metadata = workspace.cargo("metadata").args(args).output()?;
    let metadata: Metadata = serde_json::from_str(&metadata).context("cannot read what cargo metadata printed")?;
    let mut unused = Vec::new();
    let mut named = String::new();
    for package in &metadata.packages {
        let dir = Path::new(&package.manifest_path).parent().context("a manifest without a directory")?;
        named.push_str(&std::fs::read_to_string(&package.manifest_path)?);
        let others: Vec<&Path> = metadata
            .packages
            .iter()
            .filter_map(|p| Path::new(&p.manifest_path).parent())
            .filter(|d| *d != dir)
            .collect();
        let mut source = String::new();
        read_sources(dir, &others, &mut source)?;
        for dependency in &package.dependencies {
            let name = dependency.rename.as_ref().unwrap_or(&dependency.name).replace('-', "_");
            if !names(&source, &name) && !is_ignored(package, &dependency.name) {
                unused.push(format!("{}: {}", package.name, dependency.name));
            }
        }
    }
    let shared = std::fs::read_to_string(workspace.root.join("Cargo.toml")).context("cannot read Cargo.toml")?;
    let shared: toml::Table = shared.parse().context("cannot read Cargo.toml")?;
    if let Some(dependencies) = shared["workspace"].get("dependencies").and_then(toml::Value::as_table) {
        for name in dependencies.keys().filter(|name| !names(&named, name)) {
            unused.push(format!("workspace: {name}"));
        }
    }
    unused.sort();
    unused.dedup();
    for line in &unused {
        println!("{line}");
    }
    if !unused.is_empty() {
        bail!("{} dependencies that no source file names", unused.len());
    }
    Ok(Report::default())
}

/// Appends every Rust file under `dir`, but none of another crate that lies inside it.
fn read_sources(dir: &Path, others: &[&Path], source: &mut String) -> Result<()> {
    for entry in std::fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            let name = path.file_name().unwrap_or_default();
            if name != "target" && name != "node_modules" && !others.contains(&path.as_path()) {
                read_sources(&path, others, source)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            source
                .push_str(&std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?);
            source.push('\n');
        }
    }
    Ok(())
}

fn is_ignored(package: &Package, dependency: &str) -> bool {
    let ignored = package.metadata.as_ref().and_then(|metadata| metadata.pointer("/cargo-machete/ignored")?.as_array());
    ignored.is_some_and(|ignored| ignored.iter().any(|name| name == dependency))
}

/// Whether `word` appears in `text` with no letter, digit or underscore beside it.
fn names(text: &str, word: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        !text[..at].chars().next_back().is_some_and(inside)
            && !text[at + word.len()..].chars().next().is_some_and(inside)
    })
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn a_name_counts_only_as_a_whole_word() {
        assert!(names("use hex::encode;", "hex"));
        assert!(names("hex", "hex"));
        assert!(!names("hexdump(my_hex)", "hex"));
        assert!(!names("", "hex"));
    }
}
