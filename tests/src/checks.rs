//! What holds at the end of every scenario.
//!
//! Exactly the expected posts are visible, each belongs to one row, and every published row has its post; no claim and no
//! due row is left; the events tell every change of status once, in order, and end where the row is; the simulator was
//! asked nothing that the platforms do not have; every scripted fault struck; no credential stands in a file, in the log, in an event or an answer.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
};

use aurareels_proto::v1::{AttemptStep, Event, EventType, ListPostsRequest, Post, PostStatus, StepOutcome};
use aurareels_simulator::{Filter, Host};
use chrono::{DateTime, TimeDelta, Utc};
use prost_types::{Struct, Value, value::Kind};

use crate::{User, World, log, posting::time};

/// How long events are kept.
const KEPT: TimeDelta = TimeDelta::days(30);

impl World {
    /// Ends a scenario: `visible` posts must have become visible on the platforms, no more and no less.
    pub async fn finish(mut self, visible: usize) {
        self.settled().await;
        let mut shown = Vec::new();
        let mut rows = Vec::new();
        for id in self.db.users().await {
            let user = self.user(id);
            let posts = user.all_posts().await;
            let events = user.events().await;
            check_events(&posts, &events, self.now() - KEPT);
            let accounts = user.list_accounts().await;
            shown.push(format!("{posts:?} {events:?} {accounts:?}"));
            rows.extend(posts);
        }
        self.check_visible(&rows, visible);
        self.check_calls();
        assert_eq!(self.sim.unspent_faults(), [""; 0], "faults that never struck prove nothing");
        let tables = self.db.contents().await;
        self.end().await;
        self.check_secrets(tables, &shown);
    }

    /// Waits until nothing is claimed or due any more, follow-ups of live posts included.
    async fn settled(&self) {
        self.idle().await;
    }

    fn check_visible(&self, rows: &[Post], expected: usize) {
        let visible = self.sim.posts();
        assert_eq!(visible.len(), expected, "visible: {visible:#?}\nrows: {rows:#?}");
        let mut owners: HashMap<&str, i64> = HashMap::new();
        let mut published: Vec<&Post> = rows.iter().filter(|post| post.status() == PostStatus::Published).collect();
        // Posts whose id the platform told come first; the others are looked for among what is left.
        published.sort_by_key(|post| post.platform_post_id.is_empty());
        for post in published {
            let platform = post.platform().as_str_name().trim_start_matches("PLATFORM_").to_ascii_lowercase();
            let last = post.attempts.last().unwrap_or_else(|| panic!("published without an attempt: {post:#?}"));
            let word = last.steps.iter().any(says_live);
            let resolved = last.steps.iter().any(resolved_by_hand);
            assert!(word || resolved, "published without the platform's word: {post:#?}");
            let own = visible.iter().find(|seen| {
                seen.platform == platform
                    && if post.platform_post_id.is_empty() {
                        seen.caption == post.full_caption && !owners.contains_key(seen.platform_post_id.as_str())
                    } else {
                        seen.platform_post_id == post.platform_post_id
                            || post.all_platform_post_ids.contains(&seen.platform_post_id)
                    }
            });
            let Some(own) = own else { panic!("published, but not visible: {post:#?}\n{visible:#?}") };
            if let Some(other) = owners.insert(&own.platform_post_id, post.id) {
                panic!("posts {other} and {} hold the same post", post.id);
            }
        }
    }

    fn check_calls(&self) {
        for entry in self.sim.requests(&Filter::default()) {
            // `doctor` asks for the time of day.
            let is_for_its_date = entry.method == "HEAD" && entry.path == "/";
            let is_known = !entry.operation.ends_with(".unknown") || entry.host == Host::Media || is_for_its_date;
            assert!(is_known, "unexpected: {entry:?}");
        }
    }

    fn check_secrets(&self, tables: Vec<(String, Vec<u8>)>, shown: &[String]) {
        let secrets = self.secrets();
        let in_tables = !tables.is_empty();
        let mut files = files(&self.data_dir());
        files.extend(tables);
        // The search itself works: what stands there for sure is found.
        let known = |bytes: &[u8]| log::contains(bytes, b"aurareels_social_posts");
        let is_database = |name: &str| name.ends_with(".db") || (in_tables && name == "aurareels_social_posts");
        assert!(files.iter().any(|(name, bytes)| is_database(name) && known(bytes)), "no database was searched");
        assert!(log::holds(self.log_from(), "is ready"), "nothing was logged");
        assert!(secrets.len() > 5, "no secrets to look for");
        for secret in secrets {
            for (name, bytes) in &files {
                assert!(!log::contains(bytes, secret.as_bytes()), "{name} holds the secret {secret}");
            }
            assert!(!log::holds(self.log_from(), &secret), "the log holds the secret {secret}");
            assert!(!shown.iter().any(|text| text.contains(&secret)), "an answer holds the secret {secret}");
        }
    }
}

impl User<'_> {
    /// All posts with their attempts.
    pub async fn all_posts(&self) -> Vec<Post> {
        let mut posts = Vec::new();
        let mut request = ListPostsRequest { page_size: 500, ..ListPostsRequest::default() };
        loop {
            let page = self.posts().list_posts(request.clone()).await.expect("posts").into_inner();
            for post in page.posts {
                posts.push(self.get(post.id).await);
            }
            if page.next_page_token.is_empty() {
                return posts;
            }
            request.page_token = page.next_page_token;
        }
    }
}

/// Whether a step holds the platform's word that the post is live: Instagram's answer to the publish, a status that says
/// so, or a match in the account's list. Taking a container, a chunk or a snapshot is no such word.
fn says_live(step: &AttemptStep) -> bool {
    let evidence = step.evidence.as_ref();
    let says = |name: &str, words: &[&str]| evidence.is_some_and(|seen| holds_word(seen, name, words));
    let taken =
        matches!(step.outcome(), StepOutcome::Accepted | StepOutcome::Found) && evidence.is_none_or(is_of_platform);
    taken
        && match step.step.as_str() {
            "instagram.media_publish" => true,
            "facebook.status" | "facebook.finish" => says("status", &["published"]),
            "youtube.publish" | "youtube.upload_last" => true,
            "youtube.status" => says("privacy", &["public", "unlisted", "private"]),
            "instagram.container_status" => says("status_code", &["PUBLISHED"]),
            "instagram.snapshot" => says("match", &["one"]),
            "tiktok.status" | "tiktok.upload" | "tiktok.upload_last" => says("status", &["PUBLISH_COMPLETE"]),
            // Found after a backup was restored, by a handle of the ledger or in the account's list.
            "restore.search" => step.outcome() == StepOutcome::Found,
            // Found among the creator's videos; its accepted answer is no word.
            "tiktok.video_init_pull" => step.outcome() == StepOutcome::Found,
            _ => false,
        }
}

/// A person's word settled this step.
fn resolved_by_hand(step: &AttemptStep) -> bool {
    step.evidence.as_ref().is_some_and(|evidence| !is_of_platform(evidence))
}

fn is_of_platform(evidence: &Struct) -> bool {
    !evidence.fields.contains_key("resolved_by_hand")
}

/// Whether evidence, or one of the readings in it, has one of these words under a name.
fn holds_word(evidence: &Struct, name: &str, words: &[&str]) -> bool {
    let is_word =
        |value: &Value| matches!(&value.kind, Some(Kind::StringValue(text)) if words.contains(&text.as_str()));
    let readings = match evidence.fields.get("readings").and_then(|value| value.kind.as_ref()) {
        Some(Kind::ListValue(list)) => list.values.as_slice(),
        _ => &[],
    };
    let in_reading = |reading: &Value| matches!(&reading.kind, Some(Kind::StructValue(reading)) if reading.fields.get(name).is_some_and(is_word));
    evidence.fields.get(name).is_some_and(is_word) || readings.iter().any(in_reading)
}

/// Every change of status has its event, once, in order.
fn check_events(posts: &[Post], events: &[Event], kept_since: DateTime<Utc>) {
    assert!(events.windows(2).all(|pair| pair[0].sequence < pair[1].sequence), "out of order: {events:#?}");
    let mut of_posts: BTreeMap<i64, Vec<&Event>> = BTreeMap::new();
    for event in events.iter().filter(|event| event.post_id != 0) {
        of_posts.entry(event.post_id).or_default().push(event);
    }
    for post in posts {
        let told = of_posts.get(&post.id).map(Vec::as_slice).unwrap_or_default();
        // Scenarios that move the clock by a month lose their oldest events.
        if post.created_at.as_ref().is_some_and(|at| time(at) < kept_since) {
            continue;
        }
        let first = told.first().unwrap_or_else(|| panic!("no event tells of {post:#?}"));
        assert_eq!(first.r#type(), EventType::PostCreated, "{told:#?}");
        let mut status = first.status();
        for event in &told[1..] {
            match event.r#type() {
                EventType::PostStatusChanged => {
                    assert_eq!(event.previous_status(), status, "a change is missing: {told:#?}");
                    assert_ne!(event.status(), status, "a change that is none: {told:#?}");
                    status = event.status();
                }
                // Rescheduling a draft schedules it.
                EventType::PostUpdated => status = event.status(),
                EventType::PostDetails => {}
                other => panic!("unexpected {other:?}: {told:#?}"),
            }
        }
        assert_eq!(status, post.status(), "the events end elsewhere than post {}: {told:#?}", post.id);
    }
}

fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.push((path.display().to_string(), std::fs::read(&path).expect("a file")));
        }
    }
    all
}
