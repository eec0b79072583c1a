//! The text of a post: caption, hashtags and mentions are joined here, once, and nowhere else.
//!
//! Guaranteed:
//! - [`compose`] returns the text exactly as it is sent, with all broken rules at once.
//! - A tag that is already in the caption is not repeated; an entry that cannot work as a tag is refused instead of
//!   being sent as plain text. Invisible characters in an entry are removed, with a warning.
//! - Length is counted over the whole text in the platform's unit. Cutting takes from the caption, never splits a
//!   character, and never leaves half of a hashtag, mention or link behind: half a mention names somebody else.
//! - [`normalise`] is the one form in which captions are compared, for request keys and for finding a post again.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

use super::{
    platform::Platform,
    tag::{self, is_at_sign, is_hash_sign, is_hashtag_character, is_mention_character, tags_in},
    violation::{Violation, Warning},
};

/// The unit in which a platform counts the length of a caption.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaptionUnit {
    /// UTF-16 code units: an emoji outside the basic plane counts two.
    Utf16CodeUnits,
    /// Unicode code points.
    CodePoints,
    /// Bytes of the UTF-8 form.
    Bytes,
}

impl CaptionUnit {
    /// The length of `text` in this unit.
    pub fn length(self, text: &str) -> usize {
        match self {
            Self::Utf16CodeUnits => text.chars().map(char::len_utf16).sum(),
            Self::CodePoints => text.chars().count(),
            Self::Bytes => text.len(),
        }
    }

    /// The unit in words, for messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Utf16CodeUnits => "UTF-16 code units",
            Self::CodePoints => "characters",
            Self::Bytes => "bytes",
        }
    }
}

/// What a platform requires of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaptionRules {
    /// Longest text, in `unit`.
    pub max_length: usize,
    /// The unit of `max_length`.
    pub unit: CaptionUnit,
    /// Most hashtags in the text.
    pub max_hashtags: usize,
    /// Most mentions in the text; `None` when the platform names no limit.
    pub max_mentions: Option<usize>,
}

/// What to do with a text that is too long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnLongCaption {
    /// Refuse it.
    #[default]
    Refuse,
    /// Cut the caption, keep the tags where possible, and warn.
    Cut,
}

/// The joined text with its violations and warnings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Composed {
    /// The text that is sent. Not to be sent when there are violations.
    pub text: String,
    /// What was changed.
    pub warnings: Vec<Warning>,
    /// Every broken rule.
    pub violations: Vec<Violation>,
}

/// Joins caption, hashtags and mentions into the text that is sent, and checks it.
///
/// Hashtags and mentions come with or without their sign; empty entries are skipped. The caption's own line ends are
/// kept (as `\n`), space around it is not.
pub fn compose(
    caption: &str,
    hashtags: &[String],
    mentions: &[String],
    rules: &CaptionRules,
    on_long: OnLongCaption,
) -> Composed {
    let mut composed = Composed::default();
    let body = caption.replace("\r\n", "\n").replace('\r', "\n");
    let body = body.trim();
    if let Some(control) = body.chars().find(|&character| is_forbidden(character)) {
        composed.violations.push(Violation {
            field: "content.caption",
            rule: "CAPTION_INVALID_CHARACTER",
            measured: format!("U+{:04X}", u32::from(control)),
            limit: "no control characters but line end and tab".to_owned(),
            remedy: "remove the control characters".to_owned(),
            message: format!("the caption contains the control character U+{:04X}", u32::from(control)),
        });
    }
    let mut tags = Vec::new();
    for entry in hashtags {
        let entry = visible_entry("content.hashtags", entry, &mut composed.warnings);
        tags.extend(Tag::hashtag(&entry, &mut composed.violations));
    }
    for entry in mentions {
        let entry = visible_entry("content.mentions", entry, &mut composed.warnings);
        tags.extend(Tag::mention(&entry, &mut composed.violations));
    }

    composed.text = join(body, &missing_tags(body, &tags));
    let length = rules.unit.length(&composed.text);
    if length > rules.max_length {
        match on_long {
            OnLongCaption::Refuse => composed.violations.push(too_long(length, rules)),
            OnLongCaption::Cut => {
                let (text, dropped) = cut(body, &tags, rules);
                composed.text = text;
                composed.warnings.push(cut_warning(length, rules));
                composed.warnings.extend(dropped_warning(&dropped));
            }
        }
    }
    check_counts(&composed.text, rules, &mut composed.violations);
    composed
}

/// The form in which captions are compared: NFC, line ends as `\n`, without `@`, trimmed.
///
/// Instagram gives captions back without `@` to readers without admin rights, so it takes no part in the comparison
/// (<https://developers.facebook.com/docs/instagram-platform/reference/instagram-media>).
pub fn normalise(text: &str) -> String {
    let text: String = text.replace("\r\n", "\n").replace('\r', "\n").chars().filter(|&c| c != '@').nfc().collect();
    text.trim().to_owned()
}

/// True if a post seen on the platform has exactly the caption that was sent. An empty caption matches nothing: it
/// cannot tell posts apart.
pub fn is_same_caption(sent: &str, seen: &str) -> bool {
    let sent = normalise(sent);
    !sent.is_empty() && sent == normalise(seen)
}

/// Like [`is_same_caption`] for platforms that give back only the first `limit` characters: `seen` must be the whole
/// caption, or a beginning of it that is as long as the platform gives (three characters of grace for an ellipsis).
pub fn is_same_beginning(sent: &str, seen: &str, limit: usize) -> bool {
    if is_same_caption(sent, seen) {
        return true;
    }
    let as_long_as_given = seen.chars().map(char::len_utf16).sum::<usize>() + 3 >= limit;
    let seen = normalise(seen);
    let seen = seen.trim_end_matches(['.', '…']).trim_end();
    as_long_as_given && !seen.is_empty() && normalise(sent).starts_with(seen)
}

/// The part of a caption that the platform's list is sure to show. Posts with the same one may look the same there.
pub fn as_listed(platform: Platform, text: &str) -> String {
    let normal = normalise(text);
    match platform.listed_characters() {
        Some(shown) => normal.chars().take(shown).collect(),
        None => normal,
    }
}

/// The hashtags that a platform would find in `text`, without sign, in order.
pub fn hashtags_in(text: &str) -> Vec<&str> {
    tags_in(text, is_hash_sign, is_hashtag_character)
}

/// The mentions that a platform would find in `text`, without sign, in order.
pub fn mentions_in(text: &str) -> Vec<&str> {
    let found = tags_in(text, is_at_sign, is_mention_character);
    found.into_iter().map(|name| name.trim_end_matches('.')).filter(|name| !name.is_empty()).collect()
}

/// One entry of the request's hashtags or mentions, with its sign.
#[derive(Clone, Debug, PartialEq)]
struct Tag {
    text: String,
    key: String,
    is_mention: bool,
}

impl Tag {
    fn hashtag(entry: &str, violations: &mut Vec<Violation>) -> Option<Self> {
        let entry = entry.trim();
        let name = without_sign(entry, is_hash_sign);
        if entry.is_empty() {
            return None;
        }
        let wrong = name.graphemes(true).find(|grapheme| !is_hashtag_character(grapheme));
        // What cannot be told from its sign or from what follows it is none either.
        if wrong.is_none() && hashtags_in(&format!("#{name} ")) == [name] {
            return Some(Self { text: format!("#{name}"), key: key(name), is_mention: false });
        }
        violations.push(Violation {
            field: "content.hashtags",
            rule: "HASHTAG_INVALID",
            measured: entry.to_owned(),
            limit: "letters, digits, underscores and emoji, one hashtag per entry".to_owned(),
            remedy: "leave out spaces and punctuation, or split the entry".to_owned(),
            message: format!("`{entry}` cannot be a hashtag{}", because_of(wrong)),
        });
        None
    }

    fn mention(entry: &str, violations: &mut Vec<Violation>) -> Option<Self> {
        let entry = entry.trim();
        let name = without_sign(entry, is_at_sign);
        if entry.is_empty() {
            return None;
        }
        let fits = (1..=MAX_USERNAME).contains(&name.len()) && !name.ends_with('.');
        let wrong = name.graphemes(true).find(|grapheme| !is_mention_character(grapheme));
        if fits && wrong.is_none() {
            return Some(Self { text: format!("@{name}"), key: key(name), is_mention: true });
        }
        violations.push(Violation {
            field: "content.mentions",
            rule: "MENTION_INVALID",
            measured: entry.to_owned(),
            limit: format!("a username: up to {MAX_USERNAME} letters a-z, digits, underscores and periods"),
            remedy: "give the username, not the display name, one per entry".to_owned(),
            message: format!("`{entry}` cannot be a mention{}", because_of(wrong)),
        });
        None
    }
}

/// An entry without its sign.
fn without_sign(entry: &str, is_sign: fn(&str) -> bool) -> &str {
    let sign = entry.graphemes(true).next().filter(|first| is_sign(first));
    &entry[sign.map_or(0, str::len)..]
}

/// The character that makes an entry invalid as a tag, in words.
fn because_of(wrong: Option<&str>) -> String {
    let Some(wrong) = wrong else { return String::new() };
    let names: Vec<String> = wrong.chars().map(tag::name).collect();
    format!(": it contains `{wrong}`, {}", names.join(" "))
}

/// An entry without invisible characters.
fn visible_entry(field: &str, entry: &str, warnings: &mut Vec<Warning>) -> String {
    let (visible, mut removed) = tag::visible(entry);
    removed.dedup();
    if !removed.is_empty() {
        let names: Vec<String> = removed.into_iter().map(tag::name).collect();
        let shown = visible.trim();
        warnings.push(Warning {
            code: "INVISIBLE_CHARACTERS_REMOVED".to_owned(),
            field: field.to_owned(),
            message: format!("invisible characters were taken out of `{shown}`: {}", names.join(", ")),
        });
    }
    visible
}

/// Longest username of the platforms served (Instagram: 30, TikTok: 24).
const MAX_USERNAME: usize = 30;

/// Marks the place where a caption was cut.
const ELLIPSIS: &str = "…";

/// Up to this length, in characters, a word is dropped whole rather than cut.
const LONGEST_ORDINARY_WORD: usize = 30;

fn key(name: &str) -> String {
    name.nfc().flat_map(char::to_lowercase).collect()
}

fn is_forbidden(character: char) -> bool {
    character.is_control() && !matches!(character, '\n' | '\t')
}

/// The tags that `body` does not have yet, each once.
fn missing_tags<'a>(body: &str, tags: &'a [Tag]) -> Vec<&'a Tag> {
    let hashtags = hashtags_in(body).into_iter().map(|name| (false, key(name)));
    let mentions = mentions_in(body).into_iter().map(|name| (true, key(name)));
    let mut seen: HashSet<(bool, String)> = hashtags.chain(mentions).collect();
    tags.iter().filter(|tag| seen.insert((tag.is_mention, tag.key.clone()))).collect()
}

fn join(body: &str, tags: &[&Tag]) -> String {
    let parts = std::iter::once(body).filter(|body| !body.is_empty()).chain(tags.iter().map(|tag| tag.text.as_str()));
    parts.collect::<Vec<_>>().join(" ")
}

/// The text with its caption cut so that all fits, and the tags for which there was no room.
fn cut<'a>(body: &str, tags: &'a [Tag], rules: &CaptionRules) -> (String, Vec<&'a Tag>) {
    let length_of = |tags: &[&Tag]| rules.unit.length(&join("", tags));
    let room_beside = |tags: &[&Tag]| match tags {
        [] => rules.max_length,
        tags => rules.max_length.saturating_sub(length_of(tags) + 1),
    };
    let mut kept = missing_tags("", tags);
    let mut dropped = Vec::new();
    while length_of(&kept) > rules.max_length {
        dropped.extend(kept.pop());
    }
    let shortest = cut_body(body, room_beside(&kept), rules.unit);
    // A tag that stands in what remains of the caption need not be added, which leaves room for more of the caption.
    let missing = missing_tags(&shortest, tags);
    let (needed, named): (Vec<&Tag>, Vec<&Tag>) = kept.iter().partition(|tag| missing.contains(tag));
    let longest = cut_body(body, room_beside(&needed), rules.unit);
    let still_missing = missing_tags(&longest, tags);
    if named.iter().any(|tag| still_missing.contains(tag)) {
        return (join(&shortest, &kept), dropped);
    }
    (join(&longest, &needed), dropped)
}

/// The beginning of `body` that fits into `room` together with an ellipsis; empty if nothing sensible does.
fn cut_body(body: &str, room: usize, unit: CaptionUnit) -> String {
    if unit.length(body) <= room {
        return body.to_owned();
    }
    let Some(room) = room.checked_sub(unit.length(ELLIPSIS)) else { return String::new() };
    let (mut end, mut used) = (0, 0);
    for (position, grapheme) in body.grapheme_indices(true) {
        used += unit.length(grapheme);
        if used > room {
            break;
        }
        end = position + grapheme.len();
    }
    let kept = body[..whole_words(body, end)].trim_end();
    if kept.is_empty() { String::new() } else { format!("{kept}{ELLIPSIS}") }
}

/// Moves the cut at `end` back so that no tag, mention or link is left half, and no ordinary word if it is short.
fn whole_words(body: &str, end: usize) -> usize {
    let (kept, rest) = body.split_at(end);
    if rest.chars().next().is_none_or(char::is_whitespace) {
        return end;
    }
    let word = kept.rsplit(char::is_whitespace).next().unwrap_or_default();
    let word_start = end - word.len();
    if word.contains("://") || word.starts_with("www.") {
        return word_start;
    }
    let mut graphemes = word.grapheme_indices(true);
    if let Some((at, _)) = graphemes.rfind(|(_, grapheme)| is_hash_sign(grapheme) || is_at_sign(grapheme)) {
        return word_start + at;
    }
    // Scripts without spaces have "words" of any length; there the cut stays where it is.
    if word.chars().count() <= LONGEST_ORDINARY_WORD { word_start } else { end }
}

fn check_counts(text: &str, rules: &CaptionRules, violations: &mut Vec<Violation>) {
    let hashtags = hashtags_in(text).len();
    if hashtags > rules.max_hashtags {
        violations.push(Violation {
            field: "content.hashtags",
            rule: "HASHTAGS_TOO_MANY",
            measured: format!("{hashtags} hashtags"),
            limit: format!("{} hashtags", rules.max_hashtags),
            remedy: format!("remove {} hashtags; those in the caption count too", hashtags - rules.max_hashtags),
            message: format!("the text has {hashtags} hashtags, {} are allowed", rules.max_hashtags),
        });
    }
    let mentions = mentions_in(text).len();
    if let Some(most) = rules.max_mentions.filter(|&most| mentions > most) {
        violations.push(Violation {
            field: "content.mentions",
            rule: "MENTIONS_TOO_MANY",
            measured: format!("{mentions} mentions"),
            limit: format!("{most} mentions"),
            remedy: format!("remove {} mentions; those in the caption count too", mentions - most),
            message: format!("the text has {mentions} mentions, {most} are allowed"),
        });
    }
}

fn too_long(length: usize, rules: &CaptionRules) -> Violation {
    let (unit, most) = (rules.unit.as_str(), rules.max_length);
    Violation {
        field: "content.caption",
        rule: "CAPTION_TOO_LONG",
        measured: format!("{length} {unit}"),
        limit: format!("{most} {unit}"),
        remedy: format!("shorten caption, hashtags and mentions by {} {unit}, or set on_long_caption", length - most),
        message: format!("caption, hashtags and mentions together have {length} {unit}, {most} are allowed"),
    }
}

fn cut_warning(length: usize, rules: &CaptionRules) -> Warning {
    let (unit, most) = (rules.unit.as_str(), rules.max_length);
    Warning {
        code: "CAPTION_CUT".to_owned(),
        field: "content.caption".to_owned(),
        message: format!("the caption was cut: the text had {length} {unit}, {most} are allowed"),
    }
}

fn dropped_warning(dropped: &[&Tag]) -> Option<Warning> {
    let names: Vec<&str> = dropped.iter().rev().map(|tag| tag.text.as_str()).collect();
    (!names.is_empty()).then(|| Warning {
        code: "TAGS_DROPPED".to_owned(),
        field: "content.hashtags".to_owned(),
        message: format!("no room for {}", names.join(" ")),
    })
}

#[cfg(test)]
#[path = "caption_tests.rs"]
mod tests;
