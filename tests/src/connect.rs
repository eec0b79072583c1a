//! Connecting accounts as the owners of a client with pages of its own do: ConnectAccount, the platform's consent page, the
//! redirect, CompleteConnect. What owners see at the core's own pages is in [`crate::browser`].

use aurareels_proto::v1::{Account, CompleteConnectRequest, ConnectAccountRequest, LoginFlavour, Platform};
use serde_json::{Value, json};
use url::Url;

use crate::posting::User;

/// Who logs in where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// The first TikTok creator, whose account is public.
    Tiktok,
    /// The second one, whose account is private.
    TiktokPrivate,
    /// Ada, by Facebook Login: two Instagram accounts under one grant.
    Facebook,
    /// Cleo, by Instagram Login.
    Instagram,
    /// Ada's Pages, by Facebook Login.
    Page,
    /// Ada's channel.
    Youtube,
}

impl Login {
    /// The platform.
    pub fn platform(self) -> Platform {
        match self {
            Self::Tiktok | Self::TiktokPrivate => Platform::Tiktok,
            Self::Facebook | Self::Instagram => Platform::Instagram,
            Self::Page => Platform::Facebook,
            Self::Youtube => Platform::Youtube,
        }
    }

    /// The login.
    pub fn flavour(self) -> LoginFlavour {
        match self {
            Self::Tiktok | Self::TiktokPrivate => LoginFlavour::Tiktok,
            Self::Facebook | Self::Page => LoginFlavour::FacebookLogin,
            Self::Instagram => LoginFlavour::InstagramLogin,
            Self::Youtube => LoginFlavour::Google,
        }
    }
}

/// The secret of the client's one browser.
pub const BROWSER_SECRET: &str = "the secret of the client's browser";

/// What ends a login with what the redirect brought, in the browser that began it.
pub fn complete(platform: Platform, redirect: &Url) -> CompleteConnectRequest {
    CompleteConnectRequest {
        platform: platform.into(),
        code: parameter(redirect, "code"),
        state: parameter(redirect, "state"),
        browser_secret: BROWSER_SECRET.to_owned(),
    }
}

impl User<'_> {
    /// The person or account that the consent page calls logged in.
    pub fn person(&self, login: Login) -> String {
        let accounts = self.world.sim.accounts();
        let field = |field: &'static str, name: &str| {
            let account = accounts.iter().find(|account| account["username"] == name).expect("a default account");
            account[field].as_str().expect("an id").to_owned()
        };
        match login {
            Login::Tiktok => field("id", "ada.makes"),
            Login::TiktokPrivate => field("id", "bo.private"),
            Login::Facebook | Login::Page => field("person_id", "ada.kitchen"),
            Login::Youtube => field("id", "ada.tube"),
            Login::Instagram => field("id", "cleo.films"),
        }
    }

    /// Where the platform sends the browser after the owner agreed: begins connecting and answers the consent page.
    pub async fn consent(&self, login: Login, account_id: Option<i64>, further: &[(&str, &str)]) -> Url {
        self.consent_of(None, login, account_id, further).await
    }

    async fn consent_of(
        &self,
        person: Option<&str>,
        login: Login,
        account_id: Option<i64>,
        further: &[(&str, &str)],
    ) -> Url {
        let request = ConnectAccountRequest {
            platform: login.platform().into(),
            login_flavour: login.flavour().into(),
            redirect_uri: String::new(),
            account_id,
            browser_secret: BROWSER_SECRET.to_owned(),
            ..Default::default()
        };
        let link = self.accounts().connect_account(request).await.expect("a link").into_inner();
        self.world.keep_secret(&link.state);
        let person = person.map_or_else(|| self.person(login), str::to_owned);
        let mut form = vec![("account", person.as_str()), ("decision", "allow")];
        form.extend_from_slice(further);
        self.answer_consent(&link.auth_url, &form).await
    }

    /// Posts the consent page's form; answers the redirect.
    pub async fn answer_consent(&self, auth_url: &str, form: &[(&str, &str)]) -> Url {
        let answer = self.world.http.post(auth_url).form(form).send().await.expect("the consent page answers");
        let location = answer.headers().get("location").map(|value| value.to_str().expect("text").to_owned());
        let Some(location) = location else { panic!("no redirect: {}", answer.text().await.unwrap_or_default()) };
        Url::parse(&location).expect("a URL")
    }

    /// Connects through the real consent page and CompleteConnect.
    pub async fn connect(&self, login: Login) -> Vec<Account> {
        self.reconnect(login, None).await
    }

    /// Connects again.
    pub async fn reconnect(&self, login: Login, account_id: Option<i64>) -> Vec<Account> {
        let redirect = self.consent(login, account_id, &[]).await;
        let request = complete(login.platform(), &redirect);
        self.accounts().complete_connect(request).await.expect("connected").into_inner().accounts
    }

    /// Makes one more account at the platform, with an owner of its own, and connects it.
    pub async fn another(&self, login: Login, number: usize) -> i64 {
        let name = format!("more{number}");
        let account = match login {
            Login::Tiktok | Login::TiktokPrivate => {
                json!({ "platform": "tiktok", "id": format!("-000{name}"), "name": name, "username": name })
            }
            Login::Instagram => json!({ "platform": "instagram", "username": name, "page": false }),
            Login::Facebook => json!({ "platform": "instagram", "username": name }),
            Login::Page => json!({ "platform": "facebook", "name": name }),
            Login::Youtube => {
                json!({ "platform": "youtube", "id": format!("UCmore{number:018}"), "name": name, "username": name })
            }
        };
        let made = self.world.sim.create_account(&account).expect("an account");
        let owner = match login.flavour() {
            LoginFlavour::FacebookLogin => text(&made, "person_id"),
            _ => text(&made, "id"),
        };
        let redirect = self.consent_of(Some(owner), login, None, &[]).await;
        let request = complete(login.platform(), &redirect);
        let connected = self.accounts().complete_connect(request).await.expect("connected").into_inner().accounts;
        connected.iter().find(|account| account.platform() == login.platform()).expect("an account").id
    }

    /// Connects and answers the id of the first account.
    pub async fn account(&self, login: Login) -> i64 {
        self.connect(login).await.first().expect("an account").id
    }
}

/// A parameter of a URL's query; empty when there is none.
pub fn parameter(url: &Url, name: &str) -> String {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

/// A text of a JSON value.
pub fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}
