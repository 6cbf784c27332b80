//! `schistoquant model`: prints the card of the model in use and the engine that runs it.
//!
//! In: the options of [`ModelOptions`]. Out, on stdout: a readable card, or with `--json` one document
//! `{"engine": {…}, "card": {…}}`. The graph is loaded, so what is printed is known to work.

use std::fmt;
use std::io::{self, Write};

use clap::Args;
use serde::Serialize;

use super::exit::{Exit, Failure};
use super::model_options::ModelOptions;
use crate::classify::{EngineInfo, ModelCard};

/// Arguments of `model`.
#[derive(Debug, Clone, Default, Args)]
pub struct ModelArgs {
    /// Model and engine.
    #[command(flatten)]
    pub options: ModelOptions,

    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    engine: Option<&'a EngineInfo>,
    card: &'a ModelCard,
}

/// Runs the command.
///
/// # Errors
/// See [`ModelOptions::open`]; [`Exit::OutputNotWritable`] where stdout cannot be written. A closed pipe is a success.
pub fn run(args: &ModelArgs) -> Result<(), Failure> {
    let classifier = args.options.open()?;
    let document = Document { engine: classifier.engine(), card: classifier.card() };
    let text = if args.json {
        serde_json::to_string_pretty(&document).map_err(|error| Failure::new(Exit::OutputNotWritable, error))? + "\n"
    } else {
        document.to_string()
    };
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(Exit::OutputNotWritable, error)),
        _ => Ok(()),
    }
}

impl fmt::Display for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let card = self.card;
        let mut line = |name: &str, value: &str| writeln!(f, "{name:<22} {value}");
        line("model", &format!("{} {}", card.name, card.version))?;
        line("graph SHA-256", &card.graph_sha256)?;
        if let Some(engine) = self.engine {
            line("engine", &engine.to_string())?;
        }
        let [batch, _, height, width] = card.input.shape;
        line("input", &format!("{batch} crops of {width} × {height} px at {} µm/px, RGB", card.um_per_px))?;
        line("classes", &card.labels.join(", "))?;
        line("operating point", &format!("schistocyte from {}", card.operating_point))?;
        if let Some(cut) = card.red_cell_operating_point {
            line("", &format!("red cell from {cut}"))?;
        }
        let performance = &card.performance;
        line("sensitivity", &share(performance.sensitivity, performance.sensitivity_cells))?;
        line("specificity", &share(performance.specificity, performance.specificity_cells))?;
        if let Some(measured_on) = &performance.measured_on {
            line("measured on", measured_on)?;
        }
        match &performance.false_positive_floor {
            None => line("false-positive floor", NOT_MEASURED)?,
            Some(floor) => {
                let interval = format!("{:.2} % ({:.2}–{:.2} %)", floor.percent, floor.low, floor.high);
                line("false-positive floor", &format!("{interval} of {} cells: {}", floor.cells, floor.measured_on))?;
            }
        }
        line("training", &card.training.procedure)?;
        for data in &card.training.data {
            line("", &format!("{}: {} cells, {}, {}", data.name, data.cells, data.licence, data.used_for))?;
        }
        line("licence", &card.licence)?;
        line("intended use", &card.intended_use)?;
        line("limits", &card.limits)
    }
}

const NOT_MEASURED: &str = "not measured";

fn share(share: Option<f64>, cells: Option<u64>) -> String {
    let (Some(share), Some(cells)) = (share, cells) else { return NOT_MEASURED.to_owned() };
    format!("{:.2} % of {cells} cells", 100.0 * share)
}
