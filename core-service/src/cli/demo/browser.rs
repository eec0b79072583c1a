//! The account owner's browser: opens the platform's consent page, allows, and hands back what the redirect brings.

use anyhow::{Context, bail};
use reqwest::{Client, StatusCode, header};
use url::{Url, form_urlencoded};

/// Who is at the browser and what they allow.
pub(super) struct Person<'a> {
    /// Part of the label of the account or person on the consent page.
    pub(super) label: &'a str,
    /// The only Page that stays ticked; all when `None`.
    pub(super) page: Option<&'a str>,
}

/// Allows everything the consent page asks for; answers the code of the redirect.
pub(super) async fn allow(http: &Client, consent: &str, person: &Person<'_>) -> anyhow::Result<String> {
    let mut address = Url::parse(consent)?;
    let start = read(http, &address).await?;
    let who = options(&start).find(|(_, label)| label.contains(person.label)).map(|(id, _)| id);
    let who = who.with_context(|| format!("the consent page does not know {}", person.label))?;
    // Logged in, the page shows what is this person's own.
    address.query_pairs_mut().append_pair("account", &who);
    let page = read(http, &address).await?;
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("form", "1").append_pair("decision", "allow").append_pair("account", &who);
    for (scope, _) in ticks(&page, "scope") {
        form.append_pair("scope", &scope);
    }
    for (asset, label) in ticks(&page, "asset") {
        if person.page.is_none_or(|wanted| wanted == label) {
            form.append_pair("asset", &asset);
        }
    }
    let posted = http
        .post(address.clone())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form.finish())
        .send()
        .await?;
    let Some(location) = posted.headers().get(header::LOCATION) else {
        bail!("the consent page does not redirect but answers {}: {}", posted.status(), posted.text().await?)
    };
    let location = address.join(location.to_str()?)?;
    let code = location.query_pairs().find(|(name, _)| name == "code").map(|(_, code)| code.into_owned());
    code.with_context(|| format!("the redirect brings no code: {}", location.query().unwrap_or_default()))
}

async fn read(http: &Client, address: &Url) -> anyhow::Result<String> {
    let answer = http.get(address.clone()).send().await?;
    let status = answer.status();
    let text = answer.text().await?;
    if status != StatusCode::OK {
        bail!("the consent page answered {status}: {text}");
    }
    Ok(text)
}

/// Value and label of the people on the page.
fn options(page: &str) -> impl Iterator<Item = (String, String)> + use<> {
    elements(page, "<option value=\"", "</option>")
}

/// Value and label of the ticked boxes of a name.
fn ticks(page: &str, name: &str) -> impl Iterator<Item = (String, String)> + use<> {
    elements(page, &format!("<input type=\"checkbox\" name=\"{name}\" value=\""), "</label>")
}

fn elements(page: &str, start: &str, end: &str) -> std::vec::IntoIter<(String, String)> {
    let element = |part: &str| {
        let (value, rest) = part.split_once('"')?;
        let (_, rest) = rest.split_once('>')?;
        let (label, _) = rest.split_once(end)?;
        Some((plain(value), plain(label.trim())))
    };
    page.split(start).skip(1).filter_map(element).collect::<Vec<_>>().into_iter()
}

/// Text without the escapes of HTML.
fn plain(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_as_a_browser_reads_it() {
        let page = "<select><option value=\"1\">Ada &amp; Co</option><option value=\"2\" selected>Ben</option></select>\
                    <label><input type=\"checkbox\" name=\"scope\" value=\"a.b\" checked> a.b</label>\
                    <label><input type=\"checkbox\" name=\"asset\" value=\"7\" checked> Ada's Kitchen</label>";
        let people: Vec<_> = options(page).collect();
        assert_eq!(people, [("1".into(), "Ada & Co".into()), ("2".into(), "Ben".into())] as [(String, String); 2]);
        assert_eq!(ticks(page, "scope").collect::<Vec<_>>(), [("a.b".to_owned(), "a.b".to_owned())]);
        assert_eq!(ticks(page, "asset").collect::<Vec<_>>(), [("7".to_owned(), "Ada's Kitchen".to_owned())]);
    }
}
