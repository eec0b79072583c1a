//! The project's own commands, started with `cargo xtask <command>`.
//!
//! `test` runs everything that continuous integration runs and sets up what it needs by itself; `lint` runs only the
//! checks that execute none of the project's code. Each command is one variant of [`Command`] and one module; what
//! they share is running programs ([`run`]), installing them ([`tools`]) and starting a core with its simulator
//! ([`stack`]).

mod addon;
mod bench;
mod client_packages;
mod clients;
mod crash;
mod dashboard;
mod databases;
mod deny;
mod environments;
mod files;
mod licence;
mod lint;
mod n8n;
mod n8n_package;
mod package;
mod report;
mod run;
mod rust;
mod stack;
mod stage;
mod stamp;
mod test_build;
mod tools;
mod unused;
mod wordpress;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::package::Target;
use crate::run::Workspace;
use crate::stage::Stage;

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run all checks and all tests, installing what is missing.
    Test {
        /// Run only these stages (may be given several times).
        #[arg(long, value_name = "STAGE")]
        only: Vec<Stage>,
        /// Run the slow tests as well: Rust's marked `#[ignore]`, and the long ones in a real n8n.
        #[arg(long)]
        full: bool,
    },
    /// Build in release and measure; further arguments go to the benchmark (`--help` lists them). `--database postgres|mysql`:
    /// cores on a server.
    Bench {
        /// Arguments of the benchmark.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Kill the core at every fault point, in every mode, and count the posts (`--long`: at every hit of each;
    /// `--database sqlite|postgres|mysql`).
    Crash {
        /// Arguments of the suite (`--help` lists them).
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Random crashes, faults and edits over many posts: `--posts N --seed S --database sqlite|postgres|mysql --cores N`.
    Chaos {
        /// Arguments of the run (`--help` lists them).
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run a command beside private servers of PostgreSQL and MariaDB, which end with it: `with-databases -- <command>`.
    WithDatabases {
        /// The command and its arguments.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Build the n8n package's native addon for this machine, in release, into n8n-node/native.
    Addon,
    /// Build the n8n package with native modules for several Linux platforms, and load those that run here.
    Package {
        /// Which platforms (may be given several times); x86-64 with glibc and with musl when none is.
        #[arg(long = "target", value_name = "TARGET")]
        targets: Vec<Target>,
    },
    /// Build the client packages for Python, Node and Rust into target/client-packages.
    ClientPackages,
    /// Make the WordPress plugin's zip, to be uploaded to a site: target/wordpress/aurareels.zip.
    Wordpress,
    /// Write the WordPress plugin's message tables and test vectors anew, after a change of proto/.
    WordpressTables,
    /// Run only the checks: formatting, dependency rules, proto rules, clippy.
    Lint,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = Workspace::find().and_then(|mut workspace| match cli.command {
        Command::Test { only, full } => {
            workspace.full = full;
            let all = only.is_empty();
            let stages = if all { Stage::all() } else { only };
            let passed = stage::run_all(&workspace, &stages);
            if all && !full {
                println!(
                    "left out, --full runs them: Rust tests marked as slow, tests/n8n/full, the musl module, WordPress 6.5, tests/wordpress/n8n"
                );
            }
            Ok(passed)
        }
        Command::Bench { arguments } => bench::run(&workspace, &arguments),
        Command::Crash { arguments } => crash::run(&workspace, "crash", &arguments),
        Command::Chaos { arguments } => crash::run(&workspace, "chaos", &arguments),
        Command::WithDatabases { command } => databases::run(&workspace, &command),
        Command::Addon => addon::install(&workspace, addon::Build::Release).map(|_| true),
        Command::Package { targets } => {
            let default = [Target::LinuxX64Gnu, Target::LinuxX64Musl];
            package::run(&workspace, if targets.is_empty() { &default } else { &targets })
        }
        Command::ClientPackages => client_packages::build(&workspace).map(|_| true),
        Command::Wordpress => wordpress::zip(&workspace).map(|_| true),
        Command::WordpressTables => wordpress::write_tables(&workspace).map(|()| true),
        Command::Lint => Ok(stage::run_all(&workspace, &Stage::checks())),
    });
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
