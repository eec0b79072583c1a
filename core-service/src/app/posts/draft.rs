//! CreateDraft: a post that is kept and not yet checked.

use super::{Caller, Error, Posts, Result, create::created, requests::CreateDraft, rules, shape, times};
use crate::{
    app::Broken,
    domain::{
        post::{Post, Status, WaitReason},
        request_key::{Asked, RequestKeys},
        violation::{MEDIA_ID_FIELD, Warning},
    },
    store::creating::NewPost,
};

impl Posts {
    /// Saves a draft. Rules that it breaks are returned as warnings: it is checked when it is scheduled or published.
    pub async fn create_draft(&self, caller: Caller, mut request: CreateDraft) -> Result<Post> {
        let now = self.clock.now();
        let shape = shape::check_key(request.request_key.as_deref(), false);
        if !shape.is_empty() {
            return Err(shape::refuse(shape));
        }
        let given = request.input.content.clone();
        self.take_job(caller, &mut request.input).await?;
        let account = self.accounts(caller, &[request.account]).await?.remove(0);
        let service = self.service(&account)?;
        let prepared = rules::prepare(service, &request.input);
        let zones = self.settings.zones.rules();
        let (asked, time_warning) = match &request.time {
            Some(time) => {
                let (at, warning) = times::read_time(time, &zones)?;
                (times::as_asked(time, at, &zones), warning)
            }
            None => (Asked::default(), None),
        };
        let scheduled_at = asked.at;
        let mut warnings = prepared.warnings.clone();
        warnings.extend(time_warning);
        let shape = shape::check_shape(&prepared.content);
        let refused = |one: &&Broken| one.violation.limit.contains("at most") || one.violation.field == MEDIA_ID_FIELD;
        if let Some(one) = shape.iter().find(refused) {
            return Err(shape::refuse(vec![one.clone()]));
        }
        if !prepared.content.media_id.is_empty() {
            self.media_store.facts(caller.user, &prepared.content.media_id).await?;
        }
        let broken = shape.into_iter().map(|one| one.violation).chain(prepared.violations.clone());
        warnings.extend(broken.map(|violation| Warning {
            code: violation.rule.into(),
            field: violation.field.into(),
            message: violation.message,
        }));
        let text = &prepared.content.full_caption;
        let options = self.service(&account)?.description.options.text(&prepared.content.options);
        let keys = RequestKeys::of_draft(&account, &given, &options, text, asked, request.request_key);
        let mut content = prepared.content;
        if let Some((media_id, _)) = self.copy_of(caller, &request.input).await? {
            content.media_id = media_id.to_string();
        }
        let look_since = self.store.lineages().look_since(account.created_at, now);
        let post = Post {
            request_key: keys.key.clone(),
            scheduled_at,
            scheduler: self.settings.scheduler,
            late_policy_seconds: self.settings.late_policy_seconds,
            warnings,
            content,
            look_since,
            next_step_at: look_since.map(|_| now),
            waiting_for: look_since.map(|_| WaitReason::RestoreCheck),
            ..Post::blank(&account, Status::Draft, now)
        };
        match self.store.insert_posts(vec![NewPost { post, keys, wall: None }]).await?.into_iter().next() {
            Some(inserted) => Ok(created(inserted, account)?.post),
            None => Err(Error::Internal("the store inserted nothing".into())),
        }
    }
}
