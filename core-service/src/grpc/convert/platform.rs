//! platform.proto.

use aurareels_proto::v1;

use super::Shape;
use crate::{
    app::platforms::PlatformInfo,
    domain::{
        caption::CaptionUnit,
        media::MediaRules,
        platform::{LoginFlavour, Platform},
    },
};

/// A platform, which is required.
pub(crate) fn required_platform(shape: &mut Shape, number: i32) -> Platform {
    let before = shape.broken.len();
    let platform = optional_platform(shape, number);
    if platform.is_none() && shape.broken.len() == before {
        shape.wrong("platform", "", "a platform", "name one, such as PLATFORM_TIKTOK");
    }
    platform.unwrap_or(Platform::ALL[0])
}

/// A platform, `None` for UNSPECIFIED.
pub(crate) fn optional_platform(shape: &mut Shape, number: i32) -> Option<Platform> {
    if number == i32::from(v1::Platform::Unspecified) {
        return None;
    }
    let platform = Platform::of_number(number);
    if platform.is_none() {
        shape.unknown("platform", number);
    }
    platform
}

/// A login, `None` for UNSPECIFIED.
pub(crate) fn optional_flavour(shape: &mut Shape, number: i32) -> Option<LoginFlavour> {
    if number == i32::from(v1::LoginFlavour::Unspecified) {
        return None;
    }
    let flavour = LoginFlavour::of_number(number);
    if flavour.is_none() {
        shape.unknown("login_flavour", number);
    }
    flavour
}

/// What this core can do on a platform.
pub(crate) fn info(info: PlatformInfo) -> v1::PlatformInfo {
    v1::PlatformInfo {
        platform: info.platform.number(),
        display_name: info.platform.display_name().to_owned(),
        configured: !info.flavours.is_empty(),
        login_flavours: info.flavours.into_iter().map(LoginFlavour::number).collect(),
        missing_settings: info.missing_settings.into_iter().map(str::to_owned).collect(),
    }
}

/// What a platform asks of a video.
pub(crate) fn requirements(of: Platform, rules: &MediaRules, schemes: &[&str]) -> v1::VideoRequirements {
    let unit = match rules.caption.unit {
        CaptionUnit::Utf16CodeUnits => v1::CaptionUnit::Utf16,
        CaptionUnit::CodePoints => v1::CaptionUnit::CodePoints,
        CaptionUnit::Bytes => v1::CaptionUnit::Bytes,
    };
    v1::VideoRequirements {
        platform: of.number(),
        min_duration: Some(duration(rules.min_duration_ms)),
        max_duration: Some(duration(rules.max_duration_ms)),
        max_size_bytes: i64::try_from(rules.max_size_bytes).unwrap_or(i64::MAX),
        formats: rules.formats().into_iter().map(str::to_owned).collect(),
        codecs: rules.codecs().into_iter().map(str::to_owned).collect(),
        aspect_ratios: rules.aspect_ratios.iter().map(|ratio| (*ratio).to_owned()).collect(),
        min_side_pixels: pixels(rules.min_side),
        max_side_pixels: pixels(rules.max_side),
        max_width_pixels: pixels(rules.max_width),
        min_resolution: format!("{}p", rules.min_resolution),
        recommended_resolution: format!("{}p", rules.recommended_resolution),
        min_frame_rate: f64::from(rules.min_frame_rate_millis) / 1000.0,
        max_frame_rate: f64::from(rules.max_frame_rate_millis) / 1000.0,
        max_caption_length: count(rules.caption.max_length),
        caption_unit: unit.into(),
        max_hashtags: count(rules.caption.max_hashtags),
        max_mentions: rules.caption.max_mentions.map_or(0, count),
        source_url: rules.source_url.to_owned(),
        video_url_schemes: schemes.iter().map(|scheme| (*scheme).to_owned()).collect(),
    }
}

/// A span of milliseconds for the wire.
pub(crate) fn duration(ms: u64) -> prost_types::Duration {
    let seconds = i64::try_from(ms / 1000).unwrap_or(i64::MAX);
    prost_types::Duration { seconds, nanos: (ms % 1000) as i32 * 1_000_000 }
}

fn pixels(side: Option<u32>) -> i32 {
    side.map_or(0, |side| i32::try_from(side).unwrap_or(i32::MAX))
}

fn count<N: TryInto<i32>>(number: N) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}
