//! Films drawn from cells whose truth is known: how often the interval of a count holds the true percentage, which
//! state is given, and how far the value lies off.
//!
//! In: the `cells.csv` of evaluations ([`Answer`]) of read sets and of healthy sets, and what the card of the model
//! states. Out: the rows of a [`PseudoRecord`], one for each kind of film, `pseudo-patients.json`, and their tables in
//! Markdown. Every field of the record is always present; what is undefined is null. Seeded: the same files and options give
//! the same bytes with any number of threads.
//!
//! Method: a film of n cells at a true share p holds each cell independently as a schistocyte with probability p. A
//! schistocyte is drawn with replacement from the counted cells that both readers call one; any other cell from the
//! counted cells of healthy sets, or from those that are none in the read sets, by their weight. Every drawn cell brings
//! the class that it was called at the operating point. The cells are put into fields of `FIELD_CELLS` cells, and
//! [`SchistocyteCount::of_fields`], the very code of a report, counts them.
//!
//! METHOD: films of the very cells that gave sensitivity and specificity would flatter the correction. So there are films of
//! two kinds: drawn from all cells and counted by the card, and drawn from one half of the groups (fields where there are
//! none) and counted by what the other half gives, both ways.
//!
//! Limits: every film of a row shares one sensitivity; patients and stains differ more. Cells that are missed or
//! excluded are in no film.

mod pools;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::RangeInclusive;

use rand_pcg::Pcg64;
use rand_pcg::rand_core::Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::answers::Answer;
use crate::case::rounded;
use crate::count::{CountOptions, FieldTally, Performance, SchistocyteCount};
use crate::smear::CellClass;
use pools::{ClassPool, Half, Pools};

pub use pools::PoolsError;

/// Cells of a film: the least that ICSH asks for, what a careful count takes, and what a slide scan gives.
const FILM_CELLS: [u64; 3] = [1000, 3000, 10_000];
/// True shares of schistocytes: none, what healthy people carry, half of the limit, twice it, and a patient's.
const TRUE_SHARES: [f64; 6] = [0.0, 0.002, 0.005, 0.01, 0.02, 0.05];
/// Counted cells of a field at 1000×, uniform.
const FIELD_CELLS: RangeInclusive<u64> = 60..=100;
/// Films of each kind: at a coverage of 95 % the standard error is then 0.7 percentage points.
pub const DEFAULT_FILMS: u32 = 1000;
/// Seed where none is given; any fixed value serves.
pub const DEFAULT_SEED: u64 = 13;

/// Where the other cells of a film come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Others {
    /// Counted cells of healthy sets.
    Healthy,
    /// Cells of the read sets that are none.
    Read,
}

/// Where the sensitivity and the specificity come from that a film is counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RatesFrom {
    /// The card of the model.
    #[serde(rename = "card")]
    Card,
    /// The half of the groups that the film is not drawn from.
    #[serde(rename = "other half")]
    OtherHalf,
}

/// Films of one kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PseudoRow {
    /// Where the other cells come from.
    pub others: Others,
    /// Where sensitivity and specificity come from.
    pub figures: RatesFrom,
    /// Cells of a film.
    pub cells: u64,
    /// True schistocytes, percent.
    pub true_percent: f64,
    /// Films.
    pub films: u64,
    /// Of them with a corrected interval.
    pub with_interval: u64,
    /// Share of those whose corrected 95 % interval holds the truth; null without one.
    pub coverage: Option<f64>,
    /// Share of films by state.
    pub states: BTreeMap<String, f64>,
    /// Mean called less true percentage, points.
    pub called_bias_points: Option<f64>,
    /// Mean corrected less true percentage over films with a corrected value, points; null without one.
    pub corrected_bias_points: Option<f64>,
    /// Films with a corrected value.
    pub with_corrected_value: u64,
}

/// The record written as `pseudo-patients.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PseudoRecord {
    /// Version of this record.
    pub schema_version: String,
    /// Model with its version.
    pub model: String,
    /// SHA-256 of its graph.
    pub model_sha256: String,
    /// Operating point of the calls.
    pub operating_point: f64,
    /// Evaluations of read sets.
    pub read: Vec<String>,
    /// Evaluations of healthy sets.
    pub healthy: Vec<String>,
    /// Seed.
    pub seed: u64,
    /// Films of each kind.
    pub rows: Vec<PseudoRow>,
}

/// How many films, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PseudoOptions {
    /// Films of each kind.
    pub films: u32,
    /// Seed of every draw.
    pub seed: u64,
}

impl Default for PseudoOptions {
    fn default() -> Self {
        Self { films: DEFAULT_FILMS, seed: DEFAULT_SEED }
    }
}

/// Cells that films are drawn from, with the figures that they are counted by.
struct Source<'a> {
    schistocytes: &'a ClassPool,
    others: &'a ClassPool,
    performance: Performance,
}

impl<'a> Source<'a> {
    fn of(pools: &'a Pools, others: Others, performance: Performance) -> Self {
        let others = match others {
            Others::Healthy => &pools.healthy,
            Others::Read => &pools.read_none,
        };
        Self { schistocytes: &pools.schistocytes, others, performance }
    }
}

/// Draws and counts films of every kind.
///
/// # Errors
/// [`PoolsError`] where a half of the groups lacks the cells that a film or a figure needs.
pub fn pseudo_patients(
    read: &[Answer],
    healthy: &[Answer],
    card: &Performance,
    options: &PseudoOptions,
) -> Result<Vec<PseudoRow>, PoolsError> {
    let all = Pools::of(read, healthy, None)?;
    let first = Pools::of(read, healthy, Some(Half::First))?;
    let second = Pools::of(read, healthy, Some(Half::Second))?;
    let mut rows = Vec::new();
    for others in [Others::Healthy, Others::Read] {
        let plain = [Source::of(&all, others, *card)];
        let crossed =
            [Source::of(&second, others, first.performance()), Source::of(&first, others, second.performance())];
        for (figures, sources) in [(RatesFrom::Card, &plain[..]), (RatesFrom::OtherHalf, &crossed[..])] {
            for cells in FILM_CELLS {
                for share in TRUE_SHARES {
                    rows.push(row(others, figures, sources, cells, share, options));
                }
            }
        }
    }
    Ok(rows)
}

/// What a film gave.
struct Counted {
    state: &'static str,
    called: f64,
    corrected: Option<f64>,
    covered: Option<bool>,
}

fn row(
    others: Others,
    figures: RatesFrom,
    sources: &[Source<'_>],
    cells: u64,
    share: f64,
    options: &PseudoOptions,
) -> PseudoRow {
    // Films of one kind do not depend on those of another: the kind is part of the stream.
    let kind = cells ^ ((share * 1e6) as u64) << 16 ^ (others as u64) << 40;
    let films: Vec<Counted> = (0..options.films)
        .into_par_iter()
        .map(|film| {
            let source = &sources[film as usize % sources.len()];
            let mut rng = Pcg64::new(u128::from(options.seed), u128::from(kind) << 32 | u128::from(film));
            counted(source, cells, share, &mut rng)
        })
        .collect();
    let count = films.len() as f64;
    let mut states: BTreeMap<String, f64> = BTreeMap::new();
    for film in &films {
        *states.entry(film.state.to_owned()).or_default() += 1.0 / count;
    }
    states.values_mut().for_each(|share| *share = rounded(*share));
    let mean = |values: Vec<f64>| (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
    let bias = |value: Option<f64>| value.map(|value| rounded(100.0 * (value - share)));
    let covered: Vec<f64> = films.iter().filter_map(|film| film.covered).map(f64::from).collect();
    PseudoRow {
        others,
        figures,
        cells,
        true_percent: rounded(100.0 * share),
        films: u64::from(options.films),
        with_interval: covered.len() as u64,
        coverage: mean(covered).map(rounded),
        states,
        called_bias_points: bias(mean(films.iter().map(|film| film.called).collect())),
        corrected_bias_points: bias(mean(films.iter().filter_map(|film| film.corrected).collect())),
        with_corrected_value: films.iter().filter(|film| film.corrected.is_some()).count() as u64,
    }
}

fn counted(source: &Source<'_>, cells: u64, share: f64, rng: &mut Pcg64) -> Counted {
    let count =
        SchistocyteCount::of_fields(&film(source, cells, share, rng), &CountOptions::default(), &source.performance);
    Counted {
        state: count.state.name(),
        called: count.fraction.unwrap_or_default(),
        corrected: count.corrected.and_then(|corrected| corrected.prevalence.estimate),
        covered: count
            .corrected
            .map(|corrected| corrected.prevalence.interval)
            .map(|interval| (interval.low()..=interval.high()).contains(&share)),
    }
}

/// The fields of a film.
fn film(source: &Source<'_>, cells: u64, share: f64, rng: &mut Pcg64) -> Vec<FieldTally> {
    let mut left = cells;
    let mut fields = Vec::new();
    while left > 0 {
        let sizes = FIELD_CELLS.end() - FIELD_CELLS.start() + 1;
        let size = (FIELD_CELLS.start() + (unit(rng) * sizes as f64) as u64).min(left);
        left -= size;
        let cell = |_| -> CellClass {
            let pool = if unit(rng) < share { source.schistocytes } else { source.others };
            pool.draw(unit(rng))
        };
        fields.push((0..size).map(cell).collect());
    }
    fields
}

/// Uniform from 0 (with) to 1 (without).
fn unit(rng: &mut Pcg64) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// The rows as tables in Markdown, one for each origin of cells and figures.
pub fn markdown(rows: &[PseudoRow]) -> String {
    let percent = |share: Option<f64>| share.map_or("–".to_owned(), |share| format!("{:.1}", 100.0 * share));
    let points = |points: Option<f64>| points.map_or("–".to_owned(), |points| format!("{points:+.2}"));
    let mut text = String::new();
    for group in rows.chunk_by(|a, b| a.others == b.others && a.figures == b.figures) {
        let first = &group[0];
        let origin = match first.others {
            Others::Healthy => "Other cells of healthy sets",
            Others::Read => "Other cells read as none",
        };
        let figures = match first.figures {
            RatesFrom::Card => "figures of the card",
            RatesFrom::OtherHalf => "figures of the other half of the groups",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{origin}; {figures}; {} films a row.\n", first.films);
        text.push_str(
            "| cells | true % | coverage % | above % | indeterminate % | not above % | other states % | bias called | \
             bias corrected |\n|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
        );
        for row in group {
            let state = |name: &str| row.states.get(name).copied().unwrap_or_default();
            let [above, between, below] = ["above", "indeterminate", "not_above"].map(state);
            let others = (1.0 - above - between - below).max(0.0);
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
                row.cells,
                row.true_percent,
                percent(row.coverage),
                percent(Some(above)),
                percent(Some(between)),
                percent(Some(below)),
                percent(Some(others)),
                points(row.called_bias_points),
                points(row.corrected_bias_points),
            );
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::labels::readings::KnownTruth;
    use crate::smear::CellClass::{Normal, Schistocyte};

    /// Counted cells of fields `0.png` to `19.png` of which one in `every` is called schistocyte.
    fn answers(truth: KnownTruth, count: usize, every: usize) -> Vec<Answer> {
        let of = |i: usize| {
            let called = if i.is_multiple_of(every) { Schistocyte } else { Normal };
            Answer::for_tests(&format!("{}.png", i % 20), truth, called)
        };
        (0..count).map(of).collect()
    }

    #[test]
    fn films_have_their_cells_and_about_their_share() {
        let pool = |class| ClassPool::of([(class, 1.0)]).expect("a cell");
        let source =
            Source { schistocytes: &pool(Schistocyte), others: &pool(Normal), performance: Performance::default() };
        let mut rng = Pcg64::new(1, 1);
        let fields = film(&source, 10_000, 0.05, &mut rng);
        assert_eq!(fields.iter().map(FieldTally::red_cells).sum::<u64>(), 10_000);
        assert!(fields[..fields.len() - 1].iter().all(|field| FIELD_CELLS.contains(&field.red_cells())));
        let schistocytes: u64 = fields.iter().map(FieldTally::schistocytes).sum();
        // Binomial with mean 500 and standard deviation 21.8.
        assert!((400..=600).contains(&schistocytes), "{schistocytes}");
        assert_eq!(film(&source, 1000, 0.0, &mut rng).iter().map(FieldTally::schistocytes).sum::<u64>(), 0);
    }

    #[test]
    fn a_perfect_classifier_covers_and_is_unbiased_and_the_rows_repeat() {
        let read: Vec<_> = [answers(KnownTruth::Schistocyte, 400, 1), answers(KnownTruth::None, 4000, 5000)].concat();
        let read: Vec<_> =
            read.into_iter().filter(|a| a.truth != KnownTruth::None || a.called == Some(Normal)).collect();
        let healthy: Vec<_> = answers(KnownTruth::None, 4000, 5000).into_iter().skip(1).collect();
        let options = PseudoOptions { films: 60, seed: 3 };
        let card = Pools::of(&read, &healthy, None).expect("cells").performance();
        let rows = pseudo_patients(&read, &healthy, &card, &options).expect("cells");
        assert_eq!(rows.len(), 2 * 2 * FILM_CELLS.len() * TRUE_SHARES.len());
        let at = |cells, percent| {
            rows.iter()
                .find(|row| row.cells == cells && row.true_percent == percent && row.figures == RatesFrom::Card)
                .expect("a row")
        };
        let five = at(10_000, 5.0);
        assert!(five.called_bias_points.is_some_and(|bias| bias.abs() < 0.1), "{five:?}");
        assert_eq!(five.states.get("above"), Some(&1.0));
        assert_eq!(at(10_000, 0.0).called_bias_points, Some(0.0));
        assert_eq!(pseudo_patients(&read, &healthy, &card, &options).expect("cells"), rows);
    }

    #[test]
    fn half_of_the_schistocytes_missed_gives_half_of_the_share() {
        let read: Vec<_> = [answers(KnownTruth::Schistocyte, 400, 2), answers(KnownTruth::None, 4000, 200)].concat();
        let healthy = answers(KnownTruth::None, 4000, 5000);
        let options = PseudoOptions { films: 100, seed: 3 };
        let card = Pools::of(&read, &healthy, None).expect("cells").performance();
        let rows = pseudo_patients(&read, &healthy, &card, &options).expect("cells");
        let row = rows.iter().find(|row| row.cells == 10_000 && row.true_percent == 5.0).expect("a row");
        assert!(row.called_bias_points.is_some_and(|bias| (bias + 2.5).abs() < 0.1), "{row:?}");
    }

    #[test]
    fn a_half_without_a_schistocyte_is_refused() {
        let read: Vec<_> = [answers(KnownTruth::Schistocyte, 1, 1), answers(KnownTruth::None, 400, 50)].concat();
        let healthy = answers(KnownTruth::None, 400, 50);
        let refused = pseudo_patients(&read, &healthy, &Performance::default(), &PseudoOptions::default());
        assert!(matches!(refused, Err(PoolsError::NoCell { .. })));
    }

    #[test]
    fn a_table_for_each_origin_with_dashes_for_what_is_missing() {
        let row = PseudoRow {
            others: Others::Healthy,
            figures: RatesFrom::Card,
            cells: 1000,
            true_percent: 0.2,
            films: 10,
            with_interval: 0,
            coverage: None,
            states: BTreeMap::from([("above".to_owned(), 0.1), ("indeterminate".to_owned(), 0.9)]),
            called_bias_points: Some(-0.104),
            corrected_bias_points: None,
            with_corrected_value: 0,
        };
        let other = PseudoRow { figures: RatesFrom::OtherHalf, coverage: Some(0.9512), ..row.clone() };
        let text = markdown(&[row, other]);
        assert!(text.contains("| 1000 | 0.2 | – | 10.0 | 90.0 | 0.0 | 0.0 | -0.10 | – |\n"), "{text}");
        assert!(text.contains("| 1000 | 0.2 | 95.1 |"), "{text}");
        assert_eq!(text.matches("films a row").count(), 2);
    }
}
