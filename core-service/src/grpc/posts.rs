//! PostService. Every post that is answered carries the summary of its account, loaded once per answer.

use aurareels_proto::v1::{self, post_service_server::PostService};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::{
    auth::{
        Who,
        layer::{caller, credential_recheck, who},
    },
    convert::{post, requests},
    post_api::PostApi,
    status::from_app,
    watch,
};
use crate::{
    app::{
        Caller, Result,
        posts::requests::{Created, PublishNow, WatchFilter},
    },
    audit,
    domain::{ids::PostId, post::Post},
};

type Answer<T> = std::result::Result<Response<T>, Status>;

impl PostApi {
    /// The answer that is one post.
    async fn one(&self, caller: Caller, moved: Result<Post>) -> Answer<v1::Post> {
        let moved = moved.map_err(from_app(&self.clock))?;
        let id = moved.id;
        audit::touches("post", id);
        let mut shown = self.shown(caller, vec![moved]).await.map_err(from_app(&self.clock))?;
        shown.pop().map(Response::new).ok_or_else(|| Status::internal(format!("post {id} was lost on its way")))
    }

    /// The answer of a request that made posts.
    fn created(&self, created: Vec<Created>) -> (Vec<v1::Post>, Vec<bool>) {
        let shown = |one: Created| {
            audit::touches("post", one.post.id);
            (self.with_progress(one.post, Some(&one.account)), one.existed)
        };
        created.into_iter().map(shown).unzip()
    }

    /// On whose behalf a call about this post is made: the site itself acts for the post's owner.
    async fn for_post(&self, who: Who, id: PostId) -> std::result::Result<Caller, Status> {
        match who {
            Who::User(caller) => Ok(caller),
            Who::Site => {
                let owner = self.posts.owner_of(id).await.map_err(from_app(&self.clock))?;
                audit::acts_for(owner.user);
                Ok(owner)
            }
        }
    }

    fn id(&self, id: i64) -> std::result::Result<PostId, Status> {
        let id = requests::post_id(id).map_err(from_app(&self.clock))?;
        audit::touches("post", id);
        Ok(id)
    }
}

#[tonic::async_trait]
impl PostService for PostApi {
    async fn publish_posts(&self, request: Request<v1::PublishPostsRequest>) -> Answer<v1::PublishPostsResponse> {
        let caller = caller(&request)?;
        let create = requests::publish(request.into_inner()).map_err(from_app(&self.clock))?;
        create.accounts.iter().for_each(|id| audit::touches("account", id));
        let created = self.posts.create(caller, create).await.map_err(from_app(&self.clock))?;
        let (posts, existed) = self.created(created);
        Ok(Response::new(v1::PublishPostsResponse { posts, existed }))
    }

    async fn schedule_posts(&self, request: Request<v1::SchedulePostsRequest>) -> Answer<v1::SchedulePostsResponse> {
        let caller = caller(&request)?;
        let create = requests::schedule(request.into_inner()).map_err(from_app(&self.clock))?;
        create.accounts.iter().for_each(|id| audit::touches("account", id));
        let created = self.posts.create(caller, create).await.map_err(from_app(&self.clock))?;
        let (posts, existed) = self.created(created);
        Ok(Response::new(v1::SchedulePostsResponse { posts, existed }))
    }

    async fn create_draft(&self, request: Request<v1::CreateDraftRequest>) -> Answer<v1::Post> {
        let caller = caller(&request)?;
        let draft = requests::draft(request.into_inner()).map_err(from_app(&self.clock))?;
        self.one(caller, self.posts.create_draft(caller, draft).await).await
    }

    async fn update_post(&self, request: Request<v1::UpdatePostRequest>) -> Answer<v1::Post> {
        let caller = caller(&request)?;
        let update = requests::update(request.into_inner()).map_err(from_app(&self.clock))?;
        audit::touches("post", update.id);
        self.one(caller, self.posts.update(caller, update).await).await
    }

    async fn delete_draft(&self, request: Request<v1::DeleteDraftRequest>) -> Answer<v1::DeleteDraftResponse> {
        let caller = caller(&request)?;
        let id = self.id(request.into_inner().id)?;
        self.posts.delete_draft(caller, id).await.map_err(from_app(&self.clock))?;
        Ok(Response::new(v1::DeleteDraftResponse {}))
    }

    async fn validate_posts(&self, request: Request<v1::ValidatePostsRequest>) -> Answer<v1::ValidatePostsResponse> {
        let caller = caller(&request)?;
        let (accounts, input, time) = requests::validate(request.into_inner()).map_err(from_app(&self.clock))?;
        let validated = self.posts.validate(caller, accounts, input, time).await.map_err(from_app(&self.clock))?;
        Ok(Response::new(post::validated(validated)))
    }

    async fn get_post(&self, request: Request<v1::GetPostRequest>) -> Answer<v1::Post> {
        let who = who(&request)?;
        let id = self.id(request.into_inner().id)?;
        let caller = self.for_post(who, id).await?;
        let detail = self.posts.get(caller, id).await.map_err(from_app(&self.clock))?;
        let post = std::slice::from_ref(&detail.post);
        let accounts = self.accounts_of(caller, post).await.map_err(from_app(&self.clock))?;
        let account = accounts.get(&detail.post.social_account_id);
        Ok(Response::new(post::detail(detail, account, self.posts.progress_of(id))))
    }

    async fn list_posts(&self, request: Request<v1::ListPostsRequest>) -> Answer<v1::ListPostsResponse> {
        let caller = caller(&request)?;
        let list = requests::list(request.into_inner()).map_err(from_app(&self.clock))?;
        let page = self.posts.list(caller, list).await.map_err(from_app(&self.clock))?;
        Ok(Response::new(v1::ListPostsResponse {
            posts: self.shown(caller, page.posts).await.map_err(from_app(&self.clock))?,
            next_page_token: page.next_page_token.unwrap_or_default(),
            total: page.total,
        }))
    }

    async fn reschedule_post(&self, request: Request<v1::ReschedulePostRequest>) -> Answer<v1::Post> {
        let caller = caller(&request)?;
        let (id, time, revision) = requests::reschedule(request.into_inner()).map_err(from_app(&self.clock))?;
        audit::touches("post", id);
        self.one(caller, self.posts.reschedule(caller, id, time, revision).await).await
    }

    async fn cancel_post(&self, request: Request<v1::CancelPostRequest>) -> Answer<v1::Post> {
        let caller = caller(&request)?;
        let id = self.id(request.into_inner().id)?;
        self.one(caller, self.posts.cancel(caller, id).await).await
    }

    async fn retry_post(&self, request: Request<v1::RetryPostRequest>) -> Answer<v1::Post> {
        let caller = caller(&request)?;
        let id = self.id(request.into_inner().id)?;
        self.one(caller, self.posts.retry(caller, id).await).await
    }

    async fn publish_post_now(
        &self,
        request: Request<v1::PublishPostNowRequest>,
    ) -> Answer<v1::PublishPostNowResponse> {
        let who = who(&request)?;
        let (id, expected) = requests::publish_now(request.into_inner()).map_err(from_app(&self.clock))?;
        audit::touches("post", id);
        let caller = self.for_post(who, id).await?;
        let (result, moved) = self.posts.publish_now(caller, id, expected).await.map_err(from_app(&self.clock))?;
        let (result, message) = describe(result, &moved);
        let post = self.one(caller, Ok(moved)).await?.into_inner();
        Ok(Response::new(v1::PublishPostNowResponse { result: result.into(), post: Some(post), message }))
    }

    async fn reconcile_post(&self, request: Request<v1::ReconcilePostRequest>) -> Answer<v1::Post> {
        let caller = caller(&request)?;
        let id = self.id(request.into_inner().id)?;
        self.one(caller, self.posts.reconcile(caller, id).await).await
    }

    async fn resolve_post(&self, request: Request<v1::ResolvePostRequest>) -> Answer<v1::Post> {
        let caller = caller(&request)?;
        let resolve = requests::resolve(request.into_inner()).map_err(from_app(&self.clock))?;
        audit::touches("post", resolve.id);
        self.one(caller, self.posts.resolve(caller, resolve).await).await
    }

    async fn list_events(&self, request: Request<v1::ListEventsRequest>) -> Answer<v1::ListEventsResponse> {
        let who = who(&request)?;
        let (after, limit) = requests::list_events(request.into_inner()).map_err(from_app(&self.clock))?;
        let batch = match (after, who) {
            (None, _) => {
                let newest = self.posts.newest_position().await.map_err(from_app(&self.clock))?;
                return Ok(Response::new(v1::ListEventsResponse { events: Vec::new(), position: newest.0 }));
            }
            (Some(after), Who::User(caller)) => {
                self.posts.events_after(caller, after, &WatchFilter::default(), limit).await
            }
            (Some(after), Who::Site) => self.posts.events_of_all_after(after, limit).await,
        };
        let batch = batch.map_err(from_app(&self.clock))?;
        let events = batch.events.iter().map(|stored| self.shown_event(stored, &batch.subjects)).collect();
        Ok(Response::new(v1::ListEventsResponse { events, position: batch.through.0 }))
    }

    type WatchPostsStream = ReceiverStream<std::result::Result<v1::WatchPostsResponse, Status>>;

    async fn watch_posts(&self, request: Request<v1::WatchPostsRequest>) -> Answer<Self::WatchPostsStream> {
        let (caller, recheck) = (caller(&request)?, credential_recheck(&request)?);
        let watch = requests::watch(request.into_inner()).map_err(from_app(&self.clock))?;
        let stream = watch::start(self.clone(), caller, recheck, watch).await.map_err(from_app(&self.clock))?;
        Ok(Response::new(stream))
    }
}

fn describe(result: PublishNow, post: &Post) -> (v1::PublishNowResult, String) {
    let (id, status) = (post.id, post.status);
    match result {
        PublishNow::Started => (v1::PublishNowResult::Started, format!("post {id} is on its way")),
        PublishNow::AlreadyUnderWay => {
            (v1::PublishNowResult::AlreadyUnderWay, format!("post {id} was on its way or live already: {status}"))
        }
        PublishNow::Superseded => {
            let message = format!("post {id} was changed meanwhile, so nothing was done: it is {status}");
            (v1::PublishNowResult::Superseded, message)
        }
    }
}
