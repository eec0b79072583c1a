//! Who and what exists at Meta: apps, people, Pages, portfolios, Instagram accounts.
//!
//! Everything is found by id in a hash map, and what is counted per account sits in queues with the oldest in front,
//! so the cost of a request does not grow with the number of accounts, containers or posts.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use super::Flavour;
use super::behaviour::Behaviour;
use super::comments::Comment;
use super::container::Container;
use super::facebook::Pages;
use super::media::Media;
use super::throttle::Calls;
use super::token::{Code, Grant, Subject, Token};
use crate::options::Credentials;

/// A Graph id. Always text on the wire; most of them do not fit into a double.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Id(pub(crate) u64);

impl Id {
    /// Decimal digits without a leading zero.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = (1..=19).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if digits && !text.starts_with('0') { text.parse().ok().map(Id) } else { None }
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A registered app.
#[derive(Debug, Clone)]
pub(crate) struct App {
    /// App id, `client_id` of the dialogs.
    pub(crate) id: String,
    /// App secret.
    pub(crate) secret: String,
    /// Name on the consent page.
    pub(crate) name: String,
    /// The setting "require app secret": calls without `appsecret_proof` are refused.
    pub(crate) require_proof: bool,
    /// Development mode: only people with a role on the app may connect.
    pub(crate) development: bool,
    /// Calls in the current hour.
    pub(crate) calls: Calls,
}

/// A Facebook user.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    /// Name.
    pub(crate) name: String,
    /// Pages the person has a role on, in the order of making.
    pub(crate) pages: Vec<Id>,
    /// Portfolios the person belongs to.
    pub(crate) businesses: Vec<Id>,
    /// Whether the person has a role on the app.
    pub(crate) app_role: bool,
}

/// A person's role on a Page.
#[derive(Debug, Clone)]
pub(crate) struct Role {
    /// `tasks` of `/me/accounts`.
    pub(crate) tasks: Vec<String>,
    /// The role was taken away: Page tokens die with 190 / 492.
    pub(crate) lost: bool,
    /// The role comes from Business Manager, so publishing needs `ads_management` or `ads_read` too.
    pub(crate) via_business: bool,
}

impl Role {
    /// Whether the tasks allow publishing.
    pub(crate) fn may_publish(&self) -> bool {
        self.tasks.iter().any(|task| task == "CREATE_CONTENT" || task == "MANAGE")
    }
}

/// A Facebook Page.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    /// Name.
    pub(crate) name: String,
    /// The linked professional account.
    pub(crate) instagram: Option<Id>,
    /// The portfolio that owns it; then it is hidden from `/me/accounts` without `business_management`.
    pub(crate) business: Option<Id>,
    /// The Page needs Page Publishing Authorization or two-factor first.
    pub(crate) needs_authorization: bool,
}

/// A business portfolio.
#[derive(Debug, Clone, Default)]
pub(crate) struct Business {
    /// Name.
    pub(crate) name: String,
    /// Pages it owns.
    pub(crate) owned: Vec<Id>,
    /// Pages of clients it works on.
    pub(crate) client: Vec<Id>,
}

/// An Instagram professional account.
#[derive(Debug)]
pub(crate) struct Account {
    /// The plain `id` of Instagram Login, which is not the one for publishing.
    pub(crate) scoped_id: Id,
    /// Handle without `@`.
    pub(crate) username: String,
    /// Display name.
    pub(crate) name: String,
    /// `Business` or `Media_Creator`.
    pub(crate) account_type: String,
    /// The linked Page.
    pub(crate) page: Option<Id>,
    /// Restricted, inactive or checkpointed: 25 / 2207050.
    pub(crate) restricted: bool,
    /// May make trial reels.
    pub(crate) trial_reels: bool,
    /// Instagram's own sessions may be limited to people with a role on the app.
    pub(crate) app_role: bool,
    /// Media by time of publishing (ms), oldest first.
    pub(crate) media: Vec<(i64, Id)>,
    /// Times of publishing in the last 24 hours, oldest first.
    pub(crate) published: VecDeque<i64>,
    /// Times of container creation in the last 24 hours, oldest first.
    pub(crate) created: VecDeque<i64>,
    /// Calls in the current hour.
    pub(crate) calls: Calls,
    /// Its own behaviour, if it has one.
    pub(crate) behaviour: Option<Arc<Behaviour>>,
    /// Permalink reads that will still fail.
    pub(crate) permalink_failures: u32,
}

/// A post that was accepted and becomes visible later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Due {
    /// When, in ms.
    pub(crate) at: i64,
    /// What.
    pub(crate) media: Id,
}

/// Everything that exists.
pub(crate) struct World {
    pub(crate) facebook: App,
    pub(crate) instagram: App,
    pub(crate) people: BTreeMap<Id, Person>,
    pub(crate) roles: HashMap<(Id, Id), Role>,
    pub(crate) pages: HashMap<Id, Page>,
    pub(crate) businesses: HashMap<Id, Business>,
    pub(crate) accounts: BTreeMap<Id, Account>,
    pub(crate) tokens: HashMap<String, Token>,
    pub(crate) page_tokens: HashMap<(Id, Id, u32, Option<i64>), String>,
    pub(crate) codes: HashMap<String, Code>,
    pub(crate) grants: HashMap<Subject, Grant>,
    pub(crate) containers: HashMap<Id, Container>,
    pub(crate) media: HashMap<Id, Media>,
    pub(crate) comments: HashMap<Id, Vec<Comment>>,
    pub(crate) locations: HashSet<Id>,
    pub(crate) behaviour: Arc<Behaviour>,
    pub(crate) due: BinaryHeap<Reverse<Due>>,
    /// What Pages publish.
    pub(crate) facebook_pages: Pages,
    made: u64,
}

/// What a new id is for; each kind has its own range, as long as the real ones.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Person,
    Page,
    Business,
    Account,
    Scoped,
    Container,
    Media,
    Video,
}

impl World {
    /// An empty world with the two apps.
    pub(crate) fn new(credentials: &Credentials) -> Self {
        let app = |id: &str, secret: &str| App {
            id: id.to_owned(),
            secret: secret.to_owned(),
            name: "AuraReels".to_owned(),
            require_proof: false,
            development: false,
            calls: Calls::default(),
        };
        World {
            facebook: app(&credentials.instagram_app_id, &credentials.instagram_app_secret),
            instagram: app(&credentials.instagram_login_app_id, &credentials.instagram_login_app_secret),
            people: BTreeMap::new(),
            roles: HashMap::new(),
            pages: HashMap::new(),
            businesses: HashMap::new(),
            accounts: BTreeMap::new(),
            tokens: HashMap::new(),
            page_tokens: HashMap::new(),
            codes: HashMap::new(),
            grants: HashMap::new(),
            containers: HashMap::new(),
            media: HashMap::new(),
            comments: HashMap::new(),
            locations: HashSet::from([Id(110_843_418_940_484)]),
            behaviour: Arc::default(),
            due: BinaryHeap::new(),
            facebook_pages: Pages::default(),
            made: 0,
        }
    }

    /// The app of a flavour.
    pub(crate) fn app(&self, flavour: Flavour) -> &App {
        match flavour {
            Flavour::Facebook => &self.facebook,
            Flavour::Instagram => &self.instagram,
        }
    }

    /// The app of a flavour, to change it.
    pub(crate) fn app_mut(&mut self, flavour: Flavour) -> &mut App {
        match flavour {
            Flavour::Facebook => &mut self.facebook,
            Flavour::Instagram => &mut self.instagram,
        }
    }

    /// The behaviour an account sees.
    pub(crate) fn behaviour_of(&self, account: Id) -> Arc<Behaviour> {
        self.accounts
            .get(&account)
            .and_then(|account| account.behaviour.clone())
            .unwrap_or_else(|| self.behaviour.clone())
    }

    /// A new id.
    pub(crate) fn new_id(&mut self, kind: Kind) -> Id {
        self.made += 1;
        // An odd step keeps ids unique and makes neighbours look unlike each other.
        let step = self.made * 7_919;
        Id(match kind {
            Kind::Person => 10_220_000_000_000_000 + step,
            Kind::Page => 104_000_000_000_000 + step,
            Kind::Business => 712_000_000_000_000 + step,
            Kind::Account => 17_841_400_000_000_000 + step,
            Kind::Scoped => 26_100_000_000_000_000 + step,
            Kind::Container => 17_890_000_000_000_000 + step,
            Kind::Media => 18_020_000_000_000_000 + step,
            Kind::Video => 1_200_000_000_000_000 + step,
        })
    }

    /// A new person.
    pub(crate) fn add_person(&mut self, name: &str) -> Id {
        let id = self.new_id(Kind::Person);
        self.people
            .insert(id, Person { name: name.to_owned(), pages: Vec::new(), businesses: Vec::new(), app_role: true });
        id
    }

    /// A new Page on which the person has these tasks.
    pub(crate) fn add_page(&mut self, name: &str, person: Id, tasks: Vec<String>) -> Id {
        let id = self.new_id(Kind::Page);
        self.pages
            .insert(id, Page { name: name.to_owned(), instagram: None, business: None, needs_authorization: false });
        self.roles.insert((person, id), Role { tasks, lost: false, via_business: false });
        if let Some(person) = self.people.get_mut(&person) {
            person.pages.push(id);
        }
        id
    }

    /// Puts a Page into a new portfolio of the person.
    pub(crate) fn add_to_portfolio(&mut self, page: Id, person: Id, name: &str, client: bool) -> Id {
        let existing = self.people.get(&person).and_then(|person| {
            person.businesses.iter().find(|id| self.businesses.get(id).is_some_and(|business| business.name == name))
        });
        let id = match existing {
            Some(id) => *id,
            None => {
                let id = self.new_id(Kind::Business);
                self.businesses.insert(id, Business { name: name.to_owned(), ..Business::default() });
                if let Some(person) = self.people.get_mut(&person) {
                    person.businesses.push(id);
                }
                id
            }
        };
        if let Some(business) = self.businesses.get_mut(&id) {
            if client { business.client.push(page) } else { business.owned.push(page) }
        }
        if let Some(page) = self.pages.get_mut(&page) {
            page.business = Some(id);
        }
        id
    }

    /// A new Instagram professional account, linked to the Page if one is given.
    pub(crate) fn add_account(&mut self, username: &str, name: &str, page: Option<Id>) -> Id {
        let id = self.new_id(Kind::Account);
        let scoped_id = self.new_id(Kind::Scoped);
        self.accounts.insert(
            id,
            Account {
                scoped_id,
                username: username.to_owned(),
                name: name.to_owned(),
                account_type: "Business".to_owned(),
                page,
                restricted: false,
                trial_reels: false,
                app_role: true,
                media: Vec::new(),
                published: VecDeque::new(),
                created: VecDeque::new(),
                calls: Calls::default(),
                behaviour: None,
                permalink_failures: self.behaviour.permalink_failures,
            },
        );
        if let Some(page) = page.and_then(|page| self.pages.get_mut(&page)) {
            page.instagram = Some(id);
        }
        id
    }

    /// The default accounts: two on one person, one in a portfolio, one that only Instagram Login reaches.
    pub(crate) fn add_defaults(&mut self) {
        let ada = self.add_person("Ada Example");
        for (page, username, name) in
            [("Ada's Kitchen", "ada.kitchen", "Ada's Kitchen"), ("Ada Travels", "ada.travels", "Ada Travels")]
        {
            let page = self.add_page(page, ada, all_tasks());
            self.add_account(username, name, Some(page));
        }
        self.add_page("Ada's Notes", ada, all_tasks());
        let ben = self.add_person("Ben Example");
        let page = self.add_page("Ben Studio", ben, all_tasks());
        self.add_to_portfolio(page, ben, "Ben Holding", false);
        self.add_account("ben.studio", "Ben Studio", Some(page));
        let cleo = self.add_account("cleo.films", "Cleo Films", None);
        if let Some(cleo) = self.accounts.get_mut(&cleo) {
            cleo.account_type = "Media_Creator".to_owned();
        }
    }
}

/// The tasks of a Page admin.
pub(crate) fn all_tasks() -> Vec<String> {
    ["ADVERTISE", "ANALYZE", "CREATE_CONTENT", "MESSAGING", "MODERATE", "MANAGE"].map(str::to_owned).to_vec()
}
