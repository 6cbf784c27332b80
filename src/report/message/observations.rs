//! The observations of a record in the order in which messages send them.

use super::codes::{AlternateCode, CodeOptions, class_name, code_of, form_name};
use crate::case::{CaseRecord, Context, PercentInterval, Presence, State};
use crate::smear::{AgeGroup, CellClass, SchistocyteForm};

/// Decimals of a percentage: a limit close to the threshold does not read as if it lay on it.
pub(in crate::report) const PERCENT_DECIMALS: usize = 2;

/// Units, as UCUM writes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::report) enum Unit {
    /// Percent of counted red cells.
    Percent,
    /// A number of cells.
    Cells,
    /// A number of something else.
    One,
}

impl Unit {
    /// UCUM code; an annotation in braces is the unit 1.
    pub(in crate::report) fn ucum(self) -> &'static str {
        match self {
            Self::Percent => "%",
            Self::Cells => "{cells}",
            Self::One => "1",
        }
    }

    /// Words.
    pub(in crate::report) fn words(self) -> &'static str {
        match self {
            Self::Percent => "percent",
            Self::Cells => "cells",
            Self::One => "",
        }
    }
}

/// What was observed; `None` where it could not be assessed.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::report) enum Value {
    /// A percentage.
    Percent(Option<f64>),
    /// An interval of percentages.
    Interval(Option<PercentInterval>),
    /// A number of cells, fields or files.
    Count(Option<u64>, Unit),
    /// A local code with its words.
    Coded(Option<(String, String)>),
}

impl Value {
    /// Whether there is a value.
    pub(in crate::report) fn is_known(&self) -> bool {
        match self {
            Self::Percent(value) => value.is_some(),
            Self::Interval(value) => value.is_some(),
            Self::Count(value, _) => value.is_some(),
            Self::Coded(value) => value.is_some(),
        }
    }
}

/// Where a value lies against its reference limit (HL7 table 0078).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::report) enum Flag {
    /// The whole interval lies above.
    High,
    /// The whole interval lies at or below.
    Normal,
}

/// A code with what says the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::report) struct Code {
    /// Local code.
    pub(in crate::report) code: String,
    /// Words.
    pub(in crate::report) text: String,
    /// Code of another system.
    pub(in crate::report) alternate: Option<AlternateCode>,
}

impl Code {
    /// The code of an observation by name.
    pub(in crate::report) fn of(name: &str, options: &CodeOptions) -> Self {
        let (code, text, alternate) = code_of(name, options);
        Self { code, text, alternate }
    }
}

/// One observation.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::report) struct Observation {
    /// Name in the settings; also the part that identifiers are made of.
    pub(in crate::report) name: String,
    /// Code.
    pub(in crate::report) code: Code,
    /// What was observed.
    pub(in crate::report) value: Value,
    /// Where it lies against the limit.
    pub(in crate::report) flag: Option<Flag>,
    /// Highest value within the reference limit, %, and whose limit it is.
    pub(in crate::report) high_limit: Option<(f64, &'static str)>,
    /// Remarks, one sentence each.
    pub(in crate::report) notes: Vec<String>,
}

/// Every observation of a record.
pub(in crate::report) fn observations(record: &CaseRecord, options: &CodeOptions) -> Vec<Observation> {
    let count = &record.count;
    let of = |name: &str, value: Value| Observation {
        name: name.to_owned(),
        code: Code::of(name, options),
        value,
        flag: None,
        high_limit: None,
        notes: Vec::new(),
    };
    let noted = |observation: Observation, notes: Vec<String>| Observation { notes, ..observation };
    let assessable = count.state != State::NotAssessable && count.red_cells > 0;
    let cells = |cells: u64| Value::Count(assessable.then_some(cells), Unit::Cells);

    let percent = Observation {
        flag: flag(record),
        high_limit: Some((count.threshold_percent, limit_words(record.age_group))),
        ..of("percent", Value::Percent(count.percent.filter(|_| assessable)))
    };
    let interval = noted(
        of("interval", Value::Interval(count.deciding_95().filter(|_| assessable))),
        vec!["The wider of the Wilson score interval and the bootstrap over fields.".to_owned()],
    );
    let mut all = vec![
        percent,
        interval,
        // How many were counted is known even where nothing can be said of them.
        of("red_cells", Value::Count(Some(count.red_cells), Unit::Cells)),
        of("schistocytes", cells(count.schistocytes)),
        of("presence", coded(count.presence().map(presence_code))),
        of("context", coded(count.context.map(context_code))),
        of("other_abnormal_percent", Value::Percent(count.other_abnormal_percent.filter(|_| assessable))),
    ];
    if let Some(corrected) = count.corrected.filter(|_| assessable) {
        let notes = match corrected.percent {
            Some(_) => Vec::new(),
            None => vec!["Not assessable at this specificity.".to_owned()],
        };
        all.push(noted(of("corrected_percent", Value::Percent(corrected.percent)), notes));
        let limits = PercentInterval { low: corrected.low, high: corrected.high };
        all.push(of("corrected_interval", Value::Interval(Some(limits))));
    }
    if let Some(grade) = count.grade.as_ref().filter(|_| assessable) {
        let value = Value::Coded(Some((grade.label.clone(), grade.label.clone())));
        all.push(noted(of("grade", value), vec![format!("Grading table: {}.", grade.table)]));
    }
    if count.false_positive_floor_percent.is_some() {
        all.push(of("floor_percent", Value::Percent(count.false_positive_floor_percent)));
    }
    if assessable {
        all.extend(forms(record, of));
    }
    all.extend(CellClass::ALL.into_iter().map(|class| of(&class_name(class), cells(record.class_count(class)))));
    all.extend(quality(record, of));
    all
}

/// The forms of the called schistocytes, and the totals of ICSH's rule.
fn forms(record: &CaseRecord, of: impl Fn(&str, Value) -> Observation) -> Vec<Observation> {
    let forms = &record.count.forms;
    let words = match forms.validated {
        true => Vec::new(),
        false => vec!["Form by a rule on the outline of the cell; not validated.".to_owned()],
    };
    let cells = |form: SchistocyteForm| forms.by_form.get(form.name()).copied().unwrap_or(0);
    let totals = [
        of("icsh_rule_percent", Value::Percent(forms.by_icsh_rule.percent)),
        of("core_percent", Value::Percent(forms.core.percent)),
    ];
    let by_form =
        SchistocyteForm::ALL.into_iter().map(|form| of(&form_name(form), Value::Count(Some(cells(form)), Unit::Cells)));
    let noted = |observation: Observation| Observation { notes: words.clone(), ..observation };
    totals.into_iter().chain(by_form).map(noted).collect()
}

fn quality(record: &CaseRecord, of: impl Fn(&str, Value) -> Observation) -> [Observation; 4] {
    let number = |number: usize| Value::Count(Some(number as u64), Unit::One);
    let refused: Vec<_> = record.fields.iter().filter(|field| !field.accepted).collect();
    let refusals = refused.iter().map(|field| format!("{}: {}.", field.field, field.refusals.join("; "))).collect();
    let left_out = record.exclusions.iter().map(|(reason, n)| format!("{}: {n}.", reason.replace('_', " "))).collect();
    let failures = record.failed_inputs.iter().map(|input| {
        // The folder is the laboratory's own matter.
        let name = input.path.rsplit(['/', '\\']).next().unwrap_or(&input.path);
        format!("{name}: {}.", input.reason)
    });
    let noted = |observation: Observation, notes: Vec<String>| Observation { notes, ..observation };
    [
        of("fields_accepted", number(record.fields.len() - refused.len())),
        noted(of("fields_refused", number(refused.len())), refusals),
        noted(of("objects_excluded", Value::Count(Some(record.exclusions.values().sum()), Unit::One)), left_out),
        noted(of("inputs_failed", number(record.failed_inputs.len())), failures.collect()),
    ]
}

/// METHOD: the state decides, not the value, and in a mixed picture nothing is flagged, because ICSH finds a percentage
/// not appropriate there. Indeterminate and insufficient counts have no flag.
fn flag(record: &CaseRecord) -> Option<Flag> {
    match (record.count.state, record.count.context) {
        (_, Some(Context::MixedPoikilocytosis)) => None,
        (State::Above, _) => Some(Flag::High),
        (State::NotAbove, _) => Some(Flag::Normal),
        _ => None,
    }
}

fn limit_words(age_group: AgeGroup) -> &'static str {
    match age_group {
        AgeGroup::Adult => "ICSH reference limit, adult",
        AgeGroup::TermNeonate => "ICSH reference limit, newborn at term",
        AgeGroup::PretermNeonate => "ICSH reference limit, preterm newborn",
    }
}

fn coded(code: Option<(&str, &str)>) -> Value {
    Value::Coded(code.map(|(code, words)| (code.to_owned(), words.to_owned())))
}

fn presence_code(presence: Presence) -> (&'static str, &'static str) {
    match presence {
        Presence::Present => ("PRES", "Present"),
        Presence::NotSeen => ("NOTSEEN", "Not seen"),
        Presence::Indeterminate => ("IND", "Indeterminate"),
    }
}

fn context_code(context: Context) -> (&'static str, &'static str) {
    match context {
        Context::SchistocytesPredominate => ("PREDOMINANT", "Schistocytes predominate"),
        Context::MixedPoikilocytosis => ("MIXED", "Other shape changes outnumber schistocytes"),
        Context::NoSchistocytes => ("NONE", "No schistocyte counted"),
    }
}
