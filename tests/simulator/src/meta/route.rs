//! Paths of the two Graph hosts.
//!
//! `/{version}/…` for everything but the two token calls of graph.instagram.com, which have no version. An expired
//! version is served by the oldest one still alive; a version that does not exist yet is an unknown path.
//!
//! <https://developers.facebook.com/docs/graph-api/guides/versioning>

use http::Method;

use super::Flavour;
use super::world::Id;

/// Newest version there is, released 2026-07-29.
const CURRENT: u32 = 26;
/// Oldest version that is alive in November 2026.
const OLDEST: u32 = 21;

/// What a Graph path means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    Token,
    InstagramExchange,
    InstagramRefresh,
    DebugToken,
    Me,
    Accounts,
    Businesses,
    /// `/{user}/permissions[/{permission}]`; `None` = me.
    Permissions(Option<Id>, Option<&'a str>),
    /// `/{id}`.
    Node(Id),
    /// `/{id}/{edge}`; `None` = me.
    Edge(Option<Id>, &'a str),
    /// `/{page}_{post}[/{edge}]`.
    Post(Id, Id, Option<&'a str>),
}

/// `v` and two numbers.
pub(crate) fn is_version(text: &str) -> bool {
    major(text).is_some_and(|major| major <= CURRENT)
}

fn major(text: &str) -> Option<u32> {
    let (major, minor) = text.strip_prefix('v')?.split_once('.')?;
    minor.parse::<u32>().ok()?;
    major.parse().ok()
}

/// The version that serves a request for this one.
pub(crate) fn served(version: &str) -> String {
    match major(version) {
        Some(asked) if asked < OLDEST => format!("v{OLDEST}.0"),
        Some(_) | None => version.to_owned(),
    }
}

/// A path with its version; `None` if there is no such path.
pub(crate) fn parse<'a>(flavour: Flavour, segments: &[&'a str]) -> Option<(&'a str, Route<'a>)> {
    match (flavour, segments) {
        (Flavour::Instagram, ["access_token"]) => return Some(("", Route::InstagramExchange)),
        (Flavour::Instagram, ["refresh_access_token"]) => return Some(("", Route::InstagramRefresh)),
        _ => {}
    }
    let (version, rest) = segments.split_first()?;
    if !is_version(version) {
        return None;
    }
    let facebook = flavour == Flavour::Facebook;
    let route = match rest {
        ["oauth", "access_token"] if facebook => Route::Token,
        ["debug_token"] => Route::DebugToken,
        ["me"] => Route::Me,
        ["me", "accounts"] if facebook => Route::Accounts,
        ["me", "businesses"] if facebook => Route::Businesses,
        ["me", "permissions"] if facebook => Route::Permissions(None, None),
        ["me", "permissions", name] if facebook => Route::Permissions(None, Some(name)),
        ["me", edge] => Route::Edge(None, edge),
        [id, "permissions"] if facebook => Route::Permissions(Some(Id::parse(id)?), None),
        [id, "permissions", name] if facebook => Route::Permissions(Some(Id::parse(id)?), Some(name)),
        [id] if facebook && id.contains('_') => composite(id, None)?,
        [id, edge] if facebook && id.contains('_') => composite(id, Some(edge))?,
        [id] => Route::Node(Id::parse(id)?),
        [id, edge] => Route::Edge(Some(Id::parse(id)?), edge),
        _ => return None,
    };
    Some((version, route))
}

fn composite<'a>(text: &str, edge: Option<&'a str>) -> Option<Route<'a>> {
    let (page, post) = text.split_once('_')?;
    Some(Route::Post(Id::parse(page)?, Id::parse(post)?, edge))
}

/// Name of an edge's operation.
pub(crate) fn edge_operation(method: &Method, edge: &str) -> &'static str {
    match (edge, method == Method::POST) {
        ("media", true) => "meta.container_create",
        ("media", false) => "meta.media_list",
        ("media_publish", _) => "meta.media_publish",
        ("comments", true) => "meta.comment_create",
        ("comments", false) => "meta.comment_list",
        ("content_publishing_limit", _) => "meta.quota",
        ("insights", _) => "meta.insights",
        ("owned_pages" | "client_pages", _) => "meta.business_pages",
        _ => "meta.unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::{Route, is_version, parse, served};
    use crate::meta::Flavour;

    #[test]
    fn expired_versions_are_served_and_future_ones_unknown() {
        assert!(is_version("v18.0") && is_version("v26.0"));
        assert!(!is_version("v99.0") && !is_version("v26") && !is_version("18.0"));
        assert_eq!(served("v18.0"), "v21.0");
        assert_eq!(served("v25.0"), "v25.0");
    }

    #[test]
    fn only_the_two_instagram_token_calls_have_no_version() {
        assert_eq!(parse(Flavour::Instagram, &["access_token"]), Some(("", Route::InstagramExchange)));
        assert_eq!(parse(Flavour::Facebook, &["access_token"]), None);
        assert_eq!(parse(Flavour::Facebook, &["me", "accounts"]), None);
        assert_eq!(
            parse(Flavour::Instagram, &["v25.0", "me", "accounts"]).map(|found| found.1),
            Some(Route::Edge(None, "accounts"))
        );
    }
}
