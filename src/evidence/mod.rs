//! What count and panel say together: items for and against each statement, and what is missing. No verdict.
//!
//! In: a [`SmearFinding`] (percent of red cells, interval in percent; `None` where no film was counted) and a
//! [`LabPanel`]. Out: an [`Evidence`]: blocks of items with value, unit, interval, flag and time; for each of eight
//! statements the items that support it, speak against it, or are missing; scores; limitations; and a page for a patient
//! with cancer.
//!
//! Order: 1. items of each block with their bearings; 2. items by statement; 3. what is missing; 4. scores;
//! 5. limitations; 6. the page for cancer.
//!
//! Method: every bearing is one rule with one limit, named with its source. Nothing is added up, because the rules are
//! not independent and no source gives them weights.
//!
//! Limits: rules look at one time, the current value of each item. Free texts are printed and not weighed. None of the
//! statements is a diagnosis, and none says why something is as it is.

mod cancer;
mod context_items;
mod exposures;
mod lab_items;
mod limitations;
mod record;
mod rules;
mod smear_items;
mod sources;
mod statements;

pub use record::{
    Bearing, CancerPage, ComparedItem, Comparison, Direction, EarlierValue, Evidence, EvidenceBlock, EvidenceItem,
    Exposure, ExposureKind, ItemReference, Statement, StatementEvidence, WeighedItem,
};
pub use smear_items::SmearFinding;

use crate::clinical::{Analyte, Block, ClinicalContext, LabPanel, ScoreOptions, scores};

/// Weighs a count and a panel.
pub fn weigh(smear: Option<&SmearFinding>, panel: &LabPanel, options: &ScoreOptions) -> Evidence {
    let blocks: Vec<EvidenceBlock> = Block::ALL
        .into_iter()
        .map(|block| EvidenceBlock {
            block,
            title: block.title().to_owned(),
            items: items(block, smear, panel, options),
            missing: statements::missing_in(block, smear, panel),
        })
        .collect();
    let missing = blocks.iter().flat_map(|block| block.missing.clone()).collect();
    Evidence {
        statements: statements::gather(&blocks, smear, panel),
        missing,
        limitations: limitations::of(smear, panel),
        scores: scores(&with_film(smear, panel), options),
        cancer_page: cancer::page(smear, panel),
        ignored: panel.ignored.clone(),
        blocks,
    }
}

/// Items of a block.
fn items(block: Block, smear: Option<&SmearFinding>, panel: &LabPanel, options: &ScoreOptions) -> Vec<EvidenceItem> {
    let mut items = match block {
        Block::Context => context_items::context(&panel.context),
        Block::Smear => smear_items::of(smear, &panel.context),
        Block::Imaging => context_items::texts("imaging", "Imaging", &panel.context.imaging),
        Block::Histology => context_items::texts("histology", "Histology", &panel.context.histology),
        _ => Vec::new(),
    };
    let analytes = Analyte::ALL.into_iter().filter(|analyte| analyte.block() == block);
    items.extend(analytes.filter_map(|analyte| lab_items::item(analyte, panel, options)));
    items
}

/// The panel as the scores see it: what a person saw on the film goes before what was measured.
fn with_film(smear: Option<&SmearFinding>, panel: &LabPanel) -> LabPanel {
    let seen = panel.context.schistocytes_on_film.or_else(|| smear.and_then(SmearFinding::schistocytes_seen));
    panel.with_context(ClinicalContext { schistocytes_on_film: seen, ..panel.context.clone() })
}

#[cfg(test)]
mod tests;
