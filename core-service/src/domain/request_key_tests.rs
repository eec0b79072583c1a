//! Which rows are the post of a request, which stand in its way, and which have nothing to do with it.

use chrono::TimeDelta;
use serde_json::json;

use super::*;
use crate::domain::{
    account::{Account, Health},
    ids::{AccountId, PostId, UserId},
    media::StoredFacts,
    platform::{LoginFlavour, Platform},
};

const URL: &str = "https://cdn.example/v/1.mp4?UniqueId=7f&tempauth=A";

fn now() -> DateTime<Utc> {
    "2026-11-29T12:00:00Z".parse().unwrap()
}

fn account() -> Account {
    Account {
        id: AccountId(1),
        wp_user_id: UserId(1),
        platform: Platform::Tiktok,
        login_flavour: LoginFlavour::Tiktok,
        account_id: "open-1".to_owned(),
        account_name: "Creator".to_owned(),
        account_username: None,
        account_email: None,
        profile_picture_url: None,
        token_expires_at: None,
        refresh_token_expires_at: None,
        token_scope: Vec::new(),
        is_active: true,
        last_token_refresh: None,
        token_version: 1,
        health: Health::Ok,
        health_reason: None,
        grant_id: None,
        metadata: json!(null),
        quota_blocked_until: None,
        created_at: now(),
        updated_at: now(),
    }
}

fn content(url: &str) -> Content {
    Content { video_url: url.into(), privacy_level: "PUBLIC".into(), ..Content::default() }
}

/// A keyless request for now, of a file.
fn request(url: &str, file: Option<(&str, u64)>) -> RequestKeys {
    asked(url, file, Asked::default(), None)
}

fn asked(url: &str, file: Option<(&str, u64)>, asked: Asked, key: Option<&str>) -> RequestKeys {
    let is_now = asked.at.is_none();
    let mut keys = RequestKeys::of(&account(), &content(url), "", "hello", asked, key.map(str::to_owned));
    keys.valid_since = is_now.then(|| now() - TimeDelta::hours(24));
    keys.refuse_duplicates_since = Some(now() - TimeDelta::hours(24));
    match file {
        Some((identity, size)) => keys.with_file(identity, size),
        None => keys,
    }
}

/// The row that a request made.
struct Row {
    post: Post,
    keys: RequestKeys,
    is_old: bool,
}

impl Row {
    fn of(keys: &RequestKeys, url: &str) -> Self {
        let mut post = Post::blank(&account(), Status::Publishing, now());
        post.id = PostId(1);
        post.content = content(url);
        post.request_key.clone_from(&keys.key);
        post.request_key_derived = keys.is_derived;
        Self { post, keys: keys.clone(), is_old: false }
    }

    /// As a core of an older release made it.
    fn older(url: &str, size: u64) -> Self {
        let keys = request(url, None);
        let mut row = Self::of(&keys, url);
        row.post.request_key.clone_from(&keys.by_address);
        row.post.media_facts = Some(StoredFacts::from_json(&json!({ "size_bytes": size }).to_string()).unwrap());
        Self { is_old: true, ..row }
    }

    fn at_rest(mut self, status: Status, hours: i64) -> Self {
        self.post.status = status;
        self.post.created_at = now() - TimeDelta::days(40);
        self.post.status_since = now() - TimeDelta::hours(hours);
        self
    }

    fn to(&self, request: &RequestKeys) -> Relation {
        request.relation(KeyHolder {
            post: &self.post,
            posted: self.keys.posted.as_deref().filter(|_| !self.is_old),
            link: self.keys.link.as_deref().filter(|_| !self.is_old),
            by_address: self.keys.by_address.as_deref(),
        })
    }
}

const FILM: Option<(&str, u64)> = Some(("file:9:aa", 9));
const OTHER: Option<(&str, u64)> = Some(("file:9:bb", 9));
const ANEW: &str = "https://cdn.example/v/1.mp4?UniqueId=7f&tempauth=B";

#[test]
fn a_file_is_one_video_behind_every_link_and_two_files_are_two_behind_one() {
    let row = Row::of(&request(URL, FILM), URL);
    for (url, file, expected) in [
        (URL, FILM, Relation::Held),
        (ANEW, FILM, Relation::Held),
        ("https://other.example/copy.mp4", FILM, Relation::Held),
        (URL, OTHER, Relation::OtherVideo),
        (ANEW, OTHER, Relation::Apart),
        (URL, None, Relation::Held),
        (ANEW, None, Relation::Apart),
    ] {
        assert_eq!(row.to(&request(url, file)), expected, "{url} {file:?}");
    }
}

#[test]
fn token_only_links_are_told_apart_by_their_files() {
    let [one, two] = ["https://cdn.example/signed?token=A", "https://cdn.example/signed?token=B"];
    let row = Row::of(&request(one, FILM), one);
    assert_eq!(row.to(&request(two, OTHER)), Relation::Apart);
    assert_eq!(row.to(&request(two, FILM)), Relation::Held);
    let older = Row::older(one, 9);
    assert_eq!(older.to(&request(two, Some(("file:8:bb", 8)))), Relation::Apart);
    assert_eq!(older.to(&request(two, None)), Relation::Apart);
}

#[test]
fn keys_of_older_rows_still_match() {
    let signed = "https://cdn.example/v/1.mp4?X-Amz-Signature=1";
    let row = Row::older(signed, 9);
    for (url, file, expected) in [
        (signed, FILM, Relation::Held),
        (signed, None, Relation::Held),
        ("https://cdn.example/v/1.mp4?X-Amz-Signature=2", FILM, Relation::Held),
        (signed, Some(("file:8:aa", 8)), Relation::OtherVideo),
        ("https://cdn.example/v/2.mp4", FILM, Relation::Apart),
    ] {
        assert_eq!(row.to(&request(url, file)), expected, "{url} {file:?}");
    }
    let mut edited = Row::older(signed, 9);
    edited.post.content.video_url = "https://cdn.example/new.mp4".into();
    assert_eq!(edited.to(&request(signed, Some(("file:8:aa", 8)))), Relation::Held, "edited since");
    let other_key = asked(signed, FILM, Asked::default(), Some("mine"));
    assert_eq!(row.to(&other_key), Relation::Duplicate);
}

#[test]
fn a_derived_key_counts_for_a_day_from_rest_and_waiting_is_no_rest() {
    let made = request(URL, FILM);
    let is = |status, hours| Row::of(&made, URL).at_rest(status, hours).to(&made);
    for status in [Status::Scheduled, Status::Publishing, Status::Confirming, Status::NeedsReview, Status::Delivered] {
        assert_eq!(is(status, 900), Relation::Held, "{status}");
    }
    for status in [Status::Published, Status::Failed] {
        assert_eq!((is(status, 23), is(status, 25)), (Relation::Held, Relation::Ended), "{status}");
    }
    let gone = Row::of(&made, URL).at_rest(Status::Published, 25);
    assert_eq!(gone.to(&request(URL, OTHER)), Relation::Apart, "the link is free for another video");
    let due = Asked { at: Some(now()), wall: None };
    let scheduled = asked(URL, FILM, due, None);
    assert_eq!(Row::of(&scheduled, URL).at_rest(Status::Published, 900).to(&scheduled), Relation::Held);
}

#[test]
fn the_same_under_another_key_is_a_duplicate_until_a_day_after_it_went_live() {
    let made = asked(URL, FILM, Asked::default(), Some("one"));
    let is = |status, hours| {
        let row = Row::of(&made, URL).at_rest(status, hours);
        let [two, keyless] = [Some("two"), None].map(|key| asked(ANEW, FILM, Asked::default(), key));
        assert_eq!(row.to(&two), row.to(&keyless), "{status}");
        row.to(&two)
    };
    for status in [Status::Scheduled, Status::Publishing, Status::Confirming, Status::NeedsReview, Status::Delivered] {
        assert_eq!(is(status, 900), Relation::Duplicate, "{status}");
    }
    assert_eq!((is(Status::Published, 23), is(Status::Published, 25)), (Relation::Duplicate, Relation::Apart));
    assert_eq!((is(Status::Failed, 1), is(Status::Cancelled, 1)), (Relation::Apart, Relation::Apart));
    let mut meant = asked(URL, FILM, Asked::default(), Some("two"));
    meant.refuse_duplicates_since = None;
    assert_eq!(Row::of(&made, URL).to(&meant), Relation::Apart);
}

#[test]
fn a_wall_time_is_the_same_request_under_every_rule_of_its_zone() {
    let wall = |hour: i64| Asked {
        at: Some(now() + TimeDelta::hours(hour)),
        wall: Some("2026-12-25T18:00:00@America/Vancouver".into()),
    };
    let row = Row::of(&asked(URL, FILM, wall(1), None), URL);
    assert_eq!(row.to(&asked(ANEW, FILM, wall(2), None)), Relation::Held, "newer rules");
    let instant = Asked { at: wall(1).at, wall: None };
    assert_eq!(row.to(&asked(URL, FILM, instant, None)), Relation::Held, "the same instant in other words");
    let later = Asked { at: wall(2).at, wall: None };
    assert_eq!(row.to(&asked(URL, FILM, later, None)), Relation::Apart);
}

#[test]
fn the_formula_of_older_releases_stays_as_it_was() {
    let keys = request("https://cdn.example/v/1.mp4?token=A", FILM);
    assert_eq!(keys.by_address.as_deref(), Some("derived:d37dff130f0a63ecf160ae200bdfe047"));
    assert_ne!(keys.key, keys.by_address);
}

#[test]
fn named_videos_keep_their_keys() {
    for content in [
        Content { video_job_id: "job-1".into(), video_url: URL.into(), ..Content::default() },
        Content { media_id: "ab".repeat(32), ..Content::default() },
    ] {
        let keys = RequestKeys::of(&account(), &content, "", "hello", Asked::default(), None);
        assert_eq!((&keys.key, &keys.posted, &keys.link), (&keys.by_address, &keys.by_address, &None));
        assert_eq!(keys.clone().with_file("file:9:aa", 9), keys, "the name counts, not the file");
    }
}

#[test]
fn a_fingerprint_names_what_differs() {
    let of = |url: &str, file, key| asked(url, file, Asked::default(), Some(key));
    let made = of(URL, FILM, "k").fingerprint.to_json();
    assert_eq!(of(ANEW, FILM, "k").fingerprint.differences(&made), Vec::<String>::new(), "signed anew");
    assert_eq!(of(URL, OTHER, "k").fingerprint.differences(&made), ["content.video_url"], "overwritten");
    assert_eq!(of(URL, None, "k").fingerprint.differences(&made), Vec::<String>::new(), "out of reach");
    let differences = of(ANEW, None, "k").fingerprint.differences(&made);
    assert!(Fingerprint::is_only_video(&differences), "{differences:?}");

    let other = Content { privacy_level: "PRIVATE".into(), ..content(URL) };
    let other = RequestKeys::of(&account(), &other, "", "hullo", Asked::default(), None).fingerprint;
    assert_eq!(other.differences(&made), ["content.caption", "content.privacy_level"]);

    let cover = |url: &str| Content { thumbnail_url: Some(url.into()), ..content(URL) };
    let of_cover = |url: &str| RequestKeys::of(&account(), &cover(url), "", "", Asked::default(), None).fingerprint;
    let signed = of_cover("https://cdn.example/c.jpg?tempauth=A");
    assert_eq!(of_cover("https://cdn.example/c.jpg?tempauth=B").differences(&signed.to_json()), Vec::<String>::new());
    assert_eq!(of_cover("https://cdn.example/d.jpg").differences(&signed.to_json()), ["content.thumbnail_url"]);
}

#[test]
fn fingerprints_of_older_rows_still_match() {
    let mut old = request("https://cdn.example/1.mp4?Signature=1", None).fingerprint;
    for field in [VIDEO, LINK, WALL, THUMBNAIL] {
        old.0.remove(field);
    }
    let old = old.to_json();
    let is = |url: &str| request(url, FILM).fingerprint.differences(&old);
    assert_eq!(is("https://cdn.example/1.mp4?Signature=2"), Vec::<String>::new());
    assert_eq!(is("https://cdn.example/2.mp4"), ["content.video_url"]);
}

#[test]
fn what_older_releases_took_for_a_signature() {
    let plain = "https://cdn.example/v/1.mp4";
    assert_eq!(unsigned(plain), plain);
    let signed = "https://cdn.example/v/1.mp4?X-Amz-Signature=abc&X-Amz-Expires=60&Expires=1&Signature=q#t=3";
    assert_eq!(unsigned(signed), plain);
    assert_eq!(unsigned("https://cdn.example/v?id=7&token=abc"), "https://cdn.example/v?id=7");
}
