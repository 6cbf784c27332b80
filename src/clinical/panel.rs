//! A patient's panel: context and results, and the time window that tells which results belong to a film.
//!
//! In: a [`LabPanel`] and the time at which the specimen was taken, where it is known. Out: the panel of the results inside
//! the window, each analyte up to the value that lies nearest to the specimen, and a [`WindowRecord`] for the report. A
//! result outside the window, or later than the nearest value, is listed by name among what was left aside.
//!
//! METHOD: a baseline belongs to another time by its nature and stays. A value without a time stays and is counted: the
//! report says how many. A date without a time of day, or a time without an offset, is left aside only where it lies outside
//! at every hour that it may mean.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::analyte::Analyte;
use super::context::ClinicalContext;
use super::patient::{OtherName, PatientIdentifier, Person};
use super::result::{LabResult, Quantity, ResultStatus};
use crate::time::Moment;

/// Hours on either side of the specimen.
///
/// METHOD: no source fixes a window. The score for overt DIC is repeated after one to two days (Taylor et al., Thromb
/// Haemost 2001), so an older value no longer tells the state. PLASMIC takes the values of the day of first suspicion
/// (Bendapudi et al., 2017). The third day lets a film made after a weekend meet the panel before it. Where the specimen's
/// time is not known the window lies around the newest result, so that a value of years ago is never weighed beside one of
/// today.
pub const DEFAULT_WINDOW_HOURS: u32 = 72;

/// Hours before and after the specimen that results may lie in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TimeWindow {
    /// Hours before the specimen.
    pub before_hours: u32,
    /// Hours after the specimen.
    pub after_hours: u32,
}

impl Default for TimeWindow {
    fn default() -> Self {
        Self { before_hours: DEFAULT_WINDOW_HOURS, after_hours: DEFAULT_WINDOW_HOURS }
    }
}

/// An entry of a panel that was left aside, with its reason: an observation that is not on the list of analytes, one that
/// cannot be read without doubt, one of another time, a coded diagnosis or drug that no table holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IgnoredObservation {
    /// Its code, with the code system behind it where it was given.
    pub code: String,
    /// Its name; null where not given.
    pub name: Option<String>,
    /// Why it was left aside.
    pub reason: String,
}

/// A panel.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LabPanel {
    /// Context.
    pub context: ClinicalContext,
    /// Results of each analyte, oldest first.
    pub(super) results: BTreeMap<Analyte, Vec<LabResult>>,
    /// Observations that were left aside.
    pub ignored: Vec<IgnoredObservation>,
    /// Identifiers of the patient; none where the panel gives none.
    pub patient: Vec<PatientIdentifier>,
    /// Names, day of birth and specimens, as far as the panel gives them.
    pub person: Person,
    /// Which results belong to a specimen.
    pub window: TimeWindow,
    /// What becomes of it where the name is another one than the order's.
    pub other_name: OtherName,
}

/// What the window lies around.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
pub enum WindowAround {
    /// The time at which the specimen was taken.
    #[strum(to_string = "the collection of the specimen")]
    Collected,
    /// The time at which it reached the laboratory, where nothing says when it was taken.
    #[strum(to_string = "the receipt of the specimen")]
    Received,
    /// The newest result, where nothing is known of the specimen.
    #[strum(to_string = "the newest result, because the time of the specimen is not known")]
    NewestResult,
}

/// The window as it was applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowRecord {
    /// Its middle, ISO 8601; null where no result has a time.
    pub at: Option<String>,
    /// What that time is of; null with it.
    pub around: Option<WindowAround>,
    /// Hours before.
    pub before_hours: u32,
    /// Hours after.
    pub after_hours: u32,
    /// Results outside, left aside by name.
    pub outside: u64,
    /// Results later than the value nearest to the specimen, left aside by name.
    pub later: u64,
    /// Results without a time, which were used.
    pub untimed: u64,
}

impl WindowRecord {
    /// The window in a sentence.
    pub fn sentence(&self) -> String {
        let (Some(at), Some(around)) = (&self.at, self.around) else {
            return "No time window: no result has a time of collection.".to_owned();
        };
        let (before, after, outside) = (self.before_hours, self.after_hours, self.outside);
        format!(
            "Results were taken from {before} h before to {after} h after {around} ({at}); outside and left aside: {outside}."
        )
    }
}

impl LabPanel {
    /// The same results under another context.
    pub fn with_context(&self, context: ClinicalContext) -> Self {
        Self { context, ..self.clone() }
    }

    /// The latest result; final ones go before preliminary ones.
    pub fn current(&self, analyte: Analyte) -> Option<&LabResult> {
        let results = self.results.get(&analyte)?;
        results.iter().rfind(|result| result.status != ResultStatus::Preliminary).or(results.last())
    }

    /// The earliest result: the value at presentation.
    pub fn at_presentation(&self, analyte: Analyte) -> Option<&LabResult> {
        self.results.get(&analyte)?.first()
    }

    /// The number of the latest result.
    pub fn current_quantity(&self, analyte: Analyte) -> Option<&Quantity> {
        self.current(analyte)?.quantity()
    }

    /// The number at presentation.
    pub fn first_quantity(&self, analyte: Analyte) -> Option<&Quantity> {
        self.at_presentation(analyte)?.quantity()
    }

    /// Results other than the current one, oldest first.
    pub fn earlier(&self, analyte: Analyte) -> impl Iterator<Item = &LabResult> {
        let current = self.current(analyte);
        let results = self.results.get(&analyte).into_iter().flatten();
        results.filter(move |result| !current.is_some_and(|current| std::ptr::eq(current, *result)))
    }

    /// Every result, analytes in order, oldest first.
    pub fn results(&self) -> impl Iterator<Item = &LabResult> {
        self.results.values().flatten()
    }

    /// What a reader must know of results that are used, one sentence each.
    pub fn remarks(&self) -> impl Iterator<Item = String> {
        self.results().filter_map(|result| {
            let range = result.unread_reference.as_ref()?;
            Some(format!("{} used; its reference range `{range}` could not be read", result.analyte.label()))
        })
    }

    /// Whether there is no result.
    pub fn is_empty_of_results(&self) -> bool {
        self.results.is_empty()
    }

    /// Whether nothing at all is known.
    pub fn is_empty(&self) -> bool {
        self.results.is_empty() && self.context == ClinicalContext::default()
    }

    /// The panel of the results that belong to a specimen, and the window that chose them.
    pub fn around(&self, specimen: Option<(Moment, WindowAround)>) -> (Self, WindowRecord) {
        let window = self.window;
        let middle = specimen.or_else(|| Some((self.newest()?, WindowAround::NewestResult)));
        let mut record = WindowRecord {
            at: middle.map(|(at, _)| at.to_string()),
            around: middle.map(|(_, around)| around),
            before_hours: window.before_hours,
            after_hours: window.after_hours,
            outside: 0,
            later: 0,
            untimed: self.results().filter(|result| result.collected_at.is_none()).count() as u64,
        };
        let mut panel = self.clone();
        let Some((middle, _)) = middle else { return (panel, record) };
        let (before, after) = (f64::from(window.before_hours), f64::from(window.after_hours));
        for (analyte, results) in &mut panel.results {
            if *analyte == Analyte::PlateletsBaseline {
                continue;
            }
            let (inside, outside): (Vec<LabResult>, Vec<LabResult>) = results.drain(..).partition(|result| {
                let hours = result.collected_at.map(|at| at.hours_after(&middle));
                hours.is_none_or(|(least, most)| most >= -before && least <= after)
            });
            *results = inside;
            let later = nearest(results, &middle).map(|at| results.split_off(at + 1)).unwrap_or_default();
            record.outside += outside.len() as u64;
            record.later += later.len() as u64;
            let why_outside = format!("outside the window of {before} h before to {after} h after {middle}");
            let why_later = format!("later than the value nearest to {middle}, which is used");
            panel.ignored.extend(outside.iter().map(|result| aside(result, &why_outside)));
            panel.ignored.extend(later.iter().map(|result| aside(result, &why_later)));
        }
        panel.results.retain(|_, results| !results.is_empty());
        (panel, record)
    }

    /// The newest time of a result, baselines aside.
    pub fn newest(&self) -> Option<Moment> {
        let of_now = self.results().filter(|result| result.analyte != Analyte::PlateletsBaseline);
        let times = of_now.filter_map(|result| result.collected_at);
        times.reduce(|one, other| if other.hours_after(&one).0 > 0.0 { other } else { one })
    }
}

/// Place of the result nearest to a time; final ones go before preliminary ones, of two as near the later one.
fn nearest(results: &[LabResult], middle: &Moment) -> Option<usize> {
    let distance = |result: &LabResult| {
        let (least, most) = result.collected_at?.hours_after(middle);
        Some(f64::midpoint(least, most).abs())
    };
    let rank = |result: &LabResult| (result.status == ResultStatus::Preliminary, distance(result).unwrap_or(0.0));
    let ranks = results.iter().map(rank).enumerate();
    ranks.reduce(|best, other| if other.1 <= best.1 { other } else { best }).map(|(index, _)| index)
}

/// A result that was left aside.
fn aside(result: &LabResult, why: &str) -> IgnoredObservation {
    let at = result.collected_at.map(|at| at.to_string()).unwrap_or_default();
    IgnoredObservation {
        code: result.analyte.name().to_owned(),
        name: Some(result.analyte.label().to_owned()),
        reason: format!("{} of {at}: {why}", result.value),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{PanelOptions, read_panel};
    use super::*;

    fn panel(results: &[(&str, f64, &str)]) -> LabPanel {
        let results: Vec<String> = results
            .iter()
            .map(|(analyte, value, at)| {
                let unit = if *analyte == "creatinine" { "mg/dL" } else { "10*9/L" };
                let at = if at.is_empty() { String::new() } else { format!(r#", "collected_at": "{at}""#) };
                format!(r#"{{"analyte": "{analyte}", "value": {value}, "unit": "{unit}"{at}}}"#)
            })
            .collect();
        let text = format!(r#"{{"results": [{}]}}"#, results.join(", "));
        read_panel(text.as_bytes(), "test", &PanelOptions::default()).expect("a panel")
    }

    fn specimen(at: &str) -> Option<(Moment, WindowAround)> {
        Some((Moment::from_iso(at).expect("a time"), WindowAround::Collected))
    }

    fn platelets(panel: &LabPanel) -> Option<f64> {
        panel.current_quantity(Analyte::Platelets).map(|quantity| quantity.value)
    }

    #[test]
    fn both_edges_of_the_window_are_inside() {
        let of =
            |at: &str| platelets(&panel(&[("platelets", 38.0, at)]).around(specimen("2025-01-10T12:00:00+01:00")).0);
        for inside in ["2025-01-07T12:00:00+01:00", "2025-01-13T12:00:00+01:00", "2025-01-07T11:00:00Z", "2025-01-07"] {
            assert_eq!(of(inside), Some(38.0), "{inside}");
        }
        // A time without an offset is read on the clock of the specimen.
        assert_eq!(of("2025-01-07T12:00:00"), Some(38.0));
        for outside in ["2025-01-07T11:59:59+01:00", "2025-01-13T12:00:01+01:00", "2025-01-06", "2025-01-14"] {
            assert_eq!(of(outside), None, "{outside}");
        }
    }

    #[test]
    fn results_of_years_ago_are_left_aside_by_name() {
        let old = [("creatinine", 3.4, "2015-03-05T08:00:00Z"), ("platelets", 38.0, "2025-01-10T08:00:00Z")];
        for (given, around) in
            [(specimen("2025-01-10T09:00:00Z"), WindowAround::Collected), (None, WindowAround::NewestResult)]
        {
            let (panel, record) = panel(&old).around(given);
            assert_eq!((platelets(&panel), panel.current(Analyte::Creatinine)), (Some(38.0), None));
            assert_eq!((record.outside, record.around), (1, Some(around)));
            assert_eq!(panel.ignored.len(), 1);
            assert_eq!(
                (panel.ignored[0].code.as_str(), panel.ignored[0].name.as_deref()),
                ("creatinine", Some("Creatinine"))
            );
            assert!(
                panel.ignored[0]
                    .reason
                    .starts_with("3.4 mg/dL of 2015-03-05T08:00:00+00:00: outside the window of 72 h"),
                "{}",
                panel.ignored[0].reason
            );
        }
    }

    #[test]
    fn the_value_nearest_to_the_specimen_is_used_and_a_later_one_is_listed() {
        let values = [
            ("platelets", 61.0, "2025-01-08T08:00:00Z"),
            ("platelets", 38.0, "2025-01-10T08:00:00Z"),
            ("platelets", 90.0, "2025-01-11T20:00:00Z"),
        ];
        let (near, record) = panel(&values).around(specimen("2025-01-10T09:00:00Z"));
        assert_eq!((platelets(&near), near.earlier(Analyte::Platelets).count()), (Some(38.0), 1));
        assert_eq!((record.outside, record.later), (0, 1));
        assert!(near.ignored[0].reason.contains("90 × 10⁹/L of 2025-01-11T20:00:00+00:00: later than"));
        assert_eq!(platelets(&panel(&values).around(specimen("2025-01-11T18:00:00Z")).0), Some(90.0));
    }

    #[test]
    fn a_baseline_and_a_value_without_a_time_stay() {
        let values = [("platelets_baseline", 214.0, "2024-06-01"), ("platelets", 38.0, "")];
        let (panel, record) = panel(&values).around(specimen("2025-01-10T09:00:00Z"));
        assert_eq!((platelets(&panel), panel.results().count()), (Some(38.0), 2));
        assert_eq!((record.untimed, record.outside), (1, 0));
        let (_, none) = LabPanel::default().around(None);
        assert_eq!((none.at.clone(), none.around), (None, None));
        assert_eq!(none.sentence(), "No time window: no result has a time of collection.");
    }
}
