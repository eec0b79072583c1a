//! Requests to addresses that callers name and that are no videos: the same rule as for videos ([`super::address`]).
//!
//! Guaranteed: https, or http where private hosts are allowed; the address is judged at the resolver of the very
//! connection; redirects are not followed.

use std::{error::Error as StdError, net::IpAddr, sync::Arc};

use url::{Host, Url};

use super::{
    address,
    fetch::{AddressRefused, GuardedResolver, system_lookup},
};
use crate::http;

/// Says why a URL is never requested, as far as that is known without resolving its name.
pub fn refusal(url: &Url, allow_private: bool) -> Option<&'static str> {
    let scheme = url.scheme();
    if scheme != "https" && !(scheme == "http" && allow_private) {
        return Some("must begin with https://");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Some("must not contain a user name or password");
    }
    let literal = match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address),
        Some(Host::Domain(_)) => return None,
        None => return Some("must name a host"),
    };
    (!address::is_allowed(literal, allow_private)).then_some("must lead to a public address")
}

/// A client whose connections go to allowed addresses alone.
pub fn client(tls: &Arc<rustls::ClientConfig>, allow_private: bool) -> Result<reqwest::Client, http::Error> {
    let resolver = GuardedResolver { lookup: Arc::new(system_lookup), allow_private };
    Ok(http::client_builder(tls).dns_resolver(resolver).build()?)
}

/// Whether a request was refused because of where its name leads.
pub fn is_refused(error: &reqwest::Error) -> bool {
    let mut cause: Option<&dyn StdError> = error.source();
    while let Some(one) = cause {
        if one.is::<AddressRefused>() {
            return true;
        }
        cause = one.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_https_addresses_are_requested_unless_the_setting_says_otherwise() {
        let refused = |url: &str, private| refusal(&url.parse().unwrap(), private).is_some();
        for url in
            ["http://example.com/", "https://127.0.0.1/", "https://[::1]/", "https://10.0.0.1/", "ftp://a.example/"]
        {
            assert!(refused(url, false), "{url}");
        }
        for url in ["https://169.254.169.254/", "https://user@example.com/", "https://u:p@example.com/"] {
            assert!(refused(url, true), "{url}");
        }
        assert!(!refused("https://example.com/hook", false));
        assert!(!refused("http://127.0.0.1:5678/hook", true));
    }

    #[tokio::test]
    async fn a_name_that_leads_to_a_private_address_is_refused_at_the_connection() {
        let tls = http::tls_config(&http::HttpSettings::default()).unwrap();
        let error = client(&tls, false).unwrap().get("https://localhost:1/").send().await.unwrap_err();
        assert!(is_refused(&error), "{error:?}");
        let error = client(&tls, true).unwrap().get("https://localhost:1/").send().await.unwrap_err();
        assert!(!is_refused(&error), "{error:?}");
    }
}
