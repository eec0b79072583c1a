//! What must be true between the posts' rows and what can be seen on the platforms, each post taken by itself and all of
//! them together. A visible post is recognised by its bytes: what it shows is one row's own video, so an orphan, a mixture
//! of two files or a post on somebody else's account is found whatever its text says.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{LazyLock, Mutex, PoisonError},
};

use anyhow::{Result, bail};
use aurareels_core::domain::post::Status;
use aurareels_simulator::VisiblePost;
use chrono::{DateTime, TimeDelta, Utc};

use crate::rig::Rig;

/// Instagram's times are whole milliseconds.
const GRAIN: TimeDelta = TimeDelta::milliseconds(1);

/// What must not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// Visible more than once.
    Doubled,
    /// The platform had the request before the post's time.
    Early,
    /// Visible on another account than its row's.
    WrongAccount,
    /// Visible, and no row's video.
    Orphaned,
    /// Visible under another text than its row's.
    WrongText,
    /// Its row holds the id of something else, or two rows hold one id.
    WrongId,
    /// Called published, and nobody can see it.
    FalselyPublished,
    /// Called failed, and visible.
    FalselyFailed,
    /// Called cancelled, and visible.
    FalselyCancelled,
    /// Its events do not say what its row says, or there are none.
    Untold,
    /// More than one first comment stands under it.
    CommentedTwice,
}

impl Kind {
    pub(crate) const ALL: [Self; 11] = [
        Self::Doubled,
        Self::Early,
        Self::WrongAccount,
        Self::Orphaned,
        Self::WrongText,
        Self::WrongId,
        Self::FalselyPublished,
        Self::FalselyFailed,
        Self::FalselyCancelled,
        Self::Untold,
        Self::CommentedTwice,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Doubled => "doubled",
            Self::Early => "early",
            Self::WrongAccount => "wrong account",
            Self::Orphaned => "orphaned",
            Self::WrongText => "wrong text",
            Self::WrongId => "wrong id",
            Self::FalselyPublished => "falsely published",
            Self::FalselyFailed => "falsely failed",
            Self::FalselyCancelled => "cancelled but visible",
            Self::Untold => "untold",
            Self::CommentedTwice => "commented twice",
        }
    }
}

/// Something that must not be, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) kind: Kind,
    pub(crate) what: String,
}

/// A post's row, as far as it is compared.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) id: i64,
    pub(crate) status: Status,
    pub(crate) platform: String,
    /// The platform's id of its account.
    pub(crate) account: String,
    pub(crate) scheduled_at: Option<DateTime<Utc>>,
    pub(crate) platform_post_id: Option<String>,
    pub(crate) text: String,
    /// SHA-256 of its video; two where the file behind its link is replaced on the way.
    pub(crate) videos: Vec<String>,
    /// The status that its last event tells.
    pub(crate) last_event: Option<String>,
    /// How often it was begun.
    pub(crate) attempts: usize,
}

/// Everything is as it must be; the times are those of the rows, if no caller moved a post.
pub(crate) async fn hold(rig: &Rig) -> Result<()> {
    let told = rows(rig).await?;
    let findings = judge(&told, &rig.sim.posts(), |row, _| row.scheduled_at.filter(|_| !rig.moved_by_hand));
    if let Some(finding) = findings.first() {
        bail!("{}: {}", finding.kind.name(), finding.what);
    }
    Ok(())
}

/// All rows with the videos that they are about.
pub(crate) async fn rows(rig: &Rig) -> Result<Vec<Told>> {
    let told = "SELECT p.id, p.platform, p.status, p.scheduled_at, p.platform_post_id, p.full_caption, p.video_url, \
                       p.attempt, a.account_id, e.status AS last_event \
                FROM aurareels_social_posts p JOIN aurareels_social_accounts a ON a.id = p.social_account_id \
                LEFT JOIN (SELECT post_id, MAX(sequence) AS sequence FROM aurareels_events \
                           WHERE status IS NOT NULL GROUP BY post_id) newest ON newest.post_id = p.id \
                LEFT JOIN aurareels_events e ON e.sequence = newest.sequence ORDER BY p.id";
    let rows = rig.database.rows(told).await?;
    rows.iter()
        .map(|row| {
            Ok(Told {
                id: row.int("id")?,
                status: row.text("status")?.parse()?,
                platform: row.text("platform")?,
                account: row.text("account_id")?,
                scheduled_at: row.opt_time("scheduled_at")?,
                platform_post_id: row.opt_text("platform_post_id")?,
                text: row.text("full_caption")?,
                videos: hashes(&row.text("video_url")?)?,
                last_event: row.opt_text("last_event")?,
                attempts: usize::try_from(row.int("attempt")?).unwrap_or_default(),
            })
        })
        .collect()
}

/// The hashes of the files behind a link to the simulator's media host; worked out once per file.
fn hashes(url: &str) -> Result<Vec<String>> {
    static KNOWN: LazyLock<Mutex<HashMap<String, Vec<String>>>> = LazyLock::new(Mutex::default);
    // The host's port differs from case to case, the files do not.
    let file = url.split_once("/v/").map_or(url, |(_, file)| file).to_owned();
    if let Some(known) = KNOWN.lock().unwrap_or_else(PoisonError::into_inner).get(&file) {
        return Ok(known.clone());
    }
    let hashes = aurareels_simulator::sha256_of(url)?;
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner).insert(file, hashes.clone());
    Ok(hashes)
}

/// What a visible post says. A video of YouTube's shows its title first, which is made of the text.
fn text_of(post: &VisiblePost) -> &str {
    match post.platform {
        "youtube" => post.caption.split_once("\n\n").map_or("", |(_, description)| description),
        _ => &post.caption,
    }
}

/// Compares rows and visible posts. `earliest` says from when on the platform might have the request that made a post
/// visible which had it at that instant; `None`: at any time.
pub(crate) fn judge(
    rows: &[Told],
    visible: &[VisiblePost],
    earliest: impl Fn(&Told, DateTime<Utc>) -> Option<DateTime<Utc>>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |kind, what: String| findings.push(Finding { kind, what });
    let mut by_video: HashMap<&str, Vec<&Told>> = HashMap::new();
    for row in rows {
        for video in &row.videos {
            by_video.entry(video).or_default().push(row);
        }
    }
    let mut of_row: HashMap<i64, Vec<&VisiblePost>> = HashMap::new();
    for post in visible {
        let named = format!("{} {} ({:?}) on {}", post.platform, post.platform_post_id, post.caption, post.account_id);
        let mut owners = post.sha256.as_deref().and_then(|video| by_video.get(video)).cloned().unwrap_or_default();
        if owners.is_empty() {
            let (bytes, from) = (post.byte_count, &post.source);
            find(Kind::Orphaned, format!("{named} shows a video that is no row's: {bytes:?} bytes of {from:?}"));
            continue;
        }
        owners.retain(|row| row.account == post.account_id && row.platform == post.platform);
        // One video may be posted again on purpose, under another text.
        if owners.len() > 1 {
            owners.retain(|row| row.text == text_of(post));
        }
        match owners.as_slice() {
            [] => find(Kind::WrongAccount, format!("{named} is of a row of another account")),
            [row] => of_row.entry(row.id).or_default().push(post),
            several => find(Kind::WrongId, format!("{named} could be of {} rows", several.len())),
        }
    }
    let mut holders: BTreeMap<(&str, &str), Vec<i64>> = BTreeMap::new();
    for row in rows {
        let posts = of_row.get(&row.id).map(Vec::as_slice).unwrap_or_default();
        let named = format!("post {} ({:?}) is {}, {} visible", row.id, row.text, row.status, posts.len());
        if posts.len() > 1 {
            find(Kind::Doubled, named.clone());
        }
        match row.status {
            Status::Published if posts.is_empty() => find(Kind::FalselyPublished, named.clone()),
            Status::Failed if !posts.is_empty() => find(Kind::FalselyFailed, named.clone()),
            Status::Cancelled if !posts.is_empty() => find(Kind::FalselyCancelled, named.clone()),
            _ => {}
        }
        for post in posts {
            if text_of(post) != row.text {
                find(Kind::WrongText, format!("{named}, as {:?}", post.caption));
            }
            if post.comments.len() > 1 {
                find(Kind::CommentedTwice, format!("{named}, with {} first comments", post.comments.len()));
            }
            if let Some(time) = earliest(row, post.asked_at)
                && post.asked_at + GRAIN < time
            {
                find(Kind::Early, format!("{named}: asked for at {}, its time was {time}", post.asked_at));
            }
        }
        if let Some(id) = row.platform_post_id.as_deref() {
            holders.entry((&row.platform, id)).or_default().push(row.id);
            let is_its_own = posts
                .iter()
                .any(|post| post.platform_post_id == id || post.further_ids.iter().any(|further| further == id));
            if !is_its_own {
                find(Kind::WrongId, format!("{named}: it holds the id {id}"));
            }
        }
        if row.last_event.as_deref() != Some(row.status.as_str()) {
            find(Kind::Untold, format!("{named}: its last event says {:?}", row.last_event));
        }
    }
    for ((_, id), rows) in holders.iter().filter(|(_, rows)| rows.len() > 1) {
        find(Kind::WrongId, format!("posts {rows:?} hold one id, {id}"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn row(id: i64) -> Told {
        Told {
            id,
            status: Status::Published,
            platform: "tiktok".to_owned(),
            account: "ada".to_owned(),
            scheduled_at: Some(time(60)),
            platform_post_id: Some(format!("9{id}")),
            text: format!("text {id}"),
            videos: vec![format!("video {id}")],
            last_event: Some("published".to_owned()),
            attempts: 1,
        }
    }

    fn post(row: &Told) -> VisiblePost {
        VisiblePost {
            number: 1,
            platform: "tiktok",
            account_id: row.account.clone(),
            account_name: String::new(),
            platform_post_id: format!("9{}", row.id),
            further_ids: Vec::new(),
            caption: row.text.clone(),
            privacy: "PUBLIC".to_owned(),
            made_at: time(90),
            asked_at: time(61),
            source_id: String::new(),
            source: String::new(),
            byte_count: None,
            sha256: Some(row.videos[0].clone()),
            url: None,
            comments: Vec::new(),
            removed_at: None,
        }
    }

    fn kinds(rows: &[Told], posts: &[VisiblePost]) -> Vec<Kind> {
        judge(rows, posts, |row, _| row.scheduled_at).into_iter().map(|finding| finding.kind).collect()
    }

    #[test]
    fn nothing_is_found_where_all_is_well() {
        let (one, two) = (row(1), row(2));
        assert_eq!(kinds(&[one.clone(), two.clone()], &[post(&one), post(&two)]), []);
    }

    #[test]
    fn each_kind_of_harm_is_found() {
        let (one, two) = (row(1), row(2));
        let with = |change: &dyn Fn(&mut Told, &mut VisiblePost)| {
            let (mut row, mut seen) = (one.clone(), post(&one));
            change(&mut row, &mut seen);
            kinds(&[row, two.clone()], &[seen, post(&two)])
        };
        assert_eq!(with(&|_, seen| seen.asked_at = time(59)), [Kind::Early]);
        assert_eq!(with(&|_, seen| seen.caption.push('!')), [Kind::WrongText]);
        assert_eq!(with(&|row, _| row.platform_post_id = Some("other".to_owned())), [Kind::WrongId]);
        assert_eq!(with(&|row, _| row.platform_post_id = Some("92".to_owned())), [Kind::WrongId, Kind::WrongId]);
        let twice = |seen: &mut VisiblePost| seen.comments = vec!["first".to_owned(); 2];
        assert_eq!(with(&|_, seen| twice(seen)), [Kind::CommentedTwice]);
        assert_eq!(with(&|row, _| row.last_event = None), [Kind::Untold]);
        assert_eq!(with(&|row, _| row.last_event = Some("publishing".to_owned())), [Kind::Untold]);
        let fails = |status: Status| {
            with(&move |row, _| {
                row.status = status;
                row.last_event = Some(status.as_str().to_owned());
            })
        };
        assert_eq!(fails(Status::Failed), [Kind::FalselyFailed]);
        assert_eq!(fails(Status::Cancelled), [Kind::FalselyCancelled]);
        let unbound = |row: &mut Told| row.platform_post_id = None;
        let elsewhere = with(&|row, seen| {
            unbound(row);
            seen.account_id = "bo".to_owned();
        });
        assert_eq!(elsewhere, [Kind::WrongAccount, Kind::FalselyPublished]);
        let mixed = with(&|row, seen| {
            unbound(row);
            seen.sha256 = Some("half of each".to_owned());
        });
        assert_eq!(mixed, [Kind::Orphaned, Kind::FalselyPublished]);
        assert_eq!(kinds(std::slice::from_ref(&one), &[post(&one), post(&one)]), [Kind::Doubled]);
    }

    #[test]
    fn equal_texts_are_told_apart_by_their_videos() {
        let (one, mut two) = (row(1), row(2));
        two.text.clone_from(&one.text);
        assert_eq!(kinds(&[one.clone(), two.clone()], &[post(&one), post(&two)]), []);
        // The second row took the first one's post for its own, and its own is lost.
        two.platform_post_id = Some("91".to_owned());
        assert_eq!(kinds(&[one.clone(), two], &[post(&one)]), [Kind::FalselyPublished, Kind::WrongId, Kind::WrongId]);
    }
}
