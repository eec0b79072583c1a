//! The syntax of hashtags and mentions, and finding them in a text. Pure.
//!
//! Hashtags are those of Unicode (<https://www.unicode.org/reports/tr31/#hashtag_identifiers>): letters, digits and
//! marks of all scripts, and emoji with all their components. Text is read by grapheme clusters, so a keycap `#️⃣` is
//! not a hash sign and a flag is not cut in half.

use icu_properties::props::{
    BinaryProperty, DefaultIgnorableCodePoint, Emoji, EmojiComponent, EmojiModifier, ExtendedPictographic, XidContinue,
};
use unicode_segmentation::UnicodeSegmentation;

const KEYCAP: char = '\u{20E3}';

/// Whether a grapheme begins a hashtag.
pub(super) fn is_hash_sign(grapheme: &str) -> bool {
    matches!(grapheme, "#" | "﹟" | "＃")
}

/// Whether a grapheme begins a mention.
pub(super) fn is_at_sign(grapheme: &str) -> bool {
    matches!(grapheme, "@" | "＠")
}

/// Whether a grapheme can be part of a mention.
pub(super) fn is_mention_character(grapheme: &str) -> bool {
    let mut characters = grapheme.chars();
    let first = characters.next().is_some_and(|first| first.is_ascii_alphanumeric() || matches!(first, '_' | '.'));
    first && characters.next().is_none()
}

/// Whether a grapheme can be part of a hashtag.
pub(super) fn is_hashtag_character(grapheme: &str) -> bool {
    // The keycaps of `*` and `#` are emoji, the signs alone are not.
    if grapheme.len() > 1 && grapheme.starts_with(['#', '*']) && grapheme.ends_with(KEYCAP) {
        return true;
    }
    // Nothing that only changes what stands before it: there is nothing.
    let shows = grapheme.chars().any(|character| {
        character.is_alphanumeric()
            || matches!(character, '_' | '·' | '・')
            || ExtendedPictographic::for_char(character)
            || is_flag_letter(character)
    });
    shows && grapheme.chars().all(belongs)
}

fn belongs(character: char) -> bool {
    XidContinue::for_char(character)
        || character.is_alphanumeric()
        || ExtendedPictographic::for_char(character)
        || (EmojiComponent::for_char(character) && !matches!(character, '#' | '*'))
        || matches!(character, '·' | '・' | '\u{200C}')
}

fn is_flag_letter(character: char) -> bool {
    ('\u{1F1E6}'..='\u{1F1FF}').contains(&character)
}

/// Runs of `belongs` after a sign, unless the sign is inside a word (`a@b.c`, `&#39;`); directly after another tag it
/// counts (`#one#two` are two).
pub(super) fn tags_in(text: &str, is_sign: fn(&str) -> bool, belongs: fn(&str) -> bool) -> Vec<&str> {
    let mut found = Vec::new();
    let mut before: Option<char> = None;
    let mut end_of_last_tag = None;
    let mut graphemes = text.grapheme_indices(true).peekable();
    while let Some((position, grapheme)) = graphemes.next() {
        let inside_word = before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '&'));
        before = grapheme.chars().next_back();
        if !is_sign(grapheme) || (inside_word && end_of_last_tag != Some(position)) {
            continue;
        }
        let start = position + grapheme.len();
        let mut end = start;
        while let Some((at, next)) = graphemes.next_if(|&(_, next)| belongs(next)) {
            end = at + next.len();
            before = next.chars().next_back();
        }
        if end > start {
            found.push(&text[start..end]);
            end_of_last_tag = Some(end);
        }
    }
    found
}

/// A tag without invisible characters, and those that were removed: they come with copied text, and would end or change
/// the tag. Joiners, selectors and the letters of flags stay where they have an effect.
pub(super) fn visible(entry: &str) -> (String, Vec<char>) {
    let mut kept = String::new();
    let mut removed = Vec::new();
    let mut characters = entry.chars().peekable();
    while let Some(character) = characters.next() {
        let before = kept.chars().next_back();
        let has_effect = match character {
            '\u{200C}' | '\u{200D}' => {
                before.is_some_and(is_joined) && characters.peek().copied().is_some_and(is_joined)
            }
            '\u{FE0E}' | '\u{FE0F}' => before.is_some_and(|before| match before {
                '#' | '*' | '0'..='9' => characters.peek() == Some(&KEYCAP),
                before => Emoji::for_char(before),
            }),
            selector if is_selector(selector) => before.is_some_and(char::is_alphanumeric),
            '\u{E0020}'..='\u{E007F}' => {
                before.is_some_and(|before| matches!(before, '\u{1F3F4}' | '\u{E0020}'..='\u{E007E}'))
            }
            _ => false,
        };
        if is_invisible(character) && !has_effect {
            removed.push(character);
        } else {
            kept.push(character);
        }
    }
    (kept, removed)
}

/// Characters that have no visible form; line ends and the like are not among them.
fn is_invisible(character: char) -> bool {
    DefaultIgnorableCodePoint::for_char(character) || matches!(character, '\u{FFF9}'..='\u{FFFB}')
}

/// Joins with its neighbours: letters, marks, emoji and variation selectors.
fn is_joined(character: char) -> bool {
    XidContinue::for_char(character) || ExtendedPictographic::for_char(character) || EmojiModifier::for_char(character)
}

/// Chooses a form of the character before it.
fn is_selector(character: char) -> bool {
    matches!(
        character,
        '\u{034F}' | '\u{180B}'..='\u{180D}' | '\u{180F}' | '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}'
    )
}

/// A character by its number, and by its name where it is one that is met often.
pub(super) fn name(character: char) -> String {
    let name = match character {
        '\u{AD}' => " (soft hyphen)",
        '\u{61C}' => " (Arabic letter mark)",
        '\u{200B}' => " (zero width space)",
        '\u{200C}' => " (zero width non-joiner)",
        '\u{200D}' => " (zero width joiner)",
        '\u{200E}' => " (left-to-right mark)",
        '\u{200F}' => " (right-to-left mark)",
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => " (direction of text)",
        '\u{2060}' => " (word joiner)",
        '\u{FE0E}' | '\u{FE0F}' => " (variation selector)",
        '\u{FEFF}' => " (byte order mark)",
        _ => "",
    };
    format!("U+{:04X}{name}", u32::from(character))
}
