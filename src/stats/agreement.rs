//! Agreement of two measurements and of two raters.
//!
//! In: pairs of numbers in one unit, or a square table of counts. Out: bias with limits of agreement in that unit, or
//! kappa. Method: Bland and Altman, Lancet 1986, 327:307–310; Cohen, Educ Psychol Meas 1960, 20:37–46.
//!
//! Limits: the limits of agreement take the differences as normal and independent of the size measured.

use super::proportion::Z_95;

/// Bias and limits of agreement, in the unit of the measurements.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BlandAltman {
    /// Pairs.
    pub pairs: usize,
    /// Mean of first − second.
    pub bias: f64,
    /// Standard deviation of the differences, with pairs − 1 below the line.
    pub standard_deviation: f64,
    /// Bias − 1.96 standard deviations.
    pub lower: f64,
    /// Bias + 1.96 standard deviations.
    pub upper: f64,
}

/// Bias and limits of agreement of pairs (first, second), each with a weight (1 in a plain sample).
///
/// `None` where the weights add up to less than 2. Whole weights stand for repeated pairs, as a bootstrap needs them.
pub fn bland_altman(pairs: impl Iterator<Item = (f64, f64, u32)> + Clone) -> Option<BlandAltman> {
    let n: u32 = pairs.clone().map(|(_, _, weight)| weight).sum();
    if n < 2 {
        return None;
    }
    let count = f64::from(n);
    let bias = pairs.clone().map(|(a, b, weight)| (a - b) * f64::from(weight)).sum::<f64>() / count;
    let squares: f64 = pairs.map(|(a, b, weight)| (a - b - bias).powi(2) * f64::from(weight)).sum();
    let standard_deviation = (squares / (count - 1.0)).sqrt();
    Some(BlandAltman {
        pairs: n as usize,
        bias,
        standard_deviation,
        lower: bias - Z_95 * standard_deviation,
        upper: bias + Z_95 * standard_deviation,
    })
}

/// Cohen's kappa of a table with the first rater in rows and the second in columns.
///
/// (observed − expected) / (1 − expected). `None` of an empty table, and where both raters gave every item one and the same
/// class, because agreement by chance is then certain.
pub fn cohen_kappa<const K: usize>(table: &[[u64; K]; K]) -> Option<f64> {
    let total = table.iter().flatten().sum::<u64>() as f64;
    let agreed: u64 = (0..K).map(|k| table[k][k]).sum();
    let chance: f64 = (0..K)
        .map(|k| {
            let (row, column) = (table[k].iter().sum::<u64>(), table.iter().map(|row| row[k]).sum::<u64>());
            row as f64 / total * (column as f64 / total)
        })
        .sum();
    // An empty table makes `chance` no number, which fails this test too.
    (chance < 1.0).then(|| (agreed as f64 / total - chance) / (1.0 - chance))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Peak expiratory flow, l/min, large and mini meter, first readings (Bland and Altman 1986, table 1).
    const FLOW: [(f64, f64); 17] = [
        (494.0, 512.0),
        (395.0, 430.0),
        (516.0, 520.0),
        (434.0, 428.0),
        (476.0, 500.0),
        (557.0, 600.0),
        (413.0, 364.0),
        (442.0, 380.0),
        (650.0, 658.0),
        (433.0, 445.0),
        (417.0, 432.0),
        (656.0, 626.0),
        (267.0, 260.0),
        (478.0, 477.0),
        (178.0, 259.0),
        (423.0, 350.0),
        (427.0, 451.0),
    ];

    fn plain(pairs: &[(f64, f64)]) -> impl Iterator<Item = (f64, f64, u32)> + Clone + '_ {
        pairs.iter().map(|&(a, b)| (a, b, 1))
    }

    #[test]
    fn agrees_with_the_paper() {
        let found = bland_altman(plain(&FLOW)).expect("seventeen pairs");
        assert_eq!(found.pairs, 17);
        assert_eq!((found.bias * 10.0).round() / 10.0, -2.1);
        assert_eq!((found.standard_deviation * 10.0).round() / 10.0, 38.8);
    }

    #[test]
    fn one_pair_has_no_limits_and_two_have() {
        assert_eq!(bland_altman(plain(&FLOW[..1])), None);
        let two = bland_altman(plain(&[(2.0, 1.0), (4.0, 1.0)])).expect("two pairs");
        assert_eq!((two.bias, two.standard_deviation), (2.0, 2.0_f64.sqrt()));
    }

    #[test]
    fn kappa_of_cohens_kind_of_table() {
        // Observed 0.7, by chance 0.5.
        assert!((cohen_kappa(&[[20, 5], [10, 15]]).expect("two classes") - 0.4).abs() < 1e-12);
        assert_eq!(cohen_kappa(&[[7, 0], [0, 9]]), Some(1.0));
        assert_eq!(cohen_kappa(&[[7, 0], [0, 0]]), None);
        assert_eq!(cohen_kappa(&[[0, 0], [0, 0]]), None);
    }

    proptest! {
        #[test]
        fn a_weight_stands_for_repeats(
            pairs in prop::collection::vec((0.0..10.0_f64, 0.0..10.0_f64, 0_u32..4), 2..12),
        ) {
            let repeated: Vec<_> =
                pairs.iter().flat_map(|&(a, b, weight)| std::iter::repeat_n((a, b), weight as usize)).collect();
            let (weighted, plain) = (bland_altman(pairs.iter().copied()), bland_altman(plain(&repeated)));
            prop_assert_eq!(weighted.is_some(), plain.is_some());
            if let (Some(weighted), Some(plain)) = (weighted, plain) {
                prop_assert!((weighted.bias - plain.bias).abs() < 1e-9);
                prop_assert!((weighted.standard_deviation - plain.standard_deviation).abs() < 1e-9);
            }
        }

        #[test]
        fn kappa_is_at_most_one_and_symmetric(table in prop::array::uniform3(prop::array::uniform3(0_u64..50))) {
            let turned: [[u64; 3]; 3] = std::array::from_fn(|i| std::array::from_fn(|j| table[j][i]));
            let (found, other) = (cohen_kappa(&table), cohen_kappa(&turned));
            prop_assert_eq!(found.is_some(), other.is_some());
            if let (Some(found), Some(other)) = (found, other) {
                prop_assert!(found <= 1.0 && (found - other).abs() < 1e-9);
            }
        }
    }
}
