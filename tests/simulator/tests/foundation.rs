//! What all platforms share: faults, clock, journal, ports, media host.

mod support;

use std::time::Duration;

use aurareels_simulator::{Action, Chances, Filter, Hold, Host, Matcher, Options, Rule, When};
use serde_json::{Value, json};
use support::*;

const INFO: &str = "/v2/user/info/?fields=open_id";

fn info() -> Matcher {
    Matcher { operation: Some("tiktok.user_info".into()), ..Matcher::default() }
}

fn journal_of(operation: &str) -> Filter {
    Filter { operation: Some(operation.into()), ..Filter::default() }
}

async fn ask(world: &World, login: &Login) -> reqwest::Result<reqwest::Response> {
    world.api_raw(reqwest::Method::GET, &login.access, INFO, Value::Null).await
}

#[tokio::test]
async fn cut_connections_send_no_byte() {
    let world = World::start().await;
    let login = world.login(PUBLIC_CREATOR).await;
    for (when, acted) in [(When::Before, false), (When::After, true)] {
        world.sim.add_fault(Rule::once(info(), Action::Cut { when, after_bytes: 0 }));
        let error = ask(&world, &login).await.expect_err("cut");
        assert!(!error.is_connect() && !error.is_timeout(), "{error:?}");
        let entry = world.sim.requests(&journal_of("tiktok.user_info")).pop().unwrap();
        assert_eq!((entry.acted, entry.sent_status, entry.done), (acted, None, true));
    }
    assert_eq!(ask(&world, &login).await.unwrap().status(), 200);
}

#[tokio::test]
async fn rules_hit_the_occurrence_they_name() {
    let world = World::start().await;
    let login = world.login(PUBLIC_CREATOR).await;
    let id = world
        .set(
            "faults",
            json!({
                "match": { "vendor": "tiktok", "host": "tiktok_api", "method": "GET", "path": "/v2/user/*", "account": PUBLIC_CREATOR },
                "skip": 2, "times": 1,
                "action": { "type": "answer", "status": 503, "headers": { "retry-after": "7" }, "body": { "a": 1 } }
            }),
        )
        .await["id"]
        .as_u64()
        .unwrap();
    let mut seen = Vec::new();
    for _ in 0..4 {
        let answer = ask(&world, &login).await.unwrap();
        seen.push((answer.status().as_u16(), answer.headers().contains_key("retry-after")));
    }
    assert_eq!(seen, [(200, false), (200, false), (503, true), (200, false)]);
    let rules = world.get("faults").await;
    assert_eq!((&rules["rules"][0]["id"], &rules["rules"][0]["fired"]), (&json!(id), &json!(1)));
    let other = world.login(PRIVATE_CREATOR).await;
    assert_eq!(ask(&world, &other).await.unwrap().status(), 200);
}

#[tokio::test]
async fn bodies_can_be_wrong_in_three_ways() {
    let world = World::start().await;
    let login = world.login(PUBLIC_CREATOR).await;
    world.sim.add_fault(Rule::once(info(), Action::Html { act: true }));
    let answer = ask(&world, &login).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.unwrap().starts_with("<!DOCTYPE html>"));

    world.sim.add_fault(Rule::once(info(), Action::TruncatedBody));
    let text = ask(&world, &login).await.unwrap().text().await.unwrap();
    assert!(text.starts_with('{') && serde_json::from_str::<Value>(&text).is_err());

    world.sim.add_fault(Rule::once(info(), Action::BrokenResponse));
    let answer = ask(&world, &login).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.bytes().await.is_err());
}

#[tokio::test]
async fn held_request_waits_for_its_release() {
    let world = World::start().await;
    let login = world.login(PUBLIC_CREATOR).await;
    let rule = world.sim.add_fault(Rule::hold_once(info(), Hold::After));
    let (http, url) = (world.http.clone(), format!("{}{INFO}", world.sim.url(Host::TikTokApi)));
    let token = login.access.clone();
    let asked = tokio::spawn(async move { http.get(url).bearer_auth(token).send().await.unwrap().status() });
    let acted = Filter { acted: Some(true), ..journal_of("tiktok.user_info") };
    assert_eq!(world.sim.wait_for_requests(&acted, 1, Duration::from_secs(10)).await, 1);
    assert!(!world.sim.requests(&acted)[0].done);
    assert!(world.sim.release_fault(rule));
    assert_eq!(asked.await.unwrap(), 200);
}

#[tokio::test]
async fn request_acts_although_its_client_has_gone() {
    let world = World::start().await;
    let login = world.login(PUBLIC_CREATOR).await;
    let rule = world.sim.add_fault(Rule::hold_once(info(), Hold::Before));
    let (http, url) = (world.http.clone(), format!("{}{INFO}", world.sim.url(Host::TikTokApi)));
    let token = login.access.clone();
    let asked = tokio::spawn(async move { http.get(url).bearer_auth(token).send().await.map(|_| ()) });
    assert_eq!(world.sim.wait_for_requests(&journal_of("tiktok.user_info"), 1, Duration::from_secs(10)).await, 1);
    asked.abort();
    assert!(asked.await.unwrap_err().is_cancelled());
    world.sim.release_fault(rule);
    let acted = Filter { succeeded: Some(true), ..journal_of("tiktok.user_info") };
    assert_eq!(world.sim.wait_for_requests(&acted, 1, Duration::from_secs(10)).await, 1);
}

#[tokio::test]
async fn same_seed_same_random_faults() {
    let mut runs = Vec::new();
    for seed in [7, 7, 8] {
        let world = World::start().await;
        let login = world.login(PUBLIC_CREATOR).await;
        let chances =
            Chances { seed: Some(seed), cut_after: 0.3, error_before: 0.3, matcher: info(), ..Chances::default() };
        world.sim.set_random_faults(Some(chances)).unwrap();
        let mut run = Vec::new();
        for _ in 0..40 {
            run.push(ask(&world, &login).await.ok().map(|answer| answer.status().as_u16()));
        }
        runs.push(run);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
    for outcome in [None, Some(200), Some(503)] {
        assert!(runs[0].contains(&outcome));
    }
}

#[tokio::test]
async fn probabilities_are_checked() {
    let world = World::start().await;
    assert!(
        world.sim.set_random_faults(Some(Chances { cut_after: 0.6, cut_before: 0.6, ..Chances::default() })).is_err()
    );
    let answer = world.http.post(world.control("faults/random")).json(&json!({ "cut_after": 2 })).send().await.unwrap();
    assert_eq!(answer.status(), 400);
}

#[tokio::test]
async fn host_can_refuse_connections_and_come_back() {
    let world = World::start().await;
    let login = world.login(PUBLIC_CREATOR).await;
    world.set("hosts", json!({ "host": "tiktok_api", "listening": false })).await;
    let error = loop {
        // The accept loop closes its socket a moment after the switch.
        if let Err(error) = ask(&world, &login).await
            && error.is_connect()
        {
            break error;
        }
    };
    assert!(error.is_connect());
    world.set("hosts", json!({ "host": "tiktok_api", "listening": true })).await;
    let mut tries = 0;
    while ask(&world, &login).await.is_err() {
        tries += 1;
        assert!(tries < 10_000, "the port did not open again");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn clock_is_moved_and_read() {
    let world = World::start().await;
    let before = world.get("clock").await["unix"].as_i64().unwrap();
    world.advance(86_400).await;
    assert!(world.get("clock").await["unix"].as_i64().unwrap() >= before + 86_400);
    let set = world.set("clock", json!({ "now": "2030-01-01T00:00:00Z" })).await;
    assert_eq!(set["unix"], 1_893_456_000);
    assert!(world.sim.clock().unix() >= 1_893_456_000);
}

#[tokio::test]
async fn environment_names_every_setting() {
    let world = World::start().await;
    let settings = world.sim.environment();
    for name in [
        "TIKTOK_AUTH_BASE_URL",
        "TIKTOK_API_BASE_URL",
        "META_DIALOG_BASE_URL",
        "META_GRAPH_BASE_URL",
        "META_RUPLOAD_BASE_URL",
        "INSTAGRAM_AUTH_BASE_URL",
        "INSTAGRAM_API_BASE_URL",
        "INSTAGRAM_GRAPH_BASE_URL",
        "TIKTOK_CLIENT_ID",
        "TIKTOK_CLIENT_SECRET",
        "INSTAGRAM_APP_ID",
        "INSTAGRAM_APP_SECRET",
        "INSTAGRAM_LOGIN_APP_ID",
        "INSTAGRAM_LOGIN_APP_SECRET",
    ] {
        assert!(settings.iter().any(|(key, value)| key == name && !value.is_empty()), "{name}");
    }
    assert_eq!(world.get("environment").await["TIKTOK_CLIENT_ID"], "sim-tiktok-key");
}

#[tokio::test]
async fn base_port_gives_fixed_ports() {
    let world = World::start().await;
    // A port that was free a moment ago. The next ones may be taken, then others are tried.
    let free = world.sim.url(Host::Control).rsplit(':').next().unwrap().parse::<u16>().unwrap();
    drop(world);
    for base in (1..=50).map(|step| free.min(50_000) + step * 100) {
        let options = Options { base_port: Some(base), ..Options::default() };
        let Ok(sim) = aurareels_simulator::Simulator::start(options.clone()).await else { continue };
        assert_eq!(sim.url(Host::TikTokApi), format!("http://127.0.0.1:{}", base + Host::TikTokApi.offset()));
        assert!(aurareels_simulator::Simulator::start(options).await.is_err(), "the ports are taken");
        return sim.shutdown().await;
    }
    panic!("no free ports above {free}");
}

#[tokio::test]
async fn reset_forgets_everything_but_the_default_accounts() {
    let world = World::start().await;
    world.set("accounts", json!({ "platform": "tiktok", "id": "extra" })).await;
    let login = world.login(PUBLIC_CREATOR).await;
    world.publish(&login, "SELF_ONLY").await;
    world.advance(5).await;
    assert_eq!(world.sim.posts().len(), 1);
    world.set("reset", json!({})).await;
    assert!(world.sim.posts().is_empty());
    assert_eq!(ask(&world, &login).await.unwrap().status(), 401);
    let tiktok = world.sim.accounts().into_iter().filter(|account| account["platform"] == "tiktok").count();
    assert_eq!(tiktok, 2);
}

#[tokio::test]
async fn journal_is_bounded_but_counts_everything() {
    let world = World::with(Options { journal_capacity: 5, ..Options::default() }).await;
    let login = world.login(PUBLIC_CREATOR).await;
    for _ in 0..20 {
        ask(&world, &login).await.unwrap();
    }
    assert_eq!(world.get("requests").await["count"], 5);
    assert_eq!(world.get("counts").await["tiktok.user_info"]["succeeded"], 20);
}

#[tokio::test]
async fn media_host_serves_ranges_of_real_files() {
    let world = World::start().await;
    let url = format!("{}/v/demo.mp4?size=500000&duration=4&codec=hvc1", world.sim.url(Host::Media));
    let head = world.http.head(&url).send().await.unwrap();
    assert_eq!(head.headers()["content-length"], "500000");
    assert_eq!(head.headers()["content-type"], "video/mp4");
    let whole = world.http.get(&url).send().await.unwrap();
    assert_eq!(whole.headers()["etag"], head.headers()["etag"]);
    let whole = whole.bytes().await.unwrap();
    assert_eq!(&whole[4..8], b"ftyp");
    let part = world.http.get(&url).header("range", "bytes=1000-100999").send().await.unwrap();
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()["content-range"], "bytes 1000-100999/500000");
    assert_eq!(part.bytes().await.unwrap(), whole.slice(1000..101_000));
    let tail = world.http.get(&url).header("range", "bytes=-10").send().await.unwrap();
    assert_eq!(tail.bytes().await.unwrap(), whole.slice(499_990..));
    let beyond = world.http.get(&url).header("range", "bytes=500000-").send().await.unwrap();
    assert_eq!(beyond.status(), 416);
}

#[tokio::test]
async fn media_host_can_be_bad_in_many_ways() {
    let world = World::start().await;
    let base = format!("{}/v/demo.mp4", world.sim.url(Host::Media));
    let get = |query: &str| world.http.get(format!("{base}?{query}")).send();
    assert_eq!(get("status=404").await.unwrap().status(), 404);
    let redirect = get("redirect=http%3A%2F%2Fexample.org%2F").await.unwrap();
    assert_eq!(
        (redirect.status().as_u16(), &redirect.headers()["location"]),
        (302, &"http://example.org/".parse().unwrap())
    );
    assert_eq!(get("type=text/plain").await.unwrap().headers()["content-type"], "text/plain");
    assert!(get("text=1").await.unwrap().text().await.unwrap().starts_with("This is a text file"));
    let broken = get("size=500000&break=40").await.unwrap();
    assert_eq!(broken.headers()["content-length"], "500000");
    assert!(broken.bytes().await.is_err());
    assert_eq!(get("size=100").await.unwrap().status(), 400);

    let signed = world.set("media/sign", json!({ "path": "/v/s.mp4", "query": "size=100000", "expires_in": 60 })).await;
    let signed = signed["url"].as_str().unwrap();
    assert_eq!(world.http.get(signed).send().await.unwrap().status(), 200);
    assert_eq!(world.http.get(signed.replace("signature=", "signature=0")).send().await.unwrap().status(), 403);
    world.advance(61).await;
    assert_eq!(world.http.get(signed).send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn a_video_can_be_replaced_while_it_is_read() {
    let world = World::start().await;
    let url = format!("{}/v/a.mp4?size=300000&swap=9&swap_after=150000", world.sim.url(Host::Media));
    let [first, second] = aurareels_simulator::sha256_of(&url).unwrap().try_into().unwrap();
    assert_ne!(first, second);
    let read = async |range: &str, condition: Option<(&str, &str)>| {
        let mut request = world.http.get(&url).header("range", range);
        if let Some((name, value)) = condition {
            request = request.header(name, value);
        }
        let answer = request.send().await.unwrap();
        let etag = answer.headers()["etag"].to_str().unwrap().to_owned();
        (answer.status().as_u16(), etag, answer.bytes().await.unwrap())
    };
    let (status, etag, half) = read("bytes=0-149999", None).await;
    assert_eq!((status, half.len()), (206, 150_000));
    let (status, other, rest) = read("bytes=150000-299999", None).await;
    assert_eq!((status, rest.len()), (206, 150_000));
    assert_ne!(etag, other);
    let hash = |bytes: &[u8]| hex::encode(<sha2::Sha256 as sha2::Digest>::digest(bytes));
    let mixture = hash(&[half, rest].concat());
    assert!(mixture != first && mixture != second, "a mixture is neither file");
    let (status, _, whole) = read("bytes=150000-299999", Some(("if-range", &etag))).await;
    assert_eq!((status, hash(&whole)), (200, second), "a range of a version that is gone is the whole new file");
    let answer = world.http.get(&url).header("if-match", &etag).send().await.unwrap();
    assert_eq!(answer.status(), 412);
}

#[tokio::test]
async fn the_hash_of_a_video_is_known_from_its_link() {
    let world = World::start().await;
    let url = format!("{}/v/b.mp4?size=300000&no_etag=1", world.sim.url(Host::Media));
    let answer = world.http.get(&url).send().await.unwrap();
    assert!(!answer.headers().contains_key("etag"));
    let bytes = answer.bytes().await.unwrap();
    let hash = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&bytes));
    assert_eq!(aurareels_simulator::sha256_of(&url).unwrap(), [hash]);
}
