//! OpenSlide's library, found at run time, behind safe types.
//!
//! In: the path of a slide. Out: levels, properties, and the pixels of regions as 8-bit RGB over white. Source: the C interface
//! of OpenSlide 3.4 and 4 (`openslide.h`), which has not changed since 2012. The library is LGPL-2.1 and stays a library of the
//! system: nothing of it is linked.
//!
//! This is the one place of the program with `unsafe`: it holds the calls and nothing else, so that it can be read whole.
//!
//! Limits: only what is asked for here; color profiles are not applied.

use std::ffi::{CStr, CString, c_char, c_void};
use std::fmt;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::{Arc, OnceLock};

/// Environment variable that names the library; otherwise it is looked for by [`NAMES`].
pub const LIBRARY_VARIABLE: &str = "SCHISTOQUANT_OPENSLIDE";

/// File names of the library: Debian's versions, then macOS and Windows.
pub const NAMES: [&str; 5] =
    ["libopenslide.so.1", "libopenslide.so.0", "libopenslide.1.dylib", "libopenslide-1.dll", "libopenslide-0.dll"];

/// Why a slide cannot be read through OpenSlide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenSlideError {
    /// The library is not there or lacks a call.
    Library(String),
    /// The file is none that it reads.
    NotASlide,
    /// OpenSlide's own words.
    Slide(String),
}

impl fmt::Display for OpenSlideError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Library(reason) => write!(f, "OpenSlide's library cannot be used: {reason}"),
            Self::NotASlide => f.write_str("OpenSlide does not know the file"),
            Self::Slide(reason) => write!(f, "OpenSlide: {reason}"),
        }
    }
}

impl std::error::Error for OpenSlideError {}

type Handle = *mut c_void;

/// The calls that are used.
struct Calls {
    detect_vendor: unsafe extern "C" fn(*const c_char) -> *const c_char,
    open: unsafe extern "C" fn(*const c_char) -> Handle,
    close: unsafe extern "C" fn(Handle),
    error: unsafe extern "C" fn(Handle) -> *const c_char,
    level_count: unsafe extern "C" fn(Handle) -> i32,
    level_dimensions: unsafe extern "C" fn(Handle, i32, *mut i64, *mut i64),
    level_downsample: unsafe extern "C" fn(Handle, i32) -> f64,
    property: unsafe extern "C" fn(Handle, *const c_char) -> *const c_char,
    read_region: unsafe extern "C" fn(Handle, *mut u32, i64, i64, i32, i64, i64),
    /// Keeps the code of the calls in memory.
    _library: libloading::Library,
}

impl Calls {
    fn load() -> Result<Self, OpenSlideError> {
        let given = std::env::var_os(LIBRARY_VARIABLE);
        let names: Vec<std::ffi::OsString> = match given {
            Some(path) => vec![path],
            None => NAMES.iter().map(Into::into).collect(),
        };
        let mut reason = String::new();
        for name in names {
            // SAFETY: loading runs the initializers of the library that the user installed or named, OpenSlide's own.
            match unsafe { libloading::Library::new(&name) } {
                Ok(library) => return Self::of(library).map_err(|error| OpenSlideError::Library(error.to_string())),
                Err(error) => reason = error.to_string(),
            }
        }
        Err(OpenSlideError::Library(reason))
    }

    fn of(library: libloading::Library) -> Result<Self, libloading::Error> {
        macro_rules! call {
            ($name:literal) => {
                // SAFETY: the type of the field is that of the call in `openslide.h`, and the library stays loaded with it.
                *unsafe { library.get($name) }?
            };
        }
        Ok(Self {
            detect_vendor: call!(b"openslide_detect_vendor\0"),
            open: call!(b"openslide_open\0"),
            close: call!(b"openslide_close\0"),
            error: call!(b"openslide_get_error\0"),
            level_count: call!(b"openslide_get_level_count\0"),
            level_dimensions: call!(b"openslide_get_level_dimensions\0"),
            level_downsample: call!(b"openslide_get_level_downsample\0"),
            property: call!(b"openslide_get_property_value\0"),
            read_region: call!(b"openslide_read_region\0"),
            _library: library,
        })
    }
}

/// The library, loaded once for the whole run.
fn calls() -> Result<Arc<Calls>, OpenSlideError> {
    static CALLS: OnceLock<Result<Arc<Calls>, OpenSlideError>> = OnceLock::new();
    CALLS.get_or_init(|| Calls::load().map(Arc::new)).clone()
}

fn c_path(path: &Path) -> Result<CString, OpenSlideError> {
    let text = path.to_str().ok_or_else(|| OpenSlideError::Slide("its path is no UTF-8".to_owned()))?;
    CString::new(text).map_err(|_| OpenSlideError::Slide("its path holds a zero".to_owned()))
}

/// The text at a pointer that OpenSlide gave; `None` for the null pointer.
///
/// # Safety
/// `text` is null or ends with a zero and stays valid for the call.
unsafe fn text_at(text: *const c_char) -> Option<String> {
    // SAFETY: promised by the caller.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}

/// OpenSlide's name for the maker of a slide; `None` where it does not know the file.
///
/// # Errors
/// [`OpenSlideError::Library`].
pub fn vendor(path: &Path) -> Result<Option<String>, OpenSlideError> {
    let (calls, path) = (calls()?, c_path(path)?);
    // SAFETY: the path ends with a zero; the answer is null or a constant of the library.
    Ok(unsafe { text_at((calls.detect_vendor)(path.as_ptr())) })
}

/// A slide that OpenSlide reads.
pub struct VendorSlide {
    calls: Arc<Calls>,
    handle: NonNull<c_void>,
}

// SAFETY: OpenSlide's documentation states that a slide may be used from any number of threads at once.
unsafe impl Send for VendorSlide {}
// SAFETY: as above; the handle is only closed when the last owner drops it.
unsafe impl Sync for VendorSlide {}

impl fmt::Debug for VendorSlide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VendorSlide").finish_non_exhaustive()
    }
}

impl VendorSlide {
    /// Opens a slide.
    ///
    /// # Errors
    /// [`OpenSlideError`].
    pub fn open(path: &Path) -> Result<Self, OpenSlideError> {
        let (calls, path) = (calls()?, c_path(path)?);
        // SAFETY: the path ends with a zero; the answer is null or a handle that `close` takes back.
        let handle = NonNull::new(unsafe { (calls.open)(path.as_ptr()) }).ok_or(OpenSlideError::NotASlide)?;
        let slide = Self { calls, handle };
        slide.check().map(|()| slide)
    }

    /// The error that the slide is in, if any: after one every further call fails.
    fn check(&self) -> Result<(), OpenSlideError> {
        // SAFETY: the handle is open; the answer is null or a text that lives as long as the handle.
        match unsafe { text_at((self.calls.error)(self.handle.as_ptr())) } {
            None => Ok(()),
            Some(reason) => Err(OpenSlideError::Slide(reason)),
        }
    }

    /// Width, height and downsample of each level, the finest first.
    ///
    /// # Errors
    /// [`OpenSlideError::Slide`].
    pub fn levels(&self) -> Result<Vec<(i64, i64, f64)>, OpenSlideError> {
        let handle = self.handle.as_ptr();
        // SAFETY: the handle is open; the sizes are written to two numbers that live through the call.
        let levels = unsafe {
            (0..(self.calls.level_count)(handle))
                .map(|level| {
                    let (mut width, mut height) = (0, 0);
                    (self.calls.level_dimensions)(handle, level, &mut width, &mut height);
                    (width, height, (self.calls.level_downsample)(handle, level))
                })
                .collect()
        };
        self.check().map(|()| levels)
    }

    /// A property by its name, such as `openslide.mpp-x`.
    pub fn property(&self, name: &str) -> Option<String> {
        let name = CString::new(name).ok()?;
        // SAFETY: the handle is open, the name ends with a zero; the answer is null or lives as long as the handle.
        unsafe { text_at((self.calls.property)(self.handle.as_ptr(), name.as_ptr())) }
    }

    /// Pixels of a region as RGB, what the slide leaves out in white; `x` and `y` are at full resolution, sizes in pixels of the
    /// level.
    ///
    /// # Errors
    /// [`OpenSlideError::Slide`], also where the region is larger than memory.
    pub fn region(&self, level: i32, x: i64, y: i64, width: u32, height: u32) -> Result<Vec<u8>, OpenSlideError> {
        let count = usize::try_from(u64::from(width) * u64::from(height))
            .map_err(|_| OpenSlideError::Slide("a region larger than memory".to_owned()))?;
        let mut pixels = vec![0u32; count];
        // SAFETY: the handle is open and the buffer holds width × height pixels.
        unsafe {
            let (width, height) = (i64::from(width), i64::from(height));
            (self.calls.read_region)(self.handle.as_ptr(), pixels.as_mut_ptr(), x, y, level, width, height);
        }
        self.check()?;
        // Premultiplied ARGB: what is not covered is white.
        let over_white = |pixel: u32| {
            let [blue, green, red, alpha] = pixel.to_le_bytes();
            [red, green, blue].map(|color| color.saturating_add(255 - alpha))
        };
        Ok(pixels.into_iter().flat_map(over_white).collect())
    }
}

impl Drop for VendorSlide {
    fn drop(&mut self) {
        // SAFETY: the handle is open and nobody else holds it.
        unsafe { (self.calls.close)(self.handle.as_ptr()) }
    }
}
