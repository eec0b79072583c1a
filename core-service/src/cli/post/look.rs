//! Posts as people are shown them.

use aurareels_proto::v1;

use crate::cli::show;

/// A table of posts; `existed` marks those that a request did not make.
pub(super) fn list(posts: &[v1::Post], existed: &[bool]) -> String {
    let mut table = show::table(["id", "account", "status", "time", "note"]);
    for (index, post) in posts.iter().enumerate() {
        let existed = existed.get(index).copied().unwrap_or(false);
        let note = if existed { format!("existed before; {}", show::note(post)) } else { show::note(post) };
        let at = show::time(post.published_at).or(show::time(post.scheduled_at)).or(show::time(post.created_at));
        table.add_row([
            post.id.to_string(),
            show::account(post),
            show::status(post.status()),
            at.map(show::second).unwrap_or_default(),
            note,
        ]);
    }
    table.to_string()
}

/// One post with everything that was sent for it.
pub(super) fn detail(post: &v1::Post) -> String {
    let mut lines = Vec::new();
    let rows = [
        ("post", format!("{} (revision {})", post.id, post.revision)),
        ("account", show::account(post)),
        ("status", show::status(post.status())),
        ("scheduled", show::time(post.scheduled_at).map(show::second).unwrap_or_default()),
        ("published", show::time(post.published_at).map(show::second).unwrap_or_default()),
        ("link", post.platform_post_url.clone()),
        ("video", post.video_url.clone()),
        ("upload", post.media_id.clone()),
        ("text", post.full_caption.clone()),
        ("note", show::note(post)),
        ("to do", post.error.as_ref().map(|error| error.remediation.clone()).unwrap_or_default()),
        ("retries", post.retry_count.to_string()),
        ("request key", post.request_key.clone()),
    ];
    for (name, value) in rows.into_iter().filter(|(_, value)| !value.is_empty()) {
        lines.push(format!("{name:>12}  {value}"));
    }
    for warning in &post.warnings {
        lines.push(format!("{:>12}  {}: {}", "warning", warning.code, warning.message));
    }
    let mut table = show::table(["attempt", "step", "sent", "outcome", ""]);
    for attempt in &post.attempts {
        for step in &attempt.steps {
            let outcome = step.outcome().as_str_name().trim_start_matches("STEP_OUTCOME_").to_ascii_lowercase();
            table.add_row([
                attempt.number.to_string(),
                step.step.clone(),
                show::time(step.sent_at).map(show::second).unwrap_or_default(),
                outcome.replace('_', " "),
                if step.point_of_no_return { "point of no return".to_owned() } else { String::new() },
            ]);
        }
    }
    if !post.attempts.is_empty() {
        lines.push(table.to_string());
    }
    lines.join("\n")
}

/// What ValidatePosts says.
pub(super) fn verdict(answer: &v1::ValidatePostsResponse) -> String {
    let of = |account: i64| if account == 0 { "all".to_owned() } else { account.to_string() };
    let mut table = show::table(["account", "", "field", "what"]);
    for broken in &answer.violations {
        table.add_row([of(broken.account_id), "broken".to_owned(), broken.field.clone(), broken.message.clone()]);
    }
    for post in &answer.posts {
        for warning in &post.warnings {
            let what = warning.message.clone();
            table.add_row([of(post.account_id), "warning".to_owned(), warning.field.clone(), what]);
        }
    }
    if table.is_empty() { "nothing is broken".to_owned() } else { table.to_string() }
}
