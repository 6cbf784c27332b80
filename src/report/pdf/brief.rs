//! What stands behind the count in a few lines: classes, exclusions, fields, provenance. Used where the evidence needs
//! the pages; the tables of it then stand in the page and in the record.

use super::content::{cut, limits_not_met, more};
use super::room::{ELSEWHERE, Room};
use super::sheet::{Block, Item, Section};
use crate::case::CaseRecord;
use crate::report::figures::{count, counted, percent, percent_or_unknown, plain};
use crate::report::words::{
    class_healthy_list, finding_words, form_totals, forms_note, healthy_words, in_report_order, option_words,
    rate_words, reason_words, shown_percent,
};
use crate::smear::SchistocyteForm;

/// Classes, exclusions and fields.
pub(super) fn behind_the_count(record: &CaseRecord, room: &Room) -> Section {
    let mut items = vec![
        Item::new("Classes:", classes(record)),
        Item::new("Forms:", forms(record)),
        Item::new("Not counted:", exclusions(record, room)),
    ];
    let accepted = record.fields.iter().filter(|field| field.accepted).count();
    items.push(Item::new(
        "Fields:",
        format!(
            "{} accepted, {} refused.{}",
            count(accepted as u64),
            count((record.fields.len() - accepted) as u64),
            limits_not_met(record)
        ),
    ));
    let refused = record.fields.iter().filter(|field| !field.accepted);
    let refused = refused.map(|field| format!("{}: {}", field.field, field.refusals.join("; ")));
    items.extend(listed("Refused:", refused.collect(), "field", room));
    let unread = record.failed_inputs.iter().map(|failure| format!("{}: {}", failure.path, failure.reason));
    items.extend(listed("Not read:", unread.collect(), "input", room));
    Section { title: "Behind the count".to_owned(), new_page: false, blocks: vec![Block::List { items, small: true }] }
}

/// Entries in one paragraph, and how many have no room; nothing where there is none.
fn listed(term: &str, entries: Vec<String>, noun: &str, room: &Room) -> Option<Item> {
    let (shown, left_out) = cut(entries, room.entries);
    let rest = more(left_out, noun).map(|words| format!("; {words}")).unwrap_or_default();
    (!shown.is_empty()).then(|| Item::new(term, format!("{}{rest}", shown.join("; "))))
}

fn classes(record: &CaseRecord) -> String {
    if record.count.red_cells == 0 {
        return "no red cell".to_owned();
    }
    let classes = record.classes.iter().filter(|class| class.cells != Some(0));
    let words = classes.map(|class| {
        let finding = class.finding.map(finding_words);
        let parts: Vec<String> =
            shown_percent(class).map(percent).into_iter().chain(finding.map(str::to_owned)).collect();
        let cells = class.cells.map(|cells| format!(" {}", count(cells))).unwrap_or_default();
        format!("{}{cells} ({})", class.class.name(), parts.join(", "))
    });
    format!("{}; no other class.", words.collect::<Vec<_>>().join(", "))
}

fn forms(record: &CaseRecord) -> String {
    let forms = &record.count.forms;
    let cells = |form: SchistocyteForm| forms.by_form.get(form.name()).copied().unwrap_or(0);
    let named = SchistocyteForm::ALL.into_iter().filter(|&form| cells(form) > 0);
    let named = named.map(|form| format!("{} {}", form.name(), count(cells(form))));
    let rest = (forms.unassigned > 0).then(|| format!("no form by the rules {}", count(forms.unassigned)));
    let named: Vec<String> = named.chain(rest).collect();
    if named.is_empty() {
        return "no called schistocyte".to_owned();
    }
    let totals = form_totals(forms)
        .map(|(words, total)| format!("{words}: {} ({})", count(total.cells), percent_or_unknown(total.percent)));
    format!("{}. {}. {}", named.join(", "), totals.join("; "), forms_note(forms))
}

fn exclusions(record: &CaseRecord, room: &Room) -> String {
    let reasons = in_report_order(&record.exclusions)
        .into_iter()
        .map(|(name, objects)| format!("{} {}", count(objects), reason_words(name)));
    let (shown, left_out) = cut(reasons.collect(), room.entries);
    let total: u64 = record.exclusions.values().sum();
    match (shown.is_empty(), more(left_out, "reason")) {
        (true, _) => "nothing".to_owned(),
        (_, None) => format!("{}: {}.", counted(total, "object"), shown.join(", ")),
        (_, Some(rest)) => format!("{}: {}; {rest}", counted(total, "object"), shown.join(", ")),
    }
}

/// Program, model, options and inputs.
pub(super) fn provenance(record: &CaseRecord, room: &Room) -> Section {
    let provenance = &record.provenance;
    let (detector, model) = (&provenance.detector, &provenance.model);
    let options = provenance.options.iter().map(|(name, value)| format!("{name} {}", option_words(value)));
    let mut items = vec![
        Item::new(
            "Program:",
            format!(
                "{} {}, method {}, record {}, engine {}",
                provenance.software,
                provenance.software_version,
                provenance.method_version,
                record.schema_version,
                provenance.engine
            ),
        ),
        Item::new("Cell detector:", format!("{} {}, SHA-256 {}", detector.name, detector.version, detector.sha256)),
        Item::new(
            "Model:",
            format!(
                "{} {}, operating point {}, SHA-256 {}",
                model.name,
                model.version,
                plain(model.operating_point),
                model.sha256
            ),
        ),
        Item::new(
            "Error rates:",
            format!(
                "sensitivity {}; specificity {}; called schistocyte in healthy people {}; other classes {}",
                rate_words(model.sensitivity, model.sensitivity_cells),
                rate_words(model.specificity, model.specificity_cells),
                healthy_words(model.healthy_share.as_ref()),
                class_healthy_list(&model.class_healthy_shares)
            ),
        ),
    ];
    items.extend(listed("Options:", options.collect(), "option", room));
    items.push(Item::new(
        "Inputs:",
        format!("{}; names and SHA-256 in {ELSEWHERE}", counted(provenance.inputs.len() as u64, "file")),
    ));
    Section { title: "Provenance".to_owned(), new_page: false, blocks: vec![Block::List { items, small: true }] }
}
