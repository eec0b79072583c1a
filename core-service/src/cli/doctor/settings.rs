//! Settings that can be read, and do not fit each other or the world.

use std::net::IpAddr;

use url::{Host, Url};

use super::finding::Finding;
use crate::config::{CorsOrigins, Settings};

const PUBLIC_URL: &str = "AURAREELS_PUBLIC_URL";

/// Looks at settings alone.
pub(super) fn look(settings: &Settings) -> Vec<Finding> {
    let mut findings = Vec::new();
    let server = &settings.server;
    let is_private_listener = server.listen.ip().is_loopback();
    match &server.public_url {
        None if !is_private_listener => findings.push(Finding::wrong(
            PUBLIC_URL,
            format!("is not set, and {} is no address that a platform could send a browser back to", server.listen),
            "set it to the address at which browsers reach this core, such as https://reels.example.org",
        )),
        None => findings.push(Finding::advice(
            PUBLIC_URL,
            "is not set: accounts can be connected by a browser on this machine alone",
            "set it to the address at which browsers reach this core, such as https://reels.example.org",
        )),
        Some(url) if url.scheme() != "https" && !is_this_machine(url) => findings.push(Finding::wrong(
            PUBLIC_URL,
            format!("is {url}: platforms take redirect addresses with https alone, and keys travel in plain text"),
            "set AURAREELS_TLS_CERT and AURAREELS_TLS_KEY, or put a proxy with TLS in front, and begin it with https://",
        )),
        Some(_) => {}
    }
    let says_https = server.public_url.as_ref().is_some_and(|url| url.scheme() == "https");
    if server.tls.is_none() && !is_private_listener {
        let remedy = "set AURAREELS_TLS_CERT and AURAREELS_TLS_KEY, or listen on 127.0.0.1 behind a proxy with TLS";
        let message =
            format!("is {} without TLS: keys and posts travel in plain text to whoever can reach it", server.listen);
        findings.push(match says_https {
            true => Finding::advice("AURAREELS_LISTEN", message, remedy),
            false => Finding::wrong("AURAREELS_LISTEN", message, remedy),
        });
    }
    if matches!(server.cors_origins, CorsOrigins::Any) {
        findings.push(Finding::advice(
            "AURAREELS_CORS_ORIGINS",
            "is *: pages of every site may call this core with a key that they have",
            "list the origins of your own pages",
        ));
    }
    if settings.media.allow_private_hosts && says_https {
        findings.push(Finding::advice(
            "AURAREELS_ALLOW_PRIVATE_MEDIA_HOSTS",
            "is true: whoever may post can have the core fetch addresses of your inner network",
            "set it to false outside of tests and closed networks",
        ));
    }
    let frontend = settings.oauth.frontend_url.as_ref();
    if let Some(url) = frontend.filter(|url| url.scheme() == "http" && !is_this_machine(url)) {
        findings.push(Finding::advice(
            "AURAREELS_FRONTEND_URL",
            format!("is {url}: who connects an account is led to a page without TLS"),
            "begin it with https://",
        ));
    }
    findings
}

/// Whether an address leads to this machine alone.
pub(super) fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => IpAddr::from(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::from(ip).is_loopback(),
        None => false,
    }
}
