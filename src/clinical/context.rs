//! Who the patient is, as far as scores and rules depend on it, and how a message says so. People enter it; unknown is null.
//!
//! `cancer`, `drugs` and `transplant` can say that there is none: `{"active": false}`, `[]`, `{"kind": "none"}`.
//!
//! In messages the answers asked at order entry are sent as observations beside the results. In: a field name as code
//! (system `99TMA` in HL7 v2, `urn:schistoquant` in FHIR, or a local code that configuration maps) with a word, a text and
//! a date. Out: the field set in a [`ClinicalContext`]. `drug`, `imaging` and `histology` may repeat. LOINC 800-3 and
//! 104779-4 (schistocytes, presence in blood) give `schistocytes_on_film`.

use schemars::JsonSchema;
use serde::de::{IntoDeserializer, value::Error};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::analyte::Analyte;
use super::error::PanelProblem;
use crate::smear::AgeGroup;

/// Sex that selects a reference interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sex {
    /// Female.
    Female,
    /// Male.
    Male,
}

/// What is known of a cancer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cancer {
    /// Tumor, in words.
    pub tumor: Option<String>,
    /// Whether a cancer is active; false also where there never was one.
    pub active: Option<bool>,
    /// Whether it has spread to other organs.
    pub metastatic: Option<bool>,
    /// Whether it is in the bone marrow.
    pub marrow: Option<bool>,
}

/// A drug that was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Drug {
    /// Name of the substance.
    pub name: String,
    /// First day, `YYYY-MM-DD`.
    #[serde(default)]
    pub start_date: Option<String>,
}

/// What was transplanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransplantKind {
    /// Nothing, ever.
    None,
    /// A solid organ.
    SolidOrgan,
    /// Hematopoietic stem cells.
    StemCell,
}

/// History of transplantation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transplant {
    /// What was transplanted.
    pub kind: TransplantKind,
    /// When, `YYYY-MM-DD`.
    #[serde(default)]
    pub date: Option<String>,
}

/// A clinical finding of an organ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganFinding {
    /// Whether there is one.
    pub present: bool,
    /// In words.
    #[serde(default)]
    pub text: Option<String>,
    /// When, `YYYY-MM-DD`.
    #[serde(default)]
    pub date: Option<String>,
}

/// A free text with its date; it is printed and not weighed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatedText {
    /// The text.
    pub text: String,
    /// When, `YYYY-MM-DD`.
    #[serde(default)]
    pub date: Option<String>,
}

/// Context of a panel.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClinicalContext {
    /// Completed years.
    pub age_years: Option<u32>,
    /// Sex.
    pub sex: Option<Sex>,
    /// Age group. It tells newborns from others.
    pub age_group: Option<AgeGroup>,
    /// Whether the patient is pregnant.
    pub pregnant: Option<bool>,
    /// Cancer.
    pub cancer: Option<Cancer>,
    /// Drugs; an empty list says that none was given.
    pub drugs: Option<Vec<Drug>>,
    /// Transplantation.
    pub transplant: Option<Transplant>,
    /// Finding of the nervous system.
    pub neurological: Option<OrganFinding>,
    /// Finding of the heart.
    pub cardiac: Option<OrganFinding>,
    /// Finding of the gut.
    pub gastrointestinal: Option<OrganFinding>,
    /// Whether a person saw schistocytes on the film.
    pub schistocytes_on_film: Option<bool>,
    /// Whether a disorder known to be associated with overt DIC is present.
    pub dic_associated_disorder: Option<bool>,
    /// Imaging.
    pub imaging: Vec<DatedText>,
    /// Histology.
    pub histology: Vec<DatedText>,
}

/// First completed year in which scores for adults apply.
const ADULT_FROM_YEARS: u32 = 18;

/// Highest age that is believed, years.
pub const HIGHEST_AGE_YEARS: u32 = 130;

impl ClinicalContext {
    /// Whether the patient is an adult. The age group `adult` holds children too, so it alone does not tell.
    pub fn is_adult(&self) -> Option<bool> {
        match (self.age_years, self.age_group) {
            (Some(years), _) => Some(years >= ADULT_FROM_YEARS),
            (None, Some(AgeGroup::TermNeonate | AgeGroup::PretermNeonate)) => Some(false),
            (None, _) => None,
        }
    }

    /// Whether a cancer is active.
    pub fn active_cancer(&self) -> Option<bool> {
        self.cancer.as_ref()?.active
    }

    /// Whether any cancer is known, active or not.
    pub fn has_cancer(&self) -> bool {
        let said = |cancer: &Cancer| [cancer.active, cancer.metastatic, cancer.marrow].contains(&Some(true));
        self.cancer.as_ref().is_some_and(|cancer| said(cancer) || cancer.tumor.is_some())
    }

    /// Whether an organ or stem cells were transplanted.
    pub fn has_transplant(&self) -> Option<bool> {
        self.transplant.as_ref().map(|transplant| transplant.kind != TransplantKind::None)
    }
}

/// LOINC codes of schistocytes seen on a film.
const SCHISTOCYTES_LOINC: [&str; 2] = ["800-3", "104779-4"];

/// A field of the context that a message may carry. `before_plasma` goes to the samples of ADAMTS13, not to the context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
#[allow(missing_docs)] // `docs/panels.md` explains each
pub enum ContextField {
    AgeYears,
    AgeGroup,
    Pregnant,
    Tumor,
    CancerActive,
    CancerMetastatic,
    CancerMarrow,
    Drug,
    NoDrugs,
    Transplant,
    Neurological,
    Cardiac,
    Gastrointestinal,
    SchistocytesOnFilm,
    DicAssociatedDisorder,
    Imaging,
    Histology,
    BeforePlasma,
}

/// What a code of a message stands for. Configuration writes the name of an analyte or of a context field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum Meaning {
    /// An analyte.
    Analyte(Analyte),
    /// A field of the context.
    Context(ContextField),
}

impl Meaning {
    /// The meaning of a name in files.
    pub fn from_name(name: &str) -> Option<Self> {
        name.parse().map(Self::Analyte).or_else(|_| name.parse().map(Self::Context)).ok()
    }

    /// The meaning of a LOINC code.
    pub fn from_loinc(code: &str) -> Option<Self> {
        if SCHISTOCYTES_LOINC.contains(&code) {
            return Some(Self::Context(ContextField::SchistocytesOnFilm));
        }
        Analyte::from_loinc(code).map(Self::Analyte)
    }
}

impl TryFrom<String> for Meaning {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let wrong = || format!("expected the name of an analyte or of a context field, found `{name}`; correct it");
        Self::from_name(&name).ok_or_else(wrong)
    }
}

impl From<Meaning> for &'static str {
    fn from(meaning: Meaning) -> Self {
        match meaning {
            Meaning::Analyte(analyte) => analyte.name(),
            Meaning::Context(field) => field.into(),
        }
    }
}

/// What a message says of a field.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ContextValue {
    /// Code or word.
    pub word: Option<String>,
    /// Text beside it.
    pub text: Option<String>,
    /// Day, `YYYY-MM-DD`.
    pub date: Option<String>,
}

/// Yes or no.
fn yes_or_no(word: &str) -> Option<bool> {
    match word.to_lowercase().as_str() {
        "y" | "yes" | "true" | "positive" | "pos" | "present" | "pres" => Some(true),
        "n" | "no" | "false" | "negative" | "neg" | "absent" => Some(false),
        _ => None,
    }
}

impl ContextField {
    /// Sets the field.
    pub(super) fn set(
        self,
        context: &mut ClinicalContext,
        before_plasma: &mut Option<bool>,
        value: ContextValue,
    ) -> Result<(), PanelProblem> {
        let ContextValue { word, text, date } = value;
        let word = word.as_deref().unwrap_or_default().trim();
        let bad = |expected| PanelProblem::BadContext { field: self.into(), expected, found: word.to_owned() };
        let answer = || yes_or_no(word).ok_or_else(|| bad("Y or N"));
        let beside = text.filter(|text| !text.trim().is_empty());
        // A text may stand as the word alone.
        let text = || {
            let text = beside.as_deref().map_or(word, str::trim);
            if text.is_empty() { Err(bad("a text")) } else { Ok(text.to_owned()) }
        };
        let finding = |date| -> Result<Option<OrganFinding>, PanelProblem> {
            Ok(Some(OrganFinding { present: answer()?, text: beside.clone(), date }))
        };
        match self {
            Self::AgeYears => {
                let years = word.parse().ok().filter(|years| *years <= HIGHEST_AGE_YEARS);
                context.age_years = Some(years.ok_or_else(|| bad("completed years"))?);
            }
            Self::AgeGroup => {
                let group = AgeGroup::deserialize(IntoDeserializer::<Error>::into_deserializer(word));
                context.age_group = Some(group.map_err(|_| bad("adult, term-neonate or preterm-neonate"))?);
            }
            Self::Pregnant => context.pregnant = Some(answer()?),
            Self::Tumor => context.cancer.get_or_insert_default().tumor = Some(text()?),
            Self::CancerActive => context.cancer.get_or_insert_default().active = Some(answer()?),
            Self::CancerMetastatic => context.cancer.get_or_insert_default().metastatic = Some(answer()?),
            Self::CancerMarrow => context.cancer.get_or_insert_default().marrow = Some(answer()?),
            Self::Drug => context.drugs.get_or_insert_default().push(Drug { name: text()?, start_date: date }),
            Self::NoDrugs if answer()? => drop(context.drugs.get_or_insert_default()),
            Self::NoDrugs => {}
            Self::Transplant => {
                let kind = TransplantKind::deserialize(IntoDeserializer::<Error>::into_deserializer(word));
                let kind = kind.map_err(|_| bad("none, solid_organ or stem_cell"))?;
                context.transplant = Some(Transplant { kind, date });
            }
            Self::Neurological => context.neurological = finding(date)?,
            Self::Cardiac => context.cardiac = finding(date)?,
            Self::Gastrointestinal => context.gastrointestinal = finding(date)?,
            Self::SchistocytesOnFilm => context.schistocytes_on_film = Some(answer()?),
            Self::DicAssociatedDisorder => context.dic_associated_disorder = Some(answer()?),
            Self::Imaging => context.imaging.push(DatedText { text: text()?, date }),
            Self::Histology => context.histology.push(DatedText { text: text()?, date }),
            Self::BeforePlasma => *before_plasma = Some(answer()?),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adult_on_both_sides_of_eighteen() {
        let of =
            |age_years, age_group| ClinicalContext { age_years, age_group, ..ClinicalContext::default() }.is_adult();
        assert_eq!(of(Some(17), None), Some(false));
        assert_eq!(of(Some(18), None), Some(true));
        assert_eq!(of(None, Some(AgeGroup::Adult)), None);
        assert_eq!(of(None, Some(AgeGroup::PretermNeonate)), Some(false));
    }

    #[test]
    fn none_is_told_from_unknown() {
        let context: ClinicalContext =
            serde_json::from_str(r#"{"cancer": {"active": false}, "transplant": {"kind": "none"}, "drugs": []}"#)
                .expect("a context");
        assert_eq!((context.active_cancer(), context.has_transplant()), (Some(false), Some(false)));
        assert_eq!(context.drugs, Some(Vec::new()));
        assert!(!context.has_cancer());
        let empty = ClinicalContext::default();
        assert_eq!((empty.active_cancer(), empty.has_transplant(), empty.drugs), (None, None, None));
    }

    fn set(field: ContextField, word: &str, text: &str) -> Result<(ClinicalContext, Option<bool>), String> {
        let (mut context, mut before) = (ClinicalContext::default(), None);
        let value = ContextValue {
            word: Some(word.to_owned()),
            text: (!text.is_empty()).then(|| text.to_owned()),
            date: Some("2025-01-02".to_owned()),
        };
        field.set(&mut context, &mut before, value).map_err(|problem| problem.to_string())?;
        Ok((context, before))
    }

    #[test]
    fn every_field_has_a_name_and_a_value_that_it_refuses() {
        for field in ContextField::VARIANTS {
            let name: &str = field.into();
            assert_eq!(Meaning::from_name(name), Some(Meaning::Context(*field)));
            let refused = set(*field, "", "").expect_err("nothing said");
            assert!(refused.contains(name) && refused.contains("expected"), "{refused}");
        }
    }

    #[test]
    fn words_and_texts_land_in_their_fields() {
        let (context, _) = set(ContextField::Neurological, "Y", "confusion").expect("a finding");
        let finding = context.neurological.expect("set");
        assert_eq!((finding.present, finding.text.as_deref()), (true, Some("confusion")));
        assert_eq!(finding.date.as_deref(), Some("2025-01-02"));
        let (context, _) = set(ContextField::Drug, "gemcitabine", "").expect("a drug");
        assert_eq!(context.drugs.expect("set")[0].name, "gemcitabine");
        assert_eq!(set(ContextField::NoDrugs, "Y", "").expect("an answer").0.drugs, Some(Vec::new()));
        assert_eq!(set(ContextField::BeforePlasma, "N", "").expect("an answer").1, Some(false));
        assert!(set(ContextField::AgeYears, "131", "").is_err() && set(ContextField::AgeYears, "130", "").is_ok());
        assert!(set(ContextField::Transplant, "kidney", "").is_err());
    }
}
