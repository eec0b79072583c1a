//! Limits of one key: requests a second and uploads at once, as gRPC, gRPC-web and JSON callers meet them.

use std::time::Duration;

use aurareels_core::app::api_keys::Scope;
use aurareels_proto::v1::ListAccountsRequest;
use aurareels_tests::{World, refusal::Refusal, uploading};
use reqwest::{StatusCode, header};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};
use tonic_types::StatusExt;

const LIST: &str = "aurareels.v1.AccountService/ListAccounts";

fn wait(status: &Status) -> Duration {
    let details = status.get_error_details();
    details.retry_info().and_then(|info| info.retry_delay).expect("RetryInfo")
}

/// A call with this key.
async fn list(world: &World, key: &str) -> Result<(), Status> {
    world.accounts_as(key, Some(1)).list_accounts(ListAccountsRequest::default()).await.map(drop)
}

/// Asks until a call is refused, which is the second one unless this machine sleeps in between.
async fn refused(world: &World, key: &str) -> Status {
    loop {
        if let Err(status) = list(world, key).await {
            return status;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_often_is_told_when_to_come_back_and_nobody_else_waits() {
    let world = World::with(&[("AURAREELS_KEY_REQUESTS_PER_SECOND", "1")]).await;
    let other = world.api_key(&[Scope::Read], Some(1)).await;
    let status = refused(&world, &world.key).await;
    let refusal = Refusal::from(status.clone());
    refusal.is(Code::ResourceExhausted, "TOO_MANY_REQUESTS");
    assert_eq!(refusal.metadata["limit"], "1");
    assert!(refusal.metadata["remedy"].contains("AURAREELS_KEY_REQUESTS_PER_SECOND"), "{refusal:?}");
    let wait = wait(&status);
    assert!(wait > Duration::ZERO && wait <= Duration::from_secs(1), "{wait:?}");
    list(&world, &other).await.expect("another key has a share of its own");
    // Health is nobody's call.
    let mut health = tonic_health::pb::health_client::HealthClient::new(world.channel());
    for _ in 0..5 {
        health.check(tonic_health::pb::HealthCheckRequest::default()).await.expect("healthy");
    }
    tokio::time::sleep(wait).await;
    list(&world, &world.key).await.expect("the time that was named was enough");
}

#[tokio::test(flavor = "multi_thread")]
async fn by_json_it_is_a_429_with_retry_after_and_by_grpc_web_the_same_status() {
    let world = World::with(&[("AURAREELS_KEY_REQUESTS_PER_SECOND", "1")]).await;
    let url = format!("{}/{LIST}", world.url());
    let call = |content_type: &str, body: &'static [u8]| {
        let request = world.http.post(&url).bearer_auth(&world.key).header("x-aurareels-user-id", "1");
        request.header(header::CONTENT_TYPE, content_type).body(body).send()
    };
    let response = loop {
        let response = call("application/json", b"{}").await.expect("an answer");
        if response.status() != StatusCode::OK {
            break response;
        }
    };
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()[header::RETRY_AFTER], "1", "whole seconds");
    let error: Value = response.json().await.expect("JSON");
    assert_eq!(error["code"], "resource_exhausted");
    let details = error["details"].as_array().expect("details");
    assert!(details.iter().any(|detail| detail["type"] == "google.rpc.RetryInfo"), "{error}");
    let response = loop {
        let response = call("application/grpc-web+proto", &[0; 5]).await.expect("an answer");
        let status = response.headers().get("grpc-status").cloned();
        if let Some(status) = status.filter(|status| status != "0") {
            assert_eq!(status, "8");
            break response;
        }
    };
    assert!(response.headers().contains_key("grpc-status-details-bin"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_has_so_many_uploads_at_once_and_a_place_comes_back() {
    let world = World::with(&[("AURAREELS_KEY_UPLOADS", "2")]).await;
    let bytes = world.file("limited", 300_000).await;
    let begin = |user: i64| {
        let (sender, receiver) = mpsc::channel(8);
        let mut media = world.user(user).media();
        let upload = tokio::spawn(async move { media.upload_media(ReceiverStream::new(receiver)).await });
        (sender, upload)
    };
    // Two users, one key: it is the key's limit.
    let mut under_way = Vec::new();
    for user in [1, 2] {
        let (sender, upload) = begin(user);
        sender.send(uploading::info(uploading::about(&bytes))).await.expect("room");
        under_way.push((sender, upload));
    }
    world.wait_for("two files of uploads", async || (world.upload_files().len() == 2).then_some(())).await;
    let messages = uploading::messages(uploading::about(&bytes), &bytes);
    let status = world.user(3).send(messages.clone()).await.expect_err("refused");
    assert_eq!(wait(&status), Duration::from_secs(5));
    let refusal = Refusal::from(status);
    refusal.is(Code::ResourceExhausted, "TOO_MANY_REQUESTS");
    assert_eq!(refusal.metadata["limit"], "2");
    list(&world, &world.key).await.expect("other calls go on");
    let (sender, upload) = under_way.pop().expect("an upload");
    sender.send(uploading::chunk(&bytes)).await.expect("room");
    drop(sender);
    upload.await.expect("no panic").expect("uploaded");
    world.user(3).upload(&bytes).await;
    for (sender, upload) in under_way {
        drop(sender);
        assert!(upload.await.expect("no panic").is_err(), "it broke off");
    }
}
