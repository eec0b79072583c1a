//! Real MP4 files of any size, made while they are read.
//!
//! Guaranteed: `ftyp`, `moov` with consistent sample tables, one `mdat` of filler; parsers read duration, dimensions,
//! codec and frame rate from it. The same [`Mp4Spec`] always gives the same bytes. The filler carries its position in
//! every block, so swapped, missing or repeated chunks of an upload change the hash. The samples decode to nothing.

use std::io::Write;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, ensure};
use bytes::{BufMut, Bytes, BytesMut};
use mp4_atom::{
    Audio, Avc1, Avcc, Dinf, Dref, Encode, Esds, Ftyp, Hdlr, Hvc1, Hvcc, Mdhd, Mdia, Minf, Moov, Mp4a, Mvhd, Smhd,
    Stbl, Stco, Stsc, StscEntry, Stsd, Stsz, StszSamples, Stts, SttsEntry, Tkhd, Trak, Visual, Vmhd, Vp09, VpcC,
};

const BLOCK: u64 = 64 << 10;
/// Samples per second of the audio track, and frames per AAC packet.
const AUDIO_RATE: u32 = 48_000;
const AAC_FRAME: u32 = 1024;
/// The SPS and PPS of a High profile, level 4.0 stream. Its own dimensions do not matter: readers take them from the
/// sample entry.
const SPS: &[u8] = &[103, 100, 0, 40, 172, 217, 128, 80, 5, 187, 1, 106, 2, 2, 2, 128, 0, 0, 3, 0, 128, 0, 0, 30, 7];
const PPS: &[u8] = &[104, 233, 123, 44, 139];

/// Video codec of a test file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// H.264.
    Avc1,
    /// H.265.
    Hvc1,
    /// VP9.
    Vp09,
}

impl Codec {
    pub(crate) fn parse(name: &str) -> Option<Codec> {
        match name {
            "avc1" | "h264" => Some(Codec::Avc1),
            "hvc1" | "h265" => Some(Codec::Hvc1),
            "vp09" | "vp9" => Some(Codec::Vp09),
            _ => None,
        }
    }
}

/// What a test video is like.
#[derive(Clone, Debug, PartialEq)]
pub struct Mp4Spec {
    /// Bytes of the whole file; at least what the header and one byte per sample need (else `prepare` fails).
    pub size: u64,
    /// Seconds.
    pub duration: f64,
    /// Pixels.
    pub width: u16,
    /// Pixels.
    pub height: u16,
    /// Frames per second.
    pub fps: f64,
    /// Video codec.
    pub codec: Codec,
    /// Whether there is an AAC track.
    pub audio: bool,
    /// `moov` behind `mdat` instead of before it.
    pub moov_last: bool,
    /// Files with different seeds have different bytes.
    pub seed: u64,
}

impl Default for Mp4Spec {
    fn default() -> Self {
        Mp4Spec {
            size: 1 << 20,
            duration: 15.0,
            width: 1080,
            height: 1920,
            fps: 30.0,
            codec: Codec::Avc1,
            audio: true,
            moov_last: false,
            seed: 0,
        }
    }
}

impl Mp4Spec {
    /// Works out the header. Fails if the size is too small for the header and the samples.
    pub fn prepare(&self) -> anyhow::Result<Mp4File> {
        ensure!(self.fps > 0.0 && self.fps <= 1000.0, "frame rate out of range");
        ensure!(self.duration > 0.0 && self.duration <= 86_400.0, "duration out of range");
        let ftyp = encoded(&Ftyp {
            major_brand: b"isom".into(),
            minor_version: 512,
            compatible_brands: vec![b"isom".into(), b"iso2".into(), b"avc1".into(), b"mp41".into()],
        })?;
        // The header's own length does not depend on the numbers in it.
        let moov_length = encoded(&self.moov(0, u64::MAX)?)?.len() as u64;
        let mdat_head = |payload: u64| if payload + 8 > u64::from(u32::MAX) { 16 } else { 8 };
        let fixed = ftyp.len() as u64 + moov_length;
        let payload = self
            .size
            .checked_sub(fixed + 8)
            .and_then(|rest| if mdat_head(rest) == 16 { rest.checked_sub(8) } else { Some(rest) })
            .with_context(|| format!("an MP4 like this needs more than {fixed} bytes"))?;
        let mut head = BytesMut::new();
        if mdat_head(payload) == 16 {
            head.put_u32(1);
            head.put_slice(b"mdat");
            head.put_u64(payload + 16);
        } else {
            head.put_u32(u32::try_from(payload + 8)?);
            head.put_slice(b"mdat");
        }
        let before = if self.moov_last { ftyp.len() as u64 } else { fixed };
        let moov = encoded(&self.moov(before + head.len() as u64, payload)?)?;
        ensure!(moov.len() as u64 == moov_length, "the header changed its length");
        let mut prefix = BytesMut::from(&ftyp[..]);
        let mut suffix = Bytes::new();
        if self.moov_last {
            suffix = Bytes::from(moov);
        } else {
            prefix.put_slice(&moov);
        }
        prefix.put_slice(&head);
        Ok(Mp4File { prefix: prefix.freeze(), filler: payload, suffix, block: template(self.seed) })
    }

    /// Writes the file to disk.
    pub fn write_to(&self, path: &Path) -> anyhow::Result<()> {
        let file = self.prepare()?;
        let mut out = std::io::BufWriter::new(std::fs::File::create(path)?);
        let mut at = 0;
        while at < file.size() {
            let piece = file.read(at..file.size());
            at += piece.len() as u64;
            out.write_all(&piece)?;
        }
        out.flush()?;
        Ok(())
    }

    /// The whole file in memory; for small ones.
    pub fn to_bytes(&self) -> anyhow::Result<Bytes> {
        let file = self.prepare()?;
        let mut out = BytesMut::with_capacity(usize::try_from(file.size())?);
        while (out.len() as u64) < file.size() {
            let piece = file.read(out.len() as u64..file.size());
            out.put_slice(&piece);
        }
        Ok(out.freeze())
    }

    fn moov(&self, data_offset: u64, payload: u64) -> anyhow::Result<Moov> {
        let frames = (self.duration * self.fps).round().max(1.0) as u32;
        let video_scale = (self.fps * 1000.0).round() as u32;
        let milliseconds = u64::from(frames) * 1_000_000 / u64::from(video_scale);
        let packets =
            if self.audio { (self.duration * f64::from(AUDIO_RATE) / f64::from(AAC_FRAME)) as u32 } else { 0 };
        let samples = u64::from(frames) + u64::from(packets);
        ensure!(payload >= samples, "the size leaves less than a byte per sample");
        let packet_size = if payload / 4 > u64::from(packets) * 128 { 128 } else { 1 };
        let audio_bytes = u64::from(packets) * packet_size;
        let frame_size = u32::try_from((payload - audio_bytes) / u64::from(frames)).unwrap_or(u32::MAX);
        let audio_offset = data_offset.saturating_add(u64::from(frame_size) * u64::from(frames));

        let visual = Visual {
            data_reference_index: 1,
            width: self.width,
            height: self.height,
            frame_count: 1,
            depth: 24,
            ..Visual::default()
        };
        let entry = match self.codec {
            Codec::Avc1 => Avc1 { visual, avcc: Avcc::new(SPS, PPS)?, ..Avc1::default() }.into(),
            Codec::Hvc1 => Hvc1 { visual, hvcc: Hvcc::new(), ..Hvc1::default() }.into(),
            Codec::Vp09 => {
                let vpcc = VpcC { bit_depth: 8, ..VpcC::default() };
                Vp09 { visual, vpcc, ..Vp09::default() }.into()
            }
        };
        let mut tracks = vec![Trak {
            tkhd: Tkhd {
                track_id: 1,
                duration: milliseconds,
                enabled: true,
                in_movie: true,
                width: self.width.into(),
                height: self.height.into(),
                ..Tkhd::default()
            },
            mdia: Mdia {
                mdhd: mdhd(video_scale, u64::from(frames) * 1000),
                hdlr: Hdlr { handler: b"vide".into(), name: "VideoHandler".into() },
                minf: Minf {
                    vmhd: Some(Vmhd::default()),
                    dinf: dinf(),
                    stbl: stbl(entry, frames, 1000, frame_size, data_offset),
                    ..Minf::default()
                },
            },
            ..Trak::default()
        }];
        if packets > 0 {
            let mp4a = Mp4a { audio: audio(), esds: esds(), btrt: None, taic: None };
            tracks.push(Trak {
                tkhd: Tkhd {
                    track_id: 2,
                    duration: milliseconds,
                    enabled: true,
                    in_movie: true,
                    alternate_group: 1,
                    volume: 1.into(),
                    ..Tkhd::default()
                },
                mdia: Mdia {
                    mdhd: mdhd(AUDIO_RATE, u64::from(packets) * u64::from(AAC_FRAME)),
                    hdlr: Hdlr { handler: b"soun".into(), name: "SoundHandler".into() },
                    minf: Minf {
                        smhd: Some(Smhd::default()),
                        dinf: dinf(),
                        stbl: stbl(mp4a.into(), packets, AAC_FRAME, packet_size as u32, audio_offset),
                        ..Minf::default()
                    },
                },
                ..Trak::default()
            });
        }
        let mvhd = Mvhd {
            creation_time: 0,
            modification_time: 0,
            timescale: 1000,
            duration: milliseconds,
            rate: 1.into(),
            volume: 1.into(),
            matrix: mp4_atom::Matrix::default(),
            next_track_id: tracks.len() as u32 + 1,
        };
        Ok(Moov { mvhd, meta: None, mvex: None, trak: tracks, udta: None, ainf: None })
    }
}

/// A prepared file: any range of it can be read.
#[derive(Clone, Debug)]
pub struct Mp4File {
    prefix: Bytes,
    filler: u64,
    suffix: Bytes,
    block: Bytes,
}

impl Mp4File {
    /// Bytes of the whole file.
    pub fn size(&self) -> u64 {
        self.prefix.len() as u64 + self.filler + self.suffix.len() as u64
    }

    /// The first bytes of the range; a piece of at most 64 KiB, empty only for an empty range.
    pub fn read(&self, range: Range<u64>) -> Bytes {
        let end = range.end.min(self.size());
        if range.start >= end {
            return Bytes::new();
        }
        let wanted = end - range.start;
        let prefix = self.prefix.len() as u64;
        if range.start < prefix {
            let stop = (range.start + wanted).min(prefix);
            return self.prefix.slice(range.start as usize..stop as usize);
        }
        let at = range.start - prefix;
        if at >= self.filler {
            let from = at - self.filler;
            let stop = (from + wanted).min(self.suffix.len() as u64);
            return self.suffix.slice(from as usize..stop as usize);
        }
        let number = at / BLOCK;
        let from = at % BLOCK;
        let stop = BLOCK.min(from + wanted).min(self.filler - number * BLOCK);
        let mut block = BytesMut::from(&self.block[..stop as usize]);
        let stamp = (number + 1).to_be_bytes();
        let stamped = stamp.len().min(block.len());
        block[..stamped].copy_from_slice(&stamp[..stamped]);
        block.freeze().slice(from as usize..)
    }
}

fn encoded(atom: &impl Encode) -> anyhow::Result<Vec<u8>> {
    let mut out = Vec::new();
    atom.encode(&mut out)?;
    Ok(out)
}

fn template(seed: u64) -> Bytes {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut block = BytesMut::with_capacity(BLOCK as usize);
    while (block.len() as u64) < BLOCK {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        block.put_u64(state);
    }
    block.freeze()
}

fn mdhd(timescale: u32, duration: u64) -> Mdhd {
    Mdhd { timescale, duration, language: "und".into(), ..Mdhd::default() }
}

fn dinf() -> Dinf {
    Dinf { dref: Dref { entries: vec![mp4_atom::Url::default().into()] } }
}

fn audio() -> Audio {
    Audio { data_reference_index: 1, channel_count: 2, sample_size: 16, sample_rate: (AUDIO_RATE as u16).into() }
}

fn esds() -> Esds {
    let specific = mp4_atom::esds::DecoderSpecific { profile: 2, freq_index: 3, chan_conf: 2, raw: Vec::new() };
    Esds {
        es_desc: mp4_atom::esds::EsDescriptor {
            es_id: 2,
            dec_config: mp4_atom::esds::DecoderConfig {
                object_type_indication: 0x40,
                stream_type: 5,
                max_bitrate: 128_000,
                avg_bitrate: 128_000,
                dec_specific: Some(specific),
                ..Default::default()
            },
            ..Default::default()
        },
    }
}

fn stbl(entry: mp4_atom::Codec, count: u32, delta: u32, size: u32, offset: u64) -> Stbl {
    Stbl {
        stsd: Stsd { codecs: vec![entry] },
        stts: Stts { entries: vec![SttsEntry { sample_count: count, sample_delta: delta }] },
        stsc: Stsc {
            entries: vec![StscEntry { first_chunk: 1, samples_per_chunk: count, sample_description_index: 1 }],
        },
        stsz: Stsz { samples: StszSamples::Identical { count, size } },
        co64: Some(mp4_atom::Co64 { entries: vec![offset] }),
        stco: None::<Stco>,
        ..Stbl::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::scan::Scanner;

    fn scanned(bytes: &[u8], step: usize) -> Option<crate::media::scan::Probe> {
        let mut scanner = Scanner::default();
        for piece in bytes.chunks(step) {
            scanner.push(piece);
        }
        scanner.finish()
    }

    #[test]
    fn header_says_what_was_asked_for() {
        for codec in [Codec::Avc1, Codec::Hvc1, Codec::Vp09] {
            for moov_last in [false, true] {
                let spec = Mp4Spec { size: 300_000, duration: 7.5, fps: 24.0, codec, moov_last, ..Mp4Spec::default() };
                let bytes = spec.to_bytes().unwrap();
                assert_eq!(bytes.len(), 300_000);
                let probe = scanned(&bytes, 777).expect("readable");
                assert_eq!((probe.width, probe.height), (1080, 1920));
                assert_eq!(probe.duration_ms, 7500);
                assert!((probe.fps - 24.0).abs() < 0.001);
                assert_eq!(Codec::parse(&probe.codec), Some(codec));
                assert_eq!(probe.moov_first, !moov_last);
                assert!(probe.audio);
            }
        }
    }

    #[test]
    fn half_a_file_is_no_video() {
        let bytes = Mp4Spec { size: 20_000, ..Mp4Spec::default() }.to_bytes().unwrap();
        for length in [10_000, 19_999] {
            assert!(scanned(&bytes[..length], 777).is_none(), "{length}");
        }
        assert!(scanned(&bytes, 777).is_some());
    }

    #[test]
    fn any_range_is_the_same_bytes() {
        let spec = Mp4Spec { size: 200_000, moov_last: true, ..Mp4Spec::default() };
        let whole = spec.to_bytes().unwrap();
        let file = spec.prepare().unwrap();
        for range in [0..10, 100..70_000, 65_500..65_600, 199_000..200_000, 199_999..200_000] {
            let mut got = Vec::new();
            while (got.len() as u64) < range.end - range.start {
                got.extend_from_slice(&file.read(range.start + got.len() as u64..range.end));
            }
            assert_eq!(got, whole[range.start as usize..range.end as usize]);
        }
    }

    #[test]
    fn large_files_use_a_long_mdat() {
        let file = Mp4Spec { size: 5_000_000_000, ..Mp4Spec::default() }.prepare().unwrap();
        assert_eq!(file.size(), 5_000_000_000);
    }

    #[test]
    fn too_small_is_an_error() {
        assert!(Mp4Spec { size: 500, ..Mp4Spec::default() }.prepare().is_err());
    }
}
