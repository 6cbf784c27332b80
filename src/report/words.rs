//! What the reports say in words: state, intervals, floor, context, classes, age group, reasons of exclusion.
//!
//! In: values of the record. Out: short English phrases, the same in every report. Nothing is judged here: a phrase names
//! what the record holds.

use std::collections::BTreeMap;

use super::figures::{UNKNOWN, count, counted, interval, percent, probability};
use crate::case::{
    CaseRecord, ClassFinding, ClassHealthyShare, ClassRecord, Context, CountRecord, DecidingLimit, FloorSource,
    FormsRecord, HealthyShare, IntervalName, PercentInterval, ShareRecord, State,
};
use crate::count::{FORMS_MEASURED, Likeness};
use crate::smear::{AgeGroup, ExclusionReason};
use crate::stats::proportion;

/// Review status of every report that this program makes; only a person can change it, elsewhere.
pub(super) const REVIEW_STATUS: &str = "Preliminary, not reviewed";

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
pub(super) fn caution_words(context: Option<Context>) -> Option<&'static str> {
    (context == Some(Context::MixedPoikilocytosis))
        .then_some("Other abnormal shapes outnumber schistocytes: percentage not specific")
}

/// Name of an interval.
pub(super) fn interval_name(name: IntervalName) -> &'static str {
    match name {
        IntervalName::Wilson => "Wilson",
        IntervalName::FieldBootstrap => "Bootstrap over fields",
        IntervalName::Sequential => "Over all looks (stop rule)",
        IntervalName::Repeatability => "Other pictures of the film",
        IntervalName::Corrected => "Corrected for model errors",
    }
}

/// Whether an interval is that of the count's own design: shown as unknown where the count has none.
pub(super) fn is_always_shown(name: IntervalName) -> bool {
    !matches!(name, IntervalName::Sequential | IntervalName::Repeatability)
}

/// Which intervals the state needs on one side of the limit.
pub(super) fn state_needs(count: &CountRecord) -> &'static str {
    let called = count.intervals().into_iter().filter(|one| one.name != IntervalName::Corrected);
    match called.filter(|one| one.limits.is_some()).count() {
        4.. => "The state needs all intervals on one side, and the one corrected for model errors with them.",
        3 => "The state needs all three intervals on one side, and the one corrected for model errors with them.",
        2 => "The state needs both intervals on one side, and the one corrected for model errors with them.",
        _ => "The state needs the interval on one side, and the one corrected for model errors with it.",
    }
}

/// The limits that placed the count and the intervals that they are of; nothing without a red cell.
pub(super) fn deciding_words(count: &CountRecord) -> Option<String> {
    let deciding = count.deciding.as_ref()?;
    let from = |limit: &DecidingLimit| format!("{} ({})", percent(limit.percent), deciding_name(limit.interval));
    let low = deciding.low.as_ref().map_or_else(|| "not known, as the model's false calls are not".to_owned(), from);
    let high = deciding.high.as_ref().map_or_else(|| "not known, as the model's sensitivity is not".to_owned(), from);
    Some(format!("at least {low}; at most {high}"))
}

fn deciding_name(name: IntervalName) -> &'static str {
    match name {
        IntervalName::Wilson => "Wilson, model errors allowed for",
        IntervalName::FieldBootstrap => "bootstrap over fields, model errors allowed for",
        IntervalName::Sequential => "stop rule, model errors allowed for",
        IntervalName::Repeatability => "other pictures of the film, model errors allowed for",
        IntervalName::Corrected => "corrected for model errors",
    }
}

/// The corrected value as every report gives it, or why it is not given; nothing where no correction was made.
///
/// METHOD: an estimate of 0 behind called cells is a negative one: fewer were called than false calls predict. It does not
/// say that there are none, so that only its interval is given.
pub(super) fn corrected_value(count: &CountRecord) -> Option<Result<f64, &'static str>> {
    Some(match count.corrected?.percent {
        None => Err("Not given: more cells were called than the model's sensitivity allows."),
        Some(percent) if percent <= 0.0 && count.schistocytes > 0 => {
            Err("Not given: so few cells were called that all may be false calls.")
        }
        Some(percent) => Ok(percent),
    })
}

/// The same in words.
pub(super) fn corrected_words(count: &CountRecord) -> String {
    match corrected_value(count) {
        None => UNKNOWN.to_owned(),
        Some(Ok(value)) => percent(value),
        Some(Err(why)) => why.to_owned(),
    }
}

/// What the model misses, in one sentence under the result; nothing without a count.
pub(super) fn missed_words(record: &CaseRecord) -> Option<String> {
    if record.count.red_cells == 0 {
        return None;
    }
    let model = &record.provenance.model;
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

/// What the near misses are, how many there are and how many of them are shown.
pub(super) fn near_misses_words(record: &CaseRecord, all: usize, shown: usize) -> String {
    let model = &record.provenance.model;
    let Some(review) = model.review_operating_point else {
        return "The card of the model states no threshold for review: which cells it nearly called is not known."
            .to_owned();
    };
    let range = format!("probability from {} up to {}", probability(review), probability(model.operating_point));
    let left_out = match all - shown {
        0 => String::new(),
        rest => format!(" The {} likeliest are shown, {} more are left out.", count(shown as u64), count(rest as u64)),
    };
    match all {
        0 => format!("No counted cell was nearly called a schistocyte ({range})."),
        _ => format!(
            "{} counted as another class and nearly called a schistocyte ({range}), by falling probability.{left_out}",
            counted(all as u64, "cell")
        ),
    }
}

/// Other abnormal shapes of the film; nothing where it shows none and the model could have told.
pub(super) fn other_shapes_words(count: &CountRecord) -> Option<String> {
    match (count.other_abnormal_percent, count.context) {
        (Some(other), _) => Some(percent(other)),
        (None, Some(Context::NotAssessed)) => Some("not assessed by this model".to_owned()),
        (None, _) => None,
    }
}

/// What a class says of the film, in short.
pub(super) fn finding_words(finding: ClassFinding) -> &'static str {
    match finding {
        ClassFinding::Present => "present",
        ClassFinding::WithinModelError => "within the model's error",
        ClassFinding::NotAssessed => "not assessed",
        ClassFinding::PixelSizeUnknown => "not given: pixel size not known",
    }
}

/// The percentage of a class that a report for people prints: of what is no finding, and of classes that the film shows.
///
/// METHOD: a share within the model's error reads like a finding as soon as it is printed as one.
pub(super) fn shown_percent(class: &ClassRecord) -> Option<f64> {
    class.percent.filter(|_| matches!(class.finding, None | Some(ClassFinding::Present)))
}

/// What the table of classes needs said; nothing where every shape was assessed.
pub(super) fn classes_note(classes: &[ClassRecord]) -> Option<&'static str> {
    let mut shapes = classes.iter().filter(|record| record.class.is_other_abnormal_shape());
    shapes.any(|record| record.finding == Some(ClassFinding::NotAssessed)).then_some(
        "Shapes marked so are not assessed by this model: how many it calls in healthy films was not measured.",
    )
}

/// What the floor is and on how many cells it rests.
pub(super) fn floor_words(record: &CaseRecord) -> Option<String> {
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
pub(super) fn context_words(context: Context) -> &'static str {
    match context {
        Context::SchistocytesPredominate => "schistocytes predominate",
        Context::MixedPoikilocytosis => "outnumber schistocytes",
        Context::WithinModelError => "schistocytes within the model's error",
        Context::NotAssessed => "whether schistocytes predominate is not known",
        Context::NoSchistocytes => "no schistocyte counted",
    }
}

/// Age group that chose the limit.
pub(super) fn age_words(age_group: AgeGroup) -> &'static str {
    match age_group {
        AgeGroup::Adult => "adult",
        AgeGroup::TermNeonate => "newborn at term",
        AgeGroup::PretermNeonate => "preterm newborn",
    }
}

/// Reasons in the order of [`ExclusionReason::ALL`].
pub(super) fn in_report_order(exclusions: &BTreeMap<ExclusionReason, u64>) -> Vec<(&'static str, u64)> {
    ExclusionReason::ALL.into_iter().filter_map(|reason| Some((reason.name(), *exclusions.get(&reason)?))).collect()
}

/// A reason in words; its name where it is none of this program.
pub fn reason_words(name: &str) -> &str {
    ExclusionReason::ALL.into_iter().find(|reason| reason.name() == name).map_or(name, |reason| reason.describe())
}

/// An error rate and the cells behind it.
pub(super) fn rate_words(rate: Option<f64>, cells: Option<u64>) -> String {
    match (rate, cells) {
        (Some(rate), Some(cells)) => format!("{rate} (of {} cells)", count(cells)),
        (Some(rate), None) => rate.to_string(),
        (None, _) => UNKNOWN.to_owned(),
    }
}

/// Share of healthy people's cells that the model calls schistocyte.
pub(super) fn healthy_words(share: Option<&HealthyShare>) -> String {
    share.map_or_else(
        || UNKNOWN.to_owned(),
        |share| {
            let limits = interval(PercentInterval { low: share.low, high: share.high });
            format!("{} ({limits}) of {} cells: {}", percent(share.percent), count(share.cells), share.measured_on)
        },
    )
}

/// Share of healthy people's cells that the model calls a class.
pub(super) fn class_healthy_words(share: &ClassHealthyShare) -> String {
    let limits = interval(PercentInterval { low: share.low, high: share.high });
    format!("{} ({limits}) of {} cells: {}", percent(share.percent), count(share.cells), share.measured_on)
}

#[cfg(feature = "pdf")]
/// The same of every class in one line; data and cells stand in the page.
pub(super) fn class_healthy_list(shares: &[ClassHealthyShare]) -> String {
    let of = |share: &ClassHealthyShare| {
        let limits = interval(PercentInterval { low: share.low, high: share.high });
        format!("{} {} ({limits})", share.class.name(), percent(share.percent))
    };
    let all: Vec<String> = shares.iter().map(of).collect();
    if all.is_empty() { UNKNOWN.to_owned() } else { all.join("; ") }
}

/// Words of an option; text without the quotes of JSON.
pub(super) fn option_words(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "not given".to_owned(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Name of a quality figure with the signs of its units.
pub(super) fn figure_words(name: &str) -> String {
    let words = name.split('_').map(|word| match word {
        "percent" => "%",
        "um" => "µm",
        "um2" => "µm²",
        other => other,
    });
    words.collect::<Vec<_>>().join(" ")
}

/// What the forms rest on.
pub(super) fn forms_note(forms: &FormsRecord) -> &'static str {
    if forms.validated { "Form of each called schistocyte by rules on its outline." } else { FORMS_MEASURED }
}

/// The totals that the forms give, with their words.
pub(super) fn form_totals(forms: &FormsRecord) -> [(&'static str, ShareRecord); 3] {
    [
        ("By the ICSH rule: microspherocytes only beside another form", forms.by_icsh_rule),
        ("Without microspherocytes", forms.without_microspherocytes),
        ("Helmets, crescents and triangles alone", forms.core),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_follow_the_order_of_the_reports() {
        let counts = BTreeMap::from([(ExclusionReason::Debris, 1), (ExclusionReason::FrameEdge, 2)]);
        assert_eq!(in_report_order(&counts), [("frame_edge", 2), ("debris", 1)]);
        assert_eq!(reason_words("frame_edge"), "cut by the edge of the field");
        assert_eq!(reason_words("new_reason"), "new_reason");
    }

    #[test]
    fn states_and_intervals_have_words_of_their_own() {
        let states = [State::Above, State::NotAbove, State::Indeterminate, State::Insufficient, State::NotAssessable];
        let mut words: Vec<_> =
            states.map(state_words).into_iter().chain(IntervalName::ALL.map(interval_name)).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), 10);
    }

    #[test]
    fn names_of_figures_show_their_units() {
        assert_eq!(figure_words("clipped_share_percent"), "clipped share %");
        assert_eq!(figure_words("red_cells_per_10000_um2"), "red cells per 10000 µm²");
    }
}
