//! The words of a search, and the text of a post that is searched. Pure.
//!
//! Guaranteed: both are folded by one rule, so upper and lower case are the same in every script, on every database, and
//! so are forms that Unicode calls compatible (full-width letters, ligatures, composed or decomposed accents). Accents
//! themselves count: `cafe` does not find `café`. Every word has to be found, in any order; a part of a word is enough.

use unicode_normalization::UnicodeNormalization;

use super::{platform::Platform, post::Content};

/// Most characters of a search.
pub const MAX_CHARACTERS: usize = 200;

/// Most words of a search.
pub const MAX_WORDS: usize = 10;

/// A word to be searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// As it was given: platform ids are case-sensitive.
    pub given: String,
    /// Folded.
    pub folded: String,
}

/// The words of a search; none when it is empty.
pub fn words(search: &str) -> Vec<Word> {
    let words = search.split_whitespace().map(|word| Word { given: word.replace('\0', ""), folded: fold(word) });
    words.filter(|word| !word.folded.is_empty()).collect()
}

/// The searchable text of a post: caption, hashtags with their sign, and titles, each on its own line. A release that
/// changes this must have the stored texts rewritten: its migration sets `is_searchable` to 0.
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

/// A text folded for case-insensitive comparison: to lower case first (for `ẞ`), then to upper case, which unifies
/// letters with several lower-case forms (`ς` and `σ`, `ß` and `ss`).
pub fn fold(text: &str) -> String {
    // A character's own upper-case form may be a decomposed one, so it is composed again at the end.
    let flat = text.nfkc().flat_map(char::to_lowercase).flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    flat.nfkc().filter(|character| *character != '\0').collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn case_and_form_do_not_count_in_any_script_but_accents_do() {
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
        ] {
            assert_eq!(fold(one), fold(other), "{one} {other}");
        }
        assert_ne!(fold("cafe"), fold("café"));
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
        assert_eq!(text_of(&content), "grosse reise\n#alps\n#sommer\nüber die alpen");
    }

    #[test]
    fn a_search_is_its_words() {
        assert_eq!(words(" \t\n"), []);
        let found = words("  Über \u{3000}#Alps ");
        assert_eq!(found.iter().map(|word| word.folded.as_str()).collect::<Vec<_>>(), ["über", "#alps"]);
        assert_eq!(found[0].given, "Über");
    }
}
