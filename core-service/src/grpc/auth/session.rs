//! Sessions of the dashboard as credentials: a cookie, and the origin that may use it.
//!
//! Guaranteed: a cookie says who calls only where `Origin` is, letter by letter, the origin of the core's own public address
//! (scheme, host and port), so no page of another site and no program on another port acts in the name of a user by what a
//! browser adds by itself. Where the call carries an `authorization` header the cookie is not looked at: whoever sends that
//! header says with it who calls.

use http::{HeaderMap, HeaderValue, header};
use url::Url;

use super::{super::cookies, Denied};

/// What to do about an origin that is not ours.
const OPEN_IT_THERE: &str = "open the dashboard at the core's public address (AURAREELS_PUBLIC_URL), and send `Origin` as browsers do; \
     programs use an API key";

/// Longest life of a cookie in a browser, seconds. The session ends when the core says so.
const COOKIE_SECONDS: i64 = crate::app::dashboard::LIFE.num_seconds();

/// Reads and writes the cookie of one core.
#[derive(Clone, Debug)]
pub(crate) struct Cookies {
    /// The origin of the public address.
    origin: String,
    is_tls: bool,
}

impl Cookies {
    /// Those of the core at this address.
    pub(crate) fn of(public_url: &Url) -> Self {
        Self { origin: public_url.origin().ascii_serialization(), is_tls: public_url.scheme() == "https" }
    }

    /// The only origin whose pages may use a session.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    fn name(&self) -> &'static str {
        cookies::name(self.is_tls, "__Host-aurareels-dashboard")
    }

    /// The secret of this browser's session, if it sends one.
    pub(crate) fn secret<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        cookies::value(headers, self.name())
    }

    /// The secret of a call's session; `None` for a call that says otherwise who makes it, or does not say it at all.
    pub(super) fn credential<'a>(&self, headers: &'a HeaderMap) -> Result<Option<&'a str>, Denied> {
        if headers.contains_key(header::AUTHORIZATION) {
            return Ok(None);
        }
        let Some(secret) = self.secret(headers) else { return Ok(None) };
        match self.origin_of(headers) {
            Origin::Own => Ok(Some(secret)),
            Origin::None => {
                let message =
                    "no credential was sent: the dashboard's cookie counts only with the dashboard's own `Origin`";
                Err(Denied::unauthenticated(message, OPEN_IT_THERE))
            }
            Origin::Other => Err(self.other_origin()),
        }
    }

    /// Whose page makes a request.
    pub(crate) fn origin_of(&self, headers: &HeaderMap) -> Origin {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) => Origin::None,
            (Some(origin), None) if origin.as_bytes() == self.origin.as_bytes() => Origin::Own,
            _ => Origin::Other,
        }
    }

    /// What a page of another origin is told.
    pub(crate) fn other_origin(&self) -> Denied {
        let message = format!("sessions of the dashboard are for pages of {} alone", self.origin);
        Denied::unauthenticated(message, OPEN_IT_THERE)
    }

    /// Gives a browser its session.
    pub(crate) fn set(&self, secret: &str) -> Option<HeaderValue> {
        cookies::set(self.name(), secret, COOKIE_SECONDS, self.is_tls)
    }

    /// Takes it away.
    pub(crate) fn clear(&self) -> Option<HeaderValue> {
        cookies::set(self.name(), "", 0, self.is_tls)
    }
}

/// Whose page makes a request, by its `Origin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A page of this core.
    Own,
    /// Nobody says: a program, or a page that reads from its own site.
    None,
    /// A page of another origin, or one that hides where it is from.
    Other,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    fn of(url: &str) -> Cookies {
        Cookies::of(&Url::parse(url).unwrap())
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        for (url, origin) in [
            ("https://reels.example", "https://reels.example"),
            ("https://reels.example:443/core/", "https://reels.example"),
            ("http://127.0.0.1:50051", "http://127.0.0.1:50051"),
            ("https://xn--bcher-kva.example:8443", "https://xn--bcher-kva.example:8443"),
        ] {
            assert_eq!(of(url).origin(), origin);
        }
        let cookies = of("https://reels.example");
        for other in [
            "http://reels.example",
            "https://reels.example:8443",
            "https://reels.example.evil.example",
            "https://REELS.example",
            "https://reels.example/",
            "null",
            "",
        ] {
            let other: &'static str = other.to_owned().leak();
            assert_eq!(cookies.origin_of(&headers(&[("origin", other)])), Origin::Other, "{other}");
        }
        let mut twice = headers(&[("origin", "https://reels.example")]);
        assert_eq!(cookies.origin_of(&twice), Origin::Own);
        twice.append("origin", HeaderValue::from_static("https://reels.example"));
        assert_eq!(cookies.origin_of(&twice), Origin::Other);
        assert_eq!(cookies.origin_of(&headers(&[])), Origin::None);
    }

    #[test]
    fn a_cookie_is_a_credential_of_its_own_pages_alone_and_never_beside_another() {
        let cookies = of("http://127.0.0.1:1");
        let (cookie, origin) = (("cookie", "a=b; aurareels-dashboard=secret; c"), ("origin", "http://127.0.0.1:1"));
        let credential = |pairs: &[(&'static str, &'static str)]| {
            cookies
                .credential(&headers(pairs))
                .map(|secret| secret.map(str::to_owned))
                .map_err(|denied| denied.to_string())
        };
        assert_eq!(credential(&[cookie, origin]), Ok(Some("secret".to_owned())));
        assert_eq!(credential(&[cookie, origin, ("authorization", "nonsense")]), Ok(None));
        assert_eq!(credential(&[origin]), Ok(None));
        assert!(credential(&[cookie]).unwrap_err().contains("no credential"));
        assert!(
            credential(&[cookie, ("origin", "http://127.0.0.1:2")]).unwrap_err().contains("http://127.0.0.1:1 alone")
        );
        assert_eq!(
            credential(&[("cookie", "__Host-aurareels-dashboard=secret; aurareels-dashboard="), origin]),
            Ok(None)
        );
    }

    #[test]
    fn the_cookie_is_out_of_reach_of_scripts_other_sites_and_plain_http() {
        let plain = of("http://127.0.0.1:1").set("s").unwrap();
        assert_eq!(plain, "aurareels-dashboard=s; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax");
        let tls = of("https://reels.example");
        assert_eq!(
            tls.set("s").unwrap(),
            "__Host-aurareels-dashboard=s; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(
            tls.clear().unwrap(),
            "__Host-aurareels-dashboard=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure"
        );
    }
}
