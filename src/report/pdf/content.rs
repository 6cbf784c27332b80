//! The count of a case in the words of the sheet: identity, result, warnings, gallery, classes, exclusions, fields.
//!
//! In: a case and how much of it has room. Out: a [`Draft`]. Every figure is the record's; words are those that the page
//! uses, too.

use std::io;

use super::gallery::gallery;
use super::provenance::provenance;
use super::room::{ELSEWHERE, Room};
use super::sheet::{
    Block, Cell, Column, Head, Item, Outcome, Pair, Plot, PlotRow, Running, Section, Sheet, Table, Tick,
};
use super::typeset::Asset;
use super::{brief, evidence};
use crate::case::{Case, CaseRecord, CountRecord, FieldRecord, IntervalName, PercentInterval, State};
use crate::report::figures::{
    count, counted, interval, interval_or_unknown, percent, percent_digits, percent_or_unknown, plain, share_percent,
};
use crate::report::identity::identity;
use crate::report::intervals::IntervalPlot;
use crate::report::notices::Notice;
use crate::report::words::{
    REVIEW_STATUS, age_words, caution_words, classes_note, context_words, corrected_words, deciding_words,
    figure_words, finding_words, floor_words, form_totals, forms_note, in_report_order, interval_name, is_always_shown,
    missed_words, other_shapes_words, reason_words, shown_percent, state_words,
};
use crate::smear::{CellClass, SchistocyteForm};

/// The document before it is laid out.
pub(super) struct Draft {
    /// Its words.
    pub(super) sheet: Sheet,
    /// Its pictures.
    pub(super) assets: Vec<Asset>,
}

impl Draft {
    /// Of a case.
    ///
    /// # Errors
    /// A picture cannot be read.
    pub(super) fn new(case: &Case, room: &Room) -> io::Result<Self> {
        let record = &case.record;
        let (gallery, assets) = gallery(case, room)?;
        let mut sections = Vec::from(gallery);
        match &record.evidence {
            None => {
                sections.extend([classes_and_exclusions(record, room), fields(record, room), provenance(record, room)]);
            }
            Some(evidence) => {
                sections.push(brief::behind_the_count(record, room));
                sections.extend(evidence::sections(evidence, room));
                sections.push(brief::provenance(record, room));
            }
        }
        let sheet = Sheet {
            title: "Schistocyte count".to_owned(),
            running: Running {
                name: "Schistocyte count".to_owned(),
                specimen: match &record.accession {
                    Some(accession) => format!("Accession {accession}"),
                    None => "No accession given".to_owned(),
                },
            },
            review: REVIEW_STATUS.to_owned(),
            review_short: "Preliminary".to_owned(),
            footer: record.footer.clone(),
            identity: identity_pairs(record),
            result: outcome(record),
            plot: IntervalPlot::of(&record.count).map(|plot| drawn(&plot)),
            warnings: warnings(record),
            sections,
        };
        Ok(Self { sheet, assets })
    }
}

fn identity_pairs(record: &CaseRecord) -> Vec<Pair> {
    identity(record).into_iter().map(|line| Pair::noted(line.name, line.value, line.note)).collect()
}

fn outcome(record: &CaseRecord) -> Outcome {
    let figures = &record.count;
    let accepted = record.fields.iter().filter(|field| field.accepted).count() as u64;
    let mut sizes = Vec::new();
    if let Some(limits) = figures.widest_95() {
        sizes.push(Pair::new("95 % interval", interval(limits)));
    }
    sizes.push(Pair::new(
        "Counted",
        format!(
            "{} of {} in {}",
            count(figures.schistocytes),
            counted(figures.red_cells, "red cell"),
            counted(accepted, "field")
        ),
    ));
    let floor_notes = [figures.false_positive_floor_95.map(interval), floor_words(record)];
    let floor_note = floor_notes.into_iter().flatten().collect::<Vec<_>>().join("; ");
    let grade = figures.grade.as_ref().map(|grade| Pair::noted("Grade", &grade.label, Some(grade.table.clone())));
    let mut pairs = vec![Pair::noted(
        "Reference limit",
        percent(figures.threshold_percent),
        Some(age_words(record.age_group).to_owned()),
    )];
    pairs.extend(deciding_words(figures).map(|words| Pair::new("True share", words)));
    pairs.extend(named_intervals(figures));
    pairs.push(Pair::noted(
        "False-positive floor",
        percent_or_unknown(figures.false_positive_floor_percent),
        Some(floor_note).filter(|note| !note.is_empty()),
    ));
    let context = figures.context.map(|context| context_words(context).to_owned());
    pairs.extend(other_shapes_words(figures).map(|words| Pair::noted("Other abnormal shapes", words, context)));
    pairs.extend(grade);
    Outcome {
        percent: figures.percent.map(percent_digits),
        firm: !matches!(figures.state, State::Insufficient | State::NotAssessable),
        sizes,
        verdict: state_words(figures.state).to_owned(),
        caution: caution_words(figures.context).map(str::to_owned),
        statement: record.statement.clone(),
        missed: missed_words(record),
        figures: pairs,
    }
}

/// Every interval of the count under its name.
fn named_intervals(figures: &CountRecord) -> Vec<Pair> {
    let shown = figures.intervals().into_iter().filter(|one| one.limits.is_some() || is_always_shown(one.name));
    let pair = |name: IntervalName, limits: Option<PercentInterval>| match name {
        IntervalName::Corrected => {
            let value = corrected_words(figures);
            Pair::noted(format!("{} 95 %", interval_name(name)), value, limits.map(interval))
        }
        _ => Pair::new(format!("{} 95 %", interval_name(name)), interval_or_unknown(limits)),
    };
    shown.map(|one| pair(one.name, one.limits)).collect()
}

fn drawn(plot: &IntervalPlot) -> Plot {
    let place = |value: f64| plot.axis.place(value);
    Plot {
        label: plot.label(),
        threshold: place(plot.threshold_percent),
        threshold_words: format!("reference limit {} %", plain(plot.threshold_percent)),
        ticks: plot.axis.ticks().map(|tick| Tick { place: place(tick), words: format!("{} %", plain(tick)) }).collect(),
        rows: plot
            .rows
            .iter()
            .map(|row| PlotRow {
                words: row.words(),
                low: row.interval.map(|limits| place(limits.low)),
                high: row.interval.map(|limits| place(limits.high)),
                point: row.point.map(place),
            })
            .collect(),
    }
}

/// What a reader must know before using the figure, where there is anything.
fn warnings(record: &CaseRecord) -> Option<Block> {
    let notices = Notice::of(record);
    let items = notices.iter().map(|notice| Item::new(notice.title(), notice.text())).collect();
    (!notices.is_empty()).then(|| Block::Warning { title: "To be considered".to_owned(), items })
}

fn classes_and_exclusions(record: &CaseRecord, room: &Room) -> Section {
    let classes = record.classes.iter().map(|class| {
        let share = shown_percent(class).map_or_else(|| "–".to_owned(), percent_digits);
        let cells = class.cells.map_or_else(|| "–".to_owned(), count);
        let finding = class.finding.map(finding_words).unwrap_or_default().to_owned();
        let strong = class.class == CellClass::Schistocyte;
        [class.class.name().to_owned(), share, cells, finding].map(|text| Cell::new(text).strong_if(strong)).into()
    });
    let classes = Table {
        caption: Some("Counted red cells by the class that the model calls".to_owned()),
        columns: vec![
            Head::words("Class", 1),
            Head::number("%"),
            Head::number("Cells"),
            Head::words("In this film", 1),
        ],
        rows: classes.collect(),
        note: classes_note(&record.classes).map(str::to_owned),
        small: false,
    };
    let forms = Table {
        caption: Some(forms_note(&record.count.forms).to_owned()),
        columns: vec![Head::words("Called schistocytes", 1), Head::number("Cells"), Head::number("Of red cells")],
        rows: form_rows(record),
        note: None,
        small: false,
    };
    let reasons = in_report_order(&record.exclusions);
    let total: u64 = record.exclusions.values().sum();
    let (shown, left_out) = cut(reasons, room.entries);
    let rows = shown.into_iter().map(|(name, objects)| vec![Cell::new(reason_words(name)), Cell::new(count(objects))]);
    let exclusions = if total == 0 {
        Block::text("Nothing was excluded.")
    } else {
        Block::Table(Table {
            caption: Some(format!("{} not counted, by reason", counted(total, "object"))),
            columns: vec![Head::words("Reason", 1), Head::number("Objects")],
            rows: rows.collect(),
            note: more(left_out, "reason"),
            small: false,
        })
    };
    let columns = vec![
        Column { width: 1, blocks: vec![Block::Table(classes)] },
        Column { width: 1, blocks: vec![exclusions, Block::Table(forms)] },
    ];
    Section { title: "Classes and exclusions".to_owned(), new_page: true, blocks: vec![Block::Columns { columns }] }
}

/// Cells of each form, then the totals with their share.
fn form_rows(record: &CaseRecord) -> Vec<Vec<Cell>> {
    let forms = &record.count.forms;
    let row = |words: &str, cells: u64, share: Option<f64>| {
        let share = share.map_or_else(|| "–".to_owned(), percent);
        vec![Cell::new(words), Cell::new(count(cells)), Cell::new(share)]
    };
    let by_form = SchistocyteForm::ALL.map(|form| {
        let cells = forms.by_form.get(form.name()).copied().unwrap_or(0);
        row(form.name(), cells, share_percent(cells, record.count.red_cells))
    });
    let unassigned =
        row("no form by the rules", forms.unassigned, share_percent(forms.unassigned, record.count.red_cells));
    let totals = form_totals(forms).map(|(words, total)| row(words, total.cells, total.percent));
    by_form.into_iter().chain([unassigned]).chain(totals).collect()
}

/// The first entries of a list, and how many are left out.
pub(super) fn cut<T>(mut list: Vec<T>, most: usize) -> (Vec<T>, usize) {
    let left_out = list.len().saturating_sub(most);
    list.truncate(most);
    (list, left_out)
}

/// Says that a list was cut; nothing where it was not.
pub(super) fn more(left_out: usize, noun: &str) -> Option<String> {
    (left_out > 0).then(|| format!("{} more: see {ELSEWHERE}.", counted(left_out as u64, noun)))
}

fn fields(record: &CaseRecord, room: &Room) -> Section {
    let all = record.fields.len();
    let accepted = record.fields.iter().filter(|field| field.accepted).count();
    let mut blocks = Vec::new();
    if all == 0 {
        blocks.push(Block::text("No field was read."));
    } else {
        blocks.push(Block::text(format!(
            "{}: {} accepted, {} refused.{}",
            counted(all as u64, "field"),
            count(accepted as u64),
            count((all - accepted) as u64),
            limits_not_met(record),
        )));
        blocks.push(field_table(record, room));
    }
    let (failures, left_out) = cut(record.failed_inputs.iter().collect(), room.entries);
    if !failures.is_empty() {
        blocks.push(Block::heading("Inputs that could not be read"));
        let items = failures.iter().map(|failure| Item::new(&failure.path, &failure.reason));
        blocks.push(Block::List { items: items.collect(), small: false });
        blocks.extend(more(left_out, "input").map(Block::note));
    }
    Section { title: "Fields".to_owned(), new_page: false, blocks }
}

/// How often each quality limit was not met, in the order of the figures.
pub(super) fn limits_not_met(record: &CaseRecord) -> String {
    let mut missed: Vec<(&str, u64)> = Vec::new();
    for figure in record.fields.iter().flat_map(|field| &field.quality).filter(|figure| !figure.accepted) {
        match missed.iter_mut().find(|(name, _)| *name == figure.name) {
            Some((_, fields)) => *fields += 1,
            None => missed.push((&figure.name, 1)),
        }
    }
    if missed.is_empty() {
        return String::new();
    }
    let words = missed.iter().map(|(name, fields)| format!("{} in {}", figure_words(name), counted(*fields, "field")));
    format!(" Limits not met: {}.", words.collect::<Vec<_>>().join(", "))
}

/// Every field where there is room; otherwise the refused ones first, because their reasons stand nowhere else here.
fn field_table(record: &CaseRecord, room: &Room) -> Block {
    let mut numbered: Vec<(usize, &FieldRecord)> = record.fields.iter().enumerate().collect();
    if numbered.len() > room.fields {
        numbered.sort_by_key(|(_, field)| field.accepted);
    }
    let (shown, left_out) = cut(numbered, room.fields);
    let rows = shown.into_iter().map(|(index, field)| {
        let quality = if field.accepted { "accepted" } else { "refused" };
        vec![
            Cell::new((index + 1).to_string()),
            Cell::new(&field.field),
            Cell::new(quality)
                .strong_if(!field.accepted)
                .noted(Some(field.refusals.join("; ")).filter(|words| !words.is_empty())),
            Cell::new(count(field.red_cells)),
            Cell::new(count(field.schistocytes)),
            Cell::new(count(field.exclusions.values().sum())),
        ]
    });
    Block::Table(Table {
        caption: None,
        columns: vec![
            Head::number("No."),
            Head::words("Field", 3),
            Head::words("Quality", 4),
            Head::number("Red cells"),
            Head::number("Schistocytes"),
            Head::number("Excluded"),
        ],
        rows: rows.collect(),
        note: more(left_out, "field"),
        small: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_list_says_how_many_are_left_out() {
        assert_eq!(cut(vec![1, 2, 3], 2), (vec![1, 2], 1));
        assert_eq!(cut(vec![1, 2], 2), (vec![1, 2], 0));
        assert_eq!(more(0, "field"), None);
        assert_eq!(more(1, "field").as_deref(), Some("1 field more: see the page (html) and the record (json)."));
    }
}
