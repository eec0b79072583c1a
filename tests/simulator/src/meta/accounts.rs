//! `/_sim/accounts` for `instagram` and `facebook`: making and listing Pages and Instagram accounts.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Flavour;
use super::scope::Scopes;
use super::token::{Subject, TokenKind};
use super::world::{Id, World, all_tasks};
use crate::sim::Sim;

/// Body of `POST /_sim/accounts` for `instagram` and `facebook`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountSpec {
    platform: String,
    /// Handle (Instagram).
    username: Option<String>,
    /// Display name; of the Page where there is one.
    name: Option<String>,
    /// An existing person, by id; else a new one.
    person: Option<String>,
    /// Name of a new person.
    person_name: Option<String>,
    /// False: no Facebook Page, so only Instagram Login reaches the account.
    #[serde(default = "yes")]
    page: bool,
    /// The person's tasks on the Page.
    tasks: Option<Vec<String>>,
    /// Name of the portfolio that the Page is put into.
    business: Option<String>,
    /// The portfolio works on the Page for a client instead of owning it.
    #[serde(default)]
    client: bool,
    /// `Business` or `Media_Creator`.
    account_type: Option<String>,
    /// Grant everything without a dialog, and answer long-lived tokens.
    #[serde(default)]
    tokens: bool,
}

fn yes() -> bool {
    true
}

/// Makes a Page, an Instagram account, or both.
pub(crate) fn create_account(sim: &Sim, spec: &Value) -> Result<Value, String> {
    let spec = AccountSpec::deserialize(spec).map_err(|error| error.to_string())?;
    let mut world = sim.meta.lock();
    let instagram = spec.platform == "instagram";
    let username = match (&spec.username, instagram) {
        (Some(username), true) => username.clone(),
        (None, true) => format!("account{}", world.accounts.len() + 1),
        (_, false) => String::new(),
    };
    let name = spec.name.clone().unwrap_or_else(|| if instagram { username.clone() } else { "Page".to_owned() });
    let with_page = spec.page || !instagram;
    let person = match (&spec.person, with_page) {
        (_, false) => None,
        (Some(id), true) => {
            let id = Id::parse(id).filter(|id| world.people.contains_key(id)).ok_or("no such person")?;
            Some(id)
        }
        (None, true) => Some(world.add_person(spec.person_name.as_deref().unwrap_or(&format!("{name} (person)")))),
    };
    let page = person.map(|person| world.add_page(&name, person, spec.tasks.clone().unwrap_or_else(all_tasks)));
    if let (Some(page), Some(person), Some(business)) = (page, person, &spec.business) {
        world.add_to_portfolio(page, person, business, spec.client);
    }
    let account = instagram.then(|| world.add_account(&username, &name, page));
    if let (Some(kind), Some(state)) = (&spec.account_type, account.and_then(|id| world.accounts.get_mut(&id))) {
        state.account_type = kind.clone();
    }
    let id = account.or(page).ok_or("nothing was made")?;
    let mut made = json!({ "platform": spec.platform, "id": id.to_string(), "name": name, "username": username });
    if let Some(person) = person {
        made["person_id"] = json!(person.to_string());
    }
    if let Some(page) = page {
        made["page_id"] = json!(page.to_string());
        if let Some(business) = world.pages.get(&page).and_then(|page| page.business) {
            made["business_id"] = json!(business.to_string());
        }
    }
    if spec.tokens {
        made["tokens"] = grant_all(sim, &mut world, person, page, account);
    }
    Ok(made)
}

fn grant_all(sim: &Sim, world: &mut World, person: Option<Id>, page: Option<Id>, account: Option<Id>) -> Value {
    let now = super::now(sim);
    let life = world.behaviour.long_token_s;
    let mut tokens = Map::new();
    if let (Some(person), Some(page)) = (person, page) {
        let subject = Subject::Person(person);
        world.consent(subject, Scopes::all(Flavour::Facebook), Scopes::default(), None);
        let user = world.mint(&sim.random, TokenKind::User, subject, now, Some(life), true);
        if let Some(token) = world.tokens.get(&user).cloned() {
            tokens.insert("page".into(), json!(world.page_token(&sim.random, &token, person, page, now)));
        }
        tokens.insert("facebook_user".into(), json!(user));
    }
    if let Some(account) = account {
        let subject = Subject::Account(account);
        world.consent(subject, Scopes::all(Flavour::Instagram), Scopes::default(), None);
        tokens.insert(
            "instagram".into(),
            json!(world.mint(&sim.random, TokenKind::Instagram, subject, now, Some(life), true)),
        );
    }
    Value::Object(tokens)
}

/// All Instagram accounts, then all Pages.
pub(crate) fn list(sim: &Sim) -> Vec<Value> {
    let world = sim.meta.lock();
    let mut people = BTreeMap::new();
    for (id, person) in &world.people {
        people.extend(person.pages.iter().map(|page| (*page, *id)));
    }
    let mut all: Vec<Value> = world
        .accounts
        .iter()
        .map(|(id, account)| {
            json!({
                "platform": "instagram",
                "id": id.to_string(),
                "name": account.name,
                "username": account.username,
                "page_id": account.page.map(|page| page.to_string()),
                "person_id": account.page.and_then(|page| people.get(&page)).map(Id::to_string),
            })
        })
        .collect();
    for (page, person) in &people {
        if let Some(state) = world.pages.get(page) {
            all.push(json!({
                "platform": "facebook",
                "id": page.to_string(),
                "name": state.name,
                "person_id": person.to_string(),
            }));
        }
    }
    all
}
