//! scratch
use aurareels_core::{
    app::{Caller, accounts::*, posts::requests::*},
    clock::Clock,
    config::Settings,
    domain::{ids::*, platform::*, post::*},
    parts::Parts,
};
use aurareels_simulator::{Host, Options, Simulator};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn smoke() {
    let _ = tracing_subscriber::fmt().with_env_filter("debug,hyper=info,reqwest=info").try_init();
    let sim = Simulator::start(Options::default()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut env = sim.environment();
    env.push(("AURAREELS_DATA_DIR".into(), dir.path().display().to_string()));
    env.push(("AURAREELS_SOCIAL_ENCRYPTION_KEY".into(), "0123456789abcdefghijklmnopqrstuvwxyz-0123".into()));
    env.push(("AURAREELS_ALLOW_PRIVATE_MEDIA_HOSTS".into(), "true".into()));
    env.push(("AURAREELS_PUBLIC_URL".into(), "http://127.0.0.1:1".into()));
    env.push(("AURAREELS_POLL_FIRST_SECONDS".into(), "0.1".into()));
    let settings = Settings::from_pairs(env).unwrap();
    let parts = Parts::build(&settings, Clock::system()).await.unwrap();
    let run = parts.start();
    let caller = Caller { user: UserId(1) };
    let http = reqwest_client();
    let mut ids = vec![];
    for (platform, account) in [(Platform::Tiktok, "-000tiktok-creator-one"), (Platform::Instagram, "")] {
        let link = parts
            .accounts
            .connect(caller, Connect { platform, flavour: None, redirect_uri: None, reconnect: None })
            .await
            .unwrap();
        println!("{}", link.auth_url);
        let mut form = vec![("decision", "allow")];
        if !account.is_empty() {
            form.push(("account", account));
        }
        let answer = http.post(link.auth_url.clone()).form(&form).send().await.unwrap();
        println!("{} {:?}", answer.status(), answer.headers().get("location"));
        let location = url::Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
        let code = location.query_pairs().find(|(n, _)| n == "code").unwrap().1.into_owned();
        let connected = parts.accounts.complete(None, platform, &code, &link.state).await.unwrap();
        for a in &connected.accounts {
            println!("{} {} {:?}", a.id, a.account_name, a.account_username);
        }
        ids.push(connected.accounts[0].id);
    }
    let wish = Wish {
        content: Content {
            video_url: format!("{}/v/demo.mp4?size=20000000&duration=15", sim.url(Host::Media)),
            caption: "Hello".into(),
            hashtags: vec!["one".into()],
            privacy_level: "PUBLIC".into(),
            ..Content::default()
        },
        ..Wish::default()
    };
    let made = parts
        .posts
        .create(caller, CreatePosts { accounts: ids, wish, when: When::Now, request_key: None, allow_duplicate: false })
        .await
        .unwrap();
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let mut done = true;
        for created in &made {
            let d = parts.posts.get(caller, created.post.id).await.unwrap();
            done &= d.post.status == Status::Published && d.post.platform_post_url.is_some();
        }
        if done {
            break;
        }
    }
    for created in &made {
        let d = parts.posts.get(caller, created.post.id).await.unwrap();
        println!(
            "{:?} {:?} {:?} {:?} {:?}",
            d.post.status, d.post.platform_post_id, d.post.platform_post_url, d.post.error, d.post.waiting_for
        );
        for s in d.steps {
            println!("   {} {} {:?} {:?} {:?}", s.number, s.step, s.outcome, s.handle, s.evidence.0);
        }
    }
    println!("{:#?}", sim.posts());
    parts.stopping.send_replace(true);
    run.await.unwrap();
}
fn reqwest_client() -> reqwest::Client {
    let tls = aurareels_core::http::tls_config(&Default::default()).unwrap();
    aurareels_core::http::client_builder(&tls).build().unwrap()
}
