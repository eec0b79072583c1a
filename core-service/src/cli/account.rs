//! `account connect|list`: enough to use a core without any other client.

use aurareels_proto::v1;
use clap::Subcommand;

use super::{
    client::{Client, Server},
    show,
};
use crate::domain::platform::Platform;

#[derive(Subcommand)]
pub(super) enum Action {
    /// Print the address that the account's owner must open in a browser; the core's pages do the rest.
    Connect {
        /// The platform: tiktok, instagram, facebook or youtube.
        platform: Platform,
        /// Instagram by its own login, without a Facebook Page.
        #[arg(long)]
        instagram_login: bool,
    },
    /// List the connected accounts.
    List,
}

pub(super) async fn run(server: Server, action: Action) -> anyhow::Result<()> {
    let client = server.client().await?;
    act(&client, action).await.map_err(show::readable)
}

async fn act(client: &Client, action: Action) -> anyhow::Result<()> {
    let mut accounts = client.accounts();
    match action {
        Action::Connect { platform, instagram_login } => {
            let login = if instagram_login { v1::LoginFlavour::InstagramLogin } else { v1::LoginFlavour::Unspecified };
            let request = v1::ConnectAccountRequest {
                platform: platform.number(),
                login_flavour: login.into(),
                ..v1::ConnectAccountRequest::default()
            };
            let link = accounts.connect_account(request).await?.into_inner();
            let until = show::time(link.expires_at).map(show::minute).unwrap_or_default();
            eprintln!("Open this in the browser of the account's owner, until {until}:");
            println!("{}", link.auth_url);
        }
        Action::List => {
            let mut table = show::table(["id", "platform", "account", "name", "health", "token ends"]);
            let mut page_token = String::new();
            loop {
                let request =
                    v1::ListAccountsRequest { page_token, page_size: 500, ..v1::ListAccountsRequest::default() };
                let page = accounts.list_accounts(request).await?.into_inner();
                for account in page.accounts {
                    let health = show::health(account.health());
                    table.add_row([
                        account.id.to_string(),
                        show::platform(account.platform()).to_owned(),
                        format!("@{}", account.account_username),
                        account.account_name,
                        if account.is_active { health } else { "disconnected".to_owned() },
                        show::time(account.token_expires_at).map(show::minute).unwrap_or_default(),
                    ]);
                }
                page_token = page.next_page_token;
                if page_token.is_empty() {
                    break;
                }
            }
            println!("{table}");
        }
    }
    Ok(())
}
