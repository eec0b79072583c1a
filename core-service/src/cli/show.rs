//! How results look on a terminal.

use aurareels_proto::v1;
use chrono::{DateTime, Local, Utc};
use comfy_table::{ContentArrangement, Table, presets};
use tonic::Status;
use tonic_types::StatusExt;

use crate::domain::platform::Platform;

/// An empty table with these columns.
pub(super) fn table<const N: usize>(columns: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(columns);
    if let Some(width) = width() {
        table.set_width(width);
    }
    table
}

/// How wide lines may be: as the terminal, or as `COLUMNS` says. Neither: as long as they have to be, for other programs.
fn width() -> Option<u16> {
    let told = || super::process::setting("COLUMNS").and_then(|columns| columns.parse().ok());
    console::Term::stdout().size_checked().map(|(_, columns)| columns).or_else(told)
}

/// A time to the minute, in the zone of this machine, with its offset: what is copied from a list means the same again.
pub(super) fn minute(at: DateTime<Utc>) -> String {
    at.with_timezone(&Local).format("%Y-%m-%d %H:%M %:z").to_string()
}

/// A time to the second, in the zone of this machine.
pub(super) fn second(at: DateTime<Utc>) -> String {
    at.with_timezone(&Local).format("%Y-%m-%d %H:%M:%S %:z").to_string()
}

/// A time of the wire.
pub(super) fn time(time: Option<prost_types::Timestamp>) -> Option<DateTime<Utc>> {
    let time = time?;
    DateTime::from_timestamp(time.seconds, u32::try_from(time.nanos).ok()?)
}

/// "tiktok @name".
pub(super) fn account(post: &v1::Post) -> String {
    let platform = platform(post.platform());
    match &post.account {
        Some(account) if !account.account_username.is_empty() => format!("{platform} @{}", account.account_username),
        Some(account) => format!("{platform} {}", account.account_name),
        None => format!("{platform} account {}", post.social_account_id),
    }
}

/// The name of a platform.
pub(super) fn platform(platform: v1::Platform) -> &'static str {
    Platform::of_number(platform.into()).map_or("?", Platform::display_name)
}

/// The word of a status.
pub(super) fn status(status: v1::PostStatus) -> String {
    status.as_str_name().trim_start_matches("POST_STATUS_").to_ascii_lowercase().replace('_', " ")
}

/// What a post waits for or why it failed, in a few words.
pub(super) fn note(post: &v1::Post) -> String {
    if let Some(error) = &post.error {
        return format!("{}: {}", error.code, error.message);
    }
    match (post.status(), post.waiting_for.as_str()) {
        (v1::PostStatus::Published, _) => post.platform_post_url.clone(),
        (_, "") => String::new(),
        (_, reason) => format!("waits: {}", reason.replace('_', " ")),
    }
}

/// The word of an account's health.
pub(super) fn health(health: v1::AccountHealth) -> String {
    health.as_str_name().trim_start_matches("ACCOUNT_HEALTH_").to_ascii_lowercase().replace('_', " ")
}

/// An error for people: a refusal of the core with all its details.
pub(super) fn readable(error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<Status>() {
        Ok(status) => anyhow::anyhow!("{}", refusal(&status)),
        Err(other) => other,
    }
}

/// A refusal with everything its details say, each thing once.
fn refusal(status: &Status) -> String {
    let message = status.message();
    let mut lines = vec![message.to_owned()];
    let mut say = |about: &str, what: &str| {
        let (sentence, remedy) = split(what);
        match (message.contains(sentence), remedy) {
            (true, None) => {}
            (true, Some(remedy)) => lines.push(format!("  {about}: {remedy}")),
            (false, None) => lines.push(format!("  {about}: {sentence}")),
            (false, Some(remedy)) => lines.push(format!("  {about}: {sentence}; {remedy}")),
        }
    };
    let details = status.get_error_details();
    for broken in details.bad_request().iter().flat_map(|request| &request.field_violations) {
        say(&broken.field, &broken.description);
    }
    for broken in details.precondition_failure().iter().flat_map(|failure| &failure.violations) {
        say(&broken.subject, &broken.description);
    }
    if let Some(delay) = details.retry_info().and_then(|info| info.retry_delay) {
        lines.push(format!("  try again in {} s", delay.as_secs_f64().ceil()));
    }
    let reason = details.error_info().map_or_else(|| format!("{:?}", status.code()), |info| info.reason.clone());
    lines.push(format!("  ({reason})"));
    lines.join("\n")
}

/// The sentence of a description, and the remedy in the list behind it ("… (rule: X; measured: Y; remedy: do this)").
fn split(description: &str) -> (&str, Option<&str>) {
    let Some((sentence, list)) = description.rsplit_once(" (rule: ") else { return (description, None) };
    let remedy = list.split_once("remedy: ").map(|(_, rest)| rest.split("; account: ").next().unwrap_or(rest));
    (sentence, remedy.map(|remedy| remedy.strip_suffix(')').unwrap_or(remedy)))
}

#[cfg(test)]
mod tests {
    use tonic::Code;
    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn a_broken_rule_is_said_once_with_its_remedy() {
        let sentence = "page_size is 500; 1 to 100 uploads a page";
        let description = format!(
            "{sentence} (rule: FIELD_MALFORMED; measured: 500; limit: 1 to 100; remedy: ask for fewer, and page)"
        );
        let mut details = ErrorDetails::new();
        details.add_bad_request_violation("page_size", description);
        let status = Status::with_error_details(Code::InvalidArgument, sentence, details.clone());
        let said = refusal(&status);
        assert_eq!(said, format!("{sentence}\n  page_size: ask for fewer, and page\n  (InvalidArgument)"));
        let status = Status::with_error_details(Code::InvalidArgument, "2 rules are broken", details);
        assert!(refusal(&status).contains(&format!("  page_size: {sentence}; ask for fewer, and page\n")));
    }
}
