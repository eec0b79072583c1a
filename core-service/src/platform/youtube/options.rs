//! What only YouTube knows about a request: title, tags, privacy, declarations. Pure.
//!
//! <https://developers.google.com/youtube/v3/docs/videos>, read 22 November 2026. The unit of the title's length is not
//! named for emoji: UTF-16 units are the strictest reading.

use aurareels_proto::v1;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    domain::{
        media::{CoverRules, MediaFacts},
        platform::Platform,
        post::Content,
        violation::{Violation, Warning},
    },
    platform::{
        description::{Options, Unknown, known},
        first_comment,
    },
};

/// YouTube's words of privacy.
pub(super) const PUBLIC: &str = "public";
pub(super) const UNLISTED: &str = "unlisted";
pub(super) const PRIVATE: &str = "private";

/// Longest title, UTF-16 units.
const MAX_TITLE: usize = 100;
/// Longest comment, characters.
const MAX_COMMENT: usize = 10_000;
/// Tags together, as YouTube counts them.
const MAX_TAGS: usize = 500;
/// Longest Short: <https://support.google.com/youtube/answer/15424877>.
const LONGEST_SHORT_MS: u64 = 180_000;

/// A custom thumbnail: <https://developers.google.com/youtube/v3/docs/thumbnails/set>.
pub(super) const COVER: CoverRules = CoverRules { kinds: &["a JPEG image", "a PNG image"], max_size_bytes: 50_000_000 };

/// When a video becomes visible.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum YoutubePublish {
    /// Uploaded as private, made visible at the post's time.
    #[default]
    TwoSteps,
    /// Visible with its last byte.
    OneStep,
}

/// YouTube's own options.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct YoutubeOptions {
    /// Title; from the caption's first line when absent.
    pub title: Option<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Id of the category.
    pub category_id: Option<String>,
    /// Made for kids; the channel's own setting when absent.
    pub made_for_kids: Option<bool>,
    /// Realistic content that was altered or made by AI.
    pub contains_synthetic_media: Option<bool>,
    /// Tell subscribers; true when absent.
    pub notify_subscribers: Option<bool>,
    /// When it becomes visible.
    pub publish: YoutubePublish,
    /// May be embedded elsewhere.
    pub embeddable: Option<bool>,
    /// Creative Commons instead of YouTube's licence.
    pub creative_commons: bool,
    /// A comment of the channel's own. Without one nothing is written of it: fingerprints of requests stay as they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_comment: Option<String>,
}

impl Options for YoutubeOptions {
    const PLATFORM: Platform = Platform::Youtube;

    fn take(from: &mut v1::PlatformOptions, unknown: &mut Unknown<'_>) -> Option<Self> {
        let given = from.youtube.take()?;
        let text = |text: String| Some(text).filter(|text| !text.is_empty());
        let publish = match known(unknown, "content.platform_options.youtube.publish", given.publish) {
            None | Some(v1::YouTubePublish::Unspecified | v1::YouTubePublish::TwoSteps) => YoutubePublish::TwoSteps,
            Some(v1::YouTubePublish::OneStep) => YoutubePublish::OneStep,
        };
        Some(Self {
            title: text(given.title),
            tags: given.tags,
            category_id: text(given.category_id),
            made_for_kids: given.made_for_kids,
            contains_synthetic_media: given.contains_synthetic_media,
            notify_subscribers: given.notify_subscribers,
            publish,
            embeddable: given.embeddable,
            creative_commons: given.creative_commons,
            first_comment: text(given.first_comment),
        })
    }

    fn put(self, into: &mut v1::PlatformOptions) {
        let publish = match self.publish {
            YoutubePublish::TwoSteps => v1::YouTubePublish::TwoSteps,
            YoutubePublish::OneStep => v1::YouTubePublish::OneStep,
        };
        into.youtube = Some(v1::YouTubeOptions {
            title: self.title.unwrap_or_default(),
            tags: self.tags,
            category_id: self.category_id.unwrap_or_default(),
            made_for_kids: self.made_for_kids,
            contains_synthetic_media: self.contains_synthetic_media,
            notify_subscribers: self.notify_subscribers,
            publish: publish.into(),
            embeddable: self.embeddable,
            creative_commons: self.creative_commons,
            first_comment: self.first_comment.unwrap_or_default(),
        });
    }
}

/// YouTube's word for a privacy word; public when none was given. `None` for a word that it does not know.
pub(super) fn privacy(requested: &str) -> Option<&'static str> {
    [("", PUBLIC), ("PUBLIC", PUBLIC), ("UNLISTED", UNLISTED), ("PRIVATE", PRIVATE)]
        .into_iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(requested.trim()))
        .map(|(_, word)| word)
}

fn units(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The title: as given, else the caption's first line, without what YouTube does not take and as long as it takes. Empty
/// when there is none.
pub(super) fn title(content: &Content) -> String {
    if let Some(title) = YoutubeOptions::of(&content.options).title {
        return title;
    }
    let line = content.full_caption.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let line: String = line.chars().filter(|character| !matches!(character, '<' | '>')).collect();
    let line = line.trim();
    if units(line) <= MAX_TITLE {
        return line.to_owned();
    }
    let mut title = String::new();
    for word in line.split_whitespace() {
        if units(&title) + units(word) + 2 > MAX_TITLE {
            break;
        }
        if !title.is_empty() {
            title.push(' ');
        }
        title.push_str(word);
    }
    if title.is_empty() {
        // One long word.
        let mut left = MAX_TITLE - 1;
        title = line
            .chars()
            .take_while(|character| left.checked_sub(character.len_utf16()).map(|rest| left = rest).is_some())
            .collect();
    }
    title.push('…');
    title
}

/// What is said about the title.
pub(super) fn warnings(content: &Content) -> Vec<Warning> {
    let is_given = YoutubeOptions::of(&content.options).title.is_some();
    let title = title(content);
    if is_given || title.is_empty() {
        return Vec::new();
    }
    vec![Warning {
        code: "TITLE_FROM_CAPTION".to_owned(),
        field: "content.platform_options.youtube.title".to_owned(),
        message: format!("youtube needs a title and none was given: the caption's first line is used, `{title}`"),
    }]
}

/// Whether a video is a Short is a matter of its shape and length alone: no request can ask for it.
pub(super) fn no_short(field: &str, facts: &MediaFacts) -> Option<Warning> {
    let is_wide = facts.width.zip(facts.height).is_some_and(|(width, height)| width > height);
    let is_long = facts.duration_ms.is_some_and(|length| length > LONGEST_SHORT_MS);
    (is_wide || is_long).then(|| Warning {
        code: "NOT_A_SHORT".to_owned(),
        field: field.to_owned(),
        message: "youtube shows it as an ordinary video: a Short is square or upright and up to 3 minutes long"
            .to_owned(),
    })
}

/// How long the tags are, as YouTube counts: commas between them, and two quotes around a tag with a space.
fn tags_length(tags: &[String]) -> usize {
    let quoted = |tag: &String| tag.chars().count() + if tag.contains(' ') { 2 } else { 0 };
    tags.iter().map(quoted).sum::<usize>() + tags.len().saturating_sub(1)
}

/// The resource that a session is opened with. In one step the video has its privacy from its last byte on.
pub(super) fn resource(content: &Content, is_one_step: bool) -> Value {
    let options = YoutubeOptions::of(&content.options);
    let mut snippet = json!({ "title": title(content), "description": content.full_caption });
    if !options.tags.is_empty() {
        snippet["tags"] = json!(options.tags);
    }
    if let Some(category) = options.category_id {
        snippet["categoryId"] = json!(category);
    }
    let requested = privacy(&content.privacy_level).unwrap_or(PRIVATE);
    // Always sent: without it a video is public.
    let privacy = if is_one_step { requested } else { PRIVATE };
    let mut status = json!({ "privacyStatus": privacy });
    for (field, value) in [
        ("selfDeclaredMadeForKids", options.made_for_kids),
        ("containsSyntheticMedia", options.contains_synthetic_media),
        ("embeddable", options.embeddable),
    ] {
        if let Some(value) = value {
            status[field] = json!(value);
        }
    }
    if options.creative_commons {
        status["license"] = json!("creativeCommon");
    }
    json!({ "snippet": snippet, "status": status })
}

/// Every broken rule.
pub(super) fn check(content: &Content) -> Vec<Violation> {
    let mut broken = Vec::new();
    let mut add = |field, rule, measured: String, limit: &str, remedy: &str, what: &str| {
        let message = format!("{what}: {measured}, allowed is {limit}");
        broken.push(Violation { field, rule, measured, limit: limit.to_owned(), remedy: remedy.to_owned(), message });
    };
    let options = YoutubeOptions::of(&content.options);
    if privacy(&content.privacy_level).is_none() {
        let measured = content.privacy_level.clone();
        add(
            "content.privacy_level",
            "PRIVACY_NOT_OFFERED",
            measured,
            "PUBLIC, UNLISTED or PRIVATE",
            "use one of these",
            "youtube does not know this privacy",
        );
    }
    if content.allow_comments == Some(false) {
        add(
            "content.allow_comments",
            "COMMENTS_NOT_OFFERED",
            "false".to_owned(),
            "true, or not given",
            "leave it out, and set comments in YouTube Studio",
            "youtube's api cannot turn the comments of a video off",
        );
    }
    let title = title(content);
    let field = "content.platform_options.youtube.title";
    if title.trim().is_empty() {
        add(
            field,
            "TITLE_MISSING",
            "nothing".to_owned(),
            "1 to 100 UTF-16 units",
            "give a title, or a caption whose first line is one",
            "youtube needs a title",
        );
    }
    if units(&title) > MAX_TITLE {
        add(
            field,
            "TITLE_TOO_LONG",
            format!("{} UTF-16 units", units(&title)),
            "100 UTF-16 units",
            "shorten it",
            "the title is too long",
        );
    }
    if title.contains(['<', '>']) || title.chars().any(char::is_control) {
        add(
            field,
            "TITLE_INVALID_CHARACTER",
            "an angle bracket or a control character".to_owned(),
            "text without < and >",
            "remove them",
            "youtube does not take the title",
        );
    }
    if content.full_caption.contains(['<', '>']) {
        add(
            "content.caption",
            "CAPTION_INVALID_CHARACTER",
            "an angle bracket".to_owned(),
            "text without < and >",
            "remove them",
            "youtube does not take the description",
        );
    }
    let field = "content.platform_options.youtube.first_comment";
    let is_closed = options.made_for_kids == Some(true) || privacy(&content.privacy_level) == Some(PRIVATE);
    if options.first_comment.is_some() && is_closed {
        add(
            field,
            "FIRST_COMMENT_NOT_OFFERED",
            "a private video, or one made for kids".to_owned(),
            "a public or unlisted video that is not made for kids",
            "leave the first comment out",
            "youtube takes no comments under this video",
        );
    }
    let comment = first_comment::check(field, options.first_comment.as_deref(), MAX_COMMENT);
    let length = tags_length(&options.tags);
    if length > MAX_TAGS {
        add(
            "content.platform_options.youtube.tags",
            "TAGS_TOO_LONG",
            format!("{length} characters"),
            "500 characters, with commas, and quotes around tags with spaces",
            "leave some out",
            "the tags are too long",
        );
    }
    if options.tags.iter().any(|tag| tag.trim().is_empty() || tag.contains(['<', '>', ','])) {
        add(
            "content.platform_options.youtube.tags",
            "TAG_INVALID",
            "an empty one, or one with a comma or an angle bracket".to_owned(),
            "text without , < and >",
            "give each tag as an entry of its own",
            "a tag is not one",
        );
    }
    if options.category_id.as_ref().is_some_and(|id| id.len() > 4 || !id.bytes().all(|byte| byte.is_ascii_digit())) {
        add(
            "content.platform_options.youtube.category_id",
            "CATEGORY_INVALID",
            options.category_id.unwrap_or_default(),
            "the digits of a category's id",
            "give an id of videoCategories.list, such as 22",
            "the category is not one",
        );
    }
    broken.extend(comment);
    broken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::media::{Container, PictureFacts};

    fn content(caption: &str, options: YoutubeOptions) -> Content {
        Content { full_caption: caption.into(), options: options.alone(), ..Content::default() }
    }

    fn rules(content: &Content) -> Vec<&'static str> {
        check(content).into_iter().map(|violation| violation.rule).collect()
    }

    #[test]
    fn the_title_is_given_or_the_captions_first_line_with_a_warning() {
        let taken = content("\n  A walk <3\nand more", YoutubeOptions::default());
        assert_eq!(title(&taken), "A walk 3");
        assert_eq!(warnings(&taken)[0].code, "TITLE_FROM_CAPTION");
        let given = content("x", YoutubeOptions { title: Some("Mine".into()), ..YoutubeOptions::default() });
        assert_eq!((title(&given), warnings(&given)), ("Mine".to_owned(), Vec::new()));
        assert_eq!(rules(&content("", YoutubeOptions::default())), ["TITLE_MISSING"]);
    }

    #[test]
    fn a_video_that_is_no_short_is_told() {
        let told = |width, height, duration_ms| {
            let facts = MediaFacts {
                size_bytes: 1_000_000,
                container: Container::Mp4,
                duration_ms: Some(duration_ms),
                width: Some(width),
                height: Some(height),
                video_codec: None,
                frame_rate_millis: None,
                has_audio: None,
                audio: None,
                moov_first: None,
                picture: PictureFacts::default(),
            };
            no_short("content.media_id", &facts).map(|warning| warning.code)
        };
        assert_eq!((told(1080, 1920, 180_000), told(1080, 1080, 60_000)), (None, None));
        for (width, height, length) in [(1920, 1080, 60_000), (1080, 1920, 180_001)] {
            assert_eq!(told(width, height, length).as_deref(), Some("NOT_A_SHORT"));
        }
    }

    #[test]
    fn a_long_first_line_is_cut_to_a_hundred_units_at_a_word() {
        for line in ["word ".repeat(40), "😀".repeat(80), "x".repeat(300), "é ".repeat(99)] {
            let title = title(&content(&line, YoutubeOptions::default()));
            assert!(units(&title) <= 100 && title.ends_with('…') && !title.ends_with(" …"), "{title}");
            assert!(rules(&content(&line, YoutubeOptions::default())).is_empty(), "{title}");
        }
    }

    #[test]
    fn every_rule_can_be_broken() {
        let with = |change: fn(&mut YoutubeOptions)| {
            let mut options = YoutubeOptions::default();
            change(&mut options);
            rules(&content("a title", options))
        };
        assert_eq!(with(|options| options.title = Some("😀".repeat(51))), ["TITLE_TOO_LONG"]);
        assert_eq!(with(|options| options.title = Some("a<b".into())), ["TITLE_INVALID_CHARACTER"]);
        assert_eq!(with(|options| options.tags = vec!["x".repeat(501)]), ["TAGS_TOO_LONG"]);
        // 247 + 2 quotes + comma + 250 = 500.
        assert!(with(|options| options.tags = vec![format!("a {}", "x".repeat(245)), "y".repeat(250)]).is_empty());
        assert_eq!(
            with(|options| options.tags = vec![format!("a {}", "x".repeat(246)), "y".repeat(250)]),
            ["TAGS_TOO_LONG"]
        );
        assert_eq!(with(|options| options.tags = vec!["a,b".into()]), ["TAG_INVALID"]);
        assert_eq!(with(|options| options.category_id = Some("News".into())), ["CATEGORY_INVALID"]);
        let comment = || Some("first".to_owned());
        assert_eq!(with(|options| options.first_comment = Some("x".repeat(10_001))), ["FIRST_COMMENT_TOO_LONG"]);
        let for_kids =
            YoutubeOptions { first_comment: comment(), made_for_kids: Some(true), ..YoutubeOptions::default() };
        assert_eq!(rules(&content("t", for_kids)), ["FIRST_COMMENT_NOT_OFFERED"]);
        let hidden = YoutubeOptions { first_comment: comment(), ..YoutubeOptions::default() };
        let hidden = Content { privacy_level: "PRIVATE".into(), ..content("t", hidden) };
        assert_eq!(rules(&hidden), ["FIRST_COMMENT_NOT_OFFERED"]);
        let private = Content { privacy_level: "FRIENDS".into(), ..content("t", YoutubeOptions::default()) };
        assert_eq!(rules(&private), ["PRIVACY_NOT_OFFERED"]);
        assert_eq!(rules(&content("t <b>", YoutubeOptions::default())), ["CAPTION_INVALID_CHARACTER"]);
    }

    #[test]
    fn privacy_is_always_sent_and_private_until_the_second_step() {
        let content = content("t", YoutubeOptions::default());
        assert_eq!(resource(&content, false)["status"]["privacyStatus"], "private");
        assert_eq!(resource(&content, true)["status"]["privacyStatus"], "public");
    }
}
