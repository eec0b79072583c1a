//! `dashboard-link` and `dashboard-session list|revoke`: work on the database itself, with or without a running core.

use anyhow::{Context, bail, ensure};
use chrono::TimeDelta;
use clap::Subcommand;
use url::Url;

use super::{
    process::{Configured, Note, there_is_one},
    show,
};
use crate::{
    app::dashboard::Dashboard, bootstrap, clock::Clock, config, domain::ids::UserId, secret::Secret, server,
    store::Store,
};

/// How long a link works when nothing else is asked for, minutes.
pub(super) const MINUTES: i64 = 10;

/// Print a link that logs a browser in to the dashboard, once.
#[derive(clap::Args)]
pub(super) struct Link {
    #[command(flatten)]
    configured: Configured,
    /// The user who is logged in by it.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(1..))]
    user: i64,
    /// How long it works, if it is not used before.
    #[arg(long, value_name = "MINUTES", default_value_t = MINUTES, value_parser = clap::value_parser!(i64).range(1..=1440))]
    minutes: i64,
}

#[derive(Subcommand)]
pub(super) enum Action {
    /// List the browsers that are logged in.
    List {
        /// Only those of this user.
        #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(1..))]
        user: Option<i64>,
    },
    /// Log a browser out.
    Revoke {
        /// Its number in the list.
        #[arg(required_unless_present = "user")]
        id: Option<i64>,
        /// All of this user.
        #[arg(long, value_name = "NUMBER", conflicts_with = "id", value_parser = clap::value_parser!(i64).range(1..))]
        user: Option<i64>,
    },
}

/// Where a link leads. The secret stands behind `#`, which browsers send to nobody.
pub(super) fn address(public_url: &Url, secret: &Secret) -> String {
    format!("{}/dashboard/login#{}", public_url.as_str().trim_end_matches('/'), secret.expose())
}

pub(super) async fn link(arguments: Link) -> anyhow::Result<()> {
    let Link { configured, user, minutes } = arguments;
    let settings = configured.settings()?;
    there_is_one(&settings)?;
    let public_url = public_url(&settings.server)?;
    let store = bootstrap::open_store(&settings, Clock::system()).await?;
    let made = logins(&store).create_link(UserId(user), TimeDelta::minutes(minutes)).await;
    store.close().await;
    let secret = made?;
    configured.note(Note { user: Some(user), ..Note::of("dashboard-link") });
    eprintln!("logs a browser in as user {user}, once, within {minutes} minutes:");
    println!("{}", address(&public_url, &secret));
    Ok(())
}

/// Where browsers reach the core of these settings.
fn public_url(settings: &config::Server) -> anyhow::Result<Url> {
    if let Some(url) = &settings.public_url {
        return Ok(url.clone());
    }
    ensure!(
        settings.listen.port() != 0,
        "the core listens on a free port: set AURAREELS_PUBLIC_URL to where it is reached"
    );
    server::reachable_at(settings.listen, settings.tls.is_some()).context("AURAREELS_LISTEN")
}

fn logins(store: &Store) -> Dashboard {
    Dashboard::new(store.clone(), store.clock().clone())
}

pub(super) async fn sessions(configured: &Configured, action: Action) -> anyhow::Result<()> {
    let store = configured.existing_store().await?;
    let outcome = act(configured, &logins(&store), action).await;
    store.close().await;
    outcome
}

async fn act(configured: &Configured, logins: &Dashboard, action: Action) -> anyhow::Result<()> {
    match action {
        Action::List { user } => {
            let mut table = show::table(["id", "user", "logged in", "last used", "ends", "browser"]);
            for session in logins.list(user.map(UserId)).await? {
                table.add_row([
                    session.id.to_string(),
                    session.user.to_string(),
                    show::minute(session.created_at),
                    show::minute(session.last_used_at),
                    show::minute(session.expires_at),
                    session.user_agent,
                ]);
            }
            println!("{table}");
        }
        Action::Revoke { id: Some(id), .. } => {
            if !logins.end(None, id).await? {
                bail!("there is no session {id} that has not ended; `aurareels dashboard-session list` shows them");
            }
            configured.note(Note { rows: vec![format!("session/{id}")], ..Note::of("dashboard-session revoke") });
            println!("session {id} is revoked; running cores notice within seconds");
        }
        Action::Revoke { id: None, user } => {
            let mut revoked = 0;
            for session in logins.list(user.map(UserId)).await? {
                revoked += u32::from(logins.end(None, session.id).await?);
            }
            configured.note(Note { user, ..Note::of("dashboard-session revoke") });
            println!("sessions revoked: {revoked}; running cores notice within seconds");
        }
    }
    Ok(())
}
