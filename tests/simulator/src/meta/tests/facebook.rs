//! Page Reels, videos, feed and insights: the checklist of the Facebook sheet.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Answer, Bed, send};
use crate::fault::{Action, Matcher, Rule, When};
use crate::{Host, Mp4Spec};

/// A started Reel.
struct Reel {
    id: String,
    url: String,
    video: Vec<u8>,
}

impl Bed {
    async fn pages(&self, set: Value) {
        self.control("facebook/behaviour", json!({ "set": set })).await;
    }

    async fn begin(&self) -> Reel {
        self.begin_with(Mp4Spec { size: 300_000, ..Mp4Spec::default() }).await
    }

    async fn begin_with(&self, spec: Mp4Spec) -> Reel {
        let path = format!("/v26.0/{}/video_reels", self.page_id);
        let answer = self.post(&path, &self.page, &[("upload_phase", "start")]).await;
        let (id, url) = (answer.text("video_id"), answer.text("upload_url"));
        assert_eq!(url, format!("{}/video-upload/v26.0/{id}", self.sim.url(Host::MetaRupload)));
        Reel { id, url, video: spec.to_bytes().unwrap().to_vec() }
    }

    fn bytes(&self, reel: &Reel, from: usize, to: usize) -> RequestBuilder {
        let request = self.http.post(&reel.url).header("authorization", format!("OAuth {}", self.page));
        let request = request.header("offset", from.to_string()).header("file_size", reel.video.len().to_string());
        request.body(reel.video[from..to].to_vec())
    }

    async fn uploaded(&self) -> Reel {
        let reel = self.begin().await;
        assert_eq!(send(self.bytes(&reel, 0, reel.video.len())).await.body, json!({ "success": true }));
        reel
    }

    async fn finish(&self, id: &str, further: &[(&str, &str)]) -> Answer {
        let mut form = vec![("upload_phase", "finish"), ("video_id", id)];
        form.extend_from_slice(further);
        self.post(&format!("/v26.0/{}/video_reels", self.page_id), &self.page, &form).await
    }

    async fn published(&self, id: &str, description: &str) -> Answer {
        self.finish(id, &[("video_state", "PUBLISHED"), ("description", description)]).await
    }

    async fn state(&self, id: &str) -> Value {
        self.get(&format!("/v26.0/{id}?fields=status"), &self.page).await.body["status"].clone()
    }

    /// Waits until the download of a video is over.
    async fn fetched(&self) {
        self.sim.downloaded(std::time::Duration::from_secs(20)).await;
    }
}

fn rule(operation: &str, action: Action) -> Rule {
    Rule::once(Matcher { operation: Some(operation.to_owned()), ..Matcher::default() }, action)
}

fn debug(answer: &Answer) -> (&str, bool) {
    let info = &answer.body["debug_info"];
    (info["type"].as_str().unwrap_or_else(|| panic!("no debug_info in {answer:?}")), info["retriable"] == true)
}

#[tokio::test]
async fn a_reel_goes_out_only_after_its_finish_and_its_processing() {
    let bed = Bed::start().await;
    let reel = bed.begin().await;
    assert_eq!(bed.state(&reel.id).await["video_status"], "uploading");
    send(bed.bytes(&reel, 0, reel.video.len())).await;
    let state = bed.state(&reel.id).await;
    assert_eq!(state["video_status"], "upload_complete");
    assert_eq!(state["publishing_phase"]["status"], "not_started");
    bed.advance(3_600);
    assert_eq!(bed.visible(), 0, "nothing without a finish");
    assert_eq!(bed.published(&reel.id, "Hello #reels").await.body, json!({ "success": true }));
    assert_eq!(bed.state(&reel.id).await["processing_phase"]["status"], "in_progress");
    assert_eq!(bed.visible(), 0, "accepted, not published");
    bed.advance(3);
    let state = bed.state(&reel.id).await;
    assert_eq!(state["publishing_phase"]["publish_status"], "published");
    assert_eq!(state["video_status"], "ready");
    let posts = bed.sim.posts();
    assert_eq!(posts.len(), 1);
    assert_eq!((posts[0].platform, posts[0].account_id.as_str()), ("facebook", bed.page_id.as_str()));
    assert_eq!((posts[0].caption.as_str(), &posts[0].platform_post_id), ("Hello #reels", &reel.id));
    let hash = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&reel.video));
    assert_eq!(posts[0].sha256.as_deref(), Some(hash.as_str()));
}

#[tokio::test]
async fn five_cuts_end_as_one_reel_with_the_same_bytes() {
    let bed = Bed::start().await;
    let reel = bed.begin().await;
    let mut stored = 0;
    for _ in 0..5 {
        bed.sim.add_fault(rule("meta.reel_upload", Action::Cut { when: When::Body, after_bytes: 57_000 }));
        assert!(bed.bytes(&reel, stored, reel.video.len()).send().await.is_err());
        let state = bed.state(&reel.id).await;
        let now = state["uploading_phase"]["bytes_transfered"].as_u64().unwrap() as usize;
        assert_eq!(now, stored + 57_000);
        stored = now;
    }
    let wrong = send(bed.bytes(&reel, stored - 1, reel.video.len())).await;
    assert_eq!((wrong.status, debug(&wrong)), (400, ("OffsetInvalidError", true)));
    let short = send(bed.bytes(&reel, stored, stored + 10)).await;
    assert_eq!(debug(&short), ("PartialRequestError", true));
    assert_eq!(send(bed.bytes(&reel, stored + 10, reel.video.len())).await.status, 200);
    bed.published(&reel.id, "cut").await;
    bed.advance(3);
    let hash = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&reel.video));
    assert_eq!(bed.sim.posts()[0].sha256.as_deref(), Some(hash.as_str()));
}

#[tokio::test]
async fn upload_headers_and_tokens_are_checked() {
    let bed = Bed::start().await;
    let reel = bed.begin().await;
    let post = || bed.http.post(&reel.url);
    let own = || post().header("authorization", format!("OAuth {}", bed.page));
    assert_eq!(debug(&send(post().header("offset", "0").body("video")).await).0, "NotAuthorizedError");
    let bearer = post().bearer_auth(&bed.page).header("offset", "0").header("file_size", "5").body("video");
    assert_eq!(debug(&send(bearer).await).0, "NotAuthorizedError");
    let user = post().header("authorization", format!("OAuth {}", bed.user)).header("offset", "0");
    assert_eq!(debug(&send(user.header("file_size", "5").body("video")).await).0, "NotAuthorizedError");
    let in_the_body = send(own().form(&[("file_url", bed.video())])).await;
    assert_eq!(debug(&in_the_body).0, "ParameterValidationError");
    assert_eq!(in_the_body.body["debug_info"]["message"], "Header Offset not convertable to unsigned long");
    let no_size = send(own().header("offset", "0").body("video")).await;
    assert_eq!(debug(&no_size).0, "ParameterValidationError");
    let with_body = send(own().header("file_url", bed.video()).body("video")).await;
    assert_eq!(debug(&with_body).0, "ParameterValidationError");
    let too_much = send(own().header("offset", "0").header("file_size", "3").body("video")).await;
    assert_eq!(debug(&too_much).0, "ProcessingFailedError");
    let unknown = bed.http.post(reel.url.replace(&reel.id, "1200000000000001"));
    let unknown = unknown.header("authorization", format!("OAuth {}", bed.page)).header("offset", "0");
    assert_eq!(debug(&send(unknown.header("file_size", "5").body("video")).await).0, "ProcessingFailedError");
}

#[tokio::test]
async fn a_file_url_is_accepted_first_and_fetched_afterwards() {
    let bed = Bed::start().await;
    let pull = |reel: &Reel, url: String| {
        send(bed.http.post(&reel.url).header("authorization", format!("OAuth {}", bed.page)).header("file_url", url))
    };
    let reel = bed.begin().await;
    assert_eq!(pull(&reel, bed.video()).await.body, json!({ "success": true }));
    bed.fetched().await;
    assert_eq!(bed.state(&reel.id).await["video_status"], "upload_complete");
    bed.published(&reel.id, "by url").await;
    bed.advance(3);
    assert_eq!(bed.sim.posts()[0].source, bed.video());
    for (url, words) in [
        (format!("{}/v/a.mp4?status=404", bed.sim.url(Host::Media)), "404"),
        ("https://video.xx.fbcdn.net/v/a.mp4".to_owned(), "fbcdn"),
        ("http://127.0.0.1:1/a.mp4".to_owned(), "cannot be reached"),
    ] {
        let reel = bed.begin().await;
        assert_eq!(pull(&reel, url).await.status, 200, "told later");
        bed.fetched().await;
        let state = bed.state(&reel.id).await;
        assert_eq!(state["video_status"], "upload_failed");
        let message = state["uploading_phase"]["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(words), "{message}");
        assert_eq!(bed.published(&reel.id, "").await.error(), (6000, None));
        assert_eq!(pull(&reel, bed.video()).await.status, 200, "another try with the same video");
        bed.fetched().await;
        assert_eq!(bed.state(&reel.id).await["video_status"], "upload_complete");
    }
}

#[tokio::test]
async fn robots_txt_of_the_host_is_obeyed() {
    let bed = Bed::start().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v/a.mp4", listener.local_addr().unwrap());
    let host = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 1024];
        let read = stream.read(&mut head).await.unwrap();
        let body = "User-agent: facebookexternalhit\nDisallow: /";
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&head[..read]).into_owned()
    });
    let reel = bed.begin().await;
    let pull = bed.http.post(&reel.url).header("authorization", format!("OAuth {}", bed.page)).header("file_url", url);
    assert_eq!(send(pull).await.status, 200);
    bed.fetched().await;
    assert!(host.await.unwrap().starts_with("GET /robots.txt "));
    let message = bed.state(&reel.id).await["uploading_phase"]["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("robots.txt"), "{message}");
}

#[tokio::test]
async fn a_finish_too_early_or_malformed_is_refused() {
    let bed = Bed::start().await;
    let reel = bed.begin().await;
    assert_eq!(bed.published(&reel.id, "").await.error(), (6000, None));
    let missing = bed.finish(&reel.id, &[]).await;
    assert_eq!(missing.error(), (100, None));
    assert!(missing.body["error"]["message"].as_str().unwrap().contains("video_state"));
    assert_eq!(bed.finish(&reel.id, &[("video_state", "LIVE")]).await.error(), (100, None));
    assert_eq!(bed.published("17", "").await.error(), (100, None));
    send(bed.bytes(&reel, 0, reel.video.len())).await;
    let now = bed.sim.clock().now().timestamp();
    for (seconds, good) in [(300, false), (2_600_000, false), (3_600, true)] {
        let time = (now + seconds).to_string();
        let answer = bed.finish(&reel.id, &[("video_state", "SCHEDULED"), ("scheduled_publish_time", &time)]).await;
        assert_eq!(answer.status == 200, good, "{answer:?}");
    }
}

#[tokio::test]
async fn a_scheduled_reel_goes_out_by_itself_unless_it_is_deleted_and_a_draft_never() {
    let bed = Bed::start().await;
    let time = (bed.sim.clock().now().timestamp() + 3_600).to_string();
    let scheduled = [("video_state", "SCHEDULED"), ("scheduled_publish_time", time.as_str())];
    let (kept, deleted, draft) = (bed.uploaded().await, bed.uploaded().await, bed.uploaded().await);
    bed.finish(&kept.id, &scheduled).await;
    bed.finish(&deleted.id, &scheduled).await;
    bed.finish(&draft.id, &[("video_state", "DRAFT")]).await;
    bed.advance(10);
    assert_eq!(bed.state(&kept.id).await["publishing_phase"]["publish_status"], "scheduled");
    assert_eq!(bed.state(&draft.id).await["publishing_phase"]["publish_status"], "draft");
    let delete = bed.request(Method::DELETE, Host::MetaGraph, &format!("/v26.0/{}", deleted.id));
    assert_eq!(send(delete.bearer_auth(&bed.page)).await.body["success"], true);
    assert_eq!(bed.visible(), 0);
    bed.advance(3_600);
    let posts = bed.sim.posts();
    assert_eq!(posts.len(), 1);
    assert_eq!(posts[0].platform_post_id, kept.id);
}

#[tokio::test]
async fn a_lost_answer_to_the_finish_still_publishes_and_a_second_one_makes_no_second_post() {
    let bed = Bed::start().await;
    let reel = bed.uploaded().await;
    bed.sim.add_fault(rule("meta.reel_finish", Action::Cut { when: When::After, after_bytes: 0 }));
    let path = format!("/v26.0/{}/video_reels", bed.page_id);
    let form = [("upload_phase", "finish"), ("video_id", reel.id.as_str()), ("video_state", "PUBLISHED")];
    let request = bed.request(Method::POST, Host::MetaGraph, &path).bearer_auth(&bed.page).form(&form);
    assert!(request.send().await.is_err());
    assert_eq!(bed.published(&reel.id, "").await.status, 200);
    bed.advance(3);
    assert_eq!(bed.visible(), 1);
    bed.pages(json!({ "second_finish": "error", "second_finish_error": "100" })).await;
    assert_eq!(bed.published(&reel.id, "").await.error(), (100, None));
    bed.pages(json!({ "second_finish": "duplicate" })).await;
    bed.published(&reel.id, "").await;
    bed.advance(3);
    assert_eq!(bed.visible(), 2, "the worst case");
    let known = send(bed.request(Method::GET, Host::Control, "/_sim/meta/facebook/videos")).await;
    assert_eq!(known.body["videos"][0]["finishes"], 2);
    bed.sim.add_fault(rule("meta.reel_finish", Action::Cut { when: When::Before, after_bytes: 0 }));
    let reel = bed.uploaded().await;
    let form = [("upload_phase", "finish"), ("video_id", reel.id.as_str()), ("video_state", "PUBLISHED")];
    let request = bed.request(Method::POST, Host::MetaGraph, &path).bearer_auth(&bed.page).form(&form);
    assert!(request.send().await.is_err());
    bed.advance(60);
    assert_eq!(bed.state(&reel.id).await["publishing_phase"]["status"], "not_started");
    assert_eq!(bed.visible(), 2);
}

#[tokio::test]
async fn an_accepted_finish_may_show_late_and_the_status_may_be_unreadable() {
    let bed = Bed::start().await;
    bed.pages(json!({ "finish_lag_ms": 60_000, "processing_ms": 0 })).await;
    let reel = bed.uploaded().await;
    bed.published(&reel.id, "").await;
    bed.advance(5);
    let state = bed.state(&reel.id).await;
    assert_eq!((bed.visible(), &state["publishing_phase"]["status"]), (1, &json!("not_started")));
    bed.advance(60);
    assert_eq!(bed.state(&reel.id).await["publishing_phase"]["publish_status"], "published");
    bed.pages(json!({ "videos_unreadable": true })).await;
    let read = bed.get(&format!("/v26.0/{}?fields=status", reel.id), &bed.page).await;
    assert_eq!(read.error(), (100, Some(33)));
}

#[tokio::test]
async fn unsuitable_files_fail_in_the_status_by_code_or_by_subcode() {
    let bed = Bed::start().await;
    let wide = || Mp4Spec { size: 300_000, width: 3000, height: 1000, ..Mp4Spec::default() };
    let ready = async |bed: &Bed| {
        let reel = bed.begin_with(wide()).await;
        send(bed.bytes(&reel, 0, reel.video.len())).await;
        reel
    };
    let reel = ready(&bed).await;
    assert_eq!(bed.published(&reel.id, "").await.status, 200);
    bed.advance(3);
    let state = bed.state(&reel.id).await;
    assert_eq!(state["processing_phase"]["error"]["code"], 1_363_040);
    assert_eq!(state["video_status"], "error");
    bed.pages(json!({ "media_errors": "code" })).await;
    let reel = ready(&bed).await;
    assert_eq!(bed.published(&reel.id, "").await.error(), (1_363_040, None));
    bed.pages(json!({ "media_errors": "subcode" })).await;
    assert_eq!(bed.published(&reel.id, "").await.error(), (100, Some(1_363_040)));
    assert_eq!(bed.visible(), 0);
}

#[tokio::test]
async fn the_status_comes_in_every_spelling() {
    let bed = Bed::start().await;
    let set = json!({ "completed": true, "transferred": true, "extra_fields": true, "omit_phases": true });
    bed.pages(set).await;
    let reel = bed.uploaded().await;
    let state = bed.state(&reel.id).await;
    assert_eq!(state["uploading_phase"]["status"], "completed");
    assert_eq!(state["uploading_phase"]["bytes_transferred"], reel.video.len());
    assert!(state.get("processing_phase").is_none() && state.get("publishing_phase").is_none());
    assert!(state.get("audio_classification").is_some());
    let set =
        json!({ "errors_list": true, "error_while_not_started": true, "fails_in": "publishing", "failure": "368" });
    bed.pages(set).await;
    bed.published(&reel.id, "").await;
    bed.advance(3);
    let state = bed.state(&reel.id).await;
    assert_eq!(state["video_status"], "processing", "only the error itself tells");
    let phase = &state["publishing_phase"];
    assert_eq!((&phase["status"], &phase["errors"][0]["code"]), (&json!("not_started"), &json!(368)));
    assert_eq!(bed.visible(), 0);
}

#[tokio::test]
async fn an_upload_expires() {
    let bed = Bed::start().await;
    let reel = bed.uploaded().await;
    bed.advance(86_401);
    assert_eq!(bed.state(&reel.id).await["video_status"], "expired");
    assert_eq!(bed.published(&reel.id, "").await.error(), (6001, None));
    assert_eq!(debug(&send(bed.bytes(&reel, 0, 10)).await).0, "ProcessingFailedError");
}

#[tokio::test]
async fn a_page_has_thirty_reels_in_a_rolling_day() {
    let bed = Bed::start().await;
    bed.pages(json!({ "reels_per_day": 2 })).await;
    let reels = [bed.uploaded().await, bed.uploaded().await, bed.uploaded().await];
    assert_eq!(bed.published(&reels[0].id, "").await.status, 200);
    bed.advance(3_600);
    assert_eq!(bed.published(&reels[1].id, "").await.status, 200);
    let refused = bed.published(&reels[2].id, "").await;
    assert_eq!(refused.error(), (613, None));
    assert!(refused.body["error"]["message"].as_str().unwrap().contains("limit of 2 Reels"));
    bed.pages(json!({ "upload_life_s": 900_000 })).await;
    bed.advance(82_801);
    assert_eq!(bed.published(&reels[2].id, "").await.status, 200, "the first one is a day old");
}

#[tokio::test]
async fn permissions_tasks_and_tokens_decide_who_publishes() {
    let bed = Bed::start().await;
    let path = format!("/v26.0/{}/video_reels", bed.page_id);
    let start = [("upload_phase", "start")];
    assert_eq!(bed.post(&path, &bed.user, &start).await.error(), (190, Some(2_069_032)));
    let spec = json!({ "platform": "facebook", "name": "Other", "tokens": true });
    let other = bed.sim.create_account(&spec).unwrap();
    let token = other["tokens"]["page"].as_str().unwrap().to_owned();
    assert_eq!(bed.post(&path, &token, &start).await.error(), (200, None));
    let foreign = bed.begin().await;
    let read = bed.get(&format!("/v26.0/{}?fields=status", foreign.id), &token).await;
    assert_eq!(read.error(), (200, None));
    let role = |change: Value| {
        let mut role = json!({ "person": bed.person, "page": bed.page_id });
        role.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        bed.control("roles", role)
    };
    role(json!({ "tasks": ["ANALYZE"] })).await;
    assert_eq!(bed.post(&path, &bed.page, &start).await.error(), (200, None));
    role(json!({ "tasks": ["CREATE_CONTENT"] })).await;
    bed.control(&format!("pages/{}", bed.page_id), json!({ "needs_authorization": true })).await;
    assert_eq!(bed.post(&path, &bed.page, &start).await.error(), (200, Some(1_404_078)));
    bed.control(&format!("pages/{}", bed.page_id), json!({ "needs_authorization": false })).await;
    bed.pages(json!({ "publish_error": "200/4854002" })).await;
    assert_eq!(bed.post(&path, &bed.page, &start).await.error(), (200, Some(4_854_002)));
    bed.pages(json!({ "publish_error": null })).await;
    let gone = format!("/v26.0/me/permissions/{}", "pages_manage_posts");
    send(bed.request(Method::DELETE, Host::MetaGraph, &gone).bearer_auth(&bed.user)).await;
    assert_eq!(bed.post(&path, &bed.page, &start).await.error(), (200, None));
    assert_eq!(bed.get(&path, &bed.page).await.status, 200, "reading needs less");
    role(json!({ "lost": true })).await;
    assert_eq!(bed.get(&path, &bed.page).await.error(), (190, Some(492)));
}

#[tokio::test]
async fn a_page_is_throttled_with_a_header_of_its_own() {
    let bed = Bed::start().await;
    bed.pages(json!({ "call_limit": 2, "regain_minutes": 7 })).await;
    let path = format!("/v26.0/{}/video_reels", bed.page_id);
    bed.get(&path, &bed.page).await;
    bed.get(&path, &bed.page).await;
    let refused = bed.get(&path, &bed.page).await;
    assert_eq!((refused.status, refused.error()), (400, (80_001, None)));
    let usage: Value = serde_json::from_str(refused.headers["x-business-use-case-usage"].to_str().unwrap()).unwrap();
    let entry = &usage[&bed.page_id][0];
    assert_eq!((&entry["type"], &entry["call_count"]), (&json!("pages"), &json!(100)));
    assert_eq!(entry["estimated_time_to_regain_access"], 7);
    bed.advance(421);
    assert_eq!(bed.get(&path, &bed.page).await.status, 200);
}

#[tokio::test]
async fn links_posts_and_lists_follow_the_publishing() {
    let bed = Bed::start().await;
    let reel = bed.uploaded().await;
    bed.published(&reel.id, "First text").await;
    bed.advance(3);
    let path = format!("/v26.0/{}?fields=permalink_url,published", reel.id);
    let node = bed.get(&path, &bed.page).await.body;
    assert_eq!((&node["permalink_url"], &node["published"]), (&json!(format!("/reel/{}/", reel.id)), &json!(true)));
    bed.pages(json!({ "relative_permalink": false })).await;
    let node = bed.get(&path, &bed.page).await.body;
    assert_eq!(node["permalink_url"], format!("https://www.facebook.com/reel/{}", reel.id));
    let path = format!("/v26.0/{}?fields=post_id", reel.id);
    assert!(bed.get(&path, &bed.page).await.body.get("post_id").is_none(), "the first read lacks it");
    let post = bed.get(&path, &bed.page).await.text("post_id");
    assert!(post.starts_with(&format!("{}_", bed.page_id)), "{post}");

    bed.control(&format!("facebook/videos/{}", reel.id), json!({ "comments": 4, "reactions": 5 })).await;
    let fields =
        "message,created_time,shares,comments.limit(0).summary(total_count),reactions.limit(0).summary(total_count)";
    let counts = bed.get(&format!("/v26.0/{post}?fields={fields}"), &bed.page).await.body;
    assert_eq!(counts["comments"]["summary"]["total_count"], 4);
    assert_eq!(counts["reactions"]["summary"]["total_count"], 5);
    assert!(counts.get("shares").is_none());

    let list = bed.get(&format!("/v26.0/{}/video_reels", bed.page_id), &bed.page).await.body;
    assert_eq!((&list["data"][0]["id"], &list["data"][0]["description"]), (&json!(reel.id), &json!("First text")));
    bed.pages(json!({ "reel_list": false })).await;
    assert_eq!(bed.get(&format!("/v26.0/{}/video_reels", bed.page_id), &bed.page).await.error(), (100, None));
    let foreign = json!({ "page": bed.page_id, "message": "Not ours", "seconds_ago": 60 });
    bed.control("facebook/posts", foreign).await;
    let feed = bed.get(&format!("/v26.0/{}/feed", bed.page_id), &bed.page).await.body;
    assert_eq!(feed["data"].as_array().unwrap().len(), 1, "Reels are missing");
    assert_eq!(feed["data"][0]["message"], "Not ours");

    assert_eq!(
        bed.post(&format!("/v26.0/{post}"), &bed.page, &[("message", "Second text")]).await.body["success"],
        true
    );
    assert_eq!(bed.sim.posts()[0].caption, "Second text");
    let delete = bed.request(Method::DELETE, Host::MetaGraph, &format!("/v26.0/{post}")).bearer_auth(&bed.page);
    assert_eq!(send(delete).await.body["success"], true);
    assert_eq!(bed.visible(), 0);
    assert_eq!(bed.get(&format!("/v26.0/{post}?fields=message"), &bed.page).await.error(), (100, Some(33)));
}

#[tokio::test]
async fn one_unknown_metric_fails_all_and_quiet_pages_have_none() {
    let bed = Bed::start().await;
    let reel = bed.uploaded().await;
    bed.published(&reel.id, "").await;
    bed.advance(3);
    let insights = json!({ "insights": { "fb_reels_total_plays": 12, "post_video_social_actions": { "SHARE": 2 } } });
    bed.control(&format!("facebook/videos/{}", reel.id), insights).await;
    let read =
        async |metric: &str| bed.get(&format!("/v26.0/{}/video_insights?metric={metric}", reel.id), &bed.page).await;
    let data = read("fb_reels_total_plays,post_video_social_actions").await.body["data"].clone();
    assert_eq!(data[0]["values"][0]["value"], 12);
    assert_eq!(data[1]["values"][0]["value"], json!({ "SHARE": 2 }));
    assert_eq!(read("fb_reels_total_plays,post_impressions").await.error(), (100, None));
    bed.pages(json!({ "few_likes": true })).await;
    assert_eq!(read("fb_reels_total_plays").await.body["data"], json!([]));
}

#[tokio::test]
async fn an_ordinary_video_post_is_one_call_and_an_upright_one_stays_a_draft() {
    let bed = Bed::start().await;
    let path = format!("/v26.0/{}/videos", bed.page_id);
    let url = bed.video();
    let upright = bed.post(&path, &bed.page, &[("file_url", &url), ("description", "Upright")]).await.text("id");
    bed.advance(10);
    assert_eq!(bed.visible(), 0);
    assert_eq!(bed.state(&upright).await["publishing_phase"]["publish_status"], "draft");
    let wide = format!("{}/v/wide.mp4?size=200000&duration=10&width=1920&height=1080", bed.sim.url(Host::Media));
    let id = bed.post(&path, &bed.page, &[("file_url", &wide), ("description", "Wide")]).await.text("id");
    bed.advance(3);
    assert_eq!(bed.sim.posts()[0].platform_post_id, id);
    let feed = bed.get(&format!("/v26.0/{}/feed", bed.page_id), &bed.page).await.body;
    assert_eq!(feed["data"][0]["message"], "Wide");
    let missing = format!("{}/v/a.mp4?status=404", bed.sim.url(Host::Media));
    assert_eq!(bed.post(&path, &bed.page, &[("file_url", &missing)]).await.error(), (389, None));
    bed.pages(json!({ "video_post_error": "368" })).await;
    assert_eq!(bed.post(&path, &bed.page, &[("file_url", &wide)]).await.error(), (368, None));
    assert_eq!(bed.get(&path, &bed.page).await.error(), (100, None), "reading is not supported");
    assert_eq!(bed.visible(), 1);
}
