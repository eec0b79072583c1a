//! TLS where a certificate is given.
//!
//! Guaranteed: HTTP/2 and HTTP/1.1 are both on offer by ALPN. (tonic's own acceptor offers HTTP/2 alone, which shuts out
//! the pages and gRPC-web of HTTP/1.1 clients.)

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject};
use tokio_rustls::TlsAcceptor;
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use crate::config;

fn pem(path: &Path, setting: &str) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{setting}: cannot read {}", path.display()))
}

fn chain(files: &config::Tls) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let chain = pem(&files.cert, "AURAREELS_TLS_CERT")?;
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&chain)
        .collect::<Result<_, _>>()
        .with_context(|| format!("AURAREELS_TLS_CERT: {} is not PEM", files.cert.display()))?;
    if chain.is_empty() {
        bail!("AURAREELS_TLS_CERT: {} holds no certificate", files.cert.display());
    }
    Ok(chain)
}

/// Whether the certificate is valid at a time, and for a host name. Who signed it is not judged: that is its clients' matter.
pub(crate) fn certificate_life(files: &config::Tls, host: Option<&str>, at: DateTime<Utc>) -> anyhow::Result<()> {
    let chain = chain(files)?;
    let shown = files.cert.display();
    let (own, last) = (chain.first().context("no certificate")?, chain.last().context("no certificate")?);
    let certificate = EndEntityCert::try_from(own).with_context(|| format!("{shown} cannot be read"))?;
    let anchors = [anchor_from_trusted_cert(last).with_context(|| format!("{shown} cannot be read"))?];
    let between: Vec<CertificateDer<'_>> = chain.iter().skip(1).cloned().collect();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(at.timestamp().max(0).unsigned_abs()));
    let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms.all;
    let usage = KeyUsage::server_auth();
    match certificate.verify_for_usage(algorithms, &anchors, &between, now, usage, None, None) {
        Err(webpki::Error::CertExpired { .. }) => bail!("the certificate {shown} has expired"),
        Err(webpki::Error::CertNotValidYet { .. }) => bail!("the certificate {shown} is not valid yet"),
        // Clients judge the rest by authorities of their own.
        Ok(_) | Err(_) => {}
    }
    if let Some(host) = host {
        let name = ServerName::try_from(host).with_context(|| format!("{host} is no host name"))?;
        if certificate.verify_is_valid_for_subject_name(&name).is_err() {
            bail!("the certificate {shown} is not for {host}, the host of AURAREELS_PUBLIC_URL");
        }
    }
    Ok(())
}

/// Reads certificate and key.
pub(crate) fn acceptor(files: &config::Tls) -> anyhow::Result<TlsAcceptor> {
    let chain = chain(files)?;
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
