//! A real slide through the library; skipped aloud where the library or the slide is missing.

use std::path::{Path, PathBuf};

use schistoquant_openslide::{OpenSlideError, VendorSlide, vendor};

fn slide() -> Option<PathBuf> {
    let data = std::env::var_os("SCHISTOQUANT_DATA").map_or_else(|| "../../shared/data".into(), PathBuf::from);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(data).join("wsi/aperio-jpeg.svs");
    match vendor(&path) {
        Err(OpenSlideError::Library(reason)) => eprintln!("skipped: {reason}"),
        _ if !path.is_file() => eprintln!("skipped: no {}", path.display()),
        _ => return Some(path),
    }
    None
}

#[test]
fn a_slide_gives_levels_properties_and_pixels() {
    let Some(path) = slide() else { return };
    assert_eq!(vendor(&path), Ok(Some("aperio".to_owned())));
    let slide = VendorSlide::open(&path).expect("a good file");
    assert_eq!(slide.levels(), Ok(vec![(2220, 2967, 1.0)]));
    assert_eq!(slide.property("openslide.objective-power").as_deref(), Some("20"));
    assert_eq!(slide.property("no such property"), None);
    let region = slide.region(0, 400, 700, 300, 250).expect("readable");
    // Mean of the first channel by tifffile: 245.7531.
    let mean = region.iter().step_by(3).map(|red| f64::from(*red)).sum::<f64>() / 75_000.0;
    assert!((mean - 245.7531).abs() < 0.3, "{mean}");
}

#[test]
fn what_is_no_slide_is_refused() {
    let Some(path) = slide() else { return };
    let bad = path.with_file_name("bad-not-a-tiff.svs");
    assert_eq!(vendor(&bad), Ok(None));
    assert_eq!(VendorSlide::open(&bad).map(|_| ()), Err(OpenSlideError::NotASlide));
    assert_eq!(
        VendorSlide::open(Path::new("a\0b")).map(|_| ()),
        Err(OpenSlideError::Slide("its path holds a zero".into()))
    );
}
