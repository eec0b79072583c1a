//! TLS where a certificate is given.
//!
//! Guaranteed: HTTP/2 and HTTP/1.1 are both on offer by ALPN. (tonic's own acceptor offers HTTP/2 alone, which shuts out
//! the pages and gRPC-web of HTTP/1.1 clients.)

use std::{path::Path, sync::Arc};

use anyhow::{Context as _, bail};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio_rustls::TlsAcceptor;

use crate::config;

/// Reads certificate and key.
pub(super) fn acceptor(files: &config::Tls) -> anyhow::Result<TlsAcceptor> {
    let pem = |path: &Path, setting: &str| {
        std::fs::read(path).with_context(|| format!("{setting}: cannot read {}", path.display()))
    };
    let chain = pem(&files.cert, "AURAREELS_TLS_CERT")?;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&chain)
        .collect::<Result<_, _>>()
        .with_context(|| format!("AURAREELS_TLS_CERT: {} is not PEM", files.cert.display()))?;
    if chain.is_empty() {
        bail!("AURAREELS_TLS_CERT: {} holds no certificate", files.cert.display());
    }
    let key = PrivateKeyDer::from_pem_slice(&pem(&files.key, "AURAREELS_TLS_KEY")?)
        .with_context(|| format!("AURAREELS_TLS_KEY: {} holds no PEM private key", files.key.display()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("AURAREELS_TLS_CERT and AURAREELS_TLS_KEY do not fit each other")?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
