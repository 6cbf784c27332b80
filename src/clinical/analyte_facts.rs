//! Facts of every analyte, one entry each.
//!
//! Units: UCUM with the factor that brings a value to the first, canonical unit. Decimal factors and those between
//! counts per volume follow from the units themselves. The others:
//! * creatinine 1 mg/dL = 88.4 µmol/L (UCSF laboratory manual), from which 1 mg/mmol = 8.84 mg/g of creatinine;
//! * bilirubin 1 mg/dL = 17.1 µmol/L, the factor behind PLASMIC's 2.0 mg/dL = 34.2 µmol/L;
//! * LDH 1 µkat/L = 60 U/L, by definition of the katal and of the enzyme unit;
//! * D-dimer 1 DDU = 2 FEU, as laboratories state their limits (500 ng/mL FEU, 250 ng/mL DDU);
//! * ADAMTS13 100 % = 100 IU/dL = 1 U/mL, as assays are calibrated to normal plasma.
//!
//! METHOD: plausible ranges are the writer's choice, far wider than disease, and there to catch a wrong unit: hemoglobin
//! given in g/L as g/dL, creatinine in µmol/L as mg/dL.
//!
//! Limits: no factor between urea and urea nitrogen, none for molar hemoglobin or NT-proBNP, and none between mass and
//! molar concentration of urea; configuration can add a unit with its factor and source.

use super::analyte::{Analyte, Block, CodedValue};

/// A unit and its factor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UnitFactor {
    /// UCUM code.
    pub ucum: &'static str,
    /// Canonical value = value × this.
    pub to_canonical: f64,
}

/// What is known of an analyte.
#[derive(Debug)]
pub struct Facts {
    pub analyte: Analyte,
    pub name: &'static str,
    pub label: &'static str,
    pub block: Block,
    pub loinc: &'static [&'static str],
    pub units: &'static [UnitFactor],
    pub plausible: Option<(f64, f64)>,
    pub coded: &'static [CodedValue],
}

const fn unit(ucum: &'static str, to_canonical: f64) -> UnitFactor {
    UnitFactor { ucum, to_canonical }
}

/// Creatinine: µmol/L in 1 mg/dL.
pub const CREATININE_UMOL_PER_MG_DL: f64 = 88.4;
/// Bilirubin: µmol/L in 1 mg/dL.
pub const BILIRUBIN_UMOL_PER_MG_DL: f64 = 17.1;
/// Enzyme activity: U/L in 1 µkat/L.
pub const U_PER_UKAT: f64 = 60.0;
/// D-dimer: fibrinogen equivalent units in one D-dimer unit.
pub const FEU_PER_DDU: f64 = 2.0;

const COUNT: &[UnitFactor] = &[unit("10*9/L", 1.0), unit("10*3/uL", 1.0), unit("/uL", 0.001)];
const MG_DL: &[UnitFactor] = &[unit("mg/dL", 1.0), unit("g/L", 100.0), unit("mg/L", 0.1)];
const BILIRUBIN: &[UnitFactor] = &[unit("mg/dL", 1.0), unit("umol/L", 1.0 / BILIRUBIN_UMOL_PER_MG_DL)];
const SECONDS: &[UnitFactor] = &[unit("s", 1.0)];
const PERCENT: &[UnitFactor] = &[unit("%", 1.0)];
const D_DIMER: &[UnitFactor] = &[
    unit("ng{FEU}/mL", 1.0),
    unit("ug{FEU}/L", 1.0),
    unit("ug{FEU}/mL", 1000.0),
    unit("mg{FEU}/L", 1000.0),
    unit("ng{DDU}/mL", FEU_PER_DDU),
    unit("ug{DDU}/L", FEU_PER_DDU),
    unit("ug{DDU}/mL", 1000.0 * FEU_PER_DDU),
    unit("mg{DDU}/L", 1000.0 * FEU_PER_DDU),
];
const URINE_RATIO: &[UnitFactor] = &[
    unit("mg/g{creat}", 1.0),
    unit("mg/mg{creat}", 1000.0),
    unit("g/g{creat}", 1000.0),
    unit("mg/mmol{creat}", CREATININE_UMOL_PER_MG_DL / 10.0),
];
const ADAMTS13: &[UnitFactor] =
    &[unit("%", 1.0), unit("[IU]/dL", 1.0), unit("U/dL", 1.0), unit("[IU]/mL", 100.0), unit("U/mL", 100.0)];
const NG_L: &[UnitFactor] = &[unit("ng/L", 1.0), unit("pg/mL", 1.0), unit("ng/mL", 1000.0), unit("ug/L", 1000.0)];
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

const fn quantity(
    analyte: Analyte,
    name: &'static str,
    label: &'static str,
    block: Block,
    loinc: &'static [&'static str],
    units: &'static [UnitFactor],
    plausible: (f64, f64),
) -> Facts {
    Facts { analyte, name, label, block, loinc, units, plausible: Some(plausible), coded: &[] }
}

const fn coded(
    analyte: Analyte,
    name: &'static str,
    label: &'static str,
    block: Block,
    loinc: &'static [&'static str],
    coded: &'static [CodedValue],
) -> Facts {
    Facts { analyte, name, label, block, loinc, units: &[], plausible: None, coded }
}

use Analyte as A;
use Block::{Adamts13, Coagulation, Complement, Context, Hematology, Hemolysis, Renal};

/// Facts in the order of [`Analyte`].
pub static FACTS: [Facts; 38] = [
    quantity(
        A::Hemoglobin,
        "hemoglobin",
        "Hemoglobin",
        Hematology,
        &["718-7", "20509-6", "59260-0"],
        &[unit("g/dL", 1.0), unit("g/L", 0.1)],
        (1.0, 30.0),
    ),
    quantity(
        A::RedCells,
        "red_cells",
        "Red cells",
        Hematology,
        &["789-8"],
        &[unit("10*12/L", 1.0), unit("10*6/uL", 1.0)],
        (0.3, 12.0),
    ),
    quantity(A::Mcv, "mcv", "MCV", Hematology, &["787-2", "30428-7"], &[unit("fL", 1.0)], (40.0, 160.0)),
    quantity(A::RdwCv, "rdw_cv", "RDW-CV", Hematology, &["788-0"], PERCENT, (5.0, 60.0)),
    quantity(A::Platelets, "platelets", "Platelets", Hematology, &["777-3", "26515-7"], COUNT, (0.0, 5000.0)),
    quantity(A::PlateletsBaseline, "platelets_baseline", "Platelets, baseline", Hematology, &[], COUNT, (0.0, 5000.0)),
    quantity(
        A::ReticulocytesPercent,
        "reticulocytes_percent",
        "Reticulocytes",
        Hematology,
        &["4679-7", "17849-1"],
        PERCENT,
        (0.0, 60.0),
    ),
    quantity(
        A::ReticulocytesAbsolute,
        "reticulocytes_absolute",
        "Reticulocytes, absolute",
        Hematology,
        &["14196-0", "60474-4"],
        COUNT,
        (0.0, 1500.0),
    ),
    quantity(
        A::NucleatedRedCells,
        "nucleated_red_cells",
        "Nucleated red cells per 100 white cells",
        Hematology,
        &["58413-6"],
        &[unit("/100{WBCs}", 1.0), unit("%", 1.0)],
        (0.0, 2000.0),
    ),
    quantity(
        A::AnalyzerFragments,
        "analyzer_fragments",
        "Fragmented red cells by analyzer",
        Hematology,
        &[],
        PERCENT,
        (0.0, 50.0),
    ),
    quantity(
        A::Ldh,
        "ldh",
        "Lactate dehydrogenase",
        Hemolysis,
        &["14804-9", "2532-0"],
        &[unit("U/L", 1.0), unit("ukat/L", U_PER_UKAT)],
        (10.0, 50_000.0),
    ),
    Facts {
        analyte: A::Haptoglobin,
        name: "haptoglobin",
        label: "Haptoglobin",
        block: Hemolysis,
        loinc: &["4542-7", "46127-7"],
        units: MG_DL,
        plausible: Some((0.0, 1000.0)),
        coded: &[CodedValue::Undetectable],
    },
    quantity(
        A::BilirubinTotal,
        "bilirubin_total",
        "Bilirubin, total",
        Hemolysis,
        &["1975-2", "14631-6"],
        BILIRUBIN,
        (0.0, 80.0),
    ),
    quantity(
        A::BilirubinDirect,
        "bilirubin_direct",
        "Bilirubin, direct",
        Hemolysis,
        &["1968-7"],
        BILIRUBIN,
        (0.0, 60.0),
    ),
    quantity(
        A::BilirubinIndirect,
        "bilirubin_indirect",
        "Bilirubin, indirect",
        Hemolysis,
        &["1971-1"],
        BILIRUBIN,
        (0.0, 60.0),
    ),
    coded(A::Dat, "dat", "Direct antiglobulin test", Hemolysis, &["1007-4", "1006-6", "1004-1"], REACTION),
    quantity(
        A::ProthrombinTime,
        "prothrombin_time",
        "Prothrombin time",
        Coagulation,
        &["5902-2"],
        SECONDS,
        (5.0, 300.0),
    ),
    quantity(A::Inr, "inr", "INR", Coagulation, &["6301-6", "34714-6"], &[unit("{INR}", 1.0)], (0.4, 30.0)),
    quantity(A::Aptt, "aptt", "aPTT", Coagulation, &["14979-9", "3173-2"], SECONDS, (10.0, 400.0)),
    quantity(
        A::Fibrinogen,
        "fibrinogen",
        "Fibrinogen",
        Coagulation,
        &["3255-7", "48664-7"],
        &[unit("g/L", 1.0), unit("mg/dL", 0.01)],
        (0.0, 20.0),
    ),
    quantity(A::DDimer, "d_dimer", "D-dimer", Coagulation, &["48065-7", "48066-5"], D_DIMER, (0.0, 1_000_000.0)),
    quantity(
        A::Fdp,
        "fdp",
        "Fibrin degradation products",
        Coagulation,
        &["30226-5"],
        &[unit("mg/L", 1.0), unit("ug/mL", 1.0)],
        (0.0, 10_000.0),
    ),
    quantity(
        A::Creatinine,
        "creatinine",
        "Creatinine",
        Renal,
        &["2160-0", "14682-9"],
        &[unit("mg/dL", 1.0), unit("umol/L", 1.0 / CREATININE_UMOL_PER_MG_DL)],
        (0.05, 40.0),
    ),
    quantity(
        A::UreaNitrogen,
        "urea_nitrogen",
        "Urea nitrogen",
        Renal,
        &["3094-0"],
        &[unit("mg/dL", 1.0)],
        (0.5, 400.0),
    ),
    quantity(A::Urea, "urea", "Urea", Renal, &["22664-7"], &[unit("mmol/L", 1.0)], (0.1, 150.0)),
    quantity(A::Egfr, "egfr", "eGFR", Renal, &[], &[unit("mL/min/{1.73_m2}", 1.0)], (0.0, 250.0)),
    quantity(
        A::UrineProteinCreatinine,
        "urine_protein_creatinine",
        "Urine protein/creatinine",
        Renal,
        &["2890-2"],
        URINE_RATIO,
        (0.0, 100_000.0),
    ),
    coded(A::UrineProteinStrip, "urine_protein_strip", "Urine protein, strip", Renal, &["20454-5", "5804-0"], STRIP),
    coded(A::UrineHemoglobinStrip, "urine_hemoglobin_strip", "Urine hemoglobin, strip", Renal, &["5794-3"], STRIP),
    quantity(
        A::Adamts13Activity,
        "adamts13_activity",
        "ADAMTS13 activity",
        Adamts13,
        &["53622-7"],
        ADAMTS13,
        (0.0, 250.0),
    ),
    Facts {
        analyte: A::Adamts13Inhibitor,
        name: "adamts13_inhibitor",
        label: "ADAMTS13 inhibitor",
        block: Adamts13,
        loinc: &["40824-5"],
        units: &[unit("[beth'U]", 1.0)],
        plausible: Some((0.0, 1000.0)),
        coded: REACTION,
    },
    Facts {
        analyte: A::Adamts13Antibody,
        name: "adamts13_antibody",
        label: "ADAMTS13 antibody (IgG)",
        block: Adamts13,
        loinc: &[],
        units: &[unit("[arb'U]/mL", 1.0)],
        plausible: Some((0.0, 10_000.0)),
        coded: REACTION,
    },
    quantity(A::C3, "c3", "C3", Complement, &["4485-9"], MG_DL, (0.0, 500.0)),
    quantity(A::C4, "c4", "C4", Complement, &["4498-2"], MG_DL, (0.0, 200.0)),
    quantity(
        A::Sc5b9,
        "sc5b9",
        "sC5b-9",
        Complement,
        &[],
        &[unit("ng/mL", 1.0), unit("ug/L", 1.0), unit("mg/L", 1000.0)],
        (0.0, 20_000.0),
    ),
    quantity(A::TroponinT, "troponin_t", "Troponin T", Context, &["6598-7"], NG_L, (0.0, 100_000.0)),
    quantity(A::NtProBnp, "nt_pro_bnp", "NT-proBNP", Context, &["33762-6"], NG_L, (0.0, 1_000_000.0)),
    coded(A::Ana, "ana", "Antinuclear antibodies", Context, &[], REACTION),
];
