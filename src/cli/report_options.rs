//! What becomes of a count: panel, configuration, order and formats, shared by `analyze`, `report` and `watch`.

use std::path::PathBuf;

use clap::Args;

use super::config_options::ConfigOptions;
use super::exit::{Exit, Failure};
use super::order_options::OrderOptions;
use super::score::read_labs;
use crate::case::{Laboratory, Order, OrderError};
use crate::clinical::{LabPanel, ScoreOptions};
use crate::report::ReportFormat;
use crate::settings::Settings;
use crate::time::Timestamp;

/// Panel, order, configuration and formats, as typed.
#[derive(Debug, Clone, Default, Args)]
pub struct ReportOptions {
    /// Whose specimen it is.
    #[command(flatten)]
    pub order: OrderOptions,
    /// Laboratory panel: panel.json, HL7 v2 ORU^R01, or a FHIR R4 Bundle of Observations
    #[arg(long, value_name = "FILE")]
    pub labs: Option<PathBuf>,
    /// The laboratory's configuration.
    #[command(flatten)]
    pub config: ConfigOptions,
}

/// A panel that does not belong to the order.
#[derive(Debug, thiserror::Error)]
#[error("the laboratory panel cannot be used")]
struct ForeignPanel {
    source: OrderError,
}

/// Makes sure that order and panel are of one patient, as far as both say.
///
/// # Errors
/// [`Exit::Usage`] where they are of two.
pub(super) fn check_patient(order: Option<&Order>, panel: Option<&LabPanel>) -> Result<(), Failure> {
    let (Some(order), Some(panel)) = (order, panel) else { return Ok(()) };
    order.check_panel(panel).map_err(|source| Failure::new(Exit::Usage, ForeignPanel { source }))
}

/// The formats asked for, each once and in the order in which they are written.
pub fn sorted(formats: &[ReportFormat]) -> Vec<ReportFormat> {
    ReportFormat::ALL.into_iter().filter(|format| formats.contains(format)).collect()
}

/// What the options name, read and checked before any image is touched.
#[derive(Debug, Clone)]
pub struct Requested {
    /// Specimen number.
    pub accession: Option<String>,
    /// Order.
    pub order: Option<Order>,
    /// Time of issue, where given.
    pub issued_at: Option<Timestamp>,
    /// Panel.
    pub panel: Option<LabPanel>,
    /// The laboratory's configuration.
    pub settings: Settings,
    /// SHA-256 of the configuration.
    pub settings_sha256: String,
}

impl Requested {
    /// The laboratory that reports.
    pub fn laboratory(&self) -> Option<Laboratory> {
        self.settings.laboratory.clone()
    }

    /// Panel with the options of its scores.
    pub fn panel_and_scores(&self) -> Option<(&LabPanel, &ScoreOptions)> {
        self.panel.as_ref().map(|panel| (panel, &self.settings.clinical.scores))
    }
}

impl ReportOptions {
    /// Reads what is named.
    ///
    /// # Errors
    /// [`Exit::Usage`] where order, panel or configuration cannot be read or are refused.
    pub fn read(&self) -> Result<Requested, Failure> {
        let settings = self.config.load()?.settings;
        let settings_sha256 = settings.sha256().map_err(|error| Failure::new(Exit::Usage, error))?;
        let (order, accession) = self.order.resolve()?;
        let panel = self.labs.as_deref().map(|path| read_labs(path, &settings.clinical.panel)).transpose()?;
        check_patient(order.as_ref(), panel.as_ref())?;
        let issued_at = self.order.issued_at.clone();
        Ok(Requested { accession, order, issued_at, panel, settings, settings_sha256 })
    }
}
