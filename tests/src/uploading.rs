//! Uploading videos, as clients do.

use aurareels_proto::v1::{
    Media, PostContent, UploadMediaInfo, UploadMediaRequest, media_service_client::MediaServiceClient,
    upload_media_request::Part,
};
use futures_util::stream;
use sha2::{Digest, Sha256};
use tonic::Status;

use crate::{User, World, posting::video, world::Line};

/// Bytes of a chunk, so small that every upload has several.
const CHUNK: usize = 100_000;

/// The first message of an upload.
pub fn info(info: UploadMediaInfo) -> UploadMediaRequest {
    UploadMediaRequest { part: Some(Part::Info(info)) }
}

/// A later message of an upload.
pub fn chunk(bytes: &[u8]) -> UploadMediaRequest {
    UploadMediaRequest { part: Some(Part::Chunk(bytes.to_vec().into())) }
}

/// All messages of an upload.
pub fn messages(about: UploadMediaInfo, bytes: &[u8]) -> Vec<UploadMediaRequest> {
    std::iter::once(info(about)).chain(bytes.chunks(CHUNK).map(chunk)).collect()
}

/// What a careful client says about a file.
pub fn about(bytes: &[u8]) -> UploadMediaInfo {
    UploadMediaInfo {
        file_name: "reel.mp4".to_owned(),
        content_type: "video/mp4".to_owned(),
        size_bytes: Some(bytes.len().try_into().expect("small")),
        sha256: sha256(bytes),
        ..UploadMediaInfo::default()
    }
}

/// The SHA-256 as clients write it.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A post's content: an uploaded video and this caption.
pub fn uploaded(media: &Media, caption: &str) -> PostContent {
    PostContent {
        media_id: media.media_id.clone(),
        caption: caption.to_owned(),
        privacy_level: "PUBLIC".to_owned(),
        ..PostContent::default()
    }
}

impl World {
    /// The bytes of a small video: other ones for each name and size.
    pub async fn file(&self, name: &str, size: usize) -> Vec<u8> {
        let url = video(self, name).replace("size=500000", &format!("size={size}"));
        let answer = self.http.get(url).send().await.expect("the media host answers");
        let bytes = answer.error_for_status().expect("a video").bytes().await.expect("a video").to_vec();
        assert_eq!(bytes.len(), size);
        bytes
    }

    /// Names of the files of uploads in the core's data directory.
    pub fn upload_files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.data_dir().join("media")).expect("the directory of uploads");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }
}

impl User<'_> {
    /// The media service, as this user.
    pub fn media(&self) -> MediaServiceClient<Line> {
        MediaServiceClient::new(self.world.line(&self.world.key, Some(self.id)))
    }

    /// Sends these messages as one upload.
    pub async fn send(&self, messages: Vec<UploadMediaRequest>) -> Result<Media, Status> {
        self.media().upload_media(stream::iter(messages)).await.map(tonic::Response::into_inner)
    }

    /// Uploads a file.
    pub async fn upload(&self, bytes: &[u8]) -> Media {
        self.send(messages(about(bytes), bytes)).await.expect("uploaded")
    }
}
