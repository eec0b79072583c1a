//! `import wordpress`: taking over from the original WordPress plugin.

use std::{
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::{Context, bail};
use chrono::TimeDelta;

use super::{
    output::line,
    process::{Configured, asked_to_stop},
    show,
};
use crate::{
    bootstrap,
    clock::Clock,
    config::Settings,
    domain::original::OriginalStatus,
    fault, http,
    import::{self, Defaults, Import, Note, Outcome, Report},
    store::{Schema, Store, db::Place, traces},
    telemetry::log,
};

#[derive(clap::Subcommand)]
pub(super) enum Source {
    /// Take over the accounts, posts and schedule of the original WordPress plugin. Can be run any number of times.
    Wordpress(Wordpress),
}

#[derive(clap::Args)]
pub(super) struct Wordpress {
    /// The site's database: mysql://user:password@host/database. With --adopt it is AURAREELS_DATABASE_URL.
    #[arg(long, value_name = "URL", required_unless_present = "adopt")]
    from: Option<String>,
    /// The site's table prefix. With --adopt it is AURAREELS_TABLE_PREFIX.
    #[arg(long, default_value_if("adopt", "true", None), default_value = "wp_")]
    prefix: Option<String>,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Convert the original's tables in place: the core's database is the site's, and ids stay as they are.
    #[arg(long)]
    adopt: bool,
}

pub(super) async fn run(configured: &Configured, source: Source) -> anyhow::Result<ExitCode> {
    let Source::Wordpress(arguments) = source;
    let settings = configured.settings()?;
    log::start(&settings.server.log, settings.server.log_format);
    let clock = Clock::system();
    fault::follow_clock(&clock).await;
    let place = place(&settings, &arguments)?;
    let registry = bootstrap::registry(&settings, &http::tls_config(&settings.http)?)?;
    let mut original = match arguments.adopt {
        true => import::adopt(&place, arguments.dry_run).await?,
        false => import::connect(&place).await?,
    };
    let store = match arguments.dry_run {
        true => looked_at(&settings, clock.clone(), arguments.adopt).await?,
        false => bootstrap::open_store(&settings, clock.clone()).await?,
    };
    store.correct_clock().await?;
    let stopped: &'static AtomicBool = Box::leak(Box::default());
    tokio::spawn(async move {
        if asked_to_stop().await.is_ok() {
            stopped.store(true, Ordering::Relaxed);
        }
    });
    let delta = |duration| TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX);
    let run = Import {
        store: &store,
        registry: &registry,
        clock: &clock,
        defaults: Defaults {
            scheduler: settings.scheduler.default,
            late_policy_seconds: delta(settings.scheduler.late_policy).num_seconds(),
            prepare_lead: delta(settings.publishing.prepare_lead),
        },
        dry_run: arguments.dry_run,
        is_new: arguments.dry_run && arguments.adopt,
        go_on: &|_| !stopped.load(Ordering::Relaxed),
        adopts: arguments.adopt,
    };
    let outcome = run.run(&mut original).await;
    original.close().await;
    store.close().await;
    let report = outcome?;
    say(&report, arguments.dry_run)?;
    Ok(if report.bad() > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Where the original's tables are.
fn place(settings: &Settings, arguments: &Wordpress) -> anyhow::Result<Place> {
    let own = settings.store.place();
    let prefix = arguments.prefix.clone();
    let place = match arguments.adopt {
        true => {
            if arguments.from.as_ref().is_some_and(|from| *from != own.url) {
                bail!("--from: with --adopt it must be AURAREELS_DATABASE_URL, or left out");
            }
            if prefix.is_some_and(|prefix| prefix != own.table_prefix) {
                bail!("--prefix: with --adopt it must be AURAREELS_TABLE_PREFIX, or left out");
            }
            own
        }
        false => Place { url: arguments.from.clone().unwrap_or_default(), table_prefix: prefix.unwrap_or_default() },
    };
    let what = if arguments.adopt { "AURAREELS_DATABASE_URL" } else { "--from" };
    if !["mysql:", "mariadb:"].iter().any(|scheme| place.url.starts_with(scheme)) {
        bail!("{what} must name the site's database: mysql://user:password@host/database");
    }
    if let Some(problem) = place.url_problem() {
        bail!("{what} {problem}");
    }
    if let Some(problem) = place.prefix_problem() {
        bail!("--prefix {problem}");
    }
    Ok(place)
}

/// The core's database for a trial: nothing of it is changed.
async fn looked_at(settings: &Settings, clock: Clock, adopts: bool) -> anyhow::Result<Store> {
    let place = settings.store.place();
    let keys = bootstrap::keys(settings)?;
    if adopts {
        return Ok(Store::open(place, keys, clock).await?);
    }
    const FIRST: &str = "the core's database is not up to date; run `aurareels migrate`, then the trial";
    if traces::is_missing(&place)? {
        bail!(FIRST);
    }
    let store = Store::open(place, keys, clock).await?;
    match store.schema().await.context("the core's database cannot be used")? {
        Schema::Known { open: 0 } => Ok(store),
        Schema::Known { .. } | Schema::New => bail!(FIRST),
        Schema::Newer { newest } => {
            bail!("a later release has brought the database to migration {newest}; use that one")
        }
    }
}

fn say(report: &Report, dry_run: bool) -> anyhow::Result<()> {
    let mut head = [""; 1 + Outcome::ALL.len()];
    for (column, outcome) in head[1..].iter_mut().zip(Outcome::ALL) {
        *column = outcome.as_str();
    }
    let mut table = show::table(head);
    let row = |name: String, count: &dyn Fn(Outcome) -> usize| {
        let shown = |count: usize| if count == 0 { "-".to_owned() } else { count.to_string() };
        let mut row = vec![name];
        row.extend(Outcome::ALL.map(|outcome| shown(count(outcome))));
        row
    };
    table.add_row(row("accounts".to_owned(), &|outcome| report.accounts.get(&outcome).copied().unwrap_or_default()));
    for status in OriginalStatus::ALL {
        table.add_row(row(format!("{} posts", status.as_str()), &|outcome| {
            report.posts.get(&(status, outcome)).copied().unwrap_or_default()
        }));
    }
    if report.unreadable > 0 {
        table.add_row(row("unreadable posts".to_owned(), &|outcome| match outcome {
            Outcome::Bad => report.unreadable,
            _ => 0,
        }));
    }
    line(&table.to_string())?;
    for Note { row, outcome, reason, remedy } in &report.notes {
        line(&format!("{row}, {}: {reason}; {remedy}", outcome.as_str()))?;
    }
    if dry_run {
        line("nothing was changed: this was a trial")?;
    }
    Ok(())
}
