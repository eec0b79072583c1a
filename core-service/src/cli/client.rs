//! The command-line client's connection: like any other gRPC client, it knows only the proto, an address and a key.

use std::path::PathBuf;

use anyhow::{Context, bail};
pub(super) use aurareels_client::Core as Client;

use super::{output::Output, process::setting};

/// Where nothing else is said.
const DEFAULT_ADDRESS: &str = "http://127.0.0.1:50051";

/// Which core to call, and with which key.
#[derive(clap::Args)]
pub(super) struct Server {
    /// Address of the core; AURAREELS_ADDRESS, else http://127.0.0.1:50051.
    #[arg(long, global = true, value_name = "URL")]
    address: Option<String>,
    /// API key; better given as AURAREELS_API_KEY, where other users of this machine do not see it.
    #[arg(long, global = true, value_name = "KEY")]
    api_key: Option<String>,
    /// The user, for a key that serves any user; AURAREELS_USER_ID.
    #[arg(long, global = true, value_name = "NUMBER")]
    user: Option<String>,
    /// PEM file with the authority of the core's certificate, besides the public ones.
    #[arg(long, global = true, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Print what the API answers, as JSON.
    #[arg(long, global = true)]
    json: bool,
}

impl Server {
    /// How results are to be written.
    pub(super) fn output(&self) -> Output {
        Output::new(self.json)
    }

    /// Connects to the core that was named.
    pub(super) async fn client(self) -> anyhow::Result<Client> {
        let address = self.address.or_else(|| setting("AURAREELS_ADDRESS"));
        let Some(key) = self.api_key.or_else(|| setting("AURAREELS_API_KEY")) else {
            bail!("no API key was given; set AURAREELS_API_KEY (`aurareels api-key create` makes one)");
        };
        let user = self.user.or_else(|| setting("AURAREELS_USER_ID"));
        let address = address.as_deref().unwrap_or(DEFAULT_ADDRESS);
        let mut core = Client::at(address, key.trim());
        if let Some(user) = user {
            core = core.user(user.parse().context("the user must be a number")?);
        }
        let authority = self.ca.or_else(|| setting("AURAREELS_EXTRA_CA_FILE").map(PathBuf::from));
        if let Some(path) = authority.filter(|_| address.starts_with("https:")) {
            core = core.authority(std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?);
        }
        Ok(core.connect().await?)
    }
}
