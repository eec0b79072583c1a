//! The port: health, reflection, gRPC-web, CORS, TLS, metrics.

use std::time::Duration;

use aurareels_proto::v1::{ListPlatformsRequest, ListPlatformsResponse, Post, PostStatus};
use aurareels_simulator::Hold;
use aurareels_tests::{Login, World, world::testdata};
use chrono::TimeDelta;
use prost::Message;
use serde_json::json;
use tokio_stream::StreamExt;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

async fn health(channel: Channel, service: &str) -> ServingStatus {
    let request = HealthCheckRequest { service: service.to_owned() };
    HealthClient::new(channel).check(request).await.expect("health answers").into_inner().status()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schedules_health_tells_of_posts_that_wait_for_the_core() {
    let world = World::with(&[("AURAREELS_CONCURRENCY", "1")]).await;
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    for service in ["", "aurareels.scheduler", "aurareels.v1.PostService"] {
        world
            .wait_for("health", async || {
                (health(world.channel(), service).await == ServingStatus::Serving).then_some(())
            })
            .await;
    }
    // One post takes the only worker; another becomes due and stays so.
    let held = world.hold("meta.container_create", Hold::Before);
    let first = me.publish_one(account, "In the way").await;
    world.until_asked("meta.container_create", 1).await;
    let second = me.schedule_one(account, "Overdue", world.now() + TimeDelta::seconds(1)).await;
    world.advance(TimeDelta::seconds(90));
    world
        .wait_for("bad health", async || {
            (health(world.channel(), "aurareels.scheduler").await == ServingStatus::NotServing).then_some(())
        })
        .await;
    assert_eq!(health(world.channel(), "").await, ServingStatus::Serving);
    world.sim.release_fault(held);
    me.published(first).await;
    me.published(second).await;
    world
        .wait_for("good health", async || {
            (health(world.channel(), "aurareels.scheduler").await == ServingStatus::Serving).then_some(())
        })
        .await;
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_waits_for_its_platform_is_no_fault_of_the_schedule() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    world.tiktok("accounts/-000tiktok-creator-one", json!({ "posts_per_day": 1 })).await;
    let first = me.publish_one(account, "First of the day").await;
    me.published(first).await;
    let due = world.now() + TimeDelta::minutes(5);
    let second = me.schedule_one(account, "Second of the day", due).await;
    let is_late = |post: &Post| post.waiting_for == "quota" && world.now() > due + TimeDelta::minutes(2);
    let waiting = me.until(second, "late", is_late).await;
    assert_eq!(waiting.status(), PostStatus::Scheduled, "{waiting:#?}");
    // The core looks every three seconds of real time.
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(health(world.channel(), "aurareels.scheduler").await, ServingStatus::Serving);
    }
    me.published(second).await;
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reflection_names_every_service() {
    let world = World::start().await;
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut client = ServerReflectionClient::new(world.channel());
    let mut answers = client.server_reflection_info(tokio_stream::iter([request])).await.unwrap().into_inner();
    let answer = answers.next().await.unwrap().unwrap();
    let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else { panic!("{answer:?}") };
    let names: Vec<&str> = list.service.iter().map(|service| service.name.as_str()).collect();
    for service in [
        "aurareels.v1.AccountService",
        "aurareels.v1.PostService",
        "aurareels.v1.PlatformService",
        "grpc.health.v1.Health",
    ] {
        assert!(names.contains(&service), "{names:?}");
    }
    world.finish(0).await;
}

/// Messages and trailers of a gRPC-web body.
fn frames(mut body: &[u8]) -> (Vec<Vec<u8>>, String) {
    let (mut messages, mut trailers) = (Vec::new(), String::new());
    while body.len() >= 5 {
        let length = u32::from_be_bytes(body[1..5].try_into().unwrap()) as usize;
        let (frame, rest) = body[5..].split_at(length);
        if body[0] & 0x80 == 0 {
            messages.push(frame.to_vec());
        } else {
            trailers.push_str(std::str::from_utf8(frame).unwrap());
        }
        body = rest;
    }
    (messages, trailers)
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_call_by_grpc_web_from_listed_origins_alone() {
    const ORIGIN: &str = "https://dashboard.example";
    let world = World::with(&[("AURAREELS_CORS_ORIGINS", ORIGIN)]).await;
    let url = format!("{}/aurareels.v1.PlatformService/ListPlatforms", world.url());
    for (origin, allowed) in [(ORIGIN, true), ("https://evil.example", false)] {
        let preflight = world
            .http
            .request(http::Method::OPTIONS, &url)
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type,x-grpc-web,x-aurareels-user-id")
            .send()
            .await
            .unwrap();
        assert!(preflight.status().is_success());
        let answer = preflight.headers().get("access-control-allow-origin").map(|value| value.to_str().unwrap());
        assert_eq!(answer, allowed.then_some(ORIGIN));
    }
    let mut body = vec![0, 0, 0, 0, 0];
    body.extend(ListPlatformsRequest {}.encode_to_vec());
    let call = |key: String| {
        world
            .http
            .post(&url)
            .header("origin", ORIGIN)
            .header("content-type", "application/grpc-web+proto")
            .header("x-grpc-web", "1")
            .header("authorization", format!("Bearer {key}"))
            .header("x-aurareels-user-id", "1")
            .body(body.clone())
            .send()
    };
    let answer = call(world.key.clone()).await.unwrap();
    assert_eq!(answer.headers()["access-control-allow-origin"], ORIGIN);
    let (messages, trailers) = frames(&answer.bytes().await.unwrap());
    assert!(trailers.contains("grpc-status:0") || trailers.contains("grpc-status: 0"), "{trailers}");
    let platforms = ListPlatformsResponse::decode(messages[0].as_slice()).unwrap();
    assert!(platforms.platforms.len() >= 2);
    // A refusal reaches the browser as a status, not as a broken answer.
    let answer = call("ar_wrong".to_owned()).await.unwrap();
    let header = answer.headers().get("grpc-status").map(|value| value.to_str().unwrap().to_owned());
    let exposed = answer.headers()["access-control-expose-headers"].to_str().unwrap().to_owned();
    let (_, trailers) = frames(&answer.bytes().await.unwrap());
    assert!(header.as_deref() == Some("16") || trailers.contains("grpc-status:16"), "{header:?} {trailers}");
    assert!(exposed.contains("grpc-status"), "{exposed}");
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_certificate_only_tls_is_spoken() {
    let (cert, key) = (testdata("server.pem"), testdata("server.key"));
    let world =
        World::with(&[("AURAREELS_TLS_CERT", cert.to_str().unwrap()), ("AURAREELS_TLS_KEY", key.to_str().unwrap())])
            .await;
    assert!(world.url().starts_with("https://"));
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let id = me.publish_one(account, "Over TLS").await;
    me.published(id).await;
    // Who does not know the authority does not get in, and neither does plain text.
    let stranger = Endpoint::from_shared(world.url()).unwrap().tls_config(ClientTlsConfig::new()).unwrap();
    assert!(stranger.connect().await.is_err());
    let plain = world.url().replace("https", "http");
    assert!(world.http.get(format!("{plain}/healthz")).send().await.is_err());
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_and_pages_need_no_key_and_tell_nothing_of_users() {
    let world = World::start().await;
    world.me().account(Login::Tiktok).await;
    for page in ["", "healthz", "metrics"] {
        let answer = world.http.get(format!("{}/{page}", world.url())).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{page}");
        let text = answer.text().await.unwrap();
        assert!(!text.contains("ada.makes"), "{page}: {text}");
    }
    let nowhere = world.http.get(format!("{}/nowhere", world.url())).send().await.unwrap();
    assert_eq!(nowhere.status(), 404);
    world.finish(0).await;
}
