//! Whole courses against the simulator, which is written from the sheets and counts what became visible. The driver here is
//! the smallest engine that obeys the rules of `platform`; time is the simulator's clock, and nothing sleeps.

use std::sync::Arc;

use aurareels_simulator::{Action, Filter, Host, Matcher, Options, Rule, Simulator, When};
use chrono::TimeDelta;
use serde_json::Value;
use url::Url;

use super::{
    LoginClient, Lookup, Next, NotBefore, Outcome, PlatformClient, Refreshed, Step,
    stand_in::{self, Film, Stage, round},
};
use crate::{
    domain::{
        account::Account,
        failure::{Failure, FailureClass},
        ledger::{Entry, Evidence, Handle, StepClass, StepOutcome},
        platform::LoginFlavour,
        post::{Content, Post},
    },
    http::{HttpSettings, client_builder, tls_config},
};

const CAPTION: &str = "a walk with @bob #dogs";

/// How a course ended.
#[derive(Debug)]
pub(super) enum End {
    Published(Box<Post>),
    Failed(Failure),
    Review,
}

/// One post on its way through one client.
pub(super) struct Play<C> {
    pub(super) sim: Simulator,
    pub(super) client: C,
    http: reqwest::Client,
    pub(super) stage: Stage,
    /// Absences in a row.
    absent: usize,
    retries: usize,
}

impl<C: PlatformClient + LoginClient> Play<C> {
    /// Logs in at a simulator of its own, as whoever its consent page offers first.
    pub(super) async fn begin(
        flavour: LoginFlavour,
        account: Account,
        client: impl FnOnce(&Simulator, Arc<rustls::ClientConfig>) -> C,
    ) -> Self {
        let sim = Simulator::start(Options::default()).await.unwrap();
        let tls = tls_config(&HttpSettings::default()).unwrap();
        let http = client_builder(&tls).build().unwrap();
        let client = client(&sim, tls);
        let redirect = format!("http://127.0.0.1:1/oauth/callback/{}", account.platform);
        let dialog = client.auth_url(flavour, &round(&redirect), "state-1");
        let answer = http.post(dialog).form(&[("decision", "allow")]).send().await.unwrap();
        let back = Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
        let code = back.query_pairs().find(|(key, _)| key == "code").unwrap().1.into_owned();
        let now = sim.clock().now();
        let Ok(identities) = client.exchange(flavour, &code, &round(&redirect), now).await else {
            panic!("no accounts")
        };
        let identity = identities.into_iter().find(|identity| identity.platform == account.platform).unwrap();
        let account = Account {
            account_id: identity.account_id,
            metadata: identity.metadata,
            login_flavour: flavour,
            token_scope: identity.grant.scope,
            ..account
        };
        let content = Content {
            video_url: "https://cdn.example/v.mp4".into(),
            caption: CAPTION.into(),
            full_caption: CAPTION.into(),
            ..Content::default()
        };
        let mut film = Film::new(0, 10_000, sim.url(Host::Media));
        film.url = film.url.join("/v/demo.mp4?size=400000&duration=12").unwrap();
        film.bytes = http.get(film.url.clone()).send().await.unwrap().bytes().await.unwrap().to_vec();
        let stage = Stage::new(stand_in::post(&account, content, now), account, identity.grant.tokens, film);
        Self { sim, client, http, stage, absent: 0, retries: 0 }
    }

    pub(super) async fn control(&self, path: &str, body: Value) {
        let url = format!("{}/_sim/{path}", self.sim.url(Host::Control));
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        let status = answer.status();
        assert!(status.is_success(), "{path}: {status} {}", answer.text().await.unwrap());
    }

    pub(super) fn cut(&self, operation: &str, when: When) {
        let matcher = Matcher { operation: Some(operation.into()), ..Matcher::default() };
        self.sim.add_fault(Rule::once(matcher, Action::Cut { when, after_bytes: 100_000 }));
    }

    pub(super) fn wait(&mut self, span: TimeDelta) {
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

    fn settle(&mut self, number: i32, outcome: StepOutcome, handle: &Handle) {
        let now = self.sim.clock().now();
        let entry = self.stage.ledger.entry_mut(number).unwrap();
        entry.outcome = Some(outcome);
        entry.answered_at = Some(now);
        entry.handle.0.extend(handle.0.clone());
    }

    /// Runs a step; `Some` when the post cannot go on.
    pub(super) async fn run(&mut self, step: Step) -> Option<Failure> {
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
                let settle = TimeDelta::from_std(self.client.settle()).unwrap();
                self.wait(settle / 3);
                let settled = self.stage.now >= entry.deadline_at + settle;
                if settled && self.absent >= self.client.confirmations() {
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

    /// One step or one reading; `Some` at the end.
    pub(super) async fn step(&mut self) -> Option<End> {
        self.stage.now = self.sim.clock().now();
        if let Some(entry) = self.stage.ledger.unsettled(self.stage.post.attempt).cloned() {
            return self.reconcile(entry).await;
        }
        let failure = match self.client.next(&self.stage.view()) {
            Next::Step(step) => {
                if let NotBefore::At(at) = step.not_before
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
                return Some(End::Published(Box::new(self.stage.post.clone())));
            }
            Next::Rejected(failure) => {
                self.stage.post.attempt += 1;
                self.after_failure(failure).await
            }
            Next::Delivered { .. } => panic!("there is no inbox"),
        };
        failure.map(End::Failed)
    }

    pub(super) async fn play(&mut self) -> End {
        for _ in 0..200 {
            if let Some(end) = self.step().await {
                return end;
            }
        }
        panic!("no end: {:?}", self.stage.ledger);
    }

    /// Plays to the end, which every scripted fault has to strike before.
    pub(super) async fn play_out(&mut self) -> End {
        let end = self.play().await;
        assert_eq!(self.sim.unspent_faults(), [""; 0], "faults that never struck prove nothing: {end:?}");
        end
    }

    /// Plays to the end, which has to be one visible post whose id and link are known.
    pub(super) async fn publishes_once(&mut self, what: &str) {
        let end = self.play_out().await;
        let posts = self.sim.posts();
        assert_eq!(posts.len(), 1, "{what}: {end:?}");
        let End::Published(post) = end else { panic!("{what}: {end:?}") };
        assert!(post.platform_post_id.is_some(), "{what}: id");
        assert!(post.platform_post_url.is_some(), "{what}: link");
    }

    /// How often the simulator refused an operation.
    pub(super) fn refused(&self, operation: &str) -> usize {
        let filter = Filter { operation: Some(operation.into()), succeeded: Some(false), ..Filter::default() };
        self.sim.requests(&filter).len()
    }

    pub(super) fn times(&self, step: &str) -> usize {
        self.stage.ledger.entries().iter().filter(|entry| entry.step == step).count()
    }
}
