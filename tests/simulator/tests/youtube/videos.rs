//! The life of a video: sheet §7 and checklist 8, 10, 11, 12.

use super::*;

#[tokio::test]
async fn an_upload_is_processed_after_a_while() {
    let tube = Tube::start().await;
    let id = tube.upload(&resource("t", "public")).await;
    let video = tube.video(&id, "status,processingDetails").await;
    assert_eq!(video["status"]["uploadStatus"], "uploaded");
    assert_eq!(video["processingDetails"]["processingStatus"], "processing");
    assert!(video["processingDetails"]["processingProgress"]["timeLeftMs"].is_string());
    assert_eq!(tube.visible().len(), 1, "a public video can be watched before that");
    tube.world.advance(3).await;
    let video = tube.video(&id, "status,processingDetails,contentDetails,statistics").await;
    assert_eq!(video["status"]["uploadStatus"], "processed");
    assert_eq!(video["processingDetails"]["processingStatus"], "succeeded");
    assert_eq!(video["contentDetails"]["duration"], "PT15S");
    assert_eq!(video["statistics"]["viewCount"], "0", "counters are strings");
}

#[tokio::test]
async fn an_omitted_privacy_is_public_and_a_part_not_named_is_not_written() {
    let tube = Tube::start().await;
    let id = tube.upload(&json!({ "snippet": { "title": "t" } })).await;
    assert_eq!(tube.video(&id, "status").await["status"]["privacyStatus"], "public");
    tube.rules(json!({ "force_private": true })).await;
    let id = tube.upload(&resource("t", "public")).await;
    assert_eq!(
        tube.video(&id, "status").await["status"]["privacyStatus"],
        "private",
        "the lock of before November 2026"
    );
    assert_eq!(tube.visible().len(), 1);
}

#[tokio::test]
async fn a_failed_video_is_never_visible_and_a_rejected_one_is_taken_down() {
    let tube = Tube::start().await;
    tube.world.set("youtube/behaviour", json!({ "outcome": "fail", "reason": "codec", "videos": 1 })).await;
    let failed = tube.upload(&resource("t", "public")).await;
    tube.world.advance(3).await;
    let status = tube.video(&failed, "status").await["status"].clone();
    assert_eq!((&status["uploadStatus"], &status["failureReason"]), (&json!("failed"), &json!("codec")));
    assert!(tube.world.sim.posts().is_empty());
    tube.world.set("youtube/behaviour", json!({ "outcome": "reject", "reason": "copyright", "videos": 1 })).await;
    let rejected = tube.upload(&resource("t", "public")).await;
    assert_eq!(tube.visible().len(), 1);
    tube.world.advance(3).await;
    assert_eq!(tube.video(&rejected, "status").await["status"]["rejectionReason"], "copyright");
    assert!(tube.visible().is_empty());
    let session = tube.session_of(&resource("t", "public"), Bytes::from_static(b"not a video")).await;
    tube.put(&session, 0..11).await.unwrap();
    tube.world.advance(3).await;
    assert!(tube.visible().is_empty(), "what is no video fails too");
}

#[tokio::test]
async fn information_about_processing_may_be_gone_without_a_failure() {
    let tube = Tube::start().await;
    tube.world.set("youtube/behaviour", json!({ "outcome": "terminated" })).await;
    let id = tube.upload(&resource("t", "public")).await;
    tube.world.advance(3).await;
    let video = tube.video(&id, "status,processingDetails").await;
    assert_eq!(video["processingDetails"]["processingStatus"], "terminated");
    assert_eq!(video["status"]["uploadStatus"], "processed");
}

#[tokio::test]
async fn youtube_may_change_the_privacy_itself() {
    let tube = Tube::start().await;
    tube.world.set("youtube/behaviour", json!({ "privacy_becomes": "private" })).await;
    let id = tube.upload(&resource("t", "public")).await;
    tube.world.advance(3).await;
    assert_eq!(tube.video(&id, "status").await["status"]["privacyStatus"], "private");
    assert!(tube.visible().is_empty());
}

#[tokio::test]
async fn foreign_private_unknown_and_deleted_videos_are_missing() {
    let tube = Tube::start().await;
    let id = tube.upload(&resource("t", "private")).await;
    let public = tube.upload(&resource("t", "public")).await;
    let (_, stranger, _) = make_channel(&tube.world, json!({})).await;
    let path = format!("/youtube/v3/videos?part=status&id={id},{public},unknown");
    let (status, body) = answer(tube.call_as(&stranger, Method::GET, &path)).await;
    assert_eq!(status, 200);
    assert_eq!(body["items"].as_array().unwrap().len(), 1);
    assert_eq!(body["items"][0]["id"], public);
    let owner_only = format!("/youtube/v3/videos?part=fileDetails&id={public}");
    assert_eq!(refusal(&answer(tube.call_as(&stranger, Method::GET, &owner_only)).await), (403, "forbidden"));
    assert_eq!(refusal(&tube.get("/youtube/v3/videos?part=status").await), (400, "missingRequiredParameter"));
    assert_eq!(refusal(&tube.get("/youtube/v3/videos?part=state&id=1").await), (400, "unknownPart"));
}

#[tokio::test]
async fn an_update_replaces_every_field_of_its_parts() {
    let tube = Tube::start().await;
    let mut body = resource("t", "private");
    body["status"]["embeddable"] = json!(false);
    body["status"]["selfDeclaredMadeForKids"] = json!(true);
    let id = tube.upload(&body).await;
    let update = |status: Value| {
        let body = json!({ "id": id, "status": status });
        answer(tube.call(Method::PUT, "/youtube/v3/videos?part=status").json(&body))
    };
    let (status, updated) = update(json!({ "privacyStatus": "public" })).await;
    assert_eq!(status, 200);
    assert_eq!(updated["status"]["embeddable"], true, "left out, so it is the default again");
    assert_eq!(updated["status"]["selfDeclaredMadeForKids"], false);
    assert_eq!(tube.visible().len(), 1);
    assert_eq!(update(json!({ "privacyStatus": "public" })).await.0, 200, "twice is the same");
    assert_eq!(tube.visible().len(), 1);
    update(json!({ "privacyStatus": "private" })).await;
    assert!(tube.visible().is_empty());
    assert_eq!(update(json!({})).await.1["status"]["privacyStatus"], "public", "no privacy is public");
    assert_eq!(tube.world.sim.posts().len(), 1, "one video is one post");
    let snippet = json!({ "id": id, "snippet": { "title": "new" } });
    let refused = answer(tube.call(Method::PUT, "/youtube/v3/videos?part=snippet").json(&snippet)).await;
    assert_eq!(refusal(&refused), (400, "invalidCategoryId"), "a snippet needs its category");
}

#[tokio::test]
async fn only_the_owner_updates_and_deletes_and_a_second_deletion_finds_nothing() {
    let tube = Tube::start().await;
    let id = tube.upload(&resource("t", "public")).await;
    let (_, stranger, _) = make_channel(&tube.world, json!({})).await;
    let path = format!("/youtube/v3/videos?id={id}");
    assert_eq!(refusal(&answer(tube.call_as(&stranger, Method::DELETE, &path)).await), (403, "forbidden"));
    assert_eq!(answer(tube.call(Method::DELETE, &path)).await, (204, Value::String(String::new())));
    assert_eq!(refusal(&answer(tube.call(Method::DELETE, &path)).await), (404, "videoNotFound"));
    assert_eq!(tube.video(&id, "status").await, Value::Null);
    assert!(tube.visible().is_empty());
}

#[tokio::test]
async fn a_publish_time_makes_a_private_video_public() {
    let tube = Tube::start().await;
    let at = tube.world.sim.clock().now() + chrono::TimeDelta::hours(1);
    let mut body = resource("t", "private");
    body["status"]["publishAt"] = json!(at.to_rfc3339());
    let (kept, moved) = (tube.upload(&body).await, tube.upload(&body).await);
    let update = json!({ "id": moved, "status": { "privacyStatus": "private" } });
    answer(tube.call(Method::PUT, "/youtube/v3/videos?part=status").json(&update)).await;
    assert!(tube.visible().is_empty());
    tube.world.advance(3_595).await;
    assert!(tube.visible().is_empty());
    tube.world.advance(10).await;
    let posts = tube.visible();
    assert_eq!(posts.len(), 1, "the update dropped the other one's time");
    assert_eq!(posts[0].platform_post_id, kept);
    let access = login::refreshed(&tube).await;
    let tube = Tube { access, ..tube };
    let later = json!({ "id": kept, "status": { "privacyStatus": "private", "publishAt": "2100-01-01T00:00:00Z" } });
    let refused = answer(tube.call(Method::PUT, "/youtube/v3/videos?part=status").json(&later)).await;
    assert_eq!(refusal(&refused), (400, "invalidPublishAt"), "it has been public");
}

#[tokio::test]
async fn thumbnails_are_checked() {
    let tube = Tube::start().await;
    let id = tube.upload(&resource("t", "public")).await;
    let set = |id: &str, kind: &'static str, picture: Vec<u8>| {
        let path = format!("/upload/youtube/v3/thumbnails/set?uploadType=media&videoId={id}");
        answer(tube.call(Method::POST, &path).header("content-type", kind).body(picture))
    };
    let jpeg = || [0xFF, 0xD8, 0xFF, 0xE0].repeat(1_000);
    assert_eq!(refusal(&set(&id, "image/jpeg", jpeg()).await), (412, "failedPrecondition"), "a Short in processing");
    tube.world.advance(3).await;
    let (status, body) = set(&id, "image/jpeg", jpeg()).await;
    assert_eq!((status, &body["kind"]), (200, &json!("youtube#thumbnailSetResponse")));
    assert_eq!(refusal(&set(&id, "image/gif", jpeg()).await), (400, "invalidImage"));
    assert_eq!(refusal(&set(&id, "image/jpeg", b"text".to_vec()).await), (400, "invalidImage"));
    assert_eq!(refusal(&set(&id, "image/jpeg", Vec::new()).await), (400, "mediaBodyRequired"));
    assert_eq!(refusal(&set("unknown", "image/png", jpeg()).await), (404, "videoNotFound"));
    tube.rules(json!({ "max_thumbnail_bytes": 100 })).await;
    assert_eq!(refusal(&set(&id, "image/jpeg", jpeg()).await), (400, "invalidImage"));
    tube.rules(json!({ "max_thumbnail_bytes": 5_000, "thumbnails_per_hour": 1 })).await;
    assert_eq!(refusal(&set(&id, "image/jpeg", jpeg()).await), (429, "uploadRateLimitExceeded"));
    tube.world.set(&format!("youtube/accounts/{}", tube.channel), json!({ "phone_verified": false })).await;
    assert_eq!(refusal(&set(&id, "image/jpeg", jpeg()).await), (403, "forbidden"));
    let known = tube.world.get("youtube/videos").await;
    assert_eq!(known["videos"][0]["thumbnail"], sha256(&jpeg()));
}

#[tokio::test]
async fn statistics_grow_hide_and_come_in_part() {
    let tube = Tube::start().await;
    let (one, two) = (tube.upload(&resource("t", "public")).await, tube.upload(&resource("t", "public")).await);
    tube.world.set(&format!("youtube/videos/{one}"), json!({ "views": 12, "likes": null, "comments": 3 })).await;
    let path = format!("/youtube/v3/videos:batchGetStats?part=id,statistics,contentDetails&id={one},{two}");
    let (status, body) = tube.get(&path).await;
    assert_eq!(status, 200);
    assert_eq!(body["items"][0]["statistics"], json!({ "viewCount": "12", "commentCount": "3" }));
    assert_eq!(body["items"][0]["contentDetails"], json!({ "duration": "PT15S", "durationMillis": "15000" }));
    assert_eq!(body["items"].as_array().unwrap().len(), 2);
    tube.rules(json!({ "partial_stats": true })).await;
    assert_eq!(tube.get(&path).await.1["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn googles_own_error_bodies_can_be_scripted() {
    let tube = Tube::start().await;
    let fault = |error: &str| json!({ "operation": "youtube.videos_list", "error": error });
    for (error, expected) in [
        ("503/backendError", (503, "backendError")),
        ("429/rateLimitExceeded", (429, "rateLimitExceeded")),
        ("authenticatedUserAccountSuspended", (403, "authenticatedUserAccountSuspended")),
    ] {
        tube.world.set("youtube/faults", fault(error)).await;
        assert_eq!(refusal(&tube.get("/youtube/v3/videos?part=id&id=x").await), expected);
    }
    assert_eq!(tube.get("/youtube/v3/videos?part=id&id=x").await.0, 200);
    let path = tube.world.control("youtube/faults");
    let unknown = tube.world.http.post(path).json(&fault("noSuchReason")).send().await.unwrap();
    assert_eq!(unknown.status(), 400);
}
