//! Callers that say nothing, take up connections, or whose key is gone.

use aurareels_core::app::api_keys::Scope;
use aurareels_proto::v1::{
    PostStatus, UploadMediaInfo, WatchPostsRequest, media_service_client::MediaServiceClient,
    post_service_client::PostServiceClient,
};
use aurareels_tests::{
    Login, World, uploading,
    world::{Line, http_client},
};
use tokio::{net::TcpStream, sync::mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

use crate::process::Served;

/// File descriptors of the core.
const FILES: u32 = 256;

/// Connections that say nothing: more than there are descriptors left.
const SILENT: usize = 250;

#[tokio::test(flavor = "multi_thread")]
async fn with_few_descriptors_silent_connections_hold_up_neither_publishing_nor_new_clients() {
    let mut world = World::with(&[("AURAREELS_POLL_FIRST_SECONDS", "1")]).await;
    let account = world.me().account(Login::Facebook).await;
    let tiktok = world.me().account(Login::Tiktok).await;
    world.stop_core().await;
    let served = Served::start_with_files(FILES, world.settings(), &world.http).await;
    let address = served.url.strip_prefix("http://").expect("plain text").to_owned();
    let mut silent = Vec::new();
    for _ in 0..SILENT {
        silent.push(TcpStream::connect(&address).await.expect("a connection"));
    }
    for round in 0..3 {
        // New clients each time, over HTTP/1.1 and HTTP/2.
        let health = http_client().get(format!("{}/healthz", served.url)).send().await.expect("an answer");
        assert!(health.status().is_success());
        world.speak_to(&served.url);
        let me = world.me();
        for account in [account, tiktok] {
            let id = me.publish_one(account, &format!("Beside silence {round} {account}")).await;
            me.until_unhurried(id, "published", |post| post.status() == PostStatus::Published).await;
        }
    }
    let log = served.log();
    assert_eq!(log.matches("places for connections are taken").count(), 1, "{log}");
    assert_eq!(log.matches("cannot accept").count(), 0, "{log}");
    drop(silent);
    served.terminate().await;
    world.start_core().await;
    world.finish(6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_without_its_first_message_is_given_up() {
    let world = World::with(&[("AURAREELS_MEDIA_IDLE_SECONDS", "1")]).await;
    let me = world.me();
    let (_sender, receiver) = mpsc::channel(1);
    let stalled = me.refused(me.media().upload_media(ReceiverStream::new(receiver))).await;
    stalled.is(Code::Unavailable, "UPLOAD_INCOMPLETE");
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_ends_its_streams_and_no_others() {
    let world = World::start().await;
    let key = world.api_key(&[Scope::Read, Scope::Publish], Some(1)).await;
    let watch = async |mut posts: PostServiceClient<Line>| {
        let mut events = posts.watch_posts(WatchPostsRequest::default()).await.expect("a stream").into_inner();
        events.message().await.expect("a heartbeat").expect("a heartbeat");
        events
    };
    let mut gone = watch(world.posts_as(&key, None)).await;
    let mut others = watch(world.me().posts()).await;
    let (sender, receiver) = mpsc::channel(1);
    sender.send(uploading::info(UploadMediaInfo::default())).await.expect("room");
    let mut media = MediaServiceClient::new(world.line(&key, None));
    let upload = tokio::spawn(async move { media.upload_media(ReceiverStream::new(receiver)).await });
    world.revoke(&key).await;
    // The next heartbeat, half a minute later, would end it too.
    let denied = gone.message().await.expect_err("no further message");
    assert_eq!(denied.code(), Code::Unauthenticated, "{denied:?}");
    let denied = upload.await.expect("no panic").expect_err("no upload");
    assert_eq!(denied.code(), Code::Unauthenticated, "{denied:?}");
    drop(sender);
    let me = world.me();
    let account = me.account(Login::Facebook).await;
    let id = me.publish_one(account, "Still watched").await;
    assert!(others.message().await.expect("goes on").is_some());
    me.published(id).await;
    world.finish(1).await;
}
