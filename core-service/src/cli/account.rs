//! `account …` and `quota`: a client of the public API.

use aurareels_proto::v1;
use clap::{
    Args, Subcommand,
    builder::{PossibleValuesParser, TypedValueParser},
};

use super::{
    client::{Client, Server},
    output::Output,
    post, show,
};
use crate::{clock::Clock, domain::platform::Platform};

#[derive(Subcommand)]
pub(super) enum Action {
    /// Print the link that the account's owner must open in a browser, and wait until the account is connected.
    Connect {
        /// The platform.
        #[arg(value_parser = PossibleValuesParser::new(Platform::ALL.map(Platform::as_str)).map(|word| platform(&word)))]
        platform: i32,
        /// Instagram by its own login, without a Facebook Page.
        #[arg(long)]
        instagram_login: bool,
        /// Connect this account again.
        #[arg(long, value_name = "ID")]
        account: Option<i64>,
        /// Print the link and end.
        #[arg(long)]
        no_wait: bool,
    },
    /// List the connected accounts.
    List,
    /// Get a new token from the platform.
    Refresh {
        /// The account.
        id: i64,
        /// Not if the present one is good for a while.
        #[arg(long)]
        only_if_needed: bool,
    },
    /// Ask the platform whether the login still works.
    Check {
        /// The account.
        id: i64,
    },
    /// Give the login back. Scheduled posts of the account fail.
    Disconnect {
        /// The account.
        id: i64,
    },
}

/// Which accounts.
#[derive(Args)]
pub(super) struct OfAccount {
    /// Only this account.
    #[arg(long, value_name = "ID")]
    account: Option<i64>,
}

/// The number of a platform.
fn platform(word: &str) -> i32 {
    word.parse().map_or(0, Platform::number)
}

pub(super) async fn run(server: Server, action: Action) -> anyhow::Result<()> {
    let out = server.output();
    let client = server.client().await?;
    act(&client, out, action).await.map_err(show::readable)
}

async fn act(client: &Client, out: Output, action: Action) -> anyhow::Result<()> {
    let mut accounts = client.accounts();
    match action {
        Action::Connect { platform, instagram_login, account, no_wait } => {
            // Where to begin watching is asked before anything can happen.
            let position = post::position(client).await?;
            let login = if instagram_login { v1::LoginFlavour::InstagramLogin } else { v1::LoginFlavour::Unspecified };
            let request = v1::ConnectAccountRequest {
                platform,
                login_flavour: login.into(),
                account_id: account,
                ..v1::ConnectAccountRequest::default()
            };
            let link = accounts.connect_account(request).await?.into_inner();
            let until = show::time(link.expires_at).map(show::minute).unwrap_or_default();
            eprintln!("Open this in the browser of the account's owner, until {until}:");
            out.message(&link, |link| link.auth_url.clone())?;
            if !no_wait {
                let ended = connected(client, out, platform, position, show::time(link.expires_at)).await?;
                anyhow::ensure!(ended, "the link has ended, and nobody connected an account by it");
            }
        }
        Action::List => {
            let all = v1::ListAccountsResponse { accounts: every(client).await?, next_page_token: String::new() };
            out.message(&all, |all| table(&all.accounts))?;
        }
        Action::Refresh { id, only_if_needed } => {
            let answer = accounts.refresh_token(v1::RefreshTokenRequest { id, only_if_needed }).await?.into_inner();
            out.message(&answer, |answer| format!("{}\n{}", table(answer.account.as_slice()), answer.message))?;
        }
        Action::Check { id } => {
            let account = accounts.check_account(v1::CheckAccountRequest { id }).await?.into_inner();
            out.message(&account, |account| {
                let reason = if account.health_reason.is_empty() { "" } else { "\n" };
                format!("{}{reason}{}", table(std::slice::from_ref(account)), account.health_reason)
            })?;
        }
        Action::Disconnect { id } => {
            let answer = accounts.disconnect_account(v1::DisconnectAccountRequest { id }).await?.into_inner();
            out.message(&answer, |answer| format!("{}\n{} posts failed by it", answer.message, answer.failed_posts))?;
        }
    }
    Ok(())
}

/// Every account of the caller.
async fn every(client: &Client) -> anyhow::Result<Vec<v1::Account>> {
    let (mut all, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = v1::ListAccountsRequest { page_token, page_size: 500, ..v1::ListAccountsRequest::default() };
        let page = client.accounts().list_accounts(request).await?.into_inner();
        all.extend(page.accounts);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(all);
        }
    }
}

/// Shows the accounts of a platform that are connected after a position, until one is or the link has ended.
async fn connected(
    client: &Client,
    out: Output,
    platform: i32,
    position: i64,
    until: Option<chrono::DateTime<chrono::Utc>>,
) -> anyhow::Result<bool> {
    let request = v1::WatchPostsRequest {
        after_sequence: Some(position),
        types: vec![v1::EventType::AccountConnected.into()],
        ..v1::WatchPostsRequest::default()
    };
    let mut events = client.posts().watch_posts(request).await?.into_inner();
    let left = until.map_or(chrono::TimeDelta::minutes(10), |until| until - Clock::system().now());
    let ends = tokio::time::Instant::now() + left.to_std().unwrap_or_default();
    loop {
        let Ok(message) = tokio::time::timeout_at(ends, events.message()).await else { return Ok(false) };
        let Some(message) = message? else { return Ok(false) };
        if let Some(account) = message.event.and_then(|event| event.account)
            && account.platform == platform
        {
            out.message(&account, |account| table(std::slice::from_ref(account)))?;
            return Ok(true);
        }
    }
}

fn table(accounts: &[v1::Account]) -> String {
    let mut table = show::table(["id", "platform", "account", "name", "health", "token ends"]);
    for account in accounts {
        let health = show::health(account.health());
        table.add_row([
            account.id.to_string(),
            show::platform(account.platform()).to_owned(),
            format!("@{}", account.account_username),
            account.account_name.clone(),
            if account.is_active { health } else { "disconnected".to_owned() },
            show::time(account.token_expires_at).map(show::minute).unwrap_or_default(),
        ]);
    }
    table.to_string()
}

/// What may still be published, by account.
pub(super) async fn quota(server: Server, of: OfAccount) -> anyhow::Result<()> {
    let out = server.output();
    let client = server.client().await?;
    quotas(&client, out, of.account).await.map_err(show::readable)
}

async fn quotas(client: &Client, out: Output, account: Option<i64>) -> anyhow::Result<()> {
    let ids = match account {
        Some(id) => vec![id],
        None => every(client).await?.into_iter().filter(|one| one.is_active).map(|one| one.id).collect(),
    };
    let mut table =
        show::table(["account", "platform", "used", "of", "by AuraReels", "blocked until", "the app's budgets"]);
    for id in ids {
        let quota = client.accounts().get_quota(v1::GetQuotaRequest { id }).await?.into_inner();
        out.message_or(&quota, || {
            let number = |number: Option<i32>| number.map(|number| number.to_string()).unwrap_or_default();
            let budgets = quota.app_budgets.iter().map(|one| format!("{} {} of {}", one.name, one.used, one.total));
            table.add_row([
                quota.account_id.to_string(),
                show::platform(quota.platform()).to_owned(),
                number(quota.used),
                number(quota.total),
                quota.published_by_aurareels.to_string(),
                show::time(quota.blocked_until).map(show::minute).unwrap_or_default(),
                budgets.collect::<Vec<_>>().join(", "),
            ]);
        })?;
    }
    out.note(&table.to_string())
}
