//! The address at which a platform fetches an uploaded video: on the core's own port, under a name that nobody can
//! guess.
//!
//! A core that only its own machine or network can reach has no such address: a platform would try in vain and say so
//! late and unclearly.

use std::net::IpAddr;

use url::{Host, Url};

use super::address;
use crate::domain::media::Container;

/// The path under which uploads are served.
pub const PULL_PATH: &str = "/media";

/// Where platforms reach this core.
#[derive(Clone, Debug)]
pub struct PublicAddress(Option<Url>);

impl PublicAddress {
    /// The core's address (`AURAREELS_PUBLIC_URL`), as far as strangers can reach it. `allow_private` takes loopback and
    /// private addresses too, for tests and closed networks.
    pub fn new(base: Option<&Url>, allow_private: bool) -> Self {
        Self(base.filter(|base| is_reachable(base, allow_private)).cloned())
    }

    /// Whether there is one.
    pub fn is_known(&self) -> bool {
        self.0.is_some()
    }

    /// The address of an upload; `None` when strangers cannot reach this core.
    pub fn of(&self, pull_token: &str, container: Container) -> Option<Url> {
        let base = self.0.as_ref()?.as_str().trim_end_matches('/');
        Url::parse(&format!("{base}{PULL_PATH}/{pull_token}/video.{}", container.as_str())).ok()
    }
}

fn is_reachable(base: &Url, allow_private: bool) -> bool {
    let literal = match base.host() {
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip),
        Some(Host::Domain(name)) => return allow_private || !(name == "localhost" || name.ends_with(".localhost")),
        None => return false,
    };
    address::is_allowed(literal, allow_private)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(base: &str, allow_private: bool) -> Option<String> {
        let base = Url::parse(base).unwrap();
        PublicAddress::new(Some(&base), allow_private).of("t0ken", Container::Mov).map(String::from)
    }

    #[test]
    fn the_address_stands_under_the_public_one() {
        let expected = Some("https://reels.example.org/core/media/t0ken/video.mov".to_owned());
        assert_eq!(of("https://reels.example.org/core", false), expected);
        assert_eq!(of("https://reels.example.org/core/", false), expected);
        assert_eq!(of("http://93.184.216.34:8080", false).unwrap(), "http://93.184.216.34:8080/media/t0ken/video.mov");
    }

    #[test]
    fn what_only_this_machine_reaches_is_no_address_for_platforms() {
        for base in ["http://127.0.0.1:50051", "http://localhost:50051", "http://10.0.0.7", "http://[::1]:50051"] {
            assert_eq!(of(base, false), None, "{base}");
            assert!(of(base, true).is_some(), "{base}");
        }
        assert_eq!(of("http://169.254.169.254", true), None);
        assert!(!PublicAddress::new(None, true).is_known());
    }
}
