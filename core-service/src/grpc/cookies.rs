//! The cookies of the core's own pages: for scripts out of reach, sent by other sites' pages only when a person follows a
//! link, and under TLS set by this host alone.

use axum::http::{HeaderMap, HeaderValue, header};

/// What the names under TLS begin with. No other host, and no page without TLS, can set a cookie of such a name
/// (<https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#name-the-__host-prefix>).
const HOST: &str = "__Host-";

/// The name of a cookie that is called `under_tls` where there is TLS.
pub(super) fn name(is_tls: bool, under_tls: &'static str) -> &'static str {
    if is_tls { under_tls } else { under_tls.strip_prefix(HOST).unwrap_or(under_tls) }
}

/// What a browser sends under this name, unless it is empty.
pub(super) fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(of, value)| *of == name && !value.is_empty()).map(|(_, value)| value)
}

/// The header that gives a browser a cookie for so many seconds; for none it takes it away. `None` for a value that no cookie
/// can have.
pub(super) fn set(name: &str, value: &str, seconds: i64, is_tls: bool) -> Option<HeaderValue> {
    let secure = if is_tls { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    let mut header = HeaderValue::from_str(&text).ok()?;
    header.set_sensitive(true);
    Some(header)
}
