//! Every rule that stands between a request and a row: the shape of the request, the caption, the platform's options, the
//! video. All broken rules come back at once.

use chrono::{DateTime, SubsecRound, Utc};
use url::Url;

use super::{
    Caller, Error, Posts, Result,
    requests::{GivenTime, PostInput, Validated, of_account},
    variations,
};
use crate::{
    app::Broken,
    domain::{
        account::{Account, Health},
        caption,
        failure::Reason,
        ids::AccountId,
        media::{self, Checked, CoverFacts, MEDIA_ID_FIELD, MediaFacts, MediaId, VIDEO_URL_FIELD, Violation, Warning},
        post::Content,
        request_key::{self, Asked},
        schedule::{self, WallTime},
    },
    media::{ProbeError, THUMBNAIL_URL_FIELD},
    platform::Service,
    zones,
};

/// Most accounts of one request.
const MAX_ACCOUNTS: usize = 100;

/// Largest metadata, bytes of JSON.
const MAX_METADATA: usize = 64 * 1024;

/// Longest text fields, characters: what the columns of every database hold.
const MAX_TEXT: usize = 255;

/// Longest URL, bytes.
const MAX_URL: usize = 4096;

/// A broken rule about a field.
pub(in crate::app) fn broken(
    field: &'static str,
    rule: &'static str,
    measured: impl Into<String>,
    limit: &str,
    remedy: &str,
) -> Broken {
    let (measured, limit, remedy) = (measured.into(), limit.to_owned(), remedy.to_owned());
    let message = format!("{field}: {limit}, but it is {measured}; {remedy}");
    Broken { account: None, violation: Violation { field, rule, measured, limit, remedy, message } }
}

/// Refuses with one broken rule.
pub(super) fn invalid(reason: Reason, one: Broken) -> Error {
    Error::Invalid { reason, broken: vec![one] }
}

/// The reason that fits a set of broken rules best: the original's error where all of them are that one.
pub(super) fn refuse(broken: Vec<Broken>) -> Error {
    let reason_of = |rule: &str| match rule {
        "VIDEO_TOO_LARGE" => Reason::VideoTooLarge,
        "VIDEO_FORMAT_INVALID" | "VIDEO_CODEC_INVALID" => Reason::VideoFormatInvalid,
        "CAPTION_TOO_LONG" => Reason::CaptionTooLong,
        rule if rule.starts_with("VIDEO_URL") || rule == "VIDEO_NOT_PUBLIC" => Reason::VideoNotPublic,
        "FIELD_MALFORMED" => Reason::InvalidField,
        _ => Reason::RuleViolation,
    };
    let first = broken.first().map_or(Reason::RuleViolation, |one| reason_of(one.violation.rule));
    let same = broken.iter().all(|one| reason_of(one.violation.rule) == first);
    Error::Invalid { reason: if same { first } else { Reason::RuleViolation }, broken }
}

/// A request's accounts, checked for shape.
pub(super) fn check_accounts(accounts: &[AccountId]) -> Vec<Broken> {
    let mut seen = std::collections::HashSet::new();
    let mut all = Vec::new();
    if accounts.is_empty() || accounts.len() > MAX_ACCOUNTS {
        all.push(broken(
            "accounts",
            "FIELD_MALFORMED",
            format!("{} accounts", accounts.len()),
            "1 to 100 accounts are taken",
            "name at least one, and split larger requests",
        ));
    }
    for account in accounts {
        if !seen.insert(account) {
            all.push(broken(
                "accounts",
                "FIELD_MALFORMED",
                format!("account {account} twice"),
                "each account may be named once",
                "remove the repetition",
            ));
        }
    }
    all
}

/// A caller's request key, checked for shape.
pub(super) fn check_key(request_key: Option<&str>, allow_duplicate: bool) -> Vec<Broken> {
    let mut all = Vec::new();
    match request_key {
        Some(text) if text.is_empty() || text.len() > request_key::MAX_LENGTH || text.chars().any(char::is_control) => {
            all.push(broken(
                "request_key",
                "FIELD_MALFORMED",
                format!("{} bytes", text.len()),
                "a key has 1 to 128 bytes without control characters",
                "shorten it, for example by hashing",
            ));
        }
        Some(text) if text.starts_with(request_key::DERIVED) => {
            all.push(broken(
                "request_key",
                "FIELD_MALFORMED",
                "one of the core's own",
                "keys of callers do not begin with `derived:`",
                "choose another key",
            ));
        }
        None if allow_duplicate => {
            all.push(broken(
                "request_key",
                "FIELD_MALFORMED",
                "empty",
                "allow_duplicate needs a key of its own",
                "give a request_key that names this repetition",
            ));
        }
        _ => {}
    }
    all
}

/// The shape of a request's content, which holds for every account.
pub(super) fn check_shape(content: &Content) -> Vec<Broken> {
    let mut all = check_content(content);
    if !content.video_url.is_empty() && !content.media_id.is_empty() {
        all.push(broken(
            MEDIA_ID_FIELD,
            "FIELD_MALFORMED",
            "given beside video_url",
            "a post has one video",
            "give either video_url or media_id",
        ));
    }
    all
}

/// The shape of a content, of a request or stored: a stored one may have a URL and the copy that was kept of it.
fn check_content(content: &Content) -> Vec<Broken> {
    let mut all = Vec::new();
    let malformed =
        |field, measured: String, limit: &str, remedy: &str| broken(field, "FIELD_MALFORMED", measured, limit, remedy);
    if content.video_url.is_empty() && content.media_id.is_empty() {
        all.push(malformed(
            VIDEO_URL_FIELD,
            "empty".into(),
            "a post needs a video",
            "give the http(s) URL of the video, upload it and give its media_id, or name a saved video job",
        ));
    }
    if !content.media_id.is_empty() && content.media_id.parse::<MediaId>().is_err() {
        let shown: String = content.media_id.chars().take(80).collect();
        let remedy = "upload the video with UploadMedia and give the media_id that it answers";
        all.push(malformed(MEDIA_ID_FIELD, format!("`{shown}`"), "it must name an uploaded video", remedy));
    }
    let urls = [
        (VIDEO_URL_FIELD, content.video_url.as_str()),
        ("content.thumbnail_url", content.thumbnail_url.as_deref().unwrap_or_default()),
    ];
    all.extend(urls.into_iter().filter(|(_, url)| !url.is_empty()).filter_map(|(field, url)| check_url(field, url)));
    let texts = [
        ("content.video_job_id", content.video_job_id.as_str()),
        ("content.location", content.location.as_deref().unwrap_or_default()),
        ("content.privacy_level", content.privacy_level.as_str()),
    ];
    for (field, text) in texts {
        if text.chars().count() > MAX_TEXT || text.chars().any(char::is_control) {
            all.push(malformed(
                field,
                format!("{} characters", text.chars().count()),
                "at most 255 characters without control characters are taken",
                "shorten it",
            ));
        }
    }
    if content.metadata.to_string().len() > MAX_METADATA {
        all.push(malformed(
            "content.metadata",
            format!("{} bytes", content.metadata.to_string().len()),
            "at most 65536 bytes of JSON are taken",
            "keep large data elsewhere and store its id here",
        ));
    }
    all
}

/// The shape of a URL.
pub(in crate::app) fn check_url(field: &'static str, url: &str) -> Option<Broken> {
    let is_good = url.len() <= MAX_URL
        && Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.host().is_some());
    let shown: String = url.chars().take(60).collect();
    (!is_good).then(|| {
        broken(
            field,
            "FIELD_MALFORMED",
            format!("`{shown}`"),
            "it must be an http(s) URL of at most 4096 bytes",
            "give the full URL, beginning with https://",
        )
    })
}

/// A given time as an instant, with a warning where it was not the only reading. The instant is as asked for: not yet
/// moved to now.
pub(super) fn read_time(given: &GivenTime, zones: &zones::Rules) -> Result<(DateTime<Utc>, Option<Warning>)> {
    let read = match given {
        GivenTime::At(at) if schedule::in_range(*at) => Ok((*at, None)),
        GivenTime::At(at) => Err(schedule::TimeError::Malformed(at.to_string())),
        GivenTime::Text(text) => schedule::parse_text(text).map(|at| (at, None)),
        GivenTime::Wall { local, zone } => zones
            .zone(zone)
            .ok_or_else(|| schedule::TimeError::UnknownZone(zone.clone()))
            .and_then(|zone| schedule::parse_wall(local, &zone))
            .map(|instant| (instant.at, instant.warning)),
    };
    let (at, warning) = read.map_err(time_error)?;
    let warning =
        warning.map(|message| Warning { code: "TIME_AMBIGUOUS".into(), field: "scheduled_at".into(), message });
    Ok((at, warning))
}

/// A given time as keys take it: the instant, and the wall time with its zone where they were given.
pub(super) fn as_asked(given: &GivenTime, at: DateTime<Utc>, zones: &zones::Rules) -> Asked {
    let wall = match given {
        GivenTime::Wall { local, zone } => zones.zone(zone).and_then(|zone| schedule::wall_text(local, &zone)),
        GivenTime::At(_) | GivenTime::Text(_) => None,
    };
    Asked { at: Some(at), wall }
}

/// The wall time that a post is scheduled at, where that is what was given. Not of one whose time was moved to now.
pub(super) fn wall_time(given: &GivenTime, at: Option<DateTime<Utc>>, zones: &zones::Rules) -> Option<WallTime> {
    let GivenTime::Wall { local, zone } = given else { return None };
    let zone = zones.zone(zone)?;
    let at = at.filter(|at| schedule::parse_wall(local, &zone).is_ok_and(|read| read.at.trunc_subsecs(6) == *at))?;
    let (local, zone) =
        schedule::wall_text(local, &zone)?.split_once('@').map(|(l, z)| (l.to_owned(), z.to_owned()))?;
    Some(WallTime { local, zone, at, rules: zones.version().to_owned() })
}

/// Applies the rule for past times.
pub(super) fn place_time(at: DateTime<Utc>, now: DateTime<Utc>) -> Result<DateTime<Utc>> {
    schedule::place(at, now).map_err(time_error)
}

fn time_error(error: schedule::TimeError) -> Error {
    let (reason, rule) = match &error {
        schedule::TimeError::InPast { .. } => (Reason::TimeInPast, "TIME_IN_PAST"),
        schedule::TimeError::TooFar { .. } => (Reason::InvalidField, "TIME_TOO_FAR"),
        schedule::TimeError::InGap { .. } => (Reason::InvalidField, "TIME_IN_DST_GAP"),
        schedule::TimeError::UnknownZone(_) => (Reason::InvalidField, "TIME_ZONE_UNKNOWN"),
        schedule::TimeError::Malformed(_) => (Reason::InvalidField, "TIME_MALFORMED"),
    };
    let message = error.to_string();
    let violation = Violation {
        field: "scheduled_at",
        rule,
        measured: String::new(),
        limit: String::new(),
        remedy: String::new(),
        message,
    };
    invalid(reason, Broken { account: None, violation })
}

/// An input as it would be sent by one account.
pub(super) struct Prepared {
    pub(super) content: Content,
    pub(super) warnings: Vec<Warning>,
    pub(super) violations: Vec<Violation>,
}

/// Joins the caption and checks what the platform says about text and options.
pub(super) fn prepare(service: &Service, input: &PostInput) -> Prepared {
    let mut content = input.content.clone();
    let rules = service.description.rules;
    let composed =
        caption::compose(&content.caption, &content.hashtags, &content.mentions, &rules.caption, input.on_long_caption);
    content.full_caption = composed.text;
    let mut violations = composed.violations;
    violations.extend(service.check_options(&content));
    let mut warnings = composed.warnings;
    warnings.extend(service.client.warnings(&content));
    Prepared { content, warnings, violations }
}

/// What stands behind the URL of a cover, or the rule that it breaks.
pub(super) type Cover = std::result::Result<CoverFacts, Violation>;

/// A video, and the cover that is asked for, against the rules of a platform.
pub(super) fn judge(service: &Service, content: &Content, facts: &MediaFacts, cover: Option<&Cover>) -> Checked {
    let mut checked = media::check(content.video_field(), facts, service.description.rules);
    checked.warnings.extend(service.client.video_warnings(content.video_field(), facts));
    let frame = service.client.cover_frame(content);
    checked.violations.extend(frame.and_then(|frame| media::check_cover_frame(frame, facts)));
    if let (Some(rules), Some(cover)) = (service.client.cover_rules(), cover) {
        match cover {
            Ok(facts) => {
                let (violations, warnings) = media::check_cover(THUMBNAIL_URL_FIELD, facts, &rules);
                checked.violations.extend(violations);
                checked.warnings.extend(warnings);
            }
            Err(violation) => checked.violations.push(violation.clone()),
        }
    }
    checked
}

impl Posts {
    /// Looks at the cover of a request, where one of these platforms takes it.
    pub(super) async fn look_at_cover<'a>(
        &self,
        content: &Content,
        services: impl IntoIterator<Item = &'a Service>,
    ) -> Result<Option<Cover>> {
        let url = content.thumbnail_url.as_deref().and_then(|url| Url::parse(url).ok());
        let is_taken = services.into_iter().any(|service| service.client.cover_rules().is_some());
        let Some(url) = url.filter(|_| is_taken) else { return Ok(None) };
        seen(self.prober.cover(&url).await).map(Some)
    }

    /// The caller's accounts, in the order asked for. One that is not there refuses the request.
    pub(super) async fn accounts(&self, caller: Caller, ids: &[AccountId]) -> Result<Vec<Account>> {
        let mut found = self.store.accounts_of_user(caller.user, ids).await?;
        ids.iter()
            .map(|id| {
                let at = found.iter().position(|account| account.id == *id);
                at.map(|at| found.swap_remove(at)).ok_or(Error::NotFound {
                    reason: Reason::AccountNotFound,
                    kind: "account",
                    id: id.to_string(),
                })
            })
            .collect()
    }

    /// The service of an account's platform.
    pub(super) fn service(&self, account: &Account) -> Result<&Service> {
        self.registry.get(account.platform).ok_or_else(|| Error::Precondition {
            reason: Reason::Unsupported,
            subject: format!("account {}", account.id),
            message: format!("this core cannot publish to {}", account.platform.display_name()),
            remedy: "choose an account of another platform".into(),
        })
    }

    /// Looks at the video once for all platforms of a request. A broken rule comes as a violation; an upload that is not
    /// the caller's refuses the request.
    pub(super) async fn look_at_video(
        &self,
        caller: Caller,
        content: &Content,
    ) -> Result<std::result::Result<MediaFacts, Violation>> {
        if !content.media_id.is_empty() {
            return Ok(Ok(self.media_store.facts(caller.user, &content.media_id).await?));
        }
        let Ok(url) = Url::parse(&content.video_url) else {
            return Ok(Err(broken(
                VIDEO_URL_FIELD,
                "FIELD_MALFORMED",
                "no URL",
                "it must be an http(s) URL",
                "give the full URL",
            )
            .violation));
        };
        Ok(seen(self.prober.probe(&url).await)?.map(|probe| probe.facts))
    }

    /// What stands in the way of an upload that the platform would have to fetch from this core.
    pub(super) fn fetchable(&self, account: &Account, input: &PostInput) -> Result<Option<Violation>> {
        let is_here = !input.content.media_id.is_empty() || input.keep_copy;
        let fetches = self.service(account)?.client.fetches_video(account, &input.content);
        if !is_here || !fetches || self.media_store.has_public_address() {
            return Ok(None);
        }
        let name = account.platform.display_name();
        let one = broken(
            input.content.video_field(),
            "PUBLIC_URL_MISSING",
            format!("{name} fetches the video of this account itself"),
            "this core has no address that it can reach",
            "let the operator set AURAREELS_PUBLIC_URL to the core's public address, or give the video by video_url",
        );
        Ok(Some(one.violation))
    }

    /// ValidatePosts: everything that PublishPosts or SchedulePosts would refuse, without creating anything.
    pub async fn validate(
        &self,
        caller: Caller,
        ids: Vec<AccountId>,
        mut input: PostInput,
        time: Option<GivenTime>,
    ) -> Result<Validated> {
        self.take_job(caller, &mut input).await?;
        let mut all = check_accounts(&ids);
        all.extend(check_shape(&input.content));
        all.extend(variations::check(&input, &ids));
        if let Some(time) = time {
            let read =
                read_time(&time, &self.settings.zones.rules()).and_then(|(at, _)| place_time(at, self.clock.now()));
            match read {
                Err(Error::Invalid { broken, .. }) => all.extend(broken),
                Err(other) => return Err(other),
                Ok(_) => {}
            }
        }
        let mut posts = Vec::new();
        let accounts = if all.iter().any(|one| one.violation.field == "accounts") {
            Vec::new()
        } else {
            self.accounts(caller, &ids).await?
        };
        let video_named = !all.iter().any(|one| [VIDEO_URL_FIELD, MEDIA_ID_FIELD].contains(&one.violation.field));
        let facts = if video_named { Some(self.look_at_video(caller, &input.content).await?) } else { None };
        if let Some(Err(violation)) = &facts {
            all.push(Broken { account: None, violation: violation.clone() });
        }
        let services = accounts.iter().map(|account| self.service(account)).collect::<Result<Vec<_>>>()?;
        let cover = self.look_at_cover(&input.content, services).await?;
        for account in &accounts {
            if let Err(Error::Precondition { message, remedy, .. }) = usable(account, true) {
                let violation = Violation {
                    field: "accounts",
                    rule: "ACCOUNT_NOT_USABLE",
                    measured: account.health.as_str().into(),
                    limit: "ok".into(),
                    remedy,
                    message,
                };
                all.push(Broken { account: Some(account.id), violation });
            }
            let service = self.service(account)?;
            let own = input.of(account.id);
            let mut prepared = prepare(service, &own);
            prepared.violations.extend(self.fetchable(account, &own)?);
            if let Some(Ok(facts)) = &facts {
                let checked = judge(service, &prepared.content, facts, cover.as_ref());
                prepared.violations.extend(checked.violations);
                prepared.warnings.extend(checked.warnings);
            }
            all.extend(of_account(account.id, prepared.violations));
            posts.push((account.id, prepared.content.full_caption, prepared.warnings));
        }
        Ok(Validated { broken: all, posts })
    }

    /// Checks a single post that exists already: a draft that is scheduled, an edited post. Answers the content as it is
    /// sent, warnings and facts.
    pub(super) async fn check_one(
        &self,
        caller: Caller,
        account: &Account,
        content: &Content,
    ) -> Result<(Content, Vec<Warning>, serde_json::Value)> {
        let service = self.service(account)?;
        let mut all = check_content(content);
        let input = PostInput { content: content.clone(), ..PostInput::default() };
        let prepared = prepare(service, &input);
        all.extend(of_account(account.id, prepared.violations));
        all.extend(of_account(account.id, self.fetchable(account, &input)?.into_iter().collect()));
        if !all.is_empty() {
            return Err(refuse(all));
        }
        let facts = self
            .look_at_video(caller, content)
            .await?
            .map_err(|violation| refuse(vec![Broken { account: Some(account.id), violation }]))?;
        let cover = self.look_at_cover(content, [service]).await?;
        let checked = judge(service, &prepared.content, &facts, cover.as_ref());
        if !checked.violations.is_empty() {
            return Err(refuse(of_account(account.id, checked.violations).collect()));
        }
        let warnings = prepared.warnings.into_iter().chain(checked.warnings).collect();
        let facts = serde_json::to_value(facts).map_err(|error| Error::Internal(error.to_string()))?;
        Ok((prepared.content, warnings, facts))
    }
}

/// What a probe found: the video, or the rule that it breaks. A host that is away refuses the request for now.
pub(super) fn seen<T>(probed: std::result::Result<T, ProbeError>) -> Result<std::result::Result<T, Violation>> {
    match probed {
        Ok(probe) => Ok(Ok(probe)),
        Err(ProbeError::Refused(violation)) => Ok(Err(*violation)),
        Err(ProbeError::Unreachable { message }) => Err(Error::Unavailable {
            reason: Reason::MediaUnreachable,
            message,
            retry_after: std::time::Duration::from_secs(30),
        }),
    }
}

/// Whether an account can publish. `now`: it is to do so at once; a post for later may wait for its owner.
pub(super) fn usable(account: &Account, now: bool) -> Result<Option<Warning>> {
    let subject = format!("account {}", account.id);
    if !account.is_active {
        return Err(Error::Precondition {
            reason: Reason::AccountDisconnected,
            subject,
            message: format!("account {} ({}) is disconnected", account.id, account.account_name),
            remedy: "connect it again with ConnectAccount".into(),
        });
    }
    if account.health != Health::NeedsReconnect {
        return Ok(None);
    }
    let message = format!(
        "account {} ({}) has to be connected again: {}",
        account.id,
        account.account_name,
        account.health_reason.as_deref().unwrap_or("the platform refuses its login")
    );
    if now {
        return Err(Error::Precondition {
            reason: Reason::AccountNeedsReconnect,
            subject,
            message,
            remedy: "its owner connects it again with ConnectAccount".into(),
        });
    }
    Ok(Some(Warning { code: Reason::AccountNeedsReconnect.as_str().into(), field: "accounts".into(), message }))
}
