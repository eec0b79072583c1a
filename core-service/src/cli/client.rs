//! The command-line client's connection: like any other gRPC client, it knows only the proto, an address and a key.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, bail};
use aurareels_proto::v1::{
    account_service_client::AccountServiceClient, analytics_service_client::AnalyticsServiceClient,
    media_service_client::MediaServiceClient, post_service_client::PostServiceClient,
    webhook_service_client::WebhookServiceClient,
};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint},
};

use super::{output::Output, setting};

/// Where nothing else is said.
const DEFAULT_ADDRESS: &str = "http://127.0.0.1:50051";

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);

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

/// Puts the key into every call.
#[derive(Clone)]
pub(super) struct Credentials {
    bearer: MetadataValue<Ascii>,
    user: Option<MetadataValue<Ascii>>,
}

impl Credentials {
    /// Credentials of a key, for a user where the key serves any.
    pub(super) fn new(key: &str, user: Option<&str>) -> anyhow::Result<Self> {
        let mut bearer: MetadataValue<Ascii> =
            format!("Bearer {key}").parse().context("the API key has characters that no key has")?;
        bearer.set_sensitive(true);
        let user = user.map(|user| user.parse().context("the user must be a number")).transpose()?;
        Ok(Self { bearer, user })
    }
}

impl Interceptor for Credentials {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.bearer.clone());
        if let Some(user) = &self.user {
            request.metadata_mut().insert("x-aurareels-user-id", user.clone());
        }
        Ok(request)
    }
}

/// A connection with a key.
#[derive(Clone)]
pub(super) struct Client(InterceptedService<Channel, Credentials>);

impl Client {
    /// Connects.
    pub(super) async fn connect(address: &str, ca: Option<&PathBuf>, credentials: Credentials) -> anyhow::Result<Self> {
        let address = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
        let mut endpoint = Endpoint::from_shared(address.clone())
            .with_context(|| format!("`{address}` is no address; give one such as {DEFAULT_ADDRESS}"))?
            .connect_timeout(CONNECT)
            .http2_keep_alive_interval(Duration::from_secs(30));
        if address.starts_with("https:") {
            let mut tls = ClientTlsConfig::new().trust_anchors(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            if let Some(path) = ca {
                let pem = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
                tls = tls.ca_certificate(Certificate::from_pem(pem));
            }
            endpoint = endpoint.tls_config(tls)?;
        }
        let connected = endpoint.connect().await;
        let channel =
            connected.with_context(|| format!("no core answers at {address}; is `aurareels serve` running?"))?;
        Ok(Self(InterceptedService::new(channel, credentials)))
    }

    /// Calls on posts.
    pub(super) fn posts(&self) -> PostServiceClient<InterceptedService<Channel, Credentials>> {
        PostServiceClient::new(self.0.clone())
    }

    /// Calls on uploads.
    pub(super) fn media(&self) -> MediaServiceClient<InterceptedService<Channel, Credentials>> {
        MediaServiceClient::new(self.0.clone())
    }

    /// Calls on numbers.
    pub(super) fn analytics(&self) -> AnalyticsServiceClient<InterceptedService<Channel, Credentials>> {
        AnalyticsServiceClient::new(self.0.clone())
    }

    /// Calls on webhooks.
    pub(super) fn webhooks(&self) -> WebhookServiceClient<InterceptedService<Channel, Credentials>> {
        WebhookServiceClient::new(self.0.clone())
    }

    /// Calls on accounts.
    pub(super) fn accounts(&self) -> AccountServiceClient<InterceptedService<Channel, Credentials>> {
        AccountServiceClient::new(self.0.clone())
    }
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
        let ca = self.ca.or_else(|| setting("AURAREELS_EXTRA_CA_FILE").map(PathBuf::from));
        let credentials = Credentials::new(key.trim(), user.as_deref())?;
        Client::connect(address.as_deref().unwrap_or(DEFAULT_ADDRESS), ca.as_ref(), credentials).await
    }
}
