use proptest::prelude::*;

use super::*;

const TIKTOK: CaptionRules =
    CaptionRules { max_length: 2200, unit: CaptionUnit::Utf16CodeUnits, max_hashtags: 30, max_mentions: None };
const INSTAGRAM: CaptionRules = CaptionRules { max_mentions: Some(20), ..TIKTOK };

fn short(max_length: usize) -> CaptionRules {
    CaptionRules { max_length, ..INSTAGRAM }
}

fn list(entries: &[&str]) -> Vec<String> {
    entries.iter().map(|&entry| entry.to_owned()).collect()
}

fn refuse(caption: &str, hashtags: &[&str], mentions: &[&str]) -> Composed {
    compose(caption, &list(hashtags), &list(mentions), &INSTAGRAM, OnLongCaption::Refuse)
}

fn cut_to(max_length: usize, caption: &str, hashtags: &[&str], mentions: &[&str]) -> Composed {
    let composed = compose(caption, &list(hashtags), &list(mentions), &short(max_length), OnLongCaption::Cut);
    assert!(INSTAGRAM.unit.length(&composed.text) <= max_length, "{composed:?}");
    composed
}

fn rules(composed: &Composed) -> Vec<&str> {
    composed.violations.iter().map(|violation| violation.rule).collect()
}

#[test]
fn joins_in_one_fixed_way() {
    let composed =
        refuse("Check out this amazing video! #awesome", &["#video", "content", "＃viral"], &["anna", "@b.c_d"]);
    assert_eq!(composed.text, "Check out this amazing video! #awesome #video #content #viral @anna @b.c_d");
    assert_eq!((composed.warnings, composed.violations), (vec![], vec![]));
    assert_eq!(refuse("", &["video"], &[]).text, "#video");
    assert_eq!(refuse("  hi \r\nthere\r\n", &[], &["anna"]).text, "hi \nthere @anna");
    assert_eq!(refuse("", &[], &[]).text, "");
}

#[test]
fn tags_that_are_there_already_are_not_repeated() {
    let composed =
        refuse("Look @Anna. #Video, #caf\u{e9}", &["video", "CAFÉ", "cafe\u{301}", "new", "#NEW"], &["anna"]);
    assert_eq!(composed.text, "Look @Anna. #Video, #caf\u{e9} #new");
    // A word of the same name is not a tag, nor is a part of a longer tag.
    assert_eq!(refuse("video #videos", &["video"], &[]).text, "video #videos #video");
}

#[test]
fn entries_that_cannot_be_tags_are_violations() {
    for entry in ["two words", "a-b", "a.b", "#", "##a", "a#b", "@a", "a,b", "a!"] {
        let composed = refuse("x", &[entry], &[]);
        assert_eq!(rules(&composed), ["HASHTAG_INVALID"], "{entry}");
        assert_eq!(composed.violations[0].measured, entry);
    }
    for entry in ["two words", "Änne", "a@b", "@", "a.", "#a", "abcdefghijabcdefghijabcdefghijk"] {
        assert_eq!(rules(&refuse("x", &[], &[entry])), ["MENTION_INVALID"], "{entry}");
    }
    assert_eq!(rules(&refuse("a\u{0}b", &["x y"], &["x y"])).len(), 3, "all at once");
    for entry in ["2024", "Größe", "日本語", "हिन्दी", "می\u{200C}خواهم", "love❤\u{FE0F}", "🎬", "under_score"]
    {
        assert_eq!(rules(&refuse("x", &[entry], &[])), Vec::<&str>::new(), "{entry}");
    }
    assert_eq!(refuse("x", &["", " "], &[""]).text, "x", "empty entries of a split list are skipped");
}

#[test]
fn hashtags_are_those_of_unicode() {
    for entry in [
        "⭐",
        "⏰now",
        "▶",
        "©2026",
        "1️⃣",
        "*️⃣",
        "#️⃣day",
        "🇧🇷",
        "🏴\u{E0067}\u{E0062}\u{E0065}\u{E006E}\u{E0067}\u{E007F}",
        "👍🏽",
        "👩\u{200D}🚀",
        "🏳\u{FE0F}\u{200D}🌈",
        "ℝ",
        "x²",
        "ⅷ",
        "தமிழ்",
        "ကောင်း",
        "한글",
        "ᏣᎳᎩ",
        "𞤀𞤣𞤤𞤢𞤥",
        "pa·ella",
        "コーヒー",
        "﹟small",
        "＃wide",
        "ＡＢＣ",
    ] {
        let composed = refuse("x", &[entry], &[]);
        assert_eq!(rules(&composed), Vec::<&str>::new(), "{entry}");
        assert_eq!(composed.warnings, [], "{entry}");
        assert_eq!(hashtags_in(&composed.text).len(), 1, "{}", composed.text);
        assert_eq!(refuse(&composed.text, &[entry], &[]).text, composed.text, "a tag that is there is not repeated");
    }
    for entry in [
        "two words",
        "#",
        "##",
        "a#b",
        "a,b",
        "a.b",
        "it's",
        "a-b",
        "a+b",
        "*",
        "5*",
        "%",
        "a\nb",
        "\u{301}",
        "$5",
        "a…",
    ] {
        assert_eq!(rules(&refuse("x", &[entry], &[])), ["HASHTAG_INVALID"], "{entry}");
    }
    let message = &refuse("x", &["rock'n"], &[]).violations[0].message;
    assert!(message.contains("it contains `'`, U+0027"), "{message}");
    assert_eq!(hashtags_in("#️⃣ and #🇧🇷#⭐️, #a*️⃣b"), ["🇧🇷", "⭐️", "a*️⃣b"]);
}

#[test]
fn invisible_characters_are_taken_out_of_tags_and_named() {
    for invisible in [
        "\u{200B}",
        "\u{FEFF}",
        "\u{200E}",
        "\u{200F}",
        "\u{2060}",
        "\u{AD}",
        "\u{200D}",
        "\u{FE0F}\u{FE0F}",
        "\u{3164}",
        "\u{E0041}",
        "\u{202C}",
    ] {
        for entry in [format!("#tag{invisible}"), format!("{invisible}#tag"), format!("#{invisible}tag{invisible} ")] {
            let composed = refuse("x", &[&entry], &[]);
            assert_eq!((composed.text.as_str(), rules(&composed)), ("x #tag", vec![]), "{entry:?}");
            let warning = &composed.warnings[0];
            assert_eq!(
                (warning.code.as_str(), warning.field.as_str()),
                ("INVISIBLE_CHARACTERS_REMOVED", "content.hashtags")
            );
            let number = format!("U+{:04X}", u32::from(invisible.chars().next().unwrap()));
            assert!(warning.message.contains(&number), "{}", warning.message);
        }
    }
    let composed = refuse("x", &["\u{200B}"], &["@an\u{200E}na\u{FEFF}"]);
    assert_eq!((composed.text.as_str(), composed.warnings.len(), rules(&composed)), ("x @anna", 2, vec![]));
    assert!(
        composed.warnings[1].message.contains("zero width") || composed.warnings[1].message.contains("left-to-right")
    );
}

#[test]
fn length_is_counted_in_utf16_units_over_the_whole_text() {
    assert_eq!(rules(&refuse(&"a".repeat(2200), &[], &[])), Vec::<&str>::new());
    assert_eq!(rules(&refuse(&"🎬".repeat(1100), &[], &[])), Vec::<&str>::new());
    let composed = refuse(&"🎬".repeat(1100), &["a"], &[]);
    assert_eq!(rules(&composed), ["CAPTION_TOO_LONG"]);
    assert_eq!(composed.violations[0].measured, "2203 UTF-16 code units");
    assert_eq!(composed.violations[0].limit, "2200 UTF-16 code units");
    assert_eq!(rules(&refuse(&"a".repeat(2201), &[], &[])), ["CAPTION_TOO_LONG"]);
    assert_eq!(CaptionUnit::CodePoints.length("🎬é"), 2);
}

#[test]
fn hashtags_and_mentions_are_counted_over_the_final_text() {
    let tags: Vec<String> = (0..31).map(|n| format!("tag{n}")).collect();
    let composed = compose("x", &tags, &[], &TIKTOK, OnLongCaption::Refuse);
    assert_eq!(rules(&composed), ["HASHTAGS_TOO_MANY"]);
    assert_eq!(composed.violations[0].measured, "31 hashtags");
    assert_eq!(rules(&compose("x #tag3", &tags[..30], &[], &TIKTOK, OnLongCaption::Refuse)), Vec::<&str>::new());
    assert_eq!(rules(&compose("x #a#b", &tags[..29], &[], &TIKTOK, OnLongCaption::Refuse)), ["HASHTAGS_TOO_MANY"]);

    let names: Vec<String> = (0..20).map(|n| format!("name{n}")).collect();
    assert_eq!(rules(&compose("mail@example.com", &[], &names, &INSTAGRAM, OnLongCaption::Refuse)), Vec::<&str>::new());
    assert_eq!(rules(&compose("@one", &[], &names, &INSTAGRAM, OnLongCaption::Refuse)), ["MENTIONS_TOO_MANY"]);
    assert_eq!(rules(&compose("@one", &[], &names, &TIKTOK, OnLongCaption::Refuse)), Vec::<&str>::new());
}

#[test]
fn finds_tags_as_platforms_do() {
    assert_eq!(hashtags_in("#one#two, #three. a#no &#39; # #日本 (#four)"), ["one", "two", "three", "日本", "four"]);
    assert_eq!(mentions_in("@a, mail@b.c (@d.e.) @ @f"), ["a", "d.e", "f"]);
}

#[test]
fn cutting_keeps_tags_and_warns() {
    let composed = cut_to(40, "one two three four five six seven eight nine", &["video"], &["anna"]);
    assert_eq!(composed.text, "one two three four five… #video @anna");
    assert_eq!(composed.warnings.len(), 1);
    assert_eq!(composed.warnings[0].code, "CAPTION_CUT");
    assert!(composed.violations.is_empty());
    assert!(cut_to(100, "short", &["video"], &[]).warnings.is_empty());
}

#[test]
fn cutting_never_splits_a_character() {
    let family = "👨\u{200D}👩\u{200D}👧\u{200D}👦"; // one grapheme, 11 units
    for max_length in 0..60 {
        let composed = cut_to(max_length, &family.repeat(20), &[], &[]);
        let body = composed.text.trim_end_matches('…');
        assert_eq!(body.len() % family.len(), 0, "{max_length}: {body}");
    }
    let accents = "e\u{301}".repeat(50);
    for max_length in 2..60 {
        assert!(!cut_to(max_length, &accents, &[], &[]).text.ends_with("e…"), "{max_length}");
    }
}

#[test]
fn cutting_leaves_no_half_tags_mentions_or_links() {
    let caption = "start @annabelle.smith and #summervibes2026 or https://example.com/a/b?c=d#frag end of it";
    let whole = [hashtags_in(caption), mentions_in(caption)].concat();
    for max_length in 0..caption.len() {
        let text = cut_to(max_length, caption, &[], &[]).text;
        for tag in [hashtags_in(&text), mentions_in(&text)].concat() {
            assert!(whole.contains(&tag), "{max_length}: {text}");
        }
        assert!(!text.contains("https") || text.contains("#frag"), "{max_length}: {text}");
    }
}

#[test]
fn a_tag_in_the_part_that_is_cut_away_is_added_again() {
    let caption = format!("#first {} #video", "word ".repeat(30).trim());
    for max_length in 20..caption.len() {
        let composed = cut_to(max_length, &caption, &["video", "first"], &[]);
        assert!(
            composed.text.contains("#video") && composed.text.contains("#first"),
            "{max_length}: {}",
            composed.text
        );
        assert_eq!(hashtags_in(&composed.text).iter().filter(|tag| **tag == "video").count(), 1);
    }
}

#[test]
fn tags_without_room_are_dropped_and_named() {
    let composed = cut_to(12, "caption", &["aaaa", "bbbb", "cccc"], &[]);
    assert_eq!(composed.text, "#aaaa #bbbb");
    assert_eq!(composed.warnings[1].code, "TAGS_DROPPED");
    assert!(composed.warnings[1].message.contains("#cccc"));
    assert_eq!(cut_to(0, "caption", &["a"], &["b"]).text, "");
}

#[test]
fn a_caption_without_spaces_is_cut_where_it_must() {
    let composed = cut_to(50, &"字".repeat(60), &[], &[]);
    assert_eq!(composed.text, format!("{}…", "字".repeat(49)));
}

#[test]
fn a_tag_behind_words_without_spaces_is_not_cut_in_two() {
    let caption = format!("{}#日本の夏休み。@annabelle", "字。".repeat(20));
    assert_eq!((hashtags_in(&caption), mentions_in(&caption)), (vec!["日本の夏休み"], vec!["annabelle"]));
    for max_length in 41..caption.chars().count() {
        let text = cut_to(max_length, &caption, &[], &[]).text;
        assert!(hashtags_in(&text).iter().all(|tag| *tag == "日本の夏休み"), "{max_length}: {text}");
        assert_eq!(mentions_in(&text), Vec::<&str>::new(), "{max_length}: {text}");
    }
}

#[test]
fn captions_compare_in_one_form() {
    assert_eq!(normalise(" Cafe\u{301} @anna\r\n"), "Caf\u{e9} anna");
    assert!(is_same_caption("Hi @anna #x", "Hi anna #x\n"));
    assert!(!is_same_caption("Hi", "Hi!"));
    assert!(!is_same_caption("", "") && !is_same_caption(" @", ""), "an empty caption matches nothing");
}

#[test]
fn a_shortened_caption_matches_only_at_its_full_given_length() {
    let sent = "word ".repeat(60);
    let first_150: String = sent.chars().take(150).collect();
    assert!(is_same_beginning(&sent, &first_150, 150));
    assert!(is_same_beginning(&sent, &format!("{}...", &sent[..147]), 150));
    assert!(!is_same_beginning(&sent, &sent[..100], 150), "a shorter one is another caption");
    assert!(!is_same_beginning(&sent, &format!("x{}", &first_150[1..]), 150));
    assert!(!is_same_beginning(&sent, "", 150));
    assert!(is_same_beginning("short one", "short one", 150));
    let emoji = "🎬".repeat(100);
    assert!(is_same_beginning(&emoji, &"🎬".repeat(75), 150));
}

/// Texts with what makes tags and what breaks them.
fn text() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        any::<char>().prop_map(String::from),
        prop::sample::select(vec![
            "#", "@", " ", "\n", "a", "tag", "é", "⭐", "\u{FE0F}", "\u{20E3}", "\u{200D}", "\u{200B}", "🇧", "👍🏽",
            "日本", "\u{301}", "\u{0D4E}", "\u{0903}", ".", "://", "…", "\r",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_accepted_as_a_tag_is_found_as_that_tag(
        caption in text(),
        hashtags in prop::collection::vec(text(), 0..4),
        mentions in prop::collection::vec(text(), 0..3),
        max_length in 0usize..60,
    ) {
        let composed = compose(&caption, &hashtags, &mentions, &TIKTOK, OnLongCaption::Refuse);
        if composed.violations.is_empty() {
            let found: Vec<String> = hashtags_in(&composed.text).into_iter().map(key).collect();
            for entry in &hashtags {
                let (visible, _) = tag::visible(entry.trim());
                let name = without_sign(visible.trim(), is_hash_sign);
                prop_assert!(name.is_empty() || found.contains(&key(name)), "{name:?} in {:?}", composed.text);
            }
            let again = compose(&composed.text, &hashtags, &mentions, &TIKTOK, OnLongCaption::Refuse);
            prop_assert_eq!(&again.text, &composed.text, "composing twice changes nothing");
        }
        let cut = compose(&caption, &hashtags, &mentions, &short(max_length), OnLongCaption::Cut);
        prop_assert!(CaptionUnit::Utf16CodeUnits.length(&cut.text) <= max_length);
    }
}
