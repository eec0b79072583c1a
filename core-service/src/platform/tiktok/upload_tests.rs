//! Uploads against a small server: ranges, streaming, resync, and what is known when a connection breaks.

use serde_json::json;

use super::options::TiktokTransfer;
use super::{
    Tiktok,
    course::{self, UPLOAD, UPLOAD_DEAD, UPLOAD_LAST},
    fixtures::{Act, Rows, Seen, Server, closed_port, content, init_handle, stage},
};
use crate::{
    domain::{
        failure::{FailureClass, Reason},
        ledger::{Handle, StepClass, StepOutcome},
    },
    platform::{
        Call, NotBefore, Outcome, PlatformClient, Step,
        stand_in::{Held, Stage},
    },
};

/// 35 bytes in chunks of ten: three chunks, the last of fifteen.
const SIZE: usize = 35;

fn scene() -> Stage {
    stage(content("PUBLIC", TiktokTransfer::FileUpload), SIZE)
}

fn handle(server: &Server) -> Handle {
    init_handle(&scene().post.content, SIZE as u64, 10, &server.upload_url())
}

fn step(kind: &'static str, class: StepClass, handle: Handle) -> Step {
    Step { kind, class, not_before: NotBefore::Prepare, timeout: std::time::Duration::from_secs(60), handle }
}

async fn upload(tiktok: &Tiktok, call: &Call<'_>, handle: Handle) -> Outcome {
    tiktok.run(call, &step(UPLOAD, StepClass::Resumable, handle)).await
}

async fn upload_last(tiktok: &Tiktok, call: &Call<'_>, handle: Handle) -> Outcome {
    tiktok.run(call, &step(UPLOAD_LAST, StepClass::PointOfNoReturn, handle.with("uploaded", 20))).await
}

fn uploaded(outcome: &Outcome) -> u64 {
    match outcome {
        Outcome::Accepted { handle, .. } => course::uploaded(handle),
        other => panic!("not accepted: {other:?}"),
    }
}

fn status(word: &str, bytes: u64) -> Act {
    Act::ok(json!({ "status": word, "uploaded_bytes": bytes, "publicaly_available_post_id": [] }))
}

/// Answers chunks as TikTok does, with the last index in the header.
fn accept(seen: &Seen) -> Act {
    let range = seen.range().unwrap();
    let last = range.split(['-', '/']).nth(1).unwrap();
    let status = if last == "34" { 201 } else { 206 };
    Act::put(status, &format!("bytes 0-{last}/35"))
}

#[tokio::test]
async fn all_chunks_but_the_last_are_streamed_in_order() {
    let server = Server::start(|seen, _| accept(seen)).await;
    let (tiktok, scene) = (server.tiktok(), scene());
    let outcome = upload(&tiktok, &scene.call(), handle(&server).with("resume", false)).await;
    assert_eq!(uploaded(&outcome), 20);
    let puts = server.puts();
    let ranges: Vec<_> = puts.iter().filter_map(Seen::range).collect();
    assert_eq!(ranges, ["bytes 0-9/35", "bytes 10-19/35"]);
    assert_eq!(puts.iter().flat_map(|put| put.body.clone()).collect::<Vec<_>>(), scene.video.bytes[..20]);
    for put in &puts {
        assert_eq!(put.headers["content-type"], "video/mp4");
        assert_eq!(put.headers["content-length"], "10");
        assert!(!put.headers.contains_key("authorization"), "the URL is the credential");
        assert!(!put.headers.contains_key("transfer-encoding"));
        assert_eq!(put.path, "/upload/?upload_id=1&upload_token=canary-upload");
    }
    let progress = scene.progress.0.lock().unwrap().clone();
    assert_eq!(progress.first(), Some(&(4, 35)), "told by pieces, not by chunks");
    assert_eq!(progress.last(), Some(&(20, 35)));

    let outcome = upload_last(&tiktok, &scene.call(), handle(&server)).await;
    assert_eq!(uploaded(&outcome), 35);
    let last = server.puts().pop().unwrap();
    assert_eq!(last.range(), Some("bytes 20-34/35"));
    assert_eq!(last.body, scene.video.bytes[20..]);
    assert!(!format!("{outcome:?}").contains("canary"));
}

#[tokio::test]
async fn a_run_that_was_broken_off_goes_on_where_tiktok_stands() {
    let server =
        Server::start(|seen, _| if seen.method == "PUT" { accept(seen) } else { status("PROCESSING_UPLOAD", 10) })
            .await;
    let (tiktok, scene) = (server.tiktok(), scene());
    let outcome = upload(&tiktok, &scene.call(), handle(&server).with("resume", true)).await;
    assert_eq!(uploaded(&outcome), 20);
    let ranges: Vec<_> = server.puts().iter().filter_map(|put| put.range().map(str::to_owned)).collect();
    assert_eq!(ranges, ["bytes 10-19/35"]);
}

#[tokio::test]
async fn a_finished_or_failed_upload_is_not_sent_again() {
    for (word, bytes, expected) in [
        ("PROCESSING_UPLOAD", 35, None),
        ("PUBLISH_COMPLETE", 35, Some("PUBLISH_COMPLETE")),
        ("FAILED", 10, Some("FAILED")),
    ] {
        let server = Server::start(move |_, _| status(word, bytes)).await;
        let outcome = upload(&server.tiktok(), &scene().call(), handle(&server).with("resume", true)).await;
        assert_eq!(uploaded(&outcome), 35);
        let Outcome::Accepted { handle, .. } = outcome else { unreachable!() };
        assert_eq!(handle.text("status"), expected);
        assert!(server.puts().is_empty());
    }
}

#[tokio::test]
async fn a_range_mismatch_is_resynced_by_the_status() {
    let server = Server::start(|seen, number| match (seen.method.as_str(), number) {
        ("PUT", 0) => Act::put(416, "bytes 0-9/35"),
        ("PUT", _) => accept(seen),
        _ => status("PROCESSING_UPLOAD", 10),
    })
    .await;
    let outcome = upload(&server.tiktok(), &scene().call(), handle(&server)).await;
    assert_eq!(uploaded(&outcome), 20);
    let ranges: Vec<_> = server.puts().iter().filter_map(|put| put.range().map(str::to_owned)).collect();
    assert_eq!(ranges, ["bytes 0-9/35", "bytes 10-19/35"]);
}

#[tokio::test]
async fn a_range_mismatch_is_resynced_by_the_header_when_the_status_is_away() {
    // TikTok does not say whether the number is a count or the last index: both readings lead to the same chunk.
    for told in ["bytes 0-9/35", "bytes 0-10/35"] {
        let server = Server::start(move |seen, number| match (seen.method.as_str(), number) {
            ("PUT", 0) => Act::put(416, told),
            ("PUT", _) => accept(seen),
            _ => Act::error(500, "internal_error"),
        })
        .await;
        let outcome = upload(&server.tiktok(), &scene().call(), handle(&server)).await;
        assert_eq!(uploaded(&outcome), 20, "{told}");
        assert_eq!(server.puts()[1].range(), Some("bytes 10-19/35"));
    }
}

#[tokio::test]
async fn an_endless_mismatch_ends_the_run() {
    let server =
        Server::start(|seen, _| if seen.method == "PUT" { Act::put(416, "") } else { status("PROCESSING_UPLOAD", 0) })
            .await;
    let outcome = upload(&server.tiktok(), &scene().call(), handle(&server)).await;
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    assert_eq!(server.puts().len(), 3);
}

#[tokio::test]
async fn a_dead_url_is_said_so() {
    for code in [403, 404] {
        let server = Server::start(move |_, _| Act::put(code, "")).await;
        let (tiktok, scene) = (server.tiktok(), scene());
        let outcome = upload(&tiktok, &scene.call(), handle(&server)).await;
        let Outcome::NoEffect { failure, evidence } = outcome else { panic!("{outcome:?}") };
        assert_eq!((failure.class, &evidence.0.at(UPLOAD_DEAD)), (FailureClass::Transient, &true.into()));
    }
    let server = Server::start(|_, _| Act::error(400, "invalid_publish_id")).await;
    let outcome = upload(&server.tiktok(), &scene().call(), handle(&server).with("resume", true)).await;
    let Outcome::NoEffect { evidence, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(evidence.0.at(UPLOAD_DEAD), true);
}

#[tokio::test]
async fn server_trouble_and_silence_in_the_middle_are_unknown() {
    for act in [|| Act::put(503, ""), || Act::Cut, || Act::put(200, ""), || Act::put(201, "")] {
        let server = Server::start(move |_, _| act()).await;
        let outcome = upload(&server.tiktok(), &scene().call(), handle(&server)).await;
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
        assert_eq!(server.puts().len(), 1, "nothing is repeated without knowing where TikTok stands");
    }
}

#[tokio::test]
async fn an_interruption_in_the_middle_goes_on_where_tiktok_stands() {
    for act in [|| Act::put(503, ""), || Act::Cut, || Act::CutAfter(5)] {
        for stands in [0, 10] {
            let server = Server::start(move |seen, number| match (seen.method.as_str(), number) {
                ("PUT", 0) => act(),
                ("PUT", _) => accept(seen),
                _ => status("PROCESSING_UPLOAD", stands),
            })
            .await;
            assert_eq!(uploaded(&upload(&server.tiktok(), &scene().call(), handle(&server)).await), 20);
            assert!(server.puts()[1].range().unwrap().starts_with(&format!("bytes {stands}-")));
        }
    }
}

#[tokio::test]
async fn when_tiktok_has_it_all_nothing_more_is_sent() {
    let server = Server::start(|seen, _| accept(seen)).await;
    let step = step(UPLOAD_LAST, StepClass::PointOfNoReturn, handle(&server).with("uploaded", 35));
    let outcome = server.tiktok().run(&scene().call(), &step).await;
    assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_lost_answer_to_the_last_byte_is_unknown() {
    for act in [
        || Act::Cut,
        || Act::put(503, ""),
        || Act::put(206, ""),
        || Act::Answer(200, String::new(), "<html>".to_owned()),
    ] {
        let server = Server::start(move |_, _| act()).await;
        let outcome = upload_last(&server.tiktok(), &scene().call(), handle(&server)).await;
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
        assert_eq!(server.puts().len(), 1);
        assert_eq!(server.puts()[0].body.len(), 15);
    }
}

#[tokio::test]
async fn a_silent_server_ends_with_the_steps_own_timeout() {
    let server = Server::start(|_, _| Act::Silent).await;
    let handle = handle(&server).with("uploaded", 20);
    let mut step = step(UPLOAD_LAST, StepClass::PointOfNoReturn, handle);
    step.timeout = std::time::Duration::from_millis(200);
    let outcome = server.tiktok().run(&scene().call(), &step).await;
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_last_chunk_whose_last_byte_stayed_here_had_no_effect() {
    // The source breaks.
    let server = Server::start(|seen, _| accept(seen)).await;
    let mut broken = scene();
    broken.video.breaks_at = Some(30);
    let outcome = upload_last(&server.tiktok(), &broken.call(), handle(&server)).await;
    let Outcome::NoEffect { failure, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!((failure.class, failure.reason), (FailureClass::Transient, Reason::MediaUnreachable));
    assert!(server.puts().iter().all(|put| put.body.len() < 15));

    // The claim ends before the request, or while it runs.
    for questions in [0, 1, 2] {
        let mut late = scene();
        late.lease = Held(questions.into());
        let outcome = upload_last(&server.tiktok(), &late.call(), handle(&server)).await;
        let Outcome::NoEffect { failure, .. } = outcome else { panic!("{questions}: {outcome:?}") };
        assert_eq!(failure.reason, Reason::ConcurrentChange);
        assert!(server.puts().iter().all(|put| put.body.len() < 15), "{questions}");
    }

    // Nobody is there.
    let gone = handle(&server).with("upload_url", closed_port());
    let outcome = upload_last(&server.tiktok(), &scene().call(), gone).await;
    assert!(matches!(outcome, Outcome::NoEffect { .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_large_last_chunk_that_the_server_cut_off_early_had_no_effect() {
    // 32 MB do not fit into the sockets' buffers, so the cut is met before the last byte is handed over.
    const LARGE: usize = 32_000_000;
    let server = Server::start(|_, _| Act::CutAfter(1000)).await;
    let mut scene = stage(content("PUBLIC", TiktokTransfer::FileUpload), LARGE);
    scene.video.piece = 65_536;
    let handle = init_handle(&scene.post.content, LARGE as u64, LARGE as u64, &server.upload_url()).with("uploaded", 0);
    let outcome =
        server.tiktok().run(&scene.call(), &step(UPLOAD_LAST, StepClass::PointOfNoReturn, handle.clone())).await;
    let Outcome::NoEffect { evidence, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(evidence.0.at("last_byte_sent"), false);

    let server = Server::start(|_, _| Act::Early(403)).await;
    let handle = handle.with("upload_url", server.upload_url());
    let outcome = server.tiktok().run(&scene.call(), &step(UPLOAD_LAST, StepClass::PointOfNoReturn, handle)).await;
    assert!(matches!(outcome, Outcome::NoEffect { .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_refusal_of_the_last_byte_is_a_claim_and_a_second_one_gives_the_url_up() {
    for code in [400, 403, 404, 416] {
        let server = Server::start(move |_, _| Act::put(code, "")).await;
        let mut scene = scene();
        let outcome = upload_last(&server.tiktok(), &scene.call(), handle(&server)).await;
        let Outcome::Refused { evidence, .. } = outcome else { panic!("{code}: {outcome:?}") };
        assert!(!evidence.0.contains_key(UPLOAD_DEAD), "{code}: the same URL is tried again");
        let class = StepClass::PointOfNoReturn;
        let first = Rows::default().add(UPLOAD_LAST, class, Some(StepOutcome::Absent), handle(&server));
        let first = first.with(|entry| entry.evidence = evidence.clone());
        scene.ledger = first.add(UPLOAD_LAST, class, None, handle(&server)).ledger();
        let outcome = upload_last(&server.tiktok(), &scene.call(), handle(&server)).await;
        let Outcome::Refused { evidence, .. } = outcome else { panic!("{code}: {outcome:?}") };
        assert_eq!(evidence.0.contains_key(UPLOAD_DEAD), matches!(code, 403 | 404), "{code}");
    }
}

#[tokio::test]
async fn an_upload_answered_as_complete_with_fewer_bytes_is_not_believed() {
    let server = Server::start(|_, _| Act::put(201, "bytes 0-19/35")).await;
    let outcome = upload_last(&server.tiktok(), &scene().call(), handle(&server)).await;
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    for whole in ["bytes 0-34/35", "bytes 0-35/35", ""] {
        let server = Server::start(move |_, _| Act::put(201, whole)).await;
        let outcome = upload_last(&server.tiktok(), &scene().call(), handle(&server)).await;
        assert_eq!(uploaded(&outcome), 35, "{whole}");
    }
}

#[tokio::test]
async fn every_last_chunk_has_a_connection_of_its_own() {
    let server = Server::start(|seen, _| accept(seen)).await;
    let tiktok = server.tiktok();
    for _ in 0..2 {
        assert_eq!(uploaded(&upload_last(&tiktok, &scene().call(), handle(&server)).await), 35);
    }
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_video_of_another_size_is_not_mixed_into_the_upload() {
    let server = Server::start(|seen, _| accept(seen)).await;
    let mut scene = scene();
    scene.video.bytes.push(0);
    let outcome = upload(&server.tiktok(), &scene.call(), handle(&server)).await;
    let Outcome::NoEffect { evidence, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(evidence.0.at(UPLOAD_DEAD), true, "a new init takes the new size");
    assert!(server.puts().is_empty());
}

#[tokio::test]
async fn a_piece_of_the_last_chunk_may_be_there_already() {
    let server = Server::start(|seen, _| accept(seen)).await;
    let handle = handle(&server).with("uploaded", 27);
    let step = step(UPLOAD_LAST, StepClass::PointOfNoReturn, handle);
    assert_eq!(uploaded(&server.tiktok().run(&scene().call(), &step).await), 35);
    assert_eq!(server.puts()[0].range(), Some("bytes 27-34/35"));
}

#[tokio::test]
async fn chunks_of_a_replaced_video_are_not_sent_and_the_upload_is_given_up() {
    let server = Server::start(|seen, _| accept(seen)).await;
    let (tiktok, mut scene) = (server.tiktok(), scene());
    scene.video.replaced_after = Some(1);
    let outcome = upload(&tiktok, &scene.call(), handle(&server).with("resume", false)).await;
    is_given_up(&outcome);
    assert_eq!(server.puts().len(), 1, "the first chunk, of the old file");
}

#[tokio::test]
async fn a_resumed_upload_of_a_replaced_video_is_given_up_before_a_byte_leaves() {
    let server = Server::start(|seen, _| accept(seen)).await;
    let (tiktok, mut scene) = (server.tiktok(), scene());
    (scene.video.replaced_after, scene.video.names_versions) = (Some(0), false);
    is_given_up(&upload(&tiktok, &scene.call(), handle(&server).with("resume", true)).await);
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn the_last_byte_stays_here_where_only_the_bytes_tell_that_the_video_was_replaced() {
    let server = Server::start(|seen, _| accept(seen)).await;
    let (tiktok, mut scene) = (server.tiktok(), scene());
    (scene.video.replaced_after, scene.video.names_versions) = (Some(1), false);
    is_given_up(&upload_last(&tiktok, &scene.call(), handle(&server)).await);
    let sent: usize = server.puts().iter().map(|put| put.body.len()).sum();
    assert!(sent < 15, "{sent} bytes");
}

#[tokio::test]
async fn an_upload_whose_version_was_not_kept_begins_anew() {
    let server = Server::start(|seen, _| accept(seen)).await;
    let (tiktok, scene) = (server.tiktok(), scene());
    let mut old = handle(&server).with("resume", true);
    old.0.remove(course::VIDEO);
    for outcome in [upload(&tiktok, &scene.call(), old.clone()).await, upload_last(&tiktok, &scene.call(), old).await] {
        let Outcome::NoEffect { evidence, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!(evidence.0.at(UPLOAD_DEAD), true);
    }
    assert!(server.seen().is_empty());
}

fn is_given_up(outcome: &Outcome) {
    let Outcome::NoEffect { failure, evidence } = outcome else { panic!("{outcome:?}") };
    assert_eq!((failure.reason, failure.class.clone()), (Reason::VideoChanged, FailureClass::Transient));
    assert_eq!(evidence.0.at(UPLOAD_DEAD), true, "{evidence:?}");
}
