//! What was counted and what was left out: classes, forms, exclusions.

use std::collections::BTreeMap;

use super::model::{Block, Cell, Column, Layout, Section, Table, Value};
use super::values::{count, counted, percent, percent_digits, share_percent};
use super::words::{finding_words, in_report_order};
use crate::case::{CaseRecord, ClassFinding, ClassRecord};
use crate::count::{FORMS_MEASURED, FORMS_READ};
use crate::smear::{CellClass, ExclusionReason, SchistocyteForm};

/// Section of the classes: a bar where the film shows the class, its number, and what it says of the film.
pub(crate) fn classes(record: &CaseRecord) -> Section {
    let mut blocks = Vec::new();
    if record.count.red_cells == 0 {
        blocks.push(Block::text("No red cell was counted."));
    } else {
        blocks.extend(classes_note(&record.classes).map(Block::note));
        let columns = vec![
            Column::words("Class", 2),
            Column::words("Share", 4),
            Column::number("%"),
            Column::number("Cells"),
            Column::words("In this film", 4),
        ];
        let caption = match record.count.is_reviewed() {
            true => {
                "Counted red cells by the class that a reader named, else by that the model calls; bars share one scale \
                 from 0 to 100 %."
            }
            false => "Counted red cells by the class that the model calls; bars share one scale from 0 to 100 %.",
        };
        let rows = record.classes.iter().map(class_row).collect();
        blocks.push(Block::Table(Table::new(Layout::Classes, columns, rows).captioned(caption)));
    }
    Section::new("classes", "Class distribution", blocks)
}

/// What the table of classes needs said; nothing where every shape was assessed.
fn classes_note(classes: &[ClassRecord]) -> Option<&'static str> {
    let mut shapes = classes.iter().filter(|record| record.class.is_other_abnormal_shape());
    shapes.any(|record| record.finding == Some(ClassFinding::NotAssessed)).then_some(
        "Shapes marked so are not assessed by this model: how many it calls in healthy films was not measured.",
    )
}

fn class_row(record: &ClassRecord) -> Vec<Cell> {
    let name = record.class.name();
    // METHOD: a share within the model's error reads like a finding as soon as it is printed as one. So a percentage is
    // printed for what is no finding and for classes that the film shows.
    let share = record.percent.filter(|_| matches!(record.finding, None | Some(ClassFinding::Present)));
    let healthy = record.floor_95.filter(|_| record.cells.is_some());
    let healthy = healthy.map(|limits| format!(" (healthy films up to {})", percent(limits.high)));
    let finding = record.finding.map(|finding| finding_words(finding).to_owned() + &healthy.unwrap_or_default());
    let cells = record.cells.map_or_else(|| "–".to_owned(), count);
    let row = [
        Cell::new(name),
        Cell { bar: share, ..Cell::default() },
        Cell::new(share.map_or_else(|| "–".to_owned(), percent_digits)),
        Cell::new(Value::of(format!("classes.{name}"), cells)),
        Cell::new(finding.unwrap_or_default()),
    ];
    row.map(|cell| cell.strong_if(record.class == CellClass::Schistocyte)).into()
}

/// Section of the forms of the called schistocytes, with the totals of ICSH's rule for microspherocytes.
pub(crate) fn forms(record: &CaseRecord) -> Section {
    let forms = &record.count.forms;
    if record.count.schistocytes == 0 {
        let none = if record.count.is_reviewed() { "No schistocyte was read." } else { "No schistocyte was called." };
        return Section::new("forms", "Forms", vec![Block::text(none)]);
    }
    let note = match (record.count.is_reviewed(), forms.validated) {
        (true, _) => FORMS_READ,
        (false, true) => "Form of each called schistocyte by rules on its outline.",
        (false, false) => FORMS_MEASURED,
    };
    let row = |words: &str, cells: Value, share: Option<f64>| {
        let share = share.map_or_else(|| "–".to_owned(), percent);
        vec![Cell::new(words), Cell::new(cells), Cell::new(share)]
    };
    let of_red_cells = |cells: u64| share_percent(cells, record.count.red_cells);
    let by_form = SchistocyteForm::ALL.map(|form| {
        let cells = forms.by_form.get(form.name()).copied().unwrap_or(0);
        row(form.name(), Value::of(format!("forms.{}", form.name()), count(cells)), of_red_cells(cells))
    });
    let unassigned = row("no form by the rules", count(forms.unassigned).into(), of_red_cells(forms.unassigned));
    let totals = [
        ("By the ICSH rule: microspherocytes only beside another form", forms.by_icsh_rule),
        ("Without microspherocytes", forms.without_microspherocytes),
        ("Helmets, crescents and triangles alone", forms.core),
    ];
    let totals = totals.map(|(words, total)| row(words, count(total.cells).into(), total.percent));
    let table = |title: &str, rows: Vec<Vec<Cell>>| {
        let columns = vec![Column::words(title, 1), Column::number("Cells"), Column::number("Of red cells")];
        Table::new(Layout::Facts, columns, rows)
    };
    let by_form = by_form.into_iter().chain([unassigned]).collect();
    let tables = vec![table("Form", by_form), table("Total", totals.into())];
    Section::new("forms", "Forms", vec![Block::note(note), Block::Tables { tables }])
}

/// Section of the exclusions, over all fields.
pub(crate) fn exclusions(record: &CaseRecord) -> Section {
    let total: u64 = record.exclusions.values().sum();
    let blocks = if total == 0 {
        vec![Block::text("Nothing was excluded.")]
    } else {
        let lead = format!(
            "{} {} not in the count. Nothing is dropped without a reason; every object is a row of cells.csv.",
            counted(total, "object"),
            if total == 1 { "is" } else { "are" }
        );
        let mut table = exclusion_table(&record.exclusions);
        for (row, (reason, _)) in table.rows.iter_mut().zip(in_report_order(&record.exclusions)) {
            row[1].value.field = Some(format!("exclusions.{}", reason.name()));
        }
        vec![Block::note(lead), Block::Table(table)]
    };
    Section::new("exclusions", "What was excluded, and why", blocks)
}

/// Objects by reason, each with a sample of its outline.
pub(crate) fn exclusion_table(exclusions: &BTreeMap<ExclusionReason, u64>) -> Table {
    let rows = in_report_order(exclusions).into_iter().map(|(reason, objects)| {
        let reason = Cell { swatch: Some(format!("excluded {}", reason.name())), ..Cell::new(reason.describe()) };
        vec![reason, Cell::new(count(objects))]
    });
    Table::new(Layout::Facts, vec![Column::words("Reason", 1), Column::number("Objects")], rows.collect())
}
