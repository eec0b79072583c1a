//! The resumable upload: sheet §5 and checklist 5 to 7.

use super::*;

#[tokio::test]
async fn chunks_end_as_one_video_with_the_same_bytes() {
    let tube = Tube::start().await;
    let session = tube.session("public").await;
    let nothing = tube.query(&session).await;
    assert_eq!((nothing.status().as_u16(), range_of(&nothing)), (308, None), "nothing is stored");
    let first = tube.put(&session, 0..2 * BLOCK).await.unwrap();
    assert_eq!((first.status().as_u16(), range_of(&first)), (308, Some("bytes=0-524287")));
    let second = tube.put(&session, 2 * BLOCK..4 * BLOCK).await.unwrap();
    assert_eq!(range_of(&second), Some("bytes=0-1048575"));
    assert!(tube.world.sim.posts().is_empty(), "nothing is visible before the last byte");
    let last = tube.put(&session, 4 * BLOCK..session.video.len()).await.unwrap();
    assert_eq!(last.status(), 201);
    let made: Value = last.json().await.unwrap();
    assert_eq!(made["status"]["privacyStatus"], "public");
    assert_eq!(made["snippet"]["title"], "A title");
    assert!(made.get("statistics").is_none(), "only the parts that were asked for");
    let posts = tube.visible();
    assert_eq!(posts.len(), 1);
    assert_eq!(posts[0].sha256.as_deref(), Some(sha256(&session.video).as_str()));
    assert_eq!((posts[0].platform, posts[0].privacy.as_str()), ("youtube", "public"));
    assert_eq!(posts[0].platform_post_id, text(&made, "id"));
}

#[tokio::test]
async fn a_finished_session_gives_its_answer_again_and_makes_nothing() {
    let tube = Tube::start().await;
    let session = tube.session("public").await;
    let whole = 0..session.video.len();
    let first: Value = tube.put(&session, whole.clone()).await.unwrap().json().await.unwrap();
    let again = tube.query(&session).await;
    assert_eq!(again.status(), 201);
    assert_eq!(again.json::<Value>().await.unwrap(), first);
    let resent = tube.put(&session, whole).await.unwrap();
    assert_eq!(resent.json::<Value>().await.unwrap(), first);
    assert_eq!(tube.visible().len(), 1);
}

#[tokio::test]
async fn a_lost_answer_to_the_last_byte_is_found_by_a_query() {
    let tube = Tube::start().await;
    let session = tube.session("private").await;
    tube.fault("youtube.upload_last_chunk", cut(When::After));
    assert!(tube.put(&session, 0..session.video.len()).await.is_err());
    let found = tube.query(&session).await;
    assert_eq!(found.status(), 201);
    let id = text(&found.json::<Value>().await.unwrap(), "id");
    assert_eq!(tube.video(&id, "status").await["status"]["uploadStatus"], "uploaded");

    let session = tube.session("private").await;
    tube.fault("youtube.upload_last_chunk", cut(When::Before));
    assert!(tube.put(&session, 0..session.video.len()).await.is_err());
    assert_eq!(tube.query(&session).await.status(), 308, "it never acted");
    let videos = tube.world.get("youtube/videos").await;
    assert_eq!(videos["videos"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_503_to_the_last_byte_may_or_may_not_have_made_the_video() {
    let tube = Tube::start().await;
    for (act, then) in [(false, 308), (true, 201)] {
        let session = tube.session("private").await;
        let spec = json!({ "operation": "youtube.upload_last_chunk", "error": "empty/503", "act": act });
        tube.world.set("youtube/faults", spec).await;
        let answer = tube.put(&session, 0..session.video.len()).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.text().await.unwrap().as_str()), (503, ""));
        assert_eq!(tube.query(&session).await.status(), then);
    }
}

#[tokio::test]
async fn a_final_308_may_hide_a_video_that_exists() {
    let tube = Tube::start().await;
    let session = tube.session("public").await;
    let headers = std::collections::BTreeMap::from([("range".to_owned(), "bytes=0-262143".to_owned())]);
    tube.fault("youtube.upload_last_chunk", Action::Answer { status: 308, headers, body: None, act: true });
    assert_eq!(tube.put(&session, 0..session.video.len()).await.unwrap().status(), 308);
    assert_eq!(tube.visible().len(), 1, "made, although the answer does not say so");
    assert_eq!(tube.query(&session).await.status(), 201);
}

#[tokio::test]
async fn five_cuts_inside_the_body_leave_whole_blocks_and_end_as_one_video() {
    let tube = Tube::start().await;
    let session = tube.session("public").await;
    for _ in 0..5 {
        let matcher = Matcher { operation: Some("youtube.upload_last_chunk".to_owned()), ..Matcher::default() };
        let cut = Action::Cut { when: When::Body, after_bytes: 200_000 };
        tube.world.sim.add_fault(Rule::once(matcher, cut));
        let stored = stored(&tube, &session).await;
        assert!(tube.put(&session, stored..session.video.len()).await.is_err());
    }
    assert_eq!(stored(&tube, &session).await % BLOCK, 0);
    let stored = stored(&tube, &session).await;
    assert_eq!(tube.put(&session, stored..session.video.len()).await.unwrap().status(), 201);
    let posts = tube.visible();
    assert_eq!(posts.len(), 1);
    assert_eq!(posts[0].sha256.as_deref(), Some(sha256(&session.video).as_str()));
}

async fn stored(tube: &Tube, session: &Session) -> usize {
    let answer = tube.query(session).await;
    assert_eq!(answer.status(), 308);
    range_of(&answer).map_or(0, |range| range.rsplit_once('-').unwrap().1.parse::<usize>().unwrap() + 1)
}

#[tokio::test]
async fn a_cut_at_three_blocks_keeps_three_blocks() {
    let tube = Tube::start().await;
    let session = tube.session("public").await;
    let after_bytes = 3 * BLOCK as u64 + 5_000;
    tube.fault("youtube.upload_last_chunk", Action::Cut { when: When::Body, after_bytes });
    assert!(tube.put(&session, 0..session.video.len()).await.is_err());
    assert_eq!(stored(&tube, &session).await, 3 * BLOCK);
}

#[tokio::test]
async fn gaps_overlaps_odd_chunks_and_unequal_ones_store_nothing() {
    let tube = Tube::start().await;
    let session = tube.session("public").await;
    let status = async |range: Range<usize>| tube.put(&session, range).await.unwrap().status().as_u16();
    assert_eq!(status(BLOCK..2 * BLOCK).await, 400, "a gap");
    assert_eq!(status(0..BLOCK + 1).await, 400, "not a multiple of 256 KiB");
    assert_eq!(status(0..2 * BLOCK).await, 308);
    assert_eq!(status(BLOCK..3 * BLOCK).await, 400, "an overlap");
    assert_eq!(status(2 * BLOCK..3 * BLOCK).await, 400, "a chunk of another size");
    assert_eq!(range_of(&tube.query(&session).await), Some("bytes=0-524287"));
    assert_eq!(status(2 * BLOCK..session.video.len()).await, 201, "the last one has any size");
    assert_eq!(tube.visible()[0].sha256.as_deref(), Some(sha256(&session.video).as_str()));
}

#[tokio::test]
async fn fewer_bytes_than_sent_may_be_kept() {
    let tube = Tube::with(YouTubeRules { keep_bytes: Some(BLOCK as u64), ..YouTubeRules::default() }).await;
    let session = tube.session("public").await;
    let answer = tube.put(&session, 0..session.video.len()).await.unwrap();
    assert_eq!((answer.status().as_u16(), range_of(&answer)), (308, Some("bytes=0-262143")));
    tube.rules(json!({ "keep_bytes": null, "retry_after_seconds": 3 })).await;
    let waiting = tube.query(&session).await;
    assert_eq!(waiting.headers()["retry-after"], "3");
    assert_eq!(tube.put(&session, BLOCK..session.video.len()).await.unwrap().status(), 201);
    assert_eq!(tube.visible()[0].sha256.as_deref(), Some(sha256(&session.video).as_str()));
}

#[tokio::test]
async fn a_whole_file_needs_no_content_range() {
    let tube = Tube::with(YouTubeRules { created_status: 200, ..YouTubeRules::default() }).await;
    let session = tube.session("public").await;
    let request = tube.world.http.put(&session.uri).header("content-type", "video/mp4").body(session.video.clone());
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200, "the address is the credential; some see 200 instead of 201");
    assert_eq!(tube.visible().len(), 1);
}

#[tokio::test]
async fn an_unknown_size_is_known_at_the_last_chunk() {
    let tube = Tube::start().await;
    let request = tube.call(Method::POST, "/upload/youtube/v3/videos?uploadType=resumable&part=snippet,status");
    let answer = request.json(&resource("t", "public")).send().await.unwrap();
    let session = Session { uri: answer.headers()["location"].to_str().unwrap().to_owned(), video: reel() };
    let put = |first: usize, last: usize, total: String| {
        let body = session.video.slice(first..last);
        let span = format!("bytes {first}-{}/{total}", last - 1);
        tube.world.http.put(&session.uri).header("content-range", span).body(body).send()
    };
    assert_eq!(put(0, BLOCK, "*".into()).await.unwrap().status(), 308);
    let all = session.video.len();
    assert_eq!(put(BLOCK, all, all.to_string()).await.unwrap().status(), 201);
    assert_eq!(tube.visible()[0].byte_count, Some(all as u64));
}

#[tokio::test]
async fn another_size_than_announced_is_refused() {
    let tube = Tube::start().await;
    let session = tube.session("public").await;
    let request = tube.world.http.put(&session.uri).header("content-range", "bytes 0-262143/1000000");
    assert_eq!(request.body(session.video.slice(..BLOCK)).send().await.unwrap().status(), 400);
    let request = tube.world.http.put(&session.uri).body(session.video.slice(..BLOCK));
    assert_eq!(request.send().await.unwrap().status(), 400, "a short body cannot be the whole file");
    assert!(tube.visible().is_empty());
}

#[tokio::test]
async fn a_session_ends_and_forgets() {
    let tube = Tube::start().await;
    let session = tube.session("public").await;
    tube.put(&session, 0..BLOCK).await.unwrap();
    tube.world.advance(604_801).await;
    // An hour is over too, so the token is fetched anew.
    let access = login::refreshed(&tube).await;
    let tube = Tube { access, ..tube };
    assert_eq!(tube.query(&session).await.status(), 404);
    tube.rules(json!({ "session_gone_is_410": true, "finished_session_seconds": 60 })).await;
    assert_eq!(tube.query(&session).await.status(), 410);
    let session = tube.session("public").await;
    tube.put(&session, 0..session.video.len()).await.unwrap();
    tube.world.advance(61).await;
    assert_eq!(tube.query(&session).await.status(), 410, "the answer is not kept for ever");
    assert_eq!(tube.visible().len(), 1);
}

#[tokio::test]
async fn a_cancelled_session_is_gone() {
    let tube = Tube::start().await;
    let session = tube.session("public").await;
    tube.put(&session, 0..BLOCK).await.unwrap();
    assert_eq!(tube.world.http.delete(&session.uri).send().await.unwrap().status(), 499);
    assert_eq!(tube.query(&session).await.status(), 404);
    assert!(tube.visible().is_empty());
}

#[tokio::test]
async fn a_dead_token_stops_a_put_and_a_new_one_goes_on() {
    let tube = Tube::start().await;
    let session = tube.session("public").await;
    tube.put(&session, 0..BLOCK).await.unwrap();
    tube.world.advance(3_600).await;
    let refused = tube.put(&session, BLOCK..session.video.len()).await.unwrap();
    assert_eq!(refused.status(), 401);
    let access = login::refreshed(&tube).await;
    let tube = Tube { access, ..tube };
    assert_eq!(tube.put(&session, BLOCK..session.video.len()).await.unwrap().status(), 201);
    let (_, stranger, _) = make_channel(&tube.world, json!({})).await;
    let session = tube.session("public").await;
    let foreign = tube.world.http.put(&session.uri).bearer_auth(stranger).body(session.video.clone());
    assert_eq!(foreign.send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn metadata_is_checked_at_the_initiation_or_late() {
    let tube = Tube::start().await;
    let bad = resource("", "public");
    let refused = answer(tube.initiate(&bad, 100)).await;
    assert_eq!(refusal(&refused), (400, "invalidTitle"));
    for (change, reason) in [
        (json!({ "snippet": { "title": "t", "categoryId": "18" } }), "invalidCategoryId"),
        (json!({ "snippet": { "title": "t", "description": "<b>" } }), "invalidDescription"),
        (json!({ "snippet": { "title": "t" }, "status": { "privacyStatus": "friends" } }), "invalidVideoMetadata"),
        (
            json!({ "snippet": { "title": "t" }, "status": { "privacyStatus": "public", "publishAt": "2030-01-01T00:00:00Z" } }),
            "invalidPublishAt",
        ),
        (
            json!({ "snippet": { "title": "t" }, "status": { "privacyStatus": "private", "publishAt": "2020-01-01T00:00:00Z" } }),
            "invalidPublishAt",
        ),
        (json!({ "snippet": { "title": "t", "titel": "t" } }), "badRequest"),
        (json!({ "status": { "privacyStatus": "public" } }), "invalidTitle"),
    ] {
        assert_eq!(refusal(&answer(tube.initiate(&change, 100)).await), (400, reason), "{change}");
    }
    tube.rules(json!({ "late_validation": true })).await;
    let session = tube.session_of(&bad, reel()).await;
    let late = tube.put(&session, 0..session.video.len()).await.unwrap();
    assert_eq!(late.status(), 400);
    assert_eq!(tube.query(&session).await.status(), 400, "the query gives the same answer");
    assert!(tube.world.get("youtube/videos").await["videos"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_file_name_is_kept_for_the_owner() {
    let tube = Tube::start().await;
    let video = reel();
    let request = tube.initiate(&resource("t", "private"), video.len()).header("slug", "aura-7.mp4");
    let answer = request.send().await.unwrap();
    let session = Session { uri: answer.headers()["location"].to_str().unwrap().to_owned(), video };
    let made = tube.put(&session, 0..session.video.len()).await.unwrap().json::<Value>().await.unwrap();
    let details = tube.video(&text(&made, "id"), "fileDetails").await["fileDetails"].clone();
    assert_eq!(details["fileName"], "aura-7.mp4");
    assert_eq!(details["fileSize"], session.video.len().to_string());
}

#[tokio::test]
async fn a_newer_request_takes_over_from_one_that_hangs() {
    let tube = Tube::start().await;
    let session = tube.session("public").await;
    // The first request sends one block and then nothing more.
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Bytes, std::io::Error>>(2);
    let body = reqwest::Body::wrap_stream(futures_util::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|piece| (piece, receiver))
    }));
    let total = session.video.len();
    let hanging = tube.world.http.put(&session.uri).header("content-range", format!("bytes 0-{}/{total}", total - 1));
    let hanging = tokio::spawn(hanging.body(body).send());
    sender.send(Ok(session.video.slice(..BLOCK))).await.unwrap();
    while stored(&tube, &session).await < BLOCK {
        tokio::task::yield_now().await;
    }
    assert_eq!(tube.put(&session, BLOCK..total).await.unwrap().status(), 201);
    sender.send(Ok(session.video.slice(BLOCK..2 * BLOCK))).await.unwrap();
    drop(sender);
    let late = hanging.await.unwrap();
    assert!(late.is_err() || !late.unwrap().status().is_redirection());
    let posts = tube.visible();
    assert_eq!(posts.len(), 1);
    assert_eq!(posts[0].sha256.as_deref(), Some(sha256(&session.video).as_str()));
}
