//! Dependencies that nobody names: each one costs build time and trust.
//!
//! A dependency counts as used when a source file of the crate has `name::`, `use name` or `extern crate name`. That is
//! coarse, but it needs no nightly compiler and errs on the quiet side. A dependency that only generated code uses, or that is there
//! only to switch on features of another crate, is listed in the crate's `[package.metadata.cargo-machete] ignored`
//! (the key that cargo-machete reads), with its reason beside it.

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::report::Report;
use crate::run::Workspace;

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
    let mut named = HashSet::new();
    for package in &metadata.packages {
        let dir = Path::new(&package.manifest_path).parent().context("a manifest without a directory")?;
        let others: Vec<&Path> = metadata
            .packages
            .iter()
            .filter_map(|p| Path::new(&p.manifest_path).parent())
            .filter(|d| *d != dir)
            .collect();
        let mut source = String::new();
        read_sources(dir, &others, &mut source)?;
        for dependency in &package.dependencies {
            let name = dependency.rename.as_ref().unwrap_or(&dependency.name);
            named.insert(name.as_str());
            if !uses(&source, &name.replace('-', "_")) && !is_ignored(package, &dependency.name) {
                unused.push(format!("{}: {}", package.name, dependency.name));
            }
        }
    }
    let shared = std::fs::read_to_string(workspace.root.join("Cargo.toml")).context("cannot read Cargo.toml")?;
    let shared: toml::Table = shared.parse().context("cannot read Cargo.toml")?;
    if let Some(dependencies) = shared["workspace"].get("dependencies").and_then(toml::Value::as_table) {
        for name in dependencies.keys().filter(|name| !named.contains(name.as_str())) {
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

/// Whether Rust source names a crate: as `name::`, or as a whole word after `use` or `crate`.
fn uses(source: &str, name: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || c == '_';
    source.match_indices(name).any(|(at, _)| {
        let (before, after) = (&source[..at], &source[at + name.len()..]);
        let whole = !before.ends_with(inside) && !after.starts_with(inside);
        whole && (after.starts_with("::") || before.ends_with("use ") || before.ends_with("crate "))
    })
}

#[cfg(test)]
mod tests {
    use super::uses;

    #[test]
    fn a_crate_is_used_where_it_is_a_path_and_not_where_it_is_a_word() {
        assert!(uses("let text = hex::encode(bytes);", "hex"));
        assert!(uses("#[derive(thiserror::Error)]", "thiserror"));
        assert!(uses("pub use hex;", "hex"));
        assert!(uses("extern crate hex as h;", "hex"));
        assert!(!uses("// see https://example.org, http and hexdump::run", "http"));
        assert!(!uses("my_hex::run(); hexdump::run();", "hex"));
        assert!(!uses("", "hex"));
    }
}
