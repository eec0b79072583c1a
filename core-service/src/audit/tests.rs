use chrono::TimeDelta;

use super::{read::Filter, *};

fn entry(action: &str) -> Entry {
    Entry {
        caller: "api_key/3".to_owned(),
        user: Some(7),
        action: action.to_owned(),
        outcome: "Ok".to_owned(),
        ..Entry::default()
    }
}

fn log(directory: &Path, days: Option<u32>, clock: &Clock) -> AuditLog {
    AuditLog::open(directory, Keep { days }, clock.clone()).unwrap()
}

fn actions(directory: &Path, filter: &Filter) -> Vec<String> {
    let found = read::newest(directory, filter, 100).unwrap();
    found.entries.into_iter().map(|entry| entry.action).collect()
}

#[tokio::test]
async fn a_line_is_written_when_the_call_is_answered_and_also_when_it_is_dropped() {
    let directory = tempfile::tempdir().unwrap();
    let log = log(directory.path(), None, &Clock::system());
    let followed = Followed::begin(&log, Entry { user: None, ..entry("answered") });
    followed
        .run(async {
            touches("post", 5);
            touches("post", 5);
            acts_for(UserId(9));
        })
        .await;
    followed.answered("NotFound".to_owned(), "POST_NOT_FOUND".to_owned()).await;
    let found = read::newest(directory.path(), &Filter::default(), 10).unwrap();
    let written = found.entries.back().unwrap();
    assert_eq!((written.rows.as_slice(), written.user), (["post/5".to_owned()].as_slice(), Some(9)));
    assert_eq!((written.outcome.as_str(), written.reason.as_str()), ("NotFound", "POST_NOT_FOUND"));

    let hung_up = Followed::begin(&log, entry("dropped"));
    hung_up.run(async { touches("post", 6) }).await;
    drop(hung_up);
    // Lines are written in their order.
    log.write(entry("after")).await;
    let dropped = read::newest(directory.path(), &Filter { failed: true, ..Filter::default() }, 1).unwrap().entries;
    assert_eq!(
        (dropped[0].outcome.as_str(), dropped[0].rows.as_slice()),
        ("Cancelled", ["post/6".to_owned()].as_slice())
    );
    assert_eq!(actions(directory.path(), &Filter::default()), ["answered", "dropped", "after"]);
    touches("post", 7);
}

#[tokio::test]
async fn each_day_has_its_file_and_old_ones_go() {
    let (directory, clock) = (tempfile::tempdir().unwrap(), Clock::system());
    let log = log(directory.path(), Some(2), &clock);
    for day in 0..5 {
        clock.set_offset(TimeDelta::days(day));
        log.write(entry(&format!("day {day}"))).await;
    }
    assert_eq!(actions(directory.path(), &Filter::default()), ["day 2", "day 3", "day 4"]);
    #[cfg(unix)]
    for (_, path) in file::files(&super::directory(directory.path())) {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn filters_take_what_fits_and_broken_lines_are_counted() {
    let directory = tempfile::tempdir().unwrap();
    let (clock, now) = (Clock::system(), Clock::system().now());
    let log = log(directory.path(), None, &clock);
    log.write(Entry { caller: "api_key/33".to_owned(), user: Some(8), ..entry("PostService/CancelPost") }).await;
    log.write(Entry { rows: vec!["post/5".to_owned()], ..entry("PostService/PublishPosts") }).await;
    log.write(Entry { caller: "session/3".to_owned(), outcome: "Aborted".to_owned(), ..entry("refused") }).await;
    let day = file::path(&super::directory(directory.path()), now.date_naive());
    let mut text = std::fs::read(&day).unwrap();
    text.extend(b"{\"time\":\"cut o");
    std::fs::write(&day, text).unwrap();
    let of = |filter: Filter| actions(directory.path(), &filter);
    let (cancel, publish, refused) = ("PostService/CancelPost", "PostService/PublishPosts", "refused");
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(of(Filter { caller: text("api_key/3"), ..Filter::default() }), [publish]);
    assert_eq!(of(Filter { caller: text("api_key"), ..Filter::default() }), [cancel, publish]);
    assert_eq!(of(Filter { user: Some(8), ..Filter::default() }), [cancel]);
    assert_eq!(of(Filter { action: text("cancelpost"), ..Filter::default() }), [cancel]);
    assert_eq!(of(Filter { row: text("post/5"), ..Filter::default() }), [publish]);
    assert_eq!(of(Filter { failed: true, ..Filter::default() }), [refused]);
    assert_eq!(of(Filter { since: Some(now + TimeDelta::days(1)), ..Filter::default() }), [""; 0]);
    assert_eq!(of(Filter { until: Some(now - TimeDelta::hours(1)), ..Filter::default() }), [""; 0]);
    let found = read::newest(directory.path(), &Filter::default(), 2).unwrap();
    assert_eq!((found.entries.len(), found.unreadable), (2, 1), "the newest two, and one that was cut off");
}

#[tokio::test]
async fn a_command_appends_beside_a_core_and_a_log_that_cannot_be_written_says_what_is_missing() {
    let (directory, clock) = (tempfile::tempdir().unwrap(), Clock::system());
    let log = log(directory.path(), None, &clock);
    log.write(entry("core")).await;
    append(directory.path(), entry("command"), clock.now()).unwrap();
    log.write(entry("core again")).await;
    assert_eq!(actions(directory.path(), &Filter::default()), ["core", "command", "core again"]);
    // The next day's file cannot be made: something else has its name.
    clock.set_offset(TimeDelta::days(1));
    let path = file::path(&super::directory(directory.path()), clock.now().date_naive());
    std::fs::create_dir(&path).unwrap();
    log.write(entry("lost")).await;
    std::fs::remove_dir(&path).unwrap();
    log.write(entry("found")).await;
    let found = read::newest(directory.path(), &Filter::default(), 1).unwrap();
    assert_eq!((found.entries[0].action.as_str(), found.entries[0].missing), ("found", 1));
}
