//! Items by statement, and what is missing by block and by statement.

use super::record::{Direction, EvidenceBlock, Statement, StatementEvidence, WeighedItem};
use super::smear_items::SmearFinding;
use crate::clinical::{Analyte, Block, ClinicalContext, LabPanel, Sex};

/// Something that is asked for: given where any of its analytes is.
struct Wanted {
    label: &'static str,
    any_of: &'static [Analyte],
}

const fn wanted(label: &'static str, any_of: &'static [Analyte]) -> Wanted {
    Wanted { label, any_of }
}

use Analyte as A;

const PLATELETS: Wanted = wanted("Platelets", &[A::Platelets]);
const BASELINE: Wanted = wanted("Platelets, baseline", &[A::PlateletsBaseline]);
const RETICULOCYTES: Wanted = wanted("Reticulocytes", &[A::ReticulocytesPercent, A::ReticulocytesAbsolute]);
const LDH: Wanted = wanted("Lactate dehydrogenase", &[A::Ldh]);
const HAPTOGLOBIN: Wanted = wanted("Haptoglobin", &[A::Haptoglobin]);
const INDIRECT: Wanted = wanted("Bilirubin, indirect", &[A::BilirubinIndirect]);
const DAT: Wanted = wanted("Direct antiglobulin test", &[A::Dat]);
const PT: Wanted = wanted("Prothrombin time", &[A::ProthrombinTime]);
const APTT: Wanted = wanted("aPTT", &[A::Aptt]);
const FIBRINOGEN: Wanted = wanted("Fibrinogen", &[A::Fibrinogen]);
const D_DIMER: Wanted = wanted("D-dimer or FDP", &[A::DDimer, A::Fdp]);
const CREATININE: Wanted = wanted("Creatinine", &[A::Creatinine]);
const UREA: Wanted = wanted("Urea or urea nitrogen", &[A::Urea, A::UreaNitrogen]);
const PROTEIN: Wanted = wanted("Urine protein", &[A::UrineProteinCreatinine, A::UrineProteinStrip]);
const TROPONIN: Wanted = wanted("Troponin T", &[A::TroponinT]);
const BNP: Wanted = wanted("NT-proBNP", &[A::NtProBnp]);
const ACTIVITY: Wanted = wanted("ADAMTS13 activity", &[A::Adamts13Activity]);
const ANTIBODY: Wanted = wanted("ADAMTS13 inhibitor or antibody", &[A::Adamts13Inhibitor, A::Adamts13Antibody]);
const C3: Wanted = wanted("C3", &[A::C3]);
const C4: Wanted = wanted("C4", &[A::C4]);
const SC5B9: Wanted = wanted("sC5b-9", &[A::Sc5b9]);

/// What a block asks for.
fn of_block(block: Block) -> Vec<Wanted> {
    match block {
        Block::Context => vec![TROPONIN, BNP, wanted("Antinuclear antibodies", &[A::Ana])],
        Block::Hematology => vec![
            wanted("Hemoglobin", &[A::Hemoglobin]),
            wanted("Red cells", &[A::RedCells]),
            wanted("MCV", &[A::Mcv]),
            wanted("RDW-CV", &[A::RdwCv]),
            PLATELETS,
            BASELINE,
            RETICULOCYTES,
            wanted("Nucleated red cells", &[A::NucleatedRedCells]),
            wanted("Fragmented red cells by analyzer", &[A::AnalyzerFragments]),
        ],
        Block::Hemolysis => {
            vec![LDH, HAPTOGLOBIN, wanted("Bilirubin, total", &[A::BilirubinTotal]), INDIRECT, DAT]
        }
        Block::Coagulation => vec![PT, wanted("INR", &[A::Inr]), APTT, FIBRINOGEN, D_DIMER],
        Block::Renal => vec![
            CREATININE,
            UREA,
            wanted("eGFR", &[A::Egfr]),
            PROTEIN,
            wanted("Urine hemoglobin, strip", &[A::UrineHemoglobinStrip]),
        ],
        Block::Adamts13 => vec![ACTIVITY, ANTIBODY],
        Block::Complement => vec![C3, C4, SC5B9],
        Block::Smear | Block::Imaging | Block::Histology => Vec::new(),
    }
}

/// What a statement asks for.
fn of_statement(statement: Statement) -> Vec<Wanted> {
    match statement {
        Statement::MechanicalHemolysis => vec![RETICULOCYTES, LDH, HAPTOGLOBIN, INDIRECT, DAT],
        Statement::Thrombocytopenia => vec![PLATELETS, BASELINE],
        Statement::CoagulationActivation => {
            vec![wanted("Prothrombin time or INR", &[A::ProthrombinTime, A::Inr]), APTT, FIBRINOGEN, D_DIMER]
        }
        Statement::RenalInvolvement => vec![CREATININE, UREA, PROTEIN],
        Statement::NeurologicalInvolvement => Vec::new(),
        Statement::CardiacInvolvement => vec![TROPONIN, BNP],
        Statement::SevereAdamts13Deficiency => vec![ACTIVITY, ANTIBODY],
        Statement::ComplementActivation => vec![C3, C4, SC5B9],
    }
}

/// Names of what was not given.
fn not_given(wanted: &[Wanted], panel: &LabPanel) -> Vec<String> {
    let given = |wanted: &Wanted| wanted.any_of.iter().any(|analyte| panel.current(*analyte).is_some());
    wanted.iter().filter(|wanted| !given(wanted)).map(|wanted| wanted.label.to_owned()).collect()
}

const FILM: &str = "Schistocytes on the film";
const NEUROLOGICAL: &str = "Neurological finding";
const CARDIAC: &str = "Cardiac finding";

/// Names of context that was not given.
fn context_not_given(context: &ClinicalContext) -> Vec<String> {
    let cancer = context.cancer.as_ref();
    // Where there is no cancer there is nothing to spread.
    let asked_of_cancer = context.has_cancer();
    let wanted = [
        ("Age", context.age_years.is_some()),
        ("Sex", context.sex.is_some()),
        ("Pregnancy", context.pregnant.is_some() || context.sex == Some(Sex::Male)),
        ("Cancer: active or not", context.active_cancer().is_some()),
        ("Cancer: metastases", !asked_of_cancer || cancer.is_some_and(|cancer| cancer.metastatic.is_some())),
        ("Cancer: bone marrow", !asked_of_cancer || cancer.is_some_and(|cancer| cancer.marrow.is_some())),
        ("Drugs with start date", context.drugs.is_some()),
        ("Transplantation", context.transplant.is_some()),
        (NEUROLOGICAL, context.neurological.is_some()),
        (CARDIAC, context.cardiac.is_some()),
        ("Gastrointestinal finding", context.gastrointestinal.is_some()),
    ];
    wanted.into_iter().filter(|(_, given)| !given).map(|(name, _)| name.to_owned()).collect()
}

/// Names of what a block lacks.
pub(super) fn missing_in(block: Block, smear: Option<&SmearFinding>, panel: &LabPanel) -> Vec<String> {
    let context = &panel.context;
    let mut missing = match block {
        Block::Context => context_not_given(context),
        Block::Smear if smear.is_none() && context.schistocytes_on_film.is_none() => vec![FILM.to_owned()],
        Block::Imaging if context.imaging.is_empty() => vec!["Imaging".to_owned()],
        Block::Histology if context.histology.is_empty() => vec!["Histology".to_owned()],
        _ => Vec::new(),
    };
    missing.extend(not_given(&of_block(block), panel));
    missing
}

/// The items of every statement.
pub(super) fn gather(
    blocks: &[EvidenceBlock],
    smear: Option<&SmearFinding>,
    panel: &LabPanel,
) -> Vec<StatementEvidence> {
    Statement::ALL
        .into_iter()
        .map(|statement| StatementEvidence {
            statement,
            title: statement.title().to_owned(),
            supports: weighed(blocks, statement, Direction::Supports),
            speaks_against: weighed(blocks, statement, Direction::SpeaksAgainst),
            neutral: weighed(blocks, statement, Direction::Neutral),
            missing: missing_for(statement, smear, panel),
        })
        .collect()
}

fn weighed(blocks: &[EvidenceBlock], statement: Statement, direction: Direction) -> Vec<WeighedItem> {
    let items = blocks.iter().flat_map(|block| &block.items);
    let bearings = items.flat_map(|item| item.bearings.iter().map(move |bearing| (item, bearing)));
    bearings
        .filter(|(_, bearing)| bearing.statement == statement && bearing.direction == direction)
        .map(|(item, bearing)| WeighedItem {
            code: item.code.clone(),
            name: item.name.clone(),
            value_text: item.value_text.clone(),
            rule: bearing.rule.clone(),
            source: bearing.source.clone(),
        })
        .collect()
}

fn missing_for(statement: Statement, smear: Option<&SmearFinding>, panel: &LabPanel) -> Vec<String> {
    let context = &panel.context;
    let entered = match statement {
        Statement::MechanicalHemolysis if smear.is_none() && context.schistocytes_on_film.is_none() => Some(FILM),
        Statement::NeurologicalInvolvement if context.neurological.is_none() => Some(NEUROLOGICAL),
        Statement::CardiacInvolvement if context.cardiac.is_none() => Some(CARDIAC),
        _ => None,
    };
    let mut missing: Vec<String> = entered.into_iter().map(str::to_owned).collect();
    missing.extend(not_given(&of_statement(statement), panel));
    missing
}
