//! `model`, `config` and `manual`: what the program says of itself.
//!
//! `model` prints a readable card, or with `--json` one document `{"engine": {…}, "card": {…}, "detector": {…}}`; the graph
//! is loaded, so what is printed is known to work. `config` prints TOML that is a configuration file again. `manual`
//! writes `man1/schistoquant*.1` and `completions/` from the definition of the command line itself.

use std::fmt;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use clap_complete::Shell;
use clap_mangen::Man;
use serde::Serialize;

use super::exit::{Exit, Failure};
use super::options::ModelOptions;
use super::report_options::ConfigOptions;
use super::terminal::{indented, print, print_document};
use schistoquant::classify::{CardEstimate, ModelCard};
use schistoquant::inference::EngineInfo;
use schistoquant::segment::DetectorCard;

/// Print the configuration in force, with the source of each value
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  schistoquant config --config docs/laboratory.toml")]
pub struct ConfigArgs {
    #[command(flatten)]
    pub config: ConfigOptions,
}

/// Runs `config`.
///
/// # Errors
/// [`Exit::Usage`] where the configuration cannot be used, [`Exit::OutputNotWritable`] where stdout cannot be written.
pub fn run_config(args: &ConfigArgs) -> Result<(), Failure> {
    let entries = args.config.load()?.entries().map_err(Failure::usage)?;
    // TOML holds no control character but tabs and line ends, and a value must read back as it is.
    print_document(&entries.iter().map(|entry| format!("{entry}\n")).collect::<String>())
}

/// Write the manual pages and the completions of shells, for packagers
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  schistoquant manual --out share")]
pub struct ManualArgs {
    /// Folder for the folders man1 and completions; made if missing
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// Runs `manual` for a command line.
///
/// # Errors
/// [`Exit::OutputNotWritable`].
pub fn run_manual(args: &ManualArgs, mut program: clap::Command) -> Result<(), Failure> {
    let mut write = || -> std::io::Result<usize> {
        let (pages, completions) = (args.out.join("man1"), args.out.join("completions"));
        std::fs::create_dir_all(&pages)?;
        std::fs::create_dir_all(&completions)?;
        program.build();
        let source = format!("schistoquant {}", env!("CARGO_PKG_VERSION"));
        let mut written = 0;
        let commands = program.get_subcommands().filter(|command| command.get_name() != "help");
        for command in std::iter::once(&program).chain(commands) {
            Man::new(command.clone()).source(&source).generate_to(&pages)?;
            written += 1;
        }
        for shell in Shell::value_variants() {
            let name = program.get_name().to_owned();
            clap_complete::generate_to(*shell, &mut program, name, &completions)?;
            written += 1;
        }
        Ok(written)
    };
    let written = write().map_err(|error| {
        let text = format!("{}: expected a folder that can be written to, found: {error}", args.out.display());
        Failure::new(Exit::OutputNotWritable, text)
    })?;
    print(&format!("{}: {written} files\n", args.out.display()))
}

/// Print the card of the model in use and the engine
#[derive(Debug, Clone, Default, Args)]
#[command(after_help = "Examples:
  schistoquant model
  schistoquant model --model trained.onnx --json")]
pub struct ModelArgs {
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
    detector: &'a DetectorCard,
}

/// Runs `model`.
///
/// # Errors
/// See [`ModelOptions::open`]; [`Exit::OutputNotWritable`] where stdout cannot be written. A closed pipe is a success.
pub fn run_model(args: &ModelArgs) -> Result<(), Failure> {
    let models = args.options.open()?;
    let (detector, classifier) = (models.segmenter.detector().card(), &models.classifier);
    let document = Document { engine: classifier.engine(), card: classifier.card(), detector };
    if args.json { print_document(&indented(&document)?) } else { print(&document.to_string()) }
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
        line("cell detector", &format!("{} {}", self.detector.name, self.detector.version))?;
        line("detector SHA-256", &self.detector.graph_sha256)?;
        let [batch, _, height, width] = card.input.shape;
        line("input", &format!("{batch} crops of {width} × {height} px at {} µm/px, RGB", card.um_per_px))?;
        line("classes", &card.labels.join(", "))?;
        line("operating point", &format!("schistocyte from {}", card.operating_point))?;
        if let Some(cut) = card.review_operating_point {
            line("", &format!("for review from {cut}"))?;
        }
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
        let mut name = "floors of classes";
        if performance.class_floors.is_empty() {
            line(name, NOT_MEASURED)?;
        }
        for floor in &performance.class_floors {
            let interval = format!("{:.2} % ({:.2}–{:.2} %)", floor.percent, floor.low, floor.high);
            let class = floor.class.name();
            line(name, &format!("{class} {interval} of {} cells: {}", floor.cells, floor.measured_on))?;
            name = "";
        }
        line("evaluated", if card.is_evaluated() { "yes, by `evaluate --write-card`" } else { "not evaluated" })?;
        for figure in &performance.figures {
            let interval = match (figure.low, figure.high) {
                (Some(low), Some(high)) => format!(" ({low:.4}–{high:.4})"),
                _ => String::new(),
            };
            let CardEstimate { set, figure: name, value, n, .. } = figure;
            line("", &format!("{set}: {name} {value:.4}{interval}, n {n}"))?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use schistoquant::classify::{ClassHealthyShare, HealthyShare, ModelOrigin};
    use schistoquant::inference::EngineKind;
    use schistoquant::segment::CenterProbability;
    use schistoquant::smear::CellClass;

    #[test]
    fn what_was_not_measured_is_said_and_what_was_comes_with_its_cells() {
        let json = include_bytes!("../../fixtures/models/tiny.card.json");
        let mut card = ModelCard::from_json(json, &ModelOrigin::Shipped).expect("the fixture");
        let engine = EngineInfo { kind: EngineKind::Embedded, library: None, build: "build 7".to_owned() };
        let detector = DetectorCard {
            name: "cells".to_owned(),
            version: "3".to_owned(),
            graph_sha256: "0".repeat(64),
            um_per_px: 0.3,
            center_probability: CenterProbability { red_cell: 0.3, white_cell: 0.3, platelet: 0.3 },
            training: String::new(),
            licence: String::new(),
            limits: String::new(),
        };
        let print = |card: &ModelCard| Document { engine: Some(&engine), card, detector: &detector }.to_string();
        let text = print(&card);
        for line in [
            "model                  tiny 1\n",
            "engine                 embedded, build 7\n",
            "cell detector          cells 3\n",
            "input                  16 crops of 64 × 64 px at 0.1875 µm/px, RGB\n",
            "operating point        schistocyte from 0.5\n",
            "                       red cell from 0.05\n",
            "sensitivity            not measured\n",
            "false-positive floor   not measured\n",
            "floors of classes      not measured\n",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        card.performance.sensitivity = Some(0.912_34);
        card.performance.sensitivity_cells = Some(420);
        let measured_on = "healthy".to_owned();
        card.performance.false_positive_floor =
            Some(HealthyShare { percent: 0.3, low: 0.251, high: 0.4, cells: 9000, measured_on });
        card.review_operating_point = Some(0.25);
        let measured_on = "healthy".to_owned();
        let class = CellClass::Burr;
        card.performance.class_floors =
            vec![ClassHealthyShare { class, percent: 2.0, low: 1.5, high: 2.6, cells: 9000, measured_on }];
        let text = print(&card);
        assert!(text.contains("                       for review from 0.25\n"), "{text}");
        assert!(text.contains("floors of classes      burr 2.00 % (1.50–2.60 %) of 9000 cells: healthy\n"), "{text}");
        assert!(text.contains("sensitivity            91.23 % of 420 cells\n"), "{text}");
        assert!(text.contains("false-positive floor   0.30 % (0.25–0.40 %) of 9000 cells: healthy\n"), "{text}");
    }
}
