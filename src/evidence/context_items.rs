//! Context as items: what people entered. Only organ findings bear on a statement.

use super::record::{Direction, EvidenceItem, Statement};
use super::rules::bearing;
use super::sources;
use crate::clinical::{Cancer, ClinicalContext, DatedText, OrganFinding, Sex, Transplant, TransplantKind};

/// An item without number and interval.
fn item(code: &str, name: &str, value_text: String, date: Option<String>) -> EvidenceItem {
    EvidenceItem {
        code: code.to_owned(),
        name: name.to_owned(),
        value_text,
        value: None,
        unit: None,
        reference: None,
        flag: None,
        collected_at: date,
        bearings: Vec::new(),
        earlier: Vec::new(),
        notes: Vec::new(),
    }
}

fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

/// Items of the context block.
pub(super) fn context(context: &ClinicalContext) -> Vec<EvidenceItem> {
    let mut items = Vec::new();
    if let Some(years) = context.age_years {
        let age = item("age_years", "Age", format!("{years} years"), None);
        items.push(EvidenceItem { value: Some(f64::from(years)), unit: Some("a".to_owned()), ..age });
    }
    if let Some(sex) = context.sex {
        let word = match sex {
            Sex::Female => "female",
            Sex::Male => "male",
        };
        items.push(item("sex", "Sex", word.to_owned(), None));
    }
    if let Some(group) = context.age_group {
        items.push(item("age_group", "Age group", group.name().to_owned(), None));
    }
    if let Some(pregnant) = context.pregnant {
        items.push(item("pregnant", "Pregnancy", yes_no(pregnant).to_owned(), None));
    }
    if let Some(cancer) = context.cancer.as_ref().and_then(cancer_text) {
        items.push(item("cancer", "Cancer", cancer, None));
    }
    match context.drugs.as_deref() {
        None => {}
        Some([]) => items.push(item("drugs", "Drugs", "none".to_owned(), None)),
        Some(drugs) => items.extend(drugs.iter().map(|drug| {
            let since = drug.start_date.as_ref().map(|date| format!(", since {date}")).unwrap_or_default();
            item("drug", "Drug", format!("{}{since}", drug.name), drug.start_date.clone())
        })),
    }
    if let Some(Transplant { kind, date }) = &context.transplant {
        let word = match kind {
            TransplantKind::None => "none",
            TransplantKind::SolidOrgan => "solid organ",
            TransplantKind::StemCell => "stem cells",
        };
        items.push(item("transplant", "Transplantation", word.to_owned(), date.clone()));
    }
    for (code, name, finding, statement) in [
        ("neurological", "Neurological finding", &context.neurological, Some(Statement::NeurologicalInvolvement)),
        ("cardiac", "Cardiac finding", &context.cardiac, Some(Statement::CardiacInvolvement)),
        ("gastrointestinal", "Gastrointestinal finding", &context.gastrointestinal, None),
    ] {
        items.extend(finding.as_ref().map(|finding| organ(code, name, finding, statement)));
    }
    if let Some(disorder) = context.dic_associated_disorder {
        let name = "Disorder associated with DIC";
        items.push(item("dic_associated_disorder", name, yes_no(disorder).to_owned(), None));
    }
    items
}

/// A finding of an organ.
fn organ(code: &str, name: &str, finding: &OrganFinding, statement: Option<Statement>) -> EvidenceItem {
    let present = if finding.present { "present" } else { "none" };
    let text = match &finding.text {
        Some(text) => format!("{present}: {text}"),
        None => present.to_owned(),
    };
    let direction = if finding.present { Direction::Supports } else { Direction::SpeaksAgainst };
    let rule = if finding.present { "a finding was entered" } else { "entered as none" };
    let bearings = statement.map(|statement| bearing(statement, direction, rule, sources::ENTERED));
    EvidenceItem { bearings: bearings.into_iter().collect(), ..item(code, name, text, finding.date.clone()) }
}

/// What is known of a cancer in one line; `None` where nothing is.
pub(super) fn cancer_text(cancer: &Cancer) -> Option<String> {
    let mut parts: Vec<String> = cancer.tumor.iter().cloned().collect();
    for (name, known) in
        [("active", cancer.active), ("metastatic", cancer.metastatic), ("in the bone marrow", cancer.marrow)]
    {
        parts.extend(known.map(|known| format!("{name}: {}", yes_no(known))));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Free texts with their dates.
pub(super) fn texts(code: &str, name: &str, texts: &[DatedText]) -> Vec<EvidenceItem> {
    texts.iter().map(|text| item(code, name, text.text.clone(), text.date.clone())).collect()
}
