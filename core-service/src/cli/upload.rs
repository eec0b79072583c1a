//! Brings a video file to the core: hashed first, so that a file that is there already is not sent again, and one that
//! changes on the way is refused.

use std::{
    io::Read,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context;
use aurareels_proto::v1::{self, upload_media_request::Part};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

use super::client::Client;

/// Bytes of a message.
const CHUNK: usize = 256 * 1024;

/// Uploads a file; answers the upload's name.
pub(super) async fn upload(client: &Client, path: &Path) -> anyhow::Result<v1::Media> {
    let unreadable = || format!("cannot read {}", path.display());
    let (size, sha256) = {
        let path = path.to_owned();
        tokio::task::spawn_blocking(move || measure(&path)).await?.with_context(unreadable)?
    };
    let info = v1::UploadMediaInfo {
        file_name: path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
        content_type: String::new(),
        size_bytes: Some(i64::try_from(size)?),
        sha256,
    };
    let file = tokio::fs::File::open(path).await.with_context(unreadable)?;
    let failed = Arc::new(Mutex::new(None));
    let bar = ProgressBar::new(size);
    if let Ok(style) = ProgressStyle::with_template("uploading {bytes}/{total_bytes} {wide_bar} {eta}") {
        bar.set_style(style);
    }
    let first = stream::iter([Part::Info(info)]);
    let parts = first.chain(chunks(file, bar.clone(), failed.clone()).map(Part::Chunk));
    let messages = parts.map(|part| v1::UploadMediaRequest { part: Some(part) });
    let answer = client.media().upload_media(messages).await;
    bar.finish_and_clear();
    // What went wrong here says more than what the core made of it.
    if let Some(error) = failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
        return Err(error).with_context(unreadable);
    }
    Ok(answer?.into_inner())
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
