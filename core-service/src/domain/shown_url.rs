//! URLs of videos and pictures, as they may be shown. Pure.

use url::Url;

/// Replacement for a hidden value.
const HIDDEN: &str = "hidden";

/// A URL that may be shown: the values of its query and its credentials grant access, so they are hidden.
pub fn shown_url(given: &str) -> String {
    let Ok(mut url) = Url::parse(given) else {
        return given.split(['?', '#']).next().unwrap_or_default().to_owned();
    };
    let names: Vec<String> = url.query_pairs().map(|(name, _)| name.into_owned()).collect();
    let secret = url.password().is_some() || !url.username().is_empty();
    if names.is_empty() && !secret && url.query().is_none() && url.fragment().is_none() {
        return given.to_owned();
    }
    if secret {
        // Fails only for URLs without a host, which have no credentials.
        let _ = url.set_username(HIDDEN);
        let _ = url.set_password(None);
    }
    url.set_fragment(None);
    url.set_query(None);
    if !names.is_empty() {
        url.query_pairs_mut().extend_pairs(names.iter().map(|name| (name.as_str(), HIDDEN)));
    }
    url.into()
}
