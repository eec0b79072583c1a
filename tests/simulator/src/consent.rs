//! The consent page of every platform, and which redirect addresses the apps have registered.
//!
//! The page is a plain HTML form that posts to its own address, so a script can use it: fields `account` (which
//! simulated person is logged in), `decision` (`allow` or `deny`), `scope` (one per granted scope) and `asset` (one
//! per granted Page, Meta only). The browser's form also sends `form=1`: with it, no `scope` means none was left
//! ticked; a script that sends neither `form` nor `scope` grants everything.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use crate::call::Call;
use crate::reply::{self, Reply};

/// What a consent page shows.
pub(crate) struct ConsentPage<'a> {
    /// Name of the platform, for the heading.
    pub(crate) platform: &'a str,
    /// The app that asks.
    pub(crate) app: &'a str,
    /// People that could be logged in: account id and label; the first is selected unless `login` names another.
    pub(crate) people: Vec<(String, String)>,
    /// Id of the person who is logged in, from the query.
    pub(crate) login: Option<&'a str>,
    /// Scopes asked for.
    pub(crate) scopes: Vec<String>,
    /// Things besides scopes that can be unticked (Pages), id and label.
    pub(crate) assets: Vec<(String, String)>,
}

/// What the person decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) account: Option<String>,
    pub(crate) allow: bool,
    /// Scopes left ticked, in the order asked for.
    pub(crate) scopes: Vec<String>,
    /// Assets left ticked; `None` when nothing was said about them (all).
    pub(crate) assets: Option<Vec<String>>,
}

impl ConsentPage<'_> {
    /// The page as HTML.
    pub(crate) fn render(&self) -> Reply {
        let mut people = String::new();
        for (id, label) in &self.people {
            let selected = if self.login == Some(id) { " selected" } else { "" };
            people.push_str(&format!("<option value=\"{}\"{selected}>{}</option>", escape(id), escape(label)));
        }
        let ticks = |name: &str, values: &mut dyn Iterator<Item = (&str, &str)>| {
            values
                .map(|(value, label)| {
                    format!(
                        "<label><input type=\"checkbox\" name=\"{name}\" value=\"{}\" checked> {}</label>",
                        escape(value),
                        escape(label)
                    )
                })
                .collect::<String>()
        };
        let scopes = ticks("scope", &mut self.scopes.iter().map(|scope| (scope.as_str(), scope.as_str())));
        let assets = ticks("asset", &mut self.assets.iter().map(|(id, label)| (id.as_str(), label.as_str())));
        let assets = if assets.is_empty() { assets } else { format!("<h2>Pages</h2>{assets}") };
        reply::html(
            200,
            format!(
                "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{platform} (simulated)</title>\
                 <style>body{{font:16px system-ui;max-width:30rem;margin:3rem auto;padding:0 1rem}}\
                 label{{display:block;margin:.3rem 0}}button{{font:inherit;padding:.5rem 1.2rem;margin:1rem .5rem 0 0}}\
                 h2{{font-size:1rem;margin:1.2rem 0 .3rem}}</style></head><body>\
                 <h1>{platform}</h1><p><b>{app}</b> asks for access. This is the simulator: no real account is involved.</p>\
                 <form method=\"post\"><input type=\"hidden\" name=\"form\" value=\"1\">\
                 <h2>Logged in as</h2><select name=\"account\">{people}</select>\
                 <h2>Permissions</h2>{scopes}{assets}\
                 <button name=\"decision\" value=\"allow\">Allow</button>\
                 <button name=\"decision\" value=\"deny\">Deny</button></form></body></html>",
                platform = escape(self.platform),
                app = escape(self.app),
            ),
        )
    }
}

/// Reads the posted form. `asked` are the scopes of the request; others cannot be granted.
pub(crate) fn decision(call: &Call, asked: &[String]) -> Option<Decision> {
    let form = call.form();
    let allow = match form.get("decision") {
        Some("allow") => true,
        Some("deny") => false,
        Some(_) | None => return None,
    };
    let ticked: Vec<&str> = form.all("scope").collect();
    let said_all = form.get("form").is_none() && ticked.is_empty();
    let assets: Vec<String> = form.all("asset").map(str::to_owned).collect();
    Some(Decision {
        account: form.get("account").or(call.query.get("account")).map(str::to_owned),
        allow,
        scopes: asked.iter().filter(|scope| said_all || ticked.contains(&scope.as_str())).cloned().collect(),
        assets: (form.get("form").is_some() || !assets.is_empty()).then_some(assets),
    })
}

/// The page a platform shows when the request itself is wrong and it must not redirect.
pub(crate) fn refusal(platform: &str, what: &str) -> Reply {
    reply::html(
        400,
        format!(
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0} (simulated)</title></head>\
             <body><h1>{0}</h1><p>Something went wrong: {1}</p></body></html>",
            escape(platform),
            escape(what)
        ),
    )
}

/// Adds query parameters to a redirect address.
pub(crate) fn with_query(address: &str, pairs: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let joint = if address.contains('?') { '&' } else { '?' };
    format!("{address}{joint}{query}")
}

/// Text made safe for HTML.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Redirect addresses registered per app (client id).
///
/// Besides registered ones, any loopback address with a path below `/oauth/callback/` is taken, because tests listen
/// on free ports. Registering an address for an app switches that allowance off for it.
#[derive(Default)]
pub(crate) struct Redirects(Mutex<HashMap<String, HashSet<String>>>);

impl Redirects {
    pub(crate) fn register(&self, client_id: &str, address: &str) {
        let mut registered = self.0.lock().expect("redirect lock");
        registered.entry(client_id.to_owned()).or_default().insert(address.to_owned());
    }

    /// Exact comparison, as the platforms do it.
    pub(crate) fn allowed(&self, client_id: &str, address: &str) -> bool {
        if let Some(registered) = self.0.lock().expect("redirect lock").get(client_id) {
            return registered.contains(address);
        }
        let Ok(url) = url::Url::parse(address) else { return false };
        let loopback = match url.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        };
        let web = matches!(url.scheme(), "http" | "https");
        web && loopback
            && url.path().starts_with("/oauth/callback/")
            && url.query().is_none()
            && url.fragment().is_none()
    }

    pub(crate) fn list(&self) -> HashMap<String, Vec<String>> {
        let registered = self.0.lock().expect("redirect lock");
        registered.iter().map(|(app, set)| (app.clone(), set.iter().cloned().collect())).collect()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().expect("redirect lock").clear();
    }
}
