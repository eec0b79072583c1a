//! What platforms require of a cover: a separate picture, or a frame of the video.

use super::MediaFacts;
use crate::domain::violation::{Violation, Warning};

/// Facts about a cover picture. `None`: neither the host nor the first bytes tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CoverFacts {
    /// Size of the file.
    pub size_bytes: Option<u64>,
    /// What it is, in words: "a JPEG image".
    pub is: Option<&'static str>,
}

/// What a platform requires of a cover picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoverRules {
    /// What it has to be, in the words of [`CoverFacts::is`].
    pub kinds: &'static [&'static str],
    /// Largest file.
    pub max_size_bytes: u64,
}

/// A frame of the video that a request names as its cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoverFrame {
    /// The field that names it.
    pub field: &'static str,
    /// When it is shown.
    pub at_ms: u64,
}

/// Compares a cover picture with a platform's rules.
pub fn check_cover(field: &'static str, facts: &CoverFacts, rules: &CoverRules) -> (Vec<Violation>, Vec<Warning>) {
    let mut broken = Vec::new();
    let wanted = rules.kinds.join(" or ");
    match facts.is {
        Some(is) if !rules.kinds.contains(&is) => broken.push(Violation {
            field,
            rule: "THUMBNAIL_FORMAT_INVALID",
            measured: is.to_owned(),
            limit: wanted.clone(),
            remedy: "convert the picture, or choose a frame of the video".to_owned(),
            message: format!("the cover is {is}, whatever its name says; allowed is {wanted}"),
        }),
        _ => {}
    }
    match facts.size_bytes {
        Some(size) if size > rules.max_size_bytes => broken.push(Violation {
            field,
            rule: "THUMBNAIL_TOO_LARGE",
            measured: format!("{size} bytes"),
            limit: format!("up to {} bytes", rules.max_size_bytes),
            remedy: "save the picture with a higher compression".to_owned(),
            message: format!("the cover has {size} bytes, allowed are {}", rules.max_size_bytes),
        }),
        _ => {}
    }
    let unknown = (facts.is.is_none() || facts.size_bytes.is_none()).then(|| Warning {
        code: "THUMBNAIL_FACT_UNKNOWN".to_owned(),
        field: field.to_owned(),
        message: "the host does not tell how large the cover is, so it was not checked".to_owned(),
    });
    (broken, unknown.into_iter().collect())
}

/// Whether a video has the frame that is to be its cover. One of unknown length is let through.
pub fn check_cover_frame(frame: CoverFrame, facts: &MediaFacts) -> Option<Violation> {
    let duration = facts.duration_ms.filter(|&duration| frame.at_ms >= duration)?;
    Some(Violation {
        field: frame.field,
        rule: "COVER_BEHIND_END",
        measured: format!("{} ms", frame.at_ms),
        limit: format!("less than {duration} ms"),
        remedy: "name a frame inside the video, in milliseconds from its start".to_owned(),
        message: format!("the cover's frame is at {} ms, but the video ends at {duration} ms", frame.at_ms),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::media::Container;

    const RULES: CoverRules = CoverRules { kinds: &["a JPEG image"], max_size_bytes: 8_000_000 };

    fn rules(is: Option<&'static str>, size_bytes: Option<u64>) -> (Vec<&'static str>, usize) {
        let (broken, warnings) = check_cover("content.thumbnail_url", &CoverFacts { size_bytes, is }, &RULES);
        (broken.iter().map(|violation| violation.rule).collect(), warnings.len())
    }

    #[test]
    fn a_cover_is_judged_by_what_it_is() {
        assert_eq!(rules(Some("a JPEG image"), Some(8_000_000)), (vec![], 0));
        assert_eq!(rules(Some("a PNG image"), Some(8_000_000)), (vec!["THUMBNAIL_FORMAT_INVALID"], 0));
        assert_eq!(rules(Some("a JPEG image"), Some(8_000_001)), (vec!["THUMBNAIL_TOO_LARGE"], 0));
        assert_eq!(rules(None, None), (vec![], 1), "what is not known is told, and breaks nothing");
    }

    #[test]
    fn a_frame_behind_the_end_is_no_cover() {
        let mut facts = MediaFacts {
            size_bytes: 1,
            container: Container::Mp4,
            duration_ms: Some(6_000),
            width: None,
            height: None,
            video_codec: None,
            frame_rate_millis: None,
            has_audio: None,
            audio: None,
            moov_first: None,
            picture: super::super::PictureFacts::default(),
        };
        let at = |at_ms, facts: &MediaFacts| check_cover_frame(CoverFrame { field: "x", at_ms }, facts);
        assert_eq!(at(5_999, &facts), None);
        assert_eq!(at(6_000, &facts).unwrap().rule, "COVER_BEHIND_END");
        facts.duration_ms = None;
        assert_eq!(at(60_000, &facts), None);
    }
}
