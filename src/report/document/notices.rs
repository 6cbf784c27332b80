//! What a reader must know before using the percentage, most important first. Each notice says what to do next.

use super::model::Term;
use super::values::{count, counted, percent};
use crate::case::{CaseRecord, Context, FieldRecord, State};
use crate::smear::CalibrationSource;

/// Every notice that applies to a record.
pub(crate) fn notices(record: &CaseRecord) -> Vec<Term> {
    let figures = &record.count;
    let fields_where = |test: fn(&FieldRecord) -> bool| record.fields.iter().filter(|field| test(field)).count() as u64;
    let mut notices = Vec::new();
    let mut add = |title: &str, text: String| notices.push(Term::new(title, text));
    match figures.state {
        State::NotAssessable => add(
            "No percentage can be given",
            "No red cell in a field of sufficient quality. See the fields below and photograph the monolayer again."
                .to_owned(),
        ),
        State::Insufficient => add(
            "Too few red cells",
            format!(
                "{} counted, at least {} are required. Photograph more fields of the same film.",
                counted(figures.red_cells, "red cell"),
                count(figures.min_cells),
            ),
        ),
        _ => {}
    }
    if figures.context == Some(Context::MixedPoikilocytosis) {
        let share = figures.other_abnormal_percent.map(|other| format!(" ({})", percent(other))).unwrap_or_default();
        add(
            "Mixed poikilocytosis",
            format!(
                "Other abnormal shapes{share} outnumber schistocytes: ICSH wants the fragments in words, because a \
                 percentage is not specific in this picture. More cells are called falsely here than in a healthy film; \
                 the lower limit allows for that."
            ),
        );
    }
    if let (Some(floor), Some(Context::WithinModelError)) = (figures.highest_floor_percent(), figures.context) {
        let text = format!(
            "A film without any schistocyte may read up to {} with this model. Review the gallery cell by cell.",
            percent(floor)
        );
        add("Within the error of the model", text);
    }
    if figures.false_positive_floor_percent.is_none() {
        add(
            "False calls of the model unknown",
            "The card of the model does not state what a film without schistocytes would read: no percentage is placed \
             above the limit, and none is corrected."
                .to_owned(),
        );
    } else if figures.context == Some(Context::NotAssessed) {
        add(
            "Other shapes not assessed",
            "Shapes other than schistocytes are not assessed by this model: whether schistocytes are the main change of \
             shape, as ICSH asks for a percentage, is not known."
                .to_owned(),
        );
    }
    if figures.red_cells > 0 && figures.corrected.is_none() {
        add(
            "Sensitivity of the model unknown",
            "The card of the model states no sensitivity of at least one half: the percentage is not corrected, and no \
             value is placed at or below the limit."
                .to_owned(),
        );
    }
    let refused = fields_where(|field| !field.accepted);
    if refused > 0 {
        let text = format!(
            "{} of {} did not meet the quality limits and left the count. The reasons stand with each field.",
            count(refused),
            counted(record.fields.len() as u64, "field"),
        );
        add("Fields refused", text);
    }
    if !record.failed_inputs.is_empty() {
        let inputs = counted(record.failed_inputs.len() as u64, "input");
        let text = format!("{inputs} could not be read and left the count. The list stands under provenance.");
        add("Inputs not read", text);
    }
    if let Some(matched) = &record.panel_match {
        let (doubts, outside) = (matched.gaps.len() as u64, matched.window.outside);
        let doubts = (doubts > 0)
            .then(|| format!("{} of patient, specimen or order could not be compared. ", counted(doubts, "point")));
        let outside = (outside > 0)
            .then(|| format!("{} outside the time window, left aside by name. ", counted(outside, "result")));
        if doubts.is_some() || outside.is_some() {
            let what = doubts.unwrap_or_default() + &outside.unwrap_or_default();
            add("Panel and specimen", format!("{what}Read what the evidence cannot tell before its items."));
        }
    }
    let estimated = fields_where(|field| field.um_per_px_source == Some(CalibrationSource::MedianRedCell));
    if estimated > 0 {
        let text = format!(
            "In {} the median red cell was taken as 7.5 µm: sizes in µm are relative, and a general change of cell size \
             would not show. Give the pixel size of the microscope to measure it.",
            counted(estimated, "field"),
        );
        add("Pixel size estimated", text);
    }
    notices
}
