//! A whole job on one thread in its parts: decoding alone, everything before the classifier, inference alone, all of it.
//!
//! `cargo bench --bench whole -- --stages IMAGE...` prints one JSON object of seconds over all images, which
//! `benches/peer.sh` sets beside another pipeline's; without images two drawn fields are taken. The images are one
//! specimen, whose pixel size is estimated once and not timed.
//!
//! | key | what is timed |
//! | --- | --- |
//! | `decode_s` | reading, checksum, decoding |
//! | `front_s` | decoding, detection with its inference, outlines, quality, measures, crops: all but the classifier's graph |
//! | `detector_s`, `classifier_s` | the graphs alone, on inputs of the same shapes and number |
//! | `examine_s` | all stages of a field without reports |
//! | `whole_s` | the whole job with pictures and the reports json and csv |

// The result is what another program reads.
#![allow(clippy::print_stdout)]

#[path = "support/shipped.rs"]
mod shipped;

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use schistoquant::classify::{Classifier, CropTarget, Cropper, InterleavedRgb, Script};
use schistoquant::inference::{Engine, EngineChoice, EngineRequest, Session};
use schistoquant::pipeline::{
    AnalyzeOptions, Models, PreparedField, SpecimenScale, analyze, examine, prepare, thread_pool,
};
use schistoquant::report::{ReportFormat, ReportTarget};
use schistoquant::smear::{CellClass, ObjectKind};
use schistoquant::source::{DecodeLimits, FieldSource, expand_inputs};
use schistoquant::synth::{SynthOptions, field};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let folder = tempfile::tempdir().expect("a folder");
    let images: Vec<PathBuf> = match arguments.split_first() {
        Some((stages, images)) if stages == "--stages" => images.iter().map(PathBuf::from).collect(),
        _ => (0..2)
            .map(|index| {
                let path = folder.path().join(format!("{index}.jpg"));
                let field = field(&SynthOptions::default(), 3, index).expect("a field");
                field.rgb.save(&path).expect("written");
                path
            })
            .collect(),
    };
    let (sources, failed) = expand_inputs(&images, DecodeLimits::default());
    assert!(failed.is_empty() && !sources.is_empty(), "{failed:?}");
    let pool = thread_pool(Some(1)).expect("a thread");
    let parts = pool.install(|| parts(&sources));
    let models = shipped::shipped();
    let whole = whole(&images, &models, &pool, folder.path());
    let seconds = parts.into_iter().chain([("whole_s", whole)]).map(|(name, time)| (name, time.as_secs_f64().into()));
    println!("{}", serde_json::Value::Object(seconds.map(|(name, value)| (name.to_owned(), value)).collect()));
}

fn parts(sources: &[FieldSource]) -> Vec<(&'static str, Duration)> {
    let models = shipped::shipped();
    let scale = SpecimenScale::of_specimen(sources, None, &models.segmenter).expect("the detector runs");
    let card = models.classifier.card();
    let scripted = Models {
        segmenter: shipped::shipped().segmenter,
        classifier: Classifier::scripted(card.clone(), Script::always(CellClass::Normal)),
    };
    // Once before the clock runs: sessions are opened and files are in the cache.
    let mut batches = 0;
    let mut sides = Vec::new();
    let mut all_prepared = Vec::new();
    for source in sources {
        let field = source.read().expect("an image");
        examine(&field, &scale, &models).expect("the models run");
        examine(&field, &scale, &scripted).expect("the detector runs");
        let prepared = prepare(&field, &scale, &models.segmenter).expect("a field with cells");
        let red = prepared.segmentation.objects.iter().filter(|object| object.kind == ObjectKind::RedCell).count();
        batches += red.div_ceil(card.batch());
        all_prepared.push(prepared);
        let prepared = &all_prepared[all_prepared.len() - 1];
        sides.push(window(prepared, models.segmenter.detector().card().um_per_px));
    }
    let decode = timed(|| sources.iter().for_each(|source| drop(source.read().expect("an image"))));
    let front = timed(|| {
        for source in sources {
            examine(&source.read().expect("an image"), &scale, &scripted).expect("the detector runs");
        }
    });
    // A scripted classifier asks for no crops: they are made here.
    let cropped = timed(|| {
        for prepared in &all_prepared {
            crops(prepared, &models);
        }
    });
    let all = timed(|| {
        for source in sources {
            examine(&source.read().expect("an image"), &scale, &models).expect("the models run");
        }
    });
    let (detector, classifier) = inference(&sides, batches, card.batch(), card.crop_side_px());
    vec![
        ("decode_s", decode),
        ("front_s", front + cropped),
        ("detector_s", detector),
        ("classifier_s", classifier),
        ("examine_s", all),
    ]
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// Width and height of the detector's input for a field that fits into one window: its sides are multiples of 16 px.
fn window(prepared: &PreparedField, um_per_px: f64) -> [usize; 2] {
    let rgb = &prepared.normalized.rgb;
    let side = |px: u32| (f64::from(px) * prepared.normalized.um_per_px / um_per_px).round() as usize;
    [rgb.width(), rgb.height()].map(|px| side(px).next_multiple_of(16))
}

fn crops(prepared: &PreparedField, models: &Models) {
    let card = models.classifier.card();
    let (side, normalized) = (card.crop_side_px(), &prepared.normalized);
    let labels = &prepared.segmentation.labels;
    let cropper = Cropper::new(normalized, labels, side, card.um_per_px, card.neighbor_dimming);
    let mut bytes = vec![0; side * side * 3];
    for (index, object) in prepared.segmentation.objects.iter().enumerate() {
        if object.kind == ObjectKind::RedCell {
            let target = CropTarget::new(index as u32 + 1, &object.contour, normalized);
            cropper.crop(&target, &mut InterleavedRgb::new(&mut bytes, side));
        }
    }
}

/// Time of the graphs alone.
fn inference(sides: &[[usize; 2]], batches: usize, batch: usize, crop: usize) -> (Duration, Duration) {
    let library = std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()).map(Into::into);
    let engine = Engine::start(&EngineRequest { choice: EngineChoice::Auto, library }).expect("an engine");
    let read =
        |name: &str| std::fs::read(format!("{}/models/{name}.onnx", env!("CARGO_MANIFEST_DIR"))).expect("a model");
    let open = |name: &str| Session::open(&engine, read(name).into()).expect("a session");
    let detector = open("schistoquant-cells");
    let mut time = Duration::ZERO;
    for &[width, height] in sides {
        let shape = [1, 3, height, width];
        // The first run of a size allocates.
        run(&detector, shape);
        time += timed(|| run(&detector, shape));
    }
    let classifier = open("schistoquant-rbc13");
    let shape = [batch, 3, crop, crop];
    run(&classifier, shape);
    (time, timed(|| (0..batches).for_each(|_| run(&classifier, shape))))
}

fn run(session: &Session, shape: [usize; 4]) {
    let values: Vec<f32> = (0..shape.iter().product::<usize>()).map(|index| (index % 17) as f32 / 8.5 - 1.0).collect();
    let outputs: Vec<&str> = session.outputs().iter().map(|outlet| outlet.name.as_str()).collect();
    session.run(&shape, &values, &outputs).expect("a run");
}

fn whole(images: &[PathBuf], models: &Models, pool: &rayon::ThreadPool, folder: &std::path::Path) -> Duration {
    let (sources, _) = expand_inputs(images, DecodeLimits::default());
    let scale =
        pool.install(|| SpecimenScale::of_specimen(&sources, None, &models.segmenter)).expect("the detector runs");
    let field = sources[0].read().expect("an image");
    let um_per_px = scale.of_field(&field, &models.segmenter).expect("the detector runs").map(|found| found.um_per_px);
    let options = AnalyzeOptions { um_per_px, ..AnalyzeOptions::default() };
    let stop = AtomicBool::new(false);
    let once = || {
        let case = analyze(images, &options, models, pool, &(), &stop).expect("a case");
        let target = ReportTarget::prepare(&folder.join("out"), &[ReportFormat::Json, ReportFormat::Csv]);
        target.and_then(|target| target.write(&case)).expect("reports");
    };
    once();
    timed(once)
}
