//! The closed list of what a panel may hold.
//!
//! In: a name, or a code of a message. Out: an [`Analyte`] with its facts: name in files, label, block of the report,
//! LOINC codes, accepted units with their factor to the one canonical unit, plausible range, coded values.
//!
//! LOINC codes are those whose name was seen in a public copy of the table; a code whose specimen or property was not
//! seen is left out and can be mapped by configuration. This material contains content from LOINC
//! (<http://loinc.org>), which is copyright Regenstrief Institute, Inc. and the LOINC Committee and is available at no
//! cost under the license at <http://loinc.org/license>.
//!
//! Limits: urea and urea nitrogen are two analytes, never converted into each other here.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::analyte_facts::{FACTS, Facts};

/// Blocks of the evidence, in the order of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// Who the patient is, exposures, organ findings and markers.
    Context,
    /// Blood count.
    Hematology,
    /// Schistocytes measured on the film.
    Smear,
    /// Markers of hemolysis.
    Hemolysis,
    /// Coagulation.
    Coagulation,
    /// Kidney.
    Renal,
    /// ADAMTS13.
    Adamts13,
    /// Complement.
    Complement,
    /// Imaging, as free text.
    Imaging,
    /// Histology, as free text.
    Histology,
}

impl Block {
    /// Every block, in the order of the report.
    pub const ALL: [Self; 10] = [
        Self::Context,
        Self::Hematology,
        Self::Smear,
        Self::Hemolysis,
        Self::Coagulation,
        Self::Renal,
        Self::Adamts13,
        Self::Complement,
        Self::Imaging,
        Self::Histology,
    ];

    /// Title for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Context => "Context",
            Self::Hematology => "Hematology",
            Self::Smear => "Smear",
            Self::Hemolysis => "Hemolysis",
            Self::Coagulation => "Coagulation",
            Self::Renal => "Renal",
            Self::Adamts13 => "ADAMTS13",
            Self::Complement => "Complement",
            Self::Imaging => "Imaging",
            Self::Histology => "Histology",
        }
    }
}

/// What a laboratory may report to a panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // each name is the field's own term; `Analyte::label` says it in words
pub enum Analyte {
    Hemoglobin,
    RedCells,
    Mcv,
    RdwCv,
    Platelets,
    PlateletsBaseline,
    ReticulocytesPercent,
    ReticulocytesAbsolute,
    NucleatedRedCells,
    AnalyzerFragments,
    Ldh,
    Haptoglobin,
    BilirubinTotal,
    BilirubinDirect,
    BilirubinIndirect,
    Dat,
    ProthrombinTime,
    Inr,
    Aptt,
    Fibrinogen,
    DDimer,
    Fdp,
    Creatinine,
    UreaNitrogen,
    Urea,
    Egfr,
    UrineProteinCreatinine,
    UrineProteinStrip,
    UrineHemoglobinStrip,
    #[serde(rename = "adamts13_activity")]
    Adamts13Activity,
    #[serde(rename = "adamts13_inhibitor")]
    Adamts13Inhibitor,
    #[serde(rename = "adamts13_antibody")]
    Adamts13Antibody,
    #[serde(rename = "c3")]
    C3,
    #[serde(rename = "c4")]
    C4,
    #[serde(rename = "sc5b9")]
    Sc5b9,
    TroponinT,
    NtProBnp,
    Ana,
}

impl Analyte {
    /// Every analyte, in the order of the report.
    pub const ALL: [Self; 38] = [
        Self::Hemoglobin,
        Self::RedCells,
        Self::Mcv,
        Self::RdwCv,
        Self::Platelets,
        Self::PlateletsBaseline,
        Self::ReticulocytesPercent,
        Self::ReticulocytesAbsolute,
        Self::NucleatedRedCells,
        Self::AnalyzerFragments,
        Self::Ldh,
        Self::Haptoglobin,
        Self::BilirubinTotal,
        Self::BilirubinDirect,
        Self::BilirubinIndirect,
        Self::Dat,
        Self::ProthrombinTime,
        Self::Inr,
        Self::Aptt,
        Self::Fibrinogen,
        Self::DDimer,
        Self::Fdp,
        Self::Creatinine,
        Self::UreaNitrogen,
        Self::Urea,
        Self::Egfr,
        Self::UrineProteinCreatinine,
        Self::UrineProteinStrip,
        Self::UrineHemoglobinStrip,
        Self::Adamts13Activity,
        Self::Adamts13Inhibitor,
        Self::Adamts13Antibody,
        Self::C3,
        Self::C4,
        Self::Sc5b9,
        Self::TroponinT,
        Self::NtProBnp,
        Self::Ana,
    ];

    pub(super) fn facts(self) -> &'static Facts {
        // The facts stand in the order of the enum; a test holds them to it.
        &FACTS[self as usize]
    }

    /// Name as it stands in files; also the serde name.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// Name for people.
    pub fn label(self) -> &'static str {
        self.facts().label
    }

    /// Block of the report.
    pub fn block(self) -> Block {
        self.facts().block
    }

    /// LOINC codes that name it in messages.
    pub fn loinc(self) -> &'static [&'static str] {
        self.facts().loinc
    }

    /// The canonical unit, UCUM; `None` for coded analytes.
    pub fn canonical_unit(self) -> Option<&'static str> {
        self.facts().units.first().map(|unit| unit.ucum)
    }

    /// Accepted UCUM units; the first is the canonical one. Empty for coded analytes.
    pub fn units(self) -> impl Iterator<Item = &'static str> {
        self.facts().units.iter().map(|unit| unit.ucum)
    }

    /// Coded values that it may have; for a quantity those that stand in for a number.
    pub fn coded_values(self) -> &'static [CodedValue] {
        self.facts().coded
    }

    /// Lowest and highest plausible value in the canonical unit; `None` for coded analytes.
    pub fn plausible(self) -> Option<(f64, f64)> {
        self.facts().plausible
    }

    /// The analyte of a name in files, if it is one.
    pub fn from_name(name: &str) -> Option<Self> {
        FACTS.iter().find(|facts| facts.name == name).map(|facts| facts.analyte)
    }

    /// The analyte of a LOINC code, if it is on the list.
    pub fn from_loinc(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|analyte| analyte.loinc().contains(&code))
    }

    /// Whether it says something of ADAMTS13 and so must be drawn before plasma.
    pub fn is_adamts13(self) -> bool {
        self.block() == Block::Adamts13
    }
}

impl fmt::Display for Analyte {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A result that is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CodedValue {
    /// Negative.
    Negative,
    /// Positive, not graded.
    Positive,
    /// Trace.
    Trace,
    /// 1+.
    #[serde(rename = "1+")]
    OnePlus,
    /// 2+.
    #[serde(rename = "2+")]
    TwoPlus,
    /// 3+.
    #[serde(rename = "3+")]
    ThreePlus,
    /// 4+.
    #[serde(rename = "4+")]
    FourPlus,
    /// Below what the laboratory can measure.
    Undetectable,
}

impl CodedValue {
    /// Name as it stands in files; also the serde name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Negative => "negative",
            Self::Positive => "positive",
            Self::Trace => "trace",
            Self::OnePlus => "1+",
            Self::TwoPlus => "2+",
            Self::ThreePlus => "3+",
            Self::FourPlus => "4+",
            Self::Undetectable => "undetectable",
        }
    }

    /// The value of a word of a message: its name in any case, the usual abbreviations, HL7 table 0078, and the SNOMED CT
    /// qualifiers for positive (10828004) and negative (260385009).
    pub fn from_word(word: &str) -> Option<Self> {
        match word.trim().to_lowercase().as_str() {
            "negative" | "neg" | "n" | "-" | "not detected" | "260385009" => Some(Self::Negative),
            "positive" | "pos" | "a" | "detected" | "10828004" => Some(Self::Positive),
            "trace" | "tr" | "+/-" => Some(Self::Trace),
            "1+" | "+" | "small" => Some(Self::OnePlus),
            "2+" | "++" | "moderate" => Some(Self::TwoPlus),
            "3+" | "+++" | "large" => Some(Self::ThreePlus),
            "4+" | "++++" => Some(Self::FourPlus),
            "undetectable" | "not detectable" | "below detection limit" => Some(Self::Undetectable),
            _ => None,
        }
    }

    /// Whether the reaction is there. A trace is there; undetectable is not.
    pub fn is_positive(self) -> bool {
        !matches!(self, Self::Negative | Self::Undetectable)
    }
}

impl fmt::Display for CodedValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn facts_stand_in_the_order_of_the_enum() {
        for (index, analyte) in Analyte::ALL.into_iter().enumerate() {
            assert_eq!(analyte as usize, index);
            assert_eq!(analyte.facts().analyte, analyte);
            assert_eq!(serde_json::to_value(analyte).expect("plain enum"), analyte.name());
            assert_eq!(Analyte::from_name(analyte.name()), Some(analyte));
        }
        assert_eq!(Analyte::from_name("bun"), None);
    }

    #[test]
    fn a_loinc_code_names_one_analyte() {
        let codes: Vec<&str> = Analyte::ALL.into_iter().flat_map(|analyte| analyte.loinc()).copied().collect();
        assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
        assert_eq!(Analyte::from_loinc("777-3"), Some(Analyte::Platelets));
        assert_eq!(Analyte::from_loinc("3094-0"), Some(Analyte::UreaNitrogen));
        assert_eq!(Analyte::from_loinc("22664-7"), Some(Analyte::Urea));
        // Of these the names were not seen, or they do not say which of two things they measure.
        for code in ["51630-2", "34590-0", "98979-8", "93244-2", "8061-4"] {
            assert_eq!(Analyte::from_loinc(code), None, "{code}");
        }
    }

    #[test]
    fn an_analyte_has_a_unit_and_a_range_or_coded_values() {
        for analyte in Analyte::ALL {
            assert_eq!(analyte.canonical_unit().is_some(), analyte.plausible().is_some(), "{analyte}");
            assert!(analyte.canonical_unit().is_some() || !analyte.coded_values().is_empty(), "{analyte}");
            if let Some((low, high)) = analyte.plausible() {
                assert!(low >= 0.0 && low < high, "{analyte}");
                assert_eq!(analyte.facts().units[0].to_canonical, 1.0, "{analyte}");
            }
        }
    }

    #[test]
    fn words_become_coded_values() {
        assert_eq!(CodedValue::from_word(" NEG "), Some(CodedValue::Negative));
        assert_eq!(CodedValue::from_word("+++"), Some(CodedValue::ThreePlus));
        assert_eq!(CodedValue::from_word("see comment"), None);
        assert!(CodedValue::Trace.is_positive() && !CodedValue::Undetectable.is_positive());
    }
}
