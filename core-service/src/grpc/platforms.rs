//! PlatformService.

use aurareels_proto::v1::{self, platform_service_server::PlatformService};
use tonic::{Request, Response, Status};

use super::{
    convert::{platform, requests},
    status::from_app,
};
use crate::{
    app::{platforms::Platforms, posts::Posts},
    clock::Clock,
};

/// Handlers of PlatformService.
pub(super) struct PlatformApi {
    pub(super) platforms: Platforms,
    pub(super) posts: Posts,
    pub(super) clock: Clock,
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl PlatformService for PlatformApi {
    async fn list_platforms(&self, _: Request<v1::ListPlatformsRequest>) -> Answer<v1::ListPlatformsResponse> {
        let platforms = self.platforms.list().into_iter().map(platform::info).collect();
        Ok(Response::new(v1::ListPlatformsResponse {
            platforms,
            core_version: env!("CARGO_PKG_VERSION").to_owned(),
            time_zone_rules: self.posts.zone_rules(),
        }))
    }

    async fn get_video_requirements(
        &self,
        request: Request<v1::GetVideoRequirementsRequest>,
    ) -> Answer<v1::VideoRequirements> {
        let of = requests::requirements_of(request.into_inner()).map_err(from_app(&self.clock))?;
        let rules = self.platforms.requirements(of).map_err(from_app(&self.clock))?;
        Ok(Response::new(platform::requirements(of, rules, &self.posts.url_schemes())))
    }
}
