//! The WordPress plugin: its zip, its generated tables, and the stage that tries it in a real WordPress.
//!
//! WordPress, PHP, MariaDB and nginx are Debian's, run in a private folder (`tests/wordpress/rig/site.php`) and stopped at the
//! end; none of the system's services is used. The site is set up before the core starts, because the core is told the public
//! keys that the plugin made when it was activated.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::report::{Report, TestsFailed};
use crate::run::Workspace;
use crate::stack::{self, Process, Stack};
use crate::{environments, files, n8n, rust, stamp, tools};

const PLUGIN: &str = "wordpress/aurareels";

const DASHBOARD: &str = "dashboard/dist";

/// All tests take two minutes; what takes this long hangs.
const LIMIT: Duration = Duration::from_secs(10 * 60);

/// What the rig says about its site.
#[derive(Deserialize)]
struct Site {
    url: String,
    public_keys: String,
    issuer: String,
    redirect_uris: Vec<String>,
}

/// Checks the plugin's style and syntax, then runs `tests/wordpress`.
pub(crate) fn test(workspace: &Workspace) -> Result<Report> {
    tools::php_site(workspace)?;
    tools::node(workspace)?;
    let chromium = tools::chromium(workspace)?;
    check_files(workspace)?;
    environments::npm_packages(workspace, &workspace.root.join("tests/wordpress/browser"))?;
    zip(workspace)?;
    let binary = rust::binary(workspace)?;
    let mut report = in_a_site(workspace, &binary, &chromium, None)?;
    if workspace.full {
        let newer = newer_wordpress(workspace)?;
        report.closing.extend(in_a_site(workspace, &binary, &chromium, Some(&newer))?.closing);
        report.closing.extend(beside_n8n(workspace, &binary)?);
        report.remark = Some("also in WordPress 6.5, and with the original's workflow in a real n8n".to_owned());
    }
    Ok(report)
}

/// Runs the tests in a site of Debian's WordPress, or of another one.
fn in_a_site(workspace: &Workspace, binary: &Path, chromium: &str, wordpress: Option<&Path>) -> Result<Report> {
    let dir = workspace.cache("wordpress")?;
    let tests = workspace.root.join("tests/wordpress");
    let rig = workspace.program("php").arg(tests.join("rig/site.php")).arg(dir.join("site"));
    let rig = rig.arg(stack::free_port()?.to_string()).arg(staged(workspace)?);
    let rig = wordpress.map(|from| from.as_os_str()).into_iter().fold(rig, |rig, from| rig.env("WORDPRESS", from));
    let (site, about, line) =
        Process::announced::<Site>(rig, &dir.join("rig.log")).context("the WordPress site did not start")?;
    let (frontend, redirects) = (format!("{}/dashboard/social-accounts", about.url), about.redirect_uris.join(","));
    let settings = [
        ("AURAREELS_FRONTEND_URL", frontend.as_str()),
        ("AURAREELS_JWT_PUBLIC_KEY", &about.public_keys),
        ("AURAREELS_JWT_ISSUER", &about.issuer),
        ("AURAREELS_REDIRECT_URIS", &redirects),
        ("AURAREELS_CORS_ORIGINS", &about.url),
        // Tests wait for posts to be published.
        ("AURAREELS_POLL_FIRST_SECONDS", "1"),
    ];
    let stack = Stack::start(workspace, binary, "wordpress", &settings)?;
    let phpunit = workspace.program("phpunit").dir(&tests).args(["-c", "phpunit.xml"]).limit(LIMIT);
    let phpunit = stack.environment.iter().fold(phpunit, |phpunit, (name, value)| phpunit.env(name, value));
    let (passed, lines) = phpunit
        .env("AURAREELS_SITE", line)
        .env("AURAREELS_CHROMIUM", chromium)
        .watch()
        .inspect_err(|_| stack.print_logs())?;
    let closing: Vec<String> =
        lines.into_iter().filter(|line| line.starts_with("OK (") || line.starts_with("Tests: ")).collect();
    if !passed {
        stack.print_logs();
        site.print_log();
        return Err(TestsFailed { what: "the WordPress plugin failed".to_owned(), closing }.into());
    }
    stack.stop()?;
    drop(site);
    std::fs::remove_dir_all(dir.join("site")).context("cannot remove the site of the tests")?;
    Ok(Report { remark: None, closing })
}

/// The original's workflow in a real n8n, against a site of its own: the test starts everything, because it kills the core. Data
/// and logs of the last run stay in `.cache/wordpress/n8n`.
fn beside_n8n(workspace: &Workspace, binary: &Path) -> Result<Vec<String>> {
    let scratch = workspace.cache("wordpress")?.join("n8n");
    let node = n8n::driver(workspace)?.dir(&workspace.root.join("tests/wordpress/n8n")).limit(LIMIT);
    let node = node.args(["--test", "--test-isolation=none", "--test-reporter=spec", "publisher.test.js"]);
    let node = node.env("AURAREELS_BINARY", binary).env("AURAREELS_PLUGIN", staged(workspace)?);
    let (passed, lines) = node.env("N8N_SCRATCH", &scratch).watch()?;
    let closing = environments::closing_of_node(lines);
    if !passed {
        return Err(TestsFailed { what: "the original's workflow failed".to_owned(), closing }.into());
    }
    Ok(closing)
}

/// What can be seen without running it: syntax of PHP 8 and of 7.4, style, translations.
fn check_files(workspace: &Workspace) -> Result<()> {
    let mut files = Vec::new();
    php_files(&workspace.root.join(PLUGIN), &mut files)?;
    for file in &files {
        let lint = workspace.program("php").arg("-l").arg(file);
        let said = lint.output()?;
        if !said.starts_with("No syntax errors") {
            bail!("{}: {}", file.display(), said.trim());
        }
    }
    workspace.program("phpcs").args(["--standard=tests/wordpress/phpcs.xml", "-s"]).run()?;
    let syntax = workspace.root.join("tests/wordpress/syntax");
    environments::npm_packages(workspace, &syntax)?;
    workspace.program("node").arg(syntax.join("php74.mjs")).arg(workspace.root.join(PLUGIN)).run()
}

/// WordPress 6.5, from the npm package of WordPress Playground (158 MB): no other registry has one newer than Debian's.
fn newer_wordpress(workspace: &Workspace) -> Result<PathBuf> {
    const PACKAGE: &str = "@wp-playground/wordpress-builds@0.9.19";
    const ZIP: &str = "package/src/wordpress/wp-6.5.zip";
    let dir = workspace.cache("wordpress-6.5")?;
    stamp::once(&dir.join(".stamp"), PACKAGE, || {
        let packed = workspace.program("npm").dir(&dir).args(["pack", "--silent", PACKAGE]).output()?;
        workspace.program("tar").dir(&dir).args(["xzf", packed.trim(), ZIP]).run()?;
        workspace.program("python3").dir(&dir).args(["-m", "zipfile", "-e", ZIP, "site"]).run()?;
        std::fs::remove_file(dir.join(packed.trim())).context("cannot remove the npm package")
    })?;
    Ok(dir.join("site"))
}

fn php_files(dir: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            php_files(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "php") {
            found.push(path);
        }
    }
    found.sort();
    Ok(())
}

/// The plugin as it is installed: with the built dashboard, which the core serves too. Returns its directory.
fn staged(workspace: &Workspace) -> Result<PathBuf> {
    let dir = workspace.root.join("target/wordpress");
    let plugin = files::empty(&dir.join("aurareels"))?;
    files::copy(&workspace.root.join(PLUGIN), &plugin)?;
    files::copy(&workspace.root.join(DASHBOARD), &plugin.join("dashboard"))?;
    // WordPress makes the page itself.
    std::fs::remove_file(plugin.join("dashboard/index.html")).context("the dashboard is not built")?;
    Ok(plugin)
}

/// Makes the zip that a site's owner uploads; returns its path.
pub(crate) fn zip(workspace: &Workspace) -> Result<PathBuf> {
    let plugin = staged(workspace)?;
    let zip = plugin.with_extension("zip");
    workspace.program("python3").args(["-m", "zipfile", "-c"]).arg(&zip).arg(&plugin).run()?;
    println!("{}", zip.display());
    Ok(zip)
}

/// Has the test that compares the plugin's tables with `proto/` write them.
pub(crate) fn write_tables(workspace: &Workspace) -> Result<()> {
    let test = workspace.cargo("test").args(["--package", "aurareels-tests", "--test", "all", "wordpress_codec"]);
    test.env("AURAREELS_WRITE_TABLES", "1").run()
}
