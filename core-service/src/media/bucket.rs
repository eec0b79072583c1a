//! Uploads in a bucket of S3, or of a server that speaks it: where several cores share a database, each of them reads what any
//! of them took.
//!
//! Guaranteed:
//! - An object appears whole or not at all. Memory is bounded by one part ([`PART`]) each way.
//! - A stream ends with an error unless every promised byte has come.
//! - Names are random and never used twice ([`super::files`]), so nothing is ever overwritten.
//! - [`FileError::Gone`] means that the bucket itself says so of one object. A bucket that is away, refuses or does not exist
//!   is never taken for one whose object is gone.
//!
//! Expected failures: [`FileError`]. A core that is killed in the middle of an upload leaves parts that nobody sees as an object;
//! [`Bucket::abort_unfinished`] removes them, on servers that list them.

use std::{
    fs::File,
    io::{self, Read},
    path::Path as FilePath,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use http::{Method, StatusCode};
use object_store::{
    ClientOptions, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutPayload, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder},
    client::{HttpClient, HttpConnector},
    multipart::MultipartStore,
    path::Path,
    signer::{SignedUrlOptions, Signer},
};
use serde::Deserialize;
use tokio::task::spawn_blocking;

use super::file_error::FileError;
use crate::http::{self as outgoing, HttpSettings};

/// Bytes of one part. S3 takes 10,000 of at least 5 MiB.
const PART: usize = 8 * 1024 * 1024;

/// How long a signed request is valid; it is sent at once.
const SIGNED_FOR: Duration = Duration::from_secs(300);

/// Where a bucket is, and who asks for it.
#[derive(Clone)]
pub struct BucketSettings {
    /// The bucket's name.
    pub bucket: String,
    /// Before the name of every object; may be empty.
    pub prefix: String,
    /// Another server than Amazon's.
    pub endpoint: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// Key, secret, and the token of a session. Without, what the machine is given counts: a role, a container's credentials.
    pub credentials: Option<(String, String, Option<String>)>,
    /// TLS roots.
    pub http: HttpSettings,
}

/// A bucket. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Bucket {
    store: Arc<AmazonS3>,
    client: reqwest::Client,
    prefix: Path,
}

/// The core's own HTTP client: its roots, its one crypto provider.
#[derive(Debug)]
struct Connector(reqwest::Client);

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.0.clone()))
    }
}

/// A page of the list of uploads that were begun and never completed.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Unfinished {
    is_truncated: bool,
    next_key_marker: String,
    next_upload_id_marker: String,
    upload: Vec<Begun>,
}

/// One of them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Begun {
    key: String,
    upload_id: String,
    initiated: DateTime<Utc>,
}

fn failed(error: object_store::Error) -> FileError {
    use object_store::Error;
    let what = match &error {
        Error::NotFound { source, .. } if source.to_string().contains("NoSuchBucket") => "does not exist",
        Error::NotFound { .. } => return FileError::Gone,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => "refuses the core's key",
        _ => "does not answer as it should",
    };
    FileError::Bucket { what, source: Box::new(error) }
}

fn unusable(what: &'static str, error: impl std::error::Error + Send + Sync + 'static) -> FileError {
    FileError::Bucket { what, source: Box::new(error) }
}

impl Bucket {
    /// Prepares it. Nothing is asked yet.
    pub fn open(settings: &BucketSettings) -> Result<Self, FileError> {
        const UNASKED: &str = "cannot be asked";
        let tls = outgoing::tls_config(&settings.http).map_err(|error| unusable(UNASKED, error))?;
        let client = outgoing::client_builder(&tls).build().map_err(|error| unusable(UNASKED, error))?;
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(&settings.bucket);
        if let Some(region) = &settings.region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = &settings.endpoint {
            builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
        }
        if let Some((key, secret, token)) = &settings.credentials {
            builder = builder.with_access_key_id(key).with_secret_access_key(secret);
            if let Some(token) = token {
                builder = builder.with_token(token);
            }
        }
        let retry = RetryConfig { max_retries: 4, retry_timeout: Duration::from_secs(30), ..RetryConfig::default() };
        let builder = builder.with_retry(retry).with_http_connector(Connector(client.clone()));
        let store = Arc::new(builder.build().map_err(|error| unusable(UNASKED, error))?);
        Ok(Self { store, client, prefix: Path::from(settings.prefix.as_str()) })
    }

    fn path(&self, name: &str) -> Path {
        self.prefix.clone().join(name)
    }

    /// Stores a file of this machine under a name.
    pub(super) async fn put(&self, name: &str, file: &FilePath) -> Result<(), FileError> {
        let path = self.path(name);
        let (mut file, first) = next_part(File::open(file)?).await?;
        if first.len() < PART {
            self.store.put(&path, PutPayload::from_bytes(first)).await.map_err(failed)?;
            return Ok(());
        }
        let mut upload = self.store.put_multipart(&path).await.map_err(failed)?;
        let mut part = first;
        let sent = async {
            while !part.is_empty() {
                upload.put_part(PutPayload::from_bytes(part)).await.map_err(failed)?;
                (file, part) = next_part(file).await?;
            }
            upload.complete().await.map_err(failed)
        };
        match sent.await {
            Ok(_) => Ok(()),
            Err(problem) => {
                // What cannot be removed now is removed by the bucket's own rule.
                let _ = upload.abort().await;
                Err(problem)
            }
        }
    }

    /// The size of an object. Its first byte is asked for: the answer to a HEAD cannot say whether object or bucket is missing.
    pub(super) async fn size(&self, name: &str) -> Result<u64, FileError> {
        let options = GetOptions { range: Some(GetRange::Bounded(0..1)), ..GetOptions::default() };
        Ok(self.store.get_opts(&self.path(name), options).await.map_err(failed)?.meta.size)
    }

    /// The bytes from `first` to `last`, both included.
    pub(super) async fn stream(
        &self,
        name: &str,
        first: u64,
        last: u64,
    ) -> Result<BoxStream<'static, io::Result<Bytes>>, FileError> {
        let options = GetOptions { range: Some(GetRange::Bounded(first..last + 1)), ..GetOptions::default() };
        let found = self.store.get_opts(&self.path(name), options).await.map_err(failed)?;
        let pieces = found.into_stream().map_err(io::Error::from);
        let left = (last + 1).saturating_sub(first);
        let whole = stream::try_unfold((pieces.boxed(), left), |(mut pieces, left)| async move {
            match pieces.try_next().await? {
                Some(piece) if piece.len() as u64 > left => {
                    Err(io::Error::other("the bucket sent more than was asked for"))
                }
                Some(piece) => {
                    let left = left - piece.len() as u64;
                    Ok(Some((piece, (pieces, left))))
                }
                None if left > 0 => Err(io::ErrorKind::UnexpectedEof.into()),
                None => Ok(None),
            }
        });
        Ok(whole.boxed())
    }

    /// Removes an object. One that is not there any more is as good as removed.
    pub(super) async fn remove(&self, name: &str) -> Result<(), FileError> {
        match self.store.delete(&self.path(name)).await.map_err(failed) {
            Ok(()) | Err(FileError::Gone) => Ok(()),
            Err(problem) => Err(problem),
        }
    }

    /// The names of all objects that were stored before a time.
    pub(super) async fn older_than(&self, time: DateTime<Utc>) -> Result<Vec<String>, FileError> {
        let objects = self.store.list(Some(&self.prefix)).map_err(failed);
        let names = objects.try_filter_map(|object| {
            // Deeper ones are not ours.
            let name = object.location.filename().filter(|name| self.path(name) == object.location);
            let is_old = object.last_modified < time;
            std::future::ready(Ok(name.filter(|_| is_old).map(str::to_owned)))
        });
        names.try_collect().await
    }

    /// Ends uploads that were begun before a time and never completed: their parts cost space and are no object. Returns how many.
    pub(super) async fn abort_unfinished(
        &self,
        before: DateTime<Utc>,
        is_ours: impl Fn(&str) -> bool,
    ) -> Result<usize, FileError> {
        let (mut ended, mut after) = (0, None);
        loop {
            let Some(page) = self.unfinished(after.take()).await? else { return Ok(ended) };
            for begun in page.upload.iter().filter(|begun| begun.initiated < before) {
                let location = Path::from(begun.key.as_str());
                let name = location.filename().filter(|name| self.path(name) == location);
                if !name.is_some_and(&is_ours) {
                    continue;
                }
                match self.store.abort_multipart(&location, &begun.upload_id).await.map_err(failed) {
                    // Another core was faster.
                    Ok(()) | Err(FileError::Gone) => ended += 1,
                    Err(problem) => return Err(problem),
                }
            }
            if !page.is_truncated || page.next_key_marker.is_empty() {
                return Ok(ended);
            }
            after = Some((page.next_key_marker, page.next_upload_id_marker));
        }
    }

    /// A page of what was begun; `None` where the server does not list it.
    async fn unfinished(&self, after: Option<(String, String)>) -> Result<Option<Unfinished>, FileError> {
        const UNLISTED: &str = "does not list its unfinished uploads";
        let mut query = vec![("uploads", String::new()), ("prefix", self.prefix.to_string())];
        if let Some((key, id)) = after {
            query.extend([("key-marker", key), ("upload-id-marker", id)]);
        }
        let options = SignedUrlOptions::new().with_query(query);
        let all = Path::default();
        let url = self.store.signed_url_opts(Method::GET, &all, SIGNED_FOR, &options).await.map_err(failed)?;
        let broken = |error: reqwest::Error| unusable(UNLISTED, error.without_url());
        let answer = self.client.get(url).send().await.map_err(broken)?;
        if [StatusCode::NOT_IMPLEMENTED, StatusCode::METHOD_NOT_ALLOWED].contains(&answer.status()) {
            return Ok(None);
        }
        let text = answer.error_for_status().map_err(broken)?.text().await.map_err(broken)?;
        quick_xml::de::from_str(&text).map(Some).map_err(|error| unusable(UNLISTED, error))
    }

    /// Writes, reads and removes a small object, named as an upload: if it stays, it is removed as one that broke off.
    pub async fn check(&self) -> Result<(), FileError> {
        let random = || getrandom::u64().map_err(io::Error::other);
        let path = self.path(&format!("{:016x}{:016x}.mp4", random()?, random()?));
        self.store.put(&path, PutPayload::from_static(b"aurareels")).await.map_err(failed)?;
        let read = self.store.get(&path).await.map_err(failed)?.bytes().await.map_err(failed)?;
        self.store.delete(&path).await.map_err(failed)?;
        if read.as_ref() == b"aurareels" {
            Ok(())
        } else {
            Err(io::Error::other("it reads other bytes than it was given").into())
        }
    }
}

/// The next part of a file; empty at its end.
async fn next_part(mut file: File) -> Result<(File, Bytes), FileError> {
    let read = spawn_blocking(move || {
        let mut part = Vec::with_capacity(PART);
        (&mut file).take(PART as u64).read_to_end(&mut part)?;
        io::Result::Ok((file, Bytes::from(part)))
    });
    Ok(read.await.map_err(io::Error::other)??)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_unfinished_uploads_is_read() {
        let page = r#"<?xml version="1.0" encoding="UTF-8"?>
            <ListMultipartUploadsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Bucket>b</Bucket><KeyMarker/>
              <NextKeyMarker>media/b.mp4</NextKeyMarker><NextUploadIdMarker>two</NextUploadIdMarker>
              <MaxUploads>2</MaxUploads><IsTruncated>true</IsTruncated>
              <Upload><Key>media/a.mp4</Key><UploadId>one</UploadId><Owner><ID>7</ID></Owner>
                <Initiated>2026-11-10T20:48:33.000Z</Initiated></Upload>
              <Upload><Key>media/b.mp4</Key><UploadId>two</UploadId><Initiated>2026-11-10T20:49:33Z</Initiated></Upload>
            </ListMultipartUploadsResult>"#;
        let page: Unfinished = quick_xml::de::from_str(page).unwrap();
        assert!(page.is_truncated);
        assert_eq!((page.next_key_marker.as_str(), page.next_upload_id_marker.as_str()), ("media/b.mp4", "two"));
        let begun: Vec<_> = page.upload.iter().map(|begun| (begun.key.as_str(), begun.upload_id.as_str())).collect();
        assert_eq!(begun, [("media/a.mp4", "one"), ("media/b.mp4", "two")]);
        assert_eq!(page.upload[0].initiated.to_rfc3339(), "2026-11-10T20:48:33+00:00");
        let empty: Unfinished =
            quick_xml::de::from_str("<ListMultipartUploadsResult><Bucket>b</Bucket></ListMultipartUploadsResult>")
                .unwrap();
        assert!(!empty.is_truncated && empty.upload.is_empty());
    }
}
