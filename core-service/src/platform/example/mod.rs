//! A platform that exists only in tests: it is built by docs/add-a-platform.md, and proves that the page is enough. One
//! request publishes; the answer holds the id; a lost answer is read back by our own key.

use std::sync::Arc;

use async_trait::async_trait;
use aurareels_proto::v1;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{
    AccountError, Call, Identity, Live, LoginClient, Lookup, Next, NotBefore, Outcome, PlatformClient, PlatformQuota,
    PublishOptions, Refreshed, Round, Service, Step, Tokens, View, Window,
    description::{Codec, Description, Login, Options, Unknown},
    settings::{App, Configured, Values, setting},
};
use crate::{
    domain::{
        account::Account,
        ledger::{Entry, Evidence, Handle, StepClass, StepOutcome},
        media::{MediaRules, TIKTOK},
        platform::{LoginFlavour, Platform},
        post::Content,
        violation::Violation,
    },
    http,
};

/// What it asks of a video.
static RULES: MediaRules = MediaRules { max_duration_ms: 30_000, ..TIKTOK };

/// What it is.
pub(super) static DESCRIPTION: Description = Description {
    platform: Platform::Example,
    rules: &RULES,
    logins: &[Login {
        flavour: LoginFlavour::Example,
        scopes: &["post"],
        needed: &[&["post"]],
        when_nobody: "log in with an account that may post",
    }],
    options: Codec::of::<ExampleOptions>(),
    settings: &[&[
        setting("EXAMPLE_CLIENT_ID", "example", "client_id"),
        setting("EXAMPLE_CLIENT_SECRET", "example", "client_secret"),
    ]],
    read: |values: &mut dyn Values| {
        Arc::new(Example(App::read(values, "EXAMPLE_CLIENT_ID", "EXAMPLE_CLIENT_SECRET").is_some()))
    },
};

/// Its options.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ExampleOptions {
    loud: bool,
}

impl Options for ExampleOptions {
    const PLATFORM: Platform = Platform::Example;

    fn take(_: &mut v1::PlatformOptions, _: &mut Unknown<'_>) -> Option<Self> {
        // The API has no message for it.
        None
    }

    fn put(self, _: &mut v1::PlatformOptions) {}
}

/// The platform; true when it has an app.
#[derive(Clone, Debug)]
struct Example(bool);

impl Configured for Example {
    fn service(&self, _: &Arc<rustls::ClientConfig>) -> Result<Service, http::Error> {
        let it = Arc::new(self.clone());
        Ok(Service {
            description: &DESCRIPTION,
            client: it.clone(),
            login: it,
            numbers: Arc::new(super::stand_in::NoNumbers),
        })
    }
}

const PUBLISH: &str = "example.publish";

#[async_trait]
impl PlatformClient for Example {
    fn check_options(&self, _: &Content) -> Vec<Violation> {
        Vec::new()
    }

    fn fetches_video(&self, _: &Account, _: &Content) -> bool {
        false
    }

    fn next(&self, view: &View<'_>) -> Next {
        let sent = view.ledger.newest_sending(view.post.attempt);
        match sent.filter(|entry| matches!(entry.outcome, Some(StepOutcome::Accepted | StepOutcome::Found))) {
            Some(entry) => {
                let id = entry.handle.text("id").map(str::to_owned);
                let all = id.clone().into_iter().collect();
                Next::Live {
                    live: Live { platform_post_id: id, all_platform_post_ids: all, ..Live::default() },
                    then: None,
                }
            }
            None => Next::Step(Step {
                kind: PUBLISH,
                class: StepClass::PointOfNoReturn,
                not_before: NotBefore::Due,
                timeout: std::time::Duration::from_secs(1),
                handle: Handle::default(),
            }),
        }
    }

    fn searches_list(&self, _: &Step) -> bool {
        false
    }

    async fn run(&self, call: &Call<'_>, _: &Step) -> Outcome {
        let handle = Handle::default().with("id", call.view.post.id.to_string());
        Outcome::Accepted { handle, evidence: Evidence::new() }
    }

    async fn reconcile(&self, call: &Call<'_>, _: &Entry) -> Lookup {
        let handle = Handle::default().with("id", call.view.post.id.to_string());
        Lookup::Found { handle, evidence: Evidence::new() }
    }

    async fn search(&self, _: &Call<'_>, _: &Window) -> Lookup {
        Lookup::Absent { handle_dead: false, evidence: Evidence::new() }
    }

    fn settle(&self) -> std::time::Duration {
        std::time::Duration::from_secs(1)
    }

    fn confirmations(&self) -> usize {
        1
    }
}

fn nobody() -> AccountError {
    AccountError::Unknown("nobody logs in here".to_owned())
}

#[async_trait]
impl LoginClient for Example {
    fn flavours(&self) -> Vec<LoginFlavour> {
        if self.0 { vec![LoginFlavour::Example] } else { Vec::new() }
    }

    fn missing_settings(&self) -> Vec<&'static str> {
        if self.0 { Vec::new() } else { vec!["EXAMPLE_CLIENT_ID", "EXAMPLE_CLIENT_SECRET"] }
    }

    fn auth_url(&self, _: LoginFlavour, round: &Round, _: &str) -> Url {
        Url::parse(&round.redirect_uri).expect("an address")
    }

    async fn exchange(
        &self,
        _: LoginFlavour,
        _: &str,
        _: &Round,
        _: DateTime<Utc>,
    ) -> Result<Vec<Identity>, AccountError> {
        Err(nobody())
    }

    async fn refresh(&self, _: &Account, _: &Tokens, _: DateTime<Utc>) -> Result<Refreshed, AccountError> {
        Err(nobody())
    }

    async fn revoke(&self, _: &Account, _: &Tokens) -> Result<(), AccountError> {
        Err(nobody())
    }

    async fn check(&self, _: &Account, _: &Tokens) -> Result<(), AccountError> {
        Err(nobody())
    }

    async fn publish_options(&self, _: &Account, _: &Tokens) -> Result<PublishOptions, AccountError> {
        Err(nobody())
    }

    async fn quota(&self, _: &Account, _: &Tokens, _: DateTime<Utc>) -> Result<PlatformQuota, AccountError> {
        Err(nobody())
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;
    use crate::{
        app::platforms::Platforms,
        domain::{
            post::Status,
            request_key::{Asked, RequestKeys},
        },
        platform::{ALL, Registry, stand_in},
    };

    /// Values of nothing but its two settings.
    struct Given;

    impl Values for Given {
        fn text(&mut self, name: &'static str) -> Option<String> {
            assert!(DESCRIPTION.settings.iter().copied().flatten().any(|setting| setting.name == name), "{name}");
            Some("given".to_owned())
        }

        fn number(&mut self, _: &'static str, _: u32, _: u32, default: u32) -> u32 {
            default
        }

        fn base_url(&mut self, _: &'static str, vendor: &str) -> Url {
            Url::parse(&format!("https://{vendor}")).unwrap()
        }

        fn wrong(&mut self, name: &'static str, message: String) {
            panic!("{name}: {message}");
        }
    }

    fn service() -> Service {
        let tls = crate::http::tls_config(&crate::http::HttpSettings::default()).unwrap();
        (DESCRIPTION.read)(&mut Given).service(&tls).unwrap()
    }

    #[test]
    fn a_platform_is_what_its_description_says() {
        let platforms = Platforms::new(Registry::new([service()]));
        let list = platforms.list();
        assert_eq!(
            (list[0].platform, list[0].flavours.as_slice()),
            (Platform::Example, [LoginFlavour::Example].as_slice())
        );
        assert_eq!(platforms.requirements(Platform::Example).unwrap().max_duration_ms, 30_000);
        assert!(platforms.requirements(Platform::Tiktok).is_err());
    }

    /// The code of the core outside of the platforms' folders and their registration, without its tests.
    fn outside(directory: &Path, into: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let is_of_tests = name.contains("tests") || matches!(name.as_str(), "testing.rs" | "plans.rs");
            // The demo shows each platform by name, as a caller of the API.
            if is_of_tests || ["src/platform", "domain/platform.rs", "cli/demo"].iter().any(|own| path.ends_with(own)) {
                continue;
            }
            if path.is_dir() {
                outside(&path, into);
            } else if name.ends_with(".rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned();
                into.push((path, code));
            }
        }
    }

    #[test]
    fn nothing_outside_of_the_folders_and_the_registration_names_a_platform_or_its_login() {
        let mut files = Vec::new();
        outside(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
        assert!(files.len() > 100, "only {} files", files.len());
        let variants = Platform::ALL.map(|platform| format!("Platform::{platform:?}"));
        let logins = LoginFlavour::ALL.map(|login| format!("LoginFlavour::{login:?}"));
        let folders = ALL.iter().map(|description| format!("platform::{}", description.platform)).collect::<Vec<_>>();
        for (path, code) in files {
            // The command line names a login as a caller of the API.
            let code = code.replace("v1::LoginFlavour", "");
            for name in variants.iter().chain(&logins).chain(&folders) {
                assert!(!code.contains(name.as_str()), "{} names {name}", path.display());
            }
        }
    }

    #[test]
    fn a_fingerprint_counts_every_option_of_every_platform() {
        let account = stand_in::account(Platform::Example, LoginFlavour::Example, DateTime::UNIX_EPOCH);
        let of = |loud| {
            let content = Content { options: ExampleOptions { loud }.alone(), ..Content::default() };
            let options = DESCRIPTION.options.text(&content.options);
            RequestKeys::of(&account, &content, &options, "", Asked::default(), None).fingerprint
        };
        assert_eq!(of(true).differences(&of(false).to_json()), ["content.platform_options"]);
        assert_eq!(of(true).differences(&of(true).to_json()), Vec::<String>::new());
        // What is not given and what is given as it is by default are one.
        let unset = DESCRIPTION.options.text(&Content::default().options);
        assert_eq!(unset, DESCRIPTION.options.text(&ExampleOptions { loud: false }.alone()));
        for description in ALL {
            let text = description.options.text(&Content::default().options);
            assert!(text.starts_with('{'), "{}: {text}", description.platform);
        }
    }

    #[test]
    fn options_that_another_release_wrote_are_refused_and_not_left_out() {
        let mut content = Content::default();
        content.options.set(Platform::Example, serde_json::json!({"loud": "very"}));
        assert_eq!(service().check_options(&content)[0].rule, "OPTIONS_UNREADABLE");
    }

    #[tokio::test]
    async fn its_course_runs_like_every_other() {
        let service = service();
        let account = stand_in::account(Platform::Example, LoginFlavour::Example, DateTime::UNIX_EPOCH);
        let post = stand_in::post(&account, Content::default(), DateTime::UNIX_EPOCH);
        assert_eq!(post.status, Status::Publishing);
        let tokens = Tokens { access: "t".into(), refresh: None, grant: None };
        let film = stand_in::Film::new(10, 10, "https://cdn.example/v.mp4");
        let stage = stand_in::Stage::new(post, account, tokens, film);
        let Next::Step(step) = service.client.next(&stage.view()) else { panic!() };
        assert_eq!(step.kind, PUBLISH);
        let outcome = service.client.run(&stage.call(), &step).await;
        assert!(matches!(outcome, Outcome::Accepted { .. }));
    }
}
