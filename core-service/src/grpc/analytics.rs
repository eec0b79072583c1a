//! AnalyticsService.

use aurareels_proto::v1::{self, analytics_service_server::AnalyticsService};
use tonic::{Request, Response, Status};

use super::{auth::layer::caller, convert::analytics, status::from_app};
use crate::{app::analytics::Analytics, audit, clock::Clock};

/// Handlers of AnalyticsService.
pub(super) struct AnalyticsApi {
    pub(super) analytics: Analytics,
    pub(super) clock: Clock,
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl AnalyticsService for AnalyticsApi {
    async fn get_post_analytics(&self, request: Request<v1::GetPostAnalyticsRequest>) -> Answer<v1::PostAnalytics> {
        let by = caller(&request)?;
        let id = analytics::post_id(request.into_inner().post_id).map_err(from_app(&self.clock))?;
        let found = self.analytics.get(by, id).await.map_err(from_app(&self.clock))?;
        Ok(Response::new(analytics::detail(found)))
    }

    async fn sync_post_analytics(&self, request: Request<v1::SyncPostAnalyticsRequest>) -> Answer<v1::PostAnalytics> {
        let by = caller(&request)?;
        let id = analytics::post_id(request.into_inner().post_id).map_err(from_app(&self.clock))?;
        audit::touches("post", id);
        let found = self.analytics.sync(by, id).await.map_err(from_app(&self.clock))?;
        Ok(Response::new(analytics::detail(found)))
    }

    async fn list_analytics(&self, request: Request<v1::ListAnalyticsRequest>) -> Answer<v1::ListAnalyticsResponse> {
        let by = caller(&request)?;
        let asked = analytics::list(request.into_inner()).map_err(from_app(&self.clock))?;
        let page = self.analytics.list(by, asked).await.map_err(from_app(&self.clock))?;
        Ok(Response::new(analytics::page(page)))
    }
}
