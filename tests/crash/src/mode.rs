//! The ways a post can travel: platform, login, upload mode, at once or scheduled. Every fault point is tried in each.

use aurareels_core::{
    domain::{
        platform::{LoginFlavour, Platform},
        post::PlatformOptions,
    },
    platform::{
        description::Options,
        instagram::options::{InstagramOptions, InstagramTransfer},
        tiktok::options::{TiktokOptions, TiktokTransfer},
    },
};
use chrono::TimeDelta;

/// How the video travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Upload {
    /// TikTok FILE_UPLOAD of a video that fits one chunk.
    TiktokSingle,
    /// TikTok FILE_UPLOAD in several chunks.
    TiktokMulti,
    /// TikTok PULL_FROM_URL.
    TiktokPull,
    /// Instagram by Facebook Login, resumable upload.
    FacebookResumable,
    /// Instagram by Facebook Login, `video_url`.
    FacebookUrl,
    /// Instagram by Instagram Login, `video_url`.
    InstagramUrl,
}

/// One way of one post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Mode {
    pub(crate) upload: Upload,
    /// Published at its time, after its token has become old; otherwise at once.
    pub(crate) scheduled: bool,
}

impl Upload {
    pub(crate) const ALL: [Self; 6] = [
        Self::TiktokSingle,
        Self::TiktokMulti,
        Self::TiktokPull,
        Self::FacebookResumable,
        Self::FacebookUrl,
        Self::InstagramUrl,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::TiktokSingle => "tiktok/file-upload-single",
            Self::TiktokMulti => "tiktok/file-upload-multi",
            Self::TiktokPull => "tiktok/pull-from-url",
            Self::FacebookResumable => "instagram/facebook-login-resumable",
            Self::FacebookUrl => "instagram/facebook-login-video-url",
            Self::InstagramUrl => "instagram/instagram-login-video-url",
        }
    }

    /// Modes that go through the same code on our side, from the claim to the visible request.
    pub(crate) const fn family(self) -> &'static str {
        match self {
            Self::TiktokSingle | Self::TiktokMulti => "tiktok/file-upload",
            Self::TiktokPull => "tiktok/pull-from-url",
            Self::FacebookResumable => "instagram/resumable",
            Self::FacebookUrl | Self::InstagramUrl => "instagram/video-url",
        }
    }

    pub(crate) const fn platform(self) -> Platform {
        match self {
            Self::TiktokSingle | Self::TiktokMulti | Self::TiktokPull => Platform::Tiktok,
            Self::FacebookResumable | Self::FacebookUrl | Self::InstagramUrl => Platform::Instagram,
        }
    }

    pub(crate) const fn flavour(self) -> Option<LoginFlavour> {
        match self {
            Self::TiktokSingle | Self::TiktokMulti | Self::TiktokPull => None,
            Self::FacebookResumable | Self::FacebookUrl => Some(LoginFlavour::FacebookLogin),
            Self::InstagramUrl => Some(LoginFlavour::InstagramLogin),
        }
    }

    /// Bytes of the video. TikTok cuts above 64 MB.
    pub(crate) const fn video_size(self) -> u64 {
        match self {
            Self::TiktokMulti => 64_000_001,
            Self::TiktokSingle
            | Self::TiktokPull
            | Self::FacebookResumable
            | Self::FacebookUrl
            | Self::InstagramUrl => 200_000,
        }
    }

    pub(crate) fn options(self) -> PlatformOptions {
        let tiktok = |transfer| TiktokOptions { transfer, ..TiktokOptions::default() }.alone();
        let instagram = |transfer| InstagramOptions { transfer, ..InstagramOptions::default() }.alone();
        match self {
            Self::TiktokSingle | Self::TiktokMulti => tiktok(TiktokTransfer::FileUpload),
            Self::TiktokPull => tiktok(TiktokTransfer::PullFromUrl),
            Self::FacebookResumable => instagram(InstagramTransfer::Resumable),
            Self::FacebookUrl | Self::InstagramUrl => instagram(InstagramTransfer::VideoUrl),
        }
    }

    /// The ledger's name of the step at the point of no return.
    pub(crate) const fn point_of_no_return(self) -> &'static str {
        match self {
            Self::TiktokSingle | Self::TiktokMulti => "tiktok.upload_last",
            Self::TiktokPull => "tiktok.video_init_pull",
            Self::FacebookResumable | Self::FacebookUrl | Self::InstagramUrl => "instagram.media_publish",
        }
    }

    /// The simulator's name of that request.
    pub(crate) const fn visible_request(self) -> &'static str {
        match self {
            Self::TiktokSingle | Self::TiktokMulti => "tiktok.upload_last_chunk",
            Self::TiktokPull => "tiktok.video_init",
            Self::FacebookResumable | Self::FacebookUrl | Self::InstagramUrl => "meta.media_publish",
        }
    }
}

impl Mode {
    pub(crate) fn all() -> Vec<Self> {
        Upload::ALL.into_iter().flat_map(|upload| [false, true].map(|scheduled| Self { upload, scheduled })).collect()
    }

    pub(crate) fn name(self) -> String {
        format!("{} {}", self.upload.name(), if self.scheduled { "scheduled" } else { "immediate" })
    }

    /// How far ahead a scheduled post is: so far that the token has to be refreshed before it goes out, where the login
    /// knows that. Page tokens do not end.
    pub(crate) fn ahead(self) -> TimeDelta {
        match self.upload {
            Upload::TiktokSingle | Upload::TiktokMulti | Upload::TiktokPull => TimeDelta::minutes(110),
            Upload::FacebookResumable | Upload::FacebookUrl => TimeDelta::minutes(110),
            Upload::InstagramUrl => TimeDelta::hours(59 * 24 + 12),
        }
    }
}
