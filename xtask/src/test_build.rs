//! How cargo builds what is tested: with clippy looking on, where both are wanted.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::run::{Program, Workspace};

/// Cargo for what is built to be tested.
pub(crate) fn cargo(workspace: &Workspace, subcommand: &str) -> Result<Program> {
    let cargo = workspace.cargo(subcommand);
    if workspace.shares_build() { while_building(workspace, cargo) } else { Ok(cargo) }
}

/// Has clippy look on while cargo builds: its driver is the compiler with further lints. This is what `cargo clippy` does for
/// `cargo check`, and cargo keeps what was built so apart from what was built without.
fn while_building(workspace: &Workspace, cargo: Program) -> Result<Program> {
    let sysroot = workspace.program("rustc").args(["--print", "sysroot"]).output()?;
    let driver = Path::new(sysroot.trim()).join("bin/clippy-driver");
    let driver = if driver.is_file() { driver } else { PathBuf::from("clippy-driver") };
    let arguments = ["-D", "warnings"].map(|argument| format!("{argument}__CLIPPY_HACKERY__")).concat();
    Ok(cargo.env("RUSTC_WORKSPACE_WRAPPER", driver).env("CLIPPY_ARGS", arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clippy_warns_of_cannot_be_built() {
        let workspace = Workspace::find().unwrap();
        let dir = workspace.cache("test-of-build").unwrap();
        std::fs::create_dir_all(dir.join("src")).unwrap();
        let manifest = "[package]\nname = \"sample\"\nedition = \"2024\"\n[workspace]\n";
        std::fs::write(dir.join("Cargo.toml"), manifest).unwrap();
        for (body, builds) in [("text.is_empty()", true), ("text.len() == 0", false)] {
            let source = format!("pub fn says_nothing(text: &str) -> bool {{\n    {body}\n}}\n");
            std::fs::write(dir.join("src/lib.rs"), source).unwrap();
            let cargo = workspace.cargo("build").dir(&dir).env("CARGO_TARGET_DIR", dir.join("target"));
            assert_eq!(while_building(&workspace, cargo).unwrap().succeeds(), builds, "{body}");
        }
    }
}
