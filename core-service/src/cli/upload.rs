//! Brings a video file to the core: hashed first, so that a file that is there already is not sent again, and one that
//! changes on the way is refused. After a broken connection the rest is sent, also by a later run of the command: an upload is named
//! by the file's hash.

use std::{
    error::Error as _,
    io::{Read, SeekFrom},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context;
use aurareels_proto::v1::{self, upload_media_request::Part};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tonic::{Code, Status};

use super::client::Client;

/// Bytes of a message.
const CHUNK: usize = 256 * 1024;

/// Waits after connections that broke without any progress; then the command gives up.
const WAITS: [Duration; 7] = {
    const SECOND: Duration = Duration::from_secs(1);
    [
        Duration::ZERO,
        SECOND,
        SECOND,
        Duration::from_secs(2),
        Duration::from_secs(5),
        Duration::from_secs(10),
        Duration::from_secs(20),
    ]
};

/// Uploads a file; answers the upload's name.
pub(super) async fn upload(client: &Client, path: &Path) -> anyhow::Result<v1::Media> {
    let unreadable = || format!("cannot read {}", path.display());
    let (size, sha256) = {
        let path = path.to_owned();
        tokio::task::spawn_blocking(move || measure(&path)).await?.with_context(unreadable)?
    };
    let mut info = v1::UploadMediaInfo {
        file_name: path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        content_type: String::new(),
        size_bytes: Some(i64::try_from(size)?),
        upload_id: sha256.clone(),
        sha256,
        offset: 0,
    };
    let bar = ProgressBar::new(size);
    if let Ok(style) = ProgressStyle::with_template("uploading {bytes}/{total_bytes} {wide_bar} {eta}") {
        bar.set_style(style);
    }
    let mut waits = WAITS.iter();
    let media = loop {
        let problem = match received(client, &info.upload_id).await {
            Ok(there) => {
                if there > info.offset {
                    waits = WAITS.iter();
                }
                info.offset = there;
                bar.set_position(u64::try_from(there).unwrap_or(0));
                match send(client, path, info.clone(), &bar).await.with_context(unreadable)? {
                    Ok(media) => break media,
                    Err(problem) => problem,
                }
            }
            Err(problem) => problem,
        };
        match waits.next() {
            Some(wait) if may_pass(&problem) => tokio::time::sleep(*wait).await,
            _ => return Err(problem.into()),
        }
    };
    bar.finish_and_clear();
    Ok(media)
}

/// Bytes of an upload that the core has.
async fn received(client: &Client, upload_id: &str) -> Result<i64, Status> {
    match client.media().get_upload(v1::GetUploadRequest { upload_id: upload_id.to_owned() }).await {
        Ok(upload) => Ok(upload.into_inner().received_bytes),
        // A core of an older release keeps nothing.
        Err(status) if matches!(status.code(), Code::NotFound | Code::Unimplemented) => Ok(0),
        Err(status) => Err(status),
    }
}

/// Whether it is the connection, or the core for a while.
fn may_pass(problem: &Status) -> bool {
    matches!(problem.code(), Code::Unavailable | Code::Aborted) || problem.source().is_some()
}

/// Sends a file from its offset on. What goes wrong with the file is the outer error: it says more than what the core makes of it.
async fn send(
    client: &Client,
    path: &Path,
    info: v1::UploadMediaInfo,
    bar: &ProgressBar,
) -> std::io::Result<Result<v1::Media, Status>> {
    let mut file = tokio::fs::File::open(path).await?;
    file.seek(SeekFrom::Start(u64::try_from(info.offset).unwrap_or(0))).await?;
    let failed = Arc::new(Mutex::new(None));
    let first = stream::iter([Part::Info(info)]);
    let parts = first.chain(chunks(file, bar.clone(), failed.clone()).map(Part::Chunk));
    let messages = parts.map(|part| v1::UploadMediaRequest { part: Some(part) });
    let answer = client.media().upload_media(messages).await;
    match failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
        Some(error) => Err(error),
        None => Ok(answer.map(tonic::Response::into_inner)),
    }
}

/// Size and SHA-256 of a file.
fn measure(path: &PathBuf) -> std::io::Result<(u64, String)> {
    let mut file = std::fs::File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 4 * CHUNK];
    let mut size = 0;
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok((size, hex::encode(hash.finalize())));
        }
        hash.update(&buffer[..count]);
        size += count as u64;
    }
}

/// The pieces of a file. One that cannot be read ends the stream; the core then refuses what it has.
fn chunks(
    file: tokio::fs::File,
    bar: ProgressBar,
    failed: Arc<Mutex<Option<std::io::Error>>>,
) -> impl Stream<Item = Bytes> {
    stream::unfold(file, move |mut file| {
        let (bar, failed) = (bar.clone(), failed.clone());
        async move {
            let mut chunk = BytesMut::with_capacity(CHUNK);
            while chunk.len() < CHUNK {
                match file.read_buf(&mut chunk).await {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(error) => {
                        *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                        return None;
                    }
                }
            }
            bar.inc(chunk.len() as u64);
            (!chunk.is_empty()).then(|| (chunk.freeze(), file))
        }
    })
}
