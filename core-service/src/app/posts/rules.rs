//! All rules that a request must pass: its shape ([`super::shape`]), the caption, the platform's options, the video.
//! All broken rules are returned at once.

use url::Url;

use super::{
    Caller, Error, Posts, Result,
    requests::{GivenTime, PostInput, Validated, of_account},
    shape::{check_accounts, check_content, check_shape, refuse},
    times::{place_time, read_time},
    variations,
};
use crate::{
    app::{Broken, broken},
    domain::{
        account::{Account, Health},
        caption,
        failure::Reason,
        ids::AccountId,
        media::{self, Checked, CoverFacts, MediaFacts, StoredFacts},
        post::Content,
        violation::{MEDIA_ID_FIELD, VIDEO_URL_FIELD, Violation, Warning},
    },
    media::{ProbeError, THUMBNAIL_URL_FIELD},
    platform::Service,
};

/// An input as it would be sent by one account.
pub(super) struct Prepared {
    pub(super) content: Content,
    pub(super) warnings: Vec<Warning>,
    pub(super) violations: Vec<Violation>,
}

/// Joins the caption and checks text and options against the platform's rules.
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

/// The file behind the URL of a cover, or the rule that it breaks.
pub(super) type Cover = std::result::Result<CoverFacts, Violation>;

/// Checks a video and the requested cover against the rules of a platform.
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
    /// Reads the cover of a request, if one of these platforms uses it.
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

    /// The caller's accounts, in the requested order. A missing one refuses the request.
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

    /// Reads the video once for all platforms of a request. A broken rule is a violation; an upload that is not the
    /// caller's refuses the request.
    pub(super) async fn look_at_video(
        &self,
        caller: Caller,
        content: &Content,
    ) -> Result<std::result::Result<Option<MediaFacts>, Violation>> {
        if !content.media_id.is_empty() {
            return Ok(Ok(Some(self.media_store.facts(caller.user, &content.media_id).await?)));
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
        match self.prober.probe(&url).await {
            // It is looked at again before anything is sent.
            Err(ProbeError::Preparing { .. }) => Ok(Ok(None)),
            probed => Ok(seen(probed)?.map(|probe| Some(probe.facts))),
        }
    }

    /// Whether the video is to be copied, by wish or by setting.
    pub(super) fn is_copied(&self, input: &PostInput) -> bool {
        input.keep_copy || self.prober.copies(&input.content.video_url)
    }

    /// Why the platform could not fetch an upload from this core.
    pub(super) fn fetchable(&self, account: &Account, input: &PostInput) -> Result<Option<Violation>> {
        let is_here = !input.content.media_id.is_empty() || self.is_copied(input);
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
            if let Some(Ok(Some(facts))) = &facts {
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
    ) -> Result<(Content, Vec<Warning>, Option<StoredFacts>)> {
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
        let checked = facts.as_ref().map(|facts| judge(service, &prepared.content, facts, cover.as_ref()));
        let checked = checked.unwrap_or_default();
        if !checked.violations.is_empty() {
            return Err(refuse(of_account(account.id, checked.violations).collect()));
        }
        let warnings = prepared.warnings.into_iter().chain(checked.warnings).collect();
        let facts = facts.as_ref().map(StoredFacts::of).transpose();
        let facts = facts.map_err(|error| Error::Internal(error.to_string()))?;
        Ok((prepared.content, warnings, facts))
    }
}

/// The result of a probe: the video, or the rule that it breaks. If the host is unavailable, the request is refused for
/// now.
pub(super) fn seen<T>(probed: std::result::Result<T, ProbeError>) -> Result<std::result::Result<T, Violation>> {
    match probed {
        Ok(probe) => Ok(Ok(probe)),
        Err(ProbeError::Refused(violation)) => Ok(Err(*violation)),
        Err(ProbeError::Preparing { message } | ProbeError::Unreachable { message }) => Err(Error::Unavailable {
            reason: Reason::MediaUnreachable,
            message,
            retry_after: std::time::Duration::from_secs(30),
        }),
    }
}

/// Whether an account can publish. `now`: immediately; a post for later may wait for its owner.
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
