//! Uploaded videos: to every platform, once; what is refused; what is removed and when.

use aurareels_proto::v1::{
    CancelPostRequest, CreateDraftRequest, DeleteDraftRequest, DeleteMediaRequest, GetMediaRequest, InstagramOptions,
    InstagramTransfer, ListMediaRequest, Media, Platform, PlatformOptions, PostContent, PostStatus, ProbeVideoRequest,
    RetryPostRequest, TikTokOptions, TikTokTransfer, UpdatePostRequest, UploadMediaInfo,
};
use aurareels_simulator::{Host, When};
use aurareels_tests::{
    Login, World, content,
    fault::cut,
    posting::{at, publish, schedule, time},
    uploading::{about, chunk, info, messages, sha256, uploaded},
    video,
};
use chrono::TimeDelta;
use prost_types::FieldMask;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

use crate::process::{Served, run};

const SIZE: usize = 700_000;

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_published_on_every_platform_by_every_login_once() {
    let world = World::start().await;
    let me = world.me();
    let file = world.file("everywhere", SIZE).await;
    let media = me.upload(&file).await;
    assert_eq!((media.sha256.as_str(), media.size_bytes), (sha256(&file).as_str(), SIZE as i64));
    assert!(!media.existed && media.warnings.is_empty() && media.expires_at.is_some(), "{media:#?}");
    let facts = media.facts.as_ref().expect("facts");
    assert_eq!((facts.format.as_str(), facts.video_codec.as_str()), ("mp4", "h264"), "{facts:?}");
    assert!(media.checks.len() == 4 && media.checks.iter().all(|check| check.fits), "{media:#?}");
    let accounts =
        [me.account(Login::Tiktok).await, me.account(Login::Facebook).await, me.account(Login::Instagram).await];
    let ids = me.publish(&accounts, uploaded(&media, "Everywhere")).await;
    for id in &ids {
        let post = me.published(*id).await;
        assert_eq!((post.media_id.as_str(), post.video_url.as_str()), (media.media_id.as_str(), ""));
    }
    let visible = world.sim.posts();
    assert!(visible.iter().all(|post| post.sha256.as_deref() == Some(media.sha256.as_str())), "{visible:#?}");
    let fetched: Vec<_> = visible.iter().filter(|post| post.source.contains("/media/")).collect();
    assert_eq!(fetched.len(), 1, "only Instagram Login fetches from the core: {visible:#?}");
    world.finish(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_fetches_by_request_gets_the_upload_from_the_core() {
    let world = World::start().await;
    let me = world.me();
    let media = me.upload(&world.file("fetched", SIZE).await).await;
    let accounts = [me.account(Login::Tiktok).await, me.account(Login::Facebook).await];
    let options = PlatformOptions {
        tiktok: Some(TikTokOptions { transfer: TikTokTransfer::PullFromUrl.into(), ..Default::default() }),
        instagram: Some(InstagramOptions { transfer: InstagramTransfer::VideoUrl.into(), ..Default::default() }),
        ..Default::default()
    };
    let input = PostContent { platform_options: Some(options), ..uploaded(&media, "Fetched") };
    for id in me.publish(&accounts, input).await {
        me.published(id).await;
    }
    let visible = world.sim.posts();
    assert!(visible.iter().all(|post| post.source.starts_with(&world.url())), "{visible:#?}");
    assert!(visible.iter().all(|post| post.sha256.as_deref() == Some(media.sha256.as_str())), "{visible:#?}");
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_address_serves_parts_and_only_while_a_post_is_on_its_way() {
    let world = World::start().await;
    let me = world.me();
    let file = world.file("ranges", SIZE).await;
    let media = me.upload(&file).await;
    let account = me.account(Login::Instagram).await;
    let rule = world.hold("meta.media_publish", aurareels_simulator::Hold::Before);
    let id = me.publish(&[account], uploaded(&media, "Ranges")).await[0];
    world.wait_for("a publish", async || world.sim.fault_fired(rule).filter(|times| *times > 0)).await;
    let address = format!("{}/media/{}/video.mp4", world.url(), world.db.pull_token(&media.media_id).await);
    let whole = world.http.get(&address).send().await.unwrap();
    assert_eq!(whole.headers()["content-type"], "video/mp4");
    assert_eq!(whole.content_length(), Some(SIZE as u64));
    assert_eq!(whole.headers()["accept-ranges"], "bytes");
    assert_eq!(whole.bytes().await.unwrap(), file);
    let part = world.http.get(&address).header("range", "bytes=1000-1999").send().await.unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()["content-range"], format!("bytes 1000-1999/{SIZE}"));
    assert_eq!(part.bytes().await.unwrap(), &file[1000..2000]);
    let beyond = world.http.get(&address).header("range", format!("bytes={SIZE}-")).send().await.unwrap();
    assert_eq!(beyond.status(), 416);
    let head = world.http.head(&address).send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.headers()["content-length"].to_str().unwrap()), (200, "700000"));
    let guessed = address.replace("/media/", "/media/x");
    assert_eq!(world.http.get(&guessed).send().await.unwrap().status(), 404);
    world.sim.remove_fault(rule);
    me.published(id).await;
    assert_eq!(world.http.get(&address).send().await.unwrap().status(), 404, "no post needs it any more");
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_twice_is_one_upload_and_published_twice_it_is_one_post() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let file = world.file("twice", SIZE).await;
    let first = me.upload(&file).await;
    let second = me.send(messages(UploadMediaInfo::default(), &file)).await.unwrap();
    assert_eq!((second.media_id.as_str(), second.existed), (first.media_id.as_str(), true));
    // Where the hash is known, nothing has to be sent.
    let third = me.send(vec![info(about(&file))]).await.unwrap();
    assert_eq!((third.media_id.as_str(), third.existed), (first.media_id.as_str(), true));
    assert_eq!(world.upload_files().len(), 1);
    let (one, other) = tokio::join!(me.upload(&file), me.upload(&file));
    assert_eq!(one.media_id, other.media_id);
    assert_eq!(world.upload_files().len(), 1);
    let id = me.publish(&[account], uploaded(&first, "Twice")).await[0];
    let again = me.posts().publish_posts(publish(&[account], uploaded(&second, "Twice"))).await.unwrap().into_inner();
    assert_eq!((again.posts[0].id, again.existed[0]), (id, true));
    me.published(id).await;
    // Uploaded once more after the file is gone, it is still the same video.
    world.advance(TimeDelta::hours(2));
    world.wait_for("the removal", async || world.upload_files().is_empty().then_some(())).await;
    let anew = me.upload(&file).await;
    assert!(!anew.existed, "{anew:?}");
    let again = me.posts().publish_posts(publish(&[account], uploaded(&anew, "Twice"))).await.unwrap().into_inner();
    assert_eq!((again.posts[0].id, again.existed[0]), (id, true));
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_a_whole_video_is_refused_and_leaves_nothing() {
    let world = World::start().await;
    let me = world.me();
    let file = world.file("refused", SIZE).await;
    let refused = async |what: Vec<_>| me.refused(me.send(what)).await;

    let text = b"just a text that somebody named reel.mp4\n".repeat(100);
    let answer = refused(messages(about(&text), &text)).await;
    answer.is(Code::InvalidArgument, "VIDEO_FORMAT_INVALID").names("chunk", "VIDEO_FORMAT_INVALID");
    // A long one is refused by its first bytes, while the client is still sending.
    let long = b"nothing but text, for megabytes\n".repeat(300_000);
    refused(messages(about(&long), &long)).await.is(Code::InvalidArgument, "VIDEO_FORMAT_INVALID");
    let short = b"hi".to_vec();
    refused(messages(about(&short), &short)).await.is(Code::InvalidArgument, "VIDEO_FORMAT_INVALID");
    // A video that ends early, with nobody having said how long it is.
    refused(messages(UploadMediaInfo::default(), &file[..SIZE / 2])).await.is(Code::InvalidArgument, "RULE_VIOLATION");

    let wrong_hash = UploadMediaInfo { sha256: "0".repeat(64), ..about(&file) };
    let answer = refused(messages(wrong_hash, &file)).await;
    answer.is(Code::InvalidArgument, "MEDIA_HASH_MISMATCH").names("info.sha256", "MEDIA_HASH_MISMATCH");
    for announced in [SIZE as i64 + 1, SIZE as i64 - 1] {
        let other_size = UploadMediaInfo { size_bytes: Some(announced), ..UploadMediaInfo::default() };
        let answer = refused(messages(other_size, &file)).await;
        answer.is(Code::InvalidArgument, "UPLOAD_INCOMPLETE").names("info.size_bytes", "UPLOAD_INCOMPLETE");
    }
    let large = UploadMediaInfo { size_bytes: Some(300_000_000_000), ..UploadMediaInfo::default() };
    refused(vec![info(large)]).await.is(Code::InvalidArgument, "VIDEO_TOO_LARGE");
    let empty = UploadMediaInfo { size_bytes: Some(0), ..UploadMediaInfo::default() };
    refused(vec![info(empty)]).await.is(Code::InvalidArgument, "RULE_VIOLATION");
    refused(vec![info(UploadMediaInfo::default())]).await.is(Code::InvalidArgument, "RULE_VIOLATION");

    refused(vec![]).await.is(Code::InvalidArgument, "INVALID_FIELD").names("info", "INVALID_FIELD");
    refused(vec![chunk(&file)]).await.names("info", "INVALID_FIELD");
    refused(vec![info(about(&file)), info(about(&file))]).await.names("chunk", "INVALID_FIELD");
    let odd = UploadMediaInfo { sha256: "abc".to_owned(), ..UploadMediaInfo::default() };
    refused(vec![info(odd)]).await.names("info.sha256", "FIELD_MALFORMED");
    for size in [1024 * 1024 + 1, 3 * 1024 * 1024] {
        let huge = vec![0; size];
        refused(vec![info(UploadMediaInfo::default()), chunk(&huge)]).await.names("chunk", "INVALID_FIELD");
    }

    assert_eq!(world.upload_files(), [""; 0]);
    // An odd content type is told and does no harm.
    let odd = UploadMediaInfo { content_type: "video/webm; codecs=vp9".to_owned(), ..about(&file) };
    let media = me.send(messages(odd, &file)).await.unwrap();
    assert_eq!(media.warnings[0].code, "CONTENT_TYPE_DIFFERS");
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_breaks_off_leaves_nothing_and_is_repeated_harmlessly() {
    let world = World::with(&[("AURAREELS_MEDIA_IDLE_SECONDS", "1")]).await;
    let me = world.me();
    let file = world.file("broken", SIZE).await;
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    let mut client = me.media();
    let call = tokio::spawn(async move { client.upload_media(ReceiverStream::new(receiver)).await });
    sender.send(info(about(&file))).await.unwrap();
    sender.send(chunk(&file[..300_000])).await.unwrap();
    world.wait_for("a part", async || (!world.upload_files().is_empty()).then_some(())).await;
    assert!(world.upload_files()[0].ends_with(".part"), "no final name yet: {:?}", world.upload_files());
    // The client goes away.
    call.abort();
    world.wait_for("the clean-up", async || world.upload_files().is_empty().then_some(())).await;
    // A client that stays and sends nothing more.
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    sender.send(info(about(&file))).await.unwrap();
    sender.send(chunk(&file[..300_000])).await.unwrap();
    let stalled = me.refused(me.media().upload_media(ReceiverStream::new(receiver))).await;
    stalled.is(Code::Unavailable, "UPLOAD_INCOMPLETE");
    drop(sender);
    assert_eq!(world.upload_files(), [""; 0]);
    let media = me.upload(&file).await;
    assert!(!media.existed);
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_core_that_is_killed_during_an_upload_sweeps_it_at_its_next_start() {
    let mut world = World::start().await;
    let account = world.me().account(Login::Tiktok).await;
    let file = world.file("killed", SIZE).await;
    world.stop_core().await;
    let settings = world.settings().clone();
    let served = Served::start(&settings, &world.http).await;
    world.speak_to(&served.url);
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    let mut client = world.me().media();
    let call = tokio::spawn(async move { client.upload_media(ReceiverStream::new(receiver)).await });
    sender.send(info(about(&file))).await.unwrap();
    sender.send(chunk(&file[..300_000])).await.unwrap();
    world.wait_for("a part", async || (!world.upload_files().is_empty()).then_some(())).await;
    served.kill().await;
    assert!(call.await.unwrap().is_err());
    assert_eq!(world.upload_files().len(), 1, "a dead core cannot clean up");
    world.start_core().await;
    world.wait_for("the sweep", async || world.upload_files().is_empty().then_some(())).await;
    let media = world.me().upload(&file).await;
    let id = world.me().publish(&[account], uploaded(&media, "After the crash")).await[0];
    world.me().published(id).await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_user_has_a_quota_and_nobody_sees_anothers_uploads() {
    let quota = (SIZE * 2 + 100).to_string();
    let world = World::with(&[("AURAREELS_MEDIA_QUOTA_BYTES", &quota)]).await;
    let (me, other) = (world.me(), world.user(2));
    let account = me.account(Login::Tiktok).await;
    let others_account = other.account(Login::TiktokPrivate).await;
    let (one, two) = (world.file("one", SIZE).await, world.file("two", SIZE).await);
    let (first, second) = (me.upload(&one).await, me.upload(&two).await);
    let third = world.file("three", SIZE).await;
    let files = world.upload_files().len();
    for about in [about(&third), UploadMediaInfo::default()] {
        let over = me.refused(me.send(messages(about, &third))).await;
        over.is(Code::ResourceExhausted, "MEDIA_QUOTA_EXCEEDED");
        assert!(over.details.contains("quota_failure: Some"), "{}", over.details);
    }
    assert_eq!(world.upload_files().len(), files);
    // Another user has room of their own, and the same bytes are another upload.
    let theirs = other.upload(&one).await;
    assert_eq!(theirs.media_id, first.media_id);
    assert!(!theirs.existed);
    assert_eq!(world.upload_files().len(), files + 1);
    let input = uploaded(&second, "Not mine");
    let stolen = other.refused(other.posts().publish_posts(publish(&[others_account], input))).await;
    stolen.is(Code::NotFound, "MEDIA_NOT_FOUND");
    let of_second = || GetMediaRequest { media_id: second.media_id.clone() };
    other.refused(other.media().get_media(of_second())).await.is(Code::NotFound, "MEDIA_NOT_FOUND");
    let delete = DeleteMediaRequest { media_id: second.media_id.clone() };
    other.refused(other.media().delete_media(delete.clone())).await.is(Code::NotFound, "MEDIA_NOT_FOUND");
    let probe = ProbeVideoRequest { media_id: second.media_id.clone(), ..Default::default() };
    other.refused(other.media().probe_video(probe)).await.is(Code::NotFound, "MEDIA_NOT_FOUND");
    assert_eq!(me.media().get_media(of_second()).await.unwrap().into_inner().media_id, second.media_id);
    // A list in pages, newest first, with what is used.
    let page = |page_token| ListMediaRequest { page_size: 1, page_token };
    let newest = me.media().list_media(page(String::new())).await.unwrap().into_inner();
    assert_eq!((newest.media[0].media_id.as_str(), newest.used_bytes), (second.media_id.as_str(), SIZE as i64 * 2));
    assert_eq!(newest.quota_bytes.to_string(), quota);
    let older = me.media().list_media(page(newest.next_page_token)).await.unwrap().into_inner();
    assert_eq!((older.media[0].media_id.as_str(), older.next_page_token.as_str()), (first.media_id.as_str(), ""));
    // What a post needs stays; the rest can go, and makes room.
    let due = at(world.now() + TimeDelta::days(2));
    me.posts().schedule_posts(schedule(&[account], uploaded(&first, "Needed"), due)).await.unwrap();
    let needed = DeleteMediaRequest { media_id: first.media_id.clone() };
    me.refused(me.media().delete_media(needed)).await.is(Code::FailedPrecondition, "MEDIA_IN_USE");
    me.media().delete_media(delete).await.unwrap();
    me.upload(&third).await;
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_without_room_is_told_and_nothing_is_left() {
    let world = World::with(&[("AURAREELS_MEDIA_MIN_FREE_BYTES", &i64::MAX.to_string())]).await;
    let me = world.me();
    let file = world.file("full", SIZE).await;
    for about in [about(&file), UploadMediaInfo::default()] {
        let full = me.refused(me.send(messages(about, &file))).await;
        full.is(Code::ResourceExhausted, "DISK_FULL");
        assert!(full.details.contains("quota_failure: Some"), "{}", full.details);
    }
    assert_eq!(world.upload_files(), [""; 0]);
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_has_one_video() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let media = me.upload(&world.file("one video", SIZE).await).await;
    let both = PostContent { media_id: media.media_id.clone(), ..content(&world, "Both") };
    let refused = me.refused(me.posts().publish_posts(publish(&[account], both.clone()))).await;
    refused.is(Code::InvalidArgument, "INVALID_FIELD").names("content.media_id", "FIELD_MALFORMED");
    let draft = CreateDraftRequest { account_id: account, content: Some(both), ..Default::default() };
    me.refused(me.posts().create_draft(draft)).await.names("content.media_id", "FIELD_MALFORMED");
    let unknown = PostContent { media_id: "0".repeat(64), ..uploaded(&media, "Unknown") };
    me.refused(me.posts().publish_posts(publish(&[account], unknown))).await.is(Code::NotFound, "MEDIA_NOT_FOUND");
    let odd = PostContent { media_id: "../../etc/passwd".to_owned(), ..uploaded(&media, "Odd") };
    me.refused(me.posts().publish_posts(publish(&[account], odd))).await.names("content.media_id", "FIELD_MALFORMED");
    // An edit from one to the other, and back.
    let due = at(world.now() + TimeDelta::days(1));
    let made = me.posts().schedule_posts(schedule(&[account], content(&world, "Edited"), due)).await.unwrap();
    let id = made.into_inner().posts[0].id;
    let edit = async |content: PostContent, field: &str| {
        let update_mask = Some(FieldMask { paths: vec![field.to_owned()] });
        let request = UpdatePostRequest { id, content: Some(content), update_mask, revision: None };
        me.posts().update_post(request).await.unwrap().into_inner()
    };
    let by_upload = edit(uploaded(&media, ""), "media_id").await;
    assert_eq!((by_upload.media_id.as_str(), by_upload.video_url.as_str()), (media.media_id.as_str(), ""));
    let by_url = edit(content(&world, ""), "video_url").await;
    assert_eq!((by_url.media_id.as_str(), by_url.video_url.is_empty()), ("", false));
    edit(uploaded(&media, ""), "media_id").await;
    world.advance(TimeDelta::days(1));
    me.published(id).await;
    assert_eq!(world.sim.posts()[0].sha256.as_deref(), Some(media.sha256.as_str()));
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_kept_as_long_as_a_post_needs_it_and_then_removed() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let get = async |media: &Media| {
        let request = GetMediaRequest { media_id: media.media_id.clone() };
        me.media().get_media(request).await.map(tonic::Response::into_inner)
    };
    let gone = async |media: &Media| {
        world.wait_for("the removal", async || get(media).await.is_err().then_some(())).await;
        me.refused(get(media)).await.is(Code::NotFound, "MEDIA_NOT_FOUND");
    };
    let unused = me.upload(&world.file("unused", SIZE).await).await;
    let scheduled = me.upload(&world.file("scheduled", SIZE).await).await;
    let draft = me.upload(&world.file("draft", SIZE).await).await;
    let cancelled = me.upload(&world.file("cancelled", SIZE).await).await;
    let due = world.now() + TimeDelta::days(10);
    let schedule_one = async |media: &Media, caption: &str| {
        let request = schedule(&[account], uploaded(media, caption), at(due));
        me.posts().schedule_posts(request).await.unwrap().into_inner().posts[0].id
    };
    let post = schedule_one(&scheduled, "Scheduled").await;
    let other = schedule_one(&cancelled, "Cancelled").await;
    let request =
        CreateDraftRequest { account_id: account, content: Some(uploaded(&draft, "Draft")), ..Default::default() };
    let draft_id = me.posts().create_draft(request).await.unwrap().into_inner().id;
    me.posts().cancel_post(CancelPostRequest { id: other }).await.unwrap();
    world.advance(TimeDelta::hours(2));
    gone(&cancelled).await;
    world.advance(TimeDelta::days(3));
    gone(&unused).await;
    for media in [&scheduled, &draft] {
        assert!(get(media).await.unwrap().expires_at.is_none(), "a post needs it");
    }
    assert_eq!(world.upload_files().len(), 2);
    // Edits and times of other posts do not matter; a draft that is deleted does.
    me.posts().delete_draft(DeleteDraftRequest { id: draft_id }).await.unwrap();
    gone(&draft).await;
    world.advance_to(due);
    me.published(post).await;
    let ends = get(&scheduled).await.unwrap().expires_at.expect("an end");
    assert!(time(&ends) <= world.now() + TimeDelta::hours(1), "{ends:?}");
    world.advance(TimeDelta::hours(2));
    gone(&scheduled).await;
    assert_eq!(world.upload_files(), [""; 0]);
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_post_finds_its_upload_again_for_a_week() {
    let world = World::with(&[("AURAREELS_MAX_RETRY_ATTEMPTS", "0")]).await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let file = world.file("failing", SIZE).await;
    let media = me.upload(&file).await;
    let rule = world.lasting_fault("tiktok.video_init", cut(When::Before));
    let id = me.publish(&[account], uploaded(&media, "Failing")).await[0];
    me.ends(id, PostStatus::Failed).await;
    world.advance(TimeDelta::days(6));
    me.media().get_media(GetMediaRequest { media_id: media.media_id.clone() }).await.unwrap();
    world.advance(TimeDelta::days(2));
    world.wait_for("the removal", async || world.upload_files().is_empty().then_some(())).await;
    world.sim.remove_fault(rule);
    let retry = || me.posts();
    me.refused(retry().retry_post(RetryPostRequest { id })).await.is(Code::FailedPrecondition, "MEDIA_NOT_FOUND");
    me.upload(&file).await;
    retry().retry_post(RetryPostRequest { id }).await.unwrap();
    me.published(id).await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_public_address_what_a_platform_would_fetch_is_refused_at_once() {
    let world = World::with(&[("AURAREELS_ALLOW_PRIVATE_MEDIA_HOSTS", "false")]).await;
    let me = world.me();
    let media = me.upload(&world.file("private", SIZE).await).await;
    let (fetching, taking) = (me.account(Login::Instagram).await, me.account(Login::Facebook).await);
    let refused = me.refused(me.posts().publish_posts(publish(&[fetching], uploaded(&media, "Unreachable")))).await;
    refused.names("content.media_id", "PUBLIC_URL_MISSING");
    assert!(refused.details.contains("AURAREELS_PUBLIC_URL"), "{}", refused.details);
    // Where the core sends the bytes itself, no address is needed.
    let id = me.publish(&[taking], uploaded(&media, "Sent")).await[0];
    me.published(id).await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_tells_every_broken_rule_per_platform() {
    let world = World::start().await;
    let me = world.me();
    let probe = async |request: ProbeVideoRequest| me.media().probe_video(request).await.unwrap().into_inner();
    let by_url = |url: String| ProbeVideoRequest { video_url: url, ..Default::default() };
    let good = probe(by_url(video(&world, "good"))).await;
    assert!(good.valid && good.checks.len() == 4 && good.violations.is_empty(), "{good:#?}");
    let wrong = format!("{}/v/wrong.mp4?size=400000000&duration=5&width=2000&moov=last", world.sim.url(Host::Media));
    let wrong = probe(by_url(wrong)).await;
    assert!(!wrong.valid && wrong.violations.is_empty(), "{wrong:#?}");
    let of = |platform: Platform| wrong.checks.iter().find(|check| check.platform() == platform).unwrap();
    let rules: Vec<&str> = of(Platform::Instagram).violations.iter().map(|broken| broken.rule.as_str()).collect();
    assert!(rules.contains(&"VIDEO_TOO_LARGE") && rules.contains(&"VIDEO_TOO_WIDE"), "{rules:?}");
    assert!(of(Platform::Tiktok).fits, "{wrong:#?}");
    let one = ProbeVideoRequest { platforms: vec![Platform::Tiktok.into()], ..by_url(video(&world, "good")) };
    assert_eq!(probe(one).await.checks.len(), 1);
    let missing = probe(by_url(format!("{}/nothing-here.mp4", world.sim.url(Host::Media)))).await;
    assert_eq!((missing.valid, missing.violations[0].rule.as_str()), (false, "VIDEO_NOT_PUBLIC"));
    assert_eq!(missing.violations[0].field, "video_url");
    let media = me.upload(&world.file("probed", SIZE).await).await;
    let by_media = probe(ProbeVideoRequest { media_id: media.media_id, ..Default::default() }).await;
    assert_eq!((by_media.valid, by_media.facts), (true, media.facts));
    me.refused(me.media().probe_video(ProbeVideoRequest::default())).await.names("video_url", "INVALID_FIELD");
    let other = ProbeVideoRequest { platforms: vec![77], ..by_url(video(&world, "good")) };
    me.refused(me.media().probe_video(other)).await.is(Code::InvalidArgument, "INVALID_FIELD");
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_publishes_a_file_of_this_machine() {
    let world = World::start().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let file = world.file("command line", SIZE).await;
    let path = world.data_dir().parent().unwrap().join("holiday.mp4");
    std::fs::write(&path, &file).unwrap();
    let settings = [
        ("AURAREELS_ADDRESS", world.url()),
        ("AURAREELS_API_KEY", world.key.clone()),
        ("AURAREELS_USER_ID", "1".to_owned()),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value)).into();
    let account = account.to_string();
    let path = path.to_str().unwrap();
    let arguments =
        ["post", "publish", "--account", &account, "--file", path, "--caption", "Holiday", "--privacy", "PUBLIC"];
    for _ in 0..2 {
        let output = run(&settings, &arguments).await;
        assert!(output.status.success(), "{output:?}");
    }
    let post = &me.all_posts().await[0];
    me.published(post.id).await;
    assert_eq!(world.sim.posts()[0].sha256, Some(sha256(&file)));
    let missing = run(&settings, &["post", "publish", "--account", &account, "--file", "/no/such.mp4"]).await;
    assert!(
        !missing.status.success() && String::from_utf8_lossy(&missing.stderr).contains("/no/such.mp4"),
        "{missing:?}"
    );
    world.finish(1).await;
}
