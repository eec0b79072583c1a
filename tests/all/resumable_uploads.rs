//! Uploads whose connections break: what arrived is kept, and the rest is sent.

use aurareels_proto::v1::{GetUploadRequest, Upload, UploadMediaInfo, UploadMediaRequest};
use aurareels_tests::{
    User, World,
    cutting::Cutter,
    uploading::{about, chunk, info, messages, sha256},
    video,
};
use chrono::TimeDelta;
use futures_util::{Stream, StreamExt, stream};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};

/// The size of the videos.
const SIZE: usize = 3_000_000;

/// Cuts of a connection.
const CUTS: usize = 10;

/// What a careful client says about a file that it may have to continue.
fn named(bytes: &[u8], upload_id: &str) -> UploadMediaInfo {
    UploadMediaInfo { upload_id: upload_id.to_owned(), ..about(bytes) }
}

async fn upload(me: &User<'_>, upload_id: &str) -> Result<Upload, Status> {
    me.media().get_upload(GetUploadRequest { upload_id: upload_id.to_owned() }).await.map(tonic::Response::into_inner)
}

/// Sends the first bytes of a file and breaks off; returns when the core has them.
async fn broken_off(me: &User<'_>, about: UploadMediaInfo, bytes: &[u8], at: usize) -> Upload {
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    let name = about.upload_id.clone();
    let offset = usize::try_from(about.offset).unwrap();
    let mut media = me.media();
    let sending = tokio::spawn(async move { media.upload_media(ReceiverStream::new(receiver)).await });
    sender.send(info(about)).await.unwrap();
    for part in bytes[offset..at].chunks(100_000) {
        sender.send(chunk(part)).await.unwrap();
    }
    let wanted = i64::try_from(at).unwrap();
    let arrived = me.world.wait_for("the bytes have arrived", async || {
        upload(me, &name).await.ok().filter(|upload| upload.received_bytes == wanted)
    });
    let arrived = arrived.await;
    sending.abort();
    arrived
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_broke_off_goes_on_where_it_ended_also_after_a_restart() {
    let mut world = World::start().await;
    let file = world.file("continued", SIZE).await;
    let there = broken_off(&world.me(), named(&file, "reel-1"), &file, 1_000_000).await;
    assert_eq!((there.size_bytes, there.media_id.as_str()), (SIZE as i64, ""));
    assert!(there.expires_at.is_some());
    let there =
        broken_off(&world.me(), UploadMediaInfo { offset: 1_000_000, ..named(&file, "reel-1") }, &file, 2_000_000)
            .await;
    assert_eq!(there.received_bytes, 2_000_000);
    world.restart().await;
    let me = world.me();
    assert_eq!(upload(&me, "reel-1").await.unwrap().received_bytes, 2_000_000);
    let rest = UploadMediaInfo { offset: 2_000_000, ..named(&file, "reel-1") };
    let media = me.send(messages(rest, &file[2_000_000..])).await.expect("the rest");
    assert_eq!((media.sha256.clone(), media.size_bytes), (sha256(&file), SIZE as i64));
    let finished = upload(&me, "reel-1").await.unwrap();
    assert_eq!((finished.media_id, finished.received_bytes), (media.media_id.clone(), SIZE as i64));
    assert_eq!(world.upload_files().len(), 1, "{:?}", world.upload_files());
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_lost_the_answer_finds_its_media_without_sending_anything() {
    let world = World::start().await;
    let me = world.me();
    let file = world.file("answered", SIZE).await;
    let about = UploadMediaInfo { sha256: String::new(), ..named(&file, "reel-2") };
    let media = me.send(messages(about.clone(), &file)).await.unwrap();
    let again = me.send(vec![info(UploadMediaInfo { offset: SIZE as i64, ..about })]).await.unwrap();
    assert_eq!((again.media_id, again.existed), (media.media_id, true));
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_stream_ends_the_first_and_takes_its_bytes_over() {
    let world = World::start().await;
    let me = world.me();
    let file = world.file("taken over", SIZE).await;
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    let mut media = me.media();
    let first = tokio::spawn(async move { media.upload_media(ReceiverStream::new(receiver)).await });
    sender.send(info(named(&file, "reel-3"))).await.unwrap();
    sender.send(chunk(&file[..500_000])).await.unwrap();
    world
        .wait_for("half a megabyte has arrived", async || {
            upload(&me, "reel-3").await.ok().filter(|upload| upload.received_bytes == 500_000)
        })
        .await;
    let rest = UploadMediaInfo { offset: 500_000, ..named(&file, "reel-3") };
    let media = me.send(messages(rest, &file[500_000..])).await.expect("the rest");
    assert_eq!(media.sha256, sha256(&file));
    let ended = first.await.unwrap().expect_err("another one came");
    assert_eq!(ended.code(), Code::Aborted, "{ended:?}");
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_continued_is_refused_with_what_to_do() {
    let world = World::start().await;
    let me = world.me();
    let file = world.file("refused", SIZE).await;
    let refused = async |messages: Vec<UploadMediaRequest>| me.refused(me.send(messages)).await;
    let begun = broken_off(&me, named(&file, "reel-4"), &file, 1_000_000).await;
    assert_eq!(begun.received_bytes, 1_000_000);
    let gap = UploadMediaInfo { offset: 1_000_001, ..named(&file, "reel-4") };
    let answer = refused(messages(gap, &file[1_000_001..])).await;
    answer.is(Code::FailedPrecondition, "UPLOAD_OFFSET_INVALID");
    assert!(answer.message.contains("1000000 bytes"), "{answer:?}");
    let unknown = UploadMediaInfo { offset: 5, ..named(&file, "reel-5") };
    refused(messages(unknown, &file[5..])).await.is(Code::FailedPrecondition, "UPLOAD_OFFSET_INVALID");
    let other = UploadMediaInfo { size_bytes: Some(7), ..named(&file, "reel-4") };
    refused(vec![info(other)]).await.names("info.size_bytes", "FIELD_MALFORMED");
    let other = UploadMediaInfo { sha256: "0".repeat(64), ..named(&file, "reel-4") };
    refused(vec![info(other)]).await.names("info.sha256", "FIELD_MALFORMED");
    let sizeless = UploadMediaInfo { size_bytes: None, ..named(&file, "reel-4") };
    refused(vec![info(sizeless)]).await.names("info.size_bytes", "FIELD_MALFORMED");
    refused(vec![info(named(&file, "a/b"))]).await.names("info.upload_id", "FIELD_MALFORMED");
    refused(vec![info(UploadMediaInfo { offset: 5, ..about(&file) })]).await.names("info.offset", "FIELD_MALFORMED");
    // A stream that ends quietly before the last byte: what came is kept.
    let early = UploadMediaInfo { offset: 1_000_000, ..named(&file, "reel-4") };
    refused(messages(early, &file[1_000_000..2_000_000])).await.is(Code::InvalidArgument, "UPLOAD_INCOMPLETE");
    assert_eq!(upload(&me, "reel-4").await.unwrap().received_bytes, 2_000_000);
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bytes_than_were_announced_end_the_upload_and_leave_nothing() {
    let world = World::start().await;
    let me = world.me();
    let (file, other) = (world.file("announced", SIZE).await, world.file("other", SIZE).await);
    broken_off(&me, named(&file, "reel-6"), &file, 1_000_000).await;
    let rest = UploadMediaInfo { offset: 1_000_000, ..named(&file, "reel-6") };
    let answer = me.refused(me.send(messages(rest, &other[1_000_000..]))).await;
    answer.is(Code::InvalidArgument, "MEDIA_HASH_MISMATCH");
    let gone = upload(&me, "reel-6").await.expect_err("forgotten");
    assert_eq!(gone.code(), Code::NotFound, "{gone:?}");
    assert_eq!(world.upload_files(), [""; 0]);
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_nobody_continues_is_forgotten_after_a_day() {
    let world = World::start().await;
    let me = world.me();
    let file = world.file("left", SIZE).await;
    broken_off(&me, named(&file, "reel-7"), &file, 1_000_000).await;
    world.advance(TimeDelta::hours(25));
    world.wait_for("the file is removed", async || world.upload_files().is_empty().then_some(())).await;
    assert_eq!(upload(&me, "reel-7").await.expect_err("forgotten").code(), Code::NotFound);
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unfinished_uploads_count_as_used_until_something_newer_needs_their_room() {
    let world = World::with(&[("AURAREELS_MEDIA_QUOTA_BYTES", "4000000")]).await;
    let me = world.me();
    let (file, newer) = (world.file("older", SIZE).await, world.file("newer", SIZE).await);
    broken_off(&me, named(&file, "reel-8"), &file, 2_000_000).await;
    me.upload(&newer).await;
    assert_eq!(upload(&me, "reel-8").await.expect_err("it made room").code(), Code::NotFound);
    assert_eq!(world.upload_files().len(), 1);
    world.finish(0).await;
}

/// A file behind a URL from a byte on, as messages.
async fn rest(world: &World, url: &str, from: i64) -> impl Stream<Item = UploadMediaRequest> + use<> {
    let ask = world.http.get(url).header("range", format!("bytes={from}-"));
    let answer = ask.send().await.expect("the media host answers").error_for_status().expect("the rest");
    stream::unfold(answer, async |mut answer| {
        let bytes = answer.chunk().await.expect("whole")?;
        Some((chunk(&bytes), answer))
    })
}

/// Uploads a video through a proxy that cuts the connection ten times, as clients do it. Answers how many bytes were
/// sent twice.
async fn cut_ten_times(size: u64) -> u64 {
    let mut world = World::start().await;
    let url = video(&world, "cut").replace("size=500000", &format!("size={size}"));
    let cutter = Cutter::start(&world.address(), size / (CUTS as u64 + 1), CUTS).await;
    world.speak_to(&cutter.url);
    let me = world.me();
    let mut about = UploadMediaInfo {
        upload_id: "reel-9".to_owned(),
        size_bytes: Some(i64::try_from(size).unwrap()),
        ..UploadMediaInfo::default()
    };
    let mut broken = 0;
    let media = loop {
        let messages = stream::iter([info(about.clone())]).chain(rest(&world, &url, about.offset).await);
        match me.media().upload_media(messages).await {
            Ok(media) => break media.into_inner(),
            Err(_) => broken += 1,
        }
        // The broken connection may take the first question along.
        let kept = world.wait_for("it is kept", async || upload(&me, "reel-9").await.ok()).await;
        about.offset = kept.received_bytes;
    };
    assert_eq!((broken, cutter.left()), (CUTS, 0));
    assert_eq!(u64::try_from(media.size_bytes).unwrap(), size);
    assert_eq!([media.sha256], *aurareels_simulator::sha256_of(&url).unwrap());
    assert_eq!(world.upload_files().len(), 1);
    let twice = cutter.passed() - size;
    world.finish(0).await;
    twice
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_cut_ten_times_arrives_once_with_little_sent_twice() {
    let twice = cut_ten_times(22_000_000).await;
    // What was on its way when the connection was cut.
    assert!(twice / (CUTS as u64) < 1_500_000, "{twice} bytes were sent twice");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "four gigabytes: cargo xtask test --full"]
async fn four_gigabytes_that_are_cut_ten_times_arrive_once_with_little_sent_twice() {
    const SIZE: u64 = 4_000_000_000;
    let twice = cut_ten_times(SIZE).await;
    println!("{twice} of {SIZE} bytes were sent twice");
    assert!(twice < SIZE / 20, "{twice} of {SIZE} bytes were sent twice");
}
