//! Resumable uploads.

use reqwest::Method;
use serde_json::json;

use super::{Answer, Bed, send};
use crate::Host;
use crate::fault::{Action, Matcher, Rule, When};

async fn resumable(bed: &Bed) -> (String, String) {
    let answer = bed.create(&[("media_type", "REELS"), ("upload_type", "resumable")]).await;
    let (id, uri) = (answer.text("id"), answer.text("uri"));
    assert_eq!(uri, format!("{}/ig-api-upload/v25.0/{id}", bed.sim.url(Host::MetaRupload)));
    (id, uri)
}

async fn bytes(bed: &Bed) -> Vec<u8> {
    bed.http.get(bed.video()).send().await.unwrap().bytes().await.unwrap().to_vec()
}

fn put(bed: &Bed, uri: &str, offset: usize, size: usize, body: Vec<u8>) -> reqwest::RequestBuilder {
    let request = bed.http.post(uri).header("authorization", format!("OAuth {}", bed.page));
    request.header("offset", offset.to_string()).header("file_size", size.to_string()).body(body)
}

fn kind(answer: &Answer) -> &str {
    answer.body["debug_info"]["type"].as_str().unwrap_or_else(|| panic!("no debug_info in {answer:?}"))
}

#[tokio::test]
async fn an_upload_goes_on_after_a_cut_and_publishes_the_same_bytes() {
    let bed = Bed::start().await;
    let (id, uri) = resumable(&bed).await;
    let video = bytes(&bed).await;
    let matcher = Matcher { operation: Some("meta.upload".to_owned()), ..Matcher::default() };
    bed.sim.add_fault(Rule::once(matcher, Action::Cut { when: When::Body, after_bytes: 50_000 }));
    assert!(put(&bed, &uri, 0, video.len(), video.clone()).send().await.is_err());
    let read = format!("/v25.0/{id}?fields=status_code,video_status");
    let status = bed.get(&read, &bed.page).await.body;
    assert_eq!(
        (&status["status_code"], &status["video_status"]["uploading_phase"]["bytes_transferred"]),
        (&json!("IN_PROGRESS"), &json!(50_000))
    );
    let wrong = send(put(&bed, &uri, 40_000, video.len(), video[40_000..].to_vec())).await;
    assert_eq!((wrong.status, kind(&wrong)), (400, "OffsetInvalidError"));
    let part = send(put(&bed, &uri, 50_000, video.len(), video[50_000..60_000].to_vec())).await;
    assert_eq!((kind(&part), &part.body["debug_info"]["retriable"]), ("PartialRequestError", &json!(true)));
    let rest = send(put(&bed, &uri, 60_000, video.len(), video[60_000..].to_vec())).await;
    assert_eq!(rest.body["success"], true);
    assert_eq!(kind(&send(put(&bed, &uri, 0, video.len(), video.clone())).await), "ProcessingFailedError");
    bed.publish(&id).await.text("id");
    let posts = bed.sim.posts();
    assert_eq!(posts[0].sha256.as_deref(), Some(hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&video)).as_str()));
    assert_eq!(posts[0].source, "upload");
}

#[tokio::test]
async fn an_upload_may_start_anew_from_zero() {
    let bed = Bed::start().await;
    let (id, uri) = resumable(&bed).await;
    let video = bytes(&bed).await;
    send(put(&bed, &uri, 0, video.len(), video[..1_000].to_vec())).await;
    assert_eq!(send(put(&bed, &uri, 0, video.len(), video.clone())).await.status, 200);
    assert_eq!(bed.settled(&id).await, "FINISHED");
}

#[tokio::test]
async fn headers_tokens_and_foreign_containers_are_checked() {
    let bed = Bed::start().await;
    let (_, uri) = resumable(&bed).await;
    let bare = send(bed.http.post(&uri).header("offset", "0").header("file_size", "5").body("video")).await;
    assert_eq!(kind(&bare), "NotAuthorizedError");
    let bearer =
        bed.http.post(&uri).bearer_auth(&bed.page).header("offset", "0").header("file_size", "5").body("video");
    assert_eq!(kind(&send(bearer).await), "NotAuthorizedError");
    let no_size = bed.http.post(&uri).header("authorization", format!("OAuth {}", bed.page)).header("offset", "0");
    assert_eq!(kind(&send(no_size.body("video")).await), "ProcessingFailedError");
    let spec = json!({ "platform": "instagram", "username": "stranger", "tokens": true });
    let stranger = bed.sim.create_account(&spec).unwrap();
    let token = stranger["tokens"]["page"].as_str().unwrap();
    let foreign = bed.http.post(&uri).header("authorization", format!("OAuth {token}")).header("offset", "0");
    assert_eq!(kind(&send(foreign.header("file_size", "5").body("video")).await), "NotAuthorizedError");
    let too_much = send(put(&bed, &uri, 0, 3, b"video".to_vec())).await;
    assert_eq!(kind(&too_much), "ProcessingFailedError");
    let by_url = bed.container("by url").await;
    let other = format!("{}/ig-api-upload/v25.0/{by_url}", bed.sim.url(Host::MetaRupload));
    assert_eq!(kind(&send(put(&bed, &other, 0, 5, b"video".to_vec())).await), "ProcessingFailedError");
    assert_eq!(send(bed.request(Method::POST, Host::MetaRupload, "/nothing")).await.status, 404);
}

#[tokio::test]
async fn something_that_is_no_video_ends_in_error() {
    let bed = Bed::start().await;
    let (id, uri) = resumable(&bed).await;
    assert_eq!(send(put(&bed, &uri, 0, 9, b"not video".to_vec())).await.status, 200);
    assert_eq!(bed.settled(&id).await, "ERROR");
    assert!(bed.status(&id).await.text("status").contains("2207026"));
    assert_eq!(bed.publish(&id).await.error(), (9007, Some(2207027)));
}

#[tokio::test]
async fn a_file_url_is_pulled() {
    let bed = Bed::start().await;
    let (id, uri) = resumable(&bed).await;
    let pull =
        bed.http.post(&uri).header("authorization", format!("OAuth {}", bed.page)).header("file_url", bed.video());
    assert_eq!(send(pull).await.status, 200);
    assert_eq!(bed.settled(&id).await, "FINISHED");
    bed.behave(json!({ "fetch_errors": "create" })).await;
    let (id, uri) = resumable(&bed).await;
    let missing = format!("{}/v/a.mp4?status=404", bed.sim.url(Host::Media));
    let pull = bed.http.post(&uri).header("authorization", format!("OAuth {}", bed.page)).header("file_url", missing);
    let refused = send(pull).await;
    assert_eq!(kind(&refused), "ProcessingFailedError");
    assert!(refused.body["debug_info"]["message"].as_str().unwrap().contains("2207052"));
    assert_eq!(bed.status(&id).await.body["status_code"], "ERROR");
}
