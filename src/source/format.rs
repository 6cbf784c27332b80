//! Which image format a file holds, by its first bytes; the extension decides nothing.
//!
//! In: the first [`HEAD_BYTES`] bytes of a file. Out: a [`Content`]. Source: the signatures of the format
//! specifications. Limit: a text that begins like an image would pass here and is refused by its decoder.

/// Bytes that [`Content::of`] needs: DICOM writes its signature behind a preamble of 128 bytes.
pub(super) const HEAD_BYTES: usize = 132;

/// A format that is decoded here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Jpeg,
    Png,
    Tiff,
    Bmp,
    WebP,
}

impl Format {
    /// Name in messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Tiff => "TIFF",
            Self::Bmp => "BMP",
            Self::WebP => "WebP",
        }
    }
}

/// What the first bytes of a file say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// An image that is decoded here.
    Image(Format),
    /// An image that is not decoded here, by its name in messages.
    Foreign(&'static str),
    /// No image format that is known.
    Unknown,
}

/// Sizes of the BMP information header in use, bytes: the one of OS/2 and those of Windows.
const BMP_HEADER_BYTES: [u32; 7] = [12, 40, 52, 56, 64, 108, 124];

/// Name of a DICOM file: slides may be in one.
pub(super) const DICOM: &str = "a DICOM file";

/// Signatures of picture formats that cameras and microscopes write and that have no decoder here: offset, bytes, name.
const FOREIGN: [(usize, &[u8], &str); 12] = [
    (0, b"GIF8", "a GIF image"),
    (4, b"ftypheic", "a HEIC image"),
    (4, b"ftypheix", "a HEIC image"),
    (4, b"ftypmif1", "a HEIF image"),
    (4, b"ftypavif", "an AVIF image"),
    (4, b"jP  \r\n\x87\n", "a JPEG 2000 image"),
    (0, b"\xFF\x4F\xFF\x51", "a JPEG 2000 image"),
    (4, b"JXL \r\n\x87\n", "a JPEG XL image"),
    (128, b"DICM", DICOM),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"ZISRAWFILE", "a Zeiss CZI file"),
    (0, b"\xDA\xCE\xBE\x0A", "a Nikon ND2 file"),
];

impl Content {
    /// Reads the signature from the first bytes of a file.
    pub(super) fn of(head: &[u8]) -> Self {
        let begins = |signature: &[u8]| head.starts_with(signature);
        if begins(b"\xFF\xD8\xFF") {
            return Self::Image(Format::Jpeg);
        }
        if begins(b"\x89PNG\r\n\x1A\n") {
            return Self::Image(Format::Png);
        }
        if begins(b"II*\0") || begins(b"MM\0*") || begins(b"II+\0") || begins(b"MM\0+") {
            return Self::Image(Format::Tiff);
        }
        if begins(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
            return Self::Image(Format::WebP);
        }
        if begins(b"BM") && le_u32(head, 14).is_some_and(|size| BMP_HEADER_BYTES.contains(&size)) {
            return Self::Image(Format::Bmp);
        }
        FOREIGN
            .iter()
            .find(|(offset, signature, _)| head.get(*offset..*offset + signature.len()) == Some(*signature))
            .map_or(Self::Unknown, |(_, _, name)| Self::Foreign(name))
    }
}

/// The first bytes of a file that is no image, in words.
pub(super) fn describe_head(head: &[u8]) -> String {
    let text = head.iter().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7E));
    if text {
        return "text".to_owned();
    }
    let bytes: Vec<String> = head.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("bytes that begin with {}", bytes.join(" "))
}

/// Little-endian number at an offset; `None` beyond the end.
pub(super) fn le_u32(bytes: &[u8], offset: usize) -> Option<u32> {
    let four = bytes.get(offset..offset.checked_add(4)?)?;
    Some(u32::from_le_bytes(four.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_name_their_format() {
        let mut bmp = [0u8; 26];
        bmp[..2].copy_from_slice(b"BM");
        bmp[14] = 40;
        for (head, format) in [
            (&b"\xFF\xD8\xFF\xE0"[..], Format::Jpeg),
            (b"\x89PNG\r\n\x1A\n", Format::Png),
            (b"II*\0", Format::Tiff),
            (b"MM\0+", Format::Tiff),
            (b"RIFF\0\0\0\0WEBP", Format::WebP),
            (&bmp, Format::Bmp),
        ] {
            assert_eq!(Content::of(head), Content::Image(format));
        }
    }

    #[test]
    fn near_misses_are_no_image() {
        for head in [&b""[..], b"\xFF\xD8", b"BMI of the patients: 23, 31, 28", b"RIFF\0\0\0\0WAVE", b"II*"] {
            assert_eq!(Content::of(head), Content::Unknown);
        }
    }

    #[test]
    fn dicom_is_known_behind_its_preamble() {
        let mut head = vec![0u8; HEAD_BYTES];
        head[128..].copy_from_slice(b"DICM");
        assert_eq!(Content::of(&head), Content::Foreign("a DICOM file"));
        assert_eq!(Content::of(&head[..131]), Content::Unknown);
    }

    #[test]
    fn heads_are_described() {
        assert_eq!(describe_head(b"x,y\n1,2\n"), "text");
        assert_eq!(describe_head(&[0, 1, 255]), "bytes that begin with 00 01 ff");
    }
}
