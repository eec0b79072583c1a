//! Client of an AuraReels core, for backend services.
//!
//! [`Core::at`] names a core, [`Connector::connect`] answers its services. The messages are those of `proto/`, in [`v1`]. A
//! call that timed out is simply made again: the same request comes back to the same posts.

use std::time::Duration;

pub use aurareels_proto::v1;
pub use tonic;

use aurareels_proto::v1::{
    account_service_client::AccountServiceClient, analytics_service_client::AnalyticsServiceClient,
    media_service_client::MediaServiceClient, platform_service_client::PlatformServiceClient,
    post_service_client::PostServiceClient, webhook_service_client::WebhookServiceClient,
};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint},
};

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// Time between two signs of life on a connection.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is none.
    #[error("`{0}` is no address; give one such as http://127.0.0.1:50051")]
    Address(String, #[source] tonic::transport::Error),
    /// The API key has characters that no key has.
    #[error("the API key has characters that no key has")]
    Key,
    /// TLS cannot be set up: the certificate authority is unreadable.
    #[error("TLS cannot be set up")]
    Tls(#[source] tonic::transport::Error),
    /// Nobody answers.
    #[error("no core answers at {0}; is `aurareels serve` running?")]
    Connect(String, #[source] tonic::transport::Error),
}

/// Puts the key into every call.
#[derive(Clone)]
pub struct Credentials {
    bearer: MetadataValue<Ascii>,
    user: Option<MetadataValue<Ascii>>,
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

/// A connection whose calls carry the key.
pub type AuthorizedChannel = InterceptedService<Channel, Credentials>;

/// A core that is about to be connected to.
#[derive(Clone, Debug)]
pub struct Connector {
    address: String,
    key: String,
    user: Option<i64>,
    authority: Option<Vec<u8>>,
}

impl Connector {
    /// The user to act for, for a key that serves any user.
    #[must_use]
    pub fn user(mut self, user: i64) -> Self {
        self.user = Some(user);
        self
    }

    /// The authority of the core's certificate in PEM, besides the public ones.
    #[must_use]
    pub fn authority(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.authority = Some(pem.into());
        self
    }

    /// Connects. The connection lasts until its last client is dropped, and is made anew when it breaks.
    ///
    /// # Errors
    /// When the address or the key is none, or nobody answers.
    pub async fn connect(self) -> Result<Core, Error> {
        let Self { address, key, user, authority } = self;
        let mut bearer: MetadataValue<Ascii> = format!("Bearer {key}").parse().map_err(|_| Error::Key)?;
        bearer.set_sensitive(true);
        let credentials = Credentials { bearer, user: user.map(MetadataValue::from) };
        let address = if address.contains("://") { address } else { format!("http://{address}") };
        let mut endpoint = Endpoint::from_shared(address.clone())
            .map_err(|error| Error::Address(address.clone(), error))?
            .connect_timeout(CONNECT)
            .http2_keep_alive_interval(KEEP_ALIVE);
        if address.starts_with("https:") {
            let mut tls = ClientTlsConfig::new().trust_anchors(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            if let Some(pem) = authority {
                tls = tls.ca_certificate(Certificate::from_pem(pem));
            }
            endpoint = endpoint.tls_config(tls).map_err(Error::Tls)?;
        }
        let channel = endpoint.connect().await.map_err(|error| Error::Connect(address, error))?;
        Ok(Core(InterceptedService::new(channel, credentials)))
    }
}

/// The services of a core. Cheap to clone: all clients share one connection.
#[derive(Clone)]
pub struct Core(AuthorizedChannel);

impl Core {
    /// A core at an address, called with an API key.
    pub fn at(address: impl Into<String>, key: impl Into<String>) -> Connector {
        Connector { address: address.into(), key: key.into(), user: None, authority: None }
    }

    /// The connection itself, for whatever speaks gRPC in another way.
    pub fn channel(&self) -> AuthorizedChannel {
        self.0.clone()
    }

    /// Creates posts and moves them.
    pub fn posts(&self) -> PostServiceClient<AuthorizedChannel> {
        PostServiceClient::new(self.0.clone())
    }

    /// Connects accounts and tells of them.
    pub fn accounts(&self) -> AccountServiceClient<AuthorizedChannel> {
        AccountServiceClient::new(self.0.clone())
    }

    /// Uploads, and video jobs.
    pub fn media(&self) -> MediaServiceClient<AuthorizedChannel> {
        MediaServiceClient::new(self.0.clone())
    }

    /// What the platforms ask of videos.
    pub fn platforms(&self) -> PlatformServiceClient<AuthorizedChannel> {
        PlatformServiceClient::new(self.0.clone())
    }

    /// How posts do.
    pub fn analytics(&self) -> AnalyticsServiceClient<AuthorizedChannel> {
        AnalyticsServiceClient::new(self.0.clone())
    }

    /// Webhook endpoints and their log.
    pub fn webhooks(&self) -> WebhookServiceClient<AuthorizedChannel> {
        WebhookServiceClient::new(self.0.clone())
    }
}
