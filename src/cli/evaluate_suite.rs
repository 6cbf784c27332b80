//! `evaluate --suite`: every set of a suite, one table of figures and targets.
//!
//! In: the suite and the folder of its data. Out: `<out>/<set>/evaluation.json` and `.html` as each set ends, and at the
//! end `<out>/suite.json`. A set that cannot be evaluated is named and the others go on.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::evaluate::{EvaluateArgs, measured, warn_of, write_card};
use super::exit::{Exit, Failure};
use super::terminal::{Bar, on_interrupt, print, print_json, warn};
use schistoquant::evaluate::suite::{SUITE_FILE, Suite, SuiteRecord, SuiteRow};
use schistoquant::evaluate::{
    EVALUATION_FILES, EstimateName, EvaluateError, Evaluation, LabelledSet, document, evaluate_set,
};
use schistoquant::pipeline::provenance;
use schistoquant::report::{OutputFolder, ReportError};

/// Environment variable that names the folder of the labelled sets.
const DATA_VARIABLE: &str = "SCHISTOQUANT_DATA";

/// Why a suite gave no table.
#[derive(Debug, thiserror::Error)]
enum SuiteFailure {
    #[error("expected the folder that the paths of the suite start from; name it with --data or {DATA_VARIABLE}")]
    NoData,
    #[error("{}: expected a readable {SUITE_FILE}; check --against", path.display())]
    AgainstUnreadable { path: PathBuf, source: io::Error },
    #[error("{}: expected the {SUITE_FILE} of an earlier run; check --against", path.display())]
    AgainstMalformed { path: PathBuf, source: serde_json::Error },
    #[error("expected at least one set that can be evaluated, found none below {}; name the folder with --data", data.display())]
    NoSet { data: PathBuf },
}

/// Evaluates the sets, prints the table and gives the worst exit code of the sets.
pub(super) fn run(args: &EvaluateArgs, suite: &Path) -> Result<Exit, Failure> {
    let stop = on_interrupt();
    let models = args.model.open()?;
    let pool = args.threads.pool()?;
    let suite = Suite::read(suite)?.only(&args.only)?;
    let stated = args.against.as_deref().map(read_record).transpose()?;
    let data = data_folder(args)?;
    // Every folder is checked before the first set takes its time.
    let prepare = |name: &str| OutputFolder::prepare(&args.out.join(name), &EVALUATION_FILES);
    let folder = OutputFolder::prepare(&args.out, &[SUITE_FILE])?;
    let folders = suite.sets.iter().map(|set| prepare(&set.name)).collect::<Result<Vec<_>, _>>()?;
    let mut record = SuiteRecord::new(provenance(&models, Default::default(), Vec::new()));
    let mut for_card: Vec<Evaluation> = Vec::new();
    let mut exit = Exit::Success;
    let bar = Bar::new(args.quiet);
    for (set, folder) in suite.sets.iter().zip(folders) {
        let labelled = LabelledSet { threshold: args.threshold, ..set.below(&data, &suite.folder) };
        let evaluated = match pool.install(|| evaluate_set(&labelled, &models, &bar, &stop)) {
            Ok(evaluated) => evaluated,
            Err(
                error @ (EvaluateError::Detect(_)
                | EvaluateError::Examine { .. }
                | EvaluateError::Picture { .. }
                | EvaluateError::Temporary { .. }
                | EvaluateError::Interrupted(_)),
            ) => {
                return Err(error.into());
            }
            Err(error) => {
                if !args.quiet {
                    warn(format_args!("{}: {error}", set.name));
                }
                record.add_failure(set, error.to_string());
                exit = Exit::SomeInputsFailed;
                continue;
            }
        };
        bar.clear();
        folder.write(&evaluated.files()?)?;
        let evaluation = evaluated.evaluation;
        if !args.quiet {
            evaluation.failed_inputs.iter().for_each(warn_of);
        }
        if !evaluation.failed_inputs.is_empty() {
            exit = Exit::SomeInputsFailed;
        }
        record.add(set, &evaluation);
        if set.card {
            for_card.push(evaluation);
        }
    }
    if record.sets.iter().all(|set| set.failure.is_some()) {
        return Err(Failure::new(Exit::NoInputReadable, SuiteFailure::NoSet { data }));
    }
    if let Some(stated) = &stated {
        record.compare_with(stated);
    }
    let mut written = folder.write(&[(SUITE_FILE, document(&record).map_err(ReportError::Json)?)])?;
    if let Some(graph) = args.card_of().filter(|_| !for_card.is_empty()) {
        written.push(write_card(graph, models.classifier.card(), &for_card.iter().collect::<Vec<_>>())?);
    }
    if args.json {
        print_json(&record)?;
    } else {
        print(&table(&record, stated.is_some(), &written))?;
    }
    Ok(exit)
}

/// The folder of the labelled sets, as the option or the environment names it.
fn data_folder(args: &EvaluateArgs) -> Result<PathBuf, Failure> {
    let named = || std::env::var_os(DATA_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    args.data.clone().or_else(named).ok_or_else(|| Failure::usage(SuiteFailure::NoData))
}

fn read_record(path: &Path) -> Result<SuiteRecord, Failure> {
    let unreadable = |source| SuiteFailure::AgainstUnreadable { path: path.to_owned(), source };
    let malformed = |source| SuiteFailure::AgainstMalformed { path: path.to_owned(), source };
    let usage = |error| Failure::new(Exit::Usage, error);
    let text = fs::read(path).map_err(unreadable).map_err(usage)?;
    serde_json::from_slice(&text).map_err(malformed).map_err(usage)
}

/// The table: set, figure, measured value with its interval, target, whether it is met, and whether it is held.
fn table(record: &SuiteRecord, compared: bool, written: &[PathBuf]) -> String {
    let mut rows = vec![["set", "figure", "measured (95 % interval)", "target", "met", "held"].map(String::from)];
    rows.extend(record.rows.iter().map(cells));
    let columns = if compared { 6 } else { 5 };
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let line: Vec<String> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}")).collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    for set in &record.sets {
        // Writing to a string cannot fail.
        let _ = match &set.failure {
            Some(reason) => writeln!(text, "not evaluated: {}: {reason}", set.name),
            None => writeln!(
                text,
                "{}: {} fields, {} refused, {} failed",
                set.name, set.fields, set.refused_fields, set.failed_inputs
            ),
        };
    }
    let targets = record.rows.iter().filter(|row| row.at_least.is_some() || row.at_most.is_some()).count();
    let met = record.rows.iter().filter(|row| row.met == Some(true)).count();
    let _ = writeln!(text, "targets met: {met} of {targets}");
    if compared {
        let lost = record.rows.iter().filter(|row| row.held == Some(false)).count();
        let _ = writeln!(text, "figures below what was stated: {lost}");
    }
    for path in written {
        let _ = writeln!(text, "written: {}", path.display());
    }
    text
}

fn cells(row: &SuiteRow) -> [String; 6] {
    let answer = |answer: Option<bool>| match answer {
        Some(true) => String::from("yes"),
        Some(false) => String::from("no"),
        None => String::from("-"),
    };
    let limit = |value: f64| limit(row.figure, value);
    let target = match (row.at_least, row.at_most) {
        (Some(least), _) => format!("≥ {}", limit(least)),
        (None, Some(most)) => format!("≤ {}", limit(most)),
        (None, None) => String::from("-"),
    };
    let measured = measured(row.figure, &row.measured).unwrap_or_else(|| String::from("not defined"));
    [row.set.clone(), row.figure.describe().to_owned(), measured, target, answer(row.met), answer(row.held)]
}

/// A limit in the unit of its figure, without digits that say nothing.
fn limit(figure: EstimateName, value: f64) -> String {
    if figure.is_share() {
        let percent = format!("{:.4}", 100.0 * value);
        format!("{} %", percent.trim_end_matches('0').trim_end_matches('.'))
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_stand_in_the_unit_of_their_figure() {
        assert_eq!(limit(EstimateName::FalsePositiveFloor, 0.0015), "0.15 %");
        assert_eq!(limit(EstimateName::PointsOwn, 0.985), "98.5 %");
        assert_eq!(limit(EstimateName::Sensitivity, 1.0), "100 %");
        assert_eq!(limit(EstimateName::BoxF1, 0.95), "0.95");
    }
}
