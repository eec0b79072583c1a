//! The world outside: the platforms and their apps, the time that they have, the workflow's webhook, and the way back here.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use url::Url;

use super::{finding::Finding, settings::is_this_machine};
use crate::{
    bootstrap,
    clock::Clock,
    config::Settings,
    domain::{
        failure::{Failure, FailureClass, Reason, describe},
        platform::{LoginFlavour, Platform},
    },
    grpc, http,
    platform::{AccountError, Round, Service},
};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(15);

/// Times further apart than this make trouble: a login code lives a minute, a JWT is taken 30 seconds after its end.
const APART: TimeDelta = TimeDelta::seconds(20);

/// A code that no platform has given anybody.
const NO_CODE: &str = "aurareels-doctor";

/// Asks the world.
pub(super) async fn look(settings: &Settings, clock: &Clock) -> Vec<Finding> {
    // What is wrong with it is told by the machine's checks.
    let Ok(tls) = http::tls_config(&settings.http) else { return Vec::new() };
    let Ok(client) = http::client_builder(&tls).timeout(PATIENCE).build() else { return Vec::new() };
    let Ok(registry) = bootstrap::registry(settings, &tls) else { return Vec::new() };
    let mut findings = Vec::new();
    let callback = settings.server.public_url.clone();
    let mut is_any_configured = false;
    for (platform, service) in registry.platforms() {
        let flavours = service.login.flavours();
        is_any_configured |= !flavours.is_empty();
        if flavours.is_empty() {
            let names = service.login.missing_settings().join(", ");
            let about = platform.display_name();
            findings.push(Finding::fine(about, format!("is off: {names} are not set")));
        }
        for flavour in flavours {
            findings.push(app(platform, service, flavour, callback.as_ref(), clock.now()).await);
        }
    }
    if !is_any_configured {
        let remedy = "register an app at a platform and set its id and secret; docs/approval.md goes through it";
        findings.push(Finding::wrong("platforms", "no platform is configured: nothing can be published", remedy));
    }
    let dialog = registry.platforms().find_map(|(platform, service)| {
        let flavour = service.login.flavours().into_iter().next()?;
        Some(service.login.auth_url(flavour, &round(callback.as_ref(), platform), ""))
    });
    if let Some(url) = dialog {
        findings.extend(time(&client, url, clock).await);
    }
    if let Ok(Some(stream)) = bootstrap::cloudflare(settings, &tls, clock) {
        const ABOUT: &str = "Cloudflare Stream";
        findings.push(match stream.check().await {
            Ok(()) => Finding::fine(ABOUT, "the API token reads the account's videos"),
            Err(why) => {
                let remedy = "set CLOUDFLARE_ACCOUNT_ID and CLOUDFLARE_API_TOKEN to the account and a token of it with the permission \
                     Stream: Edit; let this machine connect to api.cloudflare.com";
                Finding::wrong(ABOUT, why, remedy)
            }
        });
    }
    if let Some(n8n) = &settings.scheduler.n8n {
        findings.push(webhook(&client, &n8n.webhook).await);
    }
    findings.extend(bucket(settings).await);
    if let Some(url) = &callback {
        findings.push(way_back(&client, url).await);
    }
    findings
}

/// Whether the bucket of uploads takes, gives and removes an object.
async fn bucket(settings: &Settings) -> Option<Finding> {
    const ABOUT: &str = "AURAREELS_MEDIA_STORE";
    settings.media.bucket.as_ref()?;
    let checked = async {
        match bootstrap::bucket(settings)? {
            Some(bucket) => bucket.check().await,
            None => Ok(()),
        }
    };
    Some(match tokio::time::timeout(PATIENCE, checked).await {
        Ok(Ok(())) => Finding::fine(ABOUT, "an object can be written, read and removed"),
        Ok(Err(problem)) => {
            let remedy = "correct its name, AWS_ENDPOINT_URL, AWS_REGION and the key; the key needs GetObject, PutObject, \
                          DeleteObject, ListBucket and AbortMultipartUpload";
            Finding::wrong(ABOUT, describe(&problem), remedy)
        }
        Err(_) => {
            Finding::wrong(ABOUT, "it did not answer in time", "see that AWS_ENDPOINT_URL can be reached from here")
        }
    })
}

/// Whether a platform can be reached and knows the app.
async fn app(
    platform: Platform,
    service: &Service,
    flavour: LoginFlavour,
    public_url: Option<&Url>,
    now: DateTime<Utc>,
) -> Finding {
    let about = format!("{} ({})", platform.display_name(), flavour.as_str());
    let round = round(public_url, platform);
    let failure = match service.login.exchange(flavour, NO_CODE, &round, now).await {
        Ok(_) => return Finding::fine(about, "the app is known"),
        Err(AccountError::Unknown(why)) => return unreachable(about, &why),
        Err(AccountError::Failed(failure)) => failure,
    };
    match failure.class {
        FailureClass::Transient => unreachable(about, &failure.message),
        FailureClass::Permanent if failure.reason == Reason::PlatformRefused => {
            let Failure { message, remediation, .. } = failure;
            Finding::wrong(about, message, remediation)
        }
        // That nobody has this code is the right answer to an app that is known.
        _ => Finding::fine(about, "the app's id and secret are right"),
    }
}

/// A login's way back to this core.
fn round(public_url: Option<&Url>, platform: Platform) -> Round {
    let base = public_url.map_or("http://localhost", Url::as_str).trim_end_matches('/');
    Round { redirect_uri: format!("{base}/oauth/callback/{platform}"), verifier: None }
}

fn unreachable(about: String, why: &str) -> Finding {
    let remedy = "let this machine connect to the platform by HTTPS: DNS, firewall, and AURAREELS_EXTRA_CA_FILE where a proxy \
                  has an authority of its own";
    Finding::wrong(about, why, remedy)
}

/// Compares the clock with that of whoever answers.
async fn time(client: &reqwest::Client, mut url: Url, clock: &Clock) -> Option<Finding> {
    url.set_path("/");
    url.set_query(None);
    let before = clock.now();
    let answer = client.head(url.clone()).send().await.ok()?;
    let date = answer.headers().get("date")?.to_str().ok()?;
    let theirs = DateTime::parse_from_rfc2822(date).ok()?.with_timezone(&Utc);
    // In the middle of the exchange; the header has whole seconds.
    let ours = before + (clock.now() - before) / 2;
    let apart = (ours - theirs).abs();
    let host = url.host_str().unwrap_or_default().to_owned();
    if apart > APART + TimeDelta::seconds(1) {
        let message = format!("it is {} seconds from that of {host}", apart.num_seconds());
        let remedy =
            "set it, and keep it right with NTP (chrony, systemd-timesyncd): logins and signatures end at wrong times";
        return Some(Finding::wrong("clock", message, remedy));
    }
    Some(Finding::fine("clock", format!("it is that of {host}, within {} seconds", APART.num_seconds())))
}

async fn webhook(client: &reqwest::Client, url: &Url) -> Finding {
    const ABOUT: &str = "N8N_SCHEDULER_WEBHOOK";
    // n8n answers other methods with 404 and says so; that it answers is what counts.
    match client.head(url.clone()).send().await {
        Ok(answer) if answer.status().is_server_error() => {
            let message = format!("it answers {}", answer.status());
            Finding::wrong(ABOUT, message, "look at n8n, and at the proxy in front of it")
        }
        Ok(_) => Finding::fine(ABOUT, "it answers"),
        Err(error) => {
            let message = format!("it cannot be reached: {}", cause(error));
            Finding::wrong(ABOUT, message, "start n8n, activate the workflow, and give the webhook's production URL")
        }
    }
}

/// Whether the public address leads to a core, and whether callbacks do.
async fn way_back(client: &reqwest::Client, public_url: &Url) -> Finding {
    const ABOUT: &str = "AURAREELS_PUBLIC_URL";
    let base = public_url.as_str().trim_end_matches('/');
    let health = match client.get(format!("{base}/healthz")).send().await {
        Ok(answer) => answer,
        Err(error) => {
            let message = format!("{public_url} cannot be reached from here: {}", cause(error));
            let remedy =
                "point its name and its proxy to this core, and start the core; platforms and browsers come by it";
            // A core that does not run yet is no fault of the address of this machine.
            return match is_this_machine(public_url) {
                true => Finding::advice(ABOUT, message, "start the core to try it"),
                false => Finding::wrong(ABOUT, message, remedy),
            };
        }
    };
    let (is_core, status) = (is_a_core(&health), health.status());
    if !is_core {
        let message =
            format!("{public_url} answers {status}, and is no AuraReels core: callbacks of platforms are lost there");
        return Finding::wrong(ABOUT, message, "have the proxy pass every path to this core");
    }
    if !status.is_success() {
        let why = health.text().await.unwrap_or_default();
        let message = format!("it leads to a core, which is not well: {}", why.trim());
        return Finding::wrong(ABOUT, message, "do what it says; its log says more");
    }
    match client.head(format!("{base}/oauth/callback/tiktok")).send().await {
        Ok(answer) if is_a_core(&answer) => {
            Finding::fine(ABOUT, "it leads to a core, which is well, and so do callbacks")
        }
        _ => {
            let message = format!("{base}/oauth/callback/ does not lead to the core that {public_url} leads to");
            Finding::wrong(ABOUT, message, "have the proxy pass /oauth/ to this core as well")
        }
    }
}

/// Whether one of the core's pages answered: nobody else sends this policy.
fn is_a_core(answer: &reqwest::Response) -> bool {
    let policy = answer.headers().get("content-security-policy").and_then(|value| value.to_str().ok());
    policy == Some(grpc::PAGE_POLICY)
}

/// The innermost cause of a failed request, without its address.
fn cause(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
