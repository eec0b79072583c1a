use chrono::TimeDelta;

use super::{AccountFilter, Connect, EndedBy, RefreshResult};
use crate::{
    app::{
        Error,
        testing::{ALICE, BOB, BROWSER, CURRENT, World, client, connect_request},
    },
    domain::{
        account::Health,
        event::EventKind,
        failure::Reason,
        ids::{AccountId, Sequence},
        platform::Platform,
    },
    secret::Secret,
    store::oauth_states::MOST_OPEN,
};

const TIKTOK: Platform = Platform::Tiktok;

fn reason(error: &Error) -> Reason {
    match error {
        Error::Invalid { reason, .. }
        | Error::NotFound { reason, .. }
        | Error::Precondition { reason, .. }
        | Error::Exhausted { reason, .. }
        | Error::Unavailable { reason, .. } => *reason,
        Error::Platform(failure) => failure.reason,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_state_works_once_for_whom_it_is_bound_to_and_others_leave_it_as_it_was() {
    let (world, one) = World::new().await;
    let state = async || one.accounts.connect(ALICE, connect_request()).await.unwrap().state;
    let mismatch = async |by, platform, state: &str| {
        let error = one.accounts.complete(by, platform, "good", state).await.unwrap_err();
        assert_eq!(reason(&error), Reason::OauthStateMismatch, "{error}");
    };
    let other = |secret: Option<&str>| EndedBy::Client { caller: ALICE, browser_secret: secret.map(Secret::new) };
    let first = state().await;
    mismatch(client(BOB), TIKTOK, &first).await;
    mismatch(client(ALICE), Platform::Instagram, &first).await;
    mismatch(other(None), TIKTOK, &first).await;
    mismatch(other(Some("the-secret-of-another-browser")), TIKTOK, &first).await;
    mismatch(EndedBy::Browser(Secret::new(BROWSER)), TIKTOK, &first).await;
    let error = one.accounts.complete(client(ALICE), TIKTOK, "", &first).await.unwrap_err();
    assert_eq!(reason(&error), Reason::InvalidField);
    one.accounts.complete(client(ALICE), TIKTOK, "good", &first).await.unwrap();
    mismatch(client(ALICE), TIKTOK, &first).await;
    mismatch(client(ALICE), TIKTOK, "made-up").await;
    mismatch(client(ALICE), TIKTOK, "").await;
    let late = state().await;
    world.advance(TimeDelta::minutes(10));
    mismatch(client(ALICE), TIKTOK, &late).await;
}

#[tokio::test]
async fn a_login_at_the_cores_page_is_of_the_browser_that_went_on_from_it() {
    let (_world, one) = World::new().await;
    let mine = || EndedBy::Browser(Secret::new("mine"));
    let begin =
        async || one.accounts.connect(ALICE, Connect { browser_secret: None, ..connect_request() }).await.unwrap();
    let link = begin().await;
    let mut page = link.auth_url.clone();
    page.set_query(None);
    assert_eq!(page.as_str(), "https://reels.example/oauth/connect/tiktok");
    let state = link.state.as_str();
    assert_eq!(one.accounts.shown(TIKTOK, state, None).await.unwrap().user, ALICE.user);
    // Nobody has gone on from the page yet.
    let error = one.accounts.complete(mine(), TIKTOK, "good", state).await.unwrap_err();
    assert_eq!(reason(&error), Reason::OauthStateMismatch);
    let consent = one.accounts.go_on(TIKTOK, state, "mine").await.unwrap();
    assert_eq!(one.accounts.go_on(TIKTOK, state, "mine").await.unwrap(), consent, "back, and on again");
    for error in [
        one.accounts.go_on(TIKTOK, state, "another").await.unwrap_err(),
        one.accounts.decline(TIKTOK, state, "another").await.unwrap_err(),
        one.accounts.shown(TIKTOK, state, Some("another")).await.unwrap_err(),
        one.accounts.complete(EndedBy::Browser(Secret::new("another")), TIKTOK, "good", state).await.unwrap_err(),
        one.accounts.complete(client(ALICE), TIKTOK, "good", state).await.unwrap_err(),
        one.accounts
            .complete(EndedBy::Client { caller: ALICE, browser_secret: None }, TIKTOK, "good", state)
            .await
            .unwrap_err(),
        one.accounts
            .deny(EndedBy::Browser(Secret::new("another")), TIKTOK, state, "access_denied", None)
            .await
            .unwrap_err(),
    ] {
        assert_eq!(reason(&error), Reason::OauthStateMismatch, "{error}");
    }
    let own = one.accounts.complete(mine(), TIKTOK, "good", state).await.unwrap();
    assert_eq!(own.accounts[0].wp_user_id, ALICE.user);
    // A refusal uses it up as well. One at the core's page comes back as one from the platform does.
    let state = begin().await.state;
    let back = one.accounts.decline(TIKTOK, &state, "mine").await.unwrap();
    assert_eq!(back.path(), "/oauth/callback/tiktok");
    assert!(back.query().unwrap().starts_with("error=access_denied&"), "{back}");
    let told = one.accounts.deny(mine(), TIKTOK, &state, "access_denied", None).await.unwrap();
    assert_eq!(told.reason, Reason::ConsentDenied);
    let error = one.accounts.complete(mine(), TIKTOK, "good", &state).await.unwrap_err();
    assert_eq!(reason(&error), Reason::OauthStateMismatch);
}

#[tokio::test]
async fn a_clients_own_redirect_address_without_a_secret_is_shown_first_and_ends_with_its_user() {
    let (_world, one) = World::new().await;
    let begin = async || {
        let redirect_uri = Some("https://site.example/back".to_owned());
        one.accounts.connect(ALICE, Connect { browser_secret: None, redirect_uri, ..connect_request() }).await.unwrap()
    };
    let link = begin().await;
    assert_eq!(link.auth_url.host_str(), Some("reels.example"));
    let by = |caller| EndedBy::Client { caller, browser_secret: None };
    one.accounts.go_on(TIKTOK, &link.state, "any").await.unwrap();
    assert!(one.accounts.complete(by(BOB), TIKTOK, "good", &link.state).await.is_err());
    one.accounts.complete(by(ALICE), TIKTOK, "good", &link.state).await.unwrap();
    let link = begin().await;
    let back = one.accounts.decline(TIKTOK, &link.state, "any").await.unwrap();
    assert_eq!(back.host_str(), Some("site.example"));
    assert!(one.accounts.complete(by(ALICE), TIKTOK, "good", &link.state).await.is_err(), "refused");
    let short = Connect { browser_secret: Some(Secret::new("guess")), ..connect_request() };
    assert_eq!(reason(&one.accounts.connect(ALICE, short).await.unwrap_err()), Reason::InvalidField);
}

#[tokio::test]
async fn a_user_has_a_limited_number_of_open_logins_until_they_end() {
    let (world, one) = World::new().await;
    let first = one.accounts.connect(ALICE, connect_request()).await.unwrap();
    for _ in 1..MOST_OPEN {
        one.accounts.connect(ALICE, connect_request()).await.unwrap();
    }
    let error = one.accounts.connect(ALICE, connect_request()).await.unwrap_err();
    assert_eq!(reason(&error), Reason::TooManyOpenLogins);
    let Error::Exhausted { retry_at, .. } = error else { panic!("{error}") };
    assert_eq!(retry_at, Some(first.expires_at));
    one.accounts.connect(BOB, connect_request()).await.unwrap();
    one.accounts.complete(client(ALICE), TIKTOK, "good", &first.state).await.unwrap();
    one.accounts.connect(ALICE, connect_request()).await.unwrap();
    assert!(one.accounts.connect(ALICE, connect_request()).await.is_err());
    world.advance(TimeDelta::minutes(10));
    one.accounts.connect(ALICE, connect_request()).await.unwrap();
}

#[tokio::test]
async fn redirects_go_only_to_listed_addresses() {
    let (_world, one) = World::new().await;
    let link = one.accounts.connect(ALICE, connect_request()).await.unwrap();
    let query: Vec<(String, String)> = link.auth_url.query_pairs().into_owned().collect();
    assert_eq!(query[0].1, "https://reels.example/oauth/callback/tiktok");
    assert_eq!(query[1].1, link.state);
    let with = |uri: &str| Connect { redirect_uri: Some(uri.to_owned()), ..connect_request() };
    one.accounts.connect(ALICE, with("https://site.example/back")).await.unwrap();
    for uri in ["https://site.example/back/", "https://site.example/back?x=1", "https://evil.example/"] {
        assert_eq!(reason(&one.accounts.connect(ALICE, with(uri)).await.unwrap_err()), Reason::InvalidField, "{uri}");
    }
}

#[tokio::test]
async fn a_login_connects_every_identity_and_revives_known_ones() {
    let (world, one) = World::new().await;
    world.login.will_bring(&[("one", Some("grant")), ("two", Some("grant"))]);
    let first = one.connect(ALICE).await;
    assert_eq!(first.len(), 2);
    one.accounts.disconnect(ALICE, first[0].id).await.unwrap();
    let again = one.connect(ALICE).await;
    assert_eq!(again.iter().map(|account| account.id).collect::<Vec<_>>(), [first[0].id, first[1].id]);
    assert!(again.iter().all(|account| account.is_active && account.health == Health::Ok));
    // Another user's connection of the same identity is a row of its own.
    let others = one.connect(BOB).await;
    assert_ne!(others[0].id, first[0].id);
    assert_eq!(reason(&one.accounts.get(BOB, first[0].id).await.unwrap_err()), Reason::AccountNotFound);
    let connected = one.store.events_after(ALICE.user, Sequence(0), 100).await.unwrap();
    assert_eq!(connected.iter().filter(|event| event.event.kind == EventKind::AccountConnected).count(), 4);
    let both = one.accounts.by_ids(ALICE, &[first[1].id, others[0].id, first[0].id]).await.unwrap();
    assert_eq!(both.iter().map(|account| account.id).collect::<Vec<_>>(), [first[1].id, first[0].id]);
}

#[tokio::test]
async fn a_refused_code_connects_nothing() {
    let (_world, one) = World::new().await;
    let link = one.accounts.connect(ALICE, connect_request()).await.unwrap();
    let error = one.accounts.complete(client(ALICE), TIKTOK, "bad", &link.state).await.unwrap_err();
    assert_eq!(reason(&error), Reason::TokenInvalid);
    assert!(one.accounts.list(ALICE, AccountFilter::default(), 0, None).await.unwrap().accounts.is_empty());
}

#[tokio::test]
async fn reconnecting_as_somebody_else_changes_nothing() {
    let (world, one) = World::new().await;
    let account = one.connect(ALICE).await.remove(0);
    let again = Connect { reconnect: Some(account.id), ..connect_request() };
    world.login.will_bring(&[("stranger", None)]);
    let link = one.accounts.connect(ALICE, again.clone()).await.unwrap();
    let error = one.accounts.complete(client(ALICE), TIKTOK, "good", &link.state).await.unwrap_err();
    assert_eq!(reason(&error), Reason::IdentityMismatch);
    assert_eq!(one.accounts.get(ALICE, account.id).await.unwrap(), account);
    assert_eq!(one.accounts.list(ALICE, AccountFilter::default(), 0, None).await.unwrap().accounts.len(), 1);
    // The right one; what else the login brings was not asked for.
    world.login.will_bring(&[("one", None), ("stranger", None)]);
    let link = one.accounts.connect(ALICE, again.clone()).await.unwrap();
    let connected = one.accounts.complete(client(ALICE), TIKTOK, "good", &link.state).await.unwrap();
    assert_eq!(connected.accounts.len(), 1);
    assert_eq!(connected.accounts[0].token_version, 2);
    assert_eq!(reason(&one.accounts.connect(BOB, again).await.unwrap_err()), Reason::AccountNotFound);
}

#[tokio::test]
async fn partial_consent_is_told_and_refused_only_without_publishing() {
    let (world, one) = World::new().await;
    world.login.will_grant(&["user.info.basic", "video.publish"]);
    let link = one.accounts.connect(ALICE, connect_request()).await.unwrap();
    let connected = one.accounts.complete(client(ALICE), TIKTOK, "good", &link.state).await.unwrap();
    assert_eq!(connected.missing_scope, ["video.list"]);
    let account = &connected.accounts[0];
    assert_eq!(account.metadata["missing_scope"][0], "video.list");
    assert!(account.health == Health::Ok && account.health_reason.as_ref().unwrap().contains("video.list"));
    world.login.will_grant(&["user.info.basic", "video.list"]);
    world.login.will_bring(&[("other", None)]);
    let link = one.accounts.connect(ALICE, connect_request()).await.unwrap();
    let error = one.accounts.complete(client(ALICE), TIKTOK, "good", &link.state).await.unwrap_err();
    let Error::Precondition { reason: Reason::ScopeMissing, remedy, .. } = &error else { panic!("{error}") };
    assert!(remedy.contains("video.publish"), "{remedy}");
    assert_eq!(one.accounts.list(ALICE, AccountFilter::default(), 0, None).await.unwrap().accounts.len(), 1);
}

#[tokio::test]
async fn disconnecting_revokes_and_wipes() {
    let (world, one) = World::new().await;
    let account = one.connect(ALICE).await.remove(0);
    assert_eq!(reason(&one.accounts.disconnect(BOB, account.id).await.unwrap_err()), Reason::AccountNotFound);
    let gone = one.accounts.disconnect(ALICE, account.id).await.unwrap();
    assert!(gone.revoked && gone.message.is_empty() && !gone.account.is_active);
    assert_eq!(world.login.revoked(), ["one"]);
    assert!(one.token_manager.stored_tokens(account.id).await.is_err());
    assert_eq!(reason(&one.accounts.disconnect(ALICE, account.id).await.unwrap_err()), Reason::AccountDisconnected);
    assert_eq!(reason(&one.accounts.quota(ALICE, account.id).await.unwrap_err()), Reason::AccountDisconnected);
}

#[tokio::test]
async fn a_grant_that_others_need_is_kept_until_the_last_one_goes() {
    let (world, one) = World::new().await;
    world.login.will_bring(&[("one", Some("grant")), ("two", Some("grant"))]);
    let mine = one.connect(ALICE).await;
    world.login.will_bring(&[("two", Some("grant"))]);
    let theirs = one.connect(BOB).await;
    for (caller, id) in [(ALICE, mine[0].id), (ALICE, mine[1].id)] {
        let gone = one.accounts.disconnect(caller, id).await.unwrap();
        assert!(!gone.revoked && gone.message.contains("another"), "{gone:?}");
    }
    assert!(world.login.revoked().is_empty());
    assert!(one.accounts.disconnect(BOB, theirs[0].id).await.unwrap().revoked);
    assert_eq!(world.login.revoked(), ["two"]);
}

#[tokio::test]
async fn the_last_two_of_a_grant_disconnected_together_revoke_it() {
    let (world, one) = World::new().await;
    world.login.will_bring(&[("one", Some("grant")), ("two", Some("grant"))]);
    let mine = one.connect(ALICE).await;
    let both = tokio::join!(one.accounts.disconnect(ALICE, mine[0].id), one.accounts.disconnect(ALICE, mine[1].id));
    let revoked = [both.0.unwrap().revoked, both.1.unwrap().revoked];
    assert_eq!(revoked.iter().filter(|revoked| **revoked).count(), 1);
    assert_eq!(world.login.revoked().len(), 1);
}

#[tokio::test]
async fn a_dead_access_token_is_refreshed_to_revoke() {
    let (world, one) = World::new().await;
    let account = one.connect(ALICE).await.remove(0);
    // Ended by the clock: refreshed before. Refused although it should be valid: refreshed then.
    world.login.expire_access();
    world.advance(TimeDelta::hours(25));
    assert!(one.accounts.disconnect(ALICE, account.id).await.unwrap().revoked);
    one.connect(ALICE).await;
    world.login.expire_access();
    assert!(one.accounts.disconnect(ALICE, account.id).await.unwrap().revoked);
    assert_eq!(world.login.refreshes(), 2);
}

#[tokio::test]
async fn a_failed_revocation_disconnects_all_the_same_and_says_so() {
    let (world, one) = World::new().await;
    let account = one.connect(ALICE).await.remove(0);
    world.login.refuse_revoke();
    let gone = one.accounts.disconnect(ALICE, account.id).await.unwrap();
    assert!(!gone.revoked && gone.message.contains("did not answer") && !gone.account.is_active);
    assert!(one.token_manager.stored_tokens(account.id).await.is_err());
}

#[tokio::test]
async fn disconnecting_that_was_cut_short_is_finished() {
    let (world, one) = World::new().await;
    let account = one.connect(ALICE).await.remove(0);
    one.store.deactivate_account(&account, world.clock.now()).await.unwrap().unwrap();
    assert_eq!(one.accounts.finish_disconnecting().await.unwrap(), 0, "may be under way still");
    world.advance(TimeDelta::minutes(5));
    assert_eq!(one.accounts.finish_disconnecting().await.unwrap(), 1);
    assert_eq!(world.login.revoked(), ["one"]);
    assert!(one.token_manager.stored_tokens(account.id).await.is_err());
    assert_eq!(one.accounts.finish_disconnecting().await.unwrap(), 0);
}

#[tokio::test]
async fn refresh_says_what_happened() {
    let (world, one) = World::new().await;
    let account = one.connect(ALICE).await.remove(0);
    let valid = one.accounts.refresh(ALICE, account.id, true).await.unwrap();
    assert_eq!((valid.result, world.login.refreshes()), (RefreshResult::StillValid, 0));
    let forced = one.accounts.refresh(ALICE, account.id, false).await.unwrap();
    assert_eq!((forced.result, forced.account.token_version), (RefreshResult::Refreshed, 2));
    world.login.not_refreshable("too young");
    let not = one.accounts.refresh(ALICE, account.id, false).await.unwrap();
    assert_eq!((not.result, not.message.as_str()), (RefreshResult::NotRefreshable, "too young"));
}

#[tokio::test]
async fn checking_keeps_what_the_platform_says() {
    let (world, one) = World::new().await;
    let account = one.connect(ALICE).await.remove(0);
    assert_eq!(one.accounts.check(ALICE, account.id).await.unwrap().health, Health::Ok);
    world.login.expire_access();
    let refreshed = one.accounts.check(ALICE, account.id).await.unwrap();
    assert_eq!((refreshed.health, refreshed.token_version), (Health::Ok, 2));
    world.login.kill_everything();
    world.advance(TimeDelta::minutes(1));
    for _ in 0..2 {
        assert_eq!(one.accounts.check(ALICE, account.id).await.unwrap().health, Health::NeedsReconnect);
    }
    assert_eq!(
        reason(&one.accounts.publish_options(ALICE, account.id).await.unwrap_err()),
        Reason::AccountNeedsReconnect
    );
    let lost = one.accounts.refresh(ALICE, account.id, true).await.unwrap_err();
    assert_eq!(reason(&lost), Reason::AccountNeedsReconnect);
    let events = one.store.events_after(ALICE.user, Sequence(0), 100).await.unwrap();
    assert_eq!(events.iter().filter(|event| event.event.kind == EventKind::AccountNeedsReconnect).count(), 1);
}

#[tokio::test]
async fn questions_refresh_a_refused_token_once() {
    let (world, one) = World::new().await;
    let account = one.connect(ALICE).await.remove(0);
    world.login.expire_access();
    let options = one.accounts.publish_options(ALICE, account.id).await.unwrap();
    assert_eq!((options.privacy_level_options.len(), world.login.refreshes()), (1, 1));
    let quota = one.accounts.quota(ALICE, account.id).await.unwrap();
    assert_eq!((quota.platform.used, quota.published_by_aurareels), (Some(3), 0));
    assert_eq!((quota.daily_limit, quota.daily_remaining, quota.blocked_until), (Some(5), Some(5), None));
    let until = world.clock.now() + TimeDelta::hours(1);
    let bobs = one.connect(BOB).await.remove(0);
    one.store.set_quota_blocked(&account, Some(until)).await.unwrap();
    assert_eq!(one.accounts.quota(BOB, bobs.id).await.unwrap().blocked_until, Some(until), "one platform account");
}

#[tokio::test]
async fn a_token_sealed_by_an_unknown_key_is_no_lost_login() {
    let (world, one) = World::new().await;
    let account = one.connect(ALICE).await.remove(0);
    let other = world.replica(crate::app::testing::NEXT, &[]).await;
    let error = other.accounts.publish_options(ALICE, account.id).await.unwrap_err();
    assert_eq!(reason(&error), Reason::TokenUnreadable);
    assert_eq!(one.accounts.get(ALICE, account.id).await.unwrap().health, Health::Ok);
    assert_eq!(world.login.refreshes(), 0);
    // It can be given up all the same.
    let gone = other.accounts.disconnect(ALICE, account.id).await.unwrap();
    assert!(!gone.revoked && gone.message.contains("cannot be read"), "{gone:?}");
    let right = world.replica(CURRENT, &[]).await;
    assert!(right.token_manager.stored_tokens(account.id).await.is_err(), "wiped");
}

#[tokio::test]
async fn lists_go_page_by_page_within_their_filter() {
    let (world, one) = World::new().await;
    let ids: Vec<String> = (0..5).map(|number| format!("id-{number}")).collect();
    let identities: Vec<_> = ids.iter().map(|id| (id.as_str(), None)).collect();
    world.login.will_bring(&identities);
    one.connect(BOB).await;
    let mine = one.connect(ALICE).await;
    one.accounts.disconnect(ALICE, mine[2].id).await.unwrap();
    let active = AccountFilter { platform: Some(TIKTOK), active: Some(true) };
    let mut seen: Vec<AccountId> = Vec::new();
    let mut token = None;
    loop {
        let page = one.accounts.list(ALICE, active, 3, token).await.unwrap();
        seen.extend(page.accounts.iter().map(|account| account.id));
        token = page.next_page_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, [mine[4].id, mine[3].id, mine[1].id, mine[0].id]);
    assert_eq!(one.accounts.list(ALICE, AccountFilter::default(), 0, None).await.unwrap().accounts.len(), 5);
    let gone = AccountFilter { platform: None, active: Some(false) };
    assert_eq!(one.accounts.list(ALICE, gone, 0, None).await.unwrap().accounts[0].id, mine[2].id);
    let token = one.accounts.list(ALICE, active, 1, None).await.unwrap().next_page_token;
    for (caller, filter) in [(BOB, active), (ALICE, AccountFilter::default())] {
        let error = one.accounts.list(caller, filter, 1, token.clone()).await.unwrap_err();
        assert_eq!(reason(&error), Reason::InvalidField);
    }
}
