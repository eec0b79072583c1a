//! What a sample description tells of the pictures themselves: their colours, whether they are progressive, the shape of
//! their pixels. The pictures are not decoded.

use h264_reader::{
    nal::sps::{ChromaFormat, FrameMbsFlags, SeqParameterSet},
    rbsp::{BitReader, decode_nal},
};
use mp4_atom::{Av1c, Avcc, Hvcc, Pasp, VpcC};

use super::{
    boxes::{child, decoded},
    entry::{Entry, VISUAL_FIELDS},
};
use crate::domain::media::PictureFacts;

/// What the description says; what it does not say stays unknown.
pub(super) fn describe(entry: &Entry) -> PictureFacts {
    let boxes = entry.body.get(VISUAL_FIELDS..).unwrap_or_default();
    let configuration = |kind| child(boxes, kind);
    let coded = configuration(b"avcC")
        .map(h264)
        .or_else(|| configuration(b"hvcC").map(h265))
        .or_else(|| configuration(b"vpcC").map(vp9))
        .or_else(|| configuration(b"av1C").map(av1))
        .unwrap_or_default();
    let container = child(boxes, b"pasp").and_then(decoded::<Pasp>).map(|pasp| (pasp.h_spacing, pasp.v_spacing));
    let shape = container.filter(|&(h, v)| h > 0 && v > 0).or(coded.pixel_aspect);
    PictureFacts { pixel_aspect: shape.filter(|(h, v)| h != v), ..coded }
}

fn h264(body: &[u8]) -> PictureFacts {
    let sets = decoded::<Avcc>(body).map(|avcc| avcc.sequence_parameter_sets).unwrap_or_default();
    // The library's reader panics over an empty one.
    let Some(set) = sets.first().filter(|nal| !nal.is_empty()).and_then(|nal| {
        let bytes = decode_nal(nal).ok()?;
        SeqParameterSet::from_bits(BitReader::new(&bytes[..])).ok()
    }) else {
        return PictureFacts::default();
    };
    let shape = set.vui_parameters.as_ref().and_then(|vui| vui.aspect_ratio_info.as_ref()).and_then(|info| info.get());
    PictureFacts {
        chroma: chroma(match set.chroma_info.chroma_format {
            ChromaFormat::Monochrome => Some(0),
            ChromaFormat::YUV420 => Some(1),
            ChromaFormat::YUV422 => Some(2),
            ChromaFormat::YUV444 => Some(3),
            ChromaFormat::Invalid(_) => None,
        }),
        // A stream that may hold fields is interlaced in nearly every case.
        is_progressive: Some(matches!(set.frame_mbs_flags, FrameMbsFlags::Frames)),
        pixel_aspect: shape.map(|(h, v)| (u32::from(h), u32::from(v))).filter(|&(h, v)| h > 0 && v > 0),
        ..PictureFacts::default()
    }
}

fn h265(body: &[u8]) -> PictureFacts {
    let Some(hvcc) = decoded::<Hvcc>(body) else { return PictureFacts::default() };
    // general_progressive_source_flag, general_interlaced_source_flag.
    let is_progressive = match hvcc.general_constraint_indicator_flags[0] >> 6 {
        0b10 => Some(true),
        0b01 => Some(false),
        _ => None,
    };
    PictureFacts { chroma: chroma(Some(hvcc.chroma_format_idc)), is_progressive, ..PictureFacts::default() }
}

fn vp9(body: &[u8]) -> PictureFacts {
    let format = decoded::<mp4_atom::VpcC>(body).and_then(|vpcc: VpcC| match vpcc.chroma_subsampling {
        0 | 1 => Some(1),
        2 => Some(2),
        3 => Some(3),
        _ => None,
    });
    PictureFacts { chroma: chroma(format), is_progressive: Some(true), ..PictureFacts::default() }
}

fn av1(body: &[u8]) -> PictureFacts {
    let format = decoded::<Av1c>(body).map(|av1c| match (av1c.chroma_subsampling_x, av1c.chroma_subsampling_y) {
        _ if av1c.monochrome => 0,
        (true, true) => 1,
        (true, false) => 2,
        _ => 3,
    });
    PictureFacts { chroma: chroma(format), is_progressive: Some(true), ..PictureFacts::default() }
}

/// A chroma format as MPEG numbers it, by its name.
fn chroma(format: Option<u8>) -> Option<String> {
    let name = match format? {
        0 => "4:0:0",
        1 => "4:2:0",
        2 => "4:2:2",
        3 => "4:4:4",
        _ => return None,
    };
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_parameter_set_tells_nothing() {
        let configuration = |set: &[u8]| [&[1, 66, 0, 30, 0xff, 0xe1, 0, set.len() as u8], set, &[0]].concat();
        for set in [&b""[..], b"\x67", b"\x67\0", b"\x67\0\0\x03"] {
            assert_eq!(h264(&configuration(set)), PictureFacts::default(), "{set:?}");
        }
    }
}
