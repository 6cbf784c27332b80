//! What a message says, whatever its format: the observations of a case with their codes.
//!
//! In: a record and the laboratory's [`CodeOptions`]. Out: [`Observation`]s in the order in which HL7 and FHIR send them.
//! Percentages are sent with [`PERCENT_DECIMALS`] decimals, as the report prints them; the record keeps more. What cannot
//! be assessed has no value and is never 0; what the record does not know at all is not sent.

mod codes;
mod observation;
mod review;

pub(super) use codes::Code;
pub use codes::{AlternateCode, CodeOptions, ObservationCode, ObservationName};

pub(super) use observation::{Flag, Observation, Unit, Value};
use observation::{coded, state_code};

use crate::case::{CaseRecord, ClassFinding, ClassRecord, Context, CountRecord, IntervalName, Presence, State};
use crate::count::{FORMS_MEASURED, FORMS_READ};
use crate::report::document::values;
use crate::report::document::words::{caution_words, corrected_value, deciding_words, finding_words, state_needs};
use crate::smear::{AgeGroup, SchistocyteForm};

/// Decimals of a percentage: a limit close to the threshold does not read as if it lay on it.
pub(in crate::report) const PERCENT_DECIMALS: usize = 2;

/// Every observation of a record.
pub(in crate::report) fn observations(record: &CaseRecord, options: &CodeOptions) -> Vec<Observation> {
    let count = &record.count;
    let of = |name: ObservationName, value: Value| Observation {
        name,
        code: Code::of(name, options),
        value,
        flag: None,
        high_limit: None,
        notes: Vec::new(),
    };
    let noted = |observation: Observation, notes: Vec<String>| Observation { notes, ..observation };
    let assessable = count.state != State::NotAssessable && count.red_cells > 0;
    let cells = |cells: u64| Value::Count(assessable.then_some(cells), Unit::Cells);

    let sentence = |words: String| format!("{words}.");
    let cautions = || caution_words(count.context).map(|words| sentence(words.to_owned()));
    let percent = Observation {
        flag: percent_flag(count.state),
        // METHOD: a receiver that compares value and limit by itself would find a value on too few cells within range.
        high_limit: is_placed(count.state).then(|| (count.threshold_percent, limit_words(record.age_group))),
        notes: not_placed_words(count).into_iter().chain(cautions()).collect(),
        ..of(ObservationName::Percent, Value::Percent(count.percent.filter(|_| assessable)))
    };
    let placed = deciding_words(count).map(|words| sentence(format!("True share {words}")));
    let state = Observation {
        flag: state_flag(count.state),
        notes: placed.into_iter().chain(cautions()).collect(),
        ..of(ObservationName::State, coded(Some(state_code(count.state))))
    };
    let presence = count.presence();
    let presence = Observation {
        flag: presence.map(presence_flag),
        ..of(ObservationName::Presence, coded(presence.map(presence_code)))
    };
    let context = Observation {
        flag: cautions().map(|_| Flag::Abnormal),
        notes: cautions().into_iter().collect(),
        ..of(ObservationName::Context, coded(count.context.map(|context| context_code(context, count.is_reviewed()))))
    };
    let interval = noted(
        of(ObservationName::WidestInterval, Value::Interval(count.widest_95().filter(|_| assessable))),
        vec![format!("The widest interval of the {} share. {}", share_word(count), state_needs(count))],
    );
    let mut all = vec![
        percent,
        interval,
        // How many were counted is known even where nothing can be said of them.
        of(ObservationName::RedCells, Value::Count(Some(count.red_cells), Unit::Cells)),
        of(ObservationName::Schistocytes, cells(count.schistocytes)),
        state,
        presence,
        context,
    ];
    if let Some(other) = count.other_abnormal_percent.filter(|_| assessable) {
        all.push(of(ObservationName::OtherAbnormalPercent, Value::Percent(Some(other))));
    }
    if assessable {
        all.extend(intervals(count, of));
    }
    if let Some(grade) = count.grade.as_ref().filter(|_| assessable) {
        let value = Value::Coded(Some((grade.label.clone(), grade.label.clone())));
        all.push(noted(of(ObservationName::Grade, value), vec![format!("Grading table: {}.", grade.table)]));
    }
    if count.false_positive_floor_percent.is_some() {
        all.push(of(ObservationName::FloorPercent, Value::Percent(count.false_positive_floor_percent)));
    }
    if assessable {
        all.extend(forms(record, of));
    }
    all.extend(record.classes.iter().map(|class| class_observation(class, assessable, of)));
    all.extend(quality(record, of));
    all.extend(record.review.iter().flat_map(|review| review::observations(review, of)));
    all
}

/// The forms of the called schistocytes, and the totals of ICSH's rule.
fn forms(record: &CaseRecord, of: impl Fn(ObservationName, Value) -> Observation) -> Vec<Observation> {
    let forms = &record.count.forms;
    let words = match (record.count.is_reviewed(), forms.validated) {
        (true, _) => vec![FORMS_READ.to_owned()],
        (false, true) => Vec::new(),
        (false, false) => vec![FORMS_MEASURED.to_owned()],
    };
    let cells = |form: SchistocyteForm| forms.by_form.get(form.name()).copied().unwrap_or(0);
    let totals = [
        of(ObservationName::IcshRulePercent, Value::Percent(forms.by_icsh_rule.percent)),
        of(ObservationName::CorePercent, Value::Percent(forms.core.percent)),
    ];
    let by_form = SchistocyteForm::ALL
        .into_iter()
        .map(|form| of(ObservationName::Form(form), Value::Count(Some(cells(form)), Unit::Cells)));
    let noted = |observation: Observation| Observation { notes: words.clone(), ..observation };
    totals.into_iter().chain(by_form).map(noted).collect()
}

fn quality(record: &CaseRecord, of: impl Fn(ObservationName, Value) -> Observation) -> [Observation; 4] {
    let number = |number: usize| Value::Count(Some(number as u64), Unit::One);
    let refused: Vec<_> = record.fields.iter().filter(|field| !field.accepted).collect();
    let refusals = refused.iter().map(|field| format!("{}: {}.", field.field, field.refusals.join("; "))).collect();
    let left_out =
        record.exclusions.iter().map(|(reason, n)| format!("{}: {n}.", reason.name().replace('_', " "))).collect();
    let failures = record.failed_inputs.iter().map(|input| {
        // The folder is the laboratory's own matter.
        let name = input.path.rsplit(['/', '\\']).next().unwrap_or(&input.path);
        format!("{name}: {}.", input.reason)
    });
    let noted = |observation: Observation, notes: Vec<String>| Observation { notes, ..observation };
    [
        of(ObservationName::FieldsAccepted, number(record.fields.len() - refused.len())),
        noted(of(ObservationName::FieldsRefused, number(refused.len())), refusals),
        noted(
            of(ObservationName::ObjectsExcluded, Value::Count(Some(record.exclusions.values().sum()), Unit::One)),
            left_out,
        ),
        noted(of(ObservationName::InputsFailed, number(record.failed_inputs.len())), failures.collect()),
    ]
}

/// Whether a state says where the value lies against the limit, or that it may lie on either side.
fn is_placed(state: State) -> bool {
    matches!(state, State::Above | State::NotAbove | State::Indeterminate)
}

/// METHOD: the state decides, not the value, whatever else the film shows: a receiver must not see two states. The caution
/// of a mixed picture is a note beside it. A value that is not placed is marked so, because a number without a flag reads
/// like a normal one. Without a value there is no flag.
fn percent_flag(state: State) -> Option<Flag> {
    match state {
        State::Above => Some(Flag::High),
        State::NotAbove => Some(Flag::Normal),
        State::Indeterminate | State::Insufficient => Some(Flag::Indeterminate),
        State::NotAssessable => None,
    }
}

/// As [`percent_flag`], for a word.
fn state_flag(state: State) -> Option<Flag> {
    percent_flag(state).map(|flag| if flag == Flag::High { Flag::Abnormal } else { flag })
}

fn presence_flag(presence: Presence) -> Flag {
    match presence {
        Presence::Present => Flag::Abnormal,
        Presence::NotSeen => Flag::Normal,
        Presence::Indeterminate => Flag::Indeterminate,
    }
}

/// What the share of a count rests on.
fn share_word(count: &CountRecord) -> &'static str {
    if count.is_reviewed() { "reviewed" } else { "called" }
}

/// Why a percentage has no reference limit beside it.
fn not_placed_words(count: &CountRecord) -> Option<String> {
    (count.state == State::Insufficient).then(|| {
        format!(
            "Fewer than {} RBC were counted: not placed against the reference limit of {} %.",
            values::count(count.min_cells),
            count.threshold_percent
        )
    })
}

/// Every interval of the count by its name, the corrected one behind its value.
fn intervals(count: &CountRecord, of: impl Fn(ObservationName, Value) -> Observation) -> Vec<Observation> {
    let mut all = Vec::new();
    for one in count.intervals().into_iter().filter(|one| one.limits.is_some()) {
        if one.name == IntervalName::Corrected {
            let corrected = corrected_value(count);
            let value = of(ObservationName::CorrectedPercent, Value::Percent(corrected.and_then(Result::ok)));
            let why = corrected.and_then(Result::err).map(str::to_owned);
            all.push(Observation { notes: why.into_iter().collect(), ..value });
        }
        all.push(of(ObservationName::Interval(one.name), Value::Interval(one.limits)));
    }
    all
}

/// The called cells of a class, where they are more than the model's error.
///
/// METHOD: a number that a laboratory system files under `burr` is read as a finding. It is sent for what is none (normal,
/// uncategorised, schistocyte) and for classes that the film shows; otherwise the reason stands in its place.
fn class_observation(
    class: &ClassRecord,
    assessable: bool,
    of: impl Fn(ObservationName, Value) -> Observation,
) -> Observation {
    let given = class.cells.filter(|_| assessable && matches!(class.finding, None | Some(ClassFinding::Present)));
    let why = class.finding.filter(|finding| *finding != ClassFinding::Present).map(finding_words);
    Observation {
        notes: why.map(|why| format!("No finding: {why}.")).into_iter().collect(),
        ..of(ObservationName::Class(class.class), Value::Count(given, Unit::Cells))
    }
}

fn limit_words(age_group: AgeGroup) -> &'static str {
    match age_group {
        AgeGroup::Adult => "ICSH reference limit, adult",
        AgeGroup::TermNeonate => "ICSH reference limit, newborn at term",
        AgeGroup::PretermNeonate => "ICSH reference limit, preterm newborn",
    }
}

fn presence_code(presence: Presence) -> (&'static str, &'static str) {
    match presence {
        Presence::Present => ("PRES", "Present"),
        Presence::NotSeen => ("NOTSEEN", "Not seen"),
        Presence::Indeterminate => ("IND", "Indeterminate"),
    }
}

fn context_code(context: Context, is_reviewed: bool) -> (&'static str, &'static str) {
    match context {
        // A reviewed count has no floor: its lower limit is 0.
        Context::WithinModelError if is_reviewed => ("ERROR", "Too few schistocytes read to compare shapes"),
        Context::SchistocytesPredominate => ("PREDOMINANT", "Schistocytes predominate"),
        Context::MixedPoikilocytosis => ("MIXED", "Other shape changes outnumber schistocytes"),
        Context::WithinModelError => ("ERROR", "Schistocytes within the model's error"),
        Context::NotAssessed => ("UNKNOWN", "Other shapes are not assessed by this model"),
        Context::NoSchistocytes => ("NONE", "No schistocyte counted"),
    }
}
