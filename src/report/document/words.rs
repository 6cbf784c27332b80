//! What the reports say in words: state, intervals, floor, context, classes, age group, reasons of exclusion, times.
//!
//! In: values of the record. Out: short English phrases, the same in every report. Nothing is judged here: a phrase names
//! what the record holds.

use std::collections::BTreeMap;

use super::values::{UNKNOWN, count, counted, interval, percent};
use crate::case::{
    CaseRecord, ClassFinding, Context, CountRecord, DecidingLimit, FloorSource, IntervalName, PercentInterval, State,
};
use crate::count::Likeness;
use crate::smear::{AgeGroup, ExclusionReason};
use crate::stats::proportion;

/// Review status of every report until a person signs.
pub(crate) const REVIEW_STATUS: &str = "Preliminary, not reviewed";

/// A state in words: the same ones in every report.
pub fn state_words(state: State) -> &'static str {
    match state {
        State::Above => "Above the reference limit",
        State::NotAbove => "Not above the reference limit",
        State::Indeterminate => "Indeterminate: not placed against the limit",
        State::Insufficient => "Insufficient: too few red cells",
        State::NotAssessable => "Not assessable",
    }
}

/// The caution of ICSH that stands beside a state; nothing where there is no need for it.
pub(crate) fn caution_words(context: Option<Context>) -> Option<&'static str> {
    (context == Some(Context::MixedPoikilocytosis))
        .then_some("Other abnormal shapes outnumber schistocytes: percentage not specific")
}

/// What an interval is called as a heading, and inside a sentence.
fn interval_names(name: IntervalName) -> (&'static str, &'static str) {
    match name {
        IntervalName::Wilson => ("Wilson", "Wilson"),
        IntervalName::FieldBootstrap => ("Bootstrap over fields", "bootstrap over fields"),
        IntervalName::Sequential => ("Over all looks (stop rule)", "stop rule"),
        IntervalName::Repeatability => ("Other pictures of the film", "other pictures of the film"),
        IntervalName::Corrected => ("Corrected for model errors", "corrected for model errors"),
        IntervalName::Reviewed => ("With what was not read", "with what was not read"),
    }
}

/// Name of an interval.
pub(crate) fn interval_name(name: IntervalName) -> &'static str {
    interval_names(name).0
}

/// The field of the count that holds an interval; tables name their columns by it.
pub(crate) fn interval_field(name: IntervalName) -> String {
    match name {
        IntervalName::Corrected => name.name().to_owned(),
        _ => format!("{}_95", name.name()),
    }
}

/// Whether an interval is that of the count's own design: shown as unknown where the count has none.
pub(crate) fn is_always_shown(name: IntervalName) -> bool {
    !matches!(name, IntervalName::Sequential | IntervalName::Repeatability | IntervalName::Reviewed)
}

/// Which intervals the state needs on one side of the limit.
pub(crate) fn state_needs(count: &CountRecord) -> &'static str {
    if count.is_reviewed() {
        return "The state needs the interval with what was not read on one side.";
    }
    let called = count.intervals().into_iter().filter(|one| one.name != IntervalName::Corrected);
    match called.filter(|one| one.limits.is_some()).count() {
        4.. => "The state needs all intervals on one side, and the one corrected for model errors with them.",
        3 => "The state needs all three intervals on one side, and the one corrected for model errors with them.",
        2 => "The state needs both intervals on one side, and the one corrected for model errors with them.",
        _ => "The state needs the interval on one side, and the one corrected for model errors with it.",
    }
}

/// The limits that placed the count and the intervals that they are of; nothing without a red cell.
pub(crate) fn deciding_words(count: &CountRecord) -> Option<String> {
    let deciding = count.deciding.as_ref()?;
    let from = |limit: &DecidingLimit| {
        let allowed = match limit.interval {
            IntervalName::Corrected | IntervalName::Reviewed => "",
            _ => ", model errors allowed for",
        };
        format!("{} ({}{allowed})", percent(limit.percent), interval_names(limit.interval).1)
    };
    let low = deciding.low.as_ref().map_or_else(|| "not known, as the model's false calls are not".to_owned(), from);
    let unknown_high = match count.is_reviewed() {
        true => "not known, as what lies below the threshold of review is not",
        false => "not known, as the model's sensitivity is not",
    };
    let high = deciding.high.as_ref().map_or_else(|| unknown_high.to_owned(), from);
    Some(format!("at least {low}; at most {high}"))
}

/// The corrected value as every report gives it, or why it is not given; nothing where no correction was made.
///
/// METHOD: an estimate of 0 behind called cells is a negative one: fewer were called than false calls predict. It does not
/// say that there are none, so that only its interval is given.
pub(crate) fn corrected_value(count: &CountRecord) -> Option<Result<f64, &'static str>> {
    Some(match count.corrected?.percent {
        None => Err("Not given: more cells were called than the model's sensitivity allows."),
        Some(percent) if percent <= 0.0 && count.schistocytes > 0 => {
            Err("Not given: so few cells were called that all may be false calls.")
        }
        Some(percent) => Ok(percent),
    })
}

/// The same in words.
pub(crate) fn corrected_words(count: &CountRecord) -> String {
    match corrected_value(count) {
        None => UNKNOWN.to_owned(),
        Some(Ok(value)) => percent(value),
        Some(Err(why)) => why.to_owned(),
    }
}

/// What the model misses, in one sentence under the result; nothing without a count.
pub(crate) fn missed_words(record: &CaseRecord) -> Option<String> {
    if record.count.red_cells == 0 {
        return None;
    }
    let model = &record.provenance.model;
    if record.count.is_reviewed() {
        return Some(shown_words(model.review_sensitivity, model.review_sensitivity_cells));
    }
    let Some(sensitivity) = model.sensitivity else {
        return Some("What share of schistocytes the model misses is not stated in its card.".to_owned());
    };
    let share = percent(100.0 * (1.0 - sensitivity));
    let behind = model.sensitivity_cells.and_then(|cells| {
        let missed = ((1.0 - sensitivity) * cells as f64).round() as u64;
        Some((missed, cells, proportion::wilson(missed, cells)?))
    });
    Some(match behind {
        Some((missed, cells, limits)) => format!(
            "The model missed {} of {} labeled schistocytes ({share}; 95\u{a0}% CI {}).",
            count(missed),
            count(cells),
            interval(PercentInterval { low: 100.0 * limits.low(), high: 100.0 * limits.high() })
        ),
        None => format!("The model misses {share} of schistocytes; of how many cells, its card does not say."),
    })
}

/// What share of schistocytes a reader is shown.
fn shown_words(sensitivity: Option<f64>, cells: Option<u64>) -> String {
    let Some(share) = sensitivity else {
        return "What share of schistocytes reaches the threshold of review is not stated in the model's card."
            .to_owned();
    };
    let behind = cells.map(|cells| format!(" of {} labeled schistocytes", count(cells)));
    let behind = behind.unwrap_or_else(|| " of schistocytes".to_owned());
    format!(
        "{}{behind} reach the threshold of review, from which cells are shown to the reader.",
        percent(100.0 * share)
    )
}

/// Other abnormal shapes of the film; nothing where it shows none and the model could have told.
pub(crate) fn other_shapes_words(count: &CountRecord) -> Option<String> {
    match (count.other_abnormal_percent, count.context) {
        (Some(other), _) => Some(percent(other)),
        (None, Some(Context::NotAssessed)) => Some("not assessed by this model".to_owned()),
        (None, _) => None,
    }
}

/// What a class says of the film, in short.
pub(crate) fn finding_words(finding: ClassFinding) -> &'static str {
    match finding {
        ClassFinding::Present => "present",
        ClassFinding::WithinModelError => "within the model's error",
        ClassFinding::NotAssessed => "not assessed",
        ClassFinding::PixelSizeUnknown => "not given: pixel size not known",
    }
}

/// What the floor is and on how many cells it rests.
pub(crate) fn floor_words(record: &CaseRecord) -> Option<String> {
    let model = &record.provenance.model;
    let behind = |cells: u64| format!(" ({})", counted(cells, "cell"));
    let unlike = record.film.as_ref().is_some_and(|film| film.likeness >= Likeness::Unlike);
    Some(match record.count.false_positive_floor_source? {
        FloorSource::HealthyFilms if unlike => {
            "called schistocyte in healthy people of the origin that suits the model least".to_owned()
        }
        FloorSource::HealthyFilms => format!(
            "called schistocyte in healthy people{}",
            model.healthy_share.as_ref().map(|share| behind(share.cells)).unwrap_or_default()
        ),
        FloorSource::Specificity => {
            format!("1 − specificity{}", model.specificity_cells.map(behind).unwrap_or_default())
        }
    })
}

/// What the other shapes of the film say of the percentage.
pub(crate) fn context_words(context: Context, is_reviewed: bool) -> &'static str {
    match context {
        // A reviewed count has no floor: its lower limit is 0.
        Context::WithinModelError if is_reviewed => "too few schistocytes read to compare shapes",
        Context::SchistocytesPredominate => "schistocytes predominate",
        Context::MixedPoikilocytosis => "outnumber schistocytes",
        Context::WithinModelError => "schistocytes within the model's error",
        Context::NotAssessed => "whether schistocytes predominate is not known",
        Context::NoSchistocytes => "no schistocyte counted",
    }
}

/// Age group that chose the limit.
pub(crate) fn age_words(age_group: AgeGroup) -> &'static str {
    match age_group {
        AgeGroup::Adult => "adult",
        AgeGroup::TermNeonate => "newborn at term",
        AgeGroup::PretermNeonate => "preterm newborn",
    }
}

/// Reasons in the order of [`ExclusionReason::ALL`].
pub(crate) fn in_report_order(exclusions: &BTreeMap<ExclusionReason, u64>) -> Vec<(ExclusionReason, u64)> {
    ExclusionReason::ALL.into_iter().filter_map(|reason| Some((reason, *exclusions.get(&reason)?))).collect()
}

/// Name of a measure of quality with the signs of its units.
pub(crate) fn measure_words(name: &str) -> String {
    let words = name.split('_').map(|word| match word {
        "percent" => "%",
        "um" => "µm",
        "um2" => "µm²",
        other => other,
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A time as people read it: date, time, offset with spaces between them; whole minutes without their seconds,
/// and no parts of a second.
pub(crate) fn time_words(time: &str) -> String {
    let Some((date, rest)) = time.split_once('T') else { return time.to_owned() };
    let (clock, offset) = rest.find(['+', '-', 'Z']).map_or((rest, ""), |at| rest.split_at(at));
    let clock = clock.split_once('.').map_or(clock, |(seconds, _)| seconds);
    let clock = match clock.strip_suffix(":00") {
        Some(minutes) if minutes.contains(':') => minutes,
        _ => clock,
    };
    [date, clock, offset].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Names in one line, or the word for none of them.
pub(crate) fn listed_or(names: &[String], none: &str) -> String {
    if names.is_empty() { none.to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_follow_the_order_of_the_reports() {
        let counts = BTreeMap::from([(ExclusionReason::Debris, 1), (ExclusionReason::FrameEdge, 2)]);
        assert_eq!(in_report_order(&counts), [(ExclusionReason::FrameEdge, 2), (ExclusionReason::Debris, 1)]);
    }

    #[test]
    fn states_and_intervals_have_words_of_their_own() {
        let states = [State::Above, State::NotAbove, State::Indeterminate, State::Insufficient, State::NotAssessable];
        let mut words: Vec<_> =
            states.map(state_words).into_iter().chain(IntervalName::ALL.map(interval_name)).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), 11);
    }

    #[test]
    fn times_are_spaced() {
        let words = ["2025-01-02", "2025-01-02T08:00", "2025-01-02T08:30:00+01:00", "2025-01-02T08:30:07.9Z"];
        let expected = ["2025-01-02", "2025-01-02 08:00", "2025-01-02 08:30 +01:00", "2025-01-02 08:30:07 Z"];
        assert_eq!(words.map(time_words), expected);
    }

    #[test]
    fn names_of_measures_show_their_units() {
        assert_eq!(measure_words("clipped_share_percent"), "clipped share %");
        assert_eq!(measure_words("red_cells_per_10000_um2"), "red cells per 10000 µm²");
    }
}
