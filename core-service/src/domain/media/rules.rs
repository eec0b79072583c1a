//! The platforms' numbers, as read from their pages on 22 November 2026.

use super::{Container, MediaRules, VideoCodec};
use crate::domain::caption::{CaptionRules, CaptionUnit};

/// TikTok, Content Posting API. Whether videos may be longer than three minutes depends on the creator: see
/// [`MediaRules::for_creator`].
///
/// 4 GB are taken as 4,000,000,000 bytes, the stricter reading. The minimum duration and the number of hashtags are the
/// original design's; TikTok's pages name neither.
pub const TIKTOK: MediaRules = MediaRules {
    min_duration_ms: 3_000,
    max_duration_ms: 600_000,
    max_size_bytes: 4_000_000_000,
    containers: &[Container::Mp4, Container::Mov, Container::Webm],
    video_codecs: &[VideoCodec::H264, VideoCodec::H265, VideoCodec::Vp8, VideoCodec::Vp9],
    aspect_ratios: &["9:16", "16:9", "1:1"],
    aspect_range: None,
    min_side: Some(360),
    max_side: Some(4096),
    max_width: None,
    min_resolution: 540,
    recommended_resolution: 1080,
    min_frame_rate_millis: 23_000,
    max_frame_rate_millis: 60_000,
    max_bits_per_second: None,
    needs_moov_first: false,
    plain_pictures: false,
    no_edits: false,
    audio_codecs: &[],
    max_audio_sample_rate_hz: None,
    max_audio_channels: None,
    caption: CaptionRules { max_length: 2200, unit: CaptionUnit::Utf16CodeUnits, max_hashtags: 30, max_mentions: None },
    source_url: "https://developers.tiktok.com/doc/content-posting-api-media-transfer-guide",
};

/// Instagram Reels.
///
/// 300 MB are taken as 300,000,000 bytes and captions are counted in UTF-16 code units, the stricter readings: Meta's
/// page names neither unit. Meta also rules out edit lists, but common encoders write them to align sound and picture, and
/// Instagram accepts such files: there is a warning only for those that change the film.
pub const INSTAGRAM_REELS: MediaRules = MediaRules {
    min_duration_ms: 3_000,
    max_duration_ms: 900_000,
    max_size_bytes: 300_000_000,
    containers: &[Container::Mp4, Container::Mov],
    video_codecs: &[VideoCodec::H264, VideoCodec::H265],
    aspect_ratios: &["9:16"],
    aspect_range: Some([(1, 100), (10, 1)]),
    min_side: None,
    max_side: None,
    max_width: Some(1920),
    min_resolution: 540,
    recommended_resolution: 1080,
    min_frame_rate_millis: 23_000,
    max_frame_rate_millis: 60_000,
    max_bits_per_second: Some(25_000_000),
    needs_moov_first: true,
    plain_pictures: true,
    no_edits: true,
    audio_codecs: &["aac"],
    max_audio_sample_rate_hz: Some(48_000),
    max_audio_channels: Some(2),
    caption: CaptionRules {
        max_length: 2200,
        unit: CaptionUnit::Utf16CodeUnits,
        max_hashtags: 30,
        max_mentions: Some(20),
    },
    source_url: "https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-user/media",
};

/// Facebook Reels on Pages.
///
/// The guide names no largest file: 2 GB is what clients use. Meta names no longest text for a Reel: 63,206 is that of a
/// post. Containers beside MP4 are not ruled out; MP4 is advised.
pub const FACEBOOK_REELS: MediaRules = MediaRules {
    min_duration_ms: 3_000,
    max_duration_ms: 90_000,
    max_size_bytes: 2_000_000_000,
    containers: &[Container::Mp4, Container::Mov],
    video_codecs: &[VideoCodec::H264, VideoCodec::H265, VideoCodec::Vp9, VideoCodec::Av1],
    aspect_ratios: &["9:16"],
    aspect_range: Some([(9, 16), (16, 9)]),
    min_side: Some(540),
    max_side: None,
    max_width: None,
    min_resolution: 540,
    recommended_resolution: 1080,
    min_frame_rate_millis: 24_000,
    max_frame_rate_millis: 60_000,
    max_bits_per_second: None,
    needs_moov_first: false,
    plain_pictures: true,
    no_edits: true,
    audio_codecs: &["aac"],
    max_audio_sample_rate_hz: None,
    max_audio_channels: None,
    caption: CaptionRules {
        max_length: 63_206,
        unit: CaptionUnit::Utf16CodeUnits,
        max_hashtags: 1_000,
        max_mentions: None,
    },
    source_url: "https://developers.facebook.com/documentation/video-api/guides/reels-publishing",
};

/// YouTube, videos and Shorts: a square or upright video of up to three minutes is a Short by itself.
///
/// YouTube names 256 GB; of its many formats this lists those that the core can parse. Frame rates are not limited.
/// Above sixty hashtags YouTube ignores all of them. A channel without a verified phone number may upload fifteen
/// minutes; YouTube itself reports that.
pub const YOUTUBE: MediaRules = MediaRules {
    min_duration_ms: 1_000,
    max_duration_ms: 43_200_000,
    max_size_bytes: 256_000_000_000,
    containers: &[Container::Mp4, Container::Mov, Container::Webm],
    video_codecs: &[VideoCodec::H264, VideoCodec::H265, VideoCodec::Vp8, VideoCodec::Vp9, VideoCodec::Av1],
    aspect_ratios: &["9:16", "16:9", "1:1"],
    aspect_range: None,
    min_side: None,
    max_side: None,
    max_width: None,
    min_resolution: 240,
    recommended_resolution: 1080,
    min_frame_rate_millis: 1_000,
    max_frame_rate_millis: 120_000,
    max_bits_per_second: None,
    needs_moov_first: false,
    plain_pictures: false,
    no_edits: false,
    audio_codecs: &[],
    max_audio_sample_rate_hz: None,
    max_audio_channels: None,
    caption: CaptionRules { max_length: 5_000, unit: CaptionUnit::Bytes, max_hashtags: 60, max_mentions: None },
    source_url: "https://developers.google.com/youtube/v3/docs/videos",
};
