//! The dashboard as the core serves it: its files, logging in, and who may act by a session.

use std::{io::Read, time::Duration};

use aurareels_core::app::api_keys::Scope;
use aurareels_proto::v1::{ListPostsRequest, WatchPostsRequest};
use aurareels_tests::{
    Login, Refusal, Visitor, World,
    dashboard::Answer,
    posting::{content, publish},
};
use chrono::{DateTime, TimeDelta};
use reqwest::{Method, header};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tonic::{Code, Request};

use crate::process::{Served, run};

const LIST: &str = "PostService/ListPosts";

/// Names of the assets that the page loads first.
fn assets(page: &str) -> Vec<String> {
    let mut found: Vec<String> = page
        .split("/dashboard/assets/")
        .skip(1)
        .map(|rest| format!("/dashboard/assets/{}", rest.split('"').next().unwrap_or_default()))
        .collect();
    found.sort();
    found.dedup();
    found
}

/// The status line of a request whose path is sent as it stands.
async fn raw(world: &World, method: &str, path: &str) -> String {
    let address = world.address();
    let mut stream = TcpStream::connect(address.trim_start_matches("http://")).await.expect("a connection");
    let request = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_may_load_itself_and_nothing_of_others() {
    let world = World::start().await;
    let visitor = Visitor::new(&world);
    let moved = visitor.get("/dashboard").await;
    assert_eq!((moved.status, moved.header("location")), (308, "dashboard/"));
    let mut nonces = Vec::new();
    for path in ["/dashboard/", "/dashboard/login", "/dashboard/social-calendar", "/dashboard/social-posts/12"] {
        let page = visitor.get(path).await;
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"), "{path}");
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin-allow-popups"),
            ("access-control-allow-origin", ""),
        ] {
            assert_eq!(page.header(name), value, "{path} {name}");
        }
        assert!(page.header("permissions-policy").contains("camera=()"));
        let policy = page.header("content-security-policy");
        let nonce =
            policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).expect("a nonce").to_owned();
        assert_eq!(
            policy,
            format!(
                "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' https: http: data: blob:; \
                 media-src 'self' https: http: blob:; connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; \
                 frame-ancestors 'none'"
            )
        );
        let text = page.text();
        assert!(text.contains(&format!("\"{nonce}\"")) && !text.contains("{{"), "{text}");
        nonces.push(nonce);
        let head = visitor.send(Method::HEAD, path, |request| request).await;
        assert_eq!((head.status, head.body.len(), head.header("content-type")), (200, 0, "text/html; charset=utf-8"));
    }
    // What a browser asks for when this is opened or loaded again; the page itself asks for anything.
    let opened =
        |request: reqwest::RequestBuilder| request.header("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    let view = visitor.send(Method::GET, "/dashboard/sessions", opened).await;
    assert_eq!((view.status, view.header("content-type")), (200, "text/html; charset=utf-8"));
    visitor.get("/dashboard/sessions").await.is_refused(401, "UNAUTHENTICATED");
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), 4);
    assert_eq!(visitor.send(Method::POST, "/dashboard/", |request| request).await.status, 405);
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn assets_are_kept_for_ever_and_come_compressed() {
    let world = World::start().await;
    let visitor = Visitor::new(&world);
    let names = assets(&visitor.get("/dashboard/").await.text());
    assert!(!names.is_empty(), "the page loads something");
    let ask = async |name: &str, accepts: &'static str, method: Method, known: &str| {
        let with = |request: reqwest::RequestBuilder| {
            request.header(header::ACCEPT_ENCODING, accepts).header(header::IF_NONE_MATCH, known)
        };
        visitor.send(method, name, with).await
    };
    for name in &names {
        let plain = ask(name, "identity", Method::GET, "").await;
        assert_eq!((plain.status, plain.header("content-encoding")), (200, ""), "{name}");
        for (accepts, coding) in [("identity", ""), ("gzip", "gzip"), ("gzip, deflate, br, zstd", "br")] {
            let answer = ask(name, accepts, Method::GET, "").await;
            for (header, value) in [
                ("cache-control", "public, max-age=31536000, immutable"),
                ("vary", "accept-encoding"),
                ("x-content-type-options", "nosniff"),
                ("content-type", plain.header("content-type")),
            ] {
                assert_eq!(answer.header(header), value, "{name} {header}");
            }
            let whole = match answer.header("content-encoding") {
                "br" => {
                    let mut whole = Vec::new();
                    brotli::Decompressor::new(&answer.body[..], 4096).read_to_end(&mut whole).expect("brotli");
                    whole
                }
                "gzip" => {
                    let mut whole = Vec::new();
                    flate2::read::GzDecoder::new(&answer.body[..]).read_to_end(&mut whole).expect("gzip");
                    whole
                }
                other => {
                    assert_eq!(other, "");
                    answer.body.clone()
                }
            };
            assert_eq!(whole, plain.body, "{name} {accepts}");
            if plain.body.len() > 5000 {
                assert_eq!(answer.header("content-encoding"), coding, "{name}");
                assert!(coding.is_empty() || answer.body.len() * 2 < plain.body.len(), "{name}: {coding}");
            }
            let tag = answer.header("etag").to_owned();
            assert!(tag.starts_with('"') && tag.ends_with('"'), "a strong tag: {tag}");
            let known = ask(name, accepts, Method::GET, &tag).await;
            assert_eq!((known.status, known.body.len(), known.header("etag")), (304, 0, tag.as_str()));
            let head = ask(name, accepts, Method::HEAD, "").await;
            assert_eq!((head.status, head.body.len(), head.header("etag")), (200, 0, tag.as_str()));
        }
    }
    for nothing in
        ["/dashboard/assets/none-abc.js", "/dashboard/assets/x", "/dashboard/none.js", "/dashboard/index.html"]
    {
        assert_eq!(visitor.get(nothing).await.status, 404, "{nothing}");
    }
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_path_leads_out_of_the_files() {
    let world = World::start().await;
    for path in [
        "/dashboard/../Cargo.toml",
        "/dashboard/../../etc/passwd",
        "/dashboard/%2e%2e/%2e%2e/etc/passwd",
        "/dashboard/assets/../../../etc/passwd",
        "/dashboard/assets/%2e%2e%2findex.html",
        "/dashboard/assets/..%5c..%5cetc",
        "/dashboard//etc/passwd",
        "/dashboard/.git/config",
        "/dashboard/a%00b",
        "/dashboard/%ff",
    ] {
        for method in ["GET", "HEAD"] {
            let status = raw(&world, method, path).await;
            assert!(status.contains(" 404 ") || status.contains(" 400 "), "{method} {path}: {status}");
        }
    }
    assert!(raw(&world, "GET", "/dashboard/review").await.contains(" 200 "));
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_logs_in_once_and_the_session_is_its_users() {
    let world = World::start().await;
    let account = world.user(7).account(Login::Facebook).await;
    let id = world.user(7).publish_one(account, "Seven's").await;
    let secret = world.login_link(7, TimeDelta::minutes(10)).await;
    assert!(secret.starts_with("7."), "it tells whom it logs in");
    let mut visitor = Visitor::new(&world);
    visitor.get("/dashboard/session").await.is_refused(401, "UNAUTHENTICATED");
    let answer = visitor.log_in(&secret).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let (name, flags) = answer.header("set-cookie").split_once('=').expect("a cookie");
    assert_eq!(name, "aurareels-dashboard");
    assert!(flags.ends_with("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax"), "{flags}");
    assert_eq!(answer.header("cache-control"), "no-store");
    let body = answer.json();
    assert_eq!((&body["user"], body["session"].is_string()), (&json!(7), true), "{body}");
    let ends: DateTime<chrono::Utc> = body["expires_at"].as_str().unwrap().parse().unwrap();
    assert!(ends > world.now() + TimeDelta::hours(11) && ends <= world.now() + TimeDelta::hours(12), "{ends}");

    let mine = visitor.get("/dashboard/session").await;
    assert_eq!((mine.status, &mine.json()), (200, &body));
    let posts = visitor.call(LIST, &json!({})).await;
    assert_eq!(posts.status, 200, "{posts:?}");
    assert_eq!(posts.json()["posts"][0]["id"], json!(id));
    // By gRPC too, and it may do what its user may.
    let posts = visitor.posts().list_posts(ListPostsRequest::default()).await.unwrap().into_inner().posts;
    assert_eq!(posts.len(), 1);
    let second = visitor.posts().publish_posts(publish(&[account], content(&world, "By the page"))).await.unwrap();
    let second = second.into_inner().posts[0].id;

    let thief = Visitor::new(&world);
    thief.try_link(&secret).await.is_refused(401, "LOGIN_LINK_INVALID");
    for wrong in ["", "7.", "nonsense", &secret.replace("7.", "8."), &"x".repeat(500)] {
        thief.try_link(wrong).await.is_refused(401, "LOGIN_LINK_INVALID");
    }
    for body in ["", "{}", "[]", "{\"secret\": 7}", "not JSON"] {
        let answer = thief
            .send(Method::POST, "/dashboard/session", |request| {
                request.header(header::CONTENT_TYPE, "application/json").body(body)
            })
            .await;
        answer.is_refused(400, "INVALID_REQUEST");
    }
    let form = [("secret", secret.as_str())];
    let form = thief.send(Method::POST, "/dashboard/session", |request| request.form(&form)).await;
    form.is_refused(400, "INVALID_REQUEST");
    let large = "x".repeat(100_000);
    let large = thief.try_link(&large).await;
    large.is_refused(400, "INVALID_REQUEST");
    for id in [id, second] {
        world.user(7).published(id).await;
    }
    world.finish(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_use_a_link_at_the_same_time_one_is_logged_in() {
    let world = World::start().await;
    let secret = world.login_link(1, TimeDelta::minutes(10)).await;
    let visitors: Vec<Visitor> = (0..10).map(|_| Visitor::new(&world)).collect();
    let tried = futures_util::future::join_all(visitors.iter().map(|visitor| visitor.try_link(&secret))).await;
    let (winners, losers): (Vec<_>, Vec<_>) = tried.into_iter().partition(|answer| answer.status == 200);
    assert_eq!((winners.len(), losers.len()), (1, 9));
    world.keep_secret(winners[0].header("set-cookie").split(['=', ';']).nth(1).unwrap());
    losers.iter().for_each(|answer| answer.is_refused(401, "LOGIN_LINK_INVALID"));
    assert_eq!(world.logins().list(None).await.unwrap().len(), 1);
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_guesses_is_slowed_down_and_keeps_nobody_out() {
    let world = World::start().await;
    let visitor = Visitor::new(&world);
    let mut last = visitor.try_link("1.guess").await;
    for _ in 0..40 {
        last = visitor.try_link("1.guess").await;
    }
    last.is_refused(429, "TOO_MANY_TRIES");
    assert!(last.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds <= 61), "{last:?}");
    Visitor::of(&world, 1).await;
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_and_sessions_end_with_time() {
    let world = World::start().await;
    let secret = world.login_link(1, TimeDelta::minutes(10)).await;
    world.advance(TimeDelta::minutes(10));
    Visitor::new(&world).try_link(&secret).await.is_refused(401, "LOGIN_LINK_INVALID");
    let (idle, busy) = (Visitor::of(&world, 1).await, Visitor::of(&world, 1).await);
    for _ in 0..2 {
        world.advance(TimeDelta::hours(7));
        assert_eq!(busy.call(LIST, &json!({})).await.status, 200);
    }
    idle.get("/dashboard/session").await.is_refused(401, "UNAUTHENTICATED");
    let refusal = Refusal::from(idle.posts().list_posts(ListPostsRequest::default()).await.unwrap_err());
    refusal.is(Code::Unauthenticated, "UNAUTHENTICATED");
    assert!(refusal.metadata["remedy"].contains("dashboard-link"), "{refusal:#?}");
    // It ends thirty days after the login however much it is used.
    let begun = world.now() - TimeDelta::hours(14);
    while world.now() + TimeDelta::hours(8) < begun + TimeDelta::days(30) {
        world.advance(TimeDelta::hours(8));
        assert_eq!(busy.get("/dashboard/session").await.status, 200);
    }
    world.advance(TimeDelta::hours(9));
    busy.get("/dashboard/session").await.is_refused(401, "UNAUTHENTICATED");
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_counts_for_pages_of_the_public_address_alone() {
    const PUBLIC: &str = "https://reels.example:8443";
    let world = World::with(&[("AURAREELS_PUBLIC_URL", PUBLIC), ("AURAREELS_CORS_ORIGINS", "*")]).await;
    let mut visitor = Visitor::new(&world);
    assert_eq!(visitor.origin.as_deref(), Some(PUBLIC));
    let answer = visitor.log_in(&world.login_link(1, TimeDelta::minutes(10)).await).await;
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-aurareels-dashboard=") && cookie.ends_with("; Secure"), "{cookie}");
    assert_eq!(visitor.call(LIST, &json!({})).await.status, 200);
    let spare = world.login_link(1, TimeDelta::minutes(10)).await;
    for other in [
        None,
        Some("null"),
        Some("https://reels.example"),
        Some("https://reels.example:8444"),
        Some("http://reels.example:8443"),
        Some("https://evil.example"),
        Some("https://reels.example:8443.evil.example"),
        Some("https://sub.reels.example:8443"),
        Some("HTTPS://reels.example:8443"),
    ] {
        let from = visitor.from_origin(other);
        // It neither acts, nor logs in or out, whatever CORS allows to callers with keys.
        let call = from.call(LIST, &json!({})).await;
        assert_eq!((call.status, &call.json()["code"]), (401, &json!("unauthenticated")), "{other:?}");
        assert_eq!(call.header("access-control-allow-credentials"), "", "{other:?}");
        let refusal = Refusal::from(from.posts().list_posts(ListPostsRequest::default()).await.unwrap_err());
        refusal.is(Code::Unauthenticated, "UNAUTHENTICATED");
        let watch = from.posts().watch_posts(WatchPostsRequest::default()).await.map(drop).unwrap_err();
        assert_eq!(watch.code(), Code::Unauthenticated, "{other:?}");
        from.try_link(&spare).await.is_refused(403, "WRONG_ORIGIN");
        from.delete("/dashboard/session").await.is_refused(403, "WRONG_ORIGIN");
        from.delete(&format!("/dashboard/sessions/{}", visitor.session().await)).await.is_refused(403, "WRONG_ORIGIN");
        let read = from.get("/dashboard/session").await;
        match other {
            // As browsers ask for what is of their page's own site.
            None => assert_eq!(read.status, 200),
            Some(_) => read.is_refused(403, "WRONG_ORIGIN"),
        }
        assert_eq!(read.header("access-control-allow-origin"), "", "{other:?}");
    }
    // A page of another site that leads here, in a browser that says so.
    for site in ["cross-site", "same-site"] {
        let from = visitor.from_origin(None);
        let with = |request: reqwest::RequestBuilder| request.header("sec-fetch-site", site);
        from.send(Method::GET, "/dashboard/sessions", with).await.is_refused(403, "WRONG_ORIGIN");
    }
    // What a browser asks before such a page may call.
    for path in ["/aurareels.v1.PostService/ListPosts", "/dashboard/session"] {
        let with = |request: reqwest::RequestBuilder| {
            request
                .header("access-control-request-method", "POST")
                .header("access-control-request-headers", "content-type")
        };
        let preflight = visitor.from_origin(Some("https://evil.example")).send(Method::OPTIONS, path, with).await;
        assert_eq!(preflight.header("access-control-allow-credentials"), "", "{path}");
        let anybody = if path.starts_with("/aurareels") { "*" } else { "" };
        assert_eq!(preflight.header("access-control-allow-origin"), anybody, "{path}");
    }
    assert_eq!(visitor.session().await, 1, "nothing of it has ended the session");
    let second = visitor.clone().log_in(&spare).await;
    assert_eq!(second.status, 200, "nor used up the link");
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sends_a_key_says_with_it_who_calls() {
    let world = World::start().await;
    let account = world.user(2).account(Login::Facebook).await;
    world.user(2).published(world.user(2).publish_one(account, "Two's").await).await;
    let visitor = Visitor::of(&world, 1).await;
    let of_two = world.api_key(&[Scope::Read], Some(2)).await;
    let posts = async |bearer: &str| {
        let mut request = Request::new(ListPostsRequest::default());
        request.metadata_mut().insert("authorization", format!("Bearer {bearer}").parse().unwrap());
        visitor.posts().list_posts(request).await.map(|answer| answer.into_inner().posts.len())
    };
    assert_eq!(posts(&of_two).await.unwrap(), 1, "the key's user, not the session's");
    assert_eq!(posts("nonsense").await.unwrap_err().code(), Code::Unauthenticated, "not the session in its place");
    world.finish(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_of_its_user_alone() {
    let world = World::start().await;
    let account = world.user(2).account(Login::Facebook).await;
    let id = world.user(2).publish_one(account, "Two's").await;
    world.user(2).published(id).await;
    let (one, two, other) = (Visitor::of(&world, 1).await, Visitor::of(&world, 2).await, Visitor::of(&world, 2).await);
    assert_eq!(one.call(LIST, &json!({})).await.json()["posts"], json!([]));
    let missing = one.call("PostService/GetPost", &json!({ "id": id })).await;
    assert_eq!((missing.status, &missing.json()["code"]), (404, &json!("not_found")));
    // The header by which trusted servers name a user is none for a session.
    let named = one
        .send(Method::POST, "/aurareels.v1.PostService/ListPosts", |request| {
            request.header("x-aurareels-user-id", "2").json(&json!({}))
        })
        .await;
    assert_eq!((named.status, &named.json()["code"]), (403, &json!("permission_denied")));
    let listed = async |visitor: &Visitor<'_>| {
        let answer = visitor.get("/dashboard/sessions").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let sessions = answer.json()["sessions"].as_array().expect("a list").clone();
        sessions.iter().map(|one| (one["id"].clone(), one["current"].clone())).collect::<Vec<(Value, Value)>>()
    };
    let (first, second, third) = (one.session().await, two.session().await, other.session().await);
    assert_eq!(listed(&one).await, [(json!(first.to_string()), json!(true))]);
    let mut of_two = listed(&two).await;
    of_two.sort_by_key(|(id, _)| id.to_string());
    assert_eq!(of_two, [(json!(second.to_string()), json!(true)), (json!(third.to_string()), json!(false))]);
    let details = &two.get("/dashboard/sessions").await.json()["sessions"][0];
    for name in ["created_at", "last_used_at", "expires_at"] {
        assert!(details[name].as_str().is_some_and(|at| at.parse::<DateTime<chrono::Utc>>().is_ok()), "{details}");
    }
    assert!(details["user_agent"].is_string());
    // Nor can it end another's.
    for id in [second.to_string(), "9999".to_owned(), "nonsense".to_owned()] {
        one.delete(&format!("/dashboard/sessions/{id}")).await.is_refused(404, "SESSION_NOT_FOUND");
    }
    assert_eq!(two.delete(&format!("/dashboard/sessions/{third}")).await.status, 204);
    other.get("/dashboard/session").await.is_refused(401, "UNAUTHENTICATED");
    assert_eq!(other.call(LIST, &json!({})).await.status, 401);
    assert_eq!(two.session().await, second);
    world.finish(1).await;
}

/// Waits for the end of a stream that nobody writes to.
async fn end_of(mut stream: tonic::Streaming<aurareels_proto::v1::WatchPostsResponse>) -> tonic::Status {
    let end = async {
        loop {
            match stream.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("it ended without a word"),
                Err(status) => return status,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), end).await.expect("it ends within seconds")
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_end_with_their_session() {
    let world = World::start().await;
    let (here, there, stays) =
        (Visitor::of(&world, 1).await, Visitor::of(&world, 1).await, Visitor::of(&world, 1).await);
    let watch = async |visitor: &Visitor<'_>| {
        visitor.posts().watch_posts(WatchPostsRequest::default()).await.expect("a stream").into_inner()
    };
    let (mut first, mut second, mut third) = (watch(&here).await, watch(&there).await, watch(&stays).await);
    for stream in [&mut first, &mut second, &mut third] {
        stream.message().await.unwrap().unwrap();
    }
    let out = here.delete("/dashboard/session").await;
    assert_eq!(out.status, 204);
    assert_eq!(out.header("set-cookie"), "aurareels-dashboard=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    here.get("/dashboard/session").await.is_refused(401, "UNAUTHENTICATED");
    Refusal::from(end_of(first).await).is(Code::Unauthenticated, "UNAUTHENTICATED");
    assert_eq!(here.delete("/dashboard/session").await.status, 204, "a second time is the same");
    // By a command beside the core.
    assert!(world.logins().end(None, there.session().await).await.unwrap());
    Refusal::from(end_of(second).await).is(Code::Unauthenticated, "UNAUTHENTICATED");
    // The others go on.
    let account = world.me().account(Login::Facebook).await;
    let event = third.message().await.unwrap().unwrap().event.expect("an event");
    assert_eq!(event.account_id, account);
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_login_of_a_browser_ends_the_one_before() {
    let world = World::start().await;
    let mut visitor = Visitor::of(&world, 1).await;
    let before = visitor.clone();
    visitor.log_in(&world.login_link(2, TimeDelta::minutes(10)).await).await;
    assert_eq!(visitor.get("/dashboard/session").await.json()["user"], json!(2));
    before.get("/dashboard/session").await.is_refused(401, "UNAUTHENTICATED");
    world.finish(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_make_links_and_end_sessions_beside_a_running_core() {
    let mut world = World::start().await;
    world.stop_core().await;
    let settings = world.settings().clone();
    let served = Served::start(&settings, &world.http).await;
    let mut beside = settings.clone();
    beside.insert("AURAREELS_PUBLIC_URL".to_owned(), served.url.clone());
    let said = async |arguments: &[&str]| {
        let output = run(&beside, arguments).await;
        let text = String::from_utf8(output.stdout).expect("text");
        assert!(output.status.success(), "{arguments:?}: {text} {}", String::from_utf8_lossy(&output.stderr));
        text
    };
    let link = said(&["dashboard-link", "--user", "5"]).await;
    let (page, secret) = link.trim().split_once('#').expect("a fragment");
    assert_eq!(page, format!("{}/dashboard/login", served.url));
    world.keep_secret(secret);
    let log_in = async |secret: &str| -> Answer {
        let body = json!({ "secret": secret });
        let request = world.http.post(format!("{}/dashboard/session", served.url));
        let answer = request.header(header::ORIGIN, &served.url).json(&body).send().await.expect("an answer");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Answer { status, headers, body: answer.bytes().await.expect("a body").to_vec() }
    };
    let answer = log_in(secret).await;
    assert_eq!((answer.status, &answer.json()["user"]), (200, &json!(5)));
    world.keep_secret(answer.header("set-cookie").split(['=', ';']).nth(1).unwrap());
    let listed = said(&["dashboard-session", "list"]).await;
    assert!(listed.contains(" 5 "), "{listed}");
    let nobody = said(&["dashboard-session", "list", "--user", "6"]).await;
    assert!(!nobody.contains(" 5 "), "{nobody}");
    said(&["dashboard-session", "revoke", "1"]).await;
    assert!(!run(&beside, &["dashboard-session", "revoke", "1"]).await.status.success(), "it has ended already");
    // Where a free port was taken, nobody but the settings can say where the core is reached.
    assert!(!run(&settings, &["dashboard-link", "--user", "5"]).await.status.success());
    let old = said(&["dashboard-link", "--user", "5", "--minutes", "1"]).await;
    world.keep_secret(old.trim().split_once('#').unwrap().1);
    served.terminate().await;
    world.start_core().await;
    world.finish(0).await;
}
