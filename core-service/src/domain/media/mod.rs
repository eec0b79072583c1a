//! Facts about a video, a platform's requirements, and the comparison of the two. Pure.
//!
//! Guaranteed:
//! - [`check`] names every broken rule at once, each with what was measured, the limit and a remedy.
//! - The limits are defined here once, as data ([`MediaRules`]); the values given to callers are read from the same
//!   place.
//! - A fact that could not be measured breaks no rule: it becomes a warning, and the platform has the last word.

use serde::{Deserialize, Serialize};

use super::caption::CaptionRules;

mod check;
mod cover;
mod rules;
mod stored;
mod stream;
mod upload;
mod version;

pub use check::{Checked, check};
pub use cover::{CoverFacts, CoverFrame, CoverRules, check_cover, check_cover_frame};
pub use rules::{FACEBOOK_REELS, INSTAGRAM_REELS, TIKTOK, YOUTUBE};
pub use stored::StoredFacts;
pub use stream::{VIDEO_NOT_PUBLIC, VIDEO_PREPARING, stream_uid};
pub use upload::{KeepPolicy, Kept, MediaId, NoMediaId};
pub use version::{Comparison, VIDEO_CHANGED, VideoVersion};

/// The file format around the streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Container {
    /// ISO base media file (MP4, M4V).
    Mp4,
    /// QuickTime.
    Mov,
    /// WebM.
    Webm,
}

impl Container {
    /// The usual file name extension.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mp4 => "mp4",
            Self::Mov => "mov",
            Self::Webm => "webm",
        }
    }

    /// The content type: `video/mp4`.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Mp4 => "video/mp4",
            Self::Mov => "video/quicktime",
            Self::Webm => "video/webm",
        }
    }
}

/// How the picture is coded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum VideoCodec {
    /// AVC.
    H264,
    /// HEVC.
    H265,
    /// VP8.
    Vp8,
    /// VP9.
    Vp9,
    /// AV1.
    Av1,
    /// Another one, by the name the file gives it.
    Other(String),
}

impl VideoCodec {
    /// The name shown and stored: `h264`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::H264 => "h264",
            Self::H265 => "h265",
            Self::Vp8 => "vp8",
            Self::Vp9 => "vp9",
            Self::Av1 => "av1",
            Self::Other(name) => name,
        }
    }
}

impl From<String> for VideoCodec {
    fn from(name: String) -> Self {
        match name.as_str() {
            "h264" => Self::H264,
            "h265" => Self::H265,
            "vp8" => Self::Vp8,
            "vp9" => Self::Vp9,
            "av1" => Self::Av1,
            _ => Self::Other(name),
        }
    }
}

impl From<VideoCodec> for String {
    fn from(codec: VideoCodec) -> Self {
        codec.as_str().to_owned()
    }
}

/// The first sound track of a video.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioFacts {
    /// `aac`, `opus`, `vorbis`, ..., or the name the file gives it.
    pub codec: String,
    /// Samples per second.
    pub sample_rate_hz: Option<u32>,
    /// Number of channels.
    pub channels: Option<u16>,
}

/// Facts about a video file. `None`: the file does not state it, or could not be read that far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaFacts {
    /// Size of the whole file.
    pub size_bytes: u64,
    /// File format, told from its bytes and not from its name.
    pub container: Container,
    /// Length.
    pub duration_ms: Option<u64>,
    /// Width in pixels as shown, after rotation.
    pub width: Option<u32>,
    /// Height in pixels as shown, after rotation.
    pub height: Option<u32>,
    /// How the picture is coded.
    pub video_codec: Option<VideoCodec>,
    /// Average frames per 1000 seconds: 29970 is 29.97 fps.
    pub frame_rate_millis: Option<u32>,
    /// `Some(false)` if the file surely has no sound.
    pub has_audio: Option<bool>,
    /// The first sound track.
    pub audio: Option<AudioFacts>,
    /// MP4 and MOV: the index comes before the media data.
    pub moov_first: Option<bool>,
    /// How the pictures are made.
    #[serde(default)]
    pub picture: PictureFacts,
}

/// The picture format of a video. `None`: the file does not state it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureFacts {
    /// How colours are sampled: `4:2:0`.
    pub chroma: Option<String>,
    /// Progressive; `Some(false)` for interlaced.
    pub is_progressive: Option<bool>,
    /// Each group of pictures can be decoded by itself.
    pub closed_gops: Option<bool>,
    /// Shape of a pixel as shown, width to height; `None` also for square ones.
    pub pixel_aspect: Option<(u32, u32)>,
    /// An edit list changes which part of the film is shown.
    pub is_edited: Option<bool>,
}

/// What a platform requires of a video and its caption.
#[derive(Clone, Debug, PartialEq)]
pub struct MediaRules {
    /// Shortest video.
    pub min_duration_ms: u64,
    /// Longest video.
    pub max_duration_ms: u64,
    /// Largest file.
    pub max_size_bytes: u64,
    /// Accepted file formats.
    pub containers: &'static [Container],
    /// Accepted picture codecs.
    pub video_codecs: &'static [VideoCodec],
    /// Aspect ratios that fit the platform's player, most common first. A recommendation.
    pub aspect_ratios: &'static [&'static str],
    /// Minimum and maximum of width divided by height, each as (width, height), where the platform names them.
    pub aspect_range: Option<[(u32, u32); 2]>,
    /// Shortest side that is accepted, in pixels.
    pub min_side: Option<u32>,
    /// Longest side that is accepted, in pixels.
    pub max_side: Option<u32>,
    /// Largest width that is accepted, in pixels.
    pub max_width: Option<u32>,
    /// Smallest resolution with acceptable quality, by its shorter side: 540 is "540p". A recommendation.
    pub min_resolution: u32,
    /// The resolution to aim for, by its shorter side.
    pub recommended_resolution: u32,
    /// Lowest frame rate, frames per 1000 seconds.
    pub min_frame_rate_millis: u32,
    /// Highest frame rate, frames per 1000 seconds.
    pub max_frame_rate_millis: u32,
    /// Highest average bit rate of the whole file, where the platform names one. Checked as a recommendation.
    pub max_bits_per_second: Option<u64>,
    /// The index of an MP4 must come before the media data.
    pub needs_moov_first: bool,
    /// Pictures have to be progressive, with 4:2:0 colours and closed groups of pictures.
    pub plain_pictures: bool,
    /// Edit lists that change the film are not allowed.
    pub no_edits: bool,
    /// Accepted sound codecs; empty when the platform names none.
    pub audio_codecs: &'static [&'static str],
    /// Highest sample rate of the sound.
    pub max_audio_sample_rate_hz: Option<u32>,
    /// Most sound channels.
    pub max_audio_channels: Option<u16>,
    /// What is asked of the text.
    pub caption: CaptionRules,
    /// The platform's page that these numbers were read from.
    pub source_url: &'static str,
}

impl MediaRules {
    /// The same rules with one creator's longest video, in seconds, as the platform gave it.
    ///
    /// TikTok: `max_video_post_duration_sec` of creator info. Never widens the rules.
    pub fn for_creator(&self, max_duration_seconds: Option<i32>) -> Self {
        let narrowed = max_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok()).filter(|&s| s > 0);
        let max_duration_ms =
            narrowed.map_or(self.max_duration_ms, |seconds| self.max_duration_ms.min(seconds.saturating_mul(1000)));
        Self { max_duration_ms, ..self.clone() }
    }

    /// File formats by name: "mp4".
    pub fn formats(&self) -> Vec<&'static str> {
        self.containers.iter().map(|container| container.as_str()).collect()
    }

    /// Picture codecs by name: "h264".
    pub fn codecs(&self) -> Vec<&str> {
        self.video_codecs.iter().map(VideoCodec::as_str).collect()
    }
}
