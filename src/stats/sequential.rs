//! An interval of a proportion that holds whenever one looks: for counts that stop when the interval says so.
//!
//! In: successes and trials so far, and the proportion that matters. Out: an [`Interval`]. With a chance of 95 % it holds the
//! proportion at all looks together, however often one looks and whatever makes one stop.
//!
//! Method: Robbins' mixture (Ann Math Stat 1970, 41:1397–1409) for Bernoulli trials, in the form of Howard, Ramdas,
//! McAuliffe and Sekhon (Ann Stat 2021, 49:1055–1080). For the true proportion p the ratio
//!
//! M(p) = B(a + x, b + n − x) / (B(a, b) · p^x · (1 − p)^(n − x))
//!
//! is a martingale of mean 1, so that by Ville's inequality the chance that it ever reaches 1/α is at most α. The interval is
//! every p with M(p) < 1/α. The weights a and b set where the interval is narrowest; they are no belief, and the interval
//! holds for every p. Here a = 1 and b = 1/t − 1, a mixture whose mean is the threshold t.
//!
//! METHOD: cells of one field are alike, which the mixture does not know. Successes and trials are therefore first divided by
//! the design effect (Rao and Scott, Biometrics 1992, 48:577–585): the variance of the ratio between fields over
//! that of independent cells, 1 where it is smaller.
//!
//! Limits: the design effect is itself estimated. Where the shares of the fields scatter by half of their mean, the interval
//! still holds; where they scatter by all of it, the interval misses in one of ten counts (`docs/slides.md`).

use statrs::function::beta::ln_beta;

use super::Interval;

/// Chance of ever missing the proportion.
pub const ALPHA: f64 = 0.05;

/// Halvings of the search for a limit: to 1e-15 of the range.
const HALVINGS: usize = 50;

/// The interval after `successes` of `trials`; `None` without a trial, with more successes than trials or with a threshold
/// that is not between 0 and 1.
pub fn robbins(successes: f64, trials: f64, threshold: f64) -> Option<Interval> {
    let sound = trials > 0.0 && (0.0..=trials).contains(&successes) && threshold > 0.0 && threshold < 1.0;
    if !sound {
        return None;
    }
    let (x, n) = (successes, trials);
    let (a, b) = (1.0, 1.0 / threshold - 1.0);
    let mixed = ln_beta(a + x, b + n - x) - ln_beta(a, b);
    // x ln p, with 0 ln 0 = 0.
    let times_ln = |weight: f64, value: f64| if weight > 0.0 { weight * value.ln() } else { 0.0 };
    let inside = |p: f64| mixed - times_ln(x, p) - times_ln(n - x, 1.0 - p) < -ALPHA.ln();
    let limit = |mut outside: f64, mut within: f64| {
        if inside(outside) {
            return outside;
        }
        for _ in 0..HALVINGS {
            let middle = outside.midpoint(within);
            if inside(middle) { within = middle } else { outside = middle }
        }
        outside
    };
    let p = x / n;
    Interval::new(limit(0.0, p), limit(1.0, p))
}

/// Design effect of a ratio over clusters of (successes, trials): 1 with fewer than two clusters or without a success.
pub fn design_effect(clusters: &[(u64, u64)]) -> f64 {
    let m = clusters.iter().filter(|(_, trials)| *trials > 0).count() as f64;
    let (x, n) = clusters.iter().fold((0.0, 0.0), |(x, n), (a, b)| (x + *a as f64, n + *b as f64));
    if m < 2.0 || x == 0.0 || x >= n {
        return 1.0;
    }
    let p = x / n;
    let squares: f64 = clusters.iter().map(|(x, n)| (*x as f64 - p * *n as f64).powi(2)).sum();
    let between = m / (m - 1.0) * squares / (n * n);
    (between / (p * (1.0 - p) / n)).max(1.0)
}

/// The interval over clusters of (successes, trials); `None` without a trial.
pub fn of_clusters(clusters: &[(u64, u64)], threshold: f64) -> Option<Interval> {
    let (x, n) = clusters.iter().fold((0u64, 0u64), |(x, n), (a, b)| (x + a, n + b));
    let effect = design_effect(clusters);
    robbins(x as f64 / effect, n as f64 / effect, threshold)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand_pcg::Pcg64;
    use rand_pcg::rand_core::{Rng, SeedableRng};

    use super::super::proportion::wilson;
    use super::*;

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-6, "found {found}, expected {expected}");
    }

    #[test]
    fn no_success_has_a_closed_form() {
        // B(1, b + n) / B(1, b) = b / (b + n), so the upper limit solves (1 - p)^n = α b / (b + n).
        let interval = robbins(0.0, 1000.0, 0.01).expect("trials");
        close(interval.low(), 0.0);
        close(interval.high(), 1.0 - (0.05f64 * 99.0 / 1099.0).powf(1.0 / 1000.0));
    }

    #[test]
    fn undefined_counts_have_no_interval() {
        for (x, n, t) in [(0.0, 0.0, 0.01), (2.0, 1.0, 0.01), (0.0, 5.0, 0.0), (0.0, 5.0, 1.0)] {
            assert_eq!(robbins(x, n, t), None);
        }
        assert_eq!(of_clusters(&[], 0.01), None);
    }

    #[test]
    fn alike_fields_have_no_design_effect_and_uneven_ones_have() {
        assert_eq!(design_effect(&[(2, 100); 6]), 1.0);
        assert_eq!(design_effect(&[(0, 100), (0, 100)]), 1.0);
        // One field with all: p = 0.02, squares = 10² + 5·2², between = 6/5 · 120/600², binomial = 0.0196/600.
        let uneven = [(12, 100), (0, 100), (0, 100), (0, 100), (0, 100), (0, 100)];
        close(design_effect(&uneven), 6.0 / 5.0 * 120.0 / 360_000.0 / (0.0196 / 600.0));
    }

    /// A uniform number in 0–1.
    fn uniform(stream: &mut Pcg64) -> f64 {
        (stream.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// In how many of `runs` counts of up to `fields` fields of `cells` an interval ever misses `p`.
    fn misses(runs: u64, fields: usize, cells: u64, p: f64, interval: impl Fn(&[(u64, u64)]) -> Interval) -> u64 {
        let ever = |run: &u64| {
            let mut stream = Pcg64::seed_from_u64(*run);
            let mut seen = Vec::new();
            (0..fields).any(|_| {
                seen.push(((0..cells).filter(|_| uniform(&mut stream) < p).count() as u64, cells));
                let interval = interval(&seen);
                p < interval.low() || p > interval.high()
            })
        };
        (0..runs).filter(ever).count() as u64
    }

    #[test]
    fn the_proportion_is_missed_in_at_most_one_of_twenty_counts_over_all_their_looks() {
        // 400 counts: at a true chance of 5 % more than 31 misses have a chance below 1 %.
        for p in [0.002, 0.01, 0.03] {
            let missed = misses(400, 60, 150, p, |seen| of_clusters(seen, 0.01).expect("trials"));
            assert!(missed <= 31, "{missed} of 400 at {p}");
        }
    }

    #[test]
    fn an_interval_made_for_one_look_fails_over_many() {
        let of_one_look = |seen: &[(u64, u64)]| {
            let (x, n) = seen.iter().fold((0, 0), |(x, n), (a, b)| (x + a, n + b));
            wilson(x, n).expect("trials")
        };
        let missed = misses(400, 60, 150, 0.01, of_one_look);
        assert!(missed > 60, "{missed} of 400");
    }

    proptest! {
        #[test]
        fn the_interval_holds_the_share_and_is_hardly_ever_narrower_than_wilson(n in 100_u64..20_000, share in 0.0..0.2_f64) {
            let x = (share * n as f64).floor() as u64;
            let (looked, once) = (robbins(x as f64, n as f64, 0.01).expect("trials"), wilson(x, n).expect("trials"));
            let p = x as f64 / n as f64;
            prop_assert!(looked.low() <= p && p <= looked.high());
            // Without a success among few trials it is narrower by up to 2 %: of 100 trials by a ratio of 0.9803.
            prop_assert!(looked.high() - looked.low() > 0.98 * (once.high() - once.low()));
        }
    }
}
