//! The media host: videos of any size, and every way in which a video URL can be bad.
//!
//! `GET|HEAD /v/<name>.mp4` with `size`, `duration`, `width`, `height`, `fps`, `codec`, `audio=0`, `moov=last`,
//! `seed` describes the file (the name counts as seed when none is given). Further parameters change how it is served:
//! `redirect=<url>`, `status=<n>`, `delay_ms=<n>` (before the head), `rate=<bytes per second>`, `break=<percent>`
//! (the connection ends there) `&break_over=<bytes>` (only of answers longer than that), `type=<content type>`, `text=1` (a text file under this name), `html=1`,
//! `no_range=1`, `no_length=1`, `no_etag=1`, `seed_by=<parameter>` (another file per value of that parameter),
//! `swap=<seed>&swap_after=<bytes>` (once so many bytes were handed out, a file of that seed and of the same size stands
//! there), `expires=<unix>&signature=<hex>` (403 unless it fits, see [`sign`]).
//! A file can be replaced by another of equal size ([`Media::replace`]), also after some more requests.
//! Everything is streamed, nothing is buffered whole. `/avatar/<name>.svg` is a coloured square for profile pictures.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use http::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG};
use sha2::{Digest, Sha256};

use crate::call::{Call, Params};
use crate::dispatch::FLUSH_TIME;
use crate::host::Host;
use crate::media::mp4::{Codec, Mp4File, Mp4Spec};
use crate::reply::{self, Reply};
use crate::sim::Sim;

/// Prepared files by their description: players and platforms ask for many ranges of the same one.
#[derive(Default)]
pub(crate) struct Media {
    /// Bytes handed out per path and query, of videos that are to be replaced.
    handed_out: Mutex<HashMap<String, Arc<AtomicU64>>>,
    prepared: Mutex<VecDeque<(String, Arc<Mp4File>)>>,
    replaced: Mutex<HashMap<String, Replaced>>,
}

/// Another file in the place of one.
#[derive(Clone, Copy, Debug)]
struct Replaced {
    seed: u64,
    /// Requests that still get the old one.
    after: u64,
}

const PREPARED_LIMIT: usize = 64;

/// Answers a request to the media host.
pub(crate) async fn act(sim: &Arc<Sim>, call: &Call) -> Reply {
    if let Some(name) = call.path.strip_prefix("/avatar/").and_then(|name| name.strip_suffix(".svg")) {
        return avatar(name);
    }
    if call.path.starts_with("/c/") {
        return cover(&call.query);
    }
    let Some(name) = call.path.strip_prefix("/v/").filter(|name| !name.is_empty() && !name.contains('/')) else {
        return reply::text(404, "not found");
    };
    if call.method != Method::GET && call.method != Method::HEAD {
        return reply::header(reply::empty(405), "allow", "GET, HEAD");
    }
    let query = &call.query;
    if let Some(ms) = query.number::<u64>("delay_ms") {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
    if let Some(expires) = query.get("expires") {
        let fits = query.get("signature").is_some_and(|given| given == signature(sim, &call.path, expires));
        let alive = expires.parse::<i64>().is_ok_and(|expires| sim.clock.unix() < expires);
        if !fits || !alive {
            return reply::text(403, "the signature is wrong or has expired");
        }
    }
    if let Some(target) = query.get("redirect") {
        return reply::redirect(target);
    }
    if let Some(status) = query.number::<u16>("status") {
        return reply::text(status, "as asked for");
    }
    if query.get("html").is_some() {
        return reply::html(200, "<!DOCTYPE html><html><body><a href=\"#\">Download</a></body></html>");
    }
    if query.get("text").is_some() {
        let text = Bytes::from_static(b"This is a text file with the name of a video.\n");
        return serve(call, &Source::Text(text), "text", None);
    }
    let mut spec = match spec(name, query) {
        Ok(spec) => Mp4Spec { seed: sim.media.replacement(name).unwrap_or(spec.seed), ..spec },
        Err(error) => return reply::text(400, error.to_string()),
    };
    let mut handed_out = None;
    if let (Some(seed), Some(after)) = (query.number::<u64>("swap"), query.number::<u64>("swap_after")) {
        let count = sim.media.handed_out(call);
        if count.load(Ordering::Acquire) >= after {
            spec.seed = seed;
        }
        handed_out = Some(count);
    }
    let key = format!("{spec:?}");
    match sim.media.prepared(&key, &spec) {
        Ok(file) => serve(call, &Source::File(file), &key, handed_out),
        Err(error) => reply::text(400, error.to_string()),
    }
}

/// A cover picture: a JPEG by its first bytes, of `size` bytes.
fn cover(query: &Params) -> Reply {
    let mut bytes = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01".to_vec();
    bytes.resize(query.number("size").unwrap_or(5_000), 0);
    let mut reply = reply::header(reply::empty(200), "content-type", "image/jpeg");
    reply.headers_mut().insert(CONTENT_LENGTH, bytes.len().into());
    *reply.body_mut() = Body::from(bytes);
    reply
}

fn avatar(name: &str) -> Reply {
    let hue = seed_of(name) % 360;
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"100\" height=\"100\">\
         <rect width=\"100\" height=\"100\" fill=\"hsl({hue},60%,55%)\"/></svg>"
    );
    reply::header(reply::text(200, svg), "content-type", "image/svg+xml")
}

impl Media {
    /// From the given number of further requests on, the file of this name is another one, made with this seed.
    pub(crate) fn replace(&self, name: &str, seed: u64, after: u64) {
        self.replaced.lock().expect("media lock").insert(name.to_owned(), Replaced { seed, after });
    }

    fn replacement(&self, name: &str) -> Option<u64> {
        let mut all = self.replaced.lock().expect("media lock");
        let replaced = all.get_mut(name)?;
        if replaced.after > 0 {
            replaced.after -= 1;
            return None;
        }
        Some(replaced.seed)
    }

    fn handed_out(&self, call: &Call) -> Arc<AtomicU64> {
        let queried: Vec<String> = call.query.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let key = format!("{}?{}", call.path, queried.join("&"));
        self.handed_out.lock().expect("media lock").entry(key).or_default().clone()
    }

    fn prepared(&self, key: &str, spec: &Mp4Spec) -> anyhow::Result<Arc<Mp4File>> {
        let mut prepared = self.prepared.lock().expect("media lock");
        if let Some((_, file)) = prepared.iter().find(|(known, _)| known == key) {
            return Ok(file.clone());
        }
        let file = Arc::new(spec.prepare()?);
        if prepared.len() == PREPARED_LIMIT {
            prepared.pop_front();
        }
        prepared.push_back((key.to_owned(), file.clone()));
        Ok(file)
    }
}

/// Lower-case hex SHA-256 of the files that a URL of a media host gives: one, or two where the first is replaced.
pub fn sha256_of(url: &str) -> anyhow::Result<Vec<String>> {
    let url = url::Url::parse(url)?;
    let name = url.path().strip_prefix("/v/").context("not a video's address")?;
    let query = Params::parse(url.query().unwrap_or_default().as_bytes());
    let first = spec(name, &query)?;
    let second = query.number("swap").map(|seed| Mp4Spec { seed, ..first.clone() });
    [Some(first), second].into_iter().flatten().map(|spec| sha256_of_spec(&spec)).collect()
}

fn sha256_of_spec(spec: &Mp4Spec) -> anyhow::Result<String> {
    let (file, mut hash, mut at) = (spec.prepare()?, Sha256::new(), 0);
    while at < file.size() {
        let piece = file.read(at..file.size());
        at += piece.len() as u64;
        hash.update(&piece);
    }
    Ok(hex::encode(hash.finalize()))
}

/// A URL of this media host that answers 403 from `expires` (unix seconds) on.
pub(crate) fn sign(sim: &Sim, path: &str, query: &str, expires: i64) -> String {
    let signature = signature(sim, path, &expires.to_string());
    let joint = if query.is_empty() { "" } else { "&" };
    format!("{}{path}?{query}{joint}expires={expires}&signature={signature}", sim.url(Host::Media))
}

fn signature(sim: &Sim, path: &str, expires: &str) -> String {
    let key = format!("media-{}", sim.options.seed);
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes any key");
    mac.update(format!("{path}\n{expires}").as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

fn spec(name: &str, query: &Params) -> anyhow::Result<Mp4Spec> {
    let mut spec = Mp4Spec { seed: seed_of(name), ..Mp4Spec::default() };
    for (key, value) in query.iter() {
        match key {
            "size" => spec.size = value.parse()?,
            "duration" => spec.duration = value.parse()?,
            "width" => spec.width = value.parse()?,
            "height" => spec.height = value.parse()?,
            "fps" => spec.fps = value.parse()?,
            "codec" => spec.codec = Codec::parse(value).ok_or_else(|| anyhow::anyhow!("unknown codec {value}"))?,
            "audio" => spec.audio = value != "0",
            "moov" => spec.moov_last = value == "last",
            "seed" => spec.seed = value.parse()?,
            "seed_by" => spec.seed = seed_of(query.get(value).unwrap_or_default()),
            _ => {}
        }
    }
    Ok(spec)
}

fn seed_of(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[derive(Clone)]
enum Source {
    File(Arc<Mp4File>),
    Text(Bytes),
}

impl Source {
    fn size(&self) -> u64 {
        match self {
            Source::File(file) => file.size(),
            Source::Text(text) => text.len() as u64,
        }
    }

    fn read(&self, range: Range<u64>) -> Bytes {
        match self {
            Source::File(file) => file.read(range),
            Source::Text(text) => text.slice(range.start as usize..range.end.min(text.len() as u64) as usize),
        }
    }
}

fn serve(call: &Call, source: &Source, key: &str, handed_out: Option<Arc<AtomicU64>>) -> Reply {
    let size = source.size();
    let query = &call.query;
    let etag = query.get("no_etag").is_none().then(|| format!("\"{:016x}\"", seed_of(key)));
    let names = |header: &str| call.header(header).map(|wanted| etag.as_deref() == Some(wanted));
    if names("if-match") == Some(false) {
        return reply::empty(412);
    }
    // RFC 9110: a range of another version than the one that is named is answered with the whole file.
    let whole = query.get("no_range").is_some() || names("if-range") == Some(false);
    let wanted = if whole { None } else { call.header("range") };
    let (status, range) = match wanted.map(|header| parse_range(header, size)) {
        None | Some(Wanted::Everything) => (200, 0..size),
        Some(Wanted::Part(range)) => (206, range),
        Some(Wanted::Nothing) => {
            return reply::header(reply::empty(416), "content-range", &format!("bytes */{size}"));
        }
    };
    let mut reply = reply::empty(status);
    let headers = reply.headers_mut();
    let content_type = query.get("type").unwrap_or("video/mp4");
    let header = |text: &str| http::HeaderValue::from_str(text).unwrap_or(http::HeaderValue::from_static("text/plain"));
    headers.insert(CONTENT_TYPE, header(content_type));
    if let Some(etag) = &etag {
        headers.insert(ETAG, header(etag));
    }
    if query.get("no_range").is_none() {
        headers.insert(ACCEPT_RANGES, header("bytes"));
    }
    if query.get("no_length").is_none() {
        headers.insert(CONTENT_LENGTH, (range.end - range.start).into());
    }
    if status == 206 {
        headers.insert(CONTENT_RANGE, header(&format!("bytes {}-{}/{size}", range.start, range.end - 1)));
    }
    if call.method == Method::GET {
        let is_long = range.end - range.start > query.number::<u64>("break_over").unwrap_or(0);
        let breaks_at = query.number::<u64>("break").map(|percent| size / 100 * percent.min(100)).filter(|_| is_long);
        *reply.body_mut() = body(source.clone(), range, breaks_at, query.number("rate"), handed_out);
    }
    reply
}

fn body(
    source: Source,
    range: Range<u64>,
    breaks_at: Option<u64>,
    rate: Option<u64>,
    handed_out: Option<Arc<AtomicU64>>,
) -> Body {
    let pieces = stream::unfold(range, move |range| {
        let (source, handed_out) = (source.clone(), handed_out.clone());
        async move {
            if range.start >= range.end {
                return None;
            }
            if breaks_at.is_some_and(|at| range.start >= at) {
                tokio::time::sleep(FLUSH_TIME).await;
                return Some((Err(std::io::Error::other("broken off as asked for")), range.end..range.end));
            }
            let end = breaks_at.map_or(range.end, |at| range.end.min(at));
            let piece = source.read(range.start..end);
            if let Some(rate) = rate.filter(|rate| *rate > 0) {
                tokio::time::sleep(Duration::from_secs_f64(piece.len() as f64 / rate as f64)).await;
            }
            if let Some(count) = handed_out {
                count.fetch_add(piece.len() as u64, Ordering::AcqRel);
            }
            let next = range.start + piece.len() as u64;
            Some((Ok(piece), next..range.end))
        }
    });
    Body::from_stream(pieces)
}

enum Wanted {
    Everything,
    Part(Range<u64>),
    /// 416.
    Nothing,
}

/// One range is understood; several, or what is no byte range, give the whole file, as RFC 9110 allows.
fn parse_range(header: &str, size: u64) -> Wanted {
    let Some(range) = header.strip_prefix("bytes=") else { return Wanted::Everything };
    let Some((first, last)) = range.trim().split_once('-') else { return Wanted::Everything };
    if last.contains(',') {
        return Wanted::Everything;
    }
    let part = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1).min(size),
        (Ok(first), Err(_)) if last.trim().is_empty() => first..size,
        (Err(_), Ok(count)) if first.trim().is_empty() => size.saturating_sub(count)..size,
        _ => return Wanted::Everything,
    };
    if part.start >= part.end { Wanted::Nothing } else { Wanted::Part(part) }
}
