//! Channels, the uploads playlist, search and categories: sheet §4 and checklist 4 and 9.

use super::*;

#[tokio::test]
async fn the_own_channel_is_read_with_its_uploads_playlist() {
    let tube = Tube::start().await;
    let (status, body) = tube.get("/youtube/v3/channels?part=snippet,contentDetails,statistics&mine=true").await;
    assert_eq!(status, 200);
    let item = &body["items"][0];
    assert_eq!(item["id"], tube.channel);
    assert_eq!(item["contentDetails"]["relatedPlaylists"]["uploads"], tube.channel.replacen("UC", "UU", 1));
    assert!(item["statistics"]["subscriberCount"].is_string());
    assert!(text(&item["snippet"], "customUrl").starts_with('@'));
}

#[tokio::test]
async fn an_account_without_a_channel_has_no_items_or_is_refused() {
    let tube = Tube::start().await;
    let (_, access, _) = make_channel(&tube.world, json!({ "has_channel": false })).await;
    let read = || answer(tube.call_as(&access, Method::GET, "/youtube/v3/channels?part=id&mine=true"));
    let (status, body) = read().await;
    assert_eq!(status, 200);
    assert!(body.get("items").is_none());
    tube.rules(json!({ "no_channel_is_401": true })).await;
    let refused = read().await;
    assert_eq!(refusal(&refused), (401, "youtubeSignupRequired"));
    assert_eq!(refused.1["error"]["errors"][0]["location"], "Authorization");
}

#[tokio::test]
async fn calls_need_a_living_token() {
    let tube = Tube::start().await;
    let url = format!("{}/youtube/v3/channels?part=id&mine=true", tube.world.sim.url(Host::YouTubeApi));
    assert_eq!(refusal(&answer(tube.world.http.get(&url)).await), (401, "required"));
    assert_eq!(refusal(&answer(tube.world.http.get(&url).bearer_auth("wrong")).await), (401, "authError"));
    tube.world.advance(3_600).await;
    assert_eq!(refusal(&tube.get("/youtube/v3/channels?part=id&mine=true").await), (401, "authError"));
}

#[tokio::test]
async fn the_uploads_playlist_shows_new_videos_after_its_lag_in_pages() {
    let tube = Tube::with(YouTubeRules { uploads_list_lag_seconds: 30, ..YouTubeRules::default() }).await;
    let mut ids = Vec::new();
    for title in ["one", "two", "three"] {
        ids.push(tube.upload(&resource(title, "private")).await);
    }
    let playlist = tube.channel.replacen("UC", "UU", 1);
    let path =
        format!("/youtube/v3/playlistItems?part=snippet,contentDetails,status&maxResults=2&playlistId={playlist}");
    assert!(tube.get(&path).await.1["items"].as_array().unwrap().is_empty(), "not yet");
    tube.world.advance(31).await;
    let (_, first) = tube.get(&path).await;
    let shown = |body: &Value| -> Vec<String> {
        body["items"].as_array().unwrap().iter().map(|item| text(&item["contentDetails"], "videoId")).collect()
    };
    assert_eq!(shown(&first), [ids[2].clone(), ids[1].clone()], "newest first, private ones for their owner");
    assert_eq!(first["items"][0]["status"]["privacyStatus"], "private");
    assert_eq!(first["pageInfo"]["totalResults"], 3);
    let next = text(&first, "nextPageToken");
    let (_, second) = tube.get(&format!("{path}&pageToken={next}")).await;
    assert_eq!(shown(&second), [ids[0].clone()]);
    assert!(second.get("nextPageToken").is_none());
    assert_eq!(refusal(&tube.get(&format!("{path}&pageToken=x")).await), (400, "invalidPageToken"));
    let (_, stranger, _) = make_channel(&tube.world, json!({})).await;
    let foreign = answer(tube.call_as(&stranger, Method::GET, &path)).await;
    assert!(foreign.1["items"].as_array().unwrap().is_empty());
    let unknown = tube.get("/youtube/v3/playlistItems?part=snippet&playlistId=UUnobody").await;
    assert_eq!(refusal(&unknown), (404, "playlistNotFound"));
}

#[tokio::test]
async fn the_search_index_lags_and_holds_ghosts() {
    let tube = Tube::start().await;
    let id = tube.upload(&resource("Findable words", "public")).await;
    let search = || async {
        let (status, body) = tube.get("/youtube/v3/search?part=snippet&forMine=true&type=video&q=findable").await;
        assert_eq!(status, 200, "{body}");
        body["items"].as_array().unwrap().len()
    };
    assert_eq!(search().await, 0, "not indexed yet");
    tube.world.advance(61).await;
    assert_eq!(search().await, 1);
    answer(tube.call(Method::DELETE, &format!("/youtube/v3/videos?id={id}"))).await;
    assert_eq!(search().await, 1, "a ghost");
    assert_eq!(tube.video(&id, "id").await, Value::Null);
    tube.world.advance(61).await;
    assert_eq!(search().await, 0);
}

#[tokio::test]
async fn categories_say_which_can_be_assigned() {
    let tube = Tube::start().await;
    let (_, body) = tube.get("/youtube/v3/videoCategories?part=snippet&regionCode=US").await;
    let of = |id: &str| body["items"].as_array().unwrap().iter().find(|item| item["id"] == id).unwrap().clone();
    assert_eq!(of("22")["snippet"]["assignable"], true);
    assert_eq!(of("18")["snippet"]["assignable"], false);
    assert_eq!(refusal(&tube.get("/youtube/v3/videoCategories?part=snippet").await), (400, "missingRequiredParameter"));
}
