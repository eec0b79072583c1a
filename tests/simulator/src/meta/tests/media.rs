//! Reading, listing, editing and deleting what was published.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Bed, send};
use crate::Host;

async fn list(bed: &Bed, query: &str) -> Value {
    bed.get(&format!("/v25.0/{}/media?{query}", bed.ig), &bed.page).await.body
}

fn captions(list: &Value) -> Vec<&str> {
    list["data"].as_array().unwrap().iter().map(|media| media["caption"].as_str().unwrap()).collect()
}

async fn foreign(bed: &Bed, caption: &str, seconds_ago: i64) -> String {
    let post = json!({ "account": bed.ig, "caption": caption, "seconds_ago": seconds_ago });
    bed.control("media", post).await.text("id")
}

#[tokio::test]
async fn the_list_is_newest_first_with_windows_and_cursors() {
    let bed = Bed::start().await;
    for (caption, age) in [("c", 30), ("a", 50), ("e", 10), ("b", 40), ("d", 20)] {
        foreign(&bed, caption, age).await;
    }
    bed.control("media", json!({ "account": bed.ig, "caption": "story", "product": "STORY" })).await;
    assert_eq!(captions(&list(&bed, "fields=caption").await), ["e", "d", "c", "b", "a"]);
    let first = list(&bed, "fields=caption&limit=2").await;
    assert_eq!(captions(&first), ["e", "d"]);
    let next = first["paging"]["next"].as_str().unwrap();
    let second = send(bed.http.get(next)).await.body;
    assert_eq!(captions(&second), ["c", "b"]);
    let after = second["paging"]["cursors"]["after"].as_str().unwrap();
    let third = list(&bed, &format!("fields=caption&limit=2&after={after}")).await;
    assert_eq!((captions(&third), third["paging"].get("next")), (vec!["a"], None));
    let before = second["paging"]["cursors"]["before"].as_str().unwrap();
    assert_eq!(captions(&list(&bed, &format!("fields=caption&limit=2&before={before}")).await), ["e", "d"]);
    let now = bed.sim.clock().unix();
    assert_eq!(captions(&list(&bed, &format!("fields=caption&since={}", now - 35)).await), ["e", "d", "c"]);
    let window = format!("fields=caption&since={}&until={}", now - 45, now - 15);
    assert_eq!(captions(&list(&bed, &window).await), ["d", "c", "b"]);
    assert_eq!(list(&bed, "limit=101").await["error"]["code"], 100);
    assert_eq!(list(&bed, "after=nonsense").await["error"]["code"], 100);
    assert_eq!(list(&bed, "fields=colour").await["error"]["code"], 100);
}

#[tokio::test]
async fn foreign_posts_with_the_same_caption_stand_beside_ours() {
    let bed = Bed::start().await;
    let id = bed.container("same @words").await;
    let ours = bed.publish(&id).await.text("id");
    let theirs = foreign(&bed, "same @words", 0).await;
    let answer = list(&bed, "fields=id,caption").await;
    let ids: Vec<&str> = answer["data"].as_array().unwrap().iter().map(|media| media["id"].as_str().unwrap()).collect();
    assert!(ids.contains(&ours.as_str()) && ids.contains(&theirs.as_str()));
    assert_eq!(bed.visible(), 1);
    assert_eq!(captions(&answer), ["same @words", "same @words"]);
    bed.control("roles", json!({ "person": bed.person, "page": bed.page_id, "tasks": ["CREATE_CONTENT"] })).await;
    assert_eq!(captions(&list(&bed, "fields=caption").await), ["same words", "same words"]);
}

#[tokio::test]
async fn fresh_objects_can_be_unreadable_while_the_list_works() {
    let bed = Bed::start().await;
    let id = bed.container("x").await;
    let set = json!({ "containers_unreadable": true, "media_unreadable": true });
    bed.control("behaviour", json!({ "account": bed.ig, "set": set })).await;
    let media = bed.publish(&id).await.text("id");
    let status = bed.status(&id).await;
    assert_eq!(
        (status.error(), status.body["error"]["type"].as_str()),
        ((100, Some(33)), Some("GraphMethodException"))
    );
    assert_eq!(bed.get(&format!("/v25.0/{media}?fields=permalink"), &bed.page).await.error(), (100, Some(33)));
    assert_eq!(list(&bed, "fields=id,permalink").await["data"][0]["id"], json!(media));
    bed.control("behaviour", json!({ "account": bed.ig, "set": null })).await;
    assert_eq!(bed.status(&id).await.text("status_code"), "PUBLISHED");
}

#[tokio::test]
async fn the_permalink_fails_as_often_as_asked() {
    let bed = Bed::start().await;
    let media = bed.publish(&bed.container("x").await).await.text("id");
    bed.behave(json!({ "permalink_failures": 2, "permalink_error": "4/2207051" })).await;
    let path = format!("/v25.0/{media}?fields=id,permalink");
    for _ in 0..2 {
        assert_eq!(bed.get(&path, &bed.page).await.error(), (4, Some(2207051)));
    }
    assert!(bed.get(&path, &bed.page).await.text("permalink").starts_with("https://www.instagram.com/reel/"));
}

#[tokio::test]
async fn comments_are_toggled_and_captions_are_not() {
    let bed = Bed::start().await;
    let media = bed.publish(&bed.container("x").await).await.text("id");
    let path = format!("/v25.0/{media}");
    assert_eq!(bed.post(&path, &bed.page, &[("caption", "y")]).await.error().0, 100);
    assert_eq!(bed.post(&path, &bed.page, &[("comment_enabled", "false")]).await.body, json!({ "success": true }));
    let node = bed.get(&format!("{path}?fields=is_comment_enabled"), &bed.page).await.body;
    assert_eq!(node["is_comment_enabled"], false);
}

#[tokio::test]
async fn only_the_user_token_deletes() {
    let bed = Bed::start().await;
    let media = bed.publish(&bed.container("x").await).await.text("id");
    let delete = async |id: &str, token: &str| {
        send(bed.request(Method::DELETE, Host::MetaGraph, &format!("/v25.0/{id}")).bearer_auth(token)).await
    };
    assert_eq!(delete(&media, &bed.page).await.error().0, 10);
    assert_eq!(bed.visible(), 1);
    assert_eq!(delete(&media, &bed.user).await.body, json!({ "success": true, "deleted_id": media }));
    assert_eq!(bed.visible(), 0);
    assert_eq!(bed.get(&format!("/v25.0/{media}"), &bed.page).await.error(), (100, Some(33)));
    let ad = json!({ "account": bed.ig, "product": "AD", "deletable": false });
    let ad = bed.control("media", ad).await.text("id");
    assert_eq!(delete(&ad, &bed.user).await.error(), (-1, Some(2207073)));
}

#[tokio::test]
async fn one_bad_metric_fails_the_whole_insights_call() {
    let bed = Bed::start().await;
    let media = bed.publish(&bed.container("x").await).await.text("id");
    let path = |metrics: &str| format!("/v25.0/{media}/insights?metric={metrics}");
    assert_eq!(bed.get(&path("views"), &bed.page).await.body, json!({ "data": [] }));
    let numbers = json!({ "insights": { "views": 12, "reels_skip_rate": 33.25, "ig_reels_video_view_total_time": 9_007_199_254_740_993_u64 } });
    bed.control(&format!("media/{media}"), numbers).await;
    let data = bed.get(&path("views,ig_reels_video_view_total_time,reach"), &bed.page).await.body;
    assert_eq!(data["data"].as_array().unwrap().len(), 2);
    assert_eq!(data["data"][1]["values"][0]["value"].as_u64(), Some(9_007_199_254_740_993));
    assert_eq!(bed.get(&path("views,plays"), &bed.page).await.error().0, 100);
    assert_eq!(bed.get(&path("total_views"), &bed.page).await.status, 200);
    let other = bed.request(Method::GET, Host::InstagramGraph, &path("total_views")).bearer_auth(&bed.instagram);
    assert_eq!(send(other).await.error().0, 100);
}
