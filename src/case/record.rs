//! The record of a specimen, which `case.json` holds, and the case that it belongs to.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::count_record::CountRecord;
use super::field::FieldRecord;
use super::fields::CaseFields;
use super::film::{ClassRecord, FilmRecord};
use super::order::Order;
use super::panel_match::{PanelMatch, matched};
use super::provenance::{IssueTime, Laboratory, Provenance};
use super::reading::{CellKey, Reading};
use super::review_record::{ReviewRecord, ReviewStatus};
use super::slide_record::SlidesRecord;
use crate::clinical::{LabPanel, ScoreOptions};
use crate::evidence::{Evidence, SmearFinding, weigh};
use crate::smear::{AgeGroup, CellClass, CellId, ExclusionReason};
use crate::time::Timestamp;

/// Version of the record's schema.
pub const SCHEMA_VERSION: &str = "4.0";

/// An input that could not be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InputFailure {
    /// Path as given.
    pub path: String,
    /// What was expected, what was found, what to do.
    pub reason: String,
}

/// A panel and how its scores were asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WeighedPanel {
    /// The panel as it was given.
    pub panel: LabPanel,
    /// What the laboratory settled for the scores.
    pub scores: ScoreOptions,
}

/// The record written as `case.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseRecord {
    /// Version of this schema.
    pub schema_version: String,
    /// Specimen number given by the caller.
    pub accession: Option<String>,
    /// The order behind the specimen; null where none was given.
    pub order: Option<Order>,
    /// The laboratory that reports; null where none was named.
    pub laboratory: Option<Laboratory>,
    /// When reports and messages are issued; null where neither caller nor order says so.
    pub issued_at: Option<IssueTime>,
    /// Modification time of the newest image file, where nothing says when the report is issued; never a time of issue.
    pub newest_image_at: Option<Timestamp>,
    /// Age group that selects the threshold.
    pub age_group: AgeGroup,
    /// The count.
    pub count: CountRecord,
    /// Result in words; never a diagnosis.
    pub statement: String,
    /// What count and laboratory panel say together; null where no panel was given.
    pub evidence: Option<Evidence>,
    /// The panel that the evidence was weighed from, so that it can be weighed again with a reviewed count; left out without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub panel: Option<Box<WeighedPanel>>,
    /// How the panel belongs to order and specimen; left out without a panel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub panel_match: Option<PanelMatch>,
    /// Counted cells for a reader: called schistocyte, or nearly (`review_operating_point` of the model).
    pub cells_to_read: u64,
    /// What a person made of it; left out until it is signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Box<ReviewRecord>>,
    /// Called cells of each class and what they say of the film; every class in label order.
    pub classes: Vec<ClassRecord>,
    /// Objects left out, by reason; reasons that did not occur are not named.
    #[schemars(with = "BTreeMap<String, u64>")]
    pub exclusions: BTreeMap<ExclusionReason, u64>,
    /// How like the films that the model learned from the film is; left out where the card states no range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub film: Option<FilmRecord>,
    /// Fields in input order.
    pub fields: Vec<FieldRecord>,
    /// Slides among the inputs and how they were counted; left out without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slides: Option<SlidesRecord>,
    /// Inputs that could not be read.
    pub failed_inputs: Vec<InputFailure>,
    /// Program, model, engine, options and inputs behind the figures.
    pub provenance: Provenance,
    /// The fixed footer.
    pub footer: String,
}

impl CaseRecord {
    /// The record with a panel weighed beside its count; an evidence that was there is replaced.
    pub fn with_panel(self, panel: &LabPanel, options: &ScoreOptions) -> Self {
        let given = WeighedPanel { panel: panel.clone(), scores: options.clone() };
        let (panel, matched) = matched(self.order.as_ref(), self.accession.as_deref(), panel);
        let mut evidence = weigh(Some(&SmearFinding::from(&self.count)), &panel, options);
        // What was not compared comes before everything that rests on it.
        let said = matched.gaps.iter().cloned().chain([matched.window.sentence()]);
        evidence.limitations.splice(0..0, said);
        let panel = Some(Box::new(given));
        Self { evidence: Some(evidence), panel, panel_match: Some(matched), ..self }
    }

    /// The record with an order that came after its panel. The panel itself is not kept, so the two were not compared.
    pub fn with_later_order(mut self, order: Order) -> Self {
        if self.order.as_ref() != Some(&order)
            && let (Some(evidence), Some(matched)) = (&mut self.evidence, &mut self.panel_match)
        {
            let gap = "The order came after the panel: they were not compared. Give both together.".to_owned();
            if !matched.gaps.contains(&gap) {
                evidence.limitations.insert(0, gap.clone());
                matched.gaps.insert(0, gap);
            }
        }
        Self { order: Some(order), ..self }
    }

    /// How far the result has come.
    pub fn review_status(&self) -> ReviewStatus {
        match &self.review {
            None => ReviewStatus::Preliminary,
            Some(review) if review.number > 1 => ReviewStatus::Corrected,
            Some(_) => ReviewStatus::Final,
        }
    }

    /// The readings of the cells that the program found, by place of the field in the record and number of the cell; empty before
    /// a signature.
    pub fn found_readings(&self) -> BTreeMap<(usize, CellId), Reading> {
        let readings = self.review.iter().flat_map(|review| &review.readings);
        let found = readings.filter_map(|read| match read.key {
            CellKey::Found { field, cell } => Some(((field as usize, cell), read.reading)),
            CellKey::Added { .. } => None,
        });
        found.collect()
    }

    /// The software's own count, reviewed or not.
    pub fn software_count(&self) -> &CountRecord {
        self.review.as_ref().map_or(&self.count, |review| &review.software.count)
    }

    /// Counted cells called a class; `None` where they are not given.
    pub fn class_count(&self, class: CellClass) -> Option<u64> {
        self.classes.iter().find(|record| record.class == class)?.cells
    }
}

/// A whole case: the record, and the fields behind it in the same order as [`CaseRecord::fields`].
#[derive(Debug)]
pub struct Case {
    /// What `case.json` holds.
    pub record: CaseRecord,
    /// Fields with their objects and pictures.
    pub fields: CaseFields,
}

/// The fixed footer of every output. The first sentence is prescribed by 21 CFR 809.10(c)(2)(i).
pub const FOOTER: &str = "For Research Use Only. Not for use in diagnostic procedures. Counts were produced by software \
    and are preliminary until reviewed by a qualified professional. Schistocytes are not specific for TMA and their \
    absence does not exclude it. Interpret with clinical and laboratory findings.";

/// The same for a result that a person has signed.
pub const REVIEWED_FOOTER: &str = "For Research Use Only. Not for use in diagnostic procedures. Cells were found by software \
    and the suspicious ones read by a person, who signed. Schistocytes are not specific for TMA and their \
    absence does not exclude it. Interpret with clinical and laboratory findings.";
