//! `doctor`: looks at settings, keys, database, clock, disk, TLS, the platforms' apps and the way to this core, and says
//! of each what is wrong and what to do.
//!
//! Guaranteed: nothing is changed: the database is not migrated, no key is noted, no token is used. A platform is asked to
//! exchange a code that nobody has: its answer tells whether it knows the app. Expected: everything may be wrong at once; one
//! trouble hides no other, but for settings that cannot be read at all.

mod database;
mod finding;
mod machine;
mod network;
mod settings;

use std::process::ExitCode;

use serde_json::json;

use self::finding::{Finding, Level};
use super::{output, process::Configured};
use crate::{clock::Clock, config::Invalid};

/// Look for what is wrong with this core's settings and surroundings, and say what to do. Nothing is changed.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    configured: Configured,
    /// Ask nobody over the network.
    #[arg(long)]
    offline: bool,
    /// Print one JSON object a finding.
    #[arg(long)]
    json: bool,
}

/// Runs all checks, prints them, and fails when something is wrong.
pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let findings = examine(&arguments).await;
    for finding in &findings {
        output::line(&shown(finding, arguments.json))?;
    }
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    let (wrong, advice) = (count(Level::Wrong), count(Level::Advice));
    if !arguments.json {
        output::line(&format!("{wrong} wrong, {advice} to look at, {} fine", count(Level::Fine)))?;
    }
    Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn examine(arguments: &Arguments) -> Vec<Finding> {
    let settings = match arguments.configured.settings() {
        Ok(settings) => settings,
        Err(Invalid(problems)) => {
            let of = |problem: crate::config::Problem| {
                let (message, remedy) = match problem.message.split_once("; ") {
                    Some((message, remedy)) => (message.to_owned(), remedy.to_owned()),
                    None => (problem.message, "correct it; aurareels.example.toml explains each setting".to_owned()),
                };
                Finding::wrong(problem.setting, message, remedy)
            };
            return problems.into_iter().map(of).collect();
        }
    };
    let clock = Clock::system();
    let mut findings = vec![Finding::fine("settings", "they can be read")];
    findings.extend(settings::look(&settings));
    findings.extend(machine::look(&settings, clock.now()));
    findings.extend(database::look(&settings, clock.clone()).await);
    if !arguments.offline {
        findings.extend(network::look(&settings, &clock).await);
    }
    findings
}

fn shown(finding: &Finding, as_json: bool) -> String {
    let Finding { level, about, message, remedy } = finding;
    let word = match level {
        Level::Fine => "ok",
        Level::Advice => "look",
        Level::Wrong => "WRONG",
    };
    if as_json {
        let level = word.to_lowercase();
        return json!({ "level": level, "about": about, "message": message, "remedy": remedy }).to_string();
    }
    match remedy.is_empty() {
        true => format!("{word:<6} {about}: {message}"),
        false => format!("{word:<6} {about}: {message}\n       {remedy}"),
    }
}
