//! What the tests of platforms and of the engine stand on: an account, a post of it, a video in memory, and all that a call borrows.

use std::{
    io,
    sync::{
        Mutex,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream};
use serde_json::Value;
use url::Url;

use super::{
    Call, Cover, Lease, Progress, Round, Tokens, Video, VideoStream, View,
    numbers::{NumbersClient, Seen},
};
use crate::domain::{
    account::{Account, Health},
    analytics::Price,
    failure::{Failure, FailureClass, Reason},
    ids::{AccountId, Fence, PostId, UserId},
    ledger::Ledger,
    media::{Container, MediaFacts, PictureFacts, VIDEO_CHANGED, VideoVersion},
    platform::{LoginFlavour, Platform},
    post::{Content, Post, Status},
};
use crate::secret::Secret;

/// A login's way with this redirect address, and the verifier of the sheet's test vector.
pub(crate) fn round(redirect_uri: &str) -> Round {
    let verifier = Some(Secret::new("aurareels-pkce-test-verifier-0123456789-abcdefghijk"));
    Round { redirect_uri: redirect_uri.to_owned(), verifier }
}

/// A healthy account of user 1.
pub(crate) fn account(platform: Platform, login_flavour: LoginFlavour, created_at: DateTime<Utc>) -> Account {
    Account {
        id: AccountId(1),
        wp_user_id: UserId(1),
        platform,
        login_flavour,
        account_id: "1".to_owned(),
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
        metadata: Value::Null,
        quota_blocked_until: None,
        created_at,
        updated_at: created_at,
    }
}

/// A post that is on its way since `now`.
pub(crate) fn post(account: &Account, content: Content, now: DateTime<Utc>) -> Post {
    Post {
        id: PostId(1),
        content,
        late_policy_seconds: 86_400,
        fence: Fence(1),
        ..Post::blank(account, Status::Publishing, now)
    }
}

/// A video in memory, handed out in pieces.
pub(super) struct Film {
    pub(super) bytes: Vec<u8>,
    /// Bytes of a piece.
    pub(super) piece: usize,
    /// The source breaks off at this byte.
    pub(super) breaks_at: Option<usize>,
    /// Another file takes its place after so many openings.
    pub(super) replaced_after: Option<usize>,
    /// The host tells versions apart when it is opened; else only `verify` can.
    pub(super) names_versions: bool,
    openings: AtomicUsize,
    pub(super) duration_ms: Option<u64>,
    /// Where a platform can fetch it.
    pub(super) url: Url,
}

impl Film {
    pub(super) fn new(size: usize, piece: usize, url: &str) -> Self {
        let bytes = (0..size).map(|index| u8::try_from(index % 251).unwrap()).collect();
        Self {
            bytes,
            piece,
            breaks_at: None,
            replaced_after: None,
            names_versions: true,
            openings: AtomicUsize::new(0),
            duration_ms: Some(30_000),
            url: url.parse().unwrap(),
        }
    }

    /// The version of a film of this size.
    pub(super) fn version_of(size_bytes: u64) -> VideoVersion {
        VideoVersion { size_bytes, etag: None, last_modified: None, identity: Some("the film".to_owned()) }
    }

    fn is(&self, version: &VideoVersion) -> Result<(), Failure> {
        let was_replaced = self.replaced_after.is_some_and(|after| self.openings.load(Ordering::SeqCst) >= after);
        if !was_replaced && *version == Self::version_of(self.bytes.len() as u64) {
            return Ok(());
        }
        let failure = Failure::new(FailureClass::Transient, Reason::VideoChanged, "the video was replaced by another");
        Err(failure.with_rule(VIDEO_CHANGED))
    }
}

#[async_trait]
impl Video for Film {
    async fn facts(&self) -> Result<MediaFacts, Failure> {
        Ok(MediaFacts {
            size_bytes: self.bytes.len() as u64,
            container: Container::Mp4,
            duration_ms: self.duration_ms,
            width: Some(1080),
            height: Some(1920),
            video_codec: None,
            frame_rate_millis: None,
            has_audio: None,
            audio: None,
            moov_first: None,
            picture: PictureFacts::default(),
        })
    }

    async fn version(&self) -> Result<VideoVersion, Failure> {
        Ok(Self::version_of(self.bytes.len() as u64))
    }

    async fn verify(&self, version: &VideoVersion) -> Result<(), Failure> {
        self.is(version)
    }

    async fn open(&self, first: u64, last: u64, version: &VideoVersion) -> Result<VideoStream, Failure> {
        if self.names_versions {
            self.is(version)?;
        }
        self.openings.fetch_add(1, Ordering::SeqCst);
        let (first, last) = (usize::try_from(first).unwrap(), usize::try_from(last).unwrap());
        let until = self.breaks_at.unwrap_or(usize::MAX).min(last + 1);
        let mut pieces: Vec<io::Result<Bytes>> = self.bytes[first..until.max(first)]
            .chunks(self.piece)
            .map(|piece| Ok(Bytes::copy_from_slice(piece)))
            .collect();
        if until <= last {
            pieces.push(Err(io::Error::other("the host went away")));
        }
        Ok(stream::iter(pieces).boxed())
    }

    async fn public_url(&self) -> Result<Url, Failure> {
        Ok(self.url.clone())
    }

    async fn cover(&self) -> Result<Cover, Failure> {
        let picture = Bytes::from_static(b"\xff\xd8\xff\xe0 a picture");
        Ok(Cover { size_bytes: picture.len() as u64, bytes: stream::iter([Ok(picture)]).boxed() })
    }
}

/// A claim that holds for so many questions.
pub(super) struct Held(pub(super) AtomicI64);

impl Lease for Held {
    fn holds(&self) -> bool {
        self.0.fetch_sub(1, Ordering::SeqCst) > 0
    }
}

/// Bytes sent and bytes in all, as they were told.
#[derive(Default)]
pub(super) struct Told(pub(super) Mutex<Vec<(u64, u64)>>);

impl Progress for Told {
    fn uploaded(&self, sent: u64, total: u64) {
        self.0.lock().unwrap().push((sent, total));
    }
}

/// Everything that a call borrows.
pub(super) struct Stage {
    pub(super) post: Post,
    pub(super) account: Account,
    pub(super) ledger: Ledger,
    pub(super) now: DateTime<Utc>,
    pub(super) tokens: Tokens,
    pub(super) video: Film,
    pub(super) lease: Held,
    pub(super) progress: Told,
    pub(super) bound_platform_ids: Vec<String>,
    pub(super) same_caption_in_flight: bool,
}

impl Stage {
    /// With an empty ledger and a claim that holds for ever, at the time at which the post began.
    pub(super) fn new(post: Post, account: Account, tokens: Tokens, video: Film) -> Self {
        Self {
            now: post.created_at,
            post,
            account,
            ledger: Ledger::default(),
            tokens,
            video,
            lease: Held(AtomicI64::new(i64::MAX)),
            progress: Told::default(),
            bound_platform_ids: Vec::new(),
            same_caption_in_flight: false,
        }
    }

    pub(super) fn view(&self) -> View<'_> {
        View { post: &self.post, account: &self.account, ledger: &self.ledger, now: self.now }
    }

    pub(super) fn call(&self) -> Call<'_> {
        Call {
            view: self.view(),
            tokens: &self.tokens,
            video: &self.video,
            lease: &self.lease,
            progress: &self.progress,
            bound_platform_ids: &self.bound_platform_ids,
            same_caption_in_flight: self.same_caption_in_flight,
        }
    }
}

/// A platform that tells nothing of how posts do.
pub(crate) struct NoNumbers;

#[async_trait]
impl NumbersClient for NoNumbers {
    fn batch(&self) -> usize {
        1
    }

    fn lacks(&self, _: &Account) -> Option<Failure> {
        None
    }

    fn price(&self, _: &Account, _: DateTime<Utc>) -> Price {
        Price::default()
    }

    async fn read(&self, _: &Account, _: &Tokens, ids: &[String], _: DateTime<Utc>) -> Result<Vec<Seen>, Failure> {
        Ok(ids.iter().map(|_| Seen::NotShown).collect())
    }
}
