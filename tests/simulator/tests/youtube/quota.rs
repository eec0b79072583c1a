//! The project's quota and the channel's own cap: sheet §3 and checklist 3.

use super::*;

async fn set_clock(tube: &Tube, now: &str) -> String {
    tube.world.set("clock", json!({ "now": now })).await;
    login::refreshed(tube).await
}

#[tokio::test]
async fn uploads_of_all_channels_share_a_bucket_until_midnight_in_california() {
    let tube = Tube::with(YouTubeRules { uploads_per_day: 2, ..YouTubeRules::default() }).await;
    let access = set_clock(&tube, "2026-11-25T07:30:00Z").await;
    let tube = Tube { access, ..tube };
    let (_, other, _) = make_channel(&tube.world, json!({})).await;
    let path = "/upload/youtube/v3/videos?uploadType=resumable&part=snippet,status";
    let as_other = || tube.call_as(&other, Method::POST, path).json(&resource("t", "public"));
    assert_eq!(answer(as_other()).await.0, 200);
    let refused = answer(tube.initiate(&resource("", "public"), 100)).await;
    assert_eq!(refusal(&refused), (400, "invalidTitle"), "a refused one counts too");
    let full = answer(tube.initiate(&resource("t", "public"), 100)).await;
    assert_eq!(refusal(&full), (403, "quotaExceeded"));
    assert!(text(&full.1["error"], "message").contains("<a href="), "{full:?}");
    assert_eq!(tube.get("/youtube/v3/channels?part=id&mine=true").await.0, 200, "a bucket of its own");
    // 23:30 in Los Angeles: half an hour later a new day begins, although the day in UTC is the same.
    tube.world.advance(1_801).await;
    assert_eq!(answer(tube.initiate(&resource("t", "public"), 100)).await.0, 200);
}

#[tokio::test]
async fn chunks_and_queries_cost_nothing() {
    let tube = Tube::start().await;
    let session = tube.session("public").await;
    tube.put(&session, 0..BLOCK).await.unwrap();
    tube.query(&session).await;
    tube.put(&session, BLOCK..session.video.len()).await.unwrap();
    let used = tube.world.get("youtube/quota").await;
    assert_eq!((&used["uploads"], &used["units"]), (&json!(1), &json!(0)));
}

#[tokio::test]
async fn updates_and_deletions_cost_fifty() {
    let tube = Tube::with(YouTubeRules { units_per_day: 100, ..YouTubeRules::default() }).await;
    let id = tube.upload(&resource("t", "private")).await;
    let update = || {
        let body = json!({ "id": id, "status": { "privacyStatus": "public" } });
        answer(tube.call(Method::PUT, "/youtube/v3/videos?part=status").json(&body))
    };
    assert_eq!(update().await.0, 200);
    assert_eq!(tube.get("/youtube/v3/channels?part=id&mine=true").await.0, 200);
    assert_eq!(refusal(&update().await), (403, "quotaExceeded"), "49 are left");
    let search = tube.get("/youtube/v3/search?part=snippet&forMine=true&type=video").await;
    assert_eq!(search.0, 200, "a bucket of its own");
}

#[tokio::test]
async fn a_channel_has_a_cap_of_its_own() {
    let tube = Tube::start().await;
    tube.world.set(&format!("youtube/accounts/{}", tube.channel), json!({ "uploads_per_day": 1 })).await;
    tube.session("public").await;
    let refused = answer(tube.initiate(&resource("t", "public"), 100)).await;
    assert_eq!(refusal(&refused), (400, "uploadLimitExceeded"));
    tube.world.advance(86_401).await;
    let access = login::refreshed(&tube).await;
    let tube = Tube { access, ..tube };
    tube.session("public").await;
}
