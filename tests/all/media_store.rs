//! Uploads in a bucket: on moto's S3 server, which the test command starts (`cargo xtask with-databases -- <command>`).

use std::time::{Duration, Instant};

use aurareels_proto::v1::{DeleteMediaRequest, GetMediaRequest, GetUploadRequest, Post, UploadMediaInfo};
use aurareels_simulator::Hold;
use aurareels_tests::{
    Login, World,
    bucket::{Bucket, Door},
    posting::{at, publish, schedule, time},
    server::Server,
    uploading::{about, chunk, info, messages, sha256, uploaded},
};
use chrono::TimeDelta;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

use crate::process::{Served, run};

/// Larger than a part, so that it is sent in several.
const LARGE: usize = 10_000_000;

const SMALL: usize = 300_000;

async fn printed(world: &World, arguments: &[&str]) -> String {
    String::from_utf8(run(world.settings(), arguments).await.stdout).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_in_a_bucket_are_streamed_both_ways_and_removed_with_the_last_post() {
    let Some(bucket) = Bucket::make().await else { return };
    let mut world = bucket.world().await;
    let (tiktok, instagram) = (world.me().account(Login::Tiktok).await, world.me().account(Login::Instagram).await);
    let file = world.file("large", LARGE).await;
    let media = world.me().upload(&file).await;
    let small = world.me().upload(&world.file("small", SMALL).await).await;
    let again = world.me().upload(&file).await;
    assert_eq!(media.media_id, again.media_id, "the same bytes are one upload");
    let objects = bucket.objects().await;
    assert_eq!(objects.len(), 2, "{objects:?}");
    assert!(objects.iter().all(|name| name.starts_with("reels/media/") && name.ends_with(".mp4")), "{objects:?}");
    assert!(world.upload_files().is_empty(), "nothing is left on this machine");
    world.restart().await;
    let doctor = printed(&world, &["doctor"]).await;
    assert!(doctor.contains("AURAREELS_MEDIA_STORE: an object can be written, read and removed"), "{doctor}");

    // Uploaded by parts, and fetched by ranges.
    let id = world.me().publish(&[tiktok], uploaded(&media, "By parts")).await[0];
    world.me().published(id).await;
    let rule = world.hold("meta.media_publish", Hold::Before);
    let id = world.me().publish(&[instagram], uploaded(&media, "Fetched")).await[0];
    world.me().until(id, "sent", |_| world.sim.fault_fired(rule).is_some_and(|times| times > 0)).await;
    let address = format!("{}/media/{}/video.mp4", world.url(), world.db.pull_token(&media.media_id).await);
    let get = |range: &'static str| world.http.get(&address).header("range", range).send();
    let whole = world.http.get(&address).send().await.expect("an answer");
    assert_eq!((whole.status().as_u16(), whole.content_length()), (200, Some(LARGE as u64)));
    assert_eq!(whole.bytes().await.expect("bytes"), file);
    for (range, expected) in [
        ("bytes=9000000-9000099", &file[9_000_000..9_000_100]),
        ("bytes=9999990-", &file[9_999_990..]),
        ("bytes=-10", &file[LARGE - 10..]),
    ] {
        let part = get(range).await.expect("an answer");
        assert_eq!(part.status(), 206, "{range}");
        assert_eq!(part.bytes().await.expect("bytes"), expected, "{range}");
    }
    assert_eq!(get("bytes=10000000-").await.expect("an answer").status(), 416);
    let head = world.http.head(&address).send().await.expect("an answer");
    assert_eq!((head.status().as_u16(), head.headers()["content-length"].to_str().unwrap()), (200, "10000000"));
    bucket.door(Door::Away);
    assert_eq!(
        world.http.get(&address).send().await.expect("an answer").status(),
        503,
        "not yet, rather than not at all"
    );
    bucket.door(Door::Open);
    world.sim.remove_fault(rule);
    world.me().published(id).await;
    let visible = world.sim.posts();
    assert!(visible.iter().all(|post| post.sha256.as_deref() == Some(media.sha256.as_str())), "{visible:#?}");

    let request = DeleteMediaRequest { media_id: small.media_id.clone() };
    world.me().media().delete_media(request).await.expect("removed");
    assert_eq!(bucket.objects().await.len(), 1);
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_of_one_core_serve_the_posts_of_another() {
    let Some(bucket) = Bucket::make().await else { return };
    let settings = bucket.settings();
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let Some(mut world) = World::on(Server::Postgres, &settings).await else { return };
    let account = world.me().account(Login::Tiktok).await;
    let media = world.me().upload(&world.file("shared", LARGE).await).await;
    let second = world.another_core("second").await;
    world.stop_core().await;
    let request = publish(&[account], uploaded(&media, "By another core"));
    let id = second.posts().publish_posts(request).await.expect("taken").into_inner().posts[0].id;
    world.wait_for("a visible post", async || (world.sim.posts().len() == 1).then_some(())).await;
    second.stop().await;
    world.start_core().await;
    world.me().published(id).await;
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_refuses_or_is_away_or_loses_a_part_keeps_nothing_and_says_so() {
    let Some(bucket) = Bucket::make().await else { return };
    let mut world = bucket.world().await;
    let (small, large) = (world.file("small", SMALL).await, world.file("large", LARGE).await);
    for (door, file, says) in [
        (Door::Refuses, &small, "AURAREELS_MEDIA_STORE refuses the core's key"),
        (Door::Refuses, &large, "AURAREELS_MEDIA_STORE refuses the core's key"),
        (Door::Away, &small, "AURAREELS_MEDIA_STORE does not answer as it should"),
        (Door::LosesParts, &large, "AURAREELS_MEDIA_STORE does not answer as it should"),
    ] {
        bucket.door(door);
        let sent = world.me().refused(world.me().send(messages(about(file), file))).await;
        sent.is(Code::Unavailable, "STORE_UNAVAILABLE");
        assert!(sent.message.contains(says), "{door:?}: {}", sent.message);
        assert!(world.upload_files().is_empty(), "{door:?}");
    }
    let doctor = printed(&world, &["doctor"]).await;
    bucket.door(Door::Refuses);
    let refused = printed(&world, &["doctor"]).await;
    assert!(doctor.contains("an object can be written, read and removed"), "{doctor}");
    assert!(
        refused.contains("WRONG  AURAREELS_MEDIA_STORE") && refused.contains("refuses the core's key"),
        "{refused}"
    );
    bucket.door(Door::Open);
    assert!(bucket.objects().await.is_empty() && bucket.unfinished().await.is_empty());
    // A bucket that is not there is none whose objects are gone.
    let media = world.me().upload(&small).await;
    world.set("AURAREELS_MEDIA_STORE", "s3://no-such-bucket/x");
    world.restart().await;
    let sent = world.me().refused(world.me().send(messages(about(&small), &small))).await;
    sent.is(Code::Unavailable, "STORE_UNAVAILABLE");
    assert!(sent.message.contains("does not exist"), "{}", sent.message);
    assert!(world.me().media().get_media(GetMediaRequest { media_id: media.media_id }).await.is_ok());
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_core_starts_with_a_bucket_that_cannot_be_used_and_says_what_is_wrong_with_it() {
    let Some(bucket) = Bucket::make().await else { return };
    let mut world = bucket.world().await;
    world.stop_core().await;
    bucket.door(Door::Refuses);
    for (name, says) in [(bucket.name.as_str(), "refuses the core's key"), ("no-such-bucket", "does not exist")] {
        if name != bucket.name {
            bucket.door(Door::Open);
        }
        let settings = [("AURAREELS_MEDIA_STORE".to_owned(), format!("s3://{name}/x"))];
        let settings = world.settings().clone().into_iter().chain(settings).collect();
        let served = Served::start(&settings, &world.http).await;
        let said = world.wait_for("an error in the log", async || {
            Some(served.log()).filter(|log| log.contains("the bucket of uploads cannot be used"))
        });
        let said = said.await;
        assert!(said.contains(says) && said.contains("correct AURAREELS_MEDIA_STORE"), "{said}");
        assert!(!said.contains("the secret of the bucket's key"), "{said}");
        served.kill().await;
    }
    world.start_core().await;
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resumable_upload_begins_anew_on_another_core_and_is_one_object() {
    let Some(bucket) = Bucket::make().await else { return };
    let settings = bucket.settings();
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let Some(world) = World::on(Server::Postgres, &settings).await else { return };
    bucket.tried(&world, 1).await;
    let file = world.file("continued", LARGE).await;
    let named = || UploadMediaInfo { upload_id: "reel".to_owned(), ..about(&file) };
    let whole = || futures_util::stream::iter(messages(named(), &file));
    // The first core has a part of it.
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    let mut media = world.me().media();
    let first = tokio::spawn(async move { media.upload_media(ReceiverStream::new(receiver)).await });
    sender.send(info(named())).await.expect("taken");
    sender.send(chunk(&file[..1_000_000])).await.expect("taken");
    let get = || GetUploadRequest { upload_id: "reel".to_owned() };
    let has = async || world.me().media().get_upload(get()).await.ok().map(|upload| upload.into_inner().received_bytes);
    world.wait_for("a megabyte", async || has().await.filter(|bytes| *bytes == 1_000_000)).await;
    assert!(bucket.objects().await.is_empty(), "incomplete files stay with their core");
    // The second one does not know its bytes, says so, and takes the whole.
    let second = world.another_core("second").await;
    bucket.tried(&world, 2).await;
    let away = world.me().refused(async { second.media().get_upload(get()).await }).await;
    away.is(Code::NotFound, "UPLOAD_NOT_FOUND");
    let rest = UploadMediaInfo { offset: 1_000_000, ..named() };
    let rest = futures_util::stream::iter(messages(rest, &file[1_000_000..]));
    let gap = world.me().refused(async { second.media().upload_media(rest).await }).await;
    gap.is(Code::FailedPrecondition, "UPLOAD_OFFSET_INVALID");
    assert!(gap.message.contains("0 bytes of upload reel are stored on this core"), "{}", gap.message);
    let taken = second.media().upload_media(whole()).await.expect("taken").into_inner();
    // The first stream was not dead after all: its bytes are the same upload.
    for part in file[1_000_000..].chunks(1_000_000) {
        sender.send(chunk(part)).await.expect("taken");
    }
    drop(sender);
    let late = first.await.expect("no panic").expect("the same bytes").into_inner();
    assert_eq!((late.media_id, late.existed), (taken.media_id.clone(), true));
    let found = world.me().media().get_upload(get()).await.expect("finished").into_inner();
    assert_eq!((found.media_id, found.received_bytes), (taken.media_id, LARGE as i64));
    assert_eq!(bucket.objects().await.len(), 1);
    assert!(world.upload_files().is_empty(), "{:?}", world.upload_files());
    second.stop().await;
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resumable_upload_is_kept_until_its_bucket_takes_it() {
    let Some(bucket) = Bucket::make().await else { return };
    let mut world = bucket.world().await;
    let file = world.file("kept", LARGE).await;
    let named = UploadMediaInfo { upload_id: "reel".to_owned(), ..about(&file) };
    bucket.door(Door::Refuses);
    let sent = world.me().refused(world.me().send(messages(named.clone(), &file))).await;
    sent.is(Code::Unavailable, "STORE_UNAVAILABLE");
    world.restart().await;
    let request = GetUploadRequest { upload_id: "reel".to_owned() };
    let kept = world.me().media().get_upload(request).await.expect("kept").into_inner();
    assert_eq!((kept.received_bytes, kept.media_id.as_str()), (LARGE as i64, ""));
    bucket.door(Door::Open);
    let rest = UploadMediaInfo { offset: LARGE as i64, ..named };
    let media = world.me().send(vec![info(rest)]).await.expect("nothing is sent again");
    assert_eq!(media.sha256, sha256(&file));
    assert_eq!((bucket.objects().await.len(), world.upload_files().len()), (1, 0));
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_waits_for_its_bucket_for_hours_and_goes_out_once() {
    let Some(bucket) = Bucket::make().await else { return };
    let world = bucket.world().await;
    let me = world.me();
    let account = me.account(Login::Tiktok).await;
    let media = me.upload(&world.file("late", SMALL).await).await;
    bucket.door(Door::Away);
    let id = me.publish(&[account], uploaded(&media, "Late")).await[0];
    // More often than a post is tried again for anything else.
    for _ in 0..8 {
        world.advance(TimeDelta::minutes(20));
        let waits = |post: &Post| {
            let until = post.waiting_until.as_ref().is_some_and(|at| time(at) > world.now());
            let says = post.error.as_ref().is_some_and(|error| error.code == "STORE_UNAVAILABLE");
            until && says && post.waiting_for == "retry"
        };
        me.until_unhurried(id, "waiting", waits).await;
    }
    bucket.door(Door::Slow);
    let post = me.published(id).await;
    assert_eq!((post.attempts.len(), post.retry_count), (1, 0), "{post:#?}");
    assert_eq!(world.sim.posts()[0].sha256.as_deref(), Some(media.sha256.as_str()));
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_uploads_that_broke_off_left_in_a_bucket_is_removed_after_a_day_and_nothing_else() {
    let Some(bucket) = Bucket::make().await else { return };
    let mut world = bucket.world().await;
    let account = world.me().account(Login::Facebook).await;
    let media = world.me().upload(&world.file("kept", SMALL).await).await;
    let in_three_days = at(world.now() + TimeDelta::days(3));
    let request = schedule(&[account], uploaded(&media, "In three days"), in_three_days);
    world.me().posts().schedule_posts(request).await.expect("taken");
    let ours = bucket.objects().await.remove(0);
    let stem = "0123456789abcdef0123456789abcdef";
    let left = format!("reels/media/{stem}.mp4");
    let others = ["reels/media/notes.txt".to_owned(), format!("reels/media/deep/{stem}.mp4"), format!("{stem}.mp4")];
    for name in others.iter().chain([&left]) {
        bucket.put(name).await;
    }
    bucket.begin(&left).await;
    bucket.begin("reels/media/notes.txt").await;
    world.restart().await;
    // Moto says of each that it was begun in 2010.
    world.wait_for("the end of what was begun", async || (bucket.unfinished().await.len() == 1).then_some(())).await;
    assert_eq!(bucket.unfinished().await, ["reels/media/notes.txt"]);
    bucket.tried(&world, 2).await;
    assert_eq!(bucket.objects().await.len(), 5, "what is young may get its row yet");
    world.advance(TimeDelta::hours(25));
    world.restart().await;
    bucket.tried(&world, 4).await;
    world.wait_for("its removal", async || (!bucket.objects().await.contains(&left)).then_some(())).await;
    let mut expected = vec![ours];
    expected.extend(others);
    expected.sort();
    let mut objects = bucket.objects().await;
    objects.sort();
    assert_eq!(objects, expected);
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_from_before_the_bucket_stay_on_this_machine_and_are_posted() {
    let Some(bucket) = Bucket::make().await else { return };
    let mut world = World::start().await;
    let account = world.me().account(Login::Facebook).await;
    let before = world.me().upload(&world.file("before", SMALL).await).await;
    for (name, value) in bucket.settings() {
        world.set(name, &value);
    }
    world.restart().await;
    bucket.tried(&world, 1).await;
    let after = world.me().upload(&world.file("after", SMALL).await).await;
    assert_eq!((world.upload_files().len(), bucket.objects().await.len()), (1, 1));
    if !aurareels_tests::is_about_files("a server is backed up by its own means") {
        let file = world.backup_file("a.backup");
        let said = printed(&world, &["backup", file.to_str().expect("UTF-8")]).await;
        assert!(said.contains("1 uploads") && said.contains("those in the bucket"), "{said}");
    }
    for (media, caption) in [(&before, "Before"), (&after, "After")] {
        let id = world.me().publish(&[account], uploaded(media, caption)).await[0];
        world.me().published(id).await;
    }
    world.finish(2).await;
}

/// The most memory that a process ever had, bytes.
fn peak(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its peak");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
}

/// Waits for so many visible posts, for some minutes.
async fn visible(world: &World, count: usize) {
    let begun = Instant::now();
    while world.sim.posts().len() < count {
        assert!(begun.elapsed() < Duration::from_secs(480), "it never came");
        world.breathe().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes: half a gigabyte goes through a core that is not optimised"]
async fn half_a_gigabyte_passes_through_the_bucket_in_a_few_megabytes_of_memory() {
    const MEDIA: usize = 500_000_000;
    let Some(bucket) = Bucket::make().await else { return };
    let mut world = bucket.world().await;
    let account = world.me().account(Login::Tiktok).await;
    let file = world.file("half a gigabyte", MEDIA).await;
    world.stop_core().await;
    let served = Served::start(world.settings(), &world.http).await;
    world.speak_to(&served.url);
    // What the first upload and post of a process need is no matter of size.
    let small = world.me().upload(&world.file("small", SMALL).await).await;
    world.me().publish(&[account], uploaded(&small, "Small")).await;
    visible(&world, 1).await;
    let before = peak(served.pid());
    let media = world.me().upload(&file).await;
    let uploaded_at = peak(served.pid());
    world.me().publish(&[account], uploaded(&media, "Half a gigabyte")).await;
    visible(&world, 2).await;
    let after = peak(served.pid());
    let grown = [uploaded_at, after].map(|peak| (peak - before) / 1024 / 1024);
    println!(
        "peak before {} MiB; grown by {} MiB with the upload, {} MiB with the post",
        before / 1024 / 1024,
        grown[0],
        grown[1]
    );
    assert!(grown[1] < 96, "{grown:?} MiB");
    assert!(world.sim.posts().iter().any(|post| post.sha256.as_deref() == Some(media.sha256.as_str())));
    served.kill().await;
    world.start_core().await;
    world.finish(2).await;
}
