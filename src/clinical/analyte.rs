//! The closed list of what a panel may hold, with the facts of each analyte.
//!
//! In: a name, or a LOINC code of a message. Out: an [`Analyte`] with its label, block of the report, LOINC codes, accepted
//! units, plausible range and coded values.
//!
//! Units are UCUM codes. Each stands with the factor that brings a value to the first, canonical unit. Decimal factors and
//! those between counts per volume follow from the units themselves. The others:
//! * creatinine 1 mg/dL = 88.4 µmol/L (UCSF laboratory manual), from which 1 mg/mmol = 8.84 mg/g of creatinine;
//! * bilirubin 1 mg/dL = 17.1 µmol/L, the factor behind PLASMIC's 2.0 mg/dL = 34.2 µmol/L;
//! * LDH 1 µkat/L = 60 U/L, by definition of the katal and of the enzyme unit;
//! * D-dimer 1 DDU = 2 FEU, as laboratories state their limits (500 ng/mL FEU, 250 ng/mL DDU);
//! * ADAMTS13 100 % = 100 IU/dL = 1 U/mL, as assays are calibrated to normal plasma.
//!
//! METHOD: plausible ranges are our own choice. They are far wider than disease and catch a wrong unit: hemoglobin in g/L
//! that is called g/dL, creatinine in µmol/L that is called mg/dL.
//!
//! Limits: urea and urea nitrogen are two analytes and are never converted into each other. No factor is built in for molar
//! hemoglobin, molar NT-proBNP or urea by mass; configuration can add a unit with its factor and source. A LOINC code is
//! listed only where a public copy of the table shows its name; configuration can map others.
//!
//! This material contains content from LOINC (<http://loinc.org>), which is copyright Regenstrief Institute, Inc. and the
//! LOINC Committee and is available at no cost under the license at <http://loinc.org/license>.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};

/// Blocks of the evidence, in the order of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, Display, VariantArray)]
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
    #[strum(to_string = "ADAMTS13")]
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
    pub const ALL: &[Self] = <Self as VariantArray>::VARIANTS;
}

/// A result that is no number.
// The text is the name in files. The other spellings are those of messages: the usual abbreviations, HL7 table 0078, and the
// SNOMED CT qualifiers for positive (10828004) and negative (260385009).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Display, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(ascii_case_insensitive)]
pub enum CodedValue {
    /// Negative.
    #[strum(to_string = "negative", serialize = "neg", serialize = "n", serialize = "-")]
    #[strum(serialize = "not detected", serialize = "260385009")]
    Negative,
    /// Positive, not graded.
    #[strum(to_string = "positive", serialize = "pos", serialize = "a", serialize = "detected", serialize = "10828004")]
    Positive,
    /// Trace.
    #[strum(to_string = "trace", serialize = "tr", serialize = "+/-")]
    Trace,
    /// 1+.
    #[serde(rename = "1+")]
    #[strum(to_string = "1+", serialize = "+", serialize = "small")]
    OnePlus,
    /// 2+.
    #[serde(rename = "2+")]
    #[strum(to_string = "2+", serialize = "++", serialize = "moderate")]
    TwoPlus,
    /// 3+.
    #[serde(rename = "3+")]
    #[strum(to_string = "3+", serialize = "+++", serialize = "large")]
    ThreePlus,
    /// 4+.
    #[serde(rename = "4+")]
    #[strum(to_string = "4+", serialize = "++++")]
    FourPlus,
    /// Below what the laboratory can measure.
    #[strum(to_string = "undetectable", serialize = "not detectable", serialize = "below detection limit")]
    Undetectable,
}

impl CodedValue {
    /// The value of a word of a message, in any case.
    pub fn from_word(word: &str) -> Option<Self> {
        word.trim().parse().ok()
    }

    /// Whether the reaction is present. A trace is; undetectable is not.
    pub fn is_positive(self) -> bool {
        !matches!(self, Self::Negative | Self::Undetectable)
    }
}

/// What a laboratory may report to a panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[derive(Display, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
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
    Adamts13Activity,
    Adamts13Inhibitor,
    Adamts13Antibody,
    C3,
    C4,
    Sc5b9,
    TroponinT,
    NtProBnp,
    Ana,
}

/// Units of an analyte: UCUM code and the factor by which a value becomes canonical. The first is the canonical unit.
pub type Units = &'static [(&'static str, f64)];

/// What is known of an analyte.
struct Facts {
    label: &'static str,
    block: Block,
    loinc: &'static [&'static str],
    units: Units,
    plausible: Option<(f64, f64)>,
    coded: &'static [CodedValue],
}

/// Creatinine: µmol/L in 1 mg/dL.
const CREATININE_UMOL_PER_MG_DL: f64 = 88.4;
/// Bilirubin: µmol/L in 1 mg/dL.
const BILIRUBIN_UMOL_PER_MG_DL: f64 = 17.1;
/// Enzyme activity: U/L in 1 µkat/L.
const U_PER_UKAT: f64 = 60.0;
/// D-dimer: fibrinogen equivalent units in one D-dimer unit.
const FEU_PER_DDU: f64 = 2.0;

const G_DL: Units = &[("g/dL", 1.0), ("g/L", 0.1)];
const COUNT: Units = &[("10*9/L", 1.0), ("10*3/uL", 1.0), ("/uL", 0.001)];
const RED_CELLS: Units = &[("10*12/L", 1.0), ("10*6/uL", 1.0)];
const PER_100_WHITE_CELLS: Units = &[("/100{WBCs}", 1.0), ("%", 1.0)];
const U_L: Units = &[("U/L", 1.0), ("ukat/L", U_PER_UKAT)];
const MG_DL: Units = &[("mg/dL", 1.0), ("g/L", 100.0), ("mg/L", 0.1)];
const BILIRUBIN: Units = &[("mg/dL", 1.0), ("umol/L", 1.0 / BILIRUBIN_UMOL_PER_MG_DL)];
const CREATININE: Units = &[("mg/dL", 1.0), ("umol/L", 1.0 / CREATININE_UMOL_PER_MG_DL)];
const SECONDS: Units = &[("s", 1.0)];
const PERCENT: Units = &[("%", 1.0)];
const G_L: Units = &[("g/L", 1.0), ("mg/dL", 0.01)];
const D_DIMER: Units = &[
    ("ng{FEU}/mL", 1.0),
    ("ug{FEU}/L", 1.0),
    ("ug{FEU}/mL", 1000.0),
    ("mg{FEU}/L", 1000.0),
    ("ng{DDU}/mL", FEU_PER_DDU),
    ("ug{DDU}/L", FEU_PER_DDU),
    ("ug{DDU}/mL", 1000.0 * FEU_PER_DDU),
    ("mg{DDU}/L", 1000.0 * FEU_PER_DDU),
];
const MG_L: Units = &[("mg/L", 1.0), ("ug/mL", 1.0)];
const URINE_RATIO: Units = &[
    ("mg/g{creat}", 1.0),
    ("mg/mg{creat}", 1000.0),
    ("g/g{creat}", 1000.0),
    ("mg/mmol{creat}", CREATININE_UMOL_PER_MG_DL / 10.0),
];
const ADAMTS13: Units = &[("%", 1.0), ("[IU]/dL", 1.0), ("U/dL", 1.0), ("[IU]/mL", 100.0), ("U/mL", 100.0)];
const NG_ML: Units = &[("ng/mL", 1.0), ("ug/L", 1.0), ("mg/L", 1000.0)];
const NG_L: Units = &[("ng/L", 1.0), ("pg/mL", 1.0), ("ng/mL", 1000.0), ("ug/L", 1000.0)];

const REACTION: &[CodedValue] = &[CodedValue::Negative, CodedValue::Positive];
const STRIP: &[CodedValue] = &[
    CodedValue::Negative,
    CodedValue::Trace,
    CodedValue::OnePlus,
    CodedValue::TwoPlus,
    CodedValue::ThreePlus,
    CodedValue::FourPlus,
    CodedValue::Positive,
];

const fn number(
    label: &'static str,
    block: Block,
    loinc: &'static [&'static str],
    units: Units,
    plausible: (f64, f64),
) -> Facts {
    Facts { label, block, loinc, units, plausible: Some(plausible), coded: &[] }
}

const fn word(
    label: &'static str,
    block: Block,
    loinc: &'static [&'static str],
    coded: &'static [CodedValue],
) -> Facts {
    Facts { label, block, loinc, units: &[], plausible: None, coded }
}

impl Analyte {
    /// Every analyte, in the order of the report.
    pub const ALL: &[Self] = <Self as VariantArray>::VARIANTS;

    fn facts(self) -> Facts {
        use Block::{Adamts13, Coagulation, Complement, Context, Hematology, Hemolysis, Renal};
        match self {
            Self::Hemoglobin => number("Hemoglobin", Hematology, &["718-7", "20509-6", "59260-0"], G_DL, (1.0, 30.0)),
            Self::RedCells => number("Red cells", Hematology, &["789-8"], RED_CELLS, (0.3, 12.0)),
            Self::Mcv => number("MCV", Hematology, &["787-2", "30428-7"], &[("fL", 1.0)], (40.0, 160.0)),
            Self::RdwCv => number("RDW-CV", Hematology, &["788-0"], PERCENT, (5.0, 60.0)),
            Self::Platelets => number("Platelets", Hematology, &["777-3", "26515-7"], COUNT, (0.0, 5000.0)),
            Self::PlateletsBaseline => number("Platelets, baseline", Hematology, &[], COUNT, (0.0, 5000.0)),
            Self::ReticulocytesPercent => {
                number("Reticulocytes", Hematology, &["4679-7", "17849-1"], PERCENT, (0.0, 60.0))
            }
            Self::ReticulocytesAbsolute => {
                number("Reticulocytes, absolute", Hematology, &["14196-0", "60474-4"], COUNT, (0.0, 1500.0))
            }
            Self::NucleatedRedCells => {
                let label = "Nucleated red cells per 100 white cells";
                number(label, Hematology, &["58413-6"], PER_100_WHITE_CELLS, (0.0, 2000.0))
            }
            Self::AnalyzerFragments => {
                number("Fragmented red cells by analyzer", Hematology, &[], PERCENT, (0.0, 50.0))
            }
            Self::Ldh => number("Lactate dehydrogenase", Hemolysis, &["14804-9", "2532-0"], U_L, (10.0, 50_000.0)),
            Self::Haptoglobin => Facts {
                coded: &[CodedValue::Undetectable],
                ..number("Haptoglobin", Hemolysis, &["4542-7", "46127-7"], MG_DL, (0.0, 1000.0))
            },
            Self::BilirubinTotal => {
                number("Bilirubin, total", Hemolysis, &["1975-2", "14631-6"], BILIRUBIN, (0.0, 80.0))
            }
            Self::BilirubinDirect => number("Bilirubin, direct", Hemolysis, &["1968-7"], BILIRUBIN, (0.0, 60.0)),
            Self::BilirubinIndirect => number("Bilirubin, indirect", Hemolysis, &["1971-1"], BILIRUBIN, (0.0, 60.0)),
            Self::Dat => word("Direct antiglobulin test", Hemolysis, &["1007-4", "1006-6", "1004-1"], REACTION),
            Self::ProthrombinTime => number("Prothrombin time", Coagulation, &["5902-2"], SECONDS, (5.0, 300.0)),
            Self::Inr => number("INR", Coagulation, &["6301-6", "34714-6"], &[("{INR}", 1.0)], (0.4, 30.0)),
            Self::Aptt => number("aPTT", Coagulation, &["14979-9", "3173-2"], SECONDS, (10.0, 400.0)),
            Self::Fibrinogen => number("Fibrinogen", Coagulation, &["3255-7", "48664-7"], G_L, (0.0, 20.0)),
            Self::DDimer => number("D-dimer", Coagulation, &["48065-7", "48066-5"], D_DIMER, (0.0, 1_000_000.0)),
            Self::Fdp => number("Fibrin degradation products", Coagulation, &["30226-5"], MG_L, (0.0, 10_000.0)),
            Self::Creatinine => number("Creatinine", Renal, &["2160-0", "14682-9"], CREATININE, (0.05, 40.0)),
            Self::UreaNitrogen => number("Urea nitrogen", Renal, &["3094-0"], &[("mg/dL", 1.0)], (0.5, 400.0)),
            Self::Urea => number("Urea", Renal, &["22664-7"], &[("mmol/L", 1.0)], (0.1, 150.0)),
            Self::Egfr => number("eGFR", Renal, &[], &[("mL/min/{1.73_m2}", 1.0)], (0.0, 250.0)),
            Self::UrineProteinCreatinine => {
                number("Urine protein/creatinine", Renal, &["2890-2"], URINE_RATIO, (0.0, 100_000.0))
            }
            Self::UrineProteinStrip => word("Urine protein, strip", Renal, &["20454-5", "5804-0"], STRIP),
            Self::UrineHemoglobinStrip => word("Urine hemoglobin, strip", Renal, &["5794-3"], STRIP),
            Self::Adamts13Activity => number("ADAMTS13 activity", Adamts13, &["53622-7"], ADAMTS13, (0.0, 250.0)),
            Self::Adamts13Inhibitor => Facts {
                coded: REACTION,
                ..number("ADAMTS13 inhibitor", Adamts13, &["40824-5"], &[("[beth'U]", 1.0)], (0.0, 1000.0))
            },
            Self::Adamts13Antibody => Facts {
                coded: REACTION,
                ..number("ADAMTS13 antibody (IgG)", Adamts13, &[], &[("[arb'U]/mL", 1.0)], (0.0, 10_000.0))
            },
            Self::C3 => number("C3", Complement, &["4485-9"], MG_DL, (0.0, 500.0)),
            Self::C4 => number("C4", Complement, &["4498-2"], MG_DL, (0.0, 200.0)),
            Self::Sc5b9 => number("sC5b-9", Complement, &[], NG_ML, (0.0, 20_000.0)),
            Self::TroponinT => number("Troponin T", Context, &["6598-7"], NG_L, (0.0, 100_000.0)),
            Self::NtProBnp => number("NT-proBNP", Context, &["33762-6"], NG_L, (0.0, 1_000_000.0)),
            Self::Ana => word("Antinuclear antibodies", Context, &[], REACTION),
        }
    }

    /// Name as it stands in files; also the serde name.
    pub fn name(self) -> &'static str {
        self.into()
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

    /// Accepted units; empty for an analyte that is a word.
    pub fn units(self) -> Units {
        self.facts().units
    }

    /// The canonical unit, UCUM; `None` for an analyte that is a word.
    pub fn canonical_unit(self) -> Option<&'static str> {
        self.units().first().map(|(ucum, _)| *ucum)
    }

    /// Words that it may have as its value; for a quantity those that stand in for a number.
    pub fn coded_values(self) -> &'static [CodedValue] {
        self.facts().coded
    }

    /// Lowest and highest plausible value in the canonical unit; `None` for an analyte that is a word.
    pub fn plausible(self) -> Option<(f64, f64)> {
        self.facts().plausible
    }

    /// The analyte of a LOINC code, if it is on the list.
    pub fn from_loinc(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|analyte| analyte.loinc().contains(&code))
    }

    /// Whether it says something of ADAMTS13, so that its sample must be drawn before plasma is given.
    pub fn is_adamts13(self) -> bool {
        self.block() == Block::Adamts13
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_the_same_for_files_and_for_serde() {
        for analyte in Analyte::ALL {
            assert_eq!(serde_json::to_value(analyte).expect("plain enum"), analyte.name());
            assert_eq!(analyte.name().parse(), Ok(*analyte));
        }
        assert!("bun".parse::<Analyte>().is_err());
    }

    #[test]
    fn a_loinc_code_names_one_analyte() {
        let codes: Vec<&str> = Analyte::ALL.iter().flat_map(|analyte| analyte.loinc()).copied().collect();
        assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
        assert_eq!(Analyte::from_loinc("777-3"), Some(Analyte::Platelets));
        assert_eq!(Analyte::from_loinc("3094-0"), Some(Analyte::UreaNitrogen));
        assert_eq!(Analyte::from_loinc("22664-7"), Some(Analyte::Urea));
        // The names of these were not seen, or they do not say which of two things they measure.
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
                assert_eq!(analyte.units()[0].1, 1.0, "{analyte}");
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
