//! Faults, scripted per request or at random.
//!
//! Before a vendor request acts, the rules are asked in the order of their making; the first that matches and still
//! has a firing left decides. Random faults apply where no rule did. Guaranteed: a rule fires for exactly the
//! occurrences it names, also with requests running at the same time.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;

use sha2::{Digest, Sha256};

use crate::call::{Call, Identity};
use crate::host::Host;
use crate::random::Random;
use crate::refusal;

/// Number of a rule.
pub type RuleId = u64;

/// Which requests a rule is about. Every given field must match; an empty matcher matches every vendor request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Matcher {
    /// `tiktok`, `meta`, `youtube` or `media`.
    pub vendor: Option<String>,
    /// One host.
    pub host: Option<Host>,
    /// HTTP method in capitals.
    pub method: Option<String>,
    /// Path; `*` stands for any run of characters.
    pub path: Option<String>,
    /// Operation as the journal names it, for example `tiktok.video_init`; `*` as in `path`.
    pub operation: Option<String>,
    /// Platform account id.
    pub account: Option<String>,
}

/// A scripted fault.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Which requests.
    #[serde(rename = "match", default)]
    pub matcher: Matcher,
    /// How many matching requests pass untouched first (3 = the fourth is hit).
    #[serde(default)]
    pub skip: u64,
    /// How often it fires; absent = once, 0 = always.
    #[serde(default = "once")]
    pub times: u64,
    /// Real milliseconds to wait before acting.
    #[serde(default)]
    pub delay_before_ms: u64,
    /// Real milliseconds to wait between acting and answering.
    #[serde(default)]
    pub delay_after_ms: u64,
    /// Hold the request until the rule is released or deleted.
    #[serde(default)]
    pub hold: Option<Hold>,
    /// What happens instead of the regular answer; absent = the regular answer (after delays).
    #[serde(default)]
    pub action: Option<Action>,
}

fn once() -> u64 {
    1
}

impl Rule {
    /// A rule that fires once.
    pub fn once(matcher: Matcher, action: Action) -> Self {
        Rule { matcher, skip: 0, times: 1, delay_before_ms: 0, delay_after_ms: 0, hold: None, action: Some(action) }
    }

    /// A rule that holds one matching request until it is released.
    pub fn hold_once(matcher: Matcher, hold: Hold) -> Self {
        Rule { matcher, skip: 0, times: 1, delay_before_ms: 0, delay_after_ms: 0, hold: Some(hold), action: None }
    }
}

/// Where a request is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// Received, not acted.
    Before,
    /// Acted, not answered.
    After,
}

/// When a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// The request was received but does not act.
    Before,
    /// The request acts, no byte of its answer is sent.
    After,
    /// After `after_bytes` of the request body.
    Body,
}

/// What a fault does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Answer with this, without acting or (with `act`) after acting.
    Answer {
        /// HTTP status.
        status: u16,
        /// Extra headers.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// A JSON value, or a string that is sent as plain text.
        #[serde(default)]
        body: Option<Value>,
        /// Whether the request acts first.
        #[serde(default)]
        act: bool,
    },
    /// Close the TCP connection without an answer.
    Cut {
        /// When.
        when: When,
        /// For [`When::Body`]: bytes of the body that are still taken.
        #[serde(default)]
        after_bytes: u64,
    },
    /// A web page with status 200, as a proxy in between would send it.
    Html {
        /// Whether the request acts first.
        #[serde(default)]
        act: bool,
    },
    /// Acts; the answer is complete HTTP but its JSON stops half way.
    TruncatedBody,
    /// Acts; the connection is closed in the middle of the answer's body.
    BrokenResponse,
}

/// Random faults: each is a probability from 0 to 1 per matching request; their sum must not exceed 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Chances {
    /// Which requests.
    #[serde(rename = "match")]
    pub matcher: Matcher,
    /// Seed of the dice; given, the generator starts anew with it.
    pub seed: Option<u64>,
    /// Needs a seed. A request's throw then depends on the seed, its operation, the post that it is about (or the
    /// account) and how often that was asked before, and not on the order in which requests arrive.
    pub by_request: bool,
    /// Cut before acting.
    pub cut_before: f64,
    /// Cut after acting.
    pub cut_after: f64,
    /// 503 without acting.
    pub error_before: f64,
    /// 503 after acting.
    pub error_after: f64,
    /// 429 without acting.
    pub too_many: f64,
    /// A web page with 200, after acting.
    pub html_after: f64,
    /// Half of the JSON, after acting.
    pub truncated: f64,
    /// One of the operation's refusals ([`crate::refusals`]) without acting; nothing where it has none.
    pub refused_before: f64,
    /// One of them after acting.
    pub refused_after: f64,
    /// Delay between acting and answering, `delay_ms` long.
    pub delay_after: f64,
    /// Real milliseconds for `delay_after`.
    pub delay_ms: u64,
}

/// What was decided for one request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) rule: Option<RuleId>,
    pub(crate) random: bool,
    pub(crate) action: Option<Action>,
    pub(crate) delay_before_ms: u64,
    pub(crate) delay_after_ms: u64,
    pub(crate) hold_before: Option<Held>,
    pub(crate) hold_after: Option<Held>,
}

/// A request that waits for its release.
#[derive(Clone, Debug)]
pub(crate) struct Held(watch::Receiver<bool>);

impl Held {
    pub(crate) async fn released(&self) {
        // An error means that the rule is gone, which releases too.
        let _ = self.0.clone().wait_for(|released| *released).await;
    }
}

/// A rule with its counts, as the control API lists it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RuleView {
    id: RuleId,
    #[serde(flatten)]
    rule: Rule,
    /// Requests that matched.
    seen: u64,
    /// Requests that were hit.
    fired: u64,
}

impl RuleView {
    /// Whether it fired as often as it should: at least once where it may fire always.
    fn is_spent(&self) -> bool {
        self.fired >= self.rule.times.max(1)
    }
}

struct Live {
    view: RuleView,
    release: watch::Sender<bool>,
}

#[derive(Default)]
struct Inner {
    next_id: RuleId,
    rules: Vec<Live>,
    chances: Option<Chances>,
    dice: Option<Random>,
    /// For `by_request`: how often each was thrown for.
    thrown: HashMap<String, u64>,
    /// Rules that were removed before they had fired as often as they should.
    unspent: Vec<RuleView>,
}

impl Inner {
    fn throw(&mut self, subject: Option<String>, identity: &Identity, random: &Random) -> f64 {
        let seed = self.chances.as_ref().filter(|chances| chances.by_request).and_then(|chances| chances.seed);
        let Some(seed) = seed else { return self.dice.as_ref().unwrap_or(random).chance() };
        let whose = subject.or_else(|| identity.account.clone()).unwrap_or_default();
        let key = format!("{}/{whose}", identity.operation);
        let count = self.thrown.entry(key.clone()).or_default();
        *count += 1;
        let digest = Sha256::digest(format!("{seed}/{key}/{count}"));
        f64::from(u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])) / 4_294_967_296.0
    }
}

/// All rules.
#[derive(Default)]
pub(crate) struct Faults {
    any: AtomicBool,
    /// Throws depend on what a request is about.
    by_request: AtomicBool,
    inner: Mutex<Inner>,
}

impl Faults {
    /// Decides what happens to this request and counts it.
    /// `subject` names the post that the request is about, if it can be told.
    pub(crate) fn plan(
        &self,
        call: &Call,
        identity: &Identity,
        random: &Random,
        subject: impl FnOnce() -> Option<String>,
    ) -> Plan {
        if !self.any.load(Ordering::Acquire) {
            return Plan::default();
        }
        let subject = if self.by_request.load(Ordering::Acquire) { subject() } else { None };
        let mut inner = self.inner.lock().expect("fault lock");
        for live in &mut inner.rules {
            if !live.view.rule.matcher.matches(call, identity) {
                continue;
            }
            live.view.seen += 1;
            let rule = &live.view.rule;
            let spent = rule.times != 0 && live.view.fired >= rule.times;
            if live.view.seen <= rule.skip || spent {
                continue;
            }
            live.view.fired += 1;
            let held = || Held(live.release.subscribe());
            return Plan {
                rule: Some(live.view.id),
                random: false,
                action: rule.action.clone(),
                delay_before_ms: rule.delay_before_ms,
                delay_after_ms: rule.delay_after_ms,
                hold_before: (rule.hold == Some(Hold::Before)).then(held),
                hold_after: (rule.hold == Some(Hold::After)).then(held),
            };
        }
        if !inner.chances.as_ref().is_some_and(|chances| chances.matcher.matches(call, identity)) {
            return Plan::default();
        }
        let thrown = inner.throw(subject, identity, random);
        inner.chances.as_ref().map_or_else(Plan::default, |chances| chances.roll(thrown, identity.operation))
    }

    pub(crate) fn add(&self, rule: Rule) -> RuleId {
        let mut inner = self.inner.lock().expect("fault lock");
        inner.next_id += 1;
        let id = inner.next_id;
        let view = RuleView { id, rule, seen: 0, fired: 0 };
        inner.rules.push(Live { view, release: watch::channel(false).0 });
        self.any.store(true, Ordering::Release);
        id
    }

    /// Lets held requests of this rule go on; later ones are not held any more.
    pub(crate) fn release(&self, id: RuleId) -> bool {
        let inner = self.inner.lock().expect("fault lock");
        match inner.rules.iter().find(|live| live.view.id == id) {
            Some(live) => {
                live.release.send_replace(true);
                true
            }
            None => false,
        }
    }

    pub(crate) fn remove(&self, id: RuleId) -> bool {
        let mut inner = self.inner.lock().expect("fault lock");
        let Some(at) = inner.rules.iter().position(|live| live.view.id == id) else { return false };
        let removed = inner.rules.remove(at).view;
        if !removed.is_spent() {
            inner.unspent.push(removed);
        }
        true
    }

    /// Rules that have not fired as often as they should, removed ones included.
    pub(crate) fn unspent(&self) -> Vec<RuleView> {
        let inner = self.inner.lock().expect("fault lock");
        let present = inner.rules.iter().map(|live| &live.view).filter(|rule| !rule.is_spent());
        inner.unspent.iter().chain(present).cloned().collect()
    }

    pub(crate) fn clear(&self) {
        let mut inner = self.inner.lock().expect("fault lock");
        inner.rules.clear();
        inner.unspent.clear();
        inner.chances = None;
        inner.dice = None;
        self.any.store(false, Ordering::Release);
    }

    pub(crate) fn set_chances(&self, chances: Option<Chances>) {
        let mut inner = self.inner.lock().expect("fault lock");
        inner.dice = chances.as_ref().and_then(|chances| chances.seed).map(Random::new);
        inner.thrown.clear();
        self.by_request.store(chances.as_ref().is_some_and(|chances| chances.by_request), Ordering::Release);
        inner.chances = chances;
        self.any.store(true, Ordering::Release);
    }

    pub(crate) fn list(&self) -> (Vec<RuleView>, Option<Chances>) {
        let inner = self.inner.lock().expect("fault lock");
        (inner.rules.iter().map(|live| live.view.clone()).collect(), inner.chances.clone())
    }

    /// How often a rule fired; `None` if there is no such rule.
    pub(crate) fn fired(&self, id: RuleId) -> Option<u64> {
        let inner = self.inner.lock().expect("fault lock");
        inner.rules.iter().find(|live| live.view.id == id).map(|live| live.view.fired)
    }
}

impl Matcher {
    fn matches(&self, call: &Call, identity: &Identity) -> bool {
        self.vendor.as_deref().is_none_or(|vendor| vendor == call.host.vendor_name())
            && self.host.is_none_or(|host| host == call.host)
            && self.method.as_deref().is_none_or(|method| method == call.method.as_str())
            && self.path.as_deref().is_none_or(|pattern| glob(pattern, &call.path))
            && self.operation.as_deref().is_none_or(|pattern| glob(pattern, identity.operation))
            && self.account.as_deref().is_none_or(|account| identity.account.as_deref() == Some(account))
    }
}

impl Chances {
    /// `Err` says what is wrong with the numbers.
    pub(crate) fn check(&self) -> Result<(), String> {
        let all = [
            self.cut_before,
            self.cut_after,
            self.error_before,
            self.error_after,
            self.too_many,
            self.html_after,
            self.truncated,
            self.refused_before,
            self.refused_after,
            self.delay_after,
        ];
        if all.iter().any(|chance| !(0.0..=1.0).contains(chance)) || all.iter().sum::<f64>() > 1.0 + 1e-9 {
            return Err("each probability must lie between 0 and 1, and their sum must not exceed 1".into());
        }
        if self.by_request && self.seed.is_none() {
            return Err("by_request needs a seed".into());
        }
        Ok(())
    }

    fn roll(&self, dice: f64, operation: &str) -> Plan {
        let answer = |status, act| Action::Answer { status, headers: BTreeMap::new(), body: None, act };
        let table = [
            (self.cut_before, Some(Action::Cut { when: When::Before, after_bytes: 0 }), 0),
            (self.cut_after, Some(Action::Cut { when: When::After, after_bytes: 0 }), 0),
            (self.error_before, Some(answer(503, false)), 0),
            (self.error_after, Some(answer(503, true)), 0),
            (self.too_many, Some(answer(429, false)), 0),
            (self.html_after, Some(Action::Html { act: true }), 0),
            (self.truncated, Some(Action::TruncatedBody), 0),
            (self.delay_after, None, self.delay_ms),
        ];
        let refusals = [(self.refused_before, false), (self.refused_after, true)];
        let mut edge = 0.0;
        for (chance, action, delay_after_ms) in table {
            edge += chance;
            if dice < edge {
                return Plan { random: true, action, delay_after_ms, ..Plan::default() };
            }
        }
        for (chance, act) in refusals {
            let within = dice - edge;
            edge += chance;
            if dice < edge {
                let all = refusal::refusals(operation);
                // Which one, the same throw says: where in its share it fell.
                let which = (within / chance * all.len() as f64) as usize;
                let action = all.get(which).map(|refusal| refusal.answer(act));
                return Plan { random: action.is_some(), action, ..Plan::default() };
            }
        }
        Plan::default()
    }
}

/// `*` stands for any run of characters, everything else for itself.
fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::{Action, Chances, Faults, Hold, Matcher, Rule, glob};
    use crate::call::Identity;
    use crate::random::Random;

    #[test]
    fn throws_by_request_do_not_depend_on_the_order() {
        let random = Random::new(1);
        let throws = |order: &[&str], seed| {
            let faults = Faults::default();
            faults.set_chances(Some(Chances { seed: Some(seed), by_request: true, ..Chances::default() }));
            let mut inner = faults.inner.lock().unwrap();
            let mut all: Vec<(String, f64)> = order
                .iter()
                .map(|subject| {
                    let thrown = inner.throw(Some((*subject).to_owned()), &Identity::of("tiktok.status"), &random);
                    ((*subject).to_owned(), thrown)
                })
                .collect();
            all.sort_by(|a, b| a.partial_cmp(b).unwrap());
            all
        };
        let one = throws(&["a", "b", "a", "c"], 7);
        assert_eq!(one, throws(&["c", "a", "a", "b"], 7));
        assert_ne!(one, throws(&["a", "b", "a", "c"], 8));
        assert_ne!(one[0].1, one[1].1, "each repetition throws anew");
    }

    #[test]
    fn rules_that_never_fired_are_told_also_after_their_removal() {
        let faults = Faults::default();
        let never = faults.add(Rule::hold_once(Matcher::default(), Hold::Before));
        let lasting = faults.add(Rule { times: 0, ..Rule::hold_once(Matcher::default(), Hold::Before) });
        let told = |faults: &Faults| faults.unspent().iter().map(|rule| rule.id).collect::<Vec<_>>();
        assert_eq!(told(&faults), [never, lasting]);
        assert!(faults.remove(never));
        assert!(!faults.remove(never));
        assert_eq!(told(&faults), [never, lasting]);
        faults.inner.lock().unwrap().rules[0].view.fired = 1;
        assert_eq!(told(&faults), [never], "what may fire always has to fire once");
        faults.clear();
        assert_eq!(told(&faults), [0; 0]);
    }

    #[test]
    fn every_refusal_of_an_operation_is_thrown_and_others_have_none() {
        let chances = Chances { refused_before: 0.25, refused_after: 0.25, ..Chances::default() };
        let thrown = |operation: &str| -> Vec<Option<Action>> {
            (0..2_000).map(|number| chances.roll(f64::from(number) / 2_000.0, operation).action).collect()
        };
        let actions = thrown("tiktok.video_init");
        for refusal in crate::refusals("tiktok.video_init") {
            assert!(actions.contains(&Some(refusal.answer(true))), "{}", refusal.name);
            assert!(actions.contains(&Some(refusal.answer(false))), "{}", refusal.name);
        }
        assert_eq!(actions.iter().filter(|action| action.is_some()).count(), 1_000);
        assert!(thrown("tiktok.status").iter().all(Option::is_none));
    }

    #[test]
    fn glob_matches_whole_paths_only() {
        assert!(glob("/v2/post/*/init/", "/v2/post/publish/video/init/"));
        assert!(glob("*", ""));
        assert!(glob("/a*b*c", "/axxbyyc"));
        assert!(!glob("/a", "/ab"));
        assert!(!glob("/a*b", "/a"));
        assert!(!glob("a*a", "a"));
    }
}
