//! Called against true percentage of each specimen.
//!
//! In: what is kept of each field. Out: a row for each specimen with accepted fields, and the agreement of the rows.
//!
//! METHOD: where only a part of the cells is labelled the called percentage stands on the labelled cells that were
//! counted. Taking all counted cells would compare two different sets of cells.

use std::collections::BTreeMap;

use super::estimate::{Estimate, statistic};
use super::field::FieldOutcome;
use super::record::{AgreementFigures, SpecimenBasis, SpecimenRecord};
use crate::case::{PercentInterval, rounded};
use crate::stats::agreement::{BlandAltman, bland_altman};
use crate::stats::proportion::wilson;

/// One row for each specimen, by name. A field without specimen or group has no row.
pub(super) fn specimens(fields: &[FieldOutcome]) -> Vec<SpecimenRecord> {
    let mut specimens: BTreeMap<&str, Vec<&FieldOutcome>> = BTreeMap::new();
    for field in fields.iter().filter(|field| field.accepted) {
        if let Some(specimen) = &field.specimen {
            specimens.entry(specimen).or_default().push(field);
        }
    }
    specimens.into_iter().map(|(specimen, fields)| row(specimen, &fields)).collect()
}

fn row(specimen: &str, fields: &[&FieldOutcome]) -> SpecimenRecord {
    let sum = |count: &dyn Fn(&FieldOutcome) -> u64| fields.iter().map(|field| count(field)).sum::<u64>();
    let healthy = fields.iter().all(|field| field.expect_none);
    let all = healthy || fields.iter().all(|field| field.every_cell_classed);
    let labelled_cells = sum(&|field| field.cells.len() as u64);
    let labelled_schistocytes = sum(&FieldOutcome::labelled_schistocytes);
    let calls = |field: &FieldOutcome| field.cells.iter().filter_map(|cell| cell.call).collect::<Vec<_>>();
    let (called_schistocytes, counted_cells) = if all {
        (sum(&|field| field.tally.schistocytes()), sum(&|field| field.tally.red_cells()))
    } else {
        let schistocytes =
            |field: &FieldOutcome| calls(field).iter().filter(|call| call.is_schistocyte()).count() as u64;
        (sum(&schistocytes), sum(&|field| calls(field).len() as u64))
    };
    SpecimenRecord {
        specimen: specimen.to_owned(),
        basis: if all { SpecimenBasis::AllCells } else { SpecimenBasis::LabelledCells },
        labelled_cells,
        labelled_schistocytes,
        true_percent: if healthy { Some(0.0) } else { percent(labelled_schistocytes, labelled_cells) },
        counted_cells,
        called_schistocytes,
        called_percent: percent(called_schistocytes, counted_cells),
        wilson_95: wilson(called_schistocytes, counted_cells).as_ref().map(PercentInterval::from),
    }
}

fn percent(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| rounded(100.0 * part as f64 / whole as f64))
}

/// Bias and limits of agreement of the rows with both percentages; intervals by bootstrap over them.
pub(super) fn agreement(specimens: &[SpecimenRecord]) -> AgreementFigures {
    let pairs: Vec<_> = specimens.iter().filter_map(|row| Some((row.called_percent?, row.true_percent?))).collect();
    let of = |part: fn(&BlandAltman) -> f64| -> Estimate {
        statistic(pairs.len() as u64, pairs.len(), |weights| {
            let weighted = pairs.iter().zip(weights).map(|(pair, &weight)| (pair.0, pair.1, weight));
            bland_altman(weighted).map(|agreement| part(&agreement))
        })
    };
    AgreementFigures {
        bias: of(|agreement| agreement.bias),
        lower_limit: of(|agreement| agreement.lower),
        upper_limit: of(|agreement| agreement.upper),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(called: Option<f64>, labelled: Option<f64>) -> SpecimenRecord {
        SpecimenRecord {
            specimen: "A".to_owned(),
            basis: SpecimenBasis::AllCells,
            labelled_cells: 100,
            labelled_schistocytes: 1,
            true_percent: labelled,
            counted_cells: 100,
            called_schistocytes: 1,
            called_percent: called,
            wilson_95: None,
        }
    }

    #[test]
    fn agreement_of_three_specimens_computed_by_hand() {
        let rows = [(2.0, 1.0), (4.0, 1.0), (3.0, 1.0)].map(|(called, labelled)| record(Some(called), Some(labelled)));
        let found = agreement(&rows);
        assert_eq!((found.bias.n, found.bias.value), (3, Some(2.0)));
        assert_eq!(found.upper_limit.value, Some(rounded(2.0 + 1.959_963_984_540_054)));
        assert!(found.bias.interval_95.is_some_and(|limits| limits.low >= 1.0 && limits.high <= 3.0));
    }

    #[test]
    fn rows_without_both_percentages_are_passed_over() {
        let found = agreement(&[record(None, Some(1.0)), record(Some(1.0), None), record(Some(2.0), Some(1.0))]);
        assert_eq!((found.bias.n, found.bias.value), (1, None));
    }
}
