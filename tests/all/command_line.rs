//! The command line as a client: what it does, what it prints, and what it says when it was called wrongly.

use std::{
    collections::BTreeMap,
    process::{Output, Stdio},
};

use aurareels_core::app::api_keys::Scope;
use aurareels_proto::v1::PostStatus;
use aurareels_tests::{Login, World, cutting::Cutter, fault::answer, uploading, video, world::ENCRYPTION_KEY};
use serde_json::{Value, json};

use crate::process::{BINARY, run};

/// A terminal in which a core is named.
struct Terminal(BTreeMap<String, String>);

impl Terminal {
    async fn of(world: &World) -> Self {
        let key = world.api_key(&[Scope::Read, Scope::Publish], Some(1)).await;
        let named = [("AURAREELS_ADDRESS", world.url()), ("AURAREELS_API_KEY", key)];
        Self(named.map(|(name, value)| (name.to_owned(), value)).into())
    }

    async fn run(&self, line: &[&str]) -> Output {
        run(&self.0, line).await
    }

    /// The standard output of a command that worked.
    async fn says(&self, line: &[&str]) -> String {
        let output = self.run(line).await;
        assert!(output.status.success(), "{line:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    /// The same as JSON.
    async fn json(&self, line: &[&str]) -> Value {
        let said = self.says(&[line, &["--json"]].concat()).await;
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{line:?}: {error}: {said}"))
    }

    /// Schedules a post for years ahead; its id.
    async fn scheduled(&self, account: &str, address: &str, caption: &str) -> String {
        let of = ["--account", account, "--video", address, "--caption", caption];
        let line = [["post", "schedule"].as_slice(), &of, &["--at", "2031-05-06T07:08:09Z"]].concat();
        self.json(&line).await["posts"][0]["id"].to_string()
    }

    /// The standard error of a command that did not work.
    async fn refused(&self, line: &[&str]) -> String {
        let output = self.run(line).await;
        assert!(!output.status.success(), "{line:?}: {}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).expect("text")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_is_made_moved_and_settled_from_the_command_line() {
    let world = World::start().await;
    let account = world.me().account(Login::Facebook).await.to_string();
    let terminal = Terminal::of(&world).await;
    let address = video(&world, "moved");
    let id = terminal.scheduled(&account, &address, "Moved").await;
    let moved =
        terminal.json(&["post", "reschedule", &id, "--at", "2031-05-06 09:00", "--zone", "Europe/Berlin"]).await;
    assert_eq!(moved["scheduled_at"], "2031-05-06T07:00:00Z");
    let changed = terminal.json(&["post", "update", &id, "--caption", "Changed", "--hashtag", "a,b"]).await;
    assert_eq!(
        (changed["caption"].as_str(), changed["hashtags"].to_string()),
        (Some("Changed"), r#"["a","b"]"#.to_owned())
    );
    assert!(terminal.says(&["post", "list", "--status", "scheduled"]).await.contains("scheduled"));
    let now = terminal.json(&["post", "publish-now", &id]).await;
    assert_eq!(now["result"], "PUBLISH_NOW_RESULT_STARTED");
    let post = world.me().published(id.parse().expect("an id")).await;
    let shown = terminal.says(&["post", "show", &id]).await;
    assert!(shown.contains(&post.platform_post_url) && shown.contains("point of no return"), "{shown}");
    let cancelled = terminal.refused(&["post", "cancel", &id]).await;
    assert!(cancelled.contains("published"), "{cancelled}");
    let kept = terminal.scheduled(&account, &address, "Kept").await;
    assert_eq!(terminal.json(&["post", "cancel", &kept]).await["status"], "POST_STATUS_CANCELLED");
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_post_is_retried_and_its_link_is_printed_where_it_is_waited_for() {
    let world = World::start().await;
    let account = world.me().account(Login::Facebook).await;
    let terminal = Terminal::of(&world).await;
    let refusal = json!({ "error": { "message": "Unsupported video", "type": "OAuthException", "code": 352, "error_subcode": 2207026 } });
    let rule = world.lasting_fault("meta.container_create", answer(400, refusal, false));
    let failed = world.me().publish_one(account, "Refused").await;
    world.me().until(failed, "failed", |post| post.status() == PostStatus::Failed).await;
    world.sim.remove_fault(rule);
    let id = failed.to_string();
    assert!(terminal.says(&["post", "retry", &id]).await.contains("publishing"));
    world.me().published(failed).await;
    let address = video(&world, "waited");
    let said = terminal
        .says(&[
            "post",
            "publish",
            "--account",
            &account.to_string(),
            "--video",
            &address,
            "--caption",
            "Waited for",
            "--wait",
        ])
        .await;
    let last = said.lines().last().expect("a line");
    assert!(last.contains("-> published") && last.contains("https://www.instagram.com/reel/"), "{said}");
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_whose_connection_is_cut_goes_on_by_itself() {
    let world = World::start().await;
    let mut terminal = Terminal::of(&world).await;
    let file = tempfile::Builder::new().suffix(".mp4").tempfile().expect("a file");
    let bytes = world.file("cut", 20_000_000).await;
    std::fs::write(file.path(), &bytes).expect("written");
    let line = ["media", "upload", file.path().to_str().expect("text")];
    let cutter = Cutter::start(&world.address(), 4_000_000, 3).await;
    terminal.0.insert("AURAREELS_ADDRESS".to_owned(), cutter.url.clone());
    let media = terminal.json(&line).await;
    assert_eq!((media["sha256"].as_str(), cutter.left()), (Some(uploading::sha256(&bytes).as_str()), 0));
    let twice = cutter.passed() as f64 / bytes.len() as f64 - 1.0;
    assert!(twice < 0.5, "{:.0} % were sent twice", 100.0 * twice);
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_uploads_and_quotas_are_shown_and_cared_for() {
    let world = World::start().await;
    let account = world.me().account(Login::Facebook).await.to_string();
    let terminal = Terminal::of(&world).await;
    assert_eq!(terminal.json(&["account", "check", &account]).await["health"], "ACCOUNT_HEALTH_OK");
    let refreshed = terminal.json(&["account", "refresh", &account, "--only-if-needed"]).await;
    assert_eq!(refreshed["result"], "REFRESH_RESULT_STILL_VALID");
    assert_eq!(terminal.json(&["quota", "--account", &account]).await["used"], 0);
    assert!(terminal.says(&["quota"]).await.contains("Instagram"));
    let file = tempfile::Builder::new().suffix(".mp4").tempfile().expect("a file");
    std::fs::write(file.path(), world.file("disk", 300_000).await).expect("written");
    let path = file.path().to_str().expect("text");
    let media = terminal.json(&["media", "upload", path]).await;
    let id = media["media_id"].as_str().expect("an id").to_owned();
    assert!(terminal.says(&["media", "list"]).await.contains(&id));
    terminal.says(&["media", "delete", &id]).await;
    assert_eq!(terminal.json(&["media", "list"]).await["media"], Value::Array(vec![]));
    let link = terminal.json(&["account", "connect", "tiktok", "--no-wait"]).await;
    assert!(link["auth_url"].as_str().is_some_and(|link| link.contains("/oauth/connect/tiktok?state=")), "{link}");
    assert_eq!(terminal.json(&["account", "disconnect", &account]).await["account"]["is_active"], false);
    assert!(terminal.says(&["account", "list"]).await.contains("disconnected"));
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_as_wide_as_the_screen() {
    let world = World::start().await;
    world.me().account(Login::Facebook).await;
    let mut terminal = Terminal::of(&world).await;
    let widest = |text: &str| text.lines().map(|line| line.chars().count()).max().unwrap_or_default();
    let whole = terminal.says(&["account", "list"]).await;
    assert!(widest(&whole) > 60, "{whole}");
    terminal.0.insert("COLUMNS".to_owned(), "60".to_owned());
    let narrow = terminal.says(&["account", "list"]).await;
    assert!(widest(&narrow) <= 60, "{narrow}");
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_video_job_is_saved_in_parts_and_published_by_its_id() {
    let world = World::start().await;
    let account = world.me().account(Login::Facebook).await.to_string();
    let terminal = Terminal::of(&world).await;
    let said = ["--title", "One, two", "--title", "Three", "--hashtag", "a,b", "--description", "What it shows"];
    terminal.json(&[["video-job", "save", "job-1"].as_slice(), &said].concat()).await;
    let publish = ["post", "publish", "--account", &account, "--job", "job-1", "--caption", "By its job"];
    let refused = terminal.refused(&publish).await;
    assert!(refused.contains("VIDEO_JOB_WITHOUT_VIDEO") && refused.contains("has no video yet"), "{refused}");
    let address = video(&world, "of-a-job");
    let saved = terminal.json(&["video-job", "save", "job-1", "--video", &address]).await;
    assert_eq!(saved["ai_metadata"]["titles"], json!(["One, two", "Three"]), "the rest stays: {saved}");
    let posts = terminal.json(&publish).await;
    world.me().published(posts["posts"][0]["id"].as_i64().expect("an id")).await;
    let shown = terminal.says(&["video-job", "get", "job-1"]).await;
    let address = address.split('?').next().expect("an address");
    assert!([address, "One, two | Three", "a b", "What it shows"].iter().all(|text| shown.contains(*text)), "{shown}");
    assert!(terminal.says(&["video-job", "list"]).await.contains("job-1"));
    terminal.says(&["video-job", "delete", "job-1"]).await;
    assert!(terminal.refused(&["video-job", "get", "job-1"]).await.contains("VIDEO_JOB_NOT_FOUND"));
    assert!(terminal.refused(&["video-job", "save", "job-1"]).await.contains("--title <TEXT>"), "nothing to save");
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_call_names_what_would_be_right() {
    let world = World::start().await;
    let account = world.me().account(Login::Tiktok).await.to_string();
    let terminal = Terminal::of(&world).await;
    for (line, words) in [
        (&["post", "list", "--status", "gone"][..], &["gone", "needs-review"][..]),
        (&["account", "connect", "myspace"], &["myspace", "tiktok, instagram, facebook, youtube"]),
        (&["post", "publish", "--account", "1"], &["--video <URL>|--file <PATH>|--job <ID>"]),
        (&["api-key", "create"], &["--user <NUMBER>|--any-user"]),
        (&["post", "resolve", "1"], &["--published|--not-published"]),
        (&["post", "show", "987654"], &["987654", "POST_NOT_FOUND"]),
    ] {
        let said = terminal.refused(line).await;
        assert!(words.iter().all(|word| said.contains(word)), "{line:?}: {said}");
    }
    // One broken rule is one sentence, once.
    let address = video(&world, "silent");
    let said = terminal.refused(&["post", "publish", "--account", &account, "--video", &address]).await;
    let rule = said.lines().find(|line| line.contains("privacy_level")).expect("the rule");
    assert_eq!(said.matches(rule.split(": ").last().expect("a sentence")).count(), 1, "{said}");
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_needs_a_database_makes_none() {
    let folder = tempfile::tempdir().unwrap();
    let settings = BTreeMap::from([
        ("AURAREELS_DATA_DIR".to_owned(), folder.path().join("data").display().to_string()),
        ("AURAREELS_SOCIAL_ENCRYPTION_KEY".to_owned(), ENCRYPTION_KEY.to_owned()),
    ]);
    for line in [
        ["dashboard-link", "--user", "1"].as_slice(),
        &["dashboard-session", "list"],
        &["api-key", "list"],
        &["api-key", "revoke", "1"],
        &["backup", "copy.backup"],
    ] {
        let output = run(&settings, line).await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("there is no database at"), "{line:?}: {said}");
        assert!(!folder.path().join("data").exists(), "{line:?}");
    }
    let made = run(&settings, &["api-key", "create", "--name", "first", "--user", "1", "--scopes", "read"]).await;
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn output_that_nobody_reads_ends_a_command_quietly() {
    let mut command = tokio::process::Command::new(BINARY);
    let command = command.args(["completions", "bash"]).env_clear().stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = command.spawn().expect("started");
    drop(running.stdout.take());
    let ended = running.wait_with_output().await.expect("ended");
    assert!(ended.status.success() && ended.stderr.is_empty(), "{}", String::from_utf8_lossy(&ended.stderr));
}
