//! What becomes of a count: configuration, order, panel and formats, shared by the commands that write reports.
//!
//! Everything that the options name is read and checked before any image is touched.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

#[cfg(doc)]
use super::exit::Exit;
use super::exit::Failure;
use schistoquant::case::{Laboratory, MAX_ORDER_BYTES, Order, OrderError};
use schistoquant::clinical::{LabPanel, PanelOptions, ScoreOptions, panel_bytes, read_panel};
use schistoquant::report::{ReportError, ReportFormat, ReportTarget};
use schistoquant::settings::{LoadedSettings, Settings};
use schistoquant::time::Timestamp;

/// Configuration file, as typed.
#[derive(Debug, Clone, Default, Args)]
pub struct ConfigOptions {
    /// Configuration of the laboratory, a TOML file; the command `config` prints it
    #[arg(long, value_name = "FILE", env = "SCHISTOQUANT_CONFIG", hide_env_values = true)]
    pub config: Option<PathBuf>,
}

impl ConfigOptions {
    /// The settings of the file, or the built-in ones.
    ///
    /// # Errors
    /// [`Exit::Usage`] where the file cannot be read or used.
    pub fn load(&self) -> Result<LoadedSettings, Failure> {
        match &self.config {
            None => Ok(LoadedSettings::default()),
            Some(path) => LoadedSettings::read(path.clone()).map_err(Failure::usage),
        }
    }
}

/// Specimen number, order and time of issue, as typed.
#[derive(Debug, Clone, Default, Args)]
pub struct OrderOptions {
    /// Specimen number; by default that of the order
    #[arg(long, value_name = "ID", value_parser = accession)]
    pub accession: Option<String>,
    /// Order of the specimen: order.json, HL7 v2 OML^O21, or a FHIR R4 ServiceRequest
    #[arg(long, value_name = "FILE")]
    pub order: Option<PathBuf>,
    /// Time of issue, RFC 3339; by default from the order
    #[arg(long, value_name = "TIME", value_parser = Timestamp::parse)]
    pub issued_at: Option<Timestamp>,
}

/// An order file that cannot be used.
#[derive(Debug, thiserror::Error)]
enum OrderFileError {
    #[error("{path}: expected an order file that can be read; check the path and its permissions", path = .path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{path}: the order cannot be used", path = .path.display())]
    Order { path: PathBuf, source: OrderError },
}

impl OrderOptions {
    /// The order and the specimen number.
    ///
    /// # Errors
    /// [`Exit::Usage`] where the order cannot be read, is no order, or is that of another specimen.
    pub fn resolve(&self) -> Result<(Option<Order>, Option<String>), Failure> {
        let Some(path) = &self.order else { return Ok((None, self.accession.clone())) };
        let unreadable = |source| Failure::usage(OrderFileError::Read { path: path.clone(), source });
        let unusable = |source| Failure::usage(OrderFileError::Order { path: path.clone(), source });
        let bytes = fs::metadata(path).map_err(unreadable)?.len();
        if bytes > MAX_ORDER_BYTES as u64 {
            return Err(unusable(OrderError::TooLarge(usize::try_from(bytes).unwrap_or(usize::MAX))));
        }
        let order = Order::read(&fs::read(path).map_err(unreadable)?).map_err(unusable)?;
        let accession = order.accession_beside(self.accession.as_deref()).map_err(unusable)?;
        Ok((Some(order), accession))
    }
}

/// Something that can be read and searched for.
fn accession(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        Err("expected a specimen number, found nothing but spaces".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

/// Reads a panel file.
///
/// # Errors
/// [`Exit::Usage`] where the file cannot be read or the panel is refused: as for an order, the call is wrong, and no image
/// is asked for again.
pub(super) fn read_labs(path: &Path, options: &PanelOptions) -> Result<LabPanel, Failure> {
    let shown = path.display().to_string();
    let unreadable = |error: std::io::Error| {
        let text = format!("{shown}: expected a file that can be read, found: {error}; check path and rights");
        Failure::usage(text)
    };
    let bytes = panel_bytes(path).map_err(unreadable)?;
    read_panel(&bytes, &shown, options).map_err(|error| Failure::usage(error.to_string()))
}

/// Reports, as typed.
#[derive(Debug, Clone, Default, Args)]
pub struct FormatOptions {
    /// Reports to write: json, csv, html, geojson, parquet, pictures, hl7, fhir; pdf where the build has it
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "json,csv,html")]
    pub format: Vec<ReportFormat>,
    /// Keep messages (hl7, fhir) back until a person signs the case in `review`
    #[arg(long)]
    pub require_review: bool,
}

impl FormatOptions {
    /// Where the reports of a specimen go.
    ///
    /// # Errors
    /// Those of [`ReportTarget::prepare`].
    pub fn target(&self, folder: &Path) -> Result<ReportTarget, ReportError> {
        let target = ReportTarget::prepare(folder, &self.sorted())?;
        Ok(if self.require_review { target.hold_messages() } else { target })
    }

    /// Whether one of the formats holds or shows pictures.
    pub fn is_pictured(&self) -> bool {
        self.format.iter().any(|format| format.is_pictured())
    }

    /// The formats asked for, each once and in the order in which they are written.
    pub fn sorted(&self) -> Vec<ReportFormat> {
        ReportFormat::ALL.into_iter().filter(|format| self.format.contains(format)).collect()
    }
}

/// Panel, order and configuration, as typed.
#[derive(Debug, Clone, Default, Args)]
pub struct ReportOptions {
    #[command(flatten)]
    pub order: OrderOptions,
    /// Laboratory panel: panel.json, HL7 v2 ORU^R01, or a FHIR R4 Bundle of Observations
    #[arg(long, value_name = "FILE")]
    pub labs: Option<PathBuf>,
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
    order.check_panel(panel).map_err(|source| Failure::usage(ForeignPanel { source }))
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
    /// Nothing but a configuration.
    ///
    /// # Errors
    /// [`Exit::Usage`] where the configuration cannot be read or used.
    pub fn configured(config: &ConfigOptions) -> Result<Self, Failure> {
        let settings = config.load()?.settings;
        let settings_sha256 = settings.sha256().map_err(Failure::usage)?;
        Ok(Self { accession: None, order: None, issued_at: None, panel: None, settings, settings_sha256 })
    }

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
        let requested = Requested::configured(&self.config)?;
        let (order, accession) = self.order.resolve()?;
        let labs = self.labs.as_deref();
        let panel = labs.map(|path| read_labs(path, &requested.settings.clinical.panel)).transpose()?;
        check_patient(order.as_ref(), panel.as_ref())?;
        let issued_at = self.order.issued_at.clone();
        Ok(Requested { accession, order, issued_at, panel, ..requested })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accession_is_text() {
        for good in ["S-1", " S 1", "Ä"] {
            assert_eq!(accession(good).as_deref(), Ok(good));
        }
        for bad in ["", " ", "\u{a0}\t"] {
            assert!(accession(bad).is_err(), "{bad:?}");
        }
    }
}
