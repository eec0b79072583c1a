//! Which scope each RPC needs: one table, compared with the descriptor by a test, so a new RPC cannot be forgotten.

use crate::app::api_keys::Scope;

/// What a token of the WordPress site itself may call, for any user: what the original's internal routes do, and events.
pub(crate) const INTERNAL: &[&str] = &[
    "/aurareels.v1.AccountService/RefreshToken",
    "/aurareels.v1.PostService/GetPost",
    "/aurareels.v1.PostService/ListEvents",
    "/aurareels.v1.PostService/PublishPostNow",
];

/// Path and scope of every RPC of `aurareels.v1`.
pub(crate) const RPCS: &[(&str, Scope)] = &[
    ("/aurareels.v1.AccountService/ListAccounts", Scope::Read),
    ("/aurareels.v1.AccountService/GetAccount", Scope::Read),
    ("/aurareels.v1.AccountService/ConnectAccount", Scope::Publish),
    ("/aurareels.v1.AccountService/CompleteConnect", Scope::Publish),
    ("/aurareels.v1.AccountService/RefreshToken", Scope::Publish),
    ("/aurareels.v1.AccountService/DisconnectAccount", Scope::Publish),
    ("/aurareels.v1.AccountService/CheckAccount", Scope::Read),
    ("/aurareels.v1.AccountService/GetPublishOptions", Scope::Read),
    ("/aurareels.v1.AccountService/GetQuota", Scope::Read),
    ("/aurareels.v1.AnalyticsService/GetPostAnalytics", Scope::Read),
    ("/aurareels.v1.AnalyticsService/SyncPostAnalytics", Scope::Publish),
    ("/aurareels.v1.AnalyticsService/ListAnalytics", Scope::Read),
    ("/aurareels.v1.MediaService/UploadMedia", Scope::Publish),
    ("/aurareels.v1.MediaService/GetUpload", Scope::Read),
    ("/aurareels.v1.MediaService/GetMedia", Scope::Read),
    ("/aurareels.v1.MediaService/ListMedia", Scope::Read),
    ("/aurareels.v1.MediaService/DeleteMedia", Scope::Publish),
    ("/aurareels.v1.MediaService/ProbeVideo", Scope::Read),
    ("/aurareels.v1.MediaService/PutVideoJob", Scope::Publish),
    ("/aurareels.v1.MediaService/GetVideoJob", Scope::Read),
    ("/aurareels.v1.MediaService/ListVideoJobs", Scope::Read),
    ("/aurareels.v1.MediaService/DeleteVideoJob", Scope::Publish),
    ("/aurareels.v1.PlatformService/ListPlatforms", Scope::Read),
    ("/aurareels.v1.PlatformService/GetVideoRequirements", Scope::Read),
    ("/aurareels.v1.PostService/PublishPosts", Scope::Publish),
    ("/aurareels.v1.PostService/SchedulePosts", Scope::Publish),
    ("/aurareels.v1.PostService/CreateDraft", Scope::Publish),
    ("/aurareels.v1.PostService/UpdatePost", Scope::Publish),
    ("/aurareels.v1.PostService/DeleteDraft", Scope::Publish),
    ("/aurareels.v1.PostService/ValidatePosts", Scope::Read),
    ("/aurareels.v1.PostService/GetPost", Scope::Read),
    ("/aurareels.v1.PostService/ListPosts", Scope::Read),
    ("/aurareels.v1.PostService/ReschedulePost", Scope::Publish),
    ("/aurareels.v1.PostService/CancelPost", Scope::Publish),
    ("/aurareels.v1.PostService/RetryPost", Scope::Publish),
    ("/aurareels.v1.PostService/PublishPostNow", Scope::Publish),
    ("/aurareels.v1.PostService/ReconcilePost", Scope::Publish),
    ("/aurareels.v1.PostService/ResolvePost", Scope::Publish),
    ("/aurareels.v1.PostService/ListEvents", Scope::Read),
    ("/aurareels.v1.PostService/WatchPosts", Scope::Read),
    ("/aurareels.v1.WebhookService/CreateWebhookEndpoint", Scope::Publish),
    ("/aurareels.v1.WebhookService/GetWebhookEndpoint", Scope::Read),
    ("/aurareels.v1.WebhookService/ListWebhookEndpoints", Scope::Read),
    ("/aurareels.v1.WebhookService/UpdateWebhookEndpoint", Scope::Publish),
    ("/aurareels.v1.WebhookService/DeleteWebhookEndpoint", Scope::Publish),
    ("/aurareels.v1.WebhookService/RotateWebhookSecret", Scope::Publish),
    ("/aurareels.v1.WebhookService/SendTestEvent", Scope::Publish),
    ("/aurareels.v1.WebhookService/ListWebhookDeliveries", Scope::Read),
    ("/aurareels.v1.WebhookService/GetWebhookDelivery", Scope::Read),
    ("/aurareels.v1.WebhookService/RedeliverWebhook", Scope::Publish),
];

/// The call that brings the bytes of a video.
pub(crate) const UPLOAD: &str = "/aurareels.v1.MediaService/UploadMedia";

/// The service that has something for the operator alone.
pub(crate) const ASKS_FOR_OPERATOR: &str = "/aurareels.v1.WebhookService/";

/// Streams that ask again while they are open whether their caller still may.
pub(crate) const OUTLIVES_ITS_CHECK: &[&str] = &[UPLOAD, "/aurareels.v1.PostService/WatchPosts"];

/// An RPC of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rpc {
    /// The table's own text of its path.
    pub(crate) path: &'static str,
    /// The scope it needs.
    pub(crate) scope: Scope,
}

impl Rpc {
    /// Whether a token of the site itself may call it.
    pub(super) fn is_internal(&self) -> bool {
        INTERNAL.contains(&self.path)
    }
}

/// The RPC of a path.
pub(crate) fn find(path: &str) -> Option<Rpc> {
    RPCS.iter().find(|(known, _)| *known == path).map(|(path, scope)| Rpc { path, scope: *scope })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost::Message;

    use super::*;

    #[test]
    fn every_rpc_of_the_descriptor_has_a_scope_and_no_other() {
        let set = prost_types::FileDescriptorSet::decode(aurareels_proto::FILE_DESCRIPTOR_SET).unwrap();
        let mut described = BTreeSet::new();
        for file in set.file.iter().filter(|file| file.package() == "aurareels.v1") {
            for service in &file.service {
                let paths = service.method.iter().map(|m| format!("/aurareels.v1.{}/{}", service.name(), m.name()));
                described.extend(paths);
            }
        }
        let listed: BTreeSet<String> = RPCS.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(listed, described);
        assert_eq!(listed.len(), RPCS.len(), "a path stands twice in the table");
    }

    #[test]
    fn internal_rpcs_are_rpcs() {
        assert!(INTERNAL.iter().all(|path| find(path).is_some()));
    }

    #[test]
    fn reading_names_need_only_the_scope_read() {
        for (path, scope) in RPCS {
            let verb = path.rsplit('/').next().unwrap();
            let reads =
                ["List", "Get", "Watch", "Validate", "Check", "Probe"].iter().any(|prefix| verb.starts_with(prefix));
            assert_eq!(*scope == Scope::Read, reads, "{path}");
        }
    }
}
