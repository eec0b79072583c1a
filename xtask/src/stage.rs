//! The stages of `cargo xtask test`: their order, their headers and the table at the end.
//!
//! They run one after the other but for the crash suite, which computes while the stages behind it mostly wait: for n8n,
//! for a browser, for the time of a post.
//!
//! A stage that fails never hides the others: all of them run, the table names each with its time, and the runners'
//! own closing lines ("12 tests run: 12 passed") are repeated last, where a reader of a log looks for them.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::ValueEnum;

use crate::report::{Report, TestsFailed};
use crate::run::Workspace;
use crate::{clients, crash, dashboard, deny, lint, n8n, n8n_package, rust, unused, wordpress};

/// One stage of `cargo xtask test`, in the order in which they run: what fails fast comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stage {
    /// `cargo fmt --check`
    Fmt,
    /// Licences, sources and banned crates of deny.toml
    Deny,
    /// Dependencies that no source file names
    Unused,
    /// `buf lint` and `buf breaking`
    Proto,
    /// Clippy over every target, warnings as errors
    Clippy,
    /// All Rust tests
    Rust,
    /// A core killed at every fault point, in every mode
    Crash,
    /// A Python gRPC client against a running core; Google's and Meta's own against the simulator
    Python,
    /// A Node gRPC-web client against a running core
    Node,
    /// A page in Chromium against a running core
    Browser,
    /// The dashboard: its types, linter, unit tests, that what is committed is what it gives, and each view in Chromium
    Dashboard,
    /// The commands of README.md as they are printed, and the client packages, against a running demo
    Readme,
    /// The WordPress plugin: its style, and its tests in a real WordPress against a running core
    Wordpress,
    /// The n8n package: its linter, types, unit tests, and the addon on two versions of Node
    N8nPackage,
    /// The n8n package in a real n8n (with --full also the long tests)
    N8n,
}

struct Done {
    name: String,
    time: Duration,
    result: Result<Report>,
}

impl Done {
    fn print(&self) {
        match &self.result {
            Ok(_) => println!("-- {}: ok in {}", self.name, seconds(self.time)),
            Err(error) => println!("-- {}: FAILED in {}: {error:#}", self.name, seconds(self.time)),
        }
    }
}

impl Stage {
    /// The stages of a run, in order.
    pub(crate) fn all() -> Vec<Self> {
        Self::value_variants().to_vec()
    }

    /// The stages that run none of the project's code.
    pub(crate) fn checks() -> Vec<Self> {
        vec![Self::Fmt, Self::Deny, Self::Unused, Self::Proto, Self::Clippy]
    }

    fn describe(self) -> (String, String) {
        let value = self.to_possible_value().expect("no stage is hidden");
        (value.get_name().to_owned(), value.get_help().map(ToString::to_string).unwrap_or_default())
    }

    fn timed(self, workspace: &Workspace) -> Done {
        let start = Instant::now();
        let result = self.run(workspace);
        Done { name: self.describe().0, time: start.elapsed(), result }
    }

    fn run(self, workspace: &Workspace) -> Result<Report> {
        match self {
            Self::Fmt => lint::fmt(workspace),
            Self::Deny => deny::check(workspace),
            Self::Unused => unused::check(workspace),
            Self::Proto => lint::proto(workspace),
            Self::Clippy => lint::clippy(workspace),
            Self::Rust => rust::test(workspace),
            Self::Crash => crash::test(workspace),
            Self::Python => clients::python(workspace),
            Self::Node => clients::node(workspace),
            Self::Browser => clients::browser(workspace),
            Self::Dashboard => dashboard::test(workspace),
            Self::Readme => clients::readme(workspace),
            Self::Wordpress => wordpress::test(workspace),
            Self::N8nPackage => n8n_package::test(workspace),
            Self::N8n => n8n::test(workspace),
        }
    }
}

/// Runs the stages and prints the table. True when all of them passed.
pub(crate) fn run_all(workspace: &Workspace, stages: &[Stage]) -> bool {
    let begin = Instant::now();
    let mut all = Vec::new();
    workspace.share_build(stages.contains(&Stage::Clippy) && stages.contains(&Stage::Rust));
    std::thread::scope(|scope| {
        // It is large: the network and the disk work on it while the processors compile.
        if stages.len() > 1 && stages.contains(&Stage::N8n) {
            let begun = n8n::install_ahead(workspace, scope);
            begun.unwrap_or_else(|error| println!("n8n could not be installed yet: {error:#}"));
        }
        let mut aside = Vec::new();
        for (index, stage) in stages.iter().enumerate() {
            let (name, about) = stage.describe();
            println!("\n{}", bold(&format!("== [{}/{}] {name}: {about}", index + 1, stages.len())));
            println!("-- free on the disk: {}", workspace.free_space());
            if *stage == Stage::Crash && index + 1 < stages.len() {
                match workspace.aside(&name) {
                    Ok(workspace) => {
                        println!("-- {name}: runs beside what follows; its output comes at the end");
                        aside.push(scope.spawn(move || (stage.timed(&workspace), workspace.written_aside())));
                        continue;
                    }
                    Err(error) => println!("-- {name}: does not run beside what follows: {error:#}"),
                }
            }
            let done = stage.timed(workspace);
            done.print();
            all.push(done);
        }
        for one in aside {
            let (done, written) = one.join().expect("a stage does not panic");
            println!("\n{}\n{}", bold(&format!("== {}", done.name)), written.trim_end());
            done.print();
            all.push(done);
        }
    });
    print_summary(&all, begin.elapsed());
    all.iter().all(|done| done.result.is_ok())
}

fn print_summary(all: &[Done], total: Duration) {
    println!("\n{}", bold("== summary"));
    let width = all.iter().map(|done| done.name.len()).max().unwrap_or(0);
    for done in all {
        let (word, remark) = match &done.result {
            Ok(report) => ("ok    ", report.remark.clone().unwrap_or_default()),
            Err(error) => ("FAILED", format!("{error:#}").lines().next().unwrap_or_default().to_owned()),
        };
        println!("  {:width$}  {word}  {:>9}  {remark}", done.name, seconds(done.time));
    }
    println!("  {:width$}          {:>9}", "", seconds(total));
    for done in all {
        let closing = match &done.result {
            Ok(report) => &report.closing,
            Err(error) => match error.downcast_ref::<TestsFailed>() {
                Some(failed) => &failed.closing,
                None => continue,
            },
        };
        if !closing.is_empty() {
            println!("{}:", done.name);
            for line in closing {
                println!("{line}");
            }
        }
    }
}

fn seconds(time: Duration) -> String {
    if time.as_secs() >= 60 {
        format!("{} min {:02} s", time.as_secs() / 60, time.as_secs() % 60)
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}

fn bold(text: &str) -> String {
    if std::io::stdout().is_terminal() { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
}
