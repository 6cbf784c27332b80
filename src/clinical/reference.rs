//! Reference intervals: the laboratory's own, configured ones, and built-in defaults for adults.
//!
//! In: analyte, sex, age, unit of the result. Out: the interval in the unit of the result with its owner and source.
//!
//! Source: public test catalogs and textbooks, named with every interval. Limits: built-in intervals are those of adults.
//! Where sex selects the interval and is unknown there is none. Urea has none, because only urea nitrogen's was found.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::analyte::Analyte;
use super::context::{ClinicalContext, Sex};
use super::error::PanelProblem;
use super::result::{Limit, ReferenceInterval, ReferenceOwner};
use super::unit::{ExtraUnit, KnownUnit, accepted_units, resolve};

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

/// A built-in interval in the canonical unit: analyte, sex where it selects the interval, limits, source.
type BuiltIn = (Analyte, Option<Sex>, Option<f64>, Option<f64>, &'static str);

const fn both(analyte: Analyte, low: f64, high: f64, source: &'static str) -> BuiltIn {
    (analyte, None, Some(low), Some(high), source)
}

const fn of_sex(analyte: Analyte, sex: Sex, low: f64, high: f64, source: &'static str) -> BuiltIn {
    (analyte, Some(sex), Some(low), Some(high), source)
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
    (A::Egfr, None, Some(60.0), None, "CKD-EPI 2021, from 18 years"),
    both(A::ProthrombinTime, 11.0, 13.5, COAGULATION),
    both(A::Inr, 0.8, 1.2, COAGULATION),
    both(A::Aptt, 25.0, 35.0, COAGULATION),
    both(A::Fibrinogen, 2.0, 4.0, COAGULATION),
    (A::DDimer, None, None, Some(500.0), CATALOG),
    both(A::C3, 90.0, 180.0, ARUP),
    both(A::C4, 10.0, 40.0, ARUP),
    (A::Adamts13Activity, None, Some(70.0), None, MAYO),
    (A::Adamts13Inhibitor, None, None, Some(0.5), MAYO),
];

/// Whether limits are an interval: at least one, none negative, in order.
pub(super) fn is_interval(low: Option<f64>, high: Option<f64>) -> bool {
    let sound = |limit: Option<f64>| limit.is_none_or(|limit| limit.is_finite() && limit >= 0.0);
    let in_order = low.zip(high).is_none_or(|(low, high)| low <= high);
    (low.is_some() || high.is_some()) && sound(low) && sound(high) && in_order
}

/// The interval that came with a result, in the result's unit.
pub(super) fn sent(low: Option<f64>, high: Option<f64>, unit: &KnownUnit, source: &str) -> ReferenceInterval {
    let limit = |limit: f64| Limit { shown: limit, canonical: unit.canonical(limit) };
    let owner = ReferenceOwner::Laboratory;
    ReferenceInterval { low: low.map(limit), high: high.map(limit), owner, source: source.to_owned() }
}

impl ConfiguredInterval {
    /// The unit of the limits.
    fn unit(&self, analyte: Analyte, extra: &[ExtraUnit]) -> Result<KnownUnit, PanelProblem> {
        let wrong = |expected: String, found: String| {
            let field = format!("reference.{analyte}");
            PanelProblem::Configuration { field, expected, found }
        };
        if !is_interval(self.low, self.high) {
            let expected = "an interval with at least one limit, in order".to_owned();
            return Err(wrong(expected, format!("{:?} to {:?}", self.low, self.high)));
        }
        let accepted = || format!("one of the units {}", accepted_units(analyte));
        resolve(analyte, &self.unit, None, extra).map_err(|_| wrong(accepted(), self.unit.clone()))
    }
}

impl ReferenceIntervals {
    /// Checks every interval.
    ///
    /// # Errors
    /// [`PanelProblem::Configuration`] for the first that cannot be used.
    pub fn check(&self, extra: &[ExtraUnit]) -> Result<(), PanelProblem> {
        let mut all = self.0.iter().flat_map(|(analyte, intervals)| intervals.iter().map(move |one| (analyte, one)));
        all.try_for_each(|(analyte, interval)| interval.unit(*analyte, extra).map(drop))
    }

    /// The interval of an analyte where the laboratory sent none: configured, or built in for adults.
    ///
    /// METHOD: a patient of unknown age is given the adult interval, a child none; the owner is printed beside it.
    ///
    /// # Errors
    /// [`PanelProblem::Configuration`] where a configured unit is not one of the analyte's.
    pub(super) fn fallback(
        &self,
        analyte: Analyte,
        context: &ClinicalContext,
        unit: &KnownUnit,
        extra: &[ExtraUnit],
    ) -> Result<Option<ReferenceInterval>, PanelProblem> {
        let fits = |wanted: Option<Sex>| wanted.is_none() || wanted == context.sex;
        let interval = |low: Option<f64>, high: Option<f64>, owner, source: &str| {
            let limit = |canonical: f64| Limit { shown: unit.in_unit(canonical), canonical };
            ReferenceInterval { low: low.map(limit), high: high.map(limit), owner, source: source.to_owned() }
        };
        let mut configured = self.0.get(&analyte).into_iter().flatten();
        if let Some(own) = configured.find(|interval| fits(interval.sex)) {
            let own_unit = own.unit(analyte, extra)?;
            let canonical = |limit: Option<f64>| limit.map(|limit| own_unit.canonical(limit));
            let (low, high) = (canonical(own.low), canonical(own.high));
            return Ok(Some(interval(low, high, ReferenceOwner::Configured, &own.source)));
        }
        if context.is_adult() == Some(false) {
            return Ok(None);
        }
        let built_in = BUILT_IN.iter().find(|(of, sex, ..)| *of == analyte && fits(*sex));
        Ok(built_in.map(|(_, _, low, high, source)| interval(*low, *high, ReferenceOwner::BuiltIn, source)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(sex: Option<Sex>, age_years: Option<u32>) -> ClinicalContext {
        ClinicalContext { sex, age_years, ..ClinicalContext::default() }
    }

    fn interval(
        configured: &ReferenceIntervals,
        analyte: Analyte,
        context: &ClinicalContext,
        unit: &str,
    ) -> Option<ReferenceInterval> {
        let unit = resolve(analyte, unit, None, &[]).expect("in the table");
        configured.fallback(analyte, context, &unit, &[]).expect("usable")
    }

    #[test]
    fn built_in_intervals_stand_in_the_unit_of_the_result_and_are_not_for_children() {
        for (analyte, sex, age, unit, expected) in [
            (A::Hemoglobin, Some(Sex::Female), Some(40), "g/L", Some((Some(120.0), Some(160.0)))),
            (A::Hemoglobin, None, Some(40), "g/L", None), // sex selects the interval
            (A::Haptoglobin, None, Some(40), "g/L", Some((Some(0.3), Some(2.0)))),
            (A::Fibrinogen, None, Some(40), "mg/dL", Some((Some(200.0), Some(400.0)))),
            (A::DDimer, None, Some(40), "ng/mL DDU", Some((None, Some(250.0)))),
            (A::Urea, None, Some(40), "mmol/L", None),
            (A::Platelets, None, None, "10*9/L", Some((Some(150.0), Some(400.0)))),
            (A::Platelets, None, Some(17), "10*9/L", None),
        ] {
            let found = interval(&ReferenceIntervals::default(), analyte, &context(sex, age), unit);
            let shown = |limit: Option<Limit>| limit.map(|limit| limit.shown);
            let limits = found.as_ref().map(|interval| (shown(interval.low), shown(interval.high)));
            assert_eq!(limits, expected, "{analyte} {unit}");
            assert!(found.is_none_or(|interval| interval.owner == ReferenceOwner::BuiltIn));
        }
    }

    #[test]
    fn a_configured_interval_goes_before_the_built_in_one() {
        let text = r#"{"platelets": [{"low": 140, "high": 360, "unit": "K/uL", "source": "own study"}],
            "hemoglobin": [{"low": 115, "unit": "g/L", "sex": "female", "source": "own study"}]}"#;
        let configured: ReferenceIntervals = serde_json::from_str(text).expect("intervals");
        configured.check(&[]).expect("usable");
        for (analyte, sex, unit, low, owner) in [
            (A::Platelets, None, "10*9/L", 140.0, ReferenceOwner::Configured),
            (A::Hemoglobin, Some(Sex::Female), "g/dL", 11.5, ReferenceOwner::Configured),
            (A::Hemoglobin, Some(Sex::Male), "g/dL", 14.0, ReferenceOwner::BuiltIn),
        ] {
            let found = interval(&configured, analyte, &context(sex, Some(40)), unit).expect("an interval");
            assert_eq!((found.low.map(|low| low.shown), found.owner), (Some(low), owner), "{analyte}");
        }
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
