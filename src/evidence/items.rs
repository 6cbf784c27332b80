//! What is known as items of the report: the context that people entered, the count of the film, the laboratory results.
//!
//! Of the context only organ findings bear on a statement. Percent is percent of counted red cells. A measured value supports
//! or speaks against mechanical hemolysis only where the count placed it, as in [`crate::count`].

use super::record::{Bearing, Direction, EarlierValue, EvidenceItem, ItemReference, Statement};
use super::rules::{self, bearing, shown_limit, sources};
use crate::clinical::{
    Analyte, Block, Cancer, ClinicalContext, DatedText, Flag, LabPanel, LabResult, OrganFinding, ReferenceOwner,
    ResultStatus, ScoreOptions, Sex, Transplant, TransplantKind,
};
use crate::count::{Context, State};

/// What was measured on the film.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SmearFinding {
    /// Schistocytes, % of red cells; `None` without a red cell.
    pub percent: Option<f64>,
    /// Lower limit of the widest interval of the called share, %.
    pub low_percent: Option<f64>,
    /// Upper limit of the same, %.
    pub high_percent: Option<f64>,
    /// Red cells counted.
    pub red_cells: u64,
    /// Schistocytes counted.
    pub schistocytes: u64,
    /// Reference limit of the age group, %.
    pub threshold_percent: f64,
    /// Where the true share lies against the limit.
    pub state: State,
    /// Whether schistocytes are the main change of shape.
    pub context: Option<Context>,
    /// Whether more were called than the model's false calls explain: its lower limit less the model's errors is above 0.
    pub beyond_model_error: bool,
    /// Whether a person read the suspicious cells, so that the count is not subject to the model's false calls.
    pub reviewed: bool,
}

impl SmearFinding {
    /// Whether schistocytes are visible, as scores ask.
    ///
    /// METHOD: a program calls some cells of healthy films too, so a few called cells do not tell. Among enough cells,
    /// schistocytes are visible where more were called than false calls explain (the lower limit lies above the floor), not
    /// visible where none was called and the count is not above the limit, else unknown.
    pub fn schistocytes_seen(&self) -> Option<bool> {
        match self.state {
            State::Above => Some(true),
            State::NotAbove if self.schistocytes == 0 => Some(false),
            State::NotAbove | State::Indeterminate if self.beyond_model_error => Some(true),
            _ => None,
        }
    }

    /// Value with interval and counts.
    fn value_text(&self) -> Option<String> {
        let (percent, low, high) = (self.percent?, self.low_percent?, self.high_percent?);
        Some(format!(
            "{percent:.2} % (95 % CI {low:.2}–{high:.2}; {} of {} red cells)",
            self.schistocytes, self.red_cells
        ))
    }

    /// Where the value lies.
    ///
    /// METHOD: ICSH calls a percentage not specific in a mixed picture. The rule says so beside the state and does not turn
    /// it: the count has allowed for the false calls of such a picture already.
    fn bearing(&self) -> Bearing {
        let limit = self.threshold_percent;
        let (direction, placed) = match (self.state, self.reviewed) {
            (State::Above, true) => (Direction::Supports, format!("the lower limit lies above the limit of {limit} %")),
            (State::NotAbove, true) => (
                Direction::SpeaksAgainst,
                format!(
                    "the upper limit, with the cells that nobody read, lies at or below the limit of {limit} %; this does \
                     not exclude TMA"
                ),
            ),
            (State::Indeterminate, true) => (
                Direction::Neutral,
                format!("with the cells that nobody read it may lie on either side of the limit of {limit} %"),
            ),
            (State::Above, false) => (
                Direction::Supports,
                format!("the lower limit less the model's errors lies above the limit of {limit} %"),
            ),
            (State::NotAbove, false) => (
                Direction::SpeaksAgainst,
                format!(
                    "the upper limit with the model's errors lies at or below the limit of {limit} %; this does not \
                     exclude TMA"
                ),
            ),
            (State::Indeterminate, false) => (
                Direction::Neutral,
                format!("with the model's errors it may lie on either side of the limit of {limit} %"),
            ),
            (State::Insufficient, _) => (Direction::Neutral, "too few red cells to place the value".to_owned()),
            (State::NotAssessable, _) if self.red_cells > 0 => {
                (Direction::Neutral, "the film is unlike all that the model was tried on".to_owned())
            }
            (State::NotAssessable, _) => (Direction::Neutral, "no red cell could be counted".to_owned()),
        };
        let caution = match self.context {
            Some(Context::MixedPoikilocytosis) => {
                "; other changes of shape outnumber schistocytes, so that a percentage is not specific"
            }
            _ => "",
        };
        bearing(Statement::MechanicalHemolysis, direction, format!("{placed}{caution}"), sources::ICSH)
    }
}

/// Items of a block.
pub(super) fn of_block(
    block: Block,
    smear: Option<&SmearFinding>,
    panel: &LabPanel,
    options: &ScoreOptions,
) -> Vec<EvidenceItem> {
    let context = &panel.context;
    let mut items = match block {
        Block::Context => of_context(context),
        Block::Smear => of_smear(smear, context),
        Block::Imaging => texts("imaging", "Imaging", &context.imaging),
        Block::Histology => texts("histology", "Histology", &context.histology),
        _ => Vec::new(),
    };
    let analytes = Analyte::ALL.iter().filter(|analyte| analyte.block() == block);
    items.extend(analytes.filter_map(|analyte| of_result(*analyte, panel, options)));
    items
}

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

/// What stands beside the software's own count.
const COUNTED: &str = "Counted by software, preliminary until reviewed.";

/// What stands beside a reviewed one.
const READ: &str = "Cells found by software, the suspicious ones read by a person.";

/// Items of the smear.
fn of_smear(smear: Option<&SmearFinding>, context: &ClinicalContext) -> Vec<EvidenceItem> {
    // Six decimals, as every published figure of the count.
    let published = |percent: f64| (percent * 1e6).round() / 1e6;
    let measured = smear.map(|smear| EvidenceItem {
        value: smear.percent.map(published),
        unit: smear.percent.map(|_| "%".to_owned()),
        reference: Some(ItemReference {
            low: None,
            high: Some(published(smear.threshold_percent)),
            owner: ReferenceOwner::BuiltIn,
            source: sources::ICSH.to_owned(),
        }),
        flag: match smear.state {
            State::Above => Some(Flag::High),
            State::NotAbove => Some(Flag::Normal),
            _ => None,
        },
        bearings: vec![smear.bearing()],
        notes: vec![if smear.reviewed { READ } else { COUNTED }.to_owned()],
        ..item(
            "schistocytes_percent",
            "Schistocytes, measured",
            smear.value_text().unwrap_or_else(|| "not assessable".to_owned()),
            None,
        )
    });
    let seen = context.schistocytes_on_film.map(|seen| {
        let (text, direction, rule) = if seen {
            ("seen", Direction::Supports, "seen on the film")
        } else {
            ("not seen", Direction::SpeaksAgainst, "not seen on the film; this does not exclude TMA")
        };
        EvidenceItem {
            bearings: vec![bearing(Statement::MechanicalHemolysis, direction, rule, sources::ENTERED)],
            ..item("schistocytes_on_film", "Schistocytes, seen by a person", text.to_owned(), None)
        }
    });
    measured.into_iter().chain(seen).collect()
}

/// The item of an analyte, where it was given.
fn of_result(analyte: Analyte, panel: &LabPanel, options: &ScoreOptions) -> Option<EvidenceItem> {
    let result = panel.current(analyte)?;
    let quantity = result.quantity();
    let collected_at = result.collected_at.map(|at| at.to_string());
    Some(EvidenceItem {
        value: quantity.map(|quantity| quantity.value),
        unit: quantity.map(|quantity| quantity.unit.clone()),
        reference: result.reference.as_ref().map(|reference| ItemReference {
            low: reference.low.map(|limit| shown_limit(limit.shown, reference.owner)),
            high: reference.high.map(|limit| shown_limit(limit.shown, reference.owner)),
            owner: reference.owner,
            source: reference.source.clone(),
        }),
        flag: result.flag,
        bearings: rules::of(result, panel, options).into_iter().collect(),
        earlier: panel
            .earlier(analyte)
            .map(|earlier| EarlierValue {
                value_text: earlier.value.to_string(),
                collected_at: earlier.collected_at.map(|at| at.to_string()),
            })
            .collect(),
        notes: notes(analyte, result, panel),
        ..item(analyte.name(), analyte.label(), result.value.to_string(), collected_at)
    })
}

/// Notes on a result, one sentence each.
fn notes(analyte: Analyte, result: &LabResult, panel: &LabPanel) -> Vec<String> {
    let status = match result.status {
        ResultStatus::Preliminary => Some("Preliminary result."),
        ResultStatus::Corrected => Some("Corrected result."),
        ResultStatus::Final => None,
    };
    let unread =
        result.unread_reference.as_ref().map(|range| format!("Its reference range `{range}` could not be read."));
    let plasma = analyte.is_adamts13().then_some(match result.before_plasma {
        Some(true) => "Drawn before plasma.",
        Some(false) => "Drawn after plasma.",
        None => "Not stated whether drawn before plasma.",
    });
    let fall = rules::platelet_fall(panel).filter(|fall| analyte == Analyte::Platelets && *fall > 0.0);
    let fallen = fall.map(|fall| format!("Fallen by {:.0} % from baseline.", 100.0 * fall));
    [status.map(str::to_owned), unread, plasma.map(str::to_owned), fallen].into_iter().flatten().collect()
}

fn yes_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}

/// Items of the context block.
fn of_context(context: &ClinicalContext) -> Vec<EvidenceItem> {
    let mut items = Vec::new();
    if let Some(years) = context.age_years {
        let age = item("age_years", "Age", format!("{years} years"), None);
        items.push(EvidenceItem { value: Some(f64::from(years)), unit: Some("a".to_owned()), ..age });
    }
    let sex = context.sex.map(|sex| match sex {
        Sex::Female => "female",
        Sex::Male => "male",
    });
    let entered = [
        ("sex", "Sex", sex.map(str::to_owned)),
        ("age_group", "Age group", context.age_group.map(|group| group.name().to_owned())),
        ("pregnant", "Pregnancy", context.pregnant.map(yes_no)),
        ("cancer", "Cancer", context.cancer.as_ref().and_then(cancer_text)),
    ];
    items.extend(entered.into_iter().filter_map(|(code, name, text)| Some(item(code, name, text?, None))));
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
    let disorder = context.dic_associated_disorder.map(yes_no);
    items.extend(disorder.map(|text| item("dic_associated_disorder", "Disorder associated with DIC", text, None)));
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
fn texts(code: &str, name: &str, texts: &[DatedText]) -> Vec<EvidenceItem> {
    texts.iter().map(|text| item(code, name, text.text.clone(), text.date.clone())).collect()
}
