//! Several cores on one database of a server, and a proxy between a core and its database.

use aurareels_core::{config::Settings, server::Core};
use aurareels_proto::v1::{
    account_service_client::AccountServiceClient, media_service_client::MediaServiceClient,
    post_service_client::PostServiceClient,
};
use tonic::{service::interceptor::InterceptedService, transport::Endpoint};

use crate::{
    World,
    proxy::{Mode, Proxy},
    server::{Private, Server},
    world::{Credential, Line},
};

/// A further core on a world's database, with files of its own.
pub struct Another {
    core: Core,
    line: Line,
}

impl Another {
    /// Posts of user 1, by this core.
    pub fn posts(&self) -> PostServiceClient<Line> {
        PostServiceClient::new(self.line.clone())
    }

    /// Accounts of user 1, by this core.
    pub fn accounts(&self) -> AccountServiceClient<Line> {
        AccountServiceClient::new(self.line.clone())
    }

    /// Uploads of user 1, by this core.
    pub fn media(&self) -> MediaServiceClient<Line> {
        MediaServiceClient::new(self.line.clone())
    }

    /// Stops it as SIGTERM does.
    pub async fn stop(self) {
        self.core.shutdown().await;
    }
}

impl World {
    /// A world on a database of that server; `None`, with a line that says so, when it was not started.
    pub async fn on(server: Server, extra: &[(&str, &str)]) -> Option<Self> {
        let private = Private::on(server).await?;
        Some(Self::prepare(Some(private), extra).await.running().await)
    }

    /// The same, with a proxy between core and server.
    pub async fn behind_a_proxy(server: Server, extra: &[(&str, &str)]) -> Option<Self> {
        let private = Private::on(server).await?;
        let mut url: url::Url = private.url().parse().expect("a URL");
        let address = format!("127.0.0.1:{}", url.port().expect("a port"));
        let proxy = Proxy::start(address, Mode::Through).await;
        url.set_port(Some(proxy.address.port())).expect("a port");
        let mut world = Self::prepare(Some(private), extra).await;
        world.set("AURAREELS_DATABASE_URL", url.as_str());
        world.proxy = Some(proxy);
        Some(world.running().await)
    }

    /// Settings of a further core, with files of its own.
    pub fn settings_of_another(&self, name: &str) -> std::collections::BTreeMap<String, String> {
        let mut settings = self.settings().clone();
        let data_dir = self.data_dir().with_file_name(name);
        settings.insert("AURAREELS_DATA_DIR".to_owned(), data_dir.display().to_string());
        settings
    }

    /// Starts a further core.
    pub async fn another_core(&self, name: &str) -> Another {
        let settings = Settings::from_pairs(self.settings_of_another(name)).expect("settings");
        let core = Core::start(settings, self.clock()).await.expect("another core starts");
        let channel = Endpoint::from_shared(core.public_url().to_string()).expect("an address").connect_lazy();
        let credential = Credential { bearer: self.key.clone(), user: Some(1) };
        Another { core, line: InterceptedService::new(channel, credential) }
    }

    fn proxy(&self) -> &Proxy {
        self.proxy.as_ref().expect("a world behind a proxy")
    }

    /// From now on some COMMITs are cut off before the server gets them, some before their answer is back.
    pub fn cut_commits(&self) {
        self.proxy().set(Mode::CutsCommits);
    }

    /// Ends all connections to the server and lets none through.
    pub fn take_server_away(&self) {
        self.proxy().set(Mode::Away);
    }

    /// The server can be reached as always.
    pub fn bring_server_back(&self) {
        self.proxy().set(Mode::Through);
    }

    /// How many COMMITs were cut off.
    pub fn commits_cut(&self) -> u32 {
        self.proxy().cut()
    }
}
