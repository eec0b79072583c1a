//! The one place where HTTP clients are made.
//!
//! Guaranteed for every client that is built here:
//! - TLS by rustls with ring; roots are Mozilla's (webpki-roots) plus, if set, one extra CA file
//!   (`AURAREELS_EXTRA_CA_FILE`). Certificates and host names are always checked.
//! - No request is ever repeated by itself: reqwest's retry of protocol refusals is off, and only HTTP/1.1 is spoken,
//!   so there is no GOAWAY whose requests a library would replay.
//! - No redirects, no proxies from the environment, no cookies, no transparent decompression.
//!
//! Pooled connections remain: hyper may move a request from a pooled connection that turned out to be closed to a new
//! one, but only while no byte of it has been written. Points of no return leave on [`line`]s, where even that cannot
//! happen; long uploads use [`single_use_client_builder`].
//!
//! Expected failures: the CA file cannot be read or holds no certificate ([`Error`]).

pub mod connection;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

/// What every HTTP client of the core shares.
#[derive(Clone, Debug, Default)]
pub struct HttpSettings {
    /// A PEM file whose certificates are trusted in addition to the public roots (`AURAREELS_EXTRA_CA_FILE`).
    pub extra_ca: Option<PathBuf>,
}

/// Why no client could be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The extra CA file is not readable.
    #[error("cannot read the CA file {}", path.display())]
    ReadCa {
        /// The file named by the setting.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// The extra CA file is no PEM file with at least one certificate that can serve as a root.
    #[error("the CA file {} holds no usable certificate: {reason}", path.display())]
    BadCa {
        /// The file named by the setting.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// rustls refused the configuration.
    #[error("cannot set up TLS")]
    Tls(#[from] rustls::Error),
    /// reqwest refused the configuration.
    #[error("cannot build an HTTP client")]
    Client(#[from] reqwest::Error),
}

/// How long a client waits for a TCP and TLS connection before it gives up; nothing has been sent then.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How this program calls itself.
const USER_AGENT: &str = concat!("AuraReels/", env!("CARGO_PKG_VERSION"));

/// Idle connections that are kept to a host: each has buffers of 30 KiB.
const POOLED: usize = 128;

/// How long a client waits for the next byte of an answer before it gives up.
pub const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// The TLS side of a client: ring, TLS 1.2 and 1.3, public roots plus the extra CA, ALPN `http/1.1`.
///
/// Reads the CA file, so call it once at start and share the result.
pub fn tls_config(settings: &HttpSettings) -> Result<Arc<rustls::ClientConfig>, Error> {
    let mut roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = &settings.extra_ca {
        let pem = std::fs::read(path).map_err(|source| Error::ReadCa { path: path.clone(), source })?;
        let bad = |reason: String| Error::BadCa { path: path.clone(), reason };
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|error| bad(error.to_string()))?;
            roots.add(certificate).map_err(|error| bad(error.to_string()))?;
        }
        if roots.len() == before {
            return Err(bad("no PEM block named CERTIFICATE".to_owned()));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// A builder for clients that may pool connections: reads, OAuth calls, media.
///
/// The caller sets the total deadline per request (`RequestBuilder::timeout`) where the exchange is short.
pub fn client_builder(tls: &Arc<rustls::ClientConfig>) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls.as_ref().clone())
        .http1_only()
        .retry(reqwest::retry::never())
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .pool_max_idle_per_host(POOLED)
        .user_agent(USER_AGENT)
}

/// A builder for clients whose every request opens a connection of its own and closes it afterwards.
///
/// For long uploads: an error for which `reqwest::Error::is_connect` holds happened before the first byte of the request
/// was written.
pub fn single_use_client_builder(tls: &Arc<rustls::ClientConfig>) -> reqwest::ClientBuilder {
    client_builder(tls).pool_max_idle_per_host(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    fn client(single_use: bool) -> reqwest::Client {
        let tls = tls_config(&HttpSettings::default()).unwrap();
        let builder = if single_use { single_use_client_builder(&tls) } else { client_builder(&tls) };
        builder.build().unwrap()
    }

    /// Answers every request with `head`; counts connections and requests; closes after `per_connection` answers.
    async fn server(head: &'static str, per_connection: usize) -> (String, Arc<AtomicUsize>, Arc<AtomicUsize>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let (connections, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let counters = (connections.clone(), requests.clone());
        tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                connections.fetch_add(1, Ordering::SeqCst);
                let requests = requests.clone();
                tokio::spawn(async move {
                    let mut buffer = vec![0; 4096];
                    for _ in 0..per_connection {
                        if socket.read(&mut buffer).await.unwrap_or(0) == 0 {
                            return;
                        }
                        requests.fetch_add(1, Ordering::SeqCst);
                        if head.is_empty() || socket.write_all(head.as_bytes()).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        (url, counters.0, counters.1)
    }

    #[tokio::test]
    async fn redirects_are_handed_to_the_caller() {
        let (url, _, requests) =
            server("HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n", 9).await;
        let answer = client(false).get(url).send().await.unwrap();
        assert_eq!(answer.status(), 302);
        assert_eq!(requests.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_lost_answer_is_an_error_and_not_a_second_request() {
        let (url, _, requests) = server("", 1).await;
        let error = client(true).post(url).body("once").send().await.unwrap_err();
        assert!(!error.is_connect(), "the request was written, so this must not look like `not sent`: {error:?}");
        assert_eq!(requests.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_refused_connection_is_recognised_as_not_sent() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let error = client(true).post(format!("http://{address}/")).body("x").send().await.unwrap_err();
        assert!(error.is_connect(), "{error:?}");
    }

    #[tokio::test]
    async fn single_use_clients_do_not_reuse_connections() {
        let (url, connections, requests) = server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 9).await;
        let client = client(true);
        for _ in 0..3 {
            client.post(&url).send().await.unwrap().bytes().await.unwrap();
        }
        assert_eq!(requests.load(Ordering::SeqCst), 3);
        assert_eq!(connections.load(Ordering::SeqCst), 3);
    }

    /// Serves one certificate for `localhost` and answers every request with an empty 200.
    async fn tls_server() -> u16 {
        let certificate = CertificateDer::from_pem_slice(include_bytes!("../testdata/tls_localhost.pem")).unwrap();
        let key = rustls_pki_types::PrivateKeyDer::from_pem_slice(include_bytes!("../testdata/tls_localhost_key.pem"));
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key.unwrap())
            .unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let Ok(mut socket) = acceptor.accept(socket).await else { continue };
                let _ = socket.read(&mut [0; 4096]).await;
                let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
            }
        });
        port
    }

    #[tokio::test]
    async fn certificates_and_host_names_are_checked_against_the_roots_and_the_extra_ca() {
        let port = tls_server().await;
        let extra_ca = Some(PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/testdata/tls_ca.pem")));
        let trusting = client_builder(&tls_config(&HttpSettings { extra_ca }).unwrap()).build().unwrap();
        let get = |client: &reqwest::Client, host: &str| client.get(format!("https://{host}:{port}/")).send();
        assert_eq!(get(&trusting, "localhost").await.unwrap().status(), 200);
        assert!(get(&trusting, "127.0.0.1").await.unwrap_err().is_connect(), "the certificate is for localhost");
        assert!(get(&client(false), "localhost").await.unwrap_err().is_connect(), "an unknown CA");
    }

    #[test]
    fn a_ca_file_without_certificates_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "not a certificate").unwrap();
        let settings = HttpSettings { extra_ca: Some(file.path().to_owned()) };
        assert!(matches!(tls_config(&settings), Err(Error::BadCa { .. })));
        let settings = HttpSettings { extra_ca: Some(file.path().with_extension("missing")) };
        assert!(matches!(tls_config(&settings), Err(Error::ReadCa { .. })));
    }
}
