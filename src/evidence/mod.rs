//! What count and panel say together: items for and against each statement, and what is missing. No verdict.
//!
//! In: a [`SmearFinding`] (percent of red cells, interval in percent; `None` where no film was counted) and a
//! [`LabPanel`]. Out: an [`Evidence`]: blocks of items with value, unit, interval, flag and time; for each of eight
//! statements the items that support it, speak against it, or are missing; scores; limitations; and a page for a patient
//! with cancer.
//!
//! Order: 1. `items` of each block with their bearings by `rules`; 2. items by statement, what is missing, and limitations
//! (`statements`); 3. scores; 4. the page for `cancer`.
//!
//! Method: every bearing is one rule with one limit, named with its source. Nothing is added up, because the rules are
//! not independent and no source gives them weights.
//!
//! Limits: rules look at one time, the current value of each item. Free texts are printed and not weighed. None of the
//! statements is a diagnosis, and none names a cause.

mod cancer;
mod items;
mod record;
mod rules;
mod statements;

pub use items::SmearFinding;
pub use record::{
    Bearing, CancerPage, ComparedItem, Comparison, Direction, EarlierValue, Evidence, EvidenceBlock, EvidenceItem,
    Exposure, ExposureKind, ItemReference, Statement, StatementEvidence, WeighedItem,
};

use crate::clinical::{Block, ClinicalContext, LabPanel, ScoreOptions, scores};

/// Weighs a count and a panel.
pub fn weigh(smear: Option<&SmearFinding>, panel: &LabPanel, options: &ScoreOptions) -> Evidence {
    let evidence = |block: &Block| EvidenceBlock {
        block: *block,
        title: block.to_string(),
        items: items::of_block(*block, smear, panel, options),
        missing: statements::missing_in(*block, smear, panel),
    };
    let blocks: Vec<EvidenceBlock> = Block::ALL.iter().map(evidence).collect();
    Evidence {
        statements: statements::gather(&blocks, smear, panel),
        missing: blocks.iter().flat_map(|block| block.missing.clone()).collect(),
        limitations: statements::limitations(smear, panel),
        scores: scores(&with_film(smear, panel), options),
        cancer_page: cancer::page(smear, panel),
        ignored: panel.ignored.clone(),
        blocks,
    }
}

/// The panel as the scores see it: what a person saw on the film goes before what was measured.
fn with_film(smear: Option<&SmearFinding>, panel: &LabPanel) -> LabPanel {
    let seen = panel.context.schistocytes_on_film.or_else(|| smear.and_then(SmearFinding::schistocytes_seen));
    panel.with_context(ClinicalContext { schistocytes_on_film: seen, ..panel.context.clone() })
}

#[cfg(test)]
mod tests;
