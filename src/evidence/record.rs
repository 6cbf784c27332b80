//! The evidence as it is published.
//!
//! Every type is written to `case.json` and read back strictly. Values stand in the unit in which the laboratory gave
//! them; nothing is scaled silently. Unknown is null, and `missing` names what was not given at all.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

use crate::clinical::{Block, Flag, IgnoredObservation, ReferenceOwner, Score};

/// What items are weighed for. None of them is a diagnosis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[derive(IntoStaticStr, VariantArray)]
pub enum Statement {
    /// Red cells are broken mechanically.
    #[strum(to_string = "Mechanical hemolysis")]
    MechanicalHemolysis,
    /// Platelets are low or fell.
    Thrombocytopenia,
    /// Coagulation is activated and its factors are used up.
    #[strum(to_string = "Coagulation activation")]
    CoagulationActivation,
    /// The kidney is involved.
    #[strum(to_string = "Renal involvement")]
    RenalInvolvement,
    /// The nervous system is involved.
    #[strum(to_string = "Neurological involvement")]
    NeurologicalInvolvement,
    /// The heart is involved.
    #[strum(to_string = "Cardiac involvement")]
    CardiacInvolvement,
    /// ADAMTS13 activity is severely reduced.
    #[strum(to_string = "Severe ADAMTS13 deficiency")]
    SevereAdamts13Deficiency,
    /// Complement is activated.
    #[strum(to_string = "Complement activation")]
    ComplementActivation,
}

impl Statement {
    /// Every statement, in the order of the report.
    pub const ALL: &[Self] = <Self as VariantArray>::VARIANTS;

    /// Title for people.
    pub fn title(self) -> &'static str {
        self.into()
    }
}

/// Which way an item points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "lowercase")]
pub enum Direction {
    /// For the statement.
    Supports,
    /// Against it.
    #[strum(serialize = "speaks against")]
    SpeaksAgainst,
    /// Neither, though there is a rule that says why.
    #[strum(serialize = "says nothing about")]
    Neutral,
}

impl Direction {
    /// The direction in words.
    pub fn words(self) -> &'static str {
        self.into()
    }
}

/// What an item says about a statement, and by which rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bearing {
    /// The statement.
    pub statement: Statement,
    /// Which way the item points.
    pub direction: Direction,
    /// The rule with its limit and unit.
    pub rule: String,
    /// Where the rule is from.
    pub source: String,
}

/// The reference interval of an item, in the item's unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemReference {
    /// Lower limit; null where there is none.
    pub low: Option<f64>,
    /// Upper limit; null where there is none.
    pub high: Option<f64>,
    /// Whose interval it is.
    pub owner: ReferenceOwner,
    /// Where it is from.
    pub source: String,
}

/// An earlier value of the same item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EarlierValue {
    /// Value with unit.
    pub value_text: String,
    /// Time of collection, ISO 8601; null where not given.
    pub collected_at: Option<String>,
}

/// One item of a block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceItem {
    /// Stable name for programs: an analyte's name in files, or of a context field.
    pub code: String,
    /// Name for people.
    pub name: String,
    /// Value with comparator and unit, as it is printed.
    pub value_text: String,
    /// Number; null where the value is a word or a text.
    pub value: Option<f64>,
    /// UCUM unit of number and interval; null where the value has none.
    pub unit: Option<String>,
    /// Reference interval in the same unit; null where none is known.
    pub reference: Option<ItemReference>,
    /// Where the value lies against the interval; null where there is no interval or the comparator leaves it open.
    pub flag: Option<Flag>,
    /// Time of collection, ISO 8601; null where not given.
    pub collected_at: Option<String>,
    /// What the item says about statements; one that is not named here is not touched by it (neutral).
    pub bearings: Vec<Bearing>,
    /// Earlier values, oldest first.
    pub earlier: Vec<EarlierValue>,
    /// Notes on this item, one sentence each.
    pub notes: Vec<String>,
}

/// One block of the report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceBlock {
    /// Which block.
    pub block: Block,
    /// Title for people.
    pub title: String,
    /// What is known.
    pub items: Vec<EvidenceItem>,
    /// Names of what was not given.
    pub missing: Vec<String>,
}

/// The items for and against one statement. There is no verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatementEvidence {
    /// The statement.
    pub statement: Statement,
    /// Title for people.
    pub title: String,
    /// Items that support it: name, value and rule.
    pub supports: Vec<WeighedItem>,
    /// Items that speak against it.
    pub speaks_against: Vec<WeighedItem>,
    /// Items that have a rule for it and say nothing here.
    pub neutral: Vec<WeighedItem>,
    /// Names of items that have a rule for it and were not given.
    pub missing: Vec<String>,
}

/// An item under a statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WeighedItem {
    /// Stable name for programs, as in [`EvidenceItem::code`].
    pub code: String,
    /// Name for people.
    pub name: String,
    /// Value as it is printed.
    pub value_text: String,
    /// The rule.
    pub rule: String,
    /// Where the rule is from.
    pub source: String,
}

/// What a patient with cancer was exposed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExposureKind {
    /// The tumor.
    Tumor,
    /// Metastases.
    Metastasis,
    /// Tumor in the bone marrow.
    Marrow,
    /// A drug that publications report with TMA.
    Drug,
    /// A drug that is not in the table.
    OtherDrug,
}

/// One exposure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exposure {
    /// Kind.
    pub kind: ExposureKind,
    /// Name as given, for instance the drug.
    pub name: String,
    /// What is known of it in this patient.
    pub detail: String,
    /// Date of start or finding, ISO 8601; null where not given.
    pub date: Option<String>,
    /// What publications report; null where the table has nothing.
    pub published: Option<String>,
    /// Publication; null where the table has nothing.
    pub source: Option<String>,
}

/// An item that differs between two pictures in publications, and where this patient's value lies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ComparedItem {
    /// Stable name for programs, as in [`EvidenceItem::code`].
    pub code: String,
    /// Name for people.
    pub name: String,
    /// What publications report.
    pub published: String,
    /// This patient's value; null where it was not given.
    pub value_text: Option<String>,
    /// Where the value lies against the published limit; null where it was not given.
    pub position: Option<String>,
    /// Publication.
    pub source: String,
}

/// The items that publications compare.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// Stable name for programs: `ttp`, `dic` or `complement`.
    pub code: String,
    /// Title for people.
    pub title: String,
    /// Items.
    pub items: Vec<ComparedItem>,
}

/// The page for a patient with cancer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CancerPage {
    /// Tumor, metastasis, marrow and drugs.
    pub exposures: Vec<Exposure>,
    /// What publications compare with TTP, with DIC and with complement-mediated disease.
    pub comparisons: Vec<Comparison>,
    /// Names of what is still missing.
    pub missing: Vec<String>,
    /// What to keep in mind.
    pub caveats: Vec<String>,
}

/// All evidence of one case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Blocks in the order of [`Block::ALL`]; every block is there.
    pub blocks: Vec<EvidenceBlock>,
    /// Statements in the order of [`Statement::ALL`]; every statement is there.
    pub statements: Vec<StatementEvidence>,
    /// Names of what was not given, all blocks together.
    pub missing: Vec<String>,
    /// What the evidence cannot tell in this case, one sentence each.
    pub limitations: Vec<String>,
    /// Scores.
    pub scores: Vec<Score>,
    /// The page for a patient with cancer; null where no cancer is known.
    pub cancer_page: Option<CancerPage>,
    /// Observations of a message that are not on the list of analytes.
    pub ignored: Vec<IgnoredObservation>,
}
