//! Structure of a JPEG stream: what is missing, and a clean copy for the decoder.
//!
//! In: a stream from its start. Out: [`Stream`]: frame header, orientation, and the segments that decoding needs, with
//! bytes between segments left out. Refused: a stream that ends before its end marker, lost restart intervals, scans
//! that leave a component or a coefficient without its last bit. Source: ITU-T T.81 sections B.1, B.2, F.1.2 and G.1.

use image::metadata::Orientation;

use crate::source::error::SourceProblem;

/// Bytes of one-bits laid behind a scan, see [`Walker::close_scan`]: more than the longest run a decoder can take in
/// between two Huffman codes (63 correction bits, 16 bits of a code and 16 of its value).
const GUARD_BYTES: usize = 16;

/// Most scans of a picture. Encoders write up to about fifteen; each costs the decoder a pass over all coefficients, so that
/// a short file of endless empty scans would keep it busy for hours.
pub(super) const MAX_SCANS: usize = 256;

/// A frame that can be decoded.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) width: u16,
    pub(super) height: u16,
    pub(super) components: usize,
    /// Whether Adobe's marker is present: four components are then stored inverted.
    pub(super) adobe: bool,
    /// From EXIF; upright where there is none.
    pub(super) orientation: Orientation,
    /// The stream without comments, application data and stray bytes.
    pub(super) clean: Vec<u8>,
}

/// Reads the structure of a stream.
pub(super) fn walk(bytes: &[u8]) -> Result<Stream, SourceProblem> {
    let mut walker = Walker {
        bytes,
        at: 2,
        clean: Vec::with_capacity(bytes.len() + 2 * GUARD_BYTES + 16),
        frame: None,
        restart_interval: 0,
        scans: 0,
        adobe: false,
        orientation: Orientation::NoTransforms,
    };
    walker.clean.extend([0xFF, 0xD8]);
    walker.run()
}

/// Sizes of the picture and its components, from the frame header.
struct Frame {
    progressive: bool,
    width: u16,
    height: u16,
    components: Vec<Component>,
}

struct Component {
    id: u8,
    horizontal: u32,
    vertical: u32,
    /// Lowest bit received of each coefficient; `None` before its first scan.
    low_bit: [Option<u8>; 64],
}

struct Walker<'a> {
    bytes: &'a [u8],
    at: usize,
    clean: Vec<u8>,
    frame: Option<Frame>,
    restart_interval: u32,
    scans: usize,
    adobe: bool,
    orientation: Orientation,
}

fn corrupt(found: impl Into<String>) -> SourceProblem {
    SourceProblem::Corrupt { format: "JPEG", found: found.into() }
}

impl<'a> Walker<'a> {
    fn run(mut self) -> Result<Stream, SourceProblem> {
        loop {
            match self.next_marker()? {
                0xD9 => break,
                // Without a length: stuffing, restart, start of image, temporary.
                0x00 | 0x01 | 0xD0..=0xD8 => {}
                0xDA => self.scan()?,
                marker => {
                    let body = self.segment()?;
                    self.take_segment(marker, body)?;
                }
            }
        }
        self.finish()
    }

    fn truncated(&self, found: &str) -> SourceProblem {
        let found = format!("{found} after {} bytes", self.bytes.len());
        SourceProblem::Truncated { format: "JPEG", found }
    }

    /// Code of the next marker; bytes before it are skipped.
    fn next_marker(&mut self) -> Result<u8, SourceProblem> {
        let mut previous = 0;
        loop {
            let byte = *self.bytes.get(self.at).ok_or_else(|| self.truncated("no end of image"))?;
            self.at += 1;
            if previous == 0xFF && byte != 0xFF {
                return Ok(byte);
            }
            previous = byte;
        }
    }

    /// Body of a segment, without its length.
    fn segment(&mut self) -> Result<&'a [u8], SourceProblem> {
        let start = self.at;
        let length = match self.bytes.get(start..start + 2) {
            Some(&[high, low]) => usize::from(u16::from_be_bytes([high, low])),
            _ => return Err(self.truncated("a marker without its length")),
        };
        if length < 2 {
            return Err(corrupt("a segment shorter than its own length field"));
        }
        self.at = start + length;
        let end = self.at;
        self.bytes.get(start + 2..end).ok_or_else(|| self.truncated("the end inside a header segment"))
    }

    fn take_segment(&mut self, marker: u8, body: &[u8]) -> Result<(), SourceProblem> {
        match marker {
            // Frame headers with Huffman coding: baseline, extended, progressive.
            0xC0..=0xC2 => {
                if self.frame.is_some() {
                    return Err(corrupt("two frame headers"));
                }
                self.frame = Some(Frame::parse(body, marker == 0xC2)?);
                self.keep(marker, body);
            }
            0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                let found = format!("lossless, hierarchical or arithmetic coding, SOF{}", marker - 0xC0);
                return Err(SourceProblem::UnsupportedEncoding { format: "JPEG", found });
            }
            // Huffman and quantization tables.
            0xC4 | 0xDB => self.keep(marker, body),
            0xDD => {
                let interval = body.first_chunk().ok_or_else(|| corrupt("a restart interval without its value"))?;
                self.restart_interval = u16::from_be_bytes(*interval).into();
                self.keep(marker, body);
            }
            0xE1 => {
                if let Some(exif) = body.strip_prefix(b"Exif\0\0") {
                    self.orientation = Orientation::from_exif_chunk(exif).unwrap_or(Orientation::NoTransforms);
                }
            }
            0xEE if body.starts_with(b"Adobe") => {
                self.adobe = true;
                self.keep(marker, body);
            }
            _ => {}
        }
        Ok(())
    }

    fn keep(&mut self, marker: u8, body: &[u8]) {
        // The body was read with a length of 16 bits that includes itself.
        let length = (body.len() + 2) as u16;
        self.clean.extend([0xFF, marker]);
        self.clean.extend(length.to_be_bytes());
        self.clean.extend(body);
    }

    /// A scan header and its coded data up to the next marker that is no restart.
    fn scan(&mut self) -> Result<(), SourceProblem> {
        let header = self.segment()?;
        self.keep(0xDA, header);
        let frame = self.frame.as_mut().ok_or_else(|| corrupt("a scan before the frame header"))?;
        let components = frame.receive(header)?;
        let units = frame.units(&components);
        let all_components = components.len() == frame.components.len();
        let progressive = frame.progressive;
        self.scans += 1;
        if self.scans > MAX_SCANS {
            return Err(SourceProblem::TooManyScans { limit: MAX_SCANS });
        }

        let mut restarts = 0u32;
        let mut start = self.at;
        loop {
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            let Some(offset) = rest.iter().position(|byte| *byte == 0xFF) else {
                return Err(self.truncated("no end of image"));
            };
            let marker_at = self.at + offset;
            match self.bytes.get(marker_at + 1) {
                None => return Err(self.truncated("no end of image")),
                Some(0x00) => self.at = marker_at + 2,
                Some(0xFF) => {
                    // A fill byte before a marker: left out of the copy.
                    self.clean.extend(&self.bytes[start..marker_at]);
                    start = marker_at + 1;
                    self.at = start;
                }
                Some(code @ 0xD0..=0xD7) => {
                    if u32::from(code - 0xD0) != restarts % 8 {
                        return Err(corrupt("a lost restart interval"));
                    }
                    restarts += 1;
                    self.at = marker_at + 2;
                }
                Some(_) => {
                    self.clean.extend(&self.bytes[start..marker_at]);
                    self.at = marker_at;
                    break;
                }
            }
        }
        if self.restart_interval > 0 && restarts + 1 < units.div_ceil(self.restart_interval) {
            return Err(corrupt("fewer restart intervals than the picture needs"));
        }
        self.close_scan(progressive, all_components);
        Ok(())
    }

    /// Lays one-bits behind a scan so that missing coded data become an error.
    ///
    /// METHOD: where coded data stop early but a marker follows, decoders read zeros on and on and return a picture of
    /// gray or noise. The code of all ones is reserved (T.81 C.2), so a decoder that reads ones reports a bad code; one
    /// that has all its data never gets there. The guard is left out where the decoder expects the marker at once: in
    /// the first progressive scan and in sequential pictures of several scans.
    fn close_scan(&mut self, progressive: bool, all_components: bool) {
        let searches_marker = if progressive { self.scans > 1 } else { all_components };
        if searches_marker {
            for _ in 0..GUARD_BYTES {
                self.clean.extend([0xFF, 0x00]);
            }
        }
    }

    fn finish(mut self) -> Result<Stream, SourceProblem> {
        let frame = self.frame.take().ok_or_else(|| corrupt("no frame header"))?;
        let complete = frame.components.iter().all(|component| component.low_bit.iter().all(|bit| *bit == Some(0)));
        if !complete {
            return Err(self.truncated("scans are missing"));
        }
        self.clean.extend([0xFF, 0xD9]);
        Ok(Stream {
            width: frame.width,
            height: frame.height,
            components: frame.components.len(),
            adobe: self.adobe,
            orientation: self.orientation,
            clean: self.clean,
        })
    }
}

impl Frame {
    fn parse(body: &[u8], progressive: bool) -> Result<Self, SourceProblem> {
        let (&[precision, h1, h0, w1, w0, count], rest) =
            body.split_first_chunk().ok_or_else(|| corrupt("a frame header that is too short"))?;
        if precision != 8 {
            let found = format!("{precision} bits per sample");
            return Err(SourceProblem::UnsupportedEncoding { format: "JPEG", found });
        }
        let (width, height) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
        if width == 0 || height == 0 {
            return Err(SourceProblem::ZeroSized { width: width.into(), height: height.into() });
        }
        let listed = rest.get(..usize::from(count) * 3).ok_or_else(|| corrupt("a frame header that is too short"))?;
        let components: Vec<Component> = listed
            .as_chunks::<3>()
            .0
            .iter()
            .map(|[id, factors, _]| Component {
                id: *id,
                horizontal: u32::from(factors >> 4),
                vertical: u32::from(factors & 15),
                low_bit: [None; 64],
            })
            .collect();
        let sampled = components.iter().all(|c| (1..=4).contains(&c.horizontal) && (1..=4).contains(&c.vertical));
        if components.is_empty() || !sampled {
            return Err(corrupt("sampling factors out of range"));
        }
        Ok(Self { progressive, width, height, components })
    }

    /// Notes which bits of which coefficients a scan brings; returns the components in it.
    fn receive(&mut self, header: &[u8]) -> Result<Vec<usize>, SourceProblem> {
        let too_short = || corrupt("a scan header that is too short");
        let (&count, rest) = header.split_first().ok_or_else(too_short)?;
        let (selectors, spectrum) = rest.split_at_checked(usize::from(count) * 2).ok_or_else(too_short)?;
        let &[first, last, bits, ..] = spectrum else { return Err(too_short()) };
        let (band, low_bit) = if self.progressive {
            if first > last || last > 63 {
                return Err(corrupt("a scan of coefficients that do not exist"));
            }
            (usize::from(first)..=usize::from(last), bits & 15)
        } else {
            (0..=63, 0)
        };
        let mut indexes = Vec::with_capacity(usize::from(count));
        for [id, _] in selectors.as_chunks::<2>().0 {
            let index = self.components.iter().position(|component| component.id == *id);
            let index = index.ok_or_else(|| corrupt("a scan of a component that does not exist"))?;
            self.components[index].low_bit[band.clone()].fill(Some(low_bit));
            indexes.push(index);
        }
        if indexes.is_empty() { Err(corrupt("a scan of no component")) } else { Ok(indexes) }
    }

    /// Coding units of a scan (T.81 A.2): blocks where it holds one component, else groups of blocks.
    fn units(&self, scanned: &[usize]) -> u32 {
        let widest = self.components.iter().map(|c| c.horizontal).max().unwrap_or(1);
        let tallest = self.components.iter().map(|c| c.vertical).max().unwrap_or(1);
        let (horizontal, vertical) = match scanned {
            [single] => (self.components[*single].horizontal, self.components[*single].vertical),
            _ => (1, 1),
        };
        let across = (u32::from(self.width) * horizontal).div_ceil(widest * 8);
        let down = (u32::from(self.height) * vertical).div_ceil(tallest * 8);
        across * down
    }
}
