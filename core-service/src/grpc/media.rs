//! MediaService, and the address at which platforms fetch uploads.
//!
//! An upload is read as fast as the disk takes it: the next message is asked for when the last one was written, and HTTP/2
//! flow control holds the client back meanwhile. One that brings nothing, from its first message on, or whose key is revoked
//! ends.

use std::error::Error as _;

use aurareels_proto::v1::{self, media_service_server::MediaService};
use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    http::{HeaderValue, Method, Request as HttpRequest, StatusCode, header},
    middleware,
    response::{IntoResponse, Response as HttpResponse},
    routing::get,
};
use futures_util::StreamExt;
use tokio::time::timeout;
use tonic::{Code, Request, Response, Status, Streaming};
use tower_http::services::ServeFile;

use super::{
    auth::layer::{caller, credential_recheck},
    convert::{media, video_job},
    status::from_app,
};
use crate::{
    app::{
        Error,
        media::{MediaStore, UploadInfo},
        video_jobs::VideoJobs,
    },
    audit,
    clock::Clock,
    domain::failure::Reason,
    media::pull::PULL_PATH,
    store::media::StoredMedia,
};

/// Handlers of MediaService.
pub(super) struct MediaApi {
    pub(super) media_store: MediaStore,
    pub(super) video_jobs: VideoJobs,
    pub(super) clock: Clock,
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl MediaService for MediaApi {
    async fn upload_media(&self, request: Request<Streaming<v1::UploadMediaRequest>>) -> Answer<v1::Media> {
        let (caller, recheck) = (caller(&request)?, credential_recheck(&request)?);
        let mut messages = request.into_inner();
        let upload = async {
            let first = timeout(self.media_store.idle(), messages.message()).await;
            let first = first.map_err(|_| self.media_store.stalled())?.map_err(broken_off)?;
            let info: UploadInfo = media::info(first)?;
            let chunks = messages.map(|message| message.map_err(broken_off).and_then(media::chunk));
            self.media_store.receive(caller, info, chunks).await
        };
        tokio::select! {
            received = upload => {
                let received = received.map_err(from_app(&self.clock))?;
                audit::touches("media", &received.media.stored.media_id);
                Ok(Response::new(media::received(received)))
            }
            denied = recheck.revoked() => Err(denied),
        }
    }

    async fn get_upload(&self, request: Request<v1::GetUploadRequest>) -> Answer<v1::Upload> {
        let caller = caller(&request)?;
        let id = media::upload_id(request.into_inner()).map_err(from_app(&self.clock))?;
        let found = self.media_store.upload(caller, &id).await.map_err(from_app(&self.clock))?;
        Ok(Response::new(media::upload(found)))
    }

    async fn get_media(&self, request: Request<v1::GetMediaRequest>) -> Answer<v1::Media> {
        let caller = caller(&request)?;
        let id = media::media_id(request.into_inner().media_id).map_err(from_app(&self.clock))?;
        let found = self.media_store.get(caller, &id).await.map_err(from_app(&self.clock))?;
        Ok(Response::new(media::media(found)))
    }

    async fn list_media(&self, request: Request<v1::ListMediaRequest>) -> Answer<v1::ListMediaResponse> {
        let caller = caller(&request)?;
        let (size, token) = media::list(request.into_inner()).map_err(from_app(&self.clock))?;
        let page = self.media_store.list(caller, size, token.as_deref()).await.map_err(from_app(&self.clock))?;
        Ok(Response::new(media::page(page)))
    }

    async fn delete_media(&self, request: Request<v1::DeleteMediaRequest>) -> Answer<v1::DeleteMediaResponse> {
        let caller = caller(&request)?;
        let id = media::media_id(request.into_inner().media_id).map_err(from_app(&self.clock))?;
        audit::touches("media", &id);
        self.media_store.delete(caller, &id).await.map_err(from_app(&self.clock))?;
        Ok(Response::new(v1::DeleteMediaResponse {}))
    }

    async fn probe_video(&self, request: Request<v1::ProbeVideoRequest>) -> Answer<v1::ProbeVideoResponse> {
        let caller = caller(&request)?;
        let (named, platforms) = media::probe(request.into_inner()).map_err(from_app(&self.clock))?;
        let probed = self.media_store.probe(caller, named, &platforms).await.map_err(from_app(&self.clock))?;
        Ok(Response::new(media::probed(probed)))
    }

    async fn put_video_job(&self, request: Request<v1::PutVideoJobRequest>) -> Answer<v1::VideoJob> {
        let caller = caller(&request)?;
        let put = video_job::put(request.into_inner()).map_err(from_app(&self.clock))?;
        audit::touches("video_job", &put.video_job_id);
        let saved = self.video_jobs.put(caller, put).await.map_err(from_app(&self.clock))?;
        Ok(Response::new(video_job::video_job(saved)))
    }

    async fn get_video_job(&self, request: Request<v1::GetVideoJobRequest>) -> Answer<v1::VideoJob> {
        let caller = caller(&request)?;
        let id = video_job::name(request.into_inner().video_job_id).map_err(from_app(&self.clock))?;
        let found = self.video_jobs.get(caller, &id).await.map_err(from_app(&self.clock))?;
        Ok(Response::new(video_job::video_job(found)))
    }

    async fn list_video_jobs(&self, request: Request<v1::ListVideoJobsRequest>) -> Answer<v1::ListVideoJobsResponse> {
        let caller = caller(&request)?;
        let (size, token) = video_job::list(request.into_inner()).map_err(from_app(&self.clock))?;
        let page = self.video_jobs.list(caller, size, token.as_deref()).await.map_err(from_app(&self.clock))?;
        Ok(Response::new(video_job::page(page)))
    }

    async fn delete_video_job(
        &self,
        request: Request<v1::DeleteVideoJobRequest>,
    ) -> Answer<v1::DeleteVideoJobResponse> {
        let caller = caller(&request)?;
        let id = video_job::name(request.into_inner().video_job_id).map_err(from_app(&self.clock))?;
        audit::touches("video_job", &id);
        self.video_jobs.delete(caller, &id).await.map_err(from_app(&self.clock))?;
        Ok(Response::new(v1::DeleteVideoJobResponse {}))
    }
}

/// The client went away, or what it sent cannot be read. A message beyond the limit is refused before it is read.
fn broken_off(status: Status) -> Error {
    if status.code() == Code::OutOfRange {
        return media::chunk_too_large();
    }
    // What tonic itself says of bytes that came; without a cause below, the connection is whole.
    let is_end = status.message().starts_with("Unexpected EOF");
    if status.code() == Code::Internal && status.source().is_none() && !is_end {
        return media::unreadable(status.message());
    }
    Error::Unavailable {
        reason: Reason::UploadIncomplete,
        message: format!("the upload broke off ({})", status.message()),
        retry_after: std::time::Duration::from_secs(1),
    }
}

/// An upload that is in a bucket: whole, or the one part that is asked for.
async fn from_bucket(
    media_store: &MediaStore,
    media: &StoredMedia,
    method: Method,
    range: Option<HeaderValue>,
) -> HttpResponse {
    let size = media.facts.size_bytes;
    let ranges = range
        .as_ref()
        .and_then(|range| range.to_str().ok())
        .and_then(|range| http_range_header::parse_range_header(range).ok());
    let (status, first, last) = match ranges.map(|ranges| ranges.validate(size)) {
        None => (StatusCode::OK, 0, size.saturating_sub(1)),
        // Several parts at once are answered with the whole, as RFC 9110 allows.
        Some(Ok(parts)) if parts.len() == 1 => (StatusCode::PARTIAL_CONTENT, *parts[0].start(), *parts[0].end()),
        Some(Ok(_)) => (StatusCode::OK, 0, size.saturating_sub(1)),
        Some(Err(_)) => {
            let range = [(header::CONTENT_RANGE, format!("bytes */{size}"))];
            return (StatusCode::RANGE_NOT_SATISFIABLE, range).into_response();
        }
    };
    let mut response = HttpResponse::builder()
        .status(status)
        .header(header::CONTENT_TYPE, media.facts.container.content_type())
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::CONTENT_LENGTH, last + 1 - first);
    if status == StatusCode::PARTIAL_CONTENT {
        response = response.header(header::CONTENT_RANGE, format!("bytes {first}-{last}/{size}"));
    }
    let body = match method {
        Method::HEAD => Ok(Some(Body::empty())),
        _ => media_store.bytes_of(media, first, last).await.map(|bytes| bytes.map(Body::from_stream)),
    };
    match body.map(|body| body.map(|body| response.body(body))) {
        Ok(Some(Ok(response))) => response,
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        _ => (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")]).into_response(),
    }
}

/// Where platforms fetch uploads.
pub(super) fn fetching(media_store: MediaStore) -> Router {
    Router::new()
        .route(&format!("{PULL_PATH}/{{token}}/{{name}}"), get(fetch))
        .layer(middleware::from_fn(super::pages::guard))
        .with_state(media_store)
}

/// An upload while a platform may fetch it: whole or in parts (`Range`), and its head alone (`HEAD`). The name is for
/// platforms that look at it; it has no meaning here.
async fn fetch(
    State(media_store): State<MediaStore>,
    Path((token, _)): Path<(String, String)>,
    request: HttpRequest<Body>,
) -> HttpResponse {
    let found = match media_store.to_fetch(&token).await {
        Ok(found) => found,
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "an upload cannot be looked up");
            return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")]).into_response();
        }
    };
    let Some(found) = found else { return super::pages::unknown(request).await };
    let content_type = found.facts.container.content_type();
    let (method, range) = (request.method().clone(), request.headers().get(header::RANGE).cloned());
    let Some(path) = media_store.local_path(&found).await else {
        return from_bucket(&media_store, &found, method, range).await;
    };
    let Ok(mime) = content_type.parse() else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    match ServeFile::new_with_mime(path, &mime).try_call(request).await {
        Ok(served) => served.map(Body::new),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "an upload cannot be read");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
