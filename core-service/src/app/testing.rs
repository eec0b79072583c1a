//! For tests of accounts: a database of its own, and a platform whose logins follow a script and count what they were
//! asked. Its refresh tokens rotate as TikTok's do: each works once.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use tokio::sync::Semaphore;
use url::Url;

use super::{
    Caller,
    accounts::{AccountSettings, Accounts, Connect, EndedBy},
};
use crate::{
    clock::Clock,
    domain::{
        account::Account,
        failure::{Failure, FailureClass, Reason},
        ids::UserId,
        ledger::{Entry, Evidence},
        media::TIKTOK,
        platform::{LoginFlavour, Platform},
        post::Content,
        violation::Violation,
    },
    platform::{
        AccountError, Call, Grant, Identity, LoginClient, Lookup, Next, Outcome, PlatformClient, PlatformQuota,
        PublishOptions, Refreshed, Registry, Round, Service, Step, Tokens, View, Window,
        description::{Codec, Description, Login},
        tiktok::options::TiktokOptions,
    },
    secret::{KeyRing, Secret},
    store::Store,
    tokens::TokenManager,
};

pub(crate) const CURRENT: &str = "test-key-0123456789-abcdefghijklmnopqrstuv";
pub(crate) const NEXT: &str = "another-key-9876543210-zyxwvutsrqponmlkjih";

pub(crate) const ALICE: Caller = Caller { user: UserId(1) };
pub(crate) const BOB: Caller = Caller { user: UserId(2) };

/// What the platform is to do at the next refresh, instead of its usual work.
pub(crate) enum Fault {
    /// It takes the refresh and rotates; the answer is lost.
    LostAfter,
    /// It never got it; nobody knows.
    LostBefore,
    /// It answers with an error of its own.
    Unavailable,
    /// It says that our settings are wrong.
    InvalidClient,
    /// Its answer brings our client to panic.
    Panic,
}

/// The platform's side.
#[derive(Default)]
struct State {
    issued: u32,
    live_access: HashSet<String>,
    live_refresh: HashSet<String>,
    faults: VecDeque<Fault>,
    identities: Vec<(String, Option<String>)>,
    scope: Vec<String>,
    refreshes: u32,
    revoked: Vec<String>,
    refuse_revoke: bool,
    not_refreshable: Option<&'static str>,
}

/// A login client with its platform inside.
pub(crate) struct FakeLogin {
    state: Mutex<State>,
    /// Refreshes wait for a permit here, once a test has taken them all.
    pub(crate) gate: Semaphore,
}

impl Default for FakeLogin {
    fn default() -> Self {
        let state = State {
            identities: vec![("one".to_owned(), None)],
            scope: vec!["user.info.basic".to_owned(), "video.publish".to_owned()],
            ..State::default()
        };
        Self { state: Mutex::new(state), gate: Semaphore::new(1000) }
    }
}

fn invalid_grant() -> AccountError {
    Failure::new(FailureClass::NeedsReconnect, Reason::TokenInvalid, "invalid_grant").with_rule("invalid_grant").into()
}

fn expired() -> AccountError {
    Failure::new(FailureClass::AuthExpired, Reason::TokenInvalid, "access_token_invalid").into()
}

impl FakeLogin {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// What the next login brings: accounts with the grant behind them.
    pub(crate) fn will_bring(&self, identities: &[(&str, Option<&str>)]) {
        self.state().identities =
            identities.iter().map(|(id, grant)| ((*id).to_owned(), grant.map(str::to_owned))).collect();
    }

    /// What the next login grants.
    pub(crate) fn will_grant(&self, scope: &[&str]) {
        self.state().scope = scope.iter().map(|scope| (*scope).to_owned()).collect();
    }

    pub(crate) fn fault(&self, fault: Fault) {
        self.state().faults.push_back(fault);
    }

    pub(crate) fn refuse_revoke(&self) {
        self.state().refuse_revoke = true;
    }

    pub(crate) fn not_refreshable(&self, why: &'static str) {
        self.state().not_refreshable = Some(why);
    }

    /// Every access token stops working, as with a password change; refresh tokens go on.
    pub(crate) fn expire_access(&self) {
        self.state().live_access.clear();
    }

    /// The person removes the app.
    pub(crate) fn kill_everything(&self) {
        let mut state = self.state();
        state.live_access.clear();
        state.live_refresh.clear();
    }

    pub(crate) fn refreshes(&self) -> u32 {
        self.state().refreshes
    }

    pub(crate) fn revoked(&self) -> Vec<String> {
        self.state().revoked.clone()
    }

    fn issue(&self, now: DateTime<Utc>, grant: bool) -> Grant {
        let mut state = self.state();
        state.issued += 1;
        let (access, refresh) = (format!("access-{}", state.issued), format!("refresh-{}", state.issued));
        state.live_access.insert(access.clone());
        state.live_refresh.insert(refresh.clone());
        Grant {
            tokens: Tokens {
                access: Secret::new(access),
                refresh: Some(Secret::new(refresh)),
                grant: grant.then(|| Secret::new("grant-token")),
            },
            expires_at: Some(now + TimeDelta::hours(24)),
            refresh_expires_at: Some(now + TimeDelta::days(180)),
            scope: state.scope.clone(),
        }
    }

    fn look(&self, tokens: &Tokens) -> Result<(), AccountError> {
        if self.state().live_access.contains(tokens.access.expose()) { Ok(()) } else { Err(expired()) }
    }
}

#[async_trait]
impl LoginClient for FakeLogin {
    fn flavours(&self) -> Vec<LoginFlavour> {
        vec![LoginFlavour::Tiktok]
    }

    fn missing_settings(&self) -> Vec<&'static str> {
        Vec::new()
    }

    fn auth_url(&self, _: LoginFlavour, round: &Round, state: &str) -> Url {
        let query = [("redirect_uri", round.redirect_uri.as_str()), ("state", state)];
        Url::parse_with_params("https://platform.example/authorize", query).unwrap()
    }

    async fn exchange(
        &self,
        _: LoginFlavour,
        code: &str,
        _: &Round,
        now: DateTime<Utc>,
    ) -> Result<Vec<Identity>, AccountError> {
        if code != "good" {
            return Err(invalid_grant());
        }
        let identities = self.state().identities.clone();
        Ok(identities
            .into_iter()
            .map(|(id, grant_id)| Identity {
                platform: Platform::Tiktok,
                account_name: format!("name of {id}"),
                account_username: Some(id.clone()),
                account_id: id,
                account_email: None,
                profile_picture_url: None,
                metadata: json!({ "kind": "test" }),
                grant: self.issue(now, grant_id.is_some()),
                grant_id,
            })
            .collect())
    }

    async fn refresh(&self, _: &Account, tokens: &Tokens, now: DateTime<Utc>) -> Result<Refreshed, AccountError> {
        self.state().refreshes += 1;
        drop(self.gate.acquire().await.unwrap());
        if let Some(why) = self.state().not_refreshable {
            return Ok(Refreshed::NotRefreshable(why.to_owned()));
        }
        let fault = self.state().faults.pop_front();
        match fault {
            Some(Fault::LostBefore) => return Err(AccountError::Unknown("connection reset".to_owned())),
            Some(Fault::Unavailable) => {
                let failure = Failure::new(FailureClass::Transient, Reason::PlatformUnavailable, "HTTP 503");
                return Err(failure.into());
            }
            Some(Fault::InvalidClient) => {
                let failure = Failure::new(FailureClass::Permanent, Reason::PlatformRefused, "invalid_client");
                return Err(failure.into());
            }
            Some(Fault::Panic) => panic!("a bug in the client"),
            Some(Fault::LostAfter) | None => {}
        }
        let refresh = tokens.refresh.as_ref().map_or("", Secret::expose).to_owned();
        if !self.state().live_refresh.remove(&refresh) {
            return Err(invalid_grant());
        }
        let grant = self.issue(now, false);
        match fault {
            Some(Fault::LostAfter) => Err(AccountError::Unknown("connection reset".to_owned())),
            _ => Ok(Refreshed::New(grant)),
        }
    }

    async fn revoke(&self, account: &Account, tokens: &Tokens) -> Result<(), AccountError> {
        self.look(tokens)?;
        if self.state().refuse_revoke {
            return Err(AccountError::Unknown("timed out".to_owned()));
        }
        self.state().revoked.push(account.account_id.clone());
        Ok(())
    }

    async fn check(&self, _: &Account, tokens: &Tokens) -> Result<(), AccountError> {
        self.look(tokens)
    }

    async fn publish_options(&self, _: &Account, tokens: &Tokens) -> Result<PublishOptions, AccountError> {
        self.look(tokens)?;
        Ok(PublishOptions { privacy_level_options: vec!["SELF_ONLY".to_owned()], ..PublishOptions::default() })
    }

    async fn quota(&self, _: &Account, tokens: &Tokens, _: DateTime<Utc>) -> Result<PlatformQuota, AccountError> {
        self.look(tokens)?;
        Ok(PlatformQuota { used: Some(3), total: Some(25), window_seconds: 86_400 })
    }
}

/// TikTok with fewer scopes.
static DESCRIPTION: Description = Description {
    platform: Platform::Tiktok,
    rules: &TIKTOK,
    logins: &[Login {
        flavour: LoginFlavour::Tiktok,
        scopes: &["user.info.basic", "video.publish", "video.list"],
        needed: &[&["video.publish", "video.upload"]],
        when_nobody: "log in with an account that may post",
    }],
    options: Codec::of::<TiktokOptions>(),
    settings: &[],
    read: |_| unreachable!("no settings are read here"),
};

/// A platform that nothing is published to here.
struct NoPublishing;

#[async_trait]
impl PlatformClient for NoPublishing {
    fn fetches_video(&self, _: &Account, _: &Content) -> bool {
        false
    }

    fn check_options(&self, _: &Content) -> Vec<Violation> {
        Vec::new()
    }
    fn next(&self, _: &View<'_>) -> Next {
        Next::Delivered { then: None }
    }
    fn searches_list(&self, _: &Step) -> bool {
        false
    }
    async fn run(&self, _: &Call<'_>, _: &Step) -> Outcome {
        Outcome::Unknown { evidence: Evidence::new() }
    }
    async fn reconcile(&self, _: &Call<'_>, _: &Entry) -> Lookup {
        Lookup::CannotTell { hopeless: true, evidence: Evidence::new() }
    }
    async fn search(&self, _: &Call<'_>, _: &Window) -> Lookup {
        Lookup::CannotTell { hopeless: true, evidence: Evidence::new() }
    }
    fn settle(&self) -> Duration {
        Duration::ZERO
    }
    fn confirmations(&self) -> usize {
        1
    }
}

/// One replica: its own store, token_manager and use cases over a database that others may share.
pub(crate) struct Replica {
    pub(crate) store: Store,
    pub(crate) token_manager: TokenManager,
    pub(crate) accounts: Accounts,
}

/// A database file and a platform.
pub(crate) struct World {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) login: Arc<FakeLogin>,
    pub(crate) clock: Clock,
}

impl World {
    /// A new database with the schema.
    pub(crate) async fn new() -> (Self, Replica) {
        let world = Self { dir: tempfile::tempdir().unwrap(), login: Arc::default(), clock: Clock::system() };
        let replica = world.replica(CURRENT, &[]).await;
        (world, replica)
    }

    /// A core over this database, with these keys.
    pub(crate) async fn replica(&self, key: &str, old: &[&str]) -> Replica {
        let keys = Arc::new(KeyRing::from_settings(key, old).unwrap());
        let store = Store::open(crate::store::db::testing::place(self.dir.path()).await, keys, self.clock.clone())
            .await
            .unwrap();
        store.migrate().await.unwrap();
        let login: Arc<dyn LoginClient> = self.login.clone();
        let registry = Registry::new([Service {
            description: &DESCRIPTION,
            client: Arc::new(NoPublishing),
            login,
            numbers: Arc::new(crate::platform::stand_in::NoNumbers),
        }]);
        let token_manager = TokenManager::new(store.clone(), registry.clone(), self.clock.clone());
        let settings = AccountSettings {
            public_url: Some(Url::parse("https://reels.example/").unwrap()),
            redirect_uris: vec!["https://site.example/back".to_owned()],
            daily_posts_per_user: Some(5),
        };
        let accounts = Accounts::new(store.clone(), registry, self.clock.clone(), token_manager.clone(), settings);
        Replica { store, token_manager, accounts }
    }

    pub(crate) fn advance(&self, by: TimeDelta) {
        self.clock.set_offset(self.clock.offset() + by);
    }
}

/// The secret of a client's browser.
pub(crate) const BROWSER: &str = "a-secret-of-this-browser";

/// A request to connect, with nothing special.
pub(crate) fn connect_request() -> Connect {
    let browser_secret = Some(Secret::new(BROWSER));
    Connect {
        platform: Platform::Tiktok,
        flavour: None,
        redirect_uri: None,
        reconnect: None,
        browser_secret,
        ends_at_core: false,
    }
}

/// Ended by a client for its user, in the browser of [`connect_request`].
pub(crate) fn client(caller: Caller) -> EndedBy {
    EndedBy::Client { caller, browser_secret: Some(Secret::new(BROWSER)) }
}

impl Replica {
    /// Connects what the platform brings.
    pub(crate) async fn connect(&self, caller: Caller) -> Vec<Account> {
        let link = self.accounts.connect(caller, connect_request()).await.unwrap();
        self.accounts.complete(client(caller), Platform::Tiktok, "good", &link.state).await.unwrap().accounts
    }

    /// The stored access token, opened.
    pub(crate) async fn access(&self, account: &Account) -> String {
        self.token_manager.stored_tokens(account.id).await.unwrap().1.access.expose().to_owned()
    }
}
