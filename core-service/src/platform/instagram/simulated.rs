//! Whole courses against the simulator, which is written from the sheet and counts what became visible. The driver here
//! is the smallest engine that obeys the rules of `platform`; time is the simulator's clock, and nothing sleeps.

use aurareels_simulator::{Action, Filter, Host, Matcher, Options, Rule, Simulator, When};
use chrono::TimeDelta;
use serde_json::{Value, json};
use url::Url;

use super::{
    CONFIRMATIONS, Instagram, InstagramSettings, MetaApp, SETTLE,
    course::{self, CONTAINER, PUBLISH, UPLOAD},
    stand_in::{self, Book, account, post},
};
use crate::{
    domain::{
        failure::{Failure, FailureClass, Reason},
        ledger::{Entry, Evidence, Ledger, StepClass, StepOutcome},
        platform::LoginFlavour,
        post::Post,
    },
    http::{HttpSettings, client_builder, tls_config},
    platform::{
        LoginClient, Lookup, Next, Outcome, PlatformClient, Refreshed, Step,
        stand_in::{Stage, round},
    },
};

const FB: LoginFlavour = LoginFlavour::FacebookLogin;
const IG: LoginFlavour = LoginFlavour::InstagramLogin;

/// How a course ended.
#[derive(Debug)]
enum End {
    Published(Box<Post>),
    Failed(Failure),
    Review,
}

struct Play {
    sim: Simulator,
    client: Instagram,
    http: reqwest::Client,
    stage: Stage,
    /// Absences in a row.
    absent: usize,
    retries: usize,
}

impl Play {
    async fn start(flavour: LoginFlavour) -> Self {
        let sim = Simulator::start(Options::default()).await.unwrap();
        let tls = tls_config(&HttpSettings::default()).unwrap();
        let http = client_builder(&tls).build().unwrap();
        let base = |host| Url::parse(sim.url(host)).unwrap();
        let credentials = Options::default().credentials;
        let app = |id: &str, secret: &str| Some(MetaApp { id: id.into(), secret: secret.into() });
        let settings = InstagramSettings {
            facebook_app: app(&credentials.instagram_app_id, &credentials.instagram_app_secret),
            instagram_login_app: app(&credentials.instagram_login_app_id, &credentials.instagram_login_app_secret),
            dialog_base: base(Host::MetaDialog),
            graph_base: base(Host::MetaGraph),
            rupload_base: base(Host::MetaRupload),
            ig_auth_base: base(Host::InstagramAuth),
            ig_api_base: base(Host::InstagramApi),
            ig_graph_base: base(Host::InstagramGraph),
            ..InstagramSettings::default()
        };
        let client = Instagram::new(settings, tls).unwrap();
        let mut stage = stand_in::stage(flavour, &Book::default());
        let redirect = "http://127.0.0.1:1/oauth/callback/instagram";
        let dialog = client.auth_url(flavour, &round(redirect), "state-1");
        let answer = http.post(dialog).form(&[("decision", "allow")]).send().await.unwrap();
        let back = Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
        let code = back.query_pairs().find(|(key, _)| key == "code").unwrap().1.into_owned();
        let now = sim.clock().now();
        let Ok(identities) = client.exchange(flavour, &code, &round(redirect), now).await else {
            panic!("no accounts")
        };
        let identity = identities.into_iter().next().unwrap();
        stage.account = account(flavour);
        stage.account.account_id = identity.account_id;
        stage.account.metadata = identity.metadata;
        stage.tokens = identity.grant.tokens;
        stage.video.url = base(Host::Media).join("/v/demo.mp4?size=400000&duration=12").unwrap();
        stage.video.bytes = http.get(stage.video.url.clone()).send().await.unwrap().bytes().await.unwrap().to_vec();
        stage.now = now;
        stage.ledger = Ledger::default();
        Self { sim, client, http, stage, absent: 0, retries: 0 }
    }

    /// Changes a switch of the simulated Meta.
    async fn behave(&self, change: Value) {
        self.control("meta/behaviour", json!({ "set": change })).await;
    }

    async fn control(&self, path: &str, body: Value) {
        let url = format!("{}/_sim/{path}", self.sim.url(Host::Control));
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        let status = answer.status();
        assert!(status.is_success(), "{path}: {status} {}", answer.text().await.unwrap());
    }

    fn cut(&self, operation: &str, when: When) {
        let matcher = Matcher { operation: Some(operation.into()), ..Matcher::default() };
        self.sim.add_fault(Rule::once(matcher, Action::Cut { when, after_bytes: 100_000 }));
    }

    fn wait(&mut self, span: TimeDelta) {
        self.sim.clock().advance(span);
        self.stage.now = self.sim.clock().now();
    }

    fn record(&mut self, step: &Step) -> i32 {
        let number = self.stage.ledger.next_number();
        self.stage.now = self.sim.clock().now();
        self.stage.ledger.push(Entry {
            number,
            attempt: self.stage.post.attempt,
            step: step.kind.into(),
            class: step.class,
            handle: step.handle.clone(),
            sent_at: self.stage.now,
            deadline_at: self.stage.now + step.timeout,
            outcome: None,
            answered_at: None,
            evidence: Evidence::new(),
            fence: self.stage.post.fence,
        });
        number
    }

    fn settle(&mut self, number: i32, outcome: StepOutcome, handle: &crate::domain::ledger::Handle) {
        let now = self.sim.clock().now();
        let entry = self.stage.ledger.entry_mut(number).unwrap();
        entry.outcome = Some(outcome);
        entry.answered_at = Some(now);
        entry.handle.0.extend(handle.0.clone());
    }

    /// Runs a step; `Some` when the post cannot go on.
    async fn run(&mut self, step: Step) -> Option<Failure> {
        let recorded = (step.class != StepClass::Read).then(|| self.record(&step));
        let outcome = self.client.run(&self.stage.call(), &step).await;
        match outcome {
            Outcome::Accepted { handle, .. } => {
                let number = recorded.unwrap_or_else(|| self.record(&step));
                self.settle(number, StepOutcome::Accepted, &handle);
                None
            }
            Outcome::Unknown { .. } | Outcome::Refused { .. } => {
                if let Some(number) = recorded {
                    self.settle(number, StepOutcome::Unknown, &Default::default());
                }
                None
            }
            Outcome::Reopened { .. } => {
                let sent = self.stage.ledger.newest_sending(self.stage.post.attempt).map(|entry| entry.number);
                self.settle(sent.expect("something was sent"), StepOutcome::Unknown, &Default::default());
                None
            }
            Outcome::Pending { .. } => {
                self.wait(TimeDelta::seconds(20));
                None
            }
            Outcome::NoEffect { failure, .. } => {
                if let Some(number) = recorded {
                    self.settle(number, StepOutcome::NoEffect, &Default::default());
                }
                self.after_failure(failure).await
            }
        }
    }

    async fn after_failure(&mut self, failure: Failure) -> Option<Failure> {
        match failure.class {
            FailureClass::Transient if self.retries < 3 => {
                self.retries += 1;
                self.wait(TimeDelta::minutes(5));
                None
            }
            FailureClass::RateLimited { until } | FailureClass::Quota { until } => {
                let now = self.stage.now;
                let wait = until.map_or(TimeDelta::hours(1), |until| until - now).max(TimeDelta::seconds(1));
                self.wait(wait);
                None
            }
            FailureClass::AuthExpired => {
                let now = self.stage.now;
                match self.client.refresh(&self.stage.account, &self.stage.tokens, now).await {
                    Ok(Refreshed::New(grant)) => {
                        self.stage.tokens = grant.tokens;
                        None
                    }
                    _ => Some(failure),
                }
            }
            _ => Some(failure),
        }
    }

    /// One reading of an open publish.
    async fn reconcile(&mut self, entry: Entry) -> Option<End> {
        match self.client.reconcile(&self.stage.call(), &entry).await {
            Lookup::Found { handle, .. } => self.settle(entry.number, StepOutcome::Found, &handle),
            Lookup::Absent { handle_dead, .. } => {
                self.absent += 1;
                self.wait(TimeDelta::from_std(SETTLE).unwrap() / 3);
                let settled = self.stage.now >= entry.deadline_at + SETTLE;
                if settled && self.absent >= CONFIRMATIONS {
                    self.absent = 0;
                    self.settle(entry.number, StepOutcome::Absent, &Default::default());
                    self.stage.post.attempt += i32::from(handle_dead);
                }
            }
            Lookup::Pending { .. } | Lookup::CannotTell { hopeless: false, .. } | Lookup::Failed(_) => {
                self.absent = 0;
                self.wait(TimeDelta::minutes(2));
                if self.stage.now - entry.sent_at > TimeDelta::hours(2) {
                    return Some(End::Review);
                }
            }
            Lookup::CannotTell { hopeless: true, .. } => return Some(End::Review),
        }
        None
    }

    async fn play(&mut self) -> End {
        for _ in 0..200 {
            self.stage.now = self.sim.clock().now();
            if let Some(entry) = self.stage.ledger.unsettled(self.stage.post.attempt).cloned() {
                match self.reconcile(entry).await {
                    Some(end) => return end,
                    None => continue,
                }
            }
            let failure = match course::next(&self.stage.view()) {
                Next::Step(step) => {
                    if let crate::platform::NotBefore::At(at) = step.not_before
                        && at > self.stage.now
                    {
                        let span = at - self.stage.now;
                        self.wait(span);
                    }
                    self.run(step).await
                }
                Next::Live { then: Some(step), .. } => self.run(step).await,
                Next::Live { live, then: None } => {
                    self.stage.post.platform_post_id = live.platform_post_id;
                    self.stage.post.platform_post_url = live.platform_post_url;
                    return End::Published(Box::new(self.stage.post.clone()));
                }
                Next::Rejected(failure) => {
                    self.stage.post.attempt += 1;
                    self.after_failure(failure).await
                }
                Next::Delivered { .. } => panic!("instagram has no inbox"),
            };
            if let Some(failure) = failure {
                return End::Failed(failure);
            }
        }
        panic!("no end: {:?}", self.stage.ledger);
    }

    /// Plays to the end, which every scripted fault has to strike before.
    async fn play_out(&mut self) -> End {
        let end = self.play().await;
        assert_eq!(self.sim.unspent_faults(), [""; 0], "faults that never struck prove nothing: {end:?}");
        end
    }

    /// Plays to the end, which has to be one visible post whose id and link are known.
    async fn publishes_once(&mut self, what: &str) {
        let end = self.play_out().await;
        let posts = self.sim.posts();
        assert_eq!(posts.len(), 1, "{what}: {end:?}");
        let End::Published(post) = end else { panic!("{what}: {end:?}") };
        assert!(post.platform_post_id.is_some(), "{what}: id");
        assert!(post.platform_post_url.is_some(), "{what}: link");
    }

    /// How often the simulator refused an operation.
    fn refused(&self, operation: &str) -> usize {
        let filter = Filter { operation: Some(operation.into()), succeeded: Some(false), ..Filter::default() };
        self.sim.requests(&filter).len()
    }

    fn times(&self, step: &str) -> usize {
        self.stage.ledger.entries().iter().filter(|entry| entry.step == step).count()
    }
}

#[tokio::test]
async fn both_logins_publish() {
    for flavour in [FB, IG] {
        let mut play = Play::start(flavour).await;
        play.stage.post.content.allow_comments = Some(false);
        play.publishes_once(flavour.as_str()).await;
        assert_eq!(play.times(CONTAINER), 1);
        assert_eq!(play.times(UPLOAD), usize::from(flavour == FB));
        assert!(play.client.check(&play.stage.account, &play.stage.tokens).await.is_ok());
        let quota = play.client.quota(&play.stage.account, &play.stage.tokens, play.stage.now).await;
        assert_eq!(quota.unwrap_or_else(|_| panic!()).used, Some(1));
    }
}

#[tokio::test]
async fn every_unclear_answer_to_publishing_ends_in_one_post() {
    for flavour in [FB, IG] {
        for when in [When::Before, When::After] {
            let mut play = Play::start(flavour).await;
            play.cut("meta.media_publish", when);
            play.publishes_once(&format!("{flavour} cut {when:?}")).await;
            assert_eq!(play.times(CONTAINER), 1, "the same container");
        }
    }
    for act in [true, false] {
        for fault in [
            json!({"error": "1"}),
            json!({"error": "2"}),
            json!({"error": "-1/2207001"}),
            json!({"error": "4/2207051"}),
            json!({"error": "4"}),
            json!({"error": "24/2207008"}),
            json!({"error": "24/2207006"}),
            json!({"answer": "broken_json"}),
            json!({"answer": "html_502"}),
            json!({"answer": "empty_200"}),
        ] {
            let mut play = Play::start(FB).await;
            let mut body = fault.clone();
            body["operation"] = "meta.media_publish".into();
            body["act"] = act.into();
            play.control("meta/faults", body).await;
            play.publishes_once(&format!("{fault} acted: {act}")).await;
            assert_eq!((play.times(CONTAINER), play.times(PUBLISH)), (1, 1 + usize::from(!act)), "{fault}");
        }
    }
}

#[tokio::test]
async fn reads_that_lag_or_lie_do_not_double_a_post() {
    for change in [
        json!({"published_lag_ms": 120_000}),
        json!({"list_lag_ms": 120_000}),
        json!({"published_lag_ms": 3_600_000}),
        json!({"list_lag_ms": 3_600_000}),
        json!({"publish_takes_ms": 130_000}),
        json!({"reads_after_publish": ["FINISHED", "FINISHED"]}),
        json!({"forget_published_after_s": 1}),
        json!({"captions_without_at": true, "containers_unreadable": true}),
    ] {
        let mut play = Play::start(FB).await;
        play.cut("meta.media_publish", When::After);
        play.behave(json!({"second_publish": "duplicate"})).await;
        play.behave(change.clone()).await;
        let end = play.play_out().await;
        assert_eq!(play.sim.posts().len(), 1, "{change}: {end:?}");
        assert!(matches!(end, End::Published(_)), "{change}: {end:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_told_goes_to_a_person_and_not_out_twice() {
    for when in [When::Before, When::After] {
        let mut play = Play::start(FB).await;
        play.stage.post.content.full_caption = String::new();
        play.cut("meta.media_publish", when);
        play.behave(json!({"containers_unreadable": true})).await;
        assert!(matches!(play.play_out().await, End::Review), "{when:?}");
        assert_eq!(play.sim.posts().len(), usize::from(when == When::After));
    }
}

#[tokio::test]
async fn an_upload_that_is_cut_goes_on_where_it_was() {
    let mut play = Play::start(FB).await;
    play.cut("meta.upload", When::Body);
    play.publishes_once("cut upload").await;
    assert_eq!((play.times(CONTAINER), play.times(UPLOAD)), (1, 2));
    let offsets: Vec<_> = play
        .stage
        .ledger
        .entries()
        .iter()
        .filter(|entry| entry.step == UPLOAD)
        .map(|entry| entry.handle.number("offset").unwrap())
        .collect();
    assert_eq!(offsets[0], 0);
    assert!(offsets[1] > 0, "{offsets:?}");
}

#[tokio::test]
async fn media_that_instagram_refuses_fails_with_its_reason() {
    for (error, reason) in [("352/2207026", Reason::VideoFormatInvalid), ("9004/2207052", Reason::VideoNotPublic)] {
        let mut play = Play::start(IG).await;
        play.behave(json!({ "processing_error": error })).await;
        let End::Failed(failure) = play.play().await else { panic!("{error}") };
        assert_eq!(failure.reason, reason);
        assert!(play.sim.posts().is_empty());
    }
}

#[tokio::test]
async fn unreadable_links_come_from_the_list() {
    let mut play = Play::start(FB).await;
    play.behave(json!({"media_unreadable": true})).await;
    play.publishes_once("media unreadable").await;
    assert!(play.refused("meta.media_read") > 0, "its link came from elsewhere");
    let mut play = Play::start(IG).await;
    play.behave(json!({"permalink_failures": 2, "containers_unreadable": true})).await;
    play.publishes_once("containers unreadable").await;
    assert!(play.refused("meta.container_status") > 0);
    assert!(play.refused("meta.media_read") > 0, "its link came from elsewhere");
}

#[tokio::test]
async fn a_full_quota_waits() {
    let mut play = Play::start(IG).await;
    play.behave(json!({"quota_total": 1})).await;
    play.publishes_once("first").await;
    let first = play.sim.clock().now();
    play.stage.post = Post { content: play.stage.post.content.clone(), ..post() };
    play.stage.ledger = Ledger::default();
    let end = play.play().await;
    assert!(matches!(end, End::Published(_)), "{end:?}");
    assert_eq!(play.sim.posts().len(), 2);
    assert!(play.sim.clock().now() - first > TimeDelta::hours(23), "not before there was room");
}

#[tokio::test]
async fn refresh_and_revoke() {
    let play = Play::start(FB).await;
    let Ok(Refreshed::New(grant)) = play.client.refresh(&play.stage.account, &play.stage.tokens, play.stage.now).await
    else {
        panic!()
    };
    assert!(play.client.check(&play.stage.account, &grant.tokens).await.is_ok());
    assert!(play.client.revoke(&play.stage.account, &grant.tokens).await.is_ok());
    assert!(play.client.check(&play.stage.account, &grant.tokens).await.is_err());

    let mut play = Play::start(IG).await;
    play.stage.account.token_expires_at = Some(play.stage.now + TimeDelta::days(60));
    let early = play.client.refresh(&play.stage.account, &play.stage.tokens, play.stage.now).await;
    assert!(matches!(early, Ok(Refreshed::NotRefreshable(_))));
    play.wait(TimeDelta::days(2));
    let later = play.client.refresh(&play.stage.account, &play.stage.tokens, play.stage.now).await;
    let Ok(Refreshed::New(grant)) = later else { panic!() };
    assert!(play.client.check(&play.stage.account, &grant.tokens).await.is_ok());
}
