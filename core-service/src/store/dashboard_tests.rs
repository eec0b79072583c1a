use futures_util::future::join_all;

use super::*;
use crate::store::plans::{KEY, store};

const USER: UserId = UserId(7);

fn new(name: &str) -> NewSession {
    NewSession { hash: format!("session {name}"), user_agent: "a browser".into(), instead_of: None }
}

async fn link(store: &Store, name: &str) -> String {
    store.insert_dashboard_link(name, USER, TimeDelta::minutes(10)).await.unwrap();
    name.to_owned()
}

fn advance(store: &Store, by: TimeDelta) {
    store.clock().set_offset(store.clock().offset() + by);
}

#[tokio::test]
async fn of_many_who_use_a_link_at_once_one_is_logged_in() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), KEY, &[]).await;
    let link = link(&store, "link").await;
    let names: Vec<String> = (0..8).map(|number| number.to_string()).collect();
    let tried = join_all(names.iter().map(|name| store.log_in(&link, new(name)))).await;
    let winners: Vec<Session> = tried.into_iter().filter_map(|tried| tried.unwrap()).collect();
    assert_eq!(winners.len(), 1);
    assert_eq!(winners[0].user, USER);
    assert_eq!(store.dashboard_sessions(Some(USER)).await.unwrap(), winners);
    assert_eq!(store.dashboard_sessions(None).await.unwrap(), winners);
    assert_eq!(store.dashboard_sessions(Some(UserId(8))).await.unwrap(), []);
}

#[tokio::test]
async fn links_and_sessions_end_with_time() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), KEY, &[]).await;
    let late = link(&store, "late").await;
    advance(&store, TimeDelta::minutes(10));
    assert_eq!(store.log_in(&late, new("late")).await.unwrap(), None);
    let begun = store.log_in(&link(&store, "one").await, new("one")).await.unwrap().unwrap();
    // Used now and then it goes on, for thirty days.
    let mut days = 0;
    while store.dashboard_session("session one").await.unwrap().is_some() {
        store.dashboard_session_used(begun.id).await.unwrap();
        advance(&store, TimeDelta::hours(8));
        days += 1;
        assert!(days < 100, "it never ends");
    }
    assert_eq!(days, 90, "three times a day for thirty days");
    store.log_in(&link(&store, "two").await, new("two")).await.unwrap().unwrap();
    advance(&store, IDLE - TimeDelta::seconds(1));
    assert!(store.dashboard_session("session two").await.unwrap().is_some());
    advance(&store, TimeDelta::seconds(1));
    assert_eq!(store.dashboard_session("session two").await.unwrap(), None);
    assert!(!store.end_dashboard_session(Some(USER), 2).await.unwrap(), "it has ended already");
    advance(&store, KEPT);
    assert_eq!(store.purge_dashboard().await.unwrap(), 2);
}

#[tokio::test]
async fn a_use_is_written_once_a_minute() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), KEY, &[]).await;
    let begun = store.log_in(&link(&store, "one").await, new("one")).await.unwrap().unwrap();
    advance(&store, TimeDelta::seconds(50));
    store.dashboard_session_used(begun.id).await.unwrap();
    assert_eq!(store.dashboard_session("session one").await.unwrap(), Some(begun.clone()));
    advance(&store, TimeDelta::seconds(20));
    store.dashboard_session_used(begun.id).await.unwrap();
    let now = store.dashboard_session("session one").await.unwrap().unwrap();
    assert!(now.last_used_at - begun.last_used_at >= TimeDelta::seconds(70), "{now:?}");
}

#[tokio::test]
async fn the_oldest_make_room() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), KEY, &[]).await;
    let mut newest = None;
    for number in 0..MOST_SESSIONS + 2 {
        let name = number.to_string();
        newest = store.log_in(&link(&store, &name).await, new(&name)).await.unwrap();
        advance(&store, TimeDelta::minutes(2));
    }
    let sessions = store.dashboard_sessions(Some(USER)).await.unwrap();
    assert_eq!((sessions.len() as i64, sessions.first()), (MOST_SESSIONS, newest.as_ref()));
    assert_eq!(store.dashboard_session("session 1").await.unwrap(), None);
    assert!(store.dashboard_session("session 2").await.unwrap().is_some());
    for number in 0..=MOST_LINKS {
        link(&store, &format!("link {number}")).await;
        advance(&store, TimeDelta::milliseconds(1));
    }
    assert_eq!(store.log_in("link 0", new("none")).await.unwrap(), None);
    assert!(store.log_in("link 1", new("some")).await.unwrap().is_some());
}

#[tokio::test]
async fn a_session_ends_at_its_users_word_alone_and_a_new_login_of_a_browser_ends_the_one_before() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(dir.path(), KEY, &[]).await;
    let one = store.log_in(&link(&store, "one").await, new("one")).await.unwrap().unwrap();
    assert_eq!(store.newest_end_of_session().await.unwrap(), None);
    assert!(!store.end_dashboard_session(Some(UserId(8)), one.id).await.unwrap());
    assert!(store.dashboard_session("session one").await.unwrap().is_some());
    let again = NewSession { instead_of: Some("session one".into()), ..new("two") };
    let two = store.log_in(&link(&store, "two").await, again).await.unwrap().unwrap();
    assert_eq!(store.dashboard_session("session one").await.unwrap(), None);
    let first_end = store.newest_end_of_session().await.unwrap();
    assert!(first_end.is_some());
    advance(&store, TimeDelta::seconds(1));
    assert!(store.end_dashboard_session(None, two.id).await.unwrap());
    assert!(!store.end_dashboard_session(None, two.id).await.unwrap());
    assert!(store.newest_end_of_session().await.unwrap() > first_end);
}
