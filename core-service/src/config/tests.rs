//! Settings as people give them: the sample file, overrides, and every kind of mistake.

use std::collections::BTreeMap;

use super::*;

const EXAMPLE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../aurareels.example.toml"));

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Result<Settings, Invalid> {
    Settings::from_pairs(pairs)
}

fn problems(result: Result<Settings, Invalid>) -> String {
    result.expect_err("should be refused").to_string()
}

/// The sample file with every commented setting switched on.
fn example_with_everything() -> String {
    let active = |line: &str| match line.strip_prefix("# ").filter(|rest| rest.contains(" = ")) {
        Some(rest)
            if rest
                .split(' ')
                .next()
                .is_some_and(|word| word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')) =>
        {
            rest.to_owned()
        }
        _ => line.to_owned(),
    };
    EXAMPLE.lines().map(active).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_sample_file_loads_and_changes_nothing() {
    let sample = Settings::from_text("sample", EXAMPLE, std::iter::empty()).unwrap();
    let empty = Settings::from_text("none", "", std::iter::empty()).unwrap();
    assert_eq!(format!("{sample:?}"), format!("{empty:?}"), "the sample shows defaults");
}

#[test]
fn every_setting_is_in_the_sample_file_with_its_table_and_environment_name() {
    let text = example_with_everything();
    let tables: toml::Table = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
    for setting in catalog::all() {
        let documented = tables.get(setting.table).and_then(|table| table.get(setting.key)).is_some();
        assert!(documented, "{}.{} is missing in aurareels.example.toml", setting.table, setting.key);
        assert!(EXAMPLE.contains(setting.name), "{} is not named in aurareels.example.toml", setting.name);
    }
    let count: usize = tables.values().filter_map(toml::Value::as_table).map(toml::Table::len).sum();
    assert_eq!(count, catalog::all().count(), "the sample names settings that do not exist");
}

#[test]
fn the_readmes_table_holds_every_setting_with_its_place_in_the_file() {
    let readme = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md"));
    let (_, table) = readme.split_once("| environment | in the file | default |").expect("the table is there");
    let quoted = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let mut documented = BTreeMap::new();
    for row in table.lines().skip(2).take_while(|line| line.starts_with('|')) {
        let mut cells = row.trim_matches('|').split('|');
        let names = quoted(cells.next().unwrap_or_default());
        let places = quoted(cells.next().unwrap_or_default());
        assert_eq!(names.len(), places.len(), "{row}");
        let (in_table, _) = places[0].split_once("] ").unwrap_or_else(|| panic!("no table of the file: {row}"));
        for (name, place) in names.into_iter().zip(&places) {
            let key = place.split_once("] ").map_or(place.as_str(), |(_, key)| key);
            documented.insert(name, format!("{in_table}] {key}"));
        }
    }
    let there = catalog::all().map(|one| (one.name.to_owned(), format!("[{}] {}", one.table, one.key)));
    assert_eq!(documented, there.collect());
}

#[test]
fn every_setting_of_the_catalog_is_read() {
    let mut reader = source::Reader::new("none", "", &BTreeMap::new());
    build::settings(&mut reader);
    for setting in catalog::all() {
        assert!(reader.asked.contains(setting.name), "nobody reads {}", setting.name);
    }
}

#[test]
fn defaults_are_the_designs() {
    let settings = pairs([]).unwrap();
    assert_eq!(settings.server.listen.to_string(), "127.0.0.1:50051");
    assert_eq!(settings.store.database_url.expose(), "sqlite://data/aurareels.db");
    assert_eq!(settings.publishing.lease.as_secs(), 15);
    assert_eq!(settings.publishing.retry.max_attempts, 3);
    assert_eq!(settings.publishing.retry.delay.as_secs(), 300);
    assert_eq!(settings.publishing.daily_posts_per_user, None);
    assert_eq!(settings.publishing.prepare_lead.as_secs(), 900);
    assert_eq!(settings.scheduler.default, SchedulerKind::Core);
    assert_eq!(settings.scheduler.n8n_grace.as_secs(), 120);
    assert_eq!(settings.scheduler.late_policy.as_secs(), 86_400);
    let platforms = format!("{:?}", settings.platforms);
    for host in ["open.tiktokapis.com", "graph.facebook.com", "rupload.facebook.com", "www.googleapis.com"] {
        assert!(platforms.contains(host), "{host}: {platforms}");
    }
    assert!(!settings.media.allow_private_hosts);
}

#[test]
fn the_environment_overrides_the_file_and_empty_means_not_given() {
    let file = "[server]\nlisten = \"127.0.0.1:1\"\n[publishing]\nlease_seconds = 20\npoll_first_seconds = 0.5\n";
    let environment = [("AURAREELS_LISTEN", "127.0.0.1:2"), ("AURAREELS_LEASE_SECONDS", "")];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let settings = Settings::from_text("file", file, environment.into_iter()).unwrap();
    assert_eq!(settings.server.listen.port(), 2);
    assert_eq!(settings.publishing.lease.as_secs(), 20);
    assert_eq!(settings.publishing.poll_first.as_millis(), 500);
}

#[test]
fn everything_wrong_is_said_at_once() {
    let file = "[server]\nlisten = \"nowhere\"\nlissen = 1\n[typo]\nx = 1\n";
    let environment = [
        ("AURAREELS_LEASE_SECONDS", "0"),
        ("AURAREELS_RETRY_DELAY_SECOND", "1"),
        ("AURAREELS_SCHEDULER", "cron"),
        ("AURAREELS_TLS_CERT", "/c.pem"),
        ("AURAREELS_CORS_ORIGINS", "https://a.example/path"),
        ("TIKTOK_CLIENT_ID", "id"),
        ("TIKTOK_API_BASE_URL", "http://localhost:1/v2"),
        ("META_GRAPH_VERSION", "25"),
        ("AURAREELS_DATABASE_URL", "oracle://x"),
        ("AURAREELS_TABLE_PREFIX", "wp-"),
        ("AURAREELS_LOG", "inof"),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let said = problems(Settings::from_text("f.toml", file, environment.into_iter()));
    for expected in [
        "f.toml: server.listen: is `nowhere`",
        "f.toml: server.lissen: is no setting of this release; remove it (did you mean `server.listen`?)",
        "f.toml: typo.x",
        "AURAREELS_LEASE_SECONDS: is 0, but must be a number from 3 to 600",
        "AURAREELS_RETRY_DELAY_SECOND: is no setting of this release; unset it (did you mean `AURAREELS_RETRY_DELAY_SECONDS`?)",
        "AURAREELS_SCHEDULER: is `cron`",
        "AURAREELS_TLS_CERT: needs AURAREELS_TLS_KEY too",
        "AURAREELS_CORS_ORIGINS: has `https://a.example/path`",
        "TIKTOK_CLIENT_ID: needs TIKTOK_CLIENT_SECRET too",
        "TIKTOK_API_BASE_URL: replaces scheme and host",
        "META_GRAPH_VERSION: is `25`",
        "AURAREELS_DATABASE_URL: must begin with sqlite:, postgres: or mysql:",
        "AURAREELS_TABLE_PREFIX: is for databases of a server",
        "AURAREELS_LOG: is `inof`, but must be a filter such as info",
    ] {
        assert!(said.contains(expected), "{expected:?} is missing in\n{said}");
    }
}

#[test]
fn a_filter_of_the_log_says_a_level_in_each_part() {
    for filter in
        ["info", "DEBUG", "off", "aurareels_core=debug,info", "warn,aurareels_core::store=trace", "my[span]=info"]
    {
        assert_eq!(pairs([("AURAREELS_LOG", filter)]).unwrap().server.log, filter);
    }
    for filter in ["inof", "aurareels_core", "info,bogus=", "aurareels_core=loud", "info,,"] {
        assert!(problems(pairs([("AURAREELS_LOG", filter)])).contains("AURAREELS_LOG"), "{filter}");
    }
}

#[test]
fn names_of_the_client_are_no_settings_and_no_mistakes() {
    assert!(pairs([("AURAREELS_ADDRESS", "x"), ("AURAREELS_API_KEY", "y"), ("PATH", "z")]).is_ok());
}

#[test]
fn a_malformed_file_names_its_line() {
    let said = problems(Settings::from_text("f.toml", "[server]\nlisten = \n", std::iter::empty()));
    assert!(said.contains("f.toml, line 2"), "{said}");
}

#[test]
fn tokens_need_an_issuer_and_a_secret_that_cannot_be_guessed() {
    let said = problems(pairs([("AURAREELS_JWT_SECRET", "short")]));
    assert!(said.contains("AURAREELS_JWT_SECRET: is shorter than 32 bytes"), "{said}");
    assert!(said.contains("AURAREELS_JWT_ISSUER: is not set"), "{said}");
    assert!(!said.contains("short\""), "{said}");
    let said = problems(pairs([("AURAREELS_JWT_PUBLIC_KEY", "-----BEGIN nonsense"), ("AURAREELS_JWT_ISSUER", "x")]));
    assert!(said.contains("no Ed25519 public key"), "{said}");
}

#[test]
fn several_public_keys_are_taken_in_every_form() {
    const ONE: &str = "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    const TWO: &str = "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=";
    let pem = |key: &str| format!("-----BEGIN PUBLIC KEY-----\n{key}\n-----END PUBLIC KEY-----\n");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{}\n{}", pem(ONE), pem(TWO))).unwrap();
    let file = file.path().to_str().unwrap();
    let both = [
        format!("{ONE},{TWO}"),
        format!("{}{}", pem(ONE), pem(TWO)),
        format!("{}{}", pem(ONE), pem(TWO)).replace('\n', "\\n"),
        format!("{}, {TWO}", pem(ONE)),
        file.to_owned(),
    ];
    for given in both {
        let settings = pairs([("AURAREELS_JWT_PUBLIC_KEY", &*given), ("AURAREELS_JWT_ISSUER", "x")]).unwrap();
        assert_eq!(settings.auth.jwt_public_keys, [pem(ONE), pem(TWO)], "{given}");
    }
    for wrong in [format!("{ONE},nonsense"), format!("{ONE},{}", &TWO[..40]), format!("{ONE},/dev/null")] {
        let said = problems(pairs([("AURAREELS_JWT_PUBLIC_KEY", &*wrong), ("AURAREELS_JWT_ISSUER", "x")]));
        assert!(said.contains("AURAREELS_JWT_PUBLIC_KEY"), "{said}");
    }
}

#[test]
fn n8n_as_default_needs_its_webhook() {
    assert!(problems(pairs([("AURAREELS_SCHEDULER", "n8n")])).contains("N8N_SCHEDULER_WEBHOOK"));
    let settings =
        pairs([("AURAREELS_SCHEDULER", "n8n"), ("N8N_SCHEDULER_WEBHOOK", "http://localhost:5678/webhook/x")]).unwrap();
    assert!(settings.scheduler.n8n.is_some());
}

#[test]
fn secrets_are_not_shown() {
    let settings = pairs([
        ("AURAREELS_SOCIAL_ENCRYPTION_KEY", "canary-key-0123456789-abcdefghijklmnop"),
        ("AURAREELS_SOCIAL_ENCRYPTION_OLD_KEYS", "canary-one, canary-two"),
        ("AURAREELS_JWT_SECRET", "canary-jwt-0123456789-abcdefghijklmnop"),
        ("AURAREELS_JWT_ISSUER", "https://site.example"),
        ("TIKTOK_CLIENT_ID", "id"),
        ("TIKTOK_CLIENT_SECRET", "canary-tiktok"),
        ("AURAREELS_DATABASE_URL", "postgres://aura:canary-password@localhost/aurareels"),
    ])
    .unwrap();
    assert_eq!(settings.keys.old.len(), 2);
    assert!(!format!("{settings:?}").contains("canary"), "{settings:?}");
}

#[test]
fn a_database_in_memory_is_refused() {
    for url in ["sqlite::memory:", "sqlite://:memory:", "sqlite://data/a.db?mode=memory"] {
        let environment = [("AURAREELS_DATABASE_URL".to_owned(), url.to_owned())];
        let said = problems(Settings::from_text("f.toml", "", environment.into_iter()));
        assert!(said.contains("AURAREELS_DATABASE_URL: must name a file"), "{url}: {said}");
    }
}
