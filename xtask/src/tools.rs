//! Programs from outside that a stage needs. Missing ones are installed, present ones are left as they are.
//!
//! Debian's and Ubuntu's packages are installed with `apt-get`, through `sudo` when we are not root. Where neither is
//! to be had, the error says what to install.

use std::cell::Cell;

use anyhow::{Context, Result, bail};

use crate::run::Workspace;

thread_local! {
    /// `apt-get update` takes a while, so it runs once at most.
    static LISTS_ARE_FRESH: Cell<bool> = const { Cell::new(false) };
}

/// A C compiler and linker: SQLite and ring are built from C.
pub(crate) fn c_compiler(workspace: &Workspace) -> Result<()> {
    present_or_apt(workspace, "a C compiler", &["build-essential"], |w| w.program("cc").arg("--version").succeeds())
}

/// Python 3 with the module that makes virtual environments (Debian has it in a package of its own).
pub(crate) fn python(workspace: &Workspace) -> Result<()> {
    present_or_apt(workspace, "python3 with venv", &["python3", "python3-venv"], |w| {
        w.program("python3").args(["-c", "import venv, ensurepip"]).succeeds()
    })
}

/// Node and npm, new enough for the client library.
pub(crate) fn node(workspace: &Workspace) -> Result<()> {
    present_or_apt(workspace, "Node with npm", &["nodejs", "npm"], |w| {
        w.program("node").arg("--version").succeeds() && w.program("npm").arg("--version").succeeds()
    })?;
    let version = workspace.program("node").arg("--version").output()?;
    match node_major_minor(&version) {
        Some(version) if version >= (18, 15) => Ok(()),
        _ => bail!("Node is {}, but 18.15 or newer is needed", version.trim()),
    }
}

/// A Redis server, for n8n's queue mode; returns its path.
pub(crate) fn redis(workspace: &Workspace) -> Result<String> {
    let find = |w: &Workspace| w.program("sh").args(["-c", "command -v redis-server"]).output().ok();
    present_or_apt(workspace, "a Redis server", &["redis-server"], |w| find(w).is_some())?;
    Ok(find(workspace).context("the Redis server was there a moment ago")?.trim().to_owned())
}

/// A Chromium or Chrome; returns its path.
pub(crate) fn chromium(workspace: &Workspace) -> Result<String> {
    const NAMES: [&str; 3] = ["chromium", "google-chrome", "chromium-browser"];
    let find = |w: &Workspace| {
        let works = |name: &&str| w.program(name).arg("--version").succeeds();
        let name = NAMES.into_iter().find(works)?;
        w.program("sh").args(["-c", "command -v \"$0\"", name]).output().ok()
    };
    present_or_apt(workspace, "Chromium", &["chromium"], |w| find(w).is_some())?;
    Ok(find(workspace).context("Chromium was there a moment ago")?.trim().to_owned())
}

/// What a real WordPress needs, and what checks the plugin.
pub(crate) fn php_site(workspace: &Workspace) -> Result<()> {
    const PACKAGES: [&str; 13] = [
        "php-cli",
        "php-fpm",
        "php-mysql",
        "php-curl",
        "php-mbstring",
        "php-xml",
        "wordpress",
        "mariadb-server",
        "nginx-light",
        "phpunit",
        "php-codesniffer",
        "gettext",
        "python3",
    ];
    present_or_apt(workspace, "PHP with WordPress, MariaDB and nginx", &PACKAGES, |w| {
        let modules = "exit(array_diff(['curl','mbstring','mysqli','dom','pcntl','posix','sodium'], get_loaded_extensions()) ? 1 : 0);";
        let found = "test -f /usr/share/wordpress/wp-load.php && ls /usr/sbin/php-fpm* && test -x /usr/sbin/mariadbd -a -x /usr/sbin/nginx";
        w.program("php").args(["-r", modules]).succeeds()
            && w.program("sh").args(["-c", found]).succeeds()
            && ["phpunit", "phpcs", "msgfmt", "python3"].iter().all(|name| w.program(name).arg("--version").succeeds())
    })
}

/// A component of the Rust toolchain that is a cargo subcommand: `fmt` or `clippy`.
pub(crate) fn cargo_component(workspace: &Workspace, subcommand: &str, component: &str) -> Result<()> {
    if workspace.cargo(subcommand).arg("--version").succeeds() {
        return Ok(());
    }
    println!("cargo {subcommand} is missing: installing it");
    let added = workspace.program("rustup").args(["component", "add", component]).run();
    added.with_context(|| format!("cargo {subcommand} is missing; install the toolchain's component `{component}`"))
}

/// Whether `cargo <subcommand>` is installed.
pub(crate) fn has_cargo(workspace: &Workspace, subcommand: &str) -> bool {
    workspace.cargo(subcommand).arg("--version").succeeds()
}

fn present_or_apt(
    workspace: &Workspace,
    what: &str,
    packages: &[&str],
    present: impl Fn(&Workspace) -> bool,
) -> Result<()> {
    if present(workspace) {
        return Ok(());
    }
    println!("{what} is missing: installing Debian's {}", packages.join(" "));
    apt_install(workspace, packages)
        .with_context(|| format!("{what} is missing and could not be installed; install it by hand"))?;
    if !present(workspace) {
        bail!("{what} is still missing after installing {}", packages.join(" "));
    }
    Ok(())
}

/// Installs packages of Debian or Ubuntu.
pub(crate) fn apt_install(workspace: &Workspace, packages: &[&str]) -> Result<()> {
    if !workspace.program("apt-get").arg("--version").succeeds() {
        bail!("there is no apt-get here");
    }
    let root = workspace.program("id").arg("-u").output()?.trim() == "0";
    let apt = || {
        // `-n`: without a terminal nobody could type a password.
        let program = if root { workspace.program("env") } else { workspace.program("sudo").args(["-n", "env"]) };
        program.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"])
    };
    if !LISTS_ARE_FRESH.replace(true) {
        apt().args(["update", "-q"]).run()?;
    }
    apt().args(["install", "-y", "--no-install-recommends"]).args(packages).run()
}

fn node_major_minor(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.trim().strip_prefix('v')?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_versions_are_compared_as_numbers() {
        assert_eq!(node_major_minor("v20.20.2\n"), Some((20, 20)));
        assert!(node_major_minor("v9.11.2").unwrap() < (18, 15));
        assert_eq!(node_major_minor("nightly"), None);
    }
}
