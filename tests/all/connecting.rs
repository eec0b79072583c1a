//! Connecting: who is told what, in which browser it ends, and what others can do about it.

use aurareels_proto::v1::*;
use aurareels_simulator::{Host, Options};
use aurareels_tests::{
    Browser, Login, User, World,
    browser::Page,
    connect::{BROWSER_SECRET, complete, parameter},
};
use chrono::TimeDelta;
use serde_json::json;
use tonic::Code;
use url::Url;

/// A link without anything special: it leads to the core's page.
async fn link(user: &User<'_>, login: Login) -> Url {
    let request = ConnectAccountRequest {
        platform: login.platform().into(),
        login_flavour: login.flavour().into(),
        ..Default::default()
    };
    let link = user.accounts().connect_account(request).await.expect("a link").into_inner();
    user.world.keep_secret(&link.state);
    let url = Url::parse(&link.auth_url).expect("an address");
    assert!(link.auth_url.starts_with(&user.world.url()) && parameter(&url, "state") == link.state, "{link:#?}");
    url
}

/// Goes on from the core's page to the platform's and allows there; answers where the platform sends the browser.
async fn allow(user: &User<'_>, browser: &Browser, link: &Url, login: Login) -> Url {
    let page = browser.open(link).await;
    assert_eq!(page.status, 200, "{page:#?}");
    let gone_on = browser.press(&page, "allow", &[]).await;
    let consent = gone_on.location.unwrap_or_else(|| panic!("no way on: {}", gone_on.text));
    agree(user, browser, &consent, login).await
}

/// Allows at the platform.
async fn agree(user: &User<'_>, browser: &Browser, consent: &Url, login: Login) -> Url {
    let person = user.person(login);
    let back = browser.post(consent, &[("account", person.as_str()), ("decision", "allow")]).await;
    back.location.unwrap_or_else(|| panic!("the platform did not redirect: {}", back.text))
}

/// How the callback page ended, by the front end's query: status, and platform or message.
fn told(page: &Page) -> (String, String) {
    let back = page.location.as_ref().unwrap_or_else(|| panic!("no redirect: {page:#?}"));
    assert_eq!((back.host_str(), parameter(back, "tab")), (Some("dashboard.example"), "1".to_owned()));
    let status = parameter(back, "status");
    let detail = if status == "success" { "platform" } else { "message" };
    (status, parameter(back, detail))
}

const FRONTEND: (&str, &str) = ("AURAREELS_FRONTEND_URL", "https://dashboard.example/social?tab=1");

#[tokio::test(flavor = "multi_thread")]
async fn whoever_follows_a_link_is_told_to_whom_he_gives_access_and_then_connects() {
    let world = World::with(&[FRONTEND]).await;
    let me = world.user(7);
    let browser = Browser::new(&world.http);
    for login in [Login::Tiktok, Login::Facebook, Login::Instagram] {
        let link = link(&me, login).await;
        let page = browser.open(&link).await;
        assert!(page.text.contains("User 7") && page.text.contains("Refuse"), "{}", page.text);
        let back = allow(&me, &browser, &link, login).await;
        assert!(back.as_str().starts_with(&world.url()), "{back}");
        let platform = login.platform().as_str_name().trim_start_matches("PLATFORM_").to_lowercase();
        assert_eq!(told(&browser.open(&back).await), ("success".to_owned(), platform));
        // The same redirect again is refused.
        assert_eq!(told(&browser.open(&back).await).0, "error");
    }
    assert_eq!(me.list_accounts().await.len(), 4);
    let account = me.list_accounts().await.remove(0);
    let request =
        ConnectAccountRequest { platform: account.platform, account_id: Some(account.id), ..Default::default() };
    let again = me.accounts().connect_account(request).await.unwrap().into_inner();
    let page = browser.open(&Url::parse(&again.auth_url).unwrap()).await;
    assert!(page.text.contains(&account.account_name), "{}", page.text);
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_refuses_a_link_has_given_nothing_and_the_link_is_spent() {
    let world = World::with(&[FRONTEND]).await;
    let me = world.me();
    let browser = Browser::new(&world.http);
    let first = link(&me, Login::Tiktok).await;
    let refused = browser.press(&browser.open(&first).await, "deny", &[]).await;
    let (status, message) = told(&browser.open(&refused.location.unwrap()).await);
    assert_eq!(status, "error");
    assert!(message.contains("not allowed"), "{message}");
    assert_eq!(browser.open(&first).await.status, 400);
    // So is a refusal at the platform.
    let second = link(&me, Login::Instagram).await;
    let consent = browser.press(&browser.open(&second).await, "allow", &[]).await.location.unwrap();
    let back = browser.post(&consent, &[("decision", "deny")]).await.location.unwrap();
    assert_eq!(told(&browser.open(&back).await).0, "error");
    assert!(me.list_accounts().await.is_empty());
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_ends_only_in_the_browser_that_began_it() {
    let world = World::with(&[FRONTEND]).await;
    let me = world.me();
    let (mine, others) = (Browser::new(&world.http), Browser::new(&world.http));
    let link = link(&me, Login::Tiktok).await;
    let page = mine.open(&link).await;
    let consent = mine.press(&page, "allow", &[]).await.location.unwrap();
    // Another one is sent the platform's page, or the core's, or what the platform has sent back.
    let back = agree(&me, &others, &consent, Login::TiktokPrivate).await;
    let (status, message) = told(&others.open(&back).await);
    assert_eq!(status, "error");
    assert!(message.contains("browser"), "{message}");
    assert_eq!(others.open(&link).await.status, 400);
    let refusal = back.as_str().replace("code=", "error=access_denied&was=");
    assert_eq!(told(&others.open(&Url::parse(&refusal).unwrap()).await).0, "error");
    // Nor do clients end it.
    for secret in ["", BROWSER_SECRET] {
        let request = CompleteConnectRequest { browser_secret: secret.into(), ..complete(Platform::Tiktok, &back) };
        me.refused(me.accounts().complete_connect(request)).await.is(Code::FailedPrecondition, "OAUTH_STATE_MISMATCH");
    }
    assert!(me.list_accounts().await.is_empty());
    // None of that has used it up.
    let back = agree(&me, &mine, &consent, Login::Tiktok).await;
    assert_eq!(told(&mine.open(&back).await).0, "success");
    assert_eq!(me.list_accounts().await[0].account_username, "ada.makes");
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_site_can_press_the_button() {
    let world = World::start().await;
    let me = world.me();
    let browser = Browser::new(&world.http);
    let (seen, unseen) = (link(&me, Login::Tiktok).await, link(&me, Login::Tiktok).await);
    let state = parameter(&unseen, "state");
    // Without a cookie, and with one but without what only a page that was shown has.
    let forged = [("state", state.as_str()), ("decision", "allow")];
    assert_eq!(browser.post(&unseen, &forged).await.status, 400);
    let page = browser.open(&seen).await;
    assert_eq!(browser.post(&unseen, &forged).await.status, 400);
    // That of one login does not serve for another.
    let moved = Page { url: unseen.clone(), text: page.text.replace(&parameter(&seen, "state"), &state), ..page };
    assert_eq!(browser.press(&moved, "allow", &[]).await.status, 400);
    let shown = browser.open(&unseen).await;
    assert!(browser.press(&shown, "allow", &[]).await.location.is_some(), "nothing was used up");
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_for_the_head_of_a_page_changes_nothing() {
    let world = World::with(&[FRONTEND]).await;
    let me = world.me();
    let browser = Browser::new(&world.http);
    let link = link(&me, Login::Tiktok).await;
    assert_eq!(browser.head(&link).await.status, 200);
    let back = allow(&me, &browser, &link, Login::Tiktok).await;
    let denied = Url::parse(&back.as_str().replace("code=", "error=access_denied&was=")).unwrap();
    for page in [&back, &denied] {
        let head = browser.head(page).await;
        assert!(head.status == 200 && head.location.is_none(), "{head:#?}");
    }
    for path in ["/", "/healthz", "/metrics"] {
        assert_eq!(browser.head(&Url::parse(&world.url()).unwrap().join(path).unwrap()).await.status, 200, "{path}");
    }
    assert!(me.list_accounts().await.is_empty());
    assert_eq!(world.asked("tiktok.exchange"), 0);
    assert_eq!(told(&browser.open(&back).await).0, "success");
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_works_once_and_whoever_it_does_not_belong_to_leaves_it_as_it_was() {
    let world = World::start().await;
    let me = world.me();
    let redirect = me.consent(Login::Tiktok, None, &[]).await;
    let mismatch = async |user: &User<'_>, request: CompleteConnectRequest| {
        let refusal = user.refused(user.accounts().complete_connect(request)).await;
        refusal.is(Code::FailedPrecondition, "OAUTH_STATE_MISMATCH");
    };
    mismatch(&world.user(2), complete(Platform::Tiktok, &redirect)).await;
    mismatch(&me, complete(Platform::Instagram, &redirect)).await;
    let bound = |secret: &str| CompleteConnectRequest {
        browser_secret: secret.into(),
        ..complete(Platform::Tiktok, &redirect)
    };
    mismatch(&me, bound("")).await;
    mismatch(&me, bound("the secret of another browser")).await;
    let without_code = CompleteConnectRequest { code: String::new(), ..complete(Platform::Tiktok, &redirect) };
    let refusal = me.refused(me.accounts().complete_connect(without_code)).await;
    assert_eq!(refusal.code, Code::InvalidArgument, "{refusal:#?}");
    // The core's callback page has no such secret.
    let page = Browser::new(&world.http).open(&redirect).await;
    assert_eq!(page.status, 400, "{page:#?}");
    me.accounts().complete_connect(complete(Platform::Tiktok, &redirect)).await.unwrap();
    mismatch(&me, complete(Platform::Tiktok, &redirect)).await;
    let redirect = me.consent(Login::Tiktok, None, &[]).await;
    world.advance(TimeDelta::minutes(11));
    mismatch(&me, complete(Platform::Tiktok, &redirect)).await;
    mismatch(&me, CompleteConnectRequest { platform: Platform::Tiktok.into(), code: "c".into(), ..bound("") }).await;
    assert_eq!(me.list_accounts().await.len(), 1);
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_with_a_callback_page_of_its_own_is_shown_the_cores_page_unless_it_has_its_own() {
    const BACK: &str = "https://wordpress.example/callback";
    let world = World::with(&[("AURAREELS_REDIRECT_URIS", BACK)]).await;
    let me = world.me();
    let simulator = world.sim.url(Host::Control);
    let client_id = Options::default().credentials.tiktok_client_id;
    let register = json!({ "client_id": client_id, "redirect_uri": BACK });
    let answer = world.http.post(format!("{simulator}/_sim/redirects")).json(&register).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    let ask = |secret: &str| ConnectAccountRequest {
        platform: Platform::Tiktok.into(),
        redirect_uri: BACK.into(),
        browser_secret: secret.into(),
        ..Default::default()
    };
    let browser = Browser::new(&world.http);
    // Its own page: the link leads to the platform, and only the browser's secret ends it.
    let own = me.accounts().connect_account(ask(BROWSER_SECRET)).await.unwrap().into_inner();
    let consent = Url::parse(&own.auth_url).unwrap();
    assert!(own.auth_url.starts_with(world.sim.url(Host::TikTokAuth).trim_end_matches('/')), "{own:#?}");
    assert_eq!(parameter(&consent, "code_challenge"), "", "TikTok has no PKCE for web apps");
    let back = agree(&me, &browser, &consent, Login::Tiktok).await;
    assert_eq!(back.host_str(), Some("wordpress.example"));
    let request = complete(Platform::Tiktok, &back);
    let unbound = CompleteConnectRequest { browser_secret: String::new(), ..request.clone() };
    me.refused(me.accounts().complete_connect(unbound)).await.is(Code::FailedPrecondition, "OAUTH_STATE_MISMATCH");
    me.accounts().complete_connect(request).await.unwrap();
    // No page of its own: the core's.
    let shown = me.accounts().connect_account(ask("")).await.unwrap().into_inner();
    let back = allow(&me, &browser, &Url::parse(&shown.auth_url).unwrap(), Login::TiktokPrivate).await;
    let request = CompleteConnectRequest { browser_secret: String::new(), ..complete(Platform::Tiktok, &back) };
    let stranger = world.user(2);
    let refusal = stranger.refused(stranger.accounts().complete_connect(request.clone())).await;
    refusal.is(Code::FailedPrecondition, "OAUTH_STATE_MISMATCH");
    me.accounts().complete_connect(request).await.unwrap();
    assert_eq!(me.list_accounts().await.len(), 2);
    // Neither: it hands the browser on to the core's callback page, where only the browser of the core's page ends the login.
    let handing_on = || ConnectAccountRequest { ends_at_core: true, ..ask("") };
    let shown = me.accounts().connect_account(handing_on()).await.unwrap().into_inner();
    let back = allow(&me, &browser, &Url::parse(&shown.auth_url).unwrap(), Login::TiktokPrivate).await;
    assert_eq!(back.host_str(), Some("wordpress.example"));
    let by_client = CompleteConnectRequest { browser_secret: String::new(), ..complete(Platform::Tiktok, &back) };
    me.refused(me.accounts().complete_connect(by_client)).await.is(Code::FailedPrecondition, "OAUTH_STATE_MISMATCH");
    let mut on = Url::parse(&format!("{}/oauth/callback/tiktok", world.url().trim_end_matches('/'))).unwrap();
    on.set_query(back.query());
    assert_eq!(Browser::new(&world.http).open(&on).await.status, 400, "another browser");
    assert_eq!(browser.open(&on).await.status, 200);
    let both = ConnectAccountRequest { ends_at_core: true, ..ask(BROWSER_SECRET) };
    let refusal = me.refused(me.accounts().connect_account(both)).await;
    assert_eq!(refusal.code, Code::InvalidArgument, "{refusal:#?}");
    let refusal = me.refused(me.accounts().connect_account(ask("short"))).await;
    assert_eq!(refusal.code, Code::InvalidArgument, "{refusal:#?}");
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_cannot_begin_logins_without_end() {
    let world = World::start().await;
    let me = world.me();
    let ask = || ConnectAccountRequest { platform: Platform::Tiktok.into(), ..Default::default() };
    for _ in 0..100 {
        me.accounts().connect_account(ask()).await.unwrap();
    }
    let refusal = me.refused(me.accounts().connect_account(ask())).await;
    refusal.is(Code::ResourceExhausted, "TOO_MANY_OPEN_LOGINS");
    let other = world.user(2);
    other.account(Login::Tiktok).await;
    world.advance(TimeDelta::minutes(11));
    me.account(Login::Tiktok).await;
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tiktoks_desktop_apps_prove_by_pkce_who_asked_for_the_code() {
    let world = World::with(&[FRONTEND]).await;
    world.tiktok("rules", json!({ "desktop_app": true })).await;
    let me = world.me();
    let browser = Browser::new(&world.http);
    let link = link(&me, Login::Tiktok).await;
    let consent = browser.press(&browser.open(&link).await, "allow", &[]).await.location.unwrap();
    assert_eq!(parameter(&consent, "code_challenge_method"), "S256");
    // One who put his own challenge into the address gets a code that the core cannot exchange.
    let stolen = consent.as_str().replace(&parameter(&consent, "code_challenge"), &"0".repeat(64));
    let back = agree(&me, &browser, &Url::parse(&stolen).unwrap(), Login::Tiktok).await;
    let (status, message) = told(&browser.open(&back).await);
    assert_eq!(status, "error");
    assert!(message.contains("challenge"), "{message}");
    me.account(Login::Tiktok).await;
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_was_begun_goes_on_after_a_restart() {
    let mut world = World::with(&[FRONTEND]).await;
    let browser = Browser::new(&world.http);
    let link = link(&world.me(), Login::Tiktok).await;
    let back = allow(&world.me(), &browser, &link, Login::Tiktok).await;
    let before = world.url();
    world.restart().await;
    let back = Url::parse(&back.as_str().replace(&before, &world.url())).unwrap();
    assert_eq!(told(&browser.open(&back).await).0, "success");
    world.finish(0).await;
}
