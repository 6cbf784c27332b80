//! Who the patient is, as far as scores and rules depend on it. Entered by people; unknown is null.
//!
//! `cancer`, `drugs` and `transplant` can say that there is none: `{"active": false}`, `[]`, `{"kind": "none"}`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// Age group; newborns are told from others by it.
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
pub const ADULT_FROM_YEARS: u32 = 18;

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
        self.cancer.as_ref().is_some_and(|cancer| {
            cancer.active == Some(true)
                || cancer.metastatic == Some(true)
                || cancer.marrow == Some(true)
                || cancer.tumor.is_some()
        })
    }

    /// Whether an organ or stem cells were transplanted.
    pub fn has_transplant(&self) -> Option<bool> {
        self.transplant.as_ref().map(|transplant| transplant.kind != TransplantKind::None)
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
}
