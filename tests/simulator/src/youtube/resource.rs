//! The video resource: what a client may write, checked field by field, and the draft that is kept of it.
//!
//! A part that is not named in `part` is not written, even when the body holds it. Writing a part replaces all of its
//! fields: what the body leaves out falls back to the default, also in an update.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::youtube::error::Refusal;
use crate::youtube::rules::{Privacy, Rules};

const TITLE_UNITS: usize = 100;
const DESCRIPTION_BYTES: usize = 5_000;
const TAG_LETTERS: usize = 500;
/// `videoCategories.list`: id, title, assignable.
pub(crate) const CATEGORIES: [(&str, &str, bool); 17] = [
    ("1", "Film & Animation", true),
    ("2", "Autos & Vehicles", true),
    ("10", "Music", true),
    ("15", "Pets & Animals", true),
    ("17", "Sports", true),
    ("18", "Short Movies", false),
    ("19", "Travel & Events", true),
    ("20", "Gaming", true),
    ("21", "Videoblogging", false),
    ("22", "People & Blogs", true),
    ("23", "Comedy", true),
    ("24", "Entertainment", true),
    ("25", "News & Politics", true),
    ("26", "Howto & Style", true),
    ("27", "Education", true),
    ("28", "Science & Technology", true),
    ("30", "Movies", false),
];
/// Parts that a client may write.
const WRITABLE: [&str; 4] = ["snippet", "status", "recordingDetails", "localizations"];
/// Every part of a video.
pub(crate) const PARTS: [&str; 12] = [
    "contentDetails",
    "fileDetails",
    "id",
    "localizations",
    "player",
    "processingDetails",
    "recordingDetails",
    "snippet",
    "statistics",
    "status",
    "suggestions",
    "topicDetails",
];
/// Parts that only the owner may read.
pub(crate) const OWNER_PARTS: [&str; 3] = ["fileDetails", "processingDetails", "suggestions"];

const SNIPPET_FIELDS: [&str; 12] = [
    "title",
    "description",
    "tags",
    "categoryId",
    "defaultLanguage",
    "defaultAudioLanguage",
    "publishedAt",
    "channelId",
    "channelTitle",
    "thumbnails",
    "liveBroadcastContent",
    "localized",
];
const STATUS_FIELDS: [&str; 11] = [
    "privacyStatus",
    "publishAt",
    "license",
    "embeddable",
    "publicStatsViewable",
    "selfDeclaredMadeForKids",
    "containsSyntheticMedia",
    "madeForKids",
    "uploadStatus",
    "failureReason",
    "rejectionReason",
];

/// `snippet`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Snippet {
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) tags: Vec<String>,
    pub(crate) category_id: String,
    pub(crate) default_language: Option<String>,
    pub(crate) default_audio_language: Option<String>,
}

/// `status`, as far as the client writes it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Status {
    pub(crate) privacy: Privacy,
    pub(crate) publish_at: Option<DateTime<Utc>>,
    pub(crate) license: String,
    pub(crate) embeddable: bool,
    pub(crate) public_stats_viewable: bool,
    pub(crate) made_for_kids: bool,
    pub(crate) synthetic_media: bool,
}

/// What a client wrote.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Draft {
    pub(crate) snippet: Snippet,
    pub(crate) status: Status,
    pub(crate) recording_date: Option<String>,
    pub(crate) localizations: Option<Map<String, Value>>,
    /// File name from the `Slug` header, which only the owner sees.
    pub(crate) file_name: Option<String>,
    pub(crate) notify_subscribers: bool,
}

impl Draft {
    /// A draft without anything in it; the title stays empty, which no upload may.
    pub(crate) fn empty(rules: &Rules) -> Self {
        Draft {
            snippet: Snippet { category_id: "22".to_owned(), ..Snippet::default() },
            status: status(&Map::new(), rules),
            recording_date: None,
            localizations: None,
            file_name: None,
            notify_subscribers: true,
        }
    }

    /// Lays the named parts of a body over this draft.
    pub(crate) fn write(&mut self, body: &Map<String, Value>, parts: &[String], rules: &Rules) -> Result<(), Refusal> {
        for part in parts.iter().filter(|part| WRITABLE.contains(&part.as_str())) {
            let fields = object(body, part)?;
            match part.as_str() {
                "snippet" => {
                    only(&fields, "snippet", &SNIPPET_FIELDS)?;
                    self.snippet = snippet(&fields)?;
                }
                "status" => {
                    only(&fields, "status", &STATUS_FIELDS)?;
                    check_status(&fields)?;
                    self.status = status(&fields, rules);
                }
                "recordingDetails" => self.recording_date = text(&fields, "recordingDetails", "recordingDate")?,
                _ => self.localizations = Some(fields.clone()).filter(|fields| !fields.is_empty()),
            }
        }
        if self.localizations.is_some() && self.snippet.default_language.is_none() {
            return Err(Refusal::of("defaultLanguageNotSet"));
        }
        Ok(())
    }

    /// What every upload needs.
    pub(crate) fn check_title(&self) -> Result<(), Refusal> {
        if self.snippet.title.trim().is_empty() { Err(Refusal::of("invalidTitle")) } else { Ok(()) }
    }
}

/// `part` of a call, checked.
pub(crate) fn parts(given: Option<&str>) -> Result<Vec<String>, Refusal> {
    let Some(given) = given.filter(|given| !given.is_empty()) else { return Err(Refusal::missing("part")) };
    given
        .split(',')
        .map(|part| {
            let part = part.trim();
            if PARTS.contains(&part) {
                Ok(part.to_owned())
            } else {
                Err(Refusal::of("unknownPart").say(format!("'{part}'")).at("part", "parameter"))
            }
        })
        .collect()
}

fn bad(field: &str, what: &str) -> Refusal {
    Refusal::of("badRequest").say(format!("Invalid value at '{field}' ({what})"))
}

fn object(body: &Map<String, Value>, name: &str) -> Result<Map<String, Value>, Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(fields)) => Ok(fields.clone()),
        Some(_) => Err(bad(name, "an object")),
    }
}

fn only(fields: &Map<String, Value>, part: &str, known: &[&str]) -> Result<(), Refusal> {
    match fields.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(Refusal::of("badRequest").say(format!(
            "Invalid JSON payload received. Unknown name \"{name}\" at 'video.{part}': Cannot find field."
        ))),
    }
}

fn text(fields: &Map<String, Value>, part: &str, name: &str) -> Result<Option<String>, Refusal> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(bad(&format!("{part}.{name}"), "TYPE_STRING")),
    }
}

fn flag(fields: &Map<String, Value>, name: &str) -> Option<bool> {
    fields.get(name).and_then(Value::as_bool)
}

fn snippet(fields: &Map<String, Value>) -> Result<Snippet, Refusal> {
    let string = |name: &str| text(fields, "snippet", name);
    let title = string("title")?.unwrap_or_default();
    let angle = |text: &str| text.contains(['<', '>']);
    if title.trim().is_empty() || title.encode_utf16().count() > TITLE_UNITS || angle(&title) {
        return Err(Refusal::of("invalidTitle").at("body.snippet.title", "other"));
    }
    let description = string("description")?.unwrap_or_default();
    if description.len() > DESCRIPTION_BYTES || angle(&description) {
        return Err(Refusal::of("invalidDescription").at("body.snippet.description", "other"));
    }
    let tags: Vec<String> = match fields.get("tags") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(tags)) => tags
            .iter()
            .map(|tag| tag.as_str().map(str::to_owned).ok_or_else(|| bad("snippet.tags", "TYPE_STRING")))
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(bad("snippet.tags", "an array")),
    };
    if tag_length(&tags) > TAG_LETTERS || tags.iter().any(|tag| tag.is_empty() || angle(tag)) {
        return Err(Refusal::of("invalidTags").at("body.snippet.tags", "other"));
    }
    let category_id = string("categoryId")?.unwrap_or_else(|| "22".to_owned());
    if !CATEGORIES.iter().any(|(id, _, assignable)| *id == category_id && *assignable) {
        return Err(Refusal::of("invalidCategoryId").at("body.snippet.categoryId", "other"));
    }
    Ok(Snippet {
        title,
        description,
        tags,
        category_id,
        default_language: string("defaultLanguage")?,
        default_audio_language: string("defaultAudioLanguage")?,
    })
}

/// Letters of a tag list: commas between the tags count, and a tag with a space is counted with two quotes.
fn tag_length(tags: &[String]) -> usize {
    let letters: usize =
        tags.iter().map(|tag| tag.encode_utf16().count() + if tag.contains(' ') { 2 } else { 0 }).sum();
    letters + tags.len().saturating_sub(1)
}

fn check_status(fields: &Map<String, Value>) -> Result<(), Refusal> {
    let string = |name: &str| text(fields, "status", name);
    if let Some(word) = string("privacyStatus")?
        && Privacy::parse(&word).is_none()
    {
        return Err(Refusal::of("invalidVideoMetadata").at("body.status.privacyStatus", "other"));
    }
    if let Some(license) = string("license")?
        && !["youtube", "creativeCommon"].contains(&license.as_str())
    {
        return Err(Refusal::of("forbiddenLicenseSetting").at("body.status.license", "other"));
    }
    for name in ["embeddable", "publicStatsViewable", "selfDeclaredMadeForKids", "containsSyntheticMedia"] {
        match fields.get(name) {
            None | Some(Value::Null | Value::Bool(_)) => {}
            Some(_) => return Err(bad(&format!("status.{name}"), "TYPE_BOOL")),
        }
    }
    if let Some(time) = string("publishAt")?
        && DateTime::parse_from_rfc3339(&time).is_err()
    {
        return Err(Refusal::of("invalidPublishAt").at("body.status.publishAt", "other"));
    }
    Ok(())
}

/// The part with every field: absent ones have their default.
fn status(fields: &Map<String, Value>, rules: &Rules) -> Status {
    let word = |name: &str| fields.get(name).and_then(Value::as_str);
    Status {
        privacy: word("privacyStatus").and_then(Privacy::parse).unwrap_or(rules.default_privacy),
        publish_at: word("publishAt")
            .and_then(|time| DateTime::parse_from_rfc3339(time).ok())
            .map(|time| time.with_timezone(&Utc)),
        license: word("license").unwrap_or("youtube").to_owned(),
        embeddable: flag(fields, "embeddable").unwrap_or(true),
        public_stats_viewable: flag(fields, "publicStatsViewable").unwrap_or(true),
        made_for_kids: flag(fields, "selfDeclaredMadeForKids").unwrap_or(false),
        synthetic_media: flag(fields, "containsSyntheticMedia").unwrap_or(false),
    }
}

impl Snippet {
    /// As it is read back.
    pub(crate) fn shown(&self) -> Map<String, Value> {
        let mut shown = Map::new();
        shown.insert("title".into(), json!(self.title));
        shown.insert("description".into(), json!(self.description));
        if !self.tags.is_empty() {
            shown.insert("tags".into(), json!(self.tags));
        }
        shown.insert("categoryId".into(), json!(self.category_id));
        shown.insert("liveBroadcastContent".into(), json!("none"));
        if let Some(language) = &self.default_language {
            shown.insert("defaultLanguage".into(), json!(language));
        }
        if let Some(language) = &self.default_audio_language {
            shown.insert("defaultAudioLanguage".into(), json!(language));
        }
        shown.insert("localized".into(), json!({ "title": self.title, "description": self.description }));
        shown
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Draft, parts, tag_length};
    use crate::youtube::rules::{Privacy, Rules};

    fn written(body: &Value, part: &str) -> Result<Draft, String> {
        let rules = Rules::default();
        let mut draft = Draft::empty(&rules);
        let body = body.as_object().unwrap();
        match draft.write(body, &parts(Some(part)).unwrap(), &rules) {
            Ok(()) => Ok(draft),
            Err(refusal) => Err(refusal.reason),
        }
    }

    fn title(title: &str) -> Result<Draft, String> {
        written(&json!({ "snippet": { "title": title } }), "snippet")
    }

    #[test]
    fn a_title_has_at_most_a_hundred_utf16_units_and_no_angle_brackets() {
        assert!(title(&"ä".repeat(100)).is_ok());
        assert!(title(&"😀".repeat(50)).is_ok());
        assert_eq!(title(&"😀".repeat(51)).unwrap_err(), "invalidTitle");
        assert_eq!(title("a < b").unwrap_err(), "invalidTitle");
        assert_eq!(title("  ").unwrap_err(), "invalidTitle");
    }

    #[test]
    fn a_description_is_counted_in_bytes() {
        let description =
            |text: String| written(&json!({ "snippet": { "title": "t", "description": text } }), "snippet");
        assert!(description("é".repeat(2_500)).is_ok());
        assert_eq!(description("é".repeat(2_501)).unwrap_err(), "invalidDescription");
    }

    #[test]
    fn tags_count_their_commas_and_the_quotes_of_those_with_spaces() {
        let tags = |tags: &[&str]| tag_length(&tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>());
        assert_eq!(tags(&["one", "two"]), 7);
        assert_eq!(tags(&["one two"]), 9);
        let long =
            written(&json!({ "snippet": { "title": "t", "tags": ["a".repeat(250), "b".repeat(249)] } }), "snippet");
        assert!(long.is_ok());
        let longer =
            written(&json!({ "snippet": { "title": "t", "tags": ["a".repeat(250), "b".repeat(250)] } }), "snippet");
        assert_eq!(longer.unwrap_err(), "invalidTags");
    }

    #[test]
    fn a_part_that_is_not_named_is_not_written_and_one_that_is_is_replaced_whole() {
        let body =
            json!({ "snippet": { "title": "t" }, "status": { "privacyStatus": "private", "embeddable": false } });
        assert_eq!(written(&body, "snippet").unwrap().status.privacy, Privacy::Public);
        let mut draft = written(&body, "snippet,status").unwrap();
        assert_eq!((draft.status.privacy, draft.status.embeddable), (Privacy::Private, false));
        let next = json!({ "status": { "privacyStatus": "unlisted" } });
        draft.write(next.as_object().unwrap(), &["status".to_owned()], &Rules::default()).unwrap();
        assert_eq!((draft.status.privacy, draft.status.embeddable), (Privacy::Unlisted, true));
    }
}
