//! What the upload sends, and what becomes of its answers.

use serde_json::{Value, json};

use super::*;
use crate::{
    domain::platform::LoginFlavour,
    platform::{
        PlatformClient,
        instagram::{
            course::{self, Transfer},
            stand_in::{self, Book, CONTAINER_ID, PAGE_TOKEN, Server, graph_error, of_container, post},
        },
        stand_in::Stage,
    },
};

/// A container that is uploaded to this server.
fn stage_of(server: &Server, offset: Option<u64>) -> Stage {
    let book = Book::default().container(CONTAINER_ID, &post().content, Transfer::Resumable);
    let book = match offset {
        None => book,
        Some(offset) => book
            .add(course::UPLOAD, Some(crate::domain::ledger::StepOutcome::Unknown), of_container(CONTAINER_ID))
            .ok(course::UPLOAD_OFFSET, of_container(CONTAINER_ID).with(name::OFFSET, offset)),
    };
    let mut stage = stand_in::stage(LoginFlavour::FacebookLogin, &book);
    let uri = format!("{}ig-api-upload/v25.0/{CONTAINER_ID}", server.url);
    let mut entries = stage.ledger.entries().to_vec();
    entries[0].handle = entries[0].handle.clone().with(name::URI, uri);
    stage.ledger = crate::domain::ledger::Ledger::new(entries);
    stage
}

async fn run(server: &Server, stage: &Stage) -> Outcome {
    server.client().run(&stage.call(), &stage.step()).await
}

#[tokio::test]
async fn an_upload_sends_every_byte_with_its_headers() {
    let server = Server::start(vec![(200, json!({"success": true, "message": "ok"}))]).await;
    let stage = stage_of(&server, None);
    let Outcome::Accepted { handle, .. } = run(&server, &stage).await else { panic!() };
    assert_eq!(handle.text(name::UPLOAD_STATE), Some(state::COMPLETE));
    let asked = &server.asked()[0];
    assert_eq!(asked.line, format!("POST /ig-api-upload/v25.0/{CONTAINER_ID}"));
    assert_eq!(asked.header("authorization"), format!("OAuth {PAGE_TOKEN}"));
    assert_eq!((asked.header("offset"), asked.header("file_size")), ("0", "5000"));
    assert_eq!((asked.header("content-length"), asked.header("transfer-encoding")), ("5000", ""));
    assert_eq!(asked.body, stage.video.bytes);
    let seen = stage.progress.0.lock().unwrap();
    assert_eq!(seen.last(), Some(&(5000, 5000)));
    assert_eq!(seen.len(), 5, "piece by piece");
}

#[tokio::test]
async fn an_upload_goes_on_from_its_offset() {
    let server = Server::start(vec![(200, json!({"success": true}))]).await;
    let stage = stage_of(&server, Some(4096));
    assert!(matches!(run(&server, &stage).await, Outcome::Accepted { .. }));
    let asked = &server.asked()[0];
    assert_eq!((asked.header("offset"), asked.header("file_size")), ("4096", "5000"));
    assert_eq!(asked.header("content-length"), "904");
    assert_eq!(asked.body, stage.video.bytes[4096..]);
}

#[tokio::test]
async fn an_offset_beyond_the_video_begins_anew() {
    let server = Server::start(vec![]).await;
    let Outcome::Accepted { handle, .. } = run(&server, &stage_of(&server, Some(5000))).await else { panic!() };
    assert_eq!(handle.text(name::UPLOAD_STATE), Some(state::LOST));
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_source_that_breaks_off_leaves_an_unknown_upload() {
    let server = Server::start(vec![(200, json!({"success": true}))]).await;
    let mut stage = stage_of(&server, None);
    stage.video.breaks_at = Some(3000);
    let Outcome::Unknown { evidence } = run(&server, &stage).await else { panic!() };
    assert!(evidence.0.at("source").as_str().unwrap().contains("could not be read"), "{evidence:?}");
}

#[tokio::test]
async fn answers_of_the_upload_host() {
    let upload = async |answer: (u16, Value)| {
        let server = Server::start(vec![answer]).await;
        run(&server, &stage_of(&server, None)).await
    };
    let debug = |kind: &str| json!({"debug_info": {"retriable": false, "type": kind, "message": "{\"x\":1}"}});
    assert!(matches!(upload((400, debug("ProcessingFailedError"))).await, Outcome::Unknown { .. }));
    for answer in [(401, debug("NotAuthorizedError")), (401, Value::Null), graph_error(190, None)] {
        let Outcome::NoEffect { failure, .. } = upload(answer).await else { panic!() };
        assert_eq!(failure.class, FailureClass::AuthExpired);
    }
    for answer in [
        (500, json!({})),
        (200, json!({})),
        (200, json!({"success": false})),
        (502, json!("html")),
        graph_error(1, None),
    ] {
        let outcome = upload(answer.clone()).await;
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{answer:?}: {outcome:?}");
    }
}

#[tokio::test]
async fn how_far_an_upload_came_is_read_from_the_container() {
    let book = Book::default().container(CONTAINER_ID, &post().content, Transfer::Resumable).add(
        course::UPLOAD,
        None,
        of_container(CONTAINER_ID).with(name::OFFSET, 0),
    );
    let read = async |answer: (u16, Value)| {
        let server = Server::start(vec![answer]).await;
        let stage = stand_in::stage(LoginFlavour::FacebookLogin, &book);
        let outcome = run(&server, &stage).await;
        assert_eq!(server.asked()[0].field("fields").as_deref(), Some("id,status_code,video_status"));
        outcome
    };
    let handle = |outcome| match outcome {
        Outcome::Accepted { handle, .. } => handle,
        other => panic!("{other:?}"),
    };
    let phase = |phase: Value| (200, json!({"status_code": "IN_PROGRESS", "video_status": {"uploading_phase": phase}}));
    let known = handle(read(phase(json!({"status": "in_progress", "bytes_transferred": 1234}))).await);
    assert_eq!(known.number(name::OFFSET), Some(1234));
    let done = handle(read(phase(json!({"status": "complete"}))).await);
    assert_eq!(done.text(name::UPLOAD_STATE), Some(state::COMPLETE));
    let done = handle(read((200, json!({"status_code": "FINISHED"}))).await);
    assert_eq!(done.text(name::UPLOAD_STATE), Some(state::COMPLETE));
    for nothing in [(200, json!({"status_code": "IN_PROGRESS"})), graph_error(100, None), graph_error(100, Some(33))] {
        assert_eq!(handle(read(nothing).await).text(name::UPLOAD_STATE), Some(state::LOST));
    }
    assert!(matches!(read(graph_error(190, None)).await, Outcome::NoEffect { .. }));
    assert!(matches!(read((502, json!(""))).await, Outcome::NoEffect { .. }));
}

#[tokio::test]
async fn an_upload_of_a_replaced_video_is_lost_and_its_last_byte_stays_here() {
    for (offset, replaced_after, names_versions) in
        [(None, 0, true), (None, 1, false), (Some(4096), 0, true), (Some(4096), 0, false), (Some(4096), 1, false)]
    {
        let server = Server::start(vec![(200, json!({"success": true}))]).await;
        let mut stage = stage_of(&server, offset);
        stage.video.replaced_after = Some(replaced_after);
        stage.video.names_versions = names_versions;
        let Outcome::Accepted { handle, evidence } = run(&server, &stage).await else { panic!() };
        assert_eq!(handle.text(name::UPLOAD_STATE), Some(state::LOST), "{offset:?} {names_versions} {evidence:?}");
        assert!(evidence.0.at("source").as_str().unwrap().contains("replaced"), "{evidence:?}");
        let complete = server.asked().iter().any(|asked| asked.body.len() as u64 == 5000 - offset.unwrap_or(0));
        assert!(!complete, "not every byte left");
    }
}

#[tokio::test]
async fn an_upload_whose_version_was_not_kept_does_not_go_on_from_an_offset() {
    let server = Server::start(vec![(200, json!({"success": true}))]).await;
    let forget = |mut stage: Stage| {
        let mut entries = stage.ledger.entries().to_vec();
        entries[0].handle.0.remove(name::VIDEO);
        stage.ledger = crate::domain::ledger::Ledger::new(entries);
        stage
    };
    let Outcome::Accepted { handle, .. } = run(&server, &forget(stage_of(&server, Some(4096)))).await else { panic!() };
    assert_eq!(handle.text(name::UPLOAD_STATE), Some(state::LOST));
    assert!(server.asked().is_empty());
    let Outcome::Accepted { handle, .. } = run(&server, &forget(stage_of(&server, None))).await else { panic!() };
    assert_eq!(handle.text(name::UPLOAD_STATE), Some(state::COMPLETE), "from the front nothing can be mixed");
}
