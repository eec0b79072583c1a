//! What Instagram takes: the fields of a container, and the video itself.
//!
//! <https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-user/media>

use std::collections::HashSet;

use serde_json::Value;

use super::Flavour;
use super::behaviour::{Behaviour, CaptionUnit};
use super::error::GraphError;
use super::input::Input;
use super::world::{Account, Id};
use crate::media::scan::Probe;

const CAPTION_LIMIT: usize = 2_200;
const HASHTAG_LIMIT: usize = 30;
const MENTION_LIMIT: usize = 20;
const COLLABORATOR_LIMIT: usize = 3;
/// Largest Reel, in bytes.
pub(crate) const REEL_BYTES: u64 = 300_000_000;
/// Largest story video, in bytes.
const STORY_BYTES: u64 = 100_000_000;

/// Fields that `graph.instagram.com` does not take.
const FACEBOOK_ONLY: [&str; 7] = [
    "branded_content_sponsor_ids",
    "is_paid_partnership",
    "poll_attachment",
    "is_poll_duration_extended",
    "is_comment_prompt_used",
    "product_tags",
    "upload_type",
];

/// `media_type` of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MediaType {
    Reels,
    Stories,
    /// Can be created, but publishing it alone fails with 100 / 2207089.
    Video,
    Carousel,
}

/// Where the video comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Url(String),
    Resumable,
    /// A carousel has children instead.
    Children,
}

/// A checked container request.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) media_type: MediaType,
    pub(crate) source: Source,
    pub(crate) caption: String,
    pub(crate) thumb_offset_ms: i64,
    pub(crate) cover_url: Option<String>,
    pub(crate) share_to_feed: Option<bool>,
}

/// Checks every field as far as it can be told without the video.
pub(crate) fn draft(
    input: &Input<'_>,
    flavour: Flavour,
    account: &Account,
    locations: &HashSet<Id>,
    behaviour: &Behaviour,
) -> Result<Draft, GraphError> {
    let media_type = match input.get("media_type").as_deref() {
        Some("REELS") => MediaType::Reels,
        Some("STORIES") => MediaType::Stories,
        Some("VIDEO") => MediaType::Video,
        Some("CAROUSEL") => MediaType::Carousel,
        Some(_) => return Err(GraphError::known(100, Some(2207023))),
        None => return Err(GraphError::param("The parameter image_url is required")),
    };
    if flavour == Flavour::Instagram
        && let Some(field) = FACEBOOK_ONLY.iter().find(|field| input.get(field).is_some())
    {
        return Err(GraphError::param(format!("Param {field} is not supported with Instagram Login")));
    }
    let source = source(input, media_type)?;
    let caption = input.get("caption").unwrap_or_default();
    check_caption(&caption, behaviour)?;
    let thumb_offset_ms = input.integer("thumb_offset")?.unwrap_or(0);
    if thumb_offset_ms < 0 {
        return Err(GraphError::known(1, Some(2207057)));
    }
    let share_to_feed = input.boolean("share_to_feed")?;
    input.boolean("is_ai_generated")?;
    input.boolean("is_paid_partnership")?;
    check_people(input, media_type)?;
    check_extras(input, media_type, account)?;
    if let Some(location) = input.get("location_id")
        && Id::parse(&location).is_none_or(|id| !locations.contains(&id))
    {
        return Err(GraphError::param("INSTAGRAM_PLATFORM_API__INVALID_LOCATION_ID"));
    }
    let cover_url = input.get("cover_url");
    if let Some(url) = &cover_url {
        check_url(url)?;
    }
    Ok(Draft { media_type, source, caption, thumb_offset_ms, cover_url, share_to_feed })
}

fn source(input: &Input<'_>, media_type: MediaType) -> Result<Source, GraphError> {
    if media_type == MediaType::Carousel {
        let children = match input.array("children") {
            Ok(children) => children.map_or(0, |children| children.len()),
            Err(_) => input.get("children").map_or(0, |list| list.split(',').count()),
        };
        let fits = (2..=10).contains(&children);
        return if fits { Ok(Source::Children) } else { Err(GraphError::known(100, Some(2207028))) };
    }
    match (input.get("upload_type").as_deref(), input.get("video_url")) {
        (Some("resumable"), _) => Ok(Source::Resumable),
        (Some(_), _) => Err(GraphError::param("Param upload_type must be one of {resumable}")),
        (None, Some(url)) => {
            check_url(&url)?;
            Ok(Source::Url(url))
        }
        (None, None) => Err(GraphError::param("The parameter video_url is required")),
    }
}

/// US-ASCII, absolute, http or https, without a login in it.
fn check_url(text: &str) -> Result<(), GraphError> {
    let good = text.is_ascii()
        && url::Url::parse(text)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host() && url.username().is_empty());
    if good { Ok(()) } else { Err(GraphError::known(9004, Some(2207052))) }
}

fn check_caption(caption: &str, behaviour: &Behaviour) -> Result<(), GraphError> {
    let length = match behaviour.caption_unit {
        CaptionUnit::Characters => caption.chars().count(),
        CaptionUnit::Utf16 => caption.encode_utf16().count(),
    };
    if length > CAPTION_LIMIT || marks(caption, '#') > HASHTAG_LIMIT {
        return Err(GraphError::known(36004, Some(2207010)));
    }
    if marks(caption, '@') > MENTION_LIMIT {
        return Err(GraphError::known(100, Some(2207040)));
    }
    Ok(())
}

/// How many words begin with the mark. A mark inside of a word, as in an address, is none.
fn marks(caption: &str, mark: char) -> usize {
    let mut count = 0;
    let mut before: Option<char> = None;
    let mut letters = caption.chars().peekable();
    while let Some(letter) = letters.next() {
        let starts = before.is_none_or(|before| !before.is_alphanumeric() && before != '_');
        let named = letters.peek().is_some_and(|next| next.is_alphanumeric() || *next == '_');
        if letter == mark && starts && named {
            count += 1;
        }
        before = Some(letter);
    }
    count
}

fn check_people(input: &Input<'_>, media_type: MediaType) -> Result<(), GraphError> {
    if let Some(collaborators) = input.array("collaborators")? {
        if media_type == MediaType::Stories {
            return Err(GraphError::param("Param collaborators is not supported for stories"));
        }
        if collaborators.len() > COLLABORATOR_LIMIT || !collaborators.iter().all(Value::is_string) {
            return Err(GraphError::param("Param collaborators must be an array of at most 3 usernames"));
        }
    }
    if let Some(tags) = input.array("user_tags")? {
        if tags.len() > MENTION_LIMIT {
            return Err(GraphError::known(100, Some(2207040)));
        }
        for tag in &tags {
            if !tag.get("username").is_some_and(Value::is_string) {
                return Err(GraphError::param("Param user_tags must be an array of objects with a username"));
            }
            if tag.get("x").is_some() || tag.get("y").is_some() {
                return Err(GraphError::param("Positions of user_tags should not be specified for video media"));
            }
        }
    }
    if input.array("product_tags")?.is_some_and(|tags| tags.iter().any(|tag| tag.get("x").is_some())) {
        return Err(GraphError::known(100, Some(2207035)));
    }
    if input.array("branded_content_sponsor_ids")?.is_some_and(|sponsors| sponsors.len() > 2) {
        return Err(GraphError::param("Param branded_content_sponsor_ids must have at most 2 entries"));
    }
    Ok(())
}

fn check_extras(input: &Input<'_>, media_type: MediaType, account: &Account) -> Result<(), GraphError> {
    if let Some(trial) = input.object("trial_params")? {
        let known =
            matches!(trial.get("graduation_strategy").and_then(Value::as_str), Some("MANUAL" | "SS_PERFORMANCE"));
        if !known {
            return Err(GraphError::param("Param trial_params[graduation_strategy] must be MANUAL or SS_PERFORMANCE"));
        }
        if !account.trial_reels {
            return Err(GraphError::known(100, Some(2207081)));
        }
    }
    if input.get("alt_text").is_some() && media_type != MediaType::Carousel {
        return Err(GraphError::param("Param alt_text is not supported for reels and stories"));
    }
    if input.object("poll_attachment")?.is_some() && input.boolean("is_comment_prompt_used")? == Some(true) {
        return Err(GraphError::param("poll_attachment and is_comment_prompt_used exclude each other"));
    }
    input.boolean("is_poll_duration_extended")?;
    Ok(())
}

/// Whether the received video is one that Instagram publishes.
///
/// Expected: H.264 or HEVC in MP4 or MOV with the header first, 23-60 fps, at most 1920 wide, 3 s - 15 min and 300 MB
/// (a story: 60 s and 100 MB). The thumbnail's offset is checked here because only now the duration is known.
pub(crate) fn check_video(
    draft: &Draft,
    bytes: u64,
    probe: Option<&Probe>,
    behaviour: &Behaviour,
) -> Result<(), GraphError> {
    let unsupported = || GraphError::known(352, Some(2207026));
    let Some(probe) = probe else {
        return if behaviour.media_checks { Err(unsupported()) } else { Ok(()) };
    };
    let (longest_ms, largest) = match draft.media_type {
        MediaType::Stories => (60_000, STORY_BYTES),
        MediaType::Reels | MediaType::Video | MediaType::Carousel => (900_000, REEL_BYTES),
    };
    let aspect = f64::from(probe.width) / f64::from(probe.height.max(1));
    let fits = probe.moov_first
        && matches!(probe.codec.as_str(), "avc1" | "avc3" | "hvc1" | "hev1")
        && (22.9..=60.1).contains(&probe.fps)
        && probe.width <= 1_920
        && (0.01..=10.0).contains(&aspect)
        && (3_000..=longest_ms).contains(&probe.duration_ms)
        && bytes <= largest
        && (probe.audio || !behaviour.refuse_silent);
    if behaviour.media_checks && !fits {
        return Err(unsupported());
    }
    if draft.cover_url.is_none()
        && u64::try_from(draft.thumb_offset_ms).is_ok_and(|offset| offset > 0 && offset >= probe.duration_ms)
    {
        return Err(GraphError::known(1, Some(2207057)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::marks;

    #[test]
    fn marks_count_words_not_signs() {
        assert_eq!(marks("#one #two_2 # #", '#'), 2);
        assert_eq!(marks("write to a@b.example, @ada and (@ben)", '@'), 2);
        assert_eq!(marks("#été#x", '#'), 1);
    }
}
