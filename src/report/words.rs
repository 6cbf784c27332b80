//! What the reports for people say in words: verdict, floor, context, age group, reasons of exclusion.
//!
//! In: values of the record. Out: short English phrases, the same in every report. Nothing is judged here: a phrase names
//! what the record holds.

use std::collections::BTreeMap;

use super::figures::{UNKNOWN, count, counted, interval, percent};
use crate::case::{
    CaseRecord, Context, CountRecord, FloorSource, FormsRecord, HealthyShare, PercentInterval, ShareRecord, State,
};
use crate::smear::{AgeGroup, ExclusionReason};

/// Review status of every report that this program makes; only a person can change it, elsewhere.
pub(super) const REVIEW_STATUS: &str = "Preliminary, not reviewed";

/// What a report says first: the state, except that a mixed picture is not called above.
///
/// METHOD: among mixed poikilocytosis a percentage is not specific (ICSH), so that "above" is not said there even
/// where the interval lies above the limit; the interval itself stays in the report.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Verdict {
    /// The state of the count.
    State(State),
    /// Above the limit among mixed poikilocytosis.
    MixedPicture,
}

impl Verdict {
    /// Of a count.
    pub(super) fn of(count: &CountRecord) -> Self {
        Self::new(count.state, count.context)
    }

    /// Of a state and what surrounds it.
    pub(super) fn new(state: State, context: Option<Context>) -> Self {
        match (state, context) {
            (State::Above, Some(Context::MixedPoikilocytosis)) => Self::MixedPicture,
            (state, _) => Self::State(state),
        }
    }

    /// In words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::MixedPicture => "Mixed picture: percentage not specific",
            Self::State(State::Above) => "Above the reference limit",
            Self::State(State::NotAbove) => "Not above the reference limit",
            Self::State(State::Indeterminate) => "Indeterminate: the interval includes the limit",
            Self::State(State::Insufficient) => "Insufficient: too few red cells",
            Self::State(State::NotAssessable) => "Not assessable",
        }
    }
}

/// What the floor is and on how many cells it rests.
pub(super) fn floor_words(record: &CaseRecord) -> Option<String> {
    let model = &record.provenance.model;
    let behind = |cells: u64| format!(" ({})", counted(cells, "cell"));
    Some(match record.count.false_positive_floor_source? {
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

/// Reasons in the order of [`ExclusionReason::ALL`]; names from elsewhere follow.
pub(super) fn in_report_order(exclusions: &BTreeMap<String, u64>) -> Vec<(&str, u64)> {
    let mut ordered: Vec<(&str, u64)> = exclusions.iter().map(|(name, &objects)| (name.as_str(), objects)).collect();
    ordered.sort_by_key(|(name, _)| {
        ExclusionReason::ALL.iter().position(|reason| reason.name() == *name).unwrap_or(usize::MAX)
    });
    ordered
}

/// A reason in words; its name where it is none of this program.
pub(super) fn reason_words(name: &str) -> &str {
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
    if forms.validated {
        "Form of each called schistocyte by rules on its outline."
    } else {
        "Form of each called schistocyte by rules on its outline. The form is not validated: the rules were not measured \
         against labelled forms."
    }
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
        let counts = [("debris", 1), ("frame_edge", 2), ("new_reason", 3)];
        let counts = counts.into_iter().map(|(name, n)| (name.to_owned(), n)).collect();
        assert_eq!(in_report_order(&counts), [("frame_edge", 2), ("debris", 1), ("new_reason", 3)]);
        assert_eq!(reason_words("frame_edge"), "cut by the edge of the field");
        assert_eq!(reason_words("new_reason"), "new_reason");
    }

    #[test]
    fn names_of_figures_show_their_units() {
        assert_eq!(figure_words("clipped_share_percent"), "clipped share %");
        assert_eq!(figure_words("red_cells_per_10000_um2"), "red cells per 10000 µm²");
    }
}
