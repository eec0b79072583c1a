//! The ways a post can travel: platform, login, upload mode, at once or scheduled. Every fault point is tried in each.

use aurareels_core::{
    domain::{
        platform::{LoginFlavour, Platform},
        post::PlatformOptions,
    },
    platform::{
        description::Options,
        facebook::options::{FacebookOptions, FacebookTransfer},
        instagram::options::{InstagramOptions, InstagramTransfer},
        tiktok::options::{TiktokOptions, TiktokTransfer},
        youtube::options::{YoutubeOptions, YoutubePublish},
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
    /// A Facebook Page, by upload.
    PageBytes,
    /// A Facebook Page, by `file_url`.
    PageUrl,
    /// YouTube: private, then public.
    YoutubeTwoSteps,
    /// YouTube: public with its last byte.
    YoutubeOneStep,
}

/// One way of one post.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Mode {
    pub(crate) upload: Upload,
    /// Published at its time, after its token has become old; otherwise at once.
    pub(crate) scheduled: bool,
}

impl Upload {
    pub(crate) const ALL: [Self; 10] = [
        Self::TiktokSingle,
        Self::TiktokMulti,
        Self::TiktokPull,
        Self::FacebookResumable,
        Self::FacebookUrl,
        Self::InstagramUrl,
        Self::PageBytes,
        Self::PageUrl,
        Self::YoutubeTwoSteps,
        Self::YoutubeOneStep,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::TiktokSingle => "tiktok/file-upload-single",
            Self::TiktokMulti => "tiktok/file-upload-multi",
            Self::TiktokPull => "tiktok/pull-from-url",
            Self::FacebookResumable => "instagram/facebook-login-resumable",
            Self::FacebookUrl => "instagram/facebook-login-video-url",
            Self::InstagramUrl => "instagram/instagram-login-video-url",
            Self::PageBytes => "facebook/upload",
            Self::PageUrl => "facebook/file-url",
            Self::YoutubeTwoSteps => "youtube/two-steps",
            Self::YoutubeOneStep => "youtube/one-step",
        }
    }

    /// Modes that go through the same code on our side, from the claim to the visible request.
    pub(crate) const fn family(self) -> &'static str {
        match self {
            Self::TiktokSingle | Self::TiktokMulti => "tiktok/file-upload",
            Self::TiktokPull => "tiktok/pull-from-url",
            Self::FacebookResumable => "instagram/resumable",
            Self::FacebookUrl | Self::InstagramUrl => "instagram/video-url",
            Self::PageBytes => "facebook/upload",
            Self::PageUrl => "facebook/file-url",
            Self::YoutubeTwoSteps => "youtube/two-steps",
            Self::YoutubeOneStep => "youtube/one-step",
        }
    }

    pub(crate) const fn platform(self) -> Platform {
        match self {
            Self::TiktokSingle | Self::TiktokMulti | Self::TiktokPull => Platform::Tiktok,
            Self::FacebookResumable | Self::FacebookUrl | Self::InstagramUrl => Platform::Instagram,
            Self::PageBytes | Self::PageUrl => Platform::Facebook,
            Self::YoutubeTwoSteps | Self::YoutubeOneStep => Platform::Youtube,
        }
    }

    pub(crate) const fn flavour(self) -> Option<LoginFlavour> {
        match self {
            Self::TiktokSingle | Self::TiktokMulti | Self::TiktokPull => None,
            Self::YoutubeTwoSteps | Self::YoutubeOneStep => None,
            Self::FacebookResumable | Self::FacebookUrl | Self::PageBytes | Self::PageUrl => {
                Some(LoginFlavour::FacebookLogin)
            }
            Self::InstagramUrl => Some(LoginFlavour::InstagramLogin),
        }
    }

    /// Bytes of the video. TikTok cuts above 64 MB, and the core cuts YouTube's one-step uploads into chunks of 8 MiB.
    pub(crate) const fn video_size(self) -> u64 {
        match self {
            Self::TiktokMulti => 64_000_001,
            // One chunk, and the last one.
            Self::YoutubeOneStep => 9_000_000,
            _ => 200_000,
        }
    }

    pub(crate) fn options(self) -> PlatformOptions {
        let tiktok = |transfer| TiktokOptions { transfer, ..TiktokOptions::default() }.alone();
        // One mode of each platform that has comments.
        let first_comment = matches!(self, Self::FacebookUrl | Self::PageBytes | Self::YoutubeTwoSteps)
            .then(|| "The first comment".to_owned());
        let comment = || first_comment.clone();
        let instagram =
            |transfer| InstagramOptions { transfer, first_comment: comment(), ..InstagramOptions::default() }.alone();
        let facebook =
            |transfer| FacebookOptions { transfer, first_comment: comment(), ..FacebookOptions::default() }.alone();
        let youtube = |publish| {
            // Two of the declarations that making a video visible may not reset.
            let (contains_synthetic_media, embeddable) = (Some(true), Some(false));
            let first_comment = comment();
            YoutubeOptions { publish, contains_synthetic_media, embeddable, first_comment, ..YoutubeOptions::default() }
                .alone()
        };
        match self {
            Self::PageBytes => facebook(FacebookTransfer::Upload),
            Self::PageUrl => facebook(FacebookTransfer::FileUrl),
            Self::YoutubeTwoSteps => youtube(YoutubePublish::TwoSteps),
            Self::YoutubeOneStep => youtube(YoutubePublish::OneStep),
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
            Self::PageBytes | Self::PageUrl => "facebook.finish",
            Self::YoutubeTwoSteps => "youtube.publish",
            Self::YoutubeOneStep => "youtube.upload_last",
        }
    }

    /// The simulator's name of that request.
    pub(crate) const fn visible_request(self) -> &'static str {
        match self {
            Self::TiktokSingle | Self::TiktokMulti => "tiktok.upload_last_chunk",
            Self::TiktokPull => "tiktok.video_init",
            Self::FacebookResumable | Self::FacebookUrl | Self::InstagramUrl => "meta.media_publish",
            Self::PageBytes | Self::PageUrl => "meta.reel_finish",
            Self::YoutubeTwoSteps => "youtube.videos_update",
            Self::YoutubeOneStep => "youtube.upload_last_chunk",
        }
    }

    /// The simulator's name of the request that refreshes the login's tokens; `None` where nothing is refreshed before a
    /// post: tokens of Pages do not end.
    pub(crate) const fn refresh(self) -> Option<&'static str> {
        match self {
            Self::TiktokSingle | Self::TiktokMulti | Self::TiktokPull => Some("tiktok.refresh"),
            Self::InstagramUrl => Some("meta.refresh"),
            Self::YoutubeTwoSteps | Self::YoutubeOneStep => Some("youtube.refresh"),
            Self::FacebookResumable | Self::FacebookUrl | Self::PageBytes | Self::PageUrl => None,
        }
    }

    /// Whether the visible request is the one with the last byte.
    pub(crate) const fn shows_with_its_last_byte(self) -> bool {
        matches!(self, Self::TiktokSingle | Self::TiktokMulti | Self::YoutubeOneStep)
    }

    /// The simulator's name of a request with bytes that nobody sees yet.
    pub(crate) const fn unseen_upload(self) -> Option<&'static str> {
        match self {
            Self::TiktokMulti => Some("tiktok.upload_chunk"),
            Self::FacebookResumable => Some("meta.upload"),
            Self::PageBytes => Some("meta.reel_upload"),
            // A private video's only request has its last byte.
            Self::YoutubeTwoSteps => Some("youtube.upload_last_chunk"),
            Self::YoutubeOneStep => Some("youtube.upload_chunk"),
            Self::TiktokSingle | Self::TiktokPull | Self::FacebookUrl | Self::InstagramUrl | Self::PageUrl => None,
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
            Upload::FacebookResumable | Upload::FacebookUrl | Upload::PageBytes | Upload::PageUrl => {
                TimeDelta::minutes(110)
            }
            Upload::YoutubeTwoSteps | Upload::YoutubeOneStep => TimeDelta::minutes(110),
            Upload::InstagramUrl => TimeDelta::hours(59 * 24 + 12),
        }
    }
}
