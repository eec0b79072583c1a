//! Reading an MP4 or MOV header out of a stream of bytes.
//!
//! Guaranteed: memory is bounded; only `ftyp` and `moov` are kept, wherever they are. What is not an MP4, or whose
//! header cannot be read, gives `None`.

use mp4_atom::{Codec, Decode, Moov};

/// Largest header that is read.
const HEADER_LIMIT: u64 = 32 << 20;

/// What a file says about itself.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Probe {
    pub(crate) duration_ms: u64,
    pub(crate) width: u16,
    pub(crate) height: u16,
    /// Four letters of the sample entry, for example `avc1`.
    pub(crate) codec: String,
    pub(crate) fps: f64,
    /// Whether `moov` came before `mdat`.
    pub(crate) moov_first: bool,
    pub(crate) audio: bool,
}

/// Takes the bytes of a file in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scanner {
    head: Vec<u8>,
    state: State,
    moov: Option<Vec<u8>>,
    mdat_seen: bool,
    moov_first: bool,
    boxes: u32,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Head,
    Skip(u64),
    /// Bytes of `moov` still to come.
    Keep(u64),
    /// Nothing more of interest (or not an MP4).
    Done,
}

impl Scanner {
    pub(crate) fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match self.state {
                State::Done => return,
                State::Skip(left) => {
                    let take = left.min(bytes.len() as u64);
                    bytes = &bytes[take as usize..];
                    self.state = if take == left { State::Head } else { State::Skip(left - take) };
                }
                State::Keep(left) => {
                    let take = left.min(bytes.len() as u64);
                    if let Some(moov) = self.moov.as_mut() {
                        moov.extend_from_slice(&bytes[..take as usize]);
                    }
                    bytes = &bytes[take as usize..];
                    self.state = if take == left { State::Head } else { State::Keep(left - take) };
                }
                State::Head => {
                    self.head.push(bytes[0]);
                    bytes = &bytes[1..];
                    self.read_head();
                }
            }
        }
    }

    fn read_head(&mut self) {
        if self.head.len() < 8 {
            return;
        }
        let short = u64::from(u32::from_be_bytes([self.head[0], self.head[1], self.head[2], self.head[3]]));
        if short == 1 && self.head.len() < 16 {
            return;
        }
        let mut kind = [0; 4];
        kind.copy_from_slice(&self.head[4..8]);
        let (size, length) = if short == 1 {
            let mut long = [0; 8];
            long.copy_from_slice(&self.head[8..16]);
            (u64::from_be_bytes(long), 16)
        } else {
            (short, 8)
        };
        let first_is_wrong =
            self.boxes == 0 && !matches!(&kind, b"ftyp" | b"wide" | b"moov" | b"mdat" | b"free" | b"skip");
        self.boxes += 1;
        if &kind == b"mdat" {
            self.mdat_seen = true;
        }
        // Size 0 means "to the end of the file", which only `mdat` may say in practice.
        if first_is_wrong || size < length {
            self.state = State::Done;
            return;
        }
        let body = size - length;
        if &kind == b"moov" && self.moov.is_none() && size <= HEADER_LIMIT {
            self.moov_first = !self.mdat_seen;
            self.moov = Some(std::mem::take(&mut self.head));
            self.state = State::Keep(body);
        } else {
            self.state = State::Skip(body);
        }
        if body == 0 {
            self.state = State::Head;
        }
        self.head.clear();
    }

    /// What the file says; `None` also when it ends inside of a box: half a file is no video to a platform.
    pub(crate) fn finish(self) -> Option<Probe> {
        if matches!(self.state, State::Skip(_) | State::Keep(_)) || !self.head.is_empty() {
            return None;
        }
        let moov = Moov::decode(&mut self.moov?.as_slice()).ok()?;
        let audio = moov.trak.iter().any(|track| track.mdia.hdlr.handler == mp4_atom::FourCC::new(b"soun"));
        let video = moov.trak.iter().find(|track| track.mdia.hdlr.handler == mp4_atom::FourCC::new(b"vide"))?;
        let table = &video.mdia.minf.stbl;
        let (codec, visual) = match table.stsd.codecs.first()? {
            Codec::Avc1(entry) => ("avc1", &entry.visual),
            Codec::Avc3(entry) => ("avc3", &entry.visual),
            Codec::Hvc1(entry) => ("hvc1", &entry.visual),
            Codec::Hev1(entry) => ("hev1", &entry.visual),
            Codec::Vp08(entry) => ("vp08", &entry.visual),
            Codec::Vp09(entry) => ("vp09", &entry.visual),
            Codec::Av01(entry) => ("av01", &entry.visual),
            _ => return None,
        };
        let media = &video.mdia.mdhd;
        if media.timescale == 0 || media.duration == 0 || moov.mvhd.timescale == 0 {
            return None;
        }
        let samples: u64 = table.stts.entries.iter().map(|entry| u64::from(entry.sample_count)).sum();
        Some(Probe {
            duration_ms: media.duration * 1000 / u64::from(media.timescale),
            width: visual.width,
            height: visual.height,
            codec: codec.to_owned(),
            fps: samples as f64 * f64::from(media.timescale) / media.duration as f64,
            moov_first: self.moov_first,
            audio,
        })
    }
}
