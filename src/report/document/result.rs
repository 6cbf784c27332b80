//! Whose specimen it is, the result with the values behind it, and what a reader must know before using it.
//!
//! Identity is what a test report must state (42 CFR 493.1291(c)), as far as it was given: whose specimen it is, who asked,
//! who reports and when. What was not given has no line, except the accession.

use super::model::{Block, Outcome, Pair, Section, Term, Value};
use super::plot::IntervalPlot;
use super::values::{count, counted, interval, interval_or_unknown, percent, percent_digits, percent_or_unknown};
use super::words::{
    age_words, caution_words, context_words, corrected_words, deciding_words, floor_words, interval_field,
    interval_name, is_always_shown, missed_words, other_shapes_words, state_needs, state_words, time_words,
};
use crate::case::{
    AdministrativeSex, CaseRecord, Context, CountRecord, FieldRecord, IntervalName, IssueSource, Order, Patient,
    ReadCells, State,
};
use crate::smear::CalibrationSource;
use crate::time::Timestamp;

/// The first sections of every report.
pub(crate) fn result(record: &CaseRecord) -> Vec<Section> {
    vec![
        Section::new("specimen", "Specimen", vec![Block::Pairs { pairs: identity(record) }]),
        Section::new("result", "Result", vec![Block::Result(Box::new(outcome(record)))]),
    ]
}

/// The warnings, where there are any.
pub(crate) fn warnings(record: &CaseRecord) -> Option<Section> {
    let terms = notices(record);
    (!terms.is_empty()).then(|| Section::new("warnings", "To be considered", vec![Block::Warnings { terms }]))
}

fn outcome(record: &CaseRecord) -> Outcome {
    let result = &record.count;
    let accepted = record.fields.iter().filter(|field| field.accepted).count() as u64;
    let caption = format!("Value and 95 % interval; shaded up to the reference limit. {}", state_needs(result));
    Outcome {
        label: "Schistocytes, share of red cells",
        percent: result.percent.map(percent_digits),
        firm: !matches!(result.state, State::Insufficient | State::NotAssessable),
        widest_95: result.widest_95().map(interval),
        schistocytes: count(result.schistocytes),
        red_cells: count(result.red_cells),
        fields: counted(accepted, "field"),
        state: result.state,
        state_words: state_words(result.state),
        caution: caution_words(result.context),
        statement: record.statement.clone(),
        missed: missed_words(record),
        plot: IntervalPlot::of(result, caption),
        values: values(record),
    }
}

fn values(record: &CaseRecord) -> Vec<Pair> {
    let result = &record.count;
    let limit = Value::of("threshold_percent", percent(result.threshold_percent));
    let mut pairs = vec![Pair::new("Reference limit", limit).noted([age_words(record.age_group)])];
    pairs.extend(deciding_words(result).map(|words| Pair::new("True share", Value::of("deciding", words))));
    pairs.extend(named_intervals(result));
    // What was read has no floor of false calls.
    pairs.extend((!result.is_reviewed()).then(|| floor(record)));
    pairs.extend(
        result.grade.as_ref().map(|grade| Pair::new("Grade", grade.label.as_str()).noted([grade.table.as_str()])),
    );
    pairs.extend(other_shapes_words(result).map(|words| {
        let value = Value::of("other_abnormal_percent", words);
        Pair::new("Other abnormal shapes", value)
            .noted(result.context.map(|context| context_words(context, result.is_reviewed())))
    }));
    pairs
}

/// What a film without schistocytes would read.
fn floor(record: &CaseRecord) -> Pair {
    let result = &record.count;
    let floor = percent_or_unknown(result.false_positive_floor_percent);
    let floor_95 = result.false_positive_floor_95.map(|limits| Value::of("false_positive_floor_95", interval(limits)));
    Pair::new("False-positive floor", Value::of("false_positive_floor_percent", floor))
        .noted(floor_95)
        .noted(floor_words(record))
}

/// Every interval of the count under its name.
fn named_intervals(result: &CountRecord) -> Vec<Pair> {
    // A reviewed count is never corrected for the model's errors.
    let awaited = |name| is_always_shown(name) && !(result.is_reviewed() && name == IntervalName::Corrected);
    let shown = result.intervals().into_iter().filter(|one| one.limits.is_some() || awaited(one.name));
    let pair = |name: &str, value: Value| Pair::new(format!("{name} 95 %"), value);
    let named = shown.map(|one| match one.name {
        IntervalName::Corrected => {
            let limits = one.limits.map(|limits| Value::of(interval_field(one.name), interval(limits)));
            pair(interval_name(one.name), Value::of("corrected.percent", corrected_words(result))).noted(limits)
        }
        name => pair(interval_name(name), Value::of(interval_field(name), interval_or_unknown(one.limits))),
    });
    named.collect()
}

/// Every notice that applies to a record, most important first. Each says what to do next.
fn notices(record: &CaseRecord) -> Vec<Term> {
    let result = &record.count;
    let fields_where = |test: fn(&FieldRecord) -> bool| record.fields.iter().filter(|field| test(field)).count() as u64;
    let mut notices = Vec::new();
    let mut add = |title: &str, text: String| notices.push(Term::new(title, text));
    match result.state {
        State::NotAssessable if result.is_reviewed() && result.red_cells > 0 => add(
            "The percentage is not assessable",
            "The film is unlike all that the model was tried on: nobody knows what lies below the threshold of review. Read \
             every counted cell."
                .to_owned(),
        ),
        State::NotAssessable => add(
            "No percentage can be given",
            "No red cell in a field of sufficient quality. See the fields below and photograph the monolayer again."
                .to_owned(),
        ),
        State::Insufficient => add(
            "Too few red cells",
            format!(
                "{} counted, at least {} are required. Photograph more fields of the same film.",
                counted(result.red_cells, "red cell"),
                count(result.min_cells),
            ),
        ),
        _ => {}
    }
    if result.context == Some(Context::MixedPoikilocytosis) {
        let share = result.other_abnormal_percent.map(|other| format!(" ({})", percent(other))).unwrap_or_default();
        add(
            "Mixed poikilocytosis",
            format!(
                "Other abnormal shapes{share} outnumber schistocytes: ICSH wants the fragments in words, because a \
                 percentage is not specific in this picture.{}",
                match result.is_reviewed() {
                    true => "",
                    false =>
                        " More cells are called falsely here than in a healthy film; the lower limit allows for that.",
                }
            ),
        );
    }
    if let Some(text) = record.review.as_ref().and_then(|review| open_words(&review.cells)) {
        add("Cells left open", text);
    }
    if let (Some(floor), Some(Context::WithinModelError)) = (result.highest_floor_percent(), result.context) {
        let text = format!(
            "A film without any schistocyte may read up to {} with this model. Review the gallery cell by cell.",
            percent(floor)
        );
        add("Within the error of the model", text);
    }
    if !result.is_reviewed() && result.false_positive_floor_percent.is_none() {
        add(
            "False calls of the model unknown",
            "The card of the model does not state what a film without schistocytes would read: no percentage is placed \
             above the limit, and none is corrected."
                .to_owned(),
        );
    } else if result.context == Some(Context::NotAssessed) {
        add(
            "Other shapes not assessed",
            "Shapes other than schistocytes are not assessed by this model: whether schistocytes are the main change of \
             shape, as ICSH asks for a percentage, is not known."
                .to_owned(),
        );
    }
    if result.is_reviewed() {
        // An upper limit is missing where nobody knows what lies below the threshold of review.
        if result.deciding.is_some_and(|deciding| deciding.high.is_none()) {
            add(
                "Share below the threshold of review unknown",
                "The card of the model does not state what share of schistocytes reaches the threshold of review: no value \
                 is placed at or below the limit unless every counted cell was read."
                    .to_owned(),
            );
        }
    } else if result.red_cells > 0 && result.corrected.is_none() {
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

/// What a review left open; nothing where every cell that was shown was read and decided.
fn open_words(cells: &ReadCells) -> Option<String> {
    let unread = (cells.unread > 0).then(|| {
        format!(
            "{} from the threshold of review on {} read by nobody.",
            counted(cells.unread, "cell"),
            if cells.unread == 1 { "was" } else { "were" }
        )
    });
    let undecided = (cells.undecided > 0).then(|| {
        format!(
            "{} {} read and undecided: in the upper limit, not in the value.",
            counted(cells.undecided, "cell"),
            if cells.undecided == 1 { "was" } else { "were" }
        )
    });
    let words: Vec<String> = unread.into_iter().chain(undecided).collect();
    (!words.is_empty()).then(|| format!("{} Read them to narrow the interval.", words.join(" ")))
}

/// Every line of a record.
fn identity(record: &CaseRecord) -> Vec<Pair> {
    let accession = record.accession.as_deref().unwrap_or("not given");
    let mut lines = vec![Pair::new("Accession", accession)];
    if let Some(order) = &record.order {
        lines.extend(order.patient.as_ref().and_then(patient));
        lines.extend(ordered(order));
    }
    lines.push(Pair::new("Age group", age_words(record.age_group)));
    let laboratory = record.laboratory.as_ref();
    lines.extend(
        laboratory
            .map(|laboratory| Pair::new("Laboratory", laboratory.name.as_str()).noted(laboratory.address.as_deref())),
    );
    let issued = record.issued_at.as_ref();
    lines.extend(
        issued.map(|issued| Pair::new("Issued", time_words(issued.at.as_str())).noted([source_words(issued.source)])),
    );
    let dated = record.newest_image_at.as_ref();
    lines.extend(dated.map(|at| Pair::new("Newest image file dated", time_words(at.as_str()))));
    lines
}

/// Identifier first; name, day of birth and sex in small print.
fn patient(patient: &Patient) -> Option<Pair> {
    let names: Vec<&str> =
        [&patient.family_name, &patient.given_name].into_iter().flatten().map(String::as_str).collect();
    let names = Some(names.join(", ")).filter(|names| !names.is_empty());
    let id = patient.id.as_ref().map(|id| match &patient.id_authority {
        Some(authority) => format!("{id} ({authority})"),
        None => id.clone(),
    });
    let born = patient.birth_date.as_ref().map(|date| format!("born {}", date.day()));
    let sex = patient.sex.map(|sex| sex_words(sex).to_owned());
    let mut parts = [id, names, born, sex].into_iter().flatten();
    let value = parts.next()?;
    let note = parts.collect::<Vec<_>>().join(", ");
    Some(Pair::new("Patient", value).noted(Some(note).filter(|note| !note.is_empty())))
}

fn ordered(order: &Order) -> Vec<Pair> {
    let numbers = [
        order.placer_order_number.as_ref().map(|number| format!("{number} (placer)")),
        order.filler_order_number.as_ref().map(|number| format!("{number} (filler)")),
    ];
    let numbers: Vec<String> = numbers.into_iter().flatten().collect();
    let of = |name: &str, value: Option<String>| value.map(|value| Pair::new(name, value));
    let time = |time: &Option<Timestamp>| time.as_ref().map(|time| time_words(time.as_str()));
    let lines = [
        of("Order", Some(numbers.join(", ")).filter(|numbers| !numbers.is_empty())),
        of("Collected", time(&order.collected_at)),
        of("Received", time(&order.received_at)),
        of("Requester", order.requester.clone()),
    ];
    lines.into_iter().flatten().collect()
}

fn sex_words(sex: AdministrativeSex) -> &'static str {
    match sex {
        AdministrativeSex::Female => "female",
        AdministrativeSex::Male => "male",
        AdministrativeSex::Other => "other sex",
        AdministrativeSex::Unknown => "sex unknown",
    }
}

fn source_words(source: IssueSource) -> &'static str {
    match source {
        IssueSource::Given => "as given",
        IssueSource::Signed => "when the review was signed",
        IssueSource::Received => "when the specimen was received",
        IssueSource::Collected => "when the blood was taken",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patient_is_called_by_the_identifier_where_there_is_one() {
        let full = Patient {
            id: Some("7731".to_owned()),
            id_authority: Some("MRN".to_owned()),
            family_name: Some("Doe".to_owned()),
            sex: Some(AdministrativeSex::Female),
            ..Patient::default()
        };
        let line = patient(&full).expect("a line");
        assert_eq!(line, Pair::new("Patient", "7731 (MRN)").noted(["Doe, female"]));
        let named = Patient { given_name: Some("Ada".to_owned()), ..Patient::default() };
        assert_eq!(patient(&named), Some(Pair::new("Patient", "Ada")));
        assert_eq!(patient(&Patient::default()), None);
    }

    #[test]
    fn an_order_without_items_has_no_line() {
        assert_eq!(ordered(&Order::default()), Vec::new());
        let order = Order { placer_order_number: Some("P1".to_owned()), ..Order::default() };
        assert_eq!(ordered(&order), [Pair::new("Order", "P1 (placer)")]);
    }
}
