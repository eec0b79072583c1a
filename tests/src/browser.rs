//! An owner's browser, as far as connecting needs one: it keeps cookies, and sends only the forms that a page shows.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use reqwest::{Method, RequestBuilder, header};
use url::Url;

/// What a browser shows, or where it is sent on to.
#[derive(Debug)]
pub struct Page {
    /// Its address.
    pub url: Url,
    /// The answer's status.
    pub status: u16,
    /// Where it sends the browser, if it does.
    pub location: Option<Url>,
    /// What it shows.
    pub text: String,
}

/// A browser. Each one has cookies of its own.
pub struct Browser {
    http: reqwest::Client,
    /// By host, then by name.
    cookies: Mutex<BTreeMap<String, BTreeMap<String, String>>>,
}

impl Browser {
    /// One without cookies. `http` must not follow redirects.
    pub fn new(http: &reqwest::Client) -> Self {
        Self { http: http.clone(), cookies: Mutex::default() }
    }

    /// Opens an address.
    pub async fn open(&self, url: &Url) -> Page {
        self.send(Method::GET, url, |request| request).await
    }

    /// Asks only for the head of a page.
    pub async fn head(&self, url: &Url) -> Page {
        self.send(Method::HEAD, url, |request| request).await
    }

    /// Sends a form to an address.
    pub async fn post(&self, url: &Url, fields: &[(&str, &str)]) -> Page {
        self.send(Method::POST, url, |request| request.form(fields)).await
    }

    /// Presses a button of the page's form: sends its hidden fields, and these.
    pub async fn press(&self, page: &Page, decision: &str, further: &[(&str, &str)]) -> Page {
        let button = format!("name=\"decision\" value=\"{decision}\"");
        assert!(page.text.contains(&button), "no button {decision}: {page:#?}");
        let hidden = hidden_fields(&page.text);
        let mut fields: Vec<(&str, &str)> =
            hidden.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        fields.extend_from_slice(further);
        fields.push(("decision", decision));
        self.post(&page.url, &fields).await
    }

    async fn send(&self, method: Method, url: &Url, with: impl FnOnce(RequestBuilder) -> RequestBuilder) -> Page {
        let host = url.host_str().unwrap_or_default().to_owned();
        let cookies: Vec<String> = {
            let jar = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
            jar.get(&host).into_iter().flatten().map(|(name, value)| format!("{name}={value}")).collect()
        };
        let mut request = self.http.request(method, url.clone());
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        let answer = with(request).send().await.expect("the page answers");
        for set in answer.headers().get_all(header::SET_COOKIE) {
            let pair = set.to_str().expect("text").split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').expect("a cookie");
            let mut jar = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
            jar.entry(host.clone()).or_default().insert(name.to_owned(), value.to_owned());
        }
        let location = answer.headers().get(header::LOCATION).map(|to| to.to_str().expect("text").to_owned());
        Page {
            url: url.clone(),
            status: answer.status().as_u16(),
            location: location.map(|to| url.join(&to).expect("an address")),
            text: answer.text().await.expect("a page"),
        }
    }
}

/// Name and value of the hidden fields.
fn hidden_fields(page: &str) -> Vec<(String, String)> {
    let fields = page.split("<input type=\"hidden\" name=\"").skip(1);
    let read = |field: &str| {
        let (name, rest) = field.split_once("\" value=\"")?;
        let (value, _) = rest.split_once('"')?;
        Some((name.to_owned(), value.to_owned()))
    };
    fields.filter_map(read).collect()
}
