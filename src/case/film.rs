//! What a case says of its film: the classes that it shows, how like the learned films it is, and the sentences that warn of
//! it.
//!
//! In: [`ClassShare`]s, a [`FilmLikeness`], the fields of a specimen. Out: [`ClassRecord`]s with percent in place of
//! fractions, a [`FilmRecord`], and sentences for the statement. A sentence says what was found, what was expected and what
//! follows for the count. A size class has no number where the pixel size is not known; its finding gives the reason.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::count_record::{PercentInterval, percent, rounded};
use super::field::FieldRecord;
use super::statement::grouped;
use crate::count::{ClassFinding, ClassShare, FilmLikeness, FilmMeasure, Likeness, NOT_RED_CELL_SHARE};
use crate::quality::MAX_UNRECOGNIZED_SHARE;
use crate::smear::{CalibrationSource, CellClass, ExclusionReason};
use crate::stats::median;

/// Median red cell by a pixel size that was given or stood in the file, µm, outside of which that pixel size is doubted.
///
/// METHOD: on dried films red cells are about 7.5 µm wide, 6 in marked microcytosis and 9 in megaloblastic anemia, so that a film beyond
/// is rare and a wrong pixel size likely. A field outside of 5 to 11.25 µm is refused.
const USUAL_RED_CELL_UM: [f64; 2] = [6.0, 9.5];

/// The called cells of a class.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassRecord {
    /// The class.
    pub class: CellClass,
    /// Counted red cells called so; null for a class of size where the pixel size is not known.
    pub cells: Option<u64>,
    /// 100 × cells / red cells; null as the cells are, and without a red cell.
    pub percent: Option<f64>,
    /// Wilson score interval of the percentage, 95 %.
    pub wilson_95: Option<PercentInterval>,
    /// Share called so in healthy films, %; null where the card states none.
    pub floor_percent: Option<f64>,
    /// 95 % interval of the floor.
    pub floor_95: Option<PercentInterval>,
    /// Whether the film shows the class; null without a red cell and for normal, uncategorised and schistocyte.
    pub finding: Option<ClassFinding>,
}

impl ClassRecord {
    /// Of a class of a film with `red_cells` counted cells.
    pub fn of(share: &ClassShare, red_cells: u64) -> Self {
        let given = share.finding != Some(ClassFinding::PixelSizeUnknown);
        Self {
            class: share.class,
            cells: given.then_some(share.cells),
            percent: (given && red_cells > 0).then(|| percent(share.cells as f64 / red_cells as f64)),
            wilson_95: share.interval.filter(|_| given).as_ref().map(PercentInterval::from),
            floor_percent: share.floor.map(|floor| percent(floor.share.value())),
            floor_95: share.floor.map(|floor| PercentInterval::from(&floor.interval)),
            finding: share.finding,
        }
    }
}

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
        .filter_map(|measure| {
            let [low, high] = measure.range.learned;
            let value = measure.value?;
            Some(format!("{} is {value:.2}, learned {low:.2} to {high:.2}", measure_words(&measure.range.measure)))
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

/// Whether the size of a pixel was measured in every field of the count.
pub fn pixel_size_known(fields: &[FieldRecord]) -> bool {
    let counted = || fields.iter().filter(|field| field.accepted && field.red_cells > 0);
    counted().all(|field| field.um_per_px_source.is_some_and(CalibrationSource::is_measured))
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

/// What is said of a film most of whose objects were not recognized; `red_cells` are the counted ones.
///
/// METHOD: further photographs of the same kind bring more of these objects and no red cells, so that a reader who is asked
/// for more fields photographs in vain.
pub fn recognition_notice(red_cells: u64, exclusions: &BTreeMap<ExclusionReason, u64>) -> Option<String> {
    let of = |reason: ExclusionReason| exclusions.get(&reason).copied().unwrap_or(0);
    let unrecognized = || ExclusionReason::ALL.into_iter().filter(|reason| reason.is_unrecognized());
    let recognized = red_cells
        + of(ExclusionReason::FieldRefused)
        + of(ExclusionReason::UnsplittableClump)
        + of(ExclusionReason::TooLarge);
    let all: u64 = unrecognized().map(of).sum();
    if all as f64 <= MAX_UNRECOGNIZED_SHARE * (all + recognized) as f64 {
        return None;
    }
    let reason = unrecognized().max_by_key(|reason| of(*reason))?;
    let taken_for = match reason {
        ExclusionReason::WhiteCell => "white cells",
        ExclusionReason::Marking => "marks on the picture",
        ExclusionReason::Precipitate => "precipitate",
        _ => "something else than red cells",
    };
    Some(format!(
        "{} objects were taken for {taken_for}: stain or light not recognized. More photographs will not help.",
        grouped(of(reason))
    ))
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
    use crate::count::{ClassFloors, FieldTally, LearnedRange};
    use ExclusionReason::{Debris, NotRedCell, Platelet, WhiteCell};

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

    fn notice(red_cells: u64, exclusions: &[(ExclusionReason, u64)]) -> Option<String> {
        recognition_notice(red_cells, &exclusions.iter().copied().collect())
    }

    #[test]
    fn most_objects_taken_for_white_cells_are_named_with_their_number() {
        let text = notice(96, &[(WhiteCell, 1274), (NotRedCell, 12), (Platelet, 400)]);
        assert_eq!(
            text.as_deref(),
            Some(
                "1,274 objects were taken for white cells: stain or light not recognized. More photographs will not help."
            )
        );
    }

    #[test]
    fn half_of_the_objects_is_not_most_and_platelets_are_no_objects() {
        assert_eq!(notice(50, &[(WhiteCell, 30), (NotRedCell, 20), (Platelet, 500), (Debris, 90)]), None);
        assert!(notice(50, &[(WhiteCell, 20), (NotRedCell, 31)]).expect("most").starts_with("31 objects"));
        assert_eq!(notice(0, &[]), None);
    }

    #[test]
    fn a_class_of_size_has_no_number_where_the_pixel_size_is_not_known() {
        let of = std::iter::repeat_n;
        let tally: FieldTally = of(CellClass::Normal, 968).chain(of(CellClass::Macrocyte, 32)).collect();
        let record = |known| {
            let shares = ClassShare::all(&tally, &ClassFloors::default(), known);
            ClassRecord::of(&shares[CellClass::Macrocyte.index()], 1000)
        };
        let (known, unknown) = (record(true), record(false));
        assert_eq!((known.cells, known.percent), (Some(32), Some(3.2)));
        assert_eq!(known.finding, Some(ClassFinding::NotAssessed));
        assert_eq!((unknown.cells, unknown.percent, unknown.wilson_95), (None, None, None));
        assert_eq!(unknown.finding, Some(ClassFinding::PixelSizeUnknown));
    }
}
