//! The built dashboard: its page and its files, from the binary itself.
//!
//! Guaranteed: what is served is in the table of the build, by its whole name, so no path leads anywhere else. A file
//! costs a look-up per request: its compressed forms were made by the build (`build.rs`). Files under `assets/` have a hash of
//! their content in their name and may be kept for ever; the page is never kept, and each answer of it has a nonce of its own.
//! What the page may load is in its Content-Security-Policy: nothing but itself, and pictures and videos of platforms.

use std::collections::HashMap;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use url::Url;

/// Headers that the page and the files carry.
const ALWAYS: [(HeaderName, &str); 3] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// A page needs none of these.
const PERMISSIONS: &str = "accelerometer=(), autoplay=(self), camera=(), display-capture=(), geolocation=(), gyroscope=(), \
     magnetometer=(), microphone=(), midi=(), payment=(), publickey-credentials-get=(), usb=(), xr-spatial-tracking=()";

/// What stands in the page for its nonce.
const NONCE: &str = "{{nonce}}";

/// A file of the build.
struct File {
    name: &'static str,
    content_type: &'static str,
    plain: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

/// Every file but the page.
static BUILT: &[File] = include!(concat!(env!("OUT_DIR"), "/dashboard.rs"));

/// The page.
static INDEX: &str = include_str!(concat!(env!("OUT_DIR"), "/index.html"));

/// The files and the page of one core.
pub(super) struct Files {
    /// By name, with the hash of the content.
    by_name: HashMap<&'static str, (&'static File, String)>,
    /// The page, cut where the nonce belongs.
    index: Vec<String>,
    /// The policy, before and after the nonce.
    policy: [String; 2],
}

impl Files {
    /// Those of the core at this address.
    pub(super) fn of(public_url: &Url) -> Self {
        Self::from(BUILT, INDEX, public_url)
    }

    fn from(files: &'static [File], index: &str, public_url: &Url) -> Self {
        let hashed = |file: &'static File| (file.name, (file, hex::encode(&Sha256::digest(file.plain)[..16])));
        // Pictures of platforms come over TLS; those of simulated ones do not.
        let plain = if public_url.scheme() == "http" { " http:" } else { "" };
        let policy = [
            "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-".to_owned(),
            format!(
                "'; img-src 'self' https:{plain} data: blob:; media-src 'self' https:{plain} blob:; connect-src 'self'; \
                 font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
            ),
        ];
        Self {
            by_name: files.iter().map(hashed).collect(),
            index: index.split(NONCE).map(str::to_owned).collect(),
            policy,
        }
    }

    /// The page.
    pub(super) fn index(&self) -> Response {
        let nonce = nonce();
        let mut response = Response::new(Body::from(self.index.join(&nonce)));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Ok(policy) = HeaderValue::from_str(&self.policy.join(&nonce)) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        headers.insert(HeaderName::from_static("permissions-policy"), HeaderValue::from_static(PERMISSIONS));
        // Platforms' consent pages may be opened beside it; nobody else's window gets hold of it.
        let opener = HeaderValue::from_static("same-origin-allow-popups");
        headers.insert(HeaderName::from_static("cross-origin-opener-policy"), opener);
        always(headers);
        response
    }

    /// What a path below the dashboard leads to: a file, or the page for what looks like one of its views.
    pub(super) fn at(&self, path: &str, asked: &HeaderMap) -> Option<Response> {
        if let Some((file, hash)) = self.by_name.get(path) {
            return Some(served(file, hash, asked));
        }
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let mut parts = path.strip_suffix('/').unwrap_or(path).split('/');
        let is_view = !path.starts_with("assets/") && parts.all(|part| !part.is_empty() && part.bytes().all(is_word));
        is_view.then(|| self.index())
    }
}

fn always(headers: &mut HeaderMap) {
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// 128 random bits.
///
/// # Panics
/// If the operating system gives no random numbers.
fn nonce() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the operating system gives random numbers");
    STANDARD_NO_PAD.encode(bytes)
}

fn served(file: &'static File, hash: &str, asked: &HeaderMap) -> Response {
    let (coding, bytes) = chosen(file, asked);
    // Forms that differ in a byte must not share a strong tag.
    let tag = match coding {
        Some(coding) => format!("\"{hash}-{coding}\""),
        None => format!("\"{hash}\""),
    };
    let is_known = asked
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|tags| tags.split(','))
        .any(|known| matches!(known.trim(), "*") || known.trim().trim_start_matches("W/") == tag);
    let mut response = match is_known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => Response::new(Body::from(Bytes::from_static(bytes))),
    };
    let headers = response.headers_mut();
    if !is_known {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.content_type));
        if let Some(coding) = coding {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        // A picture is shown, a script runs only where a page of this core loads it.
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'"));
    }
    let kept = match file.name.starts_with("assets/") {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    always(headers);
    response
}

/// The smallest form that the client takes.
fn chosen(file: &'static File, asked: &HeaderMap) -> (Option<&'static str>, &'static [u8]) {
    let codings = [("br", file.brotli), ("gzip", file.gzip)];
    let wanted = codings.into_iter().find_map(|(coding, form)| Some((coding, form.filter(|_| takes(asked, coding))?)));
    wanted.map_or((None, file.plain), |(coding, form)| (Some(coding), form))
}

/// Whether `Accept-Encoding` names a coding and does not refuse it. What is not named is not sent.
fn takes(asked: &HeaderMap, coding: &str) -> bool {
    let values = asked.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut offered = values.flat_map(|value| value.split(','));
    offered.any(|offer| {
        let mut parts = offer.split(';').map(str::trim);
        let is_named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
        let weight = parts.find_map(|part| part.to_ascii_lowercase().strip_prefix("q=").map(str::to_owned));
        is_named && weight.is_none_or(|weight| weight.parse::<f32>().is_ok_and(|weight| weight > 0.0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    static TABLE: &[File] = &[
        File {
            name: "assets/index-abc.js",
            content_type: "text/javascript",
            plain: b"plain",
            brotli: Some(b"br"),
            gzip: Some(b"gz"),
        },
        File { name: "assets/font-abc.woff2", content_type: "font/woff2", plain: b"font", brotli: None, gzip: None },
        File { name: "favicon.svg", content_type: "image/svg+xml", plain: b"svg", brotli: None, gzip: Some(b"z") },
    ];

    fn files(public_url: &str) -> Files {
        let index = "<style nonce=\"{{nonce}}\"></style><i nonce={{nonce}}>";
        Files::from(TABLE, index, &Url::parse(public_url).unwrap())
    }

    async fn text(response: Response) -> String {
        let bytes = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    fn asks(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    fn header(response: &Response, name: HeaderName) -> &str {
        response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[tokio::test]
    async fn a_file_comes_in_the_form_that_is_asked_for() {
        let files = files("https://reels.example");
        for (accepts, coding, body) in [
            ("", "", "plain"),
            ("identity", "", "plain"),
            ("gzip", "gzip", "gz"),
            ("gzip, deflate, br", "br", "br"),
            ("br;q=0, GZIP;q=0.5", "gzip", "gz"),
            ("br;q=0.000", "", "plain"),
            ("brotli, x-gzip", "", "plain"),
        ] {
            let asked = asks(&[(header::ACCEPT_ENCODING, accepts)]);
            let response = files.at("assets/index-abc.js", &asked).unwrap();
            assert_eq!(header(&response, header::CONTENT_ENCODING), coding, "{accepts}");
            assert_eq!(header(&response, header::VARY), "accept-encoding");
            assert_eq!(header(&response, header::CACHE_CONTROL), "public, max-age=31536000, immutable");
            let tag: &'static str = header(&response, header::ETAG).to_owned().leak();
            assert!(tag.starts_with('"') && tag.contains(coding), "{tag}");
            assert_eq!(text(response).await, body, "{accepts}");
            let asked = asks(&[(header::ACCEPT_ENCODING, accepts), (header::IF_NONE_MATCH, tag)]);
            let known = files.at("assets/index-abc.js", &asked).unwrap();
            assert_eq!((known.status(), header(&known, header::ETAG)), (StatusCode::NOT_MODIFIED, tag));
            assert_eq!(text(known).await, "");
        }
        let other = asks(&[(header::IF_NONE_MATCH, "\"another\"")]);
        assert_eq!(files.at("assets/index-abc.js", &other).unwrap().status(), StatusCode::OK);
        let icon = files.at("favicon.svg", &asks(&[(header::ACCEPT_ENCODING, "br")])).unwrap();
        assert_eq!(header(&icon, header::CACHE_CONTROL), "no-cache");
        assert_eq!(text(icon).await, "svg");
    }

    #[tokio::test]
    async fn views_are_the_page_and_nothing_else_is() {
        let files = files("https://reels.example");
        for view in ["social-posts", "social-posts/12", "login", "review/", "a_b/c-d"] {
            let response = files.at(view, &HeaderMap::new()).unwrap();
            assert_eq!(header(&response, header::CONTENT_TYPE), "text/html; charset=utf-8", "{view}");
        }
        for nothing in [
            "app.js",
            "assets/x",
            "assets/",
            "..",
            "../x",
            "a//b",
            "a/../b",
            "%2e%2e/x",
            "a\\b",
            ".git/config",
            "index.html",
        ] {
            assert!(files.at(nothing, &HeaderMap::new()).is_none(), "{nothing}");
        }
    }

    #[tokio::test]
    async fn each_page_has_a_nonce_of_its_own_in_itself_and_in_its_policy() {
        let files = files("https://reels.example");
        let mut seen = Vec::new();
        for _ in 0..2 {
            let response = files.index();
            let policy = header(&response, header::CONTENT_SECURITY_POLICY).to_owned();
            assert_eq!(header(&response, header::CACHE_CONTROL), "no-store");
            let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
            assert!(nonce.len() > 20, "{policy}");
            assert!(policy.contains("img-src 'self' https: data: blob:; media-src 'self' https: blob:;"), "{policy}");
            let page = text(response).await;
            assert_eq!(page, format!("<style nonce=\"{nonce}\"></style><i nonce={nonce}>"));
            seen.push(nonce);
        }
        assert_ne!(seen[0], seen[1]);
    }

    #[test]
    fn pictures_come_without_tls_only_where_the_core_does() {
        let response = files("http://127.0.0.1:50051").index();
        let policy = header(&response, header::CONTENT_SECURITY_POLICY);
        assert!(
            policy.contains("img-src 'self' https: http: data: blob:; media-src 'self' https: http: blob:;"),
            "{policy}"
        );
    }

    #[test]
    fn the_built_files_are_served() {
        let files = Files::of(&Url::parse("https://reels.example").unwrap());
        assert!(INDEX.starts_with("<!doctype html>"));
        for file in BUILT {
            assert!(files.at(file.name, &HeaderMap::new()).is_some(), "{}", file.name);
        }
    }
}
