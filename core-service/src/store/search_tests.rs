use serde_json::json;

use super::*;
use crate::{
    domain::{
        platform::Platform,
        post::{Post, Status},
    },
    store::{
        plans::{KEY, account, new_post, store},
        posts::{Order, PostQuery},
    },
};

struct Stage {
    _dir: tempfile::TempDir,
    store: Store,
}

impl Stage {
    /// Posts of user 1 with these captions.
    async fn with(captions: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path(), KEY, &[]).await;
        let now = store.clock().now();
        let account = account(&store, now).await;
        let posts = captions.iter().enumerate().map(|(number, caption)| {
            let mut new = new_post(&account, Status::Draft, &format!("post {number}"), now);
            new.post.content.caption = (*caption).to_owned();
            new
        });
        store.insert_posts(posts.collect()).await.unwrap();
        Self { _dir: dir, store }
    }

    async fn found(&self, search: &str) -> Vec<String> {
        let search = self.store.sought(UserId(1), search::words(search)).await.unwrap();
        let query = PostQuery { search, ..PostQuery::default() };
        let found = self.store.list_posts(UserId(1), &query, Order::OldestFirst, None, 0, 100).await.unwrap();
        assert_eq!(self.store.count_posts(UserId(1), &query).await.unwrap(), found.len() as i64);
        found.into_iter().map(|(_, post): (_, Post)| post.content.caption).collect()
    }
}

#[tokio::test]
async fn all_words_are_found_in_any_order_and_case_in_every_script() {
    let stage = Stage::with(&["Große Reise in die ALPEN", "Ёлка и снег", "ΟΔΟΣ", "alpen"]).await;
    assert_eq!(stage.found("alpen reise").await, ["Große Reise in die ALPEN"]);
    assert_eq!(stage.found("GROSSE").await, ["Große Reise in die ALPEN"]);
    assert_eq!(stage.found("ЁЛКА").await, ["Ёлка и снег"]);
    assert_eq!(stage.found("οδος").await, ["ΟΔΟΣ"]);
    assert_eq!(stage.found("alp").await, ["Große Reise in die ALPEN", "alpen"]);
    assert_eq!(stage.found("alpen snow").await, [""; 0]);
    assert_eq!(stage.found("").await.len(), 4);
}

#[tokio::test]
async fn wildcards_quotes_and_escapes_are_letters_like_others() {
    let captions =
        ["100% real", "100 per cent", "snake_case", "snakecase", "wow!", "say \"hi\"", "back\\slash", "it's"];
    let stage = Stage::with(&captions).await;
    for (word, found) in [
        ("100%", "100% real"),
        ("e_c", "snake_case"),
        ("wow!", "wow!"),
        ("\"hi\"", "say \"hi\""),
        ("k\\s", "back\\slash"),
        ("it's", "it's"),
    ] {
        assert_eq!(stage.found(word).await, [found], "{word}");
    }
    for nothing in ["[a-z]", "*", "?", "%%", "!!"] {
        assert_eq!(stage.found(nothing).await, [""; 0], "{nothing}");
    }
}

#[tokio::test]
async fn posts_are_found_by_hashtag_title_account_and_id_at_the_platform() {
    let stage = Stage::with(&["one", "two"]).await;
    let store = &stage.store;
    store.run("UPDATE aurareels_social_posts SET platform_post_id = 'dQw4w9WgXcQ' WHERE id = 2").await;
    let mut first = store.post_of_user(UserId(1), PostId(1)).await.unwrap().unwrap();
    first.content.hashtags = vec!["#Über".into(), "snow".into()];
    first.content.options.set(Platform::Youtube, json!({ "title": "A title", "tags": ["hidden"] }));
    store.update_waiting(first, None, store.clock().now()).await.unwrap();
    for (search, found) in [
        ("#über", &["one"] as &[&str]),
        ("über", &["one"]),
        ("#snow title", &["one"]),
        ("hidden", &[]),
        ("youtube", &[]),
        ("dQw4w9WgXcQ", &["two"]),
    ] {
        assert_eq!(stage.found(search).await, found, "{search}");
    }
    store.run("UPDATE aurareels_social_accounts SET account_name = 'Größe GmbH', account_username = 'ada'").await;
    assert_eq!(stage.found("größe").await, ["one", "two"]);
    assert_eq!(stage.found("@ada two").await, ["two"]);
}

#[tokio::test]
async fn what_an_older_release_wrote_becomes_searchable() {
    let stage = Stage::with(&["Ünlü", "other"]).await;
    stage.store.run("UPDATE aurareels_social_posts SET search_text = '', is_searchable = 0").await;
    stage.store.run("UPDATE aurareels_social_posts SET hashtags = 'damaged' WHERE id = 2").await;
    assert_eq!(stage.found("ünlü").await, [""; 0]);
    assert!(!stage.store.make_searchable().await.unwrap());
    assert_eq!(stage.found("ünlü").await, ["Ünlü"]);
    let text = "SELECT search_text FROM aurareels_social_posts WHERE id = 2";
    let row = stage.store.db.read().await.unwrap().fetch_optional(text, &[]).await.unwrap().unwrap();
    assert_eq!(row.text("search_text").unwrap(), "other", "what can be read of it");
}
