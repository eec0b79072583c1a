//! Words that somebody looks for, and the text of a post in which they are looked for. Pure.
//!
//! Guaranteed: both are folded by one rule, so upper and lower case are the same in every script, on every database, and
//! so are forms that Unicode calls compatible (full-width letters, ligatures). Accents do not count: `cafe` finds `café`,
//! and the other way round. Every word has to be found, in any order; a part of a word is enough.

use std::ops::RangeInclusive;

use unicode_normalization::UnicodeNormalization;

use super::{platform::Platform, post::Content};

/// Most characters of a search.
pub const MAX_CHARACTERS: usize = 200;

/// Most words of a search.
pub const MAX_WORDS: usize = 10;

/// A word that is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// As it was given: ids of platforms tell upper from lower case.
    pub given: String,
    /// Folded.
    pub folded: String,
}

/// The words of a search; none when it is empty.
pub fn words(search: &str) -> Vec<Word> {
    let words = search.split_whitespace().map(|word| Word { given: word.replace('\0', ""), folded: fold(word) });
    words.filter(|word| !word.folded.is_empty()).collect()
}

/// What is looked through of a post: caption, hashtags with their sign, and titles, each on a line of its own. A release
/// that changes it has to have the stored ones written anew: its migration sets `is_searchable` to 0.
pub fn text_of(content: &Content) -> String {
    let mut text = fold(&content.caption);
    for hashtag in &content.hashtags {
        text.push_str("\n#");
        text.push_str(&fold(hashtag.trim_start_matches('#')));
    }
    for platform in Platform::ALL {
        let options = content.options.of(platform);
        if let Some(title) = options.and_then(|options| options.get("title")).and_then(|title| title.as_str()) {
            text.push('\n');
            text.push_str(&fold(title));
        }
    }
    text
}

/// The marks that Latin, Greek and Cyrillic letters carry. Those of other scripts make other letters: `か` is not `が`.
const ACCENTS: RangeInclusive<char> = '\u{300}'..='\u{36f}';

/// A text in which upper and lower case are the same, without accents. By way of upper case, which joins what has several lower-case forms
/// (`ς` and `σ`, `ß` and `ss`), and of lower case before it, which has what upper case lacks (`ẞ`).
pub fn fold(text: &str) -> String {
    let flat = text.nfkc().flat_map(char::to_lowercase).flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    let plain = flat.nfkd().filter(|character| *character != '\0' && !ACCENTS.contains(character));
    // What belongs to a letter in other scripts, and Korean syllables, are composed again.
    plain.nfkc().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn case_form_and_accents_do_not_count_and_letters_of_other_scripts_stay_what_they_are() {
        for (one, other) in [
            ("ÜBER", "über"),
            ("Straße", "STRASSE"),
            ("ΟΔΟΣ", "οδος"),
            ("οδός", "ΟΔΌΣ"),
            ("ЁЛКА", "ёлка"),
            ("ｆｕｌｌ", "FULL"),
            ("ﬁn", "FIN"),
            ("cafe\u{301}", "CAFÉ"),
            ("ǆ", "Ǆ"),
            ("日本", "日本"),
            ("cafe", "Café"),
            ("sao paulo", "São Paulo"),
            ("οδος", "οδός"),
        ] {
            assert_eq!(fold(one), fold(other), "{one} {other}");
        }
        for (one, other) in [("か", "が"), ("하", "한"), ("क", "कि"), ("o", "ø")] {
            assert_ne!(fold(one), fold(other), "{one} {other}");
        }
    }

    #[test]
    fn folding_twice_is_folding_once() {
        // Others are left as they are.
        for character in ('\0'..=char::MAX).filter(|character| character.is_uppercase() || character.is_lowercase()) {
            let once = fold(&character.to_string());
            assert_eq!(fold(&once), once, "{character} {:x}", character as u32);
        }
    }

    #[test]
    fn the_text_of_a_post_has_caption_hashtags_and_titles_and_nothing_else() {
        let mut content = Content {
            caption: "Große Reise".into(),
            hashtags: vec!["Alps".into(), "#Sommer".into()],
            location: Some("nowhere".into()),
            ..Content::default()
        };
        content.options.set(Platform::Youtube, json!({ "title": "Über die Alpen", "category_id": "19" }));
        assert_eq!(text_of(&content), "grosse reise\n#alps\n#sommer\nuber die alpen");
    }

    #[test]
    fn a_search_is_its_words() {
        assert_eq!(words(" \t\n"), []);
        let found = words("  Über \u{3000}#Alps ");
        assert_eq!(found.iter().map(|word| word.folded.as_str()).collect::<Vec<_>>(), ["uber", "#alps"]);
        assert_eq!(found[0].given, "Über");
    }
}
