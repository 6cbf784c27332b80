//! Whose specimen it is and the result: percentage, interval, state, statement, plot, and the values behind them.

use super::identity::identity;
use super::model::{Block, Outcome, Pair, Section, Value};
use super::notices::notices;
use super::plot::IntervalPlot;
use super::values::{count, counted, interval, interval_or_unknown, percent, percent_digits, percent_or_unknown};
use super::words::{
    age_words, caution_words, context_words, corrected_words, deciding_words, floor_words, interval_field,
    interval_name, is_always_shown, missed_words, other_shapes_words, state_needs, state_words,
};
use crate::case::{CaseRecord, CountRecord, IntervalName, State};

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
    let figures = &record.count;
    let accepted = record.fields.iter().filter(|field| field.accepted).count() as u64;
    let caption = format!("Value and 95 % interval; shaded up to the reference limit. {}", state_needs(figures));
    Outcome {
        label: "Schistocytes, share of red cells",
        percent: figures.percent.map(percent_digits),
        firm: !matches!(figures.state, State::Insufficient | State::NotAssessable),
        widest_95: figures.widest_95().map(interval),
        schistocytes: count(figures.schistocytes),
        red_cells: count(figures.red_cells),
        fields: counted(accepted, "field"),
        state: figures.state,
        state_words: state_words(figures.state),
        caution: caution_words(figures.context),
        statement: record.statement.clone(),
        missed: missed_words(record),
        plot: IntervalPlot::of(figures, caption),
        values: values(record),
    }
}

fn values(record: &CaseRecord) -> Vec<Pair> {
    let figures = &record.count;
    let limit = Value::of("threshold_percent", percent(figures.threshold_percent));
    let mut pairs = vec![Pair::new("Reference limit", limit).noted([age_words(record.age_group)])];
    pairs.extend(deciding_words(figures).map(|words| Pair::new("True share", Value::of("deciding", words))));
    pairs.extend(named_intervals(figures));
    let floor = percent_or_unknown(figures.false_positive_floor_percent);
    let floor_95 = figures.false_positive_floor_95.map(|limits| Value::of("false_positive_floor_95", interval(limits)));
    pairs.push(
        Pair::new("False-positive floor", Value::of("false_positive_floor_percent", floor))
            .noted(floor_95)
            .noted(floor_words(record)),
    );
    pairs.extend(
        figures.grade.as_ref().map(|grade| Pair::new("Grade", grade.label.as_str()).noted([grade.table.as_str()])),
    );
    pairs.extend(other_shapes_words(figures).map(|words| {
        let value = Value::of("other_abnormal_percent", words);
        Pair::new("Other abnormal shapes", value).noted(figures.context.map(context_words))
    }));
    pairs
}

/// Every interval of the count under its name.
fn named_intervals(figures: &CountRecord) -> Vec<Pair> {
    let shown = figures.intervals().into_iter().filter(|one| one.limits.is_some() || is_always_shown(one.name));
    let pair = |name: &str, value: Value| Pair::new(format!("{name} 95 %"), value);
    let named = shown.map(|one| match one.name {
        IntervalName::Corrected => {
            let limits = one.limits.map(|limits| Value::of(interval_field(one.name), interval(limits)));
            pair(interval_name(one.name), Value::of("corrected.percent", corrected_words(figures))).noted(limits)
        }
        name => pair(interval_name(name), Value::of(interval_field(name), interval_or_unknown(one.limits))),
    });
    named.collect()
}
