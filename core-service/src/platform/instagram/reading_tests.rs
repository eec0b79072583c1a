//! The table of the sheet's §9, as a table and against a server with scripted answers.

use serde_json::{Value, json};

use super::*;
use crate::{
    domain::{failure::Reason, ledger::StepOutcome, platform::LoginFlavour},
    platform::{
        PlatformClient,
        instagram::stand_in::{self, Book, CONTAINER_ID, IG_ID, Server, at, graph_error, of_container, post},
        stand_in::Stage,
    },
};

#[test]
fn every_reading_leads_where_the_sheet_says() {
    use ContainerStatus as C;
    let ours = || Listed::Ours(Handle::default().with(name::MEDIA_ID, "180"));
    let containers =
        [Some(C::InProgress), Some(C::Finished), Some(C::Published), Some(C::Error), Some(C::Expired), None];
    for container in containers {
        match (container, conclude(container, ours(), Evidence::new())) {
            (Some(C::Published) | None, Lookup::Found { handle, .. }) => {
                assert_eq!(handle.text(name::MEDIA_ID), Some("180"));
            }
            // Unpublished by its own word: a stranger's equal reel, or a word that comes late.
            (Some(C::InProgress | C::Finished | C::Error | C::Expired), Lookup::CannotTell { hopeless: false, .. }) => {
            }
            (container, lookup) => panic!("{container:?}: {lookup:?}"),
        }
    }
    let word = |container, listed| match conclude(container, listed, Evidence::new()) {
        Lookup::Found { handle, .. } => {
            assert_eq!(handle.text(name::MEDIA_ID), None);
            "found"
        }
        Lookup::Absent { handle_dead: false, .. } => "absent",
        Lookup::Absent { handle_dead: true, .. } => "dead",
        Lookup::Pending { .. } => "pending",
        Lookup::CannotTell { hopeless: false, .. } => "cannot tell",
        Lookup::CannotTell { hopeless: true, .. } => "hopeless",
        Lookup::Failed(_) => "failed",
    };
    let table = [
        (Some(C::InProgress), "pending", "pending", "pending"),
        (Some(C::Finished), "absent", "cannot tell", "cannot tell"),
        (Some(C::Published), "found", "found", "found"),
        (Some(C::Error), "dead", "cannot tell", "cannot tell"),
        (Some(C::Expired), "dead", "cannot tell", "cannot tell"),
        (None, "cannot tell", "cannot tell", "cannot tell"),
    ];
    for (container, nothing, perhaps, unread) in table {
        assert_eq!(word(container, Listed::Nothing), nothing, "{container:?}, nothing listed");
        assert_eq!(word(container, Listed::Perhaps(2)), perhaps, "{container:?}, unsure");
        assert_eq!(word(container, Listed::Unread), unread, "{container:?}, list unread");
    }
}

fn open() -> Book {
    Book::ready(&post().content).publish(CONTAINER_ID, Some(StepOutcome::Unknown))
}

/// The publish of [`open`] was sent at second 240.
fn listed(id: &str, caption: &str, seconds: i64) -> Value {
    json!({"id": id, "caption": caption, "media_type": "VIDEO", "permalink": format!("https://i.example/reel/{id}/"),
        "timestamp": at(seconds).format("%Y-%m-%dT%H:%M:%S+0000").to_string()})
}

fn list(media: &[Value]) -> (u16, Value) {
    (200, json!({ "data": media }))
}

fn container(status: &str) -> (u16, Value) {
    (200, json!({"id": CONTAINER_ID, "status_code": status}))
}

async fn read_with(server: &Server, stage: &Stage, book: &Book) -> Lookup {
    server.client().reconcile(&stage.call(), book.last()).await
}

async fn read(answers: Vec<(u16, Value)>) -> Lookup {
    let book = open();
    let server = Server::start(answers).await;
    let lookup = read_with(&server, &stand_in::stage(LoginFlavour::InstagramLogin, &book), &book).await;
    assert!(server.lines().iter().all(|line| line.starts_with("GET ")), "reading only");
    lookup
}

#[tokio::test]
async fn a_lost_answer_is_found_by_the_list() {
    let book = open();
    let foreign = listed("190", "someone else's", 260);
    let server = Server::start(vec![
        container("PUBLISHED"),
        (200, json!({"data": [foreign], "paging": {"cursors": {"after": "p2"}, "next": "https://x"}})),
        list(&[listed("180", "a walk with bob #dogs", 250), listed("1", "a walk with bob #dogs", 239)]),
    ])
    .await;
    let stage = stand_in::stage(LoginFlavour::InstagramLogin, &book);
    let Lookup::Found { handle, evidence } = read_with(&server, &stage, &book).await else { panic!() };
    assert_eq!(handle.text(name::MEDIA_ID), Some("180"), "not the newest, and not the one that was there before");
    assert_eq!(handle.text(name::PERMALINK), Some("https://i.example/reel/180/"));
    assert!(!format!("{evidence:?}").contains("http"), "no url in evidence");
    let asked = server.asked();
    assert_eq!(asked[1].line, format!("GET /v25.0/{IG_ID}/media"));
    assert_eq!(asked[1].field("since"), Some((at(240) - BEFORE).timestamp().to_string()));
    assert_eq!(asked[2].field("after").as_deref(), Some("p2"));
}

#[tokio::test]
async fn siblings_and_twins_are_not_taken_for_ours() {
    let book = open();
    let answers = || vec![container("PUBLISHED"), list(&[listed("180", "a walk with @bob #dogs", 250)])];
    let mut stage = stand_in::stage(LoginFlavour::InstagramLogin, &book);
    stage.bound_platform_ids = vec!["180".into()];
    let server = Server::start(answers()).await;
    let Lookup::Found { handle, .. } = read_with(&server, &stage, &book).await else { panic!() };
    assert_eq!(handle.text(name::MEDIA_ID), None, "live, link unknown");
    let mut stage = stand_in::stage(LoginFlavour::InstagramLogin, &book);
    stage.same_caption_in_flight = true;
    let server = Server::start(answers()).await;
    let Lookup::Found { handle, .. } = read_with(&server, &stage, &book).await else { panic!() };
    assert_eq!(handle.text(name::MEDIA_ID), None);
}

#[tokio::test]
async fn absence_needs_the_list_too() {
    let lookup = read(vec![container("FINISHED"), list(&[])]).await;
    assert!(matches!(lookup, Lookup::Absent { handle_dead: false, .. }), "{lookup:?}");
    let lookup = read(vec![container("EXPIRED"), list(&[])]).await;
    assert!(matches!(lookup, Lookup::Absent { handle_dead: true, .. }), "{lookup:?}");
    let lookup = read(vec![container("FINISHED"), graph_error(2, None)]).await;
    assert!(matches!(lookup, Lookup::Failed(_)), "{lookup:?}");
    let lookup = read(vec![container("PUBLISHED"), graph_error(2, None)]).await;
    assert!(matches!(lookup, Lookup::Found { .. }), "published stands alone: {lookup:?}");
}

#[tokio::test]
async fn a_strangers_equal_reel_is_not_taken_for_an_unpublished_container() {
    for word in ["FINISHED", "IN_PROGRESS", "ERROR", "EXPIRED"] {
        let lookup = read(vec![container(word), list(&[listed("180", "a walk with @bob #dogs", 250)])]).await;
        let Lookup::CannotTell { hopeless: false, evidence } = lookup else { panic!("{word}: {lookup:?}") };
        assert_eq!((&evidence.0.at("status_code"), &evidence.0.at("match")), (&json!(word), &json!("180")));
    }
}

#[tokio::test]
async fn an_unreadable_container_leaves_the_list() {
    let lookup = read(vec![graph_error(100, Some(33)), list(&[listed("180", "a walk with @bob #dogs", 250)])]).await;
    assert!(matches!(lookup, Lookup::Found { .. }), "{lookup:?}");
    for unreadable in
        [graph_error(100, Some(33)), graph_error(1, None), graph_error(24, Some(2_207_008)), (502, json!(""))]
    {
        let lookup = read(vec![unreadable, list(&[])]).await;
        assert!(matches!(lookup, Lookup::CannotTell { hopeless: false, .. }), "{lookup:?}");
    }
}

#[tokio::test]
async fn a_dead_token_or_a_throttle_is_said_at_once() {
    let Lookup::Failed(failure) = read(vec![graph_error(190, None)]).await else { panic!() };
    assert_eq!(failure.reason, Reason::TokenInvalid);
    let Lookup::Failed(failure) = read(vec![graph_error(80002, None)]).await else { panic!() };
    assert_eq!(failure.class, FailureClass::RateLimited { until: None });
}

fn live() -> Book {
    Book::ready(&post().content).ok(course::PUBLISH, of_container(CONTAINER_ID).with(name::MEDIA_ID, "180"))
}

async fn link(book: &Book, answers: Vec<(u16, Value)>, later: chrono::TimeDelta) -> Outcome {
    let server = Server::start(answers).await;
    let mut stage = stand_in::stage(LoginFlavour::InstagramLogin, book);
    stage.now += later;
    server.client().run(&stage.call(), &stage.step()).await
}

#[tokio::test]
async fn the_link_comes_from_the_node_or_from_the_list() {
    let soon = chrono::TimeDelta::zero();
    let node = (200, json!({"id": "180", "permalink": "https://i.example/reel/180/"}));
    let Outcome::Accepted { handle, evidence } = link(&live(), vec![node], soon).await else { panic!() };
    assert_eq!(handle.text(name::PERMALINK), Some("https://i.example/reel/180/"));
    assert!(!format!("{evidence:?}").contains("http"));

    let answers = vec![graph_error(100, Some(33)), list(&[listed("190", "x", 260), listed("180", "y", 250)])];
    let Outcome::Accepted { handle, .. } = link(&live(), answers, soon).await else { panic!() };
    assert_eq!(handle.text(name::MEDIA_ID), Some("180"), "by id, whatever its caption");

    let nothing = || vec![graph_error(100, Some(33)), list(&[])];
    assert!(matches!(link(&live(), nothing(), soon).await, Outcome::Pending { .. }));
    let later = LINK_FOR + chrono::TimeDelta::minutes(1);
    let Outcome::Accepted { handle, .. } = link(&live(), nothing(), later).await else { panic!() };
    assert_eq!(handle.text(name::LINK), Some(LINK_GIVEN_UP));
}

#[tokio::test]
async fn a_live_post_without_an_id_is_looked_for_in_the_list() {
    let book = Book::ready(&post().content).publish(CONTAINER_ID, Some(StepOutcome::Found));
    let answers = vec![list(&[listed("180", "a walk with bob #dogs", 250)])];
    let Outcome::Accepted { handle, .. } = link(&book, answers, chrono::TimeDelta::zero()).await else { panic!() };
    assert_eq!(handle.text(name::MEDIA_ID), Some("180"));
    let unsure =
        vec![list(&[listed("180", "a walk with bob #dogs", 250), listed("181", "a walk with bob #dogs", 251)])];
    assert!(matches!(link(&book, unsure, chrono::TimeDelta::zero()).await, Outcome::Pending { .. }));
}
