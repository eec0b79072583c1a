//! The n8n stage: our package in a real n8n, against a running core and simulator.
//!
//! n8n and the Node it wants come from the npm registry, at the versions of `tests/n8n/package-lock.json`, into `.cache/n8n`
//! (2.8 GB; once per change of the lock), while the stages before this one run; so is the database with which its tests begin.
//! The tests start n8n, core and simulator by themselves, because they kill and restart all three.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread::Scope;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::addon::{self, Build};
use crate::package::Target;
use crate::report::{Report, TestsFailed};
use crate::run::{Program, Workspace};
use crate::{environments, n8n_package, package, rust, stamp, tools};

/// All tests take some minutes; what takes this long hangs.
const LIMIT: Duration = Duration::from_secs(40 * 60);

/// n8n's first start, beside compilers.
const TEMPLATE_LIMIT: Duration = Duration::from_secs(10 * 60);

/// Held while n8n is being installed, or makes the database of its tests.
static INSTALLING: Mutex<()> = Mutex::new(());

/// An installed n8n.
struct Installed {
    /// The Node that runs it.
    node: PathBuf,
    /// The `node_modules` that holds it.
    modules: PathBuf,
}

impl Installed {
    /// The Node that runs n8n, told where n8n is and where its tests may write.
    fn program(&self, workspace: &Workspace, cache: &Path) -> Program {
        let node = workspace.program(&self.node).env("N8N_NODE", &self.node).env("N8N_APP", &self.modules);
        node.env("N8N_TEMPLATE", cache.join("template")).env("N8N_SCRATCH", cache.join("run"))
    }
}

/// A Node that finds an n8n which is installed by then, for a test of another stage that drives one without our package.
pub(crate) fn driver(workspace: &Workspace) -> Result<Program> {
    let n8n = install(workspace)?;
    make_template(workspace, &n8n)?;
    environments::generated_from_proto(workspace, "tests/clients/node")?;
    Ok(n8n.program(workspace, &workspace.cache("n8n")?))
}

/// Runs the tests of `tests/n8n`; those of `tests/n8n/full` only with `--full`.
pub(crate) fn test(workspace: &Workspace) -> Result<Report> {
    let n8n = install(workspace)?;
    make_template(workspace, &n8n)?;
    let binary = rust::binary(workspace)?;
    environments::generated_from_proto(workspace, "tests/clients/node")?;
    n8n_package::prepare(workspace, Build::Debug)?;
    let tarball = n8n_package::pack(workspace)?;
    let panics = addon::compile(workspace, Build::PanicInjection)?;
    if workspace.full {
        // The modules that are shipped for this machine's kind, also that of n8n's own container image.
        package::run(workspace, &[Target::LinuxX64Gnu, Target::LinuxX64Musl])?;
    }
    let chromium = if workspace.full { tools::chromium(workspace)? } else { String::new() };
    let redis = if workspace.full { tools::redis(workspace)? } else { String::new() };
    let cache = workspace.cache("n8n")?;
    let tests = workspace.root.join("tests/n8n");
    let mut files = test_files(&tests)?;
    if workspace.full {
        files.extend(test_files(&tests.join("full"))?);
    }
    // One process for all files: they share one n8n, which takes longer to start than most tests take.
    let node = n8n.program(workspace, &cache).dir(&tests).limit(LIMIT);
    let node = node.args(["--test", "--test-isolation=none", "--test-reporter=spec"]).args(files);
    let (passed, lines) = node
        .env("AURAREELS_BINARY", binary)
        .env("AURAREELS_PACKAGE", tarball)
        .env("AURAREELS_ADDON_THAT_PANICS", panics)
        .env("CHROMIUM", chromium)
        .env("REDIS_SERVER", redis)
        .watch()?;
    let closing = environments::closing_of_node(lines);
    if !passed {
        return Err(TestsFailed { what: "tests in the real n8n failed".to_owned(), closing }.into());
    }
    let remark = if workspace.full { "with the long ones" } else { "the long ones run with --full" };
    Ok(Report { remark: Some(remark.to_owned()), closing })
}

/// Begins to install n8n in the background. What goes wrong there is only printed: the stage tries it again.
pub(crate) fn install_ahead<'scope>(workspace: &'scope Workspace, scope: &'scope Scope<'scope, '_>) -> Result<()> {
    // Two at a time cannot use apt, nor install the same Node.
    tools_for_install(workspace)?;
    scope.spawn(|| match install(workspace).and_then(|n8n| make_template(workspace, &n8n)) {
        Ok(()) => println!("n8n is installed"),
        Err(error) => println!("n8n could not be installed yet: {error:#}"),
    });
    Ok(())
}

/// Has n8n set up the database that its tests begin with, unless that was done: its migrations take longer than anything
/// else at its start.
fn make_template(workspace: &Workspace, n8n: &Installed) -> Result<()> {
    let _only_one = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let cache = workspace.cache("n8n")?;
    if cache.join("template/user").exists() {
        return Ok(());
    }
    let node = n8n.program(workspace, &cache).dir(&workspace.root.join("tests/n8n"));
    node.arg("rig/template.js").limit(TEMPLATE_LIMIT).run()
}

/// What npm needs to install n8n; returns the Node that runs it.
fn tools_for_install(workspace: &Workspace) -> Result<PathBuf> {
    tools::node(workspace)?;
    tools::python(workspace)?;
    tools::c_compiler(workspace)?;
    n8n_package::newest_node(workspace)
}

/// Installs n8n and Node, unless that was done for the same lock file. Waits for one that is under way.
fn install(workspace: &Workspace) -> Result<Installed> {
    let _only_one = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
    let node = tools_for_install(workspace)?;
    let from = workspace.root.join("tests/n8n");
    let app = workspace.cache("n8n")?.join("app");
    let modules = app.join("node_modules");
    let inputs = format!("{}\n{}", node.display(), read(&from.join("package-lock.json"))?);
    stamp::once(&app.join(".stamp"), &inputs, || {
        std::fs::create_dir_all(&app).with_context(|| format!("cannot create {}", app.display()))?;
        for name in ["package.json", "package-lock.json"] {
            std::fs::copy(from.join(name), app.join(name)).with_context(|| format!("cannot copy {name}"))?;
        }
        let npm = |args: &[&str]| workspace.program("npm").dir(&app).args(args);
        npm(&["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]).run()?;
        // No script of a dependency runs but this one: n8n's database driver is a native module.
        let build = npm(&["rebuild", "sqlite3", "--build-from-source"]).env("JOBS", "2");
        build.env("npm_config_nodedir", node.ancestors().nth(2).unwrap_or(&modules)).run()?;
        // An n8n database of another version is of no use.
        let template = workspace.cache("n8n")?.join("template");
        if template.exists() {
            std::fs::remove_dir_all(&template).with_context(|| format!("cannot remove {}", template.display()))?;
        }
        Ok(())
    })?;
    Ok(Installed { node, modules })
}

/// The test files right in a directory, in order.
fn test_files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".test.js") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
