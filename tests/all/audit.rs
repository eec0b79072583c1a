//! The audit log: who did what, as `aurareels audit` shows it.

use aurareels_core::app::api_keys::Scope;
use aurareels_proto::v1::{CancelPostRequest, ListAccountsRequest};
use aurareels_tests::{Login, World, video};
use serde_json::{Value, json};

use crate::process::run;

/// The lines that `aurareels audit` shows with these filters.
async fn audit(world: &World, filters: &[&str]) -> Vec<Value> {
    let line = [&["audit", "--json"], filters].concat();
    let output = run(world.settings(), &line).await;
    assert!(output.status.success(), "{filters:?}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keys_and_commands_did_is_there_with_its_rows_and_outcome_and_without_secrets() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let made = run(world.settings(), &["api-key", "create", "--user", "1", "--json"]).await;
    let made: Value = serde_json::from_slice(&made.stdout).expect("JSON");
    let (key, id) = (made["key"].as_str().expect("a key").to_owned(), made["id"].to_string());
    world.keep_secret(&key);
    let content =
        json!({"video_url": video(&world, "audited"), "caption": "nobody's business", "privacy_level": "PUBLIC"});
    let request = json!({"accounts": [account], "content": content});
    let url = format!("{}/aurareels.v1.PostService/PublishPosts", world.url());
    let answer =
        world.http.post(url).bearer_auth(&key).header("x-forwarded-for", "203.0.113.7").json(&request).send().await;
    let answer: Value = answer.expect("an answer").json().await.expect("JSON");
    let post = answer["posts"][0]["id"].as_i64().unwrap_or_else(|| panic!("{answer}"));
    me.published(post).await;
    world.posts_as(&key, None).cancel_post(CancelPostRequest { id: post }).await.expect_err("it is published");

    let of_key = audit(&world, &["--key", &id]).await;
    let (publish, cancel) = (&of_key[0], &of_key[1]);
    assert_eq!(of_key.len(), 2, "{of_key:#?}");
    assert_eq!(
        (&publish["action"], &publish["user"], &publish["outcome"]),
        (&json!("PostService/PublishPosts"), &json!(1), &json!("Ok"))
    );
    assert_eq!(publish["rows"], json!([format!("account/{account}"), format!("post/{post}")]));
    assert_eq!(publish["forwarded_for"], "203.0.113.7");
    assert!(publish["address"].as_str().expect("an address").starts_with("127.0.0.1:"), "{publish}");
    assert_eq!((&cancel["outcome"], &cancel["reason"]), (&json!("FailedPrecondition"), &json!("TOO_LATE")));
    assert_eq!(&audit(&world, &["--post", &post.to_string(), "--failed"]).await[..], std::slice::from_ref(cancel));
    let commands = audit(&world, &["--caller", "command"]).await;
    assert_eq!(
        (&commands[0]["action"], &commands[0]["rows"]),
        (&json!("api-key create"), &json!([format!("api_key/{id}")]))
    );
    for (path, text) in files(&world) {
        assert!(!text.contains("nobody's business"), "a caption is in {path}");
        assert!(!text.contains(&key), "a key is in {path}");
    }
    world.finish(1).await;
}

fn files(world: &World) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(world.data_dir().join("audit")).expect("the directory of the audit log");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.map(|path| (path.display().to_string(), std::fs::read_to_string(&path).expect("text"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn connecting_an_account_and_refused_callers_are_there_and_reading_is_not() {
    let world = World::start().await;
    let account = world.me().account(Login::Tiktok).await;
    let connected = audit(&world, &["--row", &format!("account/{account}")]).await;
    let is_connecting = |line: &Value| line["action"] == "AccountService/CompleteConnect" && line["user"] == 1;
    assert!(connected.iter().any(|line| is_connecting(line) && line["outcome"] == "Ok"), "{connected:#?}");
    let reader = world.api_key(&[Scope::Read], Some(1)).await;
    world.accounts_as(&reader, None).list_accounts(ListAccountsRequest::default()).await.expect("may read");
    world.posts_as(&reader, None).cancel_post(CancelPostRequest { id: 1 }).await.expect_err("may not");
    // As many as a program that has lost its key makes: all are counted, few are written.
    const WRONG: u64 = 200;
    for _ in 0..WRONG {
        world.accounts_as("ar_wrong", None).list_accounts(ListAccountsRequest::default()).await.expect_err("no key");
    }
    world.posts_as(&world.key, Some(1)).cancel_post(CancelPostRequest { id: 999 }).await.expect_err("no post");
    let failed = audit(&world, &["--failed", "--limit", "1000"]).await;
    let reasons = |reason: &str| failed.iter().filter(|line| line["reason"] == reason).count() as u64;
    assert_eq!((reasons("PERMISSION_DENIED"), reasons("POST_NOT_FOUND")), (1, 1), "{failed:#?}");
    let missing: u64 = failed.iter().filter_map(|line| line["missing"].as_u64()).sum();
    assert_eq!(reasons("UNAUTHENTICATED") + missing, WRONG, "{failed:#?}");
    let all = audit(&world, &["--limit", "1000"]).await;
    assert!(
        all.iter().all(|line| line["action"] != "AccountService/ListAccounts" || line["outcome"] == "Unauthenticated")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn switched_off_it_writes_nothing_and_the_command_says_where_it_looked() {
    let world = World::with(&[("AURAREELS_AUDIT", "off")]).await;
    world.posts_as(&world.key, Some(1)).cancel_post(CancelPostRequest { id: 1 }).await.expect_err("no post");
    assert!(!world.data_dir().join("audit").exists());
    let output = run(world.settings(), &["audit"]).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("AURAREELS_DATA_DIR"), "{said}");
}
