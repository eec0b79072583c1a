//! One user can never see or touch another's rows: not found and not yours look the same, for every RPC.

use std::collections::BTreeSet;

use aurareels_proto::v1::*;
use aurareels_tests::{Login, Refusal, User, World, content, posting, receiver::Receiver, uploading};
use chrono::TimeDelta;
use prost::Message;
use prost_types::FieldMask;
use tonic::Code;

/// What somebody names.
struct Named<'a> {
    account: i64,
    post: i64,
    upload: &'a str,
    job: &'a str,
    webhook: i64,
    delivery: i64,
}

/// Every RPC that names a post, an account, an upload, a video job, a webhook endpoint or a delivery, called by somebody
/// with an id.
async fn refusals(user: User<'_>, named: &Named<'_>) -> Vec<(&'static str, Refusal)> {
    let Named { account, post, upload, job, webhook, delivery } = *named;
    let (mut posts, mut accounts, mut media) = (user.posts(), user.accounts(), user.media());
    let (mut webhooks, mut analytics) = (user.webhooks(), user.analytics());
    let content = content(user.world, "x");
    let when = Some(posting::at(user.world.now() + TimeDelta::days(1)));
    let mut all = Vec::new();
    macro_rules! call {
        ($client:ident . $rpc:ident, $name:literal, $request:expr) => {
            let refused = $client.$rpc($request).await.err();
            let Some(refused) = refused else { panic!("{} was not refused", $name) };
            all.push(($name, Refusal::from(refused)));
        };
    }
    call!(accounts.get_account, "GetAccount", GetAccountRequest { id: account });
    call!(accounts.refresh_token, "RefreshToken", RefreshTokenRequest { id: account, only_if_needed: false });
    call!(accounts.disconnect_account, "DisconnectAccount", DisconnectAccountRequest { id: account });
    call!(accounts.check_account, "CheckAccount", CheckAccountRequest { id: account });
    call!(accounts.get_publish_options, "GetPublishOptions", GetPublishOptionsRequest { id: account });
    call!(accounts.get_quota, "GetQuota", GetQuotaRequest { id: account });
    let again =
        ConnectAccountRequest { platform: Platform::Tiktok.into(), account_id: Some(account), ..Default::default() };
    call!(accounts.connect_account, "ConnectAccount", again);
    call!(posts.publish_posts, "PublishPosts", posting::publish(&[account], content.clone()));
    call!(
        posts.schedule_posts,
        "SchedulePosts",
        posting::schedule(&[account], content.clone(), when.clone().expect("a time"))
    );
    let draft = CreateDraftRequest { account_id: account, content: Some(content.clone()), ..Default::default() };
    call!(posts.create_draft, "CreateDraft", draft);
    let validate =
        ValidatePostsRequest { accounts: vec![account], content: Some(content.clone()), ..Default::default() };
    call!(posts.validate_posts, "ValidatePosts", validate);
    let update = UpdatePostRequest {
        id: post,
        content: Some(content),
        update_mask: Some(FieldMask { paths: vec!["caption".into()] }),
        revision: None,
    };
    call!(posts.update_post, "UpdatePost", update);
    call!(posts.delete_draft, "DeleteDraft", DeleteDraftRequest { id: post });
    call!(posts.get_post, "GetPost", GetPostRequest { id: post });
    let moved = ReschedulePostRequest { id: post, scheduled_at: when, revision: None };
    call!(posts.reschedule_post, "ReschedulePost", moved);
    call!(posts.cancel_post, "CancelPost", CancelPostRequest { id: post });
    call!(posts.retry_post, "RetryPost", RetryPostRequest { id: post });
    call!(posts.publish_post_now, "PublishPostNow", PublishPostNowRequest { id: post, expected_scheduled_at: None });
    call!(posts.reconcile_post, "ReconcilePost", ReconcilePostRequest { id: post });
    let word = ResolvePostRequest { id: post, resolution: Resolution::Published.into(), ..Default::default() };
    call!(posts.resolve_post, "ResolvePost", word);
    call!(analytics.get_post_analytics, "GetPostAnalytics", GetPostAnalyticsRequest { post_id: post });
    call!(analytics.sync_post_analytics, "SyncPostAnalytics", SyncPostAnalyticsRequest { post_id: post });
    let of_account = ListAnalyticsRequest { social_account_id: account, ..Default::default() };
    call!(analytics.list_analytics, "ListAnalytics", of_account);
    let media_id = upload.to_owned();
    call!(media.get_media, "GetMedia", GetMediaRequest { media_id: media_id.clone() });
    call!(media.get_upload, "GetUpload", GetUploadRequest { upload_id: media_id.clone() });
    call!(media.delete_media, "DeleteMedia", DeleteMediaRequest { media_id: media_id.clone() });
    call!(media.probe_video, "ProbeVideo", ProbeVideoRequest { media_id: media_id.clone(), ..Default::default() });
    let video_job_id = job.to_owned();
    call!(media.get_video_job, "GetVideoJob", GetVideoJobRequest { video_job_id: video_job_id.clone() });
    call!(media.delete_video_job, "DeleteVideoJob", DeleteVideoJobRequest { video_job_id });
    // A job of one's own that names the upload: the id of a job is free for everybody.
    let of_upload = VideoJob { video_job_id: "my own".into(), media_id, ..Default::default() };
    call!(media.put_video_job, "PutVideoJob", PutVideoJobRequest { video_job: Some(of_upload), update_mask: None });
    call!(webhooks.get_webhook_endpoint, "GetWebhookEndpoint", GetWebhookEndpointRequest { id: webhook });
    let update = UpdateWebhookEndpointRequest {
        id: webhook,
        update_mask: Some(FieldMask { paths: vec!["is_active".into()] }),
        ..Default::default()
    };
    call!(webhooks.update_webhook_endpoint, "UpdateWebhookEndpoint", update);
    call!(webhooks.delete_webhook_endpoint, "DeleteWebhookEndpoint", DeleteWebhookEndpointRequest { id: webhook });
    let rotate = RotateWebhookSecretRequest { id: webhook, overlap: None };
    call!(webhooks.rotate_webhook_secret, "RotateWebhookSecret", rotate);
    call!(webhooks.send_test_event, "SendTestEvent", SendTestEventRequest { id: webhook });
    let list = ListWebhookDeliveriesRequest { endpoint_id: webhook, ..Default::default() };
    call!(webhooks.list_webhook_deliveries, "ListWebhookDeliveries", list);
    call!(webhooks.get_webhook_delivery, "GetWebhookDelivery", GetWebhookDeliveryRequest { id: delivery });
    call!(webhooks.redeliver_webhook, "RedeliverWebhook", RedeliverWebhookRequest { id: delivery });
    all
}

/// An endpoint of a user, and a delivery to it.
async fn webhook(user: User<'_>, receiver: &Receiver) -> (i64, i64) {
    let input = CreateWebhookEndpointRequest {
        url: receiver.url.clone(),
        event_types: vec!["webhook.disabled".into()],
        ..Default::default()
    };
    let made = user.webhooks().create_webhook_endpoint(input).await.unwrap().into_inner();
    user.world.keep_secret(&made.secret);
    let id = made.endpoint.unwrap().id;
    (id, user.webhooks().send_test_event(SendTestEventRequest { id }).await.unwrap().into_inner().id)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_rpc_tells_a_strangers_row_from_none() {
    const NOBODYS: i64 = 777_777_777;
    let world = World::start().await;
    let mine = world.me();
    let account = mine.account(Login::Tiktok).await;
    let post = mine.schedule_one(account, "Mine", world.now() + TimeDelta::days(2)).await;
    let file = world.file("mine", 200_000).await;
    // Its name as a resumable upload is its media id, so that both are asked for by one.
    let named = UploadMediaInfo { upload_id: uploading::sha256(&file), ..uploading::about(&file) };
    let upload = mine.send(uploading::messages(named, &file)).await.expect("uploaded").media_id;
    let job = VideoJob { video_job_id: "my-job".into(), ..Default::default() };
    let put = PutVideoJobRequest { video_job: Some(job), update_mask: None };
    mine.media().put_video_job(put).await.unwrap();
    let nobodys_upload: String = upload.chars().rev().collect();
    let stranger = world.user(2);
    let receiver = Receiver::start().await;
    let before = world.db.counts().await;
    let (webhook, delivery) = webhook(mine, &receiver).await;
    let named = Named { account, post, upload: &upload, job: "my-job", webhook, delivery };
    let foreign = refusals(stranger, &named).await;
    let named = Named {
        account: NOBODYS,
        post: NOBODYS,
        upload: &nobodys_upload,
        job: "no-job",
        webhook: NOBODYS,
        delivery: NOBODYS,
    };
    let nobodys = refusals(stranger, &named).await;
    for ((name, foreign), (_, nobodys)) in foreign.iter().zip(&nobodys) {
        assert_eq!(foreign.code, Code::NotFound, "{name}: {foreign:#?}");
        assert_eq!(foreign.reason, nobodys.reason, "{name}");
        let plain = |text: &str, id: i64| {
            let names = [upload.as_str(), nobodys_upload.as_str(), "my-job", "no-job"];
            names.iter().fold(text.to_owned(), |text, name| text.replace(name, "N")).replace(&id.to_string(), "N")
        };
        let is_same = |id: &i64| plain(&foreign.message, *id) == plain(&nobodys.message, NOBODYS);
        let is_told = [account, post, webhook, delivery].iter().any(is_same);
        assert!(is_told, "{name}: `{}` is not `{}`", foreign.message, nobodys.message);
    }
    assert_eq!(world.db.counts().await, before, "nothing was changed");
    // The other RPCs show one's own rows alone.
    assert!(stranger.list_accounts().await.is_empty());
    assert!(stranger.all_posts().await.is_empty());
    assert!(stranger.events().await.is_empty());
    let uploads = stranger.media().list_media(ListMediaRequest::default()).await.unwrap().into_inner();
    assert!(uploads.media.is_empty());
    let jobs = stranger.media().list_video_jobs(ListVideoJobsRequest::default()).await.unwrap().into_inner();
    assert!(jobs.video_jobs.is_empty());
    let webhooks = stranger.webhooks().list_webhook_endpoints(ListWebhookEndpointsRequest::default()).await.unwrap();
    assert!(webhooks.into_inner().endpoints.is_empty());
    // And neither do streams: one's own post comes first although the other's has moved before it.
    let theirs = stranger.account(Login::TiktokPrivate).await;
    mine.posts().cancel_post(CancelPostRequest { id: post }).await.unwrap();
    let own = stranger.schedule_one(theirs, "Theirs", world.now() + TimeDelta::days(2)).await;
    let mut told = Vec::new();
    for post_ids in [vec![post, own], vec![]] {
        let request = WatchPostsRequest { after_sequence: Some(0), post_ids, ..Default::default() };
        let mut stream = stranger.posts().watch_posts(request).await.unwrap().into_inner();
        while told.last() != Some(&own) {
            told.extend(stream.message().await.unwrap().unwrap().event.map(|event| event.post_id));
        }
        assert!(!told.contains(&post), "{told:?}");
        told.clear();
    }
    let request = ListEventsRequest { after_sequence: Some(0), ..Default::default() };
    let listed = stranger.posts().list_events(request).await.unwrap().into_inner().events;
    assert!(listed.iter().any(|event| event.post_id == own), "{listed:?}");
    assert!(listed.iter().all(|event| event.post_id != post && event.wp_user_id != 1), "{listed:?}");
    // And that is all RPCs there are.
    let elsewhere = [
        "ListAccounts",
        "ListEvents",
        "ListPosts",
        "WatchPosts",
        "CompleteConnect",
        "ListPlatforms",
        "GetVideoRequirements",
        "ListMedia",
        "UploadMedia",
        "ListVideoJobs",
        "CreateWebhookEndpoint",
        "ListWebhookEndpoints",
    ];
    let covered: BTreeSet<String> =
        foreign.iter().map(|(name, _)| (*name).to_owned()).chain(elsewhere.map(str::to_owned)).collect();
    let set = prost_types::FileDescriptorSet::decode(aurareels_proto::FILE_DESCRIPTOR_SET).unwrap();
    let services = set.file.iter().filter(|file| file.package() == "aurareels.v1").flat_map(|file| &file.service);
    let all: BTreeSet<String> =
        services.flat_map(|service| service.method.iter().map(|method| method.name().to_owned())).collect();
    assert_eq!(covered, all, "an RPC is missing in this table");
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_users_may_hold_the_same_platform_account() {
    let world = World::start().await;
    let (one, two) = (world.user(1), world.user(2));
    let first = one.account(Login::Facebook).await;
    let second = two.account(Login::Facebook).await;
    assert_ne!(first, second);
    let of_one = one.publish_one(first, "From one").await;
    one.published(of_one).await;
    // One leaves; the other's login goes on working.
    one.accounts().disconnect_account(DisconnectAccountRequest { id: first }).await.unwrap();
    let of_two = two.publish_one(second, "From two").await;
    two.published(of_two).await;
    world.finish(2).await;
}
