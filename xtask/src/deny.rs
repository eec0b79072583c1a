//! The rules of `deny.toml` for dependencies: licences, banned crates, sources, advisories.
//!
//! Where cargo-deny is installed it does the work. Where it is not, licences, bans and sources are checked here from
//! `cargo metadata` against the same file; advisories need cargo-deny, because their database is not part of a
//! registry. Every key of the file that is not understood here is an error, so no rule is passed over in silence.

use std::collections::HashSet;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::licence;
use crate::report::Report;
use crate::run::Workspace;
use crate::tools;

/// Checks the dependencies against `deny.toml`.
pub(crate) fn check(workspace: &Workspace) -> Result<Report> {
    if tools::has_cargo(workspace, "deny") {
        return with_cargo_deny(workspace);
    }
    println!("cargo-deny is not installed: checking licences, bans and sources of deny.toml here");
    let rules = std::fs::read_to_string(workspace.root.join("deny.toml")).context("cannot read deny.toml")?;
    let rules: Rules = toml::from_str(&rules).context("deny.toml has a rule that this check does not know")?;
    let args = ["--format-version", "1", "--locked", "--all-features"];
    let metadata = workspace.cargo("metadata").args(args).output()?;
    let metadata: Metadata = serde_json::from_str(&metadata).context("cannot read what cargo metadata printed")?;
    let broken = broken_rules(&rules, &metadata);
    for line in &broken {
        println!("{line}");
    }
    if !broken.is_empty() {
        bail!("{} broken dependency rules", broken.len());
    }
    Ok(Report::remark(format!("{} packages; advisories need cargo-deny", metadata.resolve.nodes.len())))
}

fn with_cargo_deny(workspace: &Workspace) -> Result<Report> {
    workspace.cargo("deny").args(["check", "licenses", "bans", "sources"]).run()?;
    if !workspace.cargo("deny").args(["fetch", "db"]).succeeds() {
        return Ok(Report::remark("advisory database not reachable, so advisories were not checked"));
    }
    workspace.cargo("deny").args(["check", "--disable-fetch", "advisories"]).run()?;
    Ok(Report::default())
}

/// `deny.toml`, as far as this check and cargo-deny understand it alike.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    #[serde(rename = "graph")]
    _graph: toml::Value,
    licenses: Licenses,
    bans: Bans,
    sources: Sources,
    #[serde(rename = "advisories")]
    _advisories: toml::Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Licenses {
    allow: Vec<String>,
    #[serde(default)]
    exceptions: Vec<Exception>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
    allow: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Bans {
    #[serde(rename = "multiple-versions")]
    _multiple_versions: Allow,
    #[serde(rename = "wildcards")]
    _wildcards: Deny,
    allow_wildcard_paths: bool,
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Sources {
    #[serde(rename = "unknown-registry")]
    _unknown_registry: Deny,
    #[serde(rename = "unknown-git")]
    _unknown_git: Deny,
    allow_registry: Vec<String>,
    allow_git: Vec<String>,
}

/// The one value of a setting that this check implements.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Allow {
    Allow,
}

/// As [`Allow`], for settings that forbid.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Deny {
    Deny,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    /// `None` for the crates of this workspace.
    source: Option<String>,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    req: String,
    path: Option<String>,
}

/// One line for each rule that a package in use breaks.
fn broken_rules(rules: &Rules, metadata: &Metadata) -> Vec<String> {
    let used: HashSet<&str> = metadata.resolve.nodes.iter().map(|node| node.id.as_str()).collect();
    let mut broken = Vec::new();
    for package in metadata.packages.iter().filter(|package| used.contains(package.id.as_str())) {
        let mut complain = |text: String| broken.push(format!("{} {}: {text}", package.name, package.version));
        for ban in rules.bans.deny.iter().filter(|ban| ban.name == package.name) {
            complain(format!("is banned: {}", ban.reason));
        }
        if let Some(text) = licence_problem(&rules.licenses, package) {
            complain(text);
        }
        match &package.source {
            Some(source) if !source_is_known(&rules.sources, source) => complain(format!("comes from {source}")),
            Some(_) => {}
            None => {
                for dependency in package.dependencies.iter().filter(|dependency| dependency.req == "*") {
                    if dependency.path.is_none() || !rules.bans.allow_wildcard_paths {
                        complain(format!("asks for any version of {}", dependency.name));
                    }
                }
            }
        }
    }
    broken
}

fn licence_problem(rules: &Licenses, package: &Package) -> Option<String> {
    let Some(expression) = &package.license else {
        return Some("names no licence".to_owned());
    };
    let exceptions = || rules.exceptions.iter().filter(|exception| exception.name == package.name);
    let allowed = |name: &str| {
        rules.allow.iter().any(|allowed| allowed == name)
            || exceptions().any(|exception| exception.allow.iter().any(|allowed| allowed == name))
    };
    match licence::is_allowed(expression, &allowed) {
        Ok(true) => None,
        Ok(false) => Some(format!("has the licence {expression}, which deny.toml does not allow")),
        Err(error) => Some(format!("{error:#}")),
    }
}

/// Cargo writes a source as `registry+URL`, `sparse+URL` or `git+URL?branch=..#commit`.
fn source_is_known(rules: &Sources, source: &str) -> bool {
    if let Some(url) = source.strip_prefix("registry+") {
        rules.allow_registry.iter().any(|allowed| allowed == url)
    } else if let Some(url) = source.strip_prefix("git+") {
        let url = url.split(['?', '#']).next().unwrap_or(url);
        rules.allow_git.iter().any(|allowed| allowed == url)
    } else {
        rules.allow_registry.iter().any(|allowed| allowed == source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#"
        [graph]
        [licenses]
        allow = ["MIT"]
        exceptions = [{ crate = "roots", allow = ["Data-1.0"] }]
        [bans]
        multiple-versions = "allow"
        wildcards = "deny"
        allow-wildcard-paths = true
        deny = [{ crate = "openssl", reason = "TLS is rustls" }]
        [sources]
        unknown-registry = "deny"
        unknown-git = "deny"
        allow-registry = ["https://registry.example/index"]
        allow-git = []
        [advisories]
    "#;

    fn package(name: &str, license: &str, source: &str) -> serde_json::Value {
        serde_json::json!({
            "id": name, "name": name, "version": "1.0.0", "license": license, "source": source, "dependencies": [],
        })
    }

    fn check(packages: Vec<serde_json::Value>) -> Vec<String> {
        let nodes: Vec<_> = packages.iter().map(|package| serde_json::json!({ "id": package["id"] })).collect();
        let metadata = serde_json::json!({ "packages": packages, "resolve": { "nodes": nodes } });
        broken_rules(&toml::from_str(RULES).unwrap(), &serde_json::from_value(metadata).unwrap())
    }

    const REGISTRY: &str = "registry+https://registry.example/index";

    #[test]
    fn what_the_rules_allow_passes() {
        let broken = check(vec![package("a", "MIT OR GPL-3.0", REGISTRY), package("roots", "Data-1.0", REGISTRY)]);
        assert_eq!(broken, Vec::<String>::new());
    }

    #[test]
    fn licences_bans_and_sources_are_refused_with_their_reason() {
        let broken = check(vec![
            package("copyleft", "GPL-3.0", REGISTRY),
            package("data", "Data-1.0", REGISTRY),
            package("openssl", "MIT", REGISTRY),
            package("elsewhere", "MIT", "registry+https://other.example/index"),
            package("fork", "MIT", "git+https://git.example/fork?branch=main#0123"),
        ]);
        assert_eq!(broken.len(), 5, "{broken:#?}");
        for (line, word) in broken.iter().zip(["GPL-3.0", "Data-1.0", "TLS is rustls", "other.example", "git.example"])
        {
            assert!(line.contains(word), "{line}");
        }
    }

    #[test]
    fn a_missing_licence_and_any_version_are_refused() {
        let mut bare = package("bare", "", REGISTRY);
        bare["license"] = serde_json::Value::Null;
        let mut own = package("own", "MIT", "");
        own["source"] = serde_json::Value::Null;
        own["dependencies"] = serde_json::json!([
            { "name": "sibling", "req": "*", "path": "../sibling" },
            { "name": "loose", "req": "*", "path": null },
        ]);
        let broken = check(vec![bare, own]);
        assert_eq!(broken.len(), 2, "{broken:#?}");
        assert!(broken[0].contains("no licence") && broken[1].contains("loose"), "{broken:#?}");
    }

    #[test]
    fn a_rule_that_is_not_understood_is_an_error() {
        assert!(toml::from_str::<Rules>(&RULES.replace("allow-git = []", "allow-git = []\nprivate = []")).is_err());
        assert!(toml::from_str::<Rules>(&RULES.replace(r#""allow""#, r#""warn""#)).is_err());
    }
}
