//! The rules that name the form of a schistocyte, on drawn fragments of known form.
//!
//! Drawn forms are pure ones: this says how the rules keep them apart, not how they do on real films.

use schistoquant::measure::{form, measure};
use schistoquant::smear::{Contour, NormalizedField, SchistocyteForm};
use schistoquant::synth::{SynthOptions, field};

/// Least share of the drawn cells of each form that the rules name so. Measured: triangle 109 of 110, crescent 108 of 109,
/// helmet 119 of 139 (others read as crescents), keratocyte 50 of 50, microspherocyte 22 of 22.
const LEAST_SHARE: [(SchistocyteForm, f64); 5] = [
    (SchistocyteForm::Triangle, 0.95),
    (SchistocyteForm::Crescent, 0.90),
    (SchistocyteForm::Helmet, 0.75),
    (SchistocyteForm::Keratocyte, 0.95),
    (SchistocyteForm::Microspherocyte, 0.90),
];

/// True form, and the form by rule, of every drawn schistocyte that lies whole inside its field.
fn drawn() -> Vec<(SchistocyteForm, Option<SchistocyteForm>)> {
    let options = SynthOptions { schistocyte_fraction: 0.5, ..SynthOptions::default() };
    let mut pairs = Vec::new();
    for index in 0..12 {
        let drawn = field(&options, 77, index).expect("a field");
        let um_per_px = drawn.truth.um_per_px.expect("drawn at a known size");
        let (width, height) = (f64::from(drawn.truth.width_px), f64::from(drawn.truth.height_px));
        let normalized = NormalizedField { rgb: drawn.rgb, um_per_px, original_px_per_px: 1.0, lit: None };
        for cell in &drawn.truth.cells {
            let Some(truth) = cell.form else { continue };
            let contour = Contour::new(cell.contour.clone().expect("an outline")).expect("three points");
            let bounds = contour.bounds();
            let whole =
                bounds.x_min > 1.0 && bounds.y_min > 1.0 && bounds.x_max < width - 1.0 && bounds.y_max < height - 1.0;
            if whole {
                pairs.push((truth, form(&contour, &measure(&contour, um_per_px, &normalized))));
            }
        }
    }
    pairs
}

#[test]
fn each_drawn_form_is_named() {
    let pairs = drawn();
    for (form, least) in LEAST_SHARE {
        let of_form: Vec<_> = pairs.iter().filter(|(truth, _)| *truth == form).collect();
        let named = of_form.iter().filter(|(_, found)| *found == Some(form)).count();
        assert!(of_form.len() >= 20, "{form:?}: {} drawn", of_form.len());
        let share = named as f64 / of_form.len() as f64;
        assert!(share >= least, "{form:?}: {named} of {}", of_form.len());
    }
}
