//! Checksums of a PNG's chunks.
//!
//! In: a PNG file in memory. Out: nothing, or [`SourceProblem::Corrupt`] where a chunk up to the end of the picture does not
//! have its checksum. Source: PNG (W3C, third edition, 2025), sections 5.3 and 5.5.
//!
//! METHOD: decoders pass over a damaged chunk that is not needed for decoding. Transparency and orientation are such chunks,
//! so that a damaged one would give another picture without a word; a file with any damage is therefore refused.
//!
//! Limits: a chunk whose length reaches beyond the file is left to the decoder, which says that the file ends early.

use flate2::Crc;

use super::SourceProblem;
use super::format::Format;

/// Bytes of the signature in front of the chunks.
const SIGNATURE_BYTES: usize = 8;
/// Bytes of a chunk's length, type and checksum.
const PART_BYTES: usize = 4;

/// Makes sure that every chunk has its checksum.
///
/// # Errors
/// [`SourceProblem::Corrupt`].
pub(super) fn check(bytes: &[u8]) -> Result<(), SourceProblem> {
    let mut rest = bytes.get(SIGNATURE_BYTES..).unwrap_or_default();
    while let Some((length, behind)) = rest.split_first_chunk::<PART_BYTES>() {
        let covered = PART_BYTES.saturating_add(u32::from_be_bytes(*length) as usize);
        let Some((kind_and_body, behind)) = behind.split_at_checked(covered) else { break };
        let Some((checksum, behind)) = behind.split_first_chunk::<PART_BYTES>() else { break };
        let mut counted = Crc::new();
        counted.update(kind_and_body);
        let kind = &kind_and_body[..PART_BYTES];
        if counted.sum() != u32::from_be_bytes(*checksum) {
            let found = format!("a wrong checksum in the chunk `{}`", kind.escape_ascii());
            return Err(SourceProblem::Corrupt { format: Format::Png.name(), found });
        }
        if kind == b"IEND" {
            break;
        }
        rest = behind;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PICTURE: &[u8] = include_bytes!("../../fixtures/formats/transparent-palette.png");

    fn damaged(at: usize) -> Result<(), SourceProblem> {
        let mut bytes = PICTURE.to_vec();
        bytes[at] ^= 1;
        check(&bytes)
    }

    #[test]
    fn a_damaged_chunk_is_refused_by_its_name() {
        check(PICTURE).expect("a sound picture");
        let transparency = PICTURE.windows(4).position(|four| four == b"tRNS").expect("clear colors");
        let said = damaged(transparency + 4).expect_err("damage").to_string();
        assert!(said.contains("a wrong checksum in the chunk `tRNS`"), "{said}");
        let said = damaged(transparency).expect_err("another type").to_string();
        assert!(said.contains("`uRNS`"), "{said}");
    }

    #[test]
    fn what_is_cut_off_or_lies_behind_the_end_is_left_to_the_decoder() {
        for end in 0..PICTURE.len() {
            check(&PICTURE[..end]).expect("whole chunks are sound");
        }
        check(&[PICTURE, b"\0\0\0\0text behind the picture"].concat()).expect("the picture has ended");
    }
}
