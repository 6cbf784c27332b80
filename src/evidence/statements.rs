//! Items by statement, what is missing by block and by statement, and what the evidence cannot tell in this case.

use std::collections::BTreeSet;

use super::items::SmearFinding;
use super::record::{Direction, EvidenceBlock, Statement, StatementEvidence, WeighedItem};
use crate::clinical::{Analyte, Block, ClinicalContext, LabPanel, LabResult, ReferenceOwner, ResultStatus, Sex};
use crate::count::{Context, State};

use Analyte as A;
use Block::{Adamts13, Coagulation, Complement, Hematology, Hemolysis, Renal};
use Statement as S;

/// What the report asks for: label; analytes, of which any one is enough; the block and the statement that name it where it
/// is missing. Both name what is missing in the order of the table.
type Wanted = (&'static str, &'static [Analyte], Option<Block>, Option<Statement>);

const WANTED: &[Wanted] = &[
    ("Hemoglobin", &[A::Hemoglobin], Some(Hematology), None),
    ("Red cells", &[A::RedCells], Some(Hematology), None),
    ("MCV", &[A::Mcv], Some(Hematology), None),
    ("RDW-CV", &[A::RdwCv], Some(Hematology), None),
    ("Platelets", &[A::Platelets], Some(Hematology), Some(S::Thrombocytopenia)),
    ("Platelets, baseline", &[A::PlateletsBaseline], Some(Hematology), Some(S::Thrombocytopenia)),
    (
        "Reticulocytes",
        &[A::ReticulocytesPercent, A::ReticulocytesAbsolute],
        Some(Hematology),
        Some(S::MechanicalHemolysis),
    ),
    ("Nucleated red cells", &[A::NucleatedRedCells], Some(Hematology), None),
    ("Fragmented red cells by analyzer", &[A::AnalyzerFragments], Some(Hematology), None),
    ("Lactate dehydrogenase", &[A::Ldh], Some(Hemolysis), Some(S::MechanicalHemolysis)),
    ("Haptoglobin", &[A::Haptoglobin], Some(Hemolysis), Some(S::MechanicalHemolysis)),
    ("Bilirubin, total", &[A::BilirubinTotal], Some(Hemolysis), None),
    ("Bilirubin, indirect", &[A::BilirubinIndirect], Some(Hemolysis), Some(S::MechanicalHemolysis)),
    ("Direct antiglobulin test", &[A::Dat], Some(Hemolysis), Some(S::MechanicalHemolysis)),
    ("Prothrombin time", &[A::ProthrombinTime], Some(Coagulation), None),
    ("INR", &[A::Inr], Some(Coagulation), None),
    ("Prothrombin time or INR", &[A::ProthrombinTime, A::Inr], None, Some(S::CoagulationActivation)),
    ("aPTT", &[A::Aptt], Some(Coagulation), Some(S::CoagulationActivation)),
    ("Fibrinogen", &[A::Fibrinogen], Some(Coagulation), Some(S::CoagulationActivation)),
    ("D-dimer or FDP", &[A::DDimer, A::Fdp], Some(Coagulation), Some(S::CoagulationActivation)),
    ("Creatinine", &[A::Creatinine], Some(Renal), Some(S::RenalInvolvement)),
    ("Urea or urea nitrogen", &[A::Urea, A::UreaNitrogen], Some(Renal), Some(S::RenalInvolvement)),
    ("eGFR", &[A::Egfr], Some(Renal), None),
    ("Urine protein", &[A::UrineProteinCreatinine, A::UrineProteinStrip], Some(Renal), Some(S::RenalInvolvement)),
    ("Urine hemoglobin, strip", &[A::UrineHemoglobinStrip], Some(Renal), None),
    ("Troponin T", &[A::TroponinT], Some(Block::Context), Some(S::CardiacInvolvement)),
    ("NT-proBNP", &[A::NtProBnp], Some(Block::Context), Some(S::CardiacInvolvement)),
    ("Antinuclear antibodies", &[A::Ana], Some(Block::Context), None),
    ("ADAMTS13 activity", &[A::Adamts13Activity], Some(Adamts13), Some(S::SevereAdamts13Deficiency)),
    (
        "ADAMTS13 inhibitor or antibody",
        &[A::Adamts13Inhibitor, A::Adamts13Antibody],
        Some(Adamts13),
        Some(S::SevereAdamts13Deficiency),
    ),
    ("C3", &[A::C3], Some(Complement), Some(S::ComplementActivation)),
    ("C4", &[A::C4], Some(Complement), Some(S::ComplementActivation)),
    ("sC5b-9", &[A::Sc5b9], Some(Complement), Some(S::ComplementActivation)),
];

/// Names of what was asked for and not given.
fn not_given(panel: &LabPanel, is_asked: impl Fn(&Wanted) -> bool) -> impl Iterator<Item = String> {
    let is_given = |any_of: &[Analyte]| any_of.iter().any(|analyte| panel.current(*analyte).is_some());
    WANTED.iter().filter(move |wanted| is_asked(wanted) && !is_given(wanted.1)).map(|(label, ..)| (*label).to_owned())
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
    missing.extend(not_given(panel, |(_, _, asked_by, _)| *asked_by == Some(block)));
    missing
}

/// The items of every statement.
pub(super) fn gather(
    blocks: &[EvidenceBlock],
    smear: Option<&SmearFinding>,
    panel: &LabPanel,
) -> Vec<StatementEvidence> {
    let evidence = |statement: &Statement| StatementEvidence {
        statement: *statement,
        title: statement.title().to_owned(),
        supports: weighed(blocks, *statement, Direction::Supports),
        speaks_against: weighed(blocks, *statement, Direction::SpeaksAgainst),
        neutral: weighed(blocks, *statement, Direction::Neutral),
        missing: missing_for(*statement, smear, panel),
    };
    Statement::ALL.iter().map(evidence).collect()
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
    missing.extend(not_given(panel, |(.., asked_by)| *asked_by == Some(statement)));
    missing
}

/// Limitations of a case.
pub(super) fn limitations(smear: Option<&SmearFinding>, panel: &LabPanel) -> Vec<String> {
    let mut found = vec![
        "Items are listed and not added up: no source gives them weights, and they are not independent.".to_owned(),
    ];
    found.extend(of_smear(smear).into_iter().map(str::to_owned));
    found.extend(of_adamts13(panel).map(str::to_owned));
    found.extend(of_results(panel));
    if panel.context.pregnant == Some(true) {
        found.push("Built-in reference intervals are not those of pregnancy.".to_owned());
    }
    if panel.context.is_adult() == Some(false) {
        found.push("Scores and built-in reference intervals are for adults and are not applied.".to_owned());
    }
    found
}

fn of_smear(smear: Option<&SmearFinding>) -> Vec<&'static str> {
    let Some(smear) = smear else {
        return vec!["No film was counted: schistocytes are known from the panel alone, if at all."];
    };
    let placed = match smear.state {
        State::Above => "Schistocytes are not specific for TMA.",
        State::NotAbove => "Schistocytes at or below the limit do not exclude TMA.",
        State::Indeterminate if smear.reviewed => {
            "With the cells that nobody read the schistocytes may lie on either side of the limit."
        }
        State::Indeterminate => "With the errors of the model the schistocytes may lie on either side of the limit.",
        State::Insufficient => "Too few red cells were counted to place the schistocytes.",
        State::NotAssessable if smear.red_cells > 0 => "The film is unlike all that the model was tried on.",
        State::NotAssessable => "No red cell could be counted.",
    };
    let shapes = match smear.context {
        Some(Context::MixedPoikilocytosis) => {
            Some("Other changes of shape outnumber schistocytes: their percentage is not specific in this picture.")
        }
        Some(Context::NotAssessed) => Some(
            "Shapes other than schistocytes are not assessed by this model: whether schistocytes are the main change of \
             shape is not known.",
        ),
        _ => None,
    };
    std::iter::once(placed).chain(shapes).collect()
}

fn of_adamts13(panel: &LabPanel) -> Option<&'static str> {
    let results = Analyte::ALL.iter().filter(|analyte| analyte.is_adamts13());
    let results = results.filter_map(|analyte| panel.current(*analyte));
    let before: Vec<Option<bool>> = results.map(|result| result.before_plasma).collect();
    if before.contains(&Some(false)) {
        return Some("ADAMTS13 was drawn after plasma was given: it does not tell the activity before.");
    }
    before
        .contains(&None)
        .then_some("It is not stated whether ADAMTS13 was drawn before plasma was given; plasma raises the activity.")
}

/// Limitations that follow from the results as a whole.
fn of_results(panel: &LabPanel) -> Vec<String> {
    let current: Vec<&LabResult> = Analyte::ALL.iter().filter_map(|analyte| panel.current(*analyte)).collect();
    // A baseline belongs to another day by its nature, and it is not placed against an interval.
    let of_the_time = || current.iter().filter(|result| result.analyte != Analyte::PlateletsBaseline);
    let is_built_in = |result: &LabResult| {
        result.reference.as_ref().is_some_and(|reference| reference.owner == ReferenceOwner::BuiltIn)
    };
    let count = |text: &str, number: usize| (number > 0).then(|| format!("{text}: {number}."));
    let built_in = current.iter().filter(|result| is_built_in(result)).count();
    let unplaced = of_the_time().filter(|result| result.quantity().is_some() && result.reference.is_none()).count();
    let preliminary = current.iter().filter(|result| result.status == ResultStatus::Preliminary).count();
    let days: BTreeSet<String> = of_the_time().filter_map(|result| Some(result.collected_at?.day())).collect();
    let different_days = days.first().zip(days.last()).filter(|(first, last)| first != last);
    let untimed = current.iter().filter(|result| result.collected_at.is_none()).count();
    let in_ddu = |result: &&LabResult| result.quantity().is_some_and(|quantity| quantity.unit.contains("{DDU}"));
    let clotting_times = [Analyte::ProthrombinTime, Analyte::Inr, Analyte::Aptt];
    let found = [
        count("Built-in reference intervals, not the laboratory's own, stand beside results", built_in),
        count("Results without a known reference interval", unplaced),
        count("Preliminary results", preliminary),
        different_days
            .map(|(first, last)| format!("Current results were collected on different days, {first} to {last}.")),
        count("Results without a time of collection", untimed),
        current.iter().any(in_ddu).then(|| {
            "D-dimer was given in DDU and compared as twice as many FEU, which is an approximation.".to_owned()
        }),
        count("Observations of the message that were left aside and are listed", panel.ignored.len()),
        current
            .iter()
            .any(|result| clotting_times.contains(&result.analyte))
            .then(|| "Whether anticoagulants change the clotting times is not known here.".to_owned()),
    ];
    found.into_iter().flatten().collect()
}
