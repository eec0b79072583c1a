//! The comparison of a video with a platform's rules.

use super::{MediaFacts, MediaRules, VideoCodec};
use crate::domain::violation::{Violation, Warning};

/// Frame rates are averages computed from durations, so one per cent is left for rounding.
const FRAME_RATE_TOLERANCE_PERCENT: u64 = 1;

/// What came of a check.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Checked {
    /// Every broken rule.
    pub violations: Vec<Violation>,
    /// What could not be measured, and what is allowed but not advised.
    pub warnings: Vec<Warning>,
}

/// Compares a video with the rules of a platform: all broken rules at once.
///
/// `field` is the field of the request that named the video.
pub fn check(field: &'static str, facts: &MediaFacts, rules: &MediaRules) -> Checked {
    let mut check = Check { field, checked: Checked::default(), unknown: Vec::new() };
    check.file(facts, rules);
    check.duration(facts, rules);
    check.picture(facts, rules);
    check.frame_rate(facts, rules);
    check.making(facts, rules);
    check.sound(facts, rules);
    check.finish()
}

struct Check {
    field: &'static str,
    checked: Checked,
    /// What the file does not tell.
    unknown: Vec<&'static str>,
}

impl Check {
    fn broken(&mut self, rule: &'static str, what: &str, measured: String, limit: String, remedy: String) {
        let message = format!("{what} is {measured}, allowed is {limit}");
        self.checked.violations.push(Violation { field: self.field, rule, measured, limit, remedy, message });
    }

    fn warn(&mut self, code: &str, message: String) {
        let warning = Warning { code: code.to_owned(), field: self.field.to_owned(), message };
        self.checked.warnings.push(warning);
    }

    fn unknown(&mut self, what: &'static str) {
        self.unknown.push(what);
    }

    /// The result. Everything that the file does not state is one warning.
    fn finish(mut self) -> Checked {
        if !self.unknown.is_empty() {
            let message = format!("not checked, because the file does not tell: {}", self.unknown.join(", "));
            self.warn("VIDEO_FACT_UNKNOWN", message);
        }
        self.checked
    }

    fn file(&mut self, facts: &MediaFacts, rules: &MediaRules) {
        let (size, most) = (facts.size_bytes, rules.max_size_bytes);
        if size > most {
            let remedy = "encode it with a lower bit rate or make it shorter".to_owned();
            self.broken("VIDEO_TOO_LARGE", "the video", format!("{size} bytes"), format!("up to {most} bytes"), remedy);
        }
        if !rules.containers.contains(&facts.container) {
            let formats = rules.formats().join(", ");
            let remedy = format!("convert it to {}", rules.containers[0].as_str());
            self.broken("VIDEO_FORMAT_INVALID", "the format", facts.container.as_str().to_owned(), formats, remedy);
        }
        if rules.needs_moov_first && facts.moov_first == Some(false) {
            let remedy =
                "move the index to the front: ffmpeg -i in.mp4 -c copy -movflags +faststart out.mp4".to_owned();
            let (measured, limit) = ("behind the pictures".to_owned(), "in front of them".to_owned());
            self.broken("VIDEO_INDEX_NOT_FIRST", "the index (moov) of the file", measured, limit, remedy);
        }
        let most = rules.max_bits_per_second;
        let rate = facts.duration_ms.filter(|&ms| ms > 0).map(|ms| u128::from(size) * 8000 / u128::from(ms));
        if let (Some(rate), Some(most)) = (rate, most)
            && rate > u128::from(most)
        {
            let message = format!("the file has {rate} bits per second on average, {most} are advised at most");
            self.warn("VIDEO_BIT_RATE_HIGH", message);
        }
    }

    fn duration(&mut self, facts: &MediaFacts, rules: &MediaRules) {
        let Some(duration) = facts.duration_ms else { return self.unknown("the duration") };
        if duration < rules.min_duration_ms {
            let limit = format!("at least {}", seconds(rules.min_duration_ms));
            let remedy = "use a longer video".to_owned();
            self.broken("VIDEO_TOO_SHORT", "the duration", seconds(duration), limit, remedy);
        }
        if duration > rules.max_duration_ms {
            let limit = format!("at most {}", seconds(rules.max_duration_ms));
            let remedy = "cut the video".to_owned();
            self.broken("VIDEO_TOO_LONG", "the duration", seconds(duration), limit, remedy);
        }
    }

    fn picture(&mut self, facts: &MediaFacts, rules: &MediaRules) {
        match &facts.video_codec {
            None => self.unknown("the codec"),
            Some(codec) if rules.video_codecs.contains(codec) => {}
            Some(codec) => {
                let remedy = format!("encode it as {}", VideoCodec::H264.as_str());
                let measured = codec.as_str().to_owned();
                self.broken("VIDEO_CODEC_INVALID", "the codec", measured, rules.codecs().join(", "), remedy);
            }
        }
        let (Some(width), Some(height)) = (facts.width, facts.height) else { return self.unknown("the resolution") };
        let (shorter, longer) = (width.min(height), width.max(height));
        let measured = format!("{width}x{height} pixels");
        let scale = || format!("scale it, best to {} pixels on the shorter side", rules.recommended_resolution);
        if let Some(least) = rules.min_side.filter(|&least| shorter < least) {
            let limit = format!("at least {least} pixels on each side");
            self.broken("VIDEO_TOO_SMALL", "the resolution", measured.clone(), limit, scale());
        } else if shorter < rules.min_resolution {
            let message = format!("the resolution is {measured}, at least {}p is advised", rules.min_resolution);
            self.warn("VIDEO_RESOLUTION_LOW", message);
        }
        if let Some(most) = rules.max_side.filter(|&most| longer > most) {
            let limit = format!("at most {most} pixels on each side");
            self.broken("VIDEO_RESOLUTION_TOO_HIGH", "the resolution", measured.clone(), limit, scale());
        }
        if let Some(most) = rules.max_width.filter(|&most| width > most) {
            let limit = format!("at most {most} pixels wide");
            self.broken("VIDEO_TOO_WIDE", "the resolution", measured.clone(), limit, scale());
        }
        if let Some([least, greatest]) = rules.aspect_range
            && (below((width, height), least) || below(greatest, (width, height)))
        {
            let limit = format!("{}:{} to {}:{}", least.0, least.1, greatest.0, greatest.1);
            let remedy = format!("crop it, best to {}", rules.aspect_ratios[0]);
            self.broken("VIDEO_ASPECT_RATIO_INVALID", "the aspect ratio", format!("{width}:{height}"), limit, remedy);
        }
    }

    fn frame_rate(&mut self, facts: &MediaFacts, rules: &MediaRules) {
        let Some(rate) = facts.frame_rate_millis else { return self.unknown("the frame rate") };
        let (least, most) = (rules.min_frame_rate_millis, rules.max_frame_rate_millis);
        let limit = format!("{} to {}", frames(least), frames(most));
        let remedy = "encode it with 30 frames per second".to_owned();
        if u64::from(rate) * 100 < u64::from(least) * (100 - FRAME_RATE_TOLERANCE_PERCENT) {
            self.broken("VIDEO_FRAME_RATE_TOO_LOW", "the frame rate", frames(rate), limit, remedy);
        } else if u64::from(rate) * 100 > u64::from(most) * (100 + FRAME_RATE_TOLERANCE_PERCENT) {
            self.broken("VIDEO_FRAME_RATE_TOO_HIGH", "the frame rate", frames(rate), limit, remedy);
        }
    }

    /// The picture format. Platforms convert most of what they rule out, so nothing here refuses a video.
    fn making(&mut self, facts: &MediaFacts, rules: &MediaRules) {
        let picture = &facts.picture;
        if rules.no_edits && picture.is_edited == Some(true) {
            let message =
                "the file has an edit list that leaves out or moves parts of it; the platform may show all of it";
            self.warn("VIDEO_EDITED", message.to_owned());
        }
        if let Some((across, down)) = picture.pixel_aspect {
            let message =
                format!("pixels are {across}:{down}, not square; the platform may show the picture stretched");
            self.warn("VIDEO_PIXELS_NOT_SQUARE", message);
        }
        if !rules.plain_pictures {
            return;
        }
        if let Some(chroma) = picture.chroma.as_deref().filter(|chroma| *chroma != "4:2:0") {
            self.warn("VIDEO_CHROMA_UNUSUAL", format!("colours are sampled {chroma}, wanted is 4:2:0"));
        }
        if picture.is_progressive == Some(false) {
            self.warn("VIDEO_INTERLACED", "the pictures are interlaced, wanted are progressive ones".to_owned());
        }
        if picture.closed_gops == Some(false) {
            self.warn("VIDEO_OPEN_GOP", "groups of pictures are open, wanted are closed ones".to_owned());
        }
        let facts = [
            ("the sampling of colours", picture.chroma.is_none()),
            ("whether pictures are progressive", picture.is_progressive.is_none()),
            ("whether groups of pictures are closed", picture.closed_gops.is_none()),
        ];
        self.unknown.extend(facts.into_iter().filter(|(_, is_unknown)| *is_unknown).map(|(what, _)| what));
    }

    fn sound(&mut self, facts: &MediaFacts, rules: &MediaRules) {
        let Some(audio) = &facts.audio else { return };
        // Named by its box alone: what is in there could not be read.
        let is_unknown = matches!(audio.codec.as_str(), "unknown" | "mp4a");
        if is_unknown && !rules.audio_codecs.is_empty() {
            self.unknown("the sound codec");
        }
        let remedy = || "encode the sound as stereo AAC with 48000 Hz".to_owned();
        if !is_unknown && !rules.audio_codecs.is_empty() && !rules.audio_codecs.contains(&audio.codec.as_str()) {
            let limit = rules.audio_codecs.join(", ");
            self.broken("AUDIO_CODEC_INVALID", "the sound codec", audio.codec.clone(), limit, remedy());
        }
        if let (Some(rate), Some(most)) = (audio.sample_rate_hz, rules.max_audio_sample_rate_hz)
            && rate > most
        {
            let limit = format!("at most {most} Hz");
            self.broken("AUDIO_SAMPLE_RATE_TOO_HIGH", "the sample rate", format!("{rate} Hz"), limit, remedy());
        }
        if let (Some(channels), Some(most)) = (audio.channels, rules.max_audio_channels)
            && channels > most
        {
            let limit = format!("at most {most}");
            self.broken("AUDIO_CHANNELS_TOO_MANY", "the number of channels", channels.to_string(), limit, remedy());
        }
    }
}

/// Whether the ratio `a` is less than `b`, each as (width, height).
fn below(a: (u32, u32), b: (u32, u32)) -> bool {
    u64::from(a.0) * u64::from(b.1) < u64::from(b.0) * u64::from(a.1)
}

fn seconds(milliseconds: u64) -> String {
    let (whole, rest) = (milliseconds / 1000, milliseconds % 1000);
    if rest == 0 { format!("{whole} s") } else { format!("{whole}.{rest:03} s") }
}

fn frames(millis: u32) -> String {
    let (whole, rest) = (millis / 1000, millis % 1000);
    if rest == 0 { format!("{whole} fps") } else { format!("{whole}.{rest:03} fps") }
}

#[cfg(test)]
mod tests {
    use super::super::{AudioFacts, Container, INSTAGRAM_REELS, PictureFacts, TIKTOK};
    use super::*;

    fn good() -> MediaFacts {
        MediaFacts {
            size_bytes: 12_000_000,
            container: Container::Mp4,
            duration_ms: Some(30_000),
            width: Some(1080),
            height: Some(1920),
            video_codec: Some(VideoCodec::H264),
            frame_rate_millis: Some(29_970),
            has_audio: Some(true),
            audio: Some(AudioFacts { codec: "aac".to_owned(), sample_rate_hz: Some(48_000), channels: Some(2) }),
            moov_first: Some(true),
            picture: PictureFacts {
                chroma: Some("4:2:0".to_owned()),
                is_progressive: Some(true),
                closed_gops: Some(true),
                pixel_aspect: None,
                is_edited: Some(false),
            },
        }
    }

    fn broken(facts: &MediaFacts, rules: &MediaRules) -> Vec<&'static str> {
        check("content.video_url", facts, rules).violations.into_iter().map(|violation| violation.rule).collect()
    }

    #[test]
    fn a_good_video_breaks_nothing() {
        for rules in [&TIKTOK, &INSTAGRAM_REELS] {
            assert_eq!(check("content.video_url", &good(), rules), Checked::default());
        }
    }

    #[test]
    fn all_broken_rules_come_at_once() {
        let bad = MediaFacts {
            size_bytes: 5_000_000_000,
            container: Container::Webm,
            duration_ms: Some(2_000_000),
            width: Some(5000),
            height: Some(100),
            video_codec: Some(VideoCodec::Av1),
            frame_rate_millis: Some(120_000),
            has_audio: Some(true),
            audio: Some(AudioFacts { codec: "opus".to_owned(), sample_rate_hz: Some(96_000), channels: Some(6) }),
            moov_first: Some(false),
            picture: PictureFacts::default(),
        };
        assert_eq!(
            broken(&bad, &TIKTOK),
            [
                "VIDEO_TOO_LARGE",
                "VIDEO_TOO_LONG",
                "VIDEO_CODEC_INVALID",
                "VIDEO_TOO_SMALL",
                "VIDEO_RESOLUTION_TOO_HIGH",
                "VIDEO_FRAME_RATE_TOO_HIGH"
            ]
        );
        assert_eq!(
            broken(&bad, &INSTAGRAM_REELS),
            [
                "VIDEO_TOO_LARGE",
                "VIDEO_FORMAT_INVALID",
                "VIDEO_INDEX_NOT_FIRST",
                "VIDEO_TOO_LONG",
                "VIDEO_CODEC_INVALID",
                "VIDEO_TOO_WIDE",
                "VIDEO_ASPECT_RATIO_INVALID",
                "VIDEO_FRAME_RATE_TOO_HIGH",
                "AUDIO_CODEC_INVALID",
                "AUDIO_SAMPLE_RATE_TOO_HIGH",
                "AUDIO_CHANNELS_TOO_MANY"
            ]
        );
        for violation in check("content.video_url", &bad, &INSTAGRAM_REELS).violations {
            assert!(!violation.measured.is_empty() && !violation.limit.is_empty() && !violation.remedy.is_empty());
            assert!(violation.message.contains(&violation.measured) && violation.message.contains(&violation.limit));
        }
    }

    #[test]
    fn the_limits_themselves_are_allowed() {
        let at = |facts: &dyn Fn(&mut MediaFacts)| {
            let mut changed = good();
            facts(&mut changed);
            broken(&changed, &TIKTOK)
        };
        assert!(at(&|f| f.size_bytes = 4_000_000_000).is_empty());
        assert_eq!(at(&|f| f.size_bytes = 4_000_000_001), ["VIDEO_TOO_LARGE"]);
        assert!(at(&|f| f.duration_ms = Some(600_000)).is_empty());
        assert_eq!(at(&|f| f.duration_ms = Some(600_001)), ["VIDEO_TOO_LONG"]);
        assert!(at(&|f| f.duration_ms = Some(3_000)).is_empty());
        assert_eq!(at(&|f| f.duration_ms = Some(2_999)), ["VIDEO_TOO_SHORT"]);
        assert!(at(&|f| f.width = Some(360)).is_empty());
        assert_eq!(at(&|f| f.width = Some(359)), ["VIDEO_TOO_SMALL"]);
        assert!(at(&|f| f.height = Some(4096)).is_empty());
        assert_eq!(at(&|f| f.height = Some(4097)), ["VIDEO_RESOLUTION_TOO_HIGH"]);
        assert!(at(&|f| f.frame_rate_millis = Some(22_990)).is_empty());
        assert_eq!(at(&|f| f.frame_rate_millis = Some(15_000)), ["VIDEO_FRAME_RATE_TOO_LOW"]);
    }

    #[test]
    fn a_creators_own_limit_narrows_the_rules() {
        let facts = MediaFacts { duration_ms: Some(200_000), ..good() };
        assert!(broken(&facts, &TIKTOK.for_creator(Some(300))).is_empty());
        assert_eq!(broken(&facts, &TIKTOK.for_creator(Some(180))), ["VIDEO_TOO_LONG"]);
        assert_eq!(TIKTOK.for_creator(Some(3600)).max_duration_ms, TIKTOK.max_duration_ms, "never wider");
        assert_eq!(TIKTOK.for_creator(Some(0)), TIKTOK);
        assert_eq!(TIKTOK.for_creator(None), TIKTOK);
    }

    #[test]
    fn what_is_unknown_is_a_warning() {
        let unknown = MediaFacts {
            duration_ms: None,
            width: None,
            height: None,
            video_codec: None,
            frame_rate_millis: None,
            has_audio: None,
            audio: None,
            moov_first: None,
            picture: PictureFacts::default(),
            ..good()
        };
        for (rules, count) in [(&TIKTOK, 4), (&INSTAGRAM_REELS, 7)] {
            let checked = check("content.video_url", &unknown, rules);
            assert!(checked.violations.is_empty());
            let [warning] = &checked.warnings[..] else { panic!("one warning names them all: {checked:?}") };
            assert_eq!(warning.message.split(", ").count() - 1, count, "{}", warning.message);
        }
    }

    #[test]
    fn pictures_that_a_platform_does_not_want_are_told() {
        let odd = MediaFacts {
            picture: PictureFacts {
                chroma: Some("4:4:4".to_owned()),
                is_progressive: Some(false),
                closed_gops: Some(false),
                pixel_aspect: Some((64, 45)),
                is_edited: Some(true),
            },
            ..good()
        };
        let codes = |rules| {
            let checked = check("content.video_url", &odd, rules);
            assert!(checked.violations.is_empty());
            checked.warnings.into_iter().map(|warning| warning.code).collect::<Vec<_>>()
        };
        let all =
            ["VIDEO_EDITED", "VIDEO_PIXELS_NOT_SQUARE", "VIDEO_CHROMA_UNUSUAL", "VIDEO_INTERLACED", "VIDEO_OPEN_GOP"];
        assert_eq!(codes(&INSTAGRAM_REELS), all);
        assert_eq!(codes(&TIKTOK), ["VIDEO_PIXELS_NOT_SQUARE"]);
    }

    #[test]
    fn advice_is_a_warning() {
        let facts = MediaFacts { width: Some(400), size_bytes: 200_000_000, ..good() };
        let checked = check("content.video_url", &facts, &INSTAGRAM_REELS);
        assert!(checked.violations.is_empty());
        let codes: Vec<&str> = checked.warnings.iter().map(|warning| warning.code.as_str()).collect();
        assert_eq!(codes, ["VIDEO_BIT_RATE_HIGH", "VIDEO_RESOLUTION_LOW"]);
    }

    #[test]
    fn facts_survive_storage() {
        let json = serde_json::to_string(&good()).unwrap();
        assert!(json.contains("\"video_codec\":\"h264\"") && json.contains("\"container\":\"mp4\""), "{json}");
        assert_eq!(serde_json::from_str::<MediaFacts>(&json).unwrap(), good());
    }
}
