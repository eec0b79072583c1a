//! The client stages: clients in other languages, generated from `proto/`, against a running core and simulator.
//!
//! They prove that the API is usable by strangers: Python over gRPC, Node over gRPC-web on HTTP/1.1, a page in a real
//! browser from another origin. Their libraries come from PyPI and npm into directories that git ignores, once per
//! change of the pinned versions; the generated code is made anew each time, so that it cannot be older than `proto/`.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::environments::{
    closing_of_node, generated_from_proto, node_modules, npm_packages, proto_files, python_environment,
};
use crate::report::{Report, TestsFailed};
use crate::run::{Program, Workspace};
use crate::stack::{self, Stack};
use crate::{client_packages, files, rust, tools};

/// A client test takes seconds; what takes this long hangs.
const LIMIT: Duration = Duration::from_secs(5 * 60);

/// The Python gRPC client. In the same run, Google's and Meta's own Python clients speak to the simulator: they prove
/// that it behaves like the platforms, whoever calls.
pub(crate) fn python(workspace: &Workspace) -> Result<Report> {
    let python = python_environment(workspace)?;
    let generated = files::empty(&workspace.cache("clients")?.join("python-generated"))?;
    let protoc = workspace.program(&python).args(["-m", "grpc_tools.protoc", "--proto_path=proto"]);
    let protoc = protoc.arg(format!("--python_out={}", generated.display()));
    protoc.arg(format!("--grpc_python_out={}", generated.display())).args(proto_files(workspace)?).run()?;
    let pytest = pytest(workspace, &python, "tests/clients/python").env("PYTHONPATH", &generated);
    against_a_core(workspace, "python", &[], pytest, closing_of_pytest)
}

/// What README.md tells its readers to type, the examples of the client packages, and docker-compose.yml without Docker.
pub(crate) fn readme(workspace: &Workspace) -> Result<Report> {
    let python = python_environment(workspace)?;
    // It brings a Node that is new enough, and says so where there is none.
    node_modules(workspace)?;
    let binary = rust::binary(workspace)?;
    let packages = client_packages::build(workspace)?;
    let pytest = pytest(workspace, &python, "tests/readme").env("AURAREELS_BINARY", binary);
    let pytest = pytest.env("AURAREELS_WHEEL", packages.wheel).env("AURAREELS_NPM_PACKAGE", packages.npm);
    let (passed, lines) = pytest.env("AURAREELS_EXAMPLE", packages.example).limit(LIMIT).watch()?;
    let closing = closing_of_pytest(lines);
    if passed {
        Ok(Report { remark: None, closing })
    } else {
        Err(TestsFailed { what: "a command of README.md failed".to_owned(), closing }.into())
    }
}

fn pytest(workspace: &Workspace, python: &Path, tests: &str) -> Program {
    let pytest = workspace.program(python).dir(&workspace.root.join(tests));
    let pytest = pytest.args(["-m", "pytest", "-p", "no:cacheprovider", "-v"]);
    pytest.env("PYTHONUNBUFFERED", "1").env("PYTHONDONTWRITEBYTECODE", "1")
}

fn closing_of_pytest(lines: Vec<String>) -> Vec<String> {
    let is_closing = |line: &String| line.starts_with("FAILED ") || line.starts_with("==") && line.contains(" in ");
    lines.into_iter().filter(is_closing).collect()
}

/// The Node gRPC-web client.
pub(crate) fn node(workspace: &Workspace) -> Result<Report> {
    let tests = generated_from_proto(workspace, "tests/clients/node")?;
    against_a_core(workspace, "node", &[], node_tests(workspace, &tests), closing_of_node)
}

/// A page in Chromium, from another origin than the core's.
pub(crate) fn browser(workspace: &Workspace) -> Result<Report> {
    const SECRET: &str = "what the site and the core of the test share";
    let chromium = tools::chromium(workspace)?;
    let tests = generated_from_proto(workspace, "tests/clients/browser")?;
    npm_packages(workspace, &tests)?;
    let site = format!("http://localhost:{}", stack::free_port()?);
    let frontend = format!("{site}/accounts?tab=social");
    let public_key = tests.join("testdata/site.pub");
    let settings = [
        ("AURAREELS_CORS_ORIGINS", site.as_str()),
        ("AURAREELS_FRONTEND_URL", frontend.as_str()),
        ("AURAREELS_JWT_SECRET", SECRET),
        ("AURAREELS_JWT_PUBLIC_KEY", public_key.to_str().context("the checkout's path is not UTF-8")?),
        ("AURAREELS_JWT_ISSUER", site.as_str()),
    ];
    let node = node_tests(workspace, &tests).env("AURAREELS_SITE", &site).env("AURAREELS_SITE_SECRET", SECRET);
    let pictures = workspace.cache("clients")?.join("browser-pictures");
    let node = node.env("AURAREELS_CHROMIUM", chromium).env("AURAREELS_PICTURES", pictures);
    against_a_core(workspace, "browser", &settings, node, closing_of_node)
}

fn node_tests(workspace: &Workspace, dir: &Path) -> Program {
    workspace.program("node").dir(dir).args(["--test", "--test-reporter=spec"])
}

/// Runs a client's tests against a core of their own, with further settings, and keeps their closing lines.
fn against_a_core(
    workspace: &Workspace,
    name: &str,
    settings: &[(&str, &str)],
    tests: Program,
    closing_of: impl Fn(Vec<String>) -> Vec<String>,
) -> Result<Report> {
    let binary = rust::binary(workspace)?;
    let stack = Stack::start(workspace, &binary, name, settings)?;
    let tests = stack.environment.iter().fold(tests.limit(LIMIT), |tests, (name, value)| tests.env(name, value));
    let (passed, lines) = tests.watch().inspect_err(|_| stack.print_logs())?;
    let closing = closing_of(lines);
    if !passed {
        stack.print_logs();
        return Err(TestsFailed { what: format!("the {name} client failed"), closing }.into());
    }
    stack.stop()?;
    Ok(Report { remark: None, closing })
}
