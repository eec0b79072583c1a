//! `api-key create|list|revoke`: works on the database itself, with or without a running core.

use anyhow::bail;
use clap::{Args, Subcommand};

use super::{
    output,
    process::{Configured, Note},
    show,
};
use crate::{
    app::api_keys::{ApiKeys, Scope},
    domain::ids::UserId,
};

#[derive(Subcommand)]
pub(super) enum Action {
    /// Make a key. It is printed once, on standard output, and cannot be shown again.
    Create {
        /// What you call it.
        #[arg(long, default_value = "unnamed")]
        name: String,
        /// What it may do: read, publish, admin; separated by commas.
        #[arg(long, default_value = "read,publish", value_delimiter = ',')]
        scopes: Vec<Scope>,
        #[command(flatten)]
        whose: Whose,
        /// Print `{"id", "key"}` instead of the key alone.
        #[arg(long)]
        json: bool,
    },
    /// List all keys.
    List,
    /// Revoke a key.
    Revoke {
        /// Its number in the list.
        id: i64,
    },
}

/// For whom a key is: one of the two.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(super) struct Whose {
    /// The user whose accounts and posts it may see.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(1..))]
    user: Option<i64>,
    /// For trusted servers: any user, named with each call in the header x-aurareels-user-id.
    #[arg(long)]
    any_user: bool,
}

pub(super) async fn run(configured: &Configured, action: Action) -> anyhow::Result<()> {
    // The first key may be made before the core starts for the first time.
    let store = match action {
        Action::Create { .. } => configured.store().await?,
        Action::List | Action::Revoke { .. } => configured.existing_store().await?,
    };
    let keys = ApiKeys::new(store.clone());
    let outcome = act(configured, &keys, action).await;
    store.close().await;
    outcome
}

async fn act(configured: &Configured, keys: &ApiKeys, action: Action) -> anyhow::Result<()> {
    match action {
        Action::Create { name, scopes, whose, json } => {
            let user = whose.user;
            let (secret, key) = keys.create(&name, scopes, user.map(UserId)).await?;
            configured.note(Note { user, rows: vec![format!("api_key/{}", key.id)], ..Note::of("api-key create") });
            eprintln!("key {} `{}` was made; it is shown only now:", key.id, key.name);
            if json {
                output::line(&serde_json::json!({ "id": key.id, "key": secret.expose() }).to_string())?;
            } else {
                output::line(secret.expose())?;
            }
        }
        Action::List => {
            let mut table = show::table(["id", "name", "key", "scopes", "user", "created", "revoked"]);
            for key in keys.list().await? {
                table.add_row([
                    key.id.to_string(),
                    key.name,
                    format!("{}...", key.prefix),
                    key.scopes.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
                    key.user.map_or_else(|| "any".to_owned(), |user| user.to_string()),
                    show::minute(key.created_at),
                    key.revoked_at.map(show::minute).unwrap_or_default(),
                ]);
            }
            output::line(&table.to_string())?;
        }
        Action::Revoke { id } => {
            if !keys.revoke(id).await? {
                bail!("there is no active key {id}; `aurareels api-key list` shows them");
            }
            configured.note(Note { rows: vec![format!("api_key/{id}")], ..Note::of("api-key revoke") });
            output::line(&format!("key {id} is revoked; running cores notice within seconds"))?;
        }
    }
    Ok(())
}
