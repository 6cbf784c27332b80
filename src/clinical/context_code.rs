//! Context in messages: answers asked at order entry, sent as observations beside the results.
//!
//! In: a field name as code (system `99TMA` in HL7 v2, `urn:schistoquant` in FHIR, or a local code mapped by
//! configuration) with a word, a text and a date. Out: the field set in a [`ClinicalContext`]. `drug`, `imaging` and
//! `histology` may repeat.
//!
//! LOINC 800-3 and 104779-4 (schistocytes, presence in blood) give `schistocytes_on_film`.

use super::context::{
    Cancer, ClinicalContext, DatedText, Drug, HIGHEST_AGE_YEARS, OrganFinding, Transplant, TransplantKind,
};
use super::error::PanelProblem;
use crate::smear::AgeGroup;

/// LOINC codes of schistocytes seen on a film.
pub(super) const SCHISTOCYTES_LOINC: [&str; 2] = ["800-3", "104779-4"];

/// A field of the context that a message may carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContextField {
    /// Completed years.
    AgeYears,
    /// Age group.
    AgeGroup,
    /// Pregnancy.
    Pregnant,
    /// The tumor in words.
    Tumor,
    /// Whether a cancer is active.
    CancerActive,
    /// Whether it is metastatic.
    CancerMetastatic,
    /// Whether it is in the marrow.
    CancerMarrow,
    /// A drug with the date of its start.
    Drug,
    /// That no drug was given.
    NoDrugs,
    /// Transplantation with its date.
    Transplant,
    /// Finding of the nervous system.
    Neurological,
    /// Finding of the heart.
    Cardiac,
    /// Finding of the gut.
    Gastrointestinal,
    /// Whether a person saw schistocytes.
    SchistocytesOnFilm,
    /// Whether a disorder associated with DIC is present.
    DicAssociatedDisorder,
    /// Imaging in words.
    Imaging,
    /// Histology in words.
    Histology,
    /// Whether the ADAMTS13 sample was drawn before plasma.
    BeforePlasma,
}

const FIELDS: [(ContextField, &str); 18] = [
    (ContextField::AgeYears, "age_years"),
    (ContextField::AgeGroup, "age_group"),
    (ContextField::Pregnant, "pregnant"),
    (ContextField::Tumor, "tumor"),
    (ContextField::CancerActive, "cancer_active"),
    (ContextField::CancerMetastatic, "cancer_metastatic"),
    (ContextField::CancerMarrow, "cancer_marrow"),
    (ContextField::Drug, "drug"),
    (ContextField::NoDrugs, "no_drugs"),
    (ContextField::Transplant, "transplant"),
    (ContextField::Neurological, "neurological"),
    (ContextField::Cardiac, "cardiac"),
    (ContextField::Gastrointestinal, "gastrointestinal"),
    (ContextField::SchistocytesOnFilm, "schistocytes_on_film"),
    (ContextField::DicAssociatedDisorder, "dic_associated_disorder"),
    (ContextField::Imaging, "imaging"),
    (ContextField::Histology, "histology"),
    (ContextField::BeforePlasma, "before_plasma"),
];

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
    match word.trim().to_lowercase().as_str() {
        "y" | "yes" | "true" | "positive" | "pos" | "present" | "pres" => Some(true),
        "n" | "no" | "false" | "negative" | "neg" | "absent" => Some(false),
        _ => None,
    }
}

impl ContextField {
    /// Name as it stands in messages.
    pub fn name(self) -> &'static str {
        FIELDS.iter().find(|(field, _)| *field == self).map_or("", |(_, name)| name)
    }

    /// The field of a name, if it is one.
    pub fn from_name(name: &str) -> Option<Self> {
        FIELDS.iter().find(|(_, own)| *own == name).map(|(field, _)| *field)
    }

    /// Sets the field; `before_plasma` goes to the samples, not to the context.
    pub(super) fn set(
        self,
        context: &mut ClinicalContext,
        before_plasma: &mut Option<bool>,
        value: &ContextValue,
    ) -> Result<(), PanelProblem> {
        let word = value.word.as_deref().unwrap_or_default().trim();
        let bad =
            |expected: &'static str| PanelProblem::BadContext { field: self.name(), expected, found: word.to_owned() };
        let answer = || yes_or_no(word).ok_or_else(|| bad("Y or N"));
        // A text may stand as the word alone.
        let text = || {
            let text = value.text.as_deref().map(str::trim).filter(|text| !text.is_empty()).unwrap_or(word);
            if text.is_empty() { Err(bad("a text")) } else { Ok(text.to_owned()) }
        };
        let date = || value.date.clone();
        let finding = || -> Result<Option<OrganFinding>, PanelProblem> {
            let text = value.text.clone().filter(|text| !text.trim().is_empty());
            Ok(Some(OrganFinding { present: answer()?, text, date: date() }))
        };
        let cancer = |context: &mut ClinicalContext, set: &dyn Fn(&mut Cancer)| {
            set(context.cancer.get_or_insert_default());
        };
        match self {
            Self::AgeYears => {
                let years = word.parse().ok().filter(|years| *years <= HIGHEST_AGE_YEARS);
                context.age_years = Some(years.ok_or_else(|| bad("completed years"))?);
            }
            Self::AgeGroup => {
                let group = AgeGroup::ALL.into_iter().find(|group| group.name() == word);
                context.age_group = Some(group.ok_or_else(|| bad("adult, term-neonate or preterm-neonate"))?);
            }
            Self::Pregnant => context.pregnant = Some(answer()?),
            Self::Tumor => {
                let tumor = text()?;
                cancer(context, &|cancer| cancer.tumor = Some(tumor.clone()));
            }
            Self::CancerActive => {
                let active = answer()?;
                cancer(context, &|cancer| cancer.active = Some(active));
            }
            Self::CancerMetastatic => {
                let metastatic = answer()?;
                cancer(context, &|cancer| cancer.metastatic = Some(metastatic));
            }
            Self::CancerMarrow => {
                let marrow = answer()?;
                cancer(context, &|cancer| cancer.marrow = Some(marrow));
            }
            Self::Drug => {
                let drug = Drug { name: text()?, start_date: date() };
                context.drugs.get_or_insert_default().push(drug);
            }
            Self::NoDrugs => {
                if answer()? {
                    context.drugs.get_or_insert_default();
                }
            }
            Self::Transplant => {
                let kind = match word {
                    "none" => TransplantKind::None,
                    "solid_organ" => TransplantKind::SolidOrgan,
                    "stem_cell" => TransplantKind::StemCell,
                    _ => return Err(bad("none, solid_organ or stem_cell")),
                };
                context.transplant = Some(Transplant { kind, date: date() });
            }
            Self::Neurological => context.neurological = finding()?,
            Self::Cardiac => context.cardiac = finding()?,
            Self::Gastrointestinal => context.gastrointestinal = finding()?,
            Self::SchistocytesOnFilm => context.schistocytes_on_film = Some(answer()?),
            Self::DicAssociatedDisorder => context.dic_associated_disorder = Some(answer()?),
            Self::Imaging => context.imaging.push(DatedText { text: text()?, date: date() }),
            Self::Histology => context.histology.push(DatedText { text: text()?, date: date() }),
            Self::BeforePlasma => *before_plasma = Some(answer()?),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(field: ContextField, word: &str, text: &str) -> Result<(ClinicalContext, Option<bool>), String> {
        let (mut context, mut before) = (ClinicalContext::default(), None);
        let value = ContextValue {
            word: Some(word.to_owned()),
            text: (!text.is_empty()).then(|| text.to_owned()),
            date: Some("2025-01-02".to_owned()),
        };
        field.set(&mut context, &mut before, &value).map_err(|problem| problem.to_string())?;
        Ok((context, before))
    }

    #[test]
    fn every_field_has_a_name_and_a_value_that_it_refuses() {
        for (field, name) in FIELDS {
            assert_eq!((field.name(), ContextField::from_name(name)), (name, Some(field)));
            let refused = set(field, "", "").expect_err("nothing said");
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
