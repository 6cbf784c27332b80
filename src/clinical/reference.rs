//! Reference intervals: the laboratory's own, configured ones, and built-in defaults for adults.
//!
//! In: analyte, sex, unit of the result. Out: the interval in the unit of the result with its owner and source.
//!
//! Source: public test catalogs and textbooks, named with every interval. Limits: built-in intervals are those of adults;
//! where sex selects the interval and is unknown there is none; urea has none, because only urea nitrogen's was found.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::analyte::Analyte;
use super::context::Sex;
use super::error::{PanelProblem, accepted_units};
use super::result::{ReferenceInterval, ReferenceOwner};
use super::unit::{ExtraUnit, ResolvedUnit, resolve, to_canonical};

/// An interval of the laboratory's configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfiguredInterval {
    /// Lower limit.
    #[serde(default)]
    pub low: Option<f64>,
    /// Upper limit.
    #[serde(default)]
    pub high: Option<f64>,
    /// Unit of the limits.
    pub unit: String,
    /// Sex that the interval is for; both where left out.
    #[serde(default)]
    pub sex: Option<Sex>,
    /// Where it is from.
    pub source: String,
}

/// Configured intervals of each analyte; the first that fits the sex is taken.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReferenceIntervals(pub BTreeMap<Analyte, Vec<ConfiguredInterval>>);

/// A built-in interval in the canonical unit.
struct BuiltIn {
    analyte: Analyte,
    sex: Option<Sex>,
    low: Option<f64>,
    high: Option<f64>,
    source: &'static str,
}

const fn both(analyte: Analyte, low: f64, high: f64, source: &'static str) -> BuiltIn {
    BuiltIn { analyte, sex: None, low: Some(low), high: Some(high), source }
}

const fn of_sex(analyte: Analyte, sex: Sex, low: f64, high: f64, source: &'static str) -> BuiltIn {
    BuiltIn { analyte, sex: Some(sex), low: Some(low), high: Some(high), source }
}

const fn up_to(analyte: Analyte, high: f64, source: &'static str) -> BuiltIn {
    BuiltIn { analyte, sex: None, low: None, high: Some(high), source }
}

const fn from(analyte: Analyte, low: f64, source: &'static str) -> BuiltIn {
    BuiltIn { analyte, sex: None, low: Some(low), high: None, source }
}

const MERCK: &str = "Merck Manual, table of the complete blood count, adults";
const HOFFBRAND: &str = "Essential Haematology, appendix, adults";
const MAYO: &str = "Mayo Medical Laboratories test catalog, adults";
const CATALOG: &str = "public hospital test catalog, adults";
const ARUP: &str = "ARUP Laboratories test directory, from 18 years";
const COAGULATION: &str = "common adult interval; coagulation reagents differ, the laboratory's own is needed";

use Analyte as A;

const BUILT_IN: &[BuiltIn] = &[
    of_sex(A::Hemoglobin, Sex::Male, 14.0, 17.0, MERCK),
    of_sex(A::Hemoglobin, Sex::Female, 12.0, 16.0, MERCK),
    of_sex(A::RedCells, Sex::Male, 4.5, 5.9, MERCK),
    of_sex(A::RedCells, Sex::Female, 4.0, 5.2, MERCK),
    both(A::Mcv, 80.0, 100.0, MERCK),
    both(A::RdwCv, 11.5, 14.5, MERCK),
    both(A::Platelets, 150.0, 400.0, HOFFBRAND),
    both(A::ReticulocytesPercent, 0.60, 2.71, MAYO),
    both(A::ReticulocytesAbsolute, 30.4, 110.9, MAYO),
    both(A::Ldh, 122.0, 222.0, MAYO),
    both(A::Haptoglobin, 30.0, 200.0, CATALOG),
    both(A::BilirubinTotal, 0.0, 1.2, MAYO),
    both(A::BilirubinDirect, 0.0, 0.3, MAYO),
    both(A::BilirubinIndirect, 0.0, 1.0, CATALOG),
    of_sex(A::Creatinine, Sex::Male, 0.74, 1.35, CATALOG),
    of_sex(A::Creatinine, Sex::Female, 0.59, 1.04, CATALOG),
    both(A::UreaNitrogen, 7.0, 21.0, CATALOG),
    from(A::Egfr, 60.0, "CKD-EPI 2021, from 18 years"),
    both(A::ProthrombinTime, 11.0, 13.5, COAGULATION),
    both(A::Inr, 0.8, 1.2, COAGULATION),
    both(A::Aptt, 25.0, 35.0, COAGULATION),
    both(A::Fibrinogen, 2.0, 4.0, COAGULATION),
    up_to(A::DDimer, 500.0, CATALOG),
    both(A::C3, 90.0, 180.0, ARUP),
    both(A::C4, 10.0, 40.0, ARUP),
    from(A::Adamts13Activity, 70.0, MAYO),
    up_to(A::Adamts13Inhibitor, 0.5, MAYO),
];

/// Checks that limits are an interval.
pub(super) fn is_interval(low: Option<f64>, high: Option<f64>) -> bool {
    let sound = |limit: Option<f64>| limit.is_none_or(|limit| limit.is_finite() && limit >= 0.0);
    (low.is_some() || high.is_some())
        && sound(low)
        && sound(high)
        && low.zip(high).is_none_or(|(low, high)| low <= high)
}

/// An interval given in the unit of the result.
pub(super) fn in_result_unit(
    limits: (Option<f64>, Option<f64>),
    unit: &ResolvedUnit,
    owner: ReferenceOwner,
    source: &str,
) -> ReferenceInterval {
    let canonical = |limit: Option<f64>| limit.map(|limit| to_canonical(limit, unit.to_canonical));
    ReferenceInterval {
        low: limits.0,
        high: limits.1,
        canonical_low: canonical(limits.0),
        canonical_high: canonical(limits.1),
        owner,
        source: source.to_owned(),
    }
}

/// An interval given in the canonical unit.
fn from_canonical(
    low: Option<f64>,
    high: Option<f64>,
    unit: &ResolvedUnit,
    owner: ReferenceOwner,
    source: &str,
) -> ReferenceInterval {
    let shown = |limit: Option<f64>| limit.map(|limit| to_canonical(limit, 1.0 / unit.to_canonical));
    ReferenceInterval {
        low: shown(low),
        high: shown(high),
        canonical_low: low,
        canonical_high: high,
        owner,
        source: source.to_owned(),
    }
}

/// The interval of an analyte where the laboratory sent none: configured, or built in for adults.
///
/// METHOD: a patient of unknown age is given the adult interval, a child none; the owner is printed beside it.
///
/// # Errors
/// [`PanelProblem::Configuration`] where a configured unit is not one of the analyte's.
pub(super) fn fallback(
    analyte: Analyte,
    sex: Option<Sex>,
    adult: Option<bool>,
    unit: &ResolvedUnit,
    configured: &ReferenceIntervals,
    extra: &[ExtraUnit],
) -> Result<Option<ReferenceInterval>, PanelProblem> {
    let fits = |wanted: Option<Sex>| wanted.is_none() || wanted == sex;
    let of_analyte = configured.0.get(&analyte).map(Vec::as_slice).unwrap_or_default();
    if let Some(interval) = of_analyte.iter().find(|interval| fits(interval.sex)) {
        let own = configured_unit(analyte, interval, extra)?;
        let canonical = |limit: Option<f64>| limit.map(|limit| to_canonical(limit, own.to_canonical));
        let (low, high) = (canonical(interval.low), canonical(interval.high));
        return Ok(Some(from_canonical(low, high, unit, ReferenceOwner::Configured, &interval.source)));
    }
    if adult == Some(false) {
        return Ok(None);
    }
    let built_in = BUILT_IN.iter().find(|interval| interval.analyte == analyte && fits(interval.sex));
    Ok(built_in
        .map(|interval| from_canonical(interval.low, interval.high, unit, ReferenceOwner::BuiltIn, interval.source)))
}

fn configured_unit(
    analyte: Analyte,
    interval: &ConfiguredInterval,
    extra: &[ExtraUnit],
) -> Result<ResolvedUnit, PanelProblem> {
    let field = || format!("reference.{analyte}");
    if !is_interval(interval.low, interval.high) {
        return Err(PanelProblem::Configuration {
            field: field(),
            expected: "an interval with at least one limit, in order".to_owned(),
            found: format!("{:?} to {:?}", interval.low, interval.high),
        });
    }
    resolve(analyte, &interval.unit, None, extra).map_err(|_| PanelProblem::Configuration {
        field: field(),
        expected: format!("one of the units {}", accepted_units(analyte)),
        found: interval.unit.clone(),
    })
}

impl ReferenceIntervals {
    /// Checks every interval.
    ///
    /// # Errors
    /// [`PanelProblem::Configuration`] for the first that cannot be used.
    pub fn check(&self, extra: &[ExtraUnit]) -> Result<(), PanelProblem> {
        for (analyte, intervals) in &self.0 {
            for interval in intervals {
                configured_unit(*analyte, interval, extra)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(analyte: Analyte, written: &str) -> ResolvedUnit {
        resolve(analyte, written, None, &[]).expect("in the table")
    }

    fn built_in(analyte: Analyte, sex: Option<Sex>, adult: Option<bool>, written: &str) -> Option<ReferenceInterval> {
        let none = ReferenceIntervals::default();
        fallback(analyte, sex, adult, &unit(analyte, written), &none, &[]).expect("no configuration")
    }

    #[test]
    fn built_in_intervals_stand_in_the_unit_of_the_result() {
        let limits = |analyte, sex, written| {
            built_in(analyte, sex, Some(true), written).map(|interval| (interval.low, interval.high))
        };
        assert_eq!(limits(A::Hemoglobin, Some(Sex::Female), "g/L"), Some((Some(120.0), Some(160.0))));
        assert_eq!(limits(A::Haptoglobin, None, "g/L"), Some((Some(0.3), Some(2.0))));
        assert_eq!(limits(A::Fibrinogen, None, "mg/dL"), Some((Some(200.0), Some(400.0))));
        assert_eq!(limits(A::DDimer, None, "ng/mL DDU"), Some((None, Some(250.0))));
        assert_eq!(limits(A::Hemoglobin, None, "g/L"), None, "sex selects the interval");
        assert_eq!(limits(A::Urea, None, "mmol/L"), None);
    }

    #[test]
    fn a_child_has_no_built_in_interval() {
        assert_eq!(built_in(A::Platelets, None, Some(false), "10*9/L"), None);
        let unknown = built_in(A::Platelets, None, None, "10*9/L").expect("an interval");
        assert_eq!(unknown.owner, ReferenceOwner::BuiltIn);
    }

    #[test]
    fn a_configured_interval_goes_before_the_built_in_one() {
        let text = r#"{"platelets": [{"low": 140, "high": 360, "unit": "K/uL", "source": "own study"}],
            "hemoglobin": [{"low": 115, "unit": "g/L", "sex": "female", "source": "own study"}]}"#;
        let configured: ReferenceIntervals = serde_json::from_str(text).expect("intervals");
        configured.check(&[]).expect("usable");
        let of = |analyte, sex| {
            let unit = unit(analyte, analyte.canonical_unit().expect("a unit"));
            fallback(analyte, sex, Some(true), &unit, &configured, &[]).expect("usable").expect("an interval")
        };
        let platelets = of(A::Platelets, None);
        assert_eq!((platelets.low, platelets.owner), (Some(140.0), ReferenceOwner::Configured));
        assert_eq!(of(A::Hemoglobin, Some(Sex::Female)).low, Some(11.5));
        assert_eq!(of(A::Hemoglobin, Some(Sex::Male)).owner, ReferenceOwner::BuiltIn);
    }

    #[test]
    fn a_configured_unit_must_be_one_of_the_analyte() {
        let text = r#"{"platelets": [{"low": 140, "unit": "mg/dL", "source": "own study"}]}"#;
        let configured: ReferenceIntervals = serde_json::from_str(text).expect("intervals");
        let error = configured.check(&[]).expect_err("no unit of platelets").to_string();
        assert!(error.contains("reference.platelets") && error.contains("10*9/L"), "{error}");
        assert!(serde_json::from_str::<ReferenceIntervals>(r#"{"plt": []}"#).is_err());
    }
}
