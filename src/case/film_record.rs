//! How like the learned films a film is, as published, and the sentences that doubt a film aloud.
//!
//! In: a [`FilmLikeness`], the fields of a specimen. Out: a [`FilmRecord`] and sentences for the statement. A sentence says what
//! was found, what was expected and what follows for the count.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FieldRecord, rounded};
use crate::count::{FilmLikeness, FilmMeasure, Likeness, NOT_RED_CELL_SHARE};
use crate::smear::CalibrationSource;
use crate::stats::median;

/// Median red cell by a pixel size that was given or stood in the file, µm, outside of which that pixel size is doubted.
///
/// METHOD: on dried films red cells are about 7.5 µm wide, 6 in marked microcytosis and 9 in megaloblastic anemia, so that a film beyond
/// is rare and a wrong pixel size likely. A field outside of 5 to 11.25 µm is refused.
const USUAL_RED_CELL_UM: [f64; 2] = [6.0, 9.5];

/// One measure of the film against the films that the model learned from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilmMeasureRecord {
    /// Name of the figure in the quality of a field, with its unit.
    pub measure: String,
    /// Median of the accepted fields; null where none has the figure.
    pub value: Option<f64>,
    /// Lowest of the films that were learned from.
    pub learned_low: f64,
    /// Highest of the films that were learned from.
    pub learned_high: f64,
    /// Lowest at which networks were tried on films of an origin that they had not seen.
    pub tried_low: f64,
    /// Highest at which they were.
    pub tried_high: f64,
    /// Where the value lies.
    pub likeness: Likeness,
}

impl From<&FilmMeasure> for FilmMeasureRecord {
    fn from(measure: &FilmMeasure) -> Self {
        let [learned_low, learned_high] = measure.range.learned;
        let [tried_low, tried_high] = measure.range.tried;
        Self {
            measure: measure.range.measure.clone(),
            value: measure.value.map(rounded),
            learned_low,
            learned_high,
            tried_low,
            tried_high,
            likeness: measure.likeness(),
        }
    }
}

/// How like the films that the model learned from the film is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilmRecord {
    /// The worst of the measures. On a film that is `unlike` the limits of the count allow for the errors on origins that were left out of a
    /// training too; one that is `beyond` is not assessable.
    pub likeness: Likeness,
    /// Every measure that the model card states a range of.
    pub measures: Vec<FilmMeasureRecord>,
}

impl From<&FilmLikeness> for FilmRecord {
    fn from(film: &FilmLikeness) -> Self {
        Self { likeness: film.worst(), measures: film.measures.iter().map(FilmMeasureRecord::from).collect() }
    }
}

/// What is said of a film that is unlike the learned ones; nothing of others.
pub fn likeness_notice(film: &FilmLikeness) -> Option<String> {
    let follows = match film.worst() {
        Likeness::Learned | Likeness::Unknown => return None,
        Likeness::Unlike => "The limits allow for it.",
        Likeness::Beyond => "No film as far off was ever tried, so the count is not assessable.",
    };
    let outside: Vec<String> = film
        .outside()
        .map(|measure| {
            let [low, high] = measure.range.learned;
            let value = measure.value.unwrap_or(f64::NAN);
            format!("{} is {value:.2}, learned {low:.2} to {high:.2}", measure_words(&measure.range.measure))
        })
        .collect();
    Some(format!("The film is unlike those that the model learned from: {}. {follows}", outside.join("; ")))
}

/// A measure in words, with its name in the record.
fn measure_words(measure: &str) -> String {
    let words = match measure {
        "stain_density" => "density of the stain",
        "stain_red_ratio" => "red over green of the stain",
        "stain_blue_ratio" => "blue over green of the stain",
        "focus_per_um" => "sharpness",
        NOT_RED_CELL_SHARE => "share of cells taken for no red cell",
        other => return other.to_owned(),
    };
    format!("{words} (`{measure}`)")
}

/// What is said where the pixel size that was given or stood in the files makes red cells of an unusual size.
pub fn scale_notice(fields: &[FieldRecord]) -> Option<String> {
    let of = |field: &FieldRecord| field.quality.iter().find(|figure| figure.name == "red_cell_um")?.value;
    let counted = fields.iter().filter(|field| field.accepted);
    let told = counted.filter(|field| field.um_per_px_source.is_some_and(CalibrationSource::is_measured));
    let mut sizes: Vec<f64> = told.filter_map(of).collect();
    let median = median::of_few(&mut sizes)?;
    let [low, high] = USUAL_RED_CELL_UM;
    (!(low..=high).contains(&median)).then(|| {
        format!(
            "By its pixel size the median red cell would be {median:.1} µm wide, usual are {low} to {high} µm: check the pixel \
             size."
        )
    })
}

/// What is said where photographs show a picture that is counted already; `repeated` of `all` do.
pub fn repeated_notice(repeated: usize, all: usize) -> Option<String> {
    match repeated {
        0 => None,
        1 => Some(format!("1 of {all} fields shows a picture that is counted already: it counts once.")),
        _ => Some(format!("{repeated} of {all} fields show a picture that is counted already: it counts once.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::count::LearnedRange;

    fn film(value: f64) -> FilmLikeness {
        let range = LearnedRange { measure: "stain_density".to_owned(), learned: [0.05, 0.3], tried: [0.04, 0.5] };
        FilmLikeness::of(&[range], |_| vec![value])
    }

    #[test]
    fn an_unlike_film_is_told_with_figure_and_range() {
        assert_eq!(likeness_notice(&film(0.3)), None);
        assert_eq!(
            likeness_notice(&film(0.4)).as_deref(),
            Some(
                "The film is unlike those that the model learned from: density of the stain (`stain_density`) is 0.40, \
                 learned 0.05 to 0.30. The limits allow for it."
            )
        );
        assert!(likeness_notice(&film(0.6)).expect("a notice").ends_with("so the count is not assessable."));
        assert_eq!(likeness_notice(&FilmLikeness::default()), None);
        let record = FilmRecord::from(&film(0.6));
        assert_eq!((record.likeness, record.measures[0].value), (Likeness::Beyond, Some(0.6)));
    }

    #[test]
    fn repeated_pictures_are_told_by_their_number() {
        assert_eq!(repeated_notice(0, 7), None);
        assert!(repeated_notice(1, 7).expect("one").starts_with("1 of 7 fields shows"));
        assert!(repeated_notice(6, 7).expect("six").starts_with("6 of 7 fields show "));
    }
}
