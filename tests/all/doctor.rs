//! `aurareels doctor` names what is wrong, and changes nothing.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt, path::PathBuf};

use aurareels_simulator::Host;
use aurareels_tests::{Login, World, is_about_files, world::testdata};
use axum::{Router, http::HeaderMap};
use serde_json::Value;
use sqlx::{ConnectOptions, Connection, Executor, sqlite::SqliteConnectOptions};

use crate::process::run;

type Settings = BTreeMap<String, String>;

async fn findings(settings: &Settings, further: &[&str]) -> Vec<Value> {
    let output = run(settings, &[&["doctor", "--json"], further].concat()).await;
    let text = String::from_utf8(output.stdout).expect("text");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let is_wrong = lines.iter().any(|finding| finding["level"] == "wrong");
    assert_eq!(output.status.success(), !is_wrong, "{text}{}", String::from_utf8_lossy(&output.stderr));
    lines
}

/// A misconfiguration: what is changed, and how the finding names it. An empty value takes a setting away.
struct Planted {
    change: Vec<(&'static str, String)>,
    level: &'static str,
    about: &'static str,
    message: &'static str,
    offline: bool,
}

fn wrong(name: &'static str, value: impl Into<String>, about: &'static str, message: &'static str) -> Planted {
    Planted { change: vec![(name, value.into())], level: "wrong", about, message, offline: true }
}

impl Planted {
    fn and(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.change.push((name, value.into()));
        self
    }

    fn online(self) -> Self {
        Self { offline: false, ..self }
    }

    fn advice(self) -> Self {
        Self { level: "look", ..self }
    }
}

async fn check(settings: &Settings, planted: Vec<Planted>) {
    for Planted { change, level, about, message, offline } in planted {
        let mut settings = settings.clone();
        for (name, value) in &change {
            settings.insert((*name).to_owned(), value.clone());
        }
        settings.retain(|_, value| !value.is_empty());
        let all = findings(&settings, if offline { &["--offline"] } else { &[] }).await;
        let text = |finding: &Value, field: &str| finding[field].as_str().unwrap_or_default().to_owned();
        let named = all.iter().find(|finding| {
            finding["level"] == level
                && text(finding, "about").contains(about)
                && text(finding, "message").contains(message)
        });
        let Some(named) = named else { panic!("{change:?} is not named: {all:#?}") };
        assert!(text(named, "remedy").len() > 10, "without a remedy: {named}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn misconfigurations_of_all_kinds_are_named_each_with_its_remedy() {
    if is_about_files("it plants damage in files") {
        return;
    }
    let mut world = World::start().await;
    world.me().account(Login::Tiktok).await;
    let url = world.url();
    let mut settings = world.settings().clone();
    settings.insert("AURAREELS_PUBLIC_URL".into(), url.clone());
    settings.insert("AURAREELS_MEDIA_MIN_FREE_BYTES".into(), "0".into());
    let well = findings(&settings, &[]).await;
    let bad: Vec<&Value> = well.iter().filter(|finding| finding["level"] == "wrong").collect();
    assert!(bad.is_empty(), "{bad:#?}");
    for about in
        ["settings", "database", "encryption keys", "disk", "clock", "AURAREELS_PUBLIC_URL", "TikTok", "YouTube"]
    {
        let is_fine = |finding: &&Value| finding["level"] == "ok" && finding["about"].as_str().unwrap().contains(about);
        assert!(well.iter().any(|finding| is_fine(&finding)), "{about}: {well:#?}");
    }

    let place = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| -> String {
        let path = place.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.display().to_string()
    };
    let (text, garbage) = (file("text.pem", b"no certificate"), file("garbage.db", &[7; 8192]));
    let nowhere = "http://127.0.0.1:1";
    let (cert, key) = (testdata("server.pem").display().to_string(), testdata("server.key").display().to_string());
    let other_key: PathBuf = testdata("../../core-service/src/testdata/tls_localhost_key.pem");
    let late = late_clock().await;
    const KEY: &str = "AURAREELS_SOCIAL_ENCRYPTION_KEY";
    const TLS: (&str, &str) = ("AURAREELS_TLS_CERT", "AURAREELS_TLS_KEY");
    let planted = vec![
        // Settings.
        wrong("AURAREELS_LISTN", "127.0.0.1:1", "AURAREELS_LISTN", "no setting"),
        wrong("AURAREELS_LISTEN", "here", "AURAREELS_LISTEN", "address"),
        wrong("AURAREELS_JWT_SECRET", "short", "AURAREELS_JWT_SECRET", "shorter"),
        wrong("AURAREELS_SCHEDULER", "n8n", "AURAREELS_SCHEDULER", "N8N_SCHEDULER_WEBHOOK"),
        wrong("TIKTOK_CLIENT_SECRET", "", "TIKTOK_CLIENT_ID", "needs"),
        wrong("AURAREELS_LISTEN", "0.0.0.0:50051", "AURAREELS_LISTEN", "plain text"),
        wrong("AURAREELS_PUBLIC_URL", "http://reels.example.org", "AURAREELS_PUBLIC_URL", "https alone"),
        wrong("AURAREELS_CORS_ORIGINS", "*", "AURAREELS_CORS_ORIGINS", "every site").advice(),
        wrong("CLOUDFLARE_API_TOKEN", "", "CLOUDFLARE_ACCOUNT_ID", "needs"),
        wrong("CLOUDFLARE_API_TOKEN", "another", "Cloudflare Stream", "refuses this core's API token").online(),
        // Keys and database.
        wrong(KEY, "", KEY, "not set"),
        wrong(KEY, "guessable", KEY, ""),
        wrong(KEY, "another-key-that-is-long-enough-0123456789-abcdefgh", "OLD_KEYS", "not at hand"),
        wrong("AURAREELS_DATABASE_URL", "oracle://x", "AURAREELS_DATABASE_URL", ""),
        wrong("AURAREELS_DATABASE_URL", "postgres://u:p@127.0.0.1:1/reels", "AURAREELS_DATABASE_URL", "cannot be used"),
        wrong("AURAREELS_DATABASE_URL", format!("sqlite://{garbage}"), "AURAREELS_DATABASE_URL", "cannot be used"),
        wrong(
            "AURAREELS_DATABASE_URL",
            format!("sqlite://{}/other.db", world.data_dir().display()),
            "AURAREELS_DATABASE_URL",
            "has been served from here",
        ),
        // Machine.
        wrong("AURAREELS_DATA_DIR", text.clone(), "AURAREELS_DATA_DIR", "no directory"),
        wrong("AURAREELS_DATA_DIR", format!("{text}/data"), "AURAREELS_DATA_DIR", ""),
        wrong("AURAREELS_MEDIA_MIN_FREE_BYTES", i64::MAX.to_string(), "disk", "bytes are free"),
        wrong(TLS.0, place.path().join("gone.pem").display().to_string(), TLS.0, "cannot read").and(TLS.1, &key),
        wrong(TLS.0, &text, TLS.0, "no certificate").and(TLS.1, &key),
        wrong(TLS.0, &cert, TLS.0, "do not fit").and(TLS.1, other_key.display().to_string()),
        wrong(TLS.0, &cert, TLS.0, "is not for reels.example.org")
            .and(TLS.1, &key)
            .and("AURAREELS_PUBLIC_URL", "https://reels.example.org"),
        wrong(
            "AURAREELS_EXTRA_CA_FILE",
            place.path().join("gone.pem").display().to_string(),
            "AURAREELS_EXTRA_CA_FILE",
            "",
        ),
        wrong("AURAREELS_EXTRA_CA_FILE", &text, "AURAREELS_EXTRA_CA_FILE", ""),
        // The world.
        wrong("TIKTOK_CLIENT_SECRET", "wrong", "TikTok", "key or secret").online(),
        wrong("INSTAGRAM_APP_SECRET", "wrong", "Instagram (facebook", "id or secret").online(),
        wrong("INSTAGRAM_LOGIN_APP_ID", "1", "Instagram (instagram", "id or secret").online(),
        wrong("YOUTUBE_CLIENT_SECRET", "wrong", "YouTube", "id or secret").online(),
        wrong("TIKTOK_API_BASE_URL", nowhere, "TikTok", "reached").online(),
        wrong("TIKTOK_AUTH_BASE_URL", late, "clock", "seconds from").online(),
        wrong("N8N_SCHEDULER_WEBHOOK", format!("{nowhere}/webhook/x"), "N8N_SCHEDULER_WEBHOOK", "reached").online(),
        wrong("AURAREELS_PUBLIC_URL", world.sim.url(Host::Control), "AURAREELS_PUBLIC_URL", "no AuraReels core")
            .online(),
        wrong("AURAREELS_PUBLIC_URL", nowhere, "AURAREELS_PUBLIC_URL", "cannot be reached").advice().online(),
    ];
    assert!(planted.len() >= 20);
    check(&settings, planted).await;

    fs::set_permissions(world.data_dir(), fs::Permissions::from_mode(0o755)).unwrap();
    let open = wrong("AURAREELS_LOG", "info", "AURAREELS_DATA_DIR", "others on this machine").advice();
    check(&settings, vec![open]).await;
    fs::set_permissions(world.data_dir(), fs::Permissions::from_mode(0o700)).unwrap();

    world.stop_core().await;
    let database = format!("sqlite://{}", world.data_dir().join("aurareels.db").display());
    let options: SqliteConnectOptions = database.parse().unwrap();
    let mut connection = options.connect().await.unwrap();
    let later = "INSERT INTO aurareels_migrations (version, description, success, checksum, execution_time) \
                 VALUES (9999, 'later', 1, x'00', 0)";
    connection.execute(later).await.unwrap();
    check(&settings, vec![wrong("AURAREELS_LOG", "info", "database", "9999")]).await;
    connection.execute("DELETE FROM aurareels_migrations WHERE version = 9999").await.unwrap();
    connection.close().await.unwrap();
    world.start_core().await;
    world.finish(0).await;
}

/// A server whose clock is hours away.
async fn late_clock() -> String {
    let mut headers = HeaderMap::new();
    headers.insert("date", "Tue, 01 Jan 2030 00:00:00 GMT".parse().unwrap());
    let app = Router::new().fallback(move || std::future::ready((headers.clone(), "")));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}
