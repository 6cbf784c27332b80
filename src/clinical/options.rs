//! What a laboratory configures: intervals, local codes, further units, limits and versions of the scores.
//!
//! Every structure refuses unknown keys and has defaults, so that it can stand in the laboratory's TOML file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::analyte::Analyte;
use super::character_set::CharacterSet;
use super::context::Meaning;
use super::error::PanelProblem;
use super::panel::TimeWindow;
use super::patient::OtherName;
use super::reference::ReferenceIntervals;
use super::unit::{ExtraUnit, accepted_units, resolve};

/// How a panel is read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PanelOptions {
    /// Reference intervals for results that come without one.
    pub reference: ReferenceIntervals,
    /// Local codes of messages: code to the name of an analyte or of a context field.
    pub local_codes: BTreeMap<String, Meaning>,
    /// Further units with their factors.
    pub extra_units: Vec<ExtraUnit>,
    /// Hours before and after the specimen that results may lie in.
    pub window: TimeWindow,
    /// What happens to a panel whose patient has the order's identifier and another name.
    pub other_name: OtherName,
    /// Character set of HL7 messages whose MSH-18 names none; UTF-8 where left out.
    pub hl7_character_set: Option<CharacterSet>,
}

impl PanelOptions {
    /// Checks that every entry can be used.
    ///
    /// # Errors
    /// [`PanelProblem::Configuration`] for the first that cannot.
    pub fn check(&self) -> Result<(), PanelProblem> {
        for unit in &self.extra_units {
            let sound = unit.to_canonical.is_finite() && unit.to_canonical > 0.0;
            if !sound || unit.unit.trim().is_empty() || unit.analyte.canonical_unit().is_none() {
                return Err(PanelProblem::Configuration {
                    field: format!("extra_units of {}", unit.analyte),
                    expected: "a unit with a factor above 0 for an analyte that is a number".to_owned(),
                    found: format!("{} × {}", unit.unit, unit.to_canonical),
                });
            }
        }
        self.reference.check(&self.extra_units)
    }
}

/// A value with its unit, as configured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfiguredValue {
    /// Value.
    pub value: f64,
    /// Unit.
    pub unit: String,
}

impl ConfiguredValue {
    /// The value in the canonical unit of an analyte.
    fn canonical(&self, analyte: Analyte, field: &str) -> Result<f64, PanelProblem> {
        let wrong = |expected: String| PanelProblem::Configuration {
            field: field.to_owned(),
            expected,
            found: format!("{} {}", self.value, self.unit),
        };
        if !(self.value.is_finite() && self.value > 0.0) {
            return Err(wrong("a value above 0".to_owned()));
        }
        let unit = resolve(analyte, &self.unit, None, &[]);
        let unit = unit.map_err(|_| wrong(format!("one of the units {}", accepted_units(analyte))))?;
        Ok(unit.canonical(self.value))
    }
}

/// Version of the ISTH score for overt DIC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, strum::Display, JsonSchema)]
pub enum DicVersion {
    /// Taylor et al., Thromb Haemost 2001; the fibrin marker by the limits of `Dic2001Limits`.
    #[serde(rename = "2001")]
    #[strum(to_string = "2001")]
    V2001,
    /// The update of 2025 with D-dimer limits of 3 and 7 times the upper limit of normal.
    #[default]
    #[serde(rename = "2025")]
    #[strum(to_string = "2025")]
    V2025,
}

/// Limits of the fibrin marker for the DIC score of 2001, which fixed none.
///
/// Defaults: one published use, D-dimer from 2 times the upper limit moderate, above 4 times strong; FDP from 10 mg/L
/// moderate, above 25 mg/L strong (PMC8607173, table 1).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Dic2001Limits {
    /// Moderate from this multiple of the upper limit of D-dimer on.
    pub d_dimer_moderate_from_uln: f64,
    /// Strong above this multiple.
    pub d_dimer_strong_above_uln: f64,
    /// Moderate from this FDP on, mg/L.
    pub fdp_moderate_from_mg_l: f64,
    /// Strong above this FDP, mg/L.
    pub fdp_strong_above_mg_l: f64,
}

impl Default for Dic2001Limits {
    fn default() -> Self {
        Self {
            d_dimer_moderate_from_uln: 2.0,
            d_dimer_strong_above_uln: 4.0,
            fdp_moderate_from_mg_l: 10.0,
            fdp_strong_above_mg_l: 25.0,
        }
    }
}

/// Cut-offs of the French score as used today.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct FrenchCutOffs {
    /// One point below this platelet count, 10⁹/L.
    pub platelets_below_10e9_l: f64,
    /// One point below this creatinine, mg/dL.
    pub creatinine_below_mg_dl: f64,
}

impl Default for FrenchCutOffs {
    fn default() -> Self {
        Self { platelets_below_10e9_l: 30.0, creatinine_below_mg_dl: 2.25 }
    }
}

/// How scores are computed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScoreOptions {
    /// Upper limit of normal of the prothrombin time, s; for results that come without one.
    pub prothrombin_time_upper_s: Option<f64>,
    /// Upper limit of normal of D-dimer; for results that come without one.
    pub d_dimer_upper: Option<ConfiguredValue>,
    /// Lower limit of quantitation of haptoglobin.
    pub haptoglobin_lloq: Option<ConfiguredValue>,
    /// Cut-offs of the French score.
    pub french: FrenchCutOffs,
    /// Version of the DIC score.
    pub dic_version: DicVersion,
    /// Limits of the fibrin marker of the DIC score of 2001.
    pub dic_2001: Dic2001Limits,
}

impl ScoreOptions {
    /// Upper limit of D-dimer, ng{FEU}/mL.
    fn checked_d_dimer_upper(&self) -> Result<Option<f64>, PanelProblem> {
        self.d_dimer_upper.as_ref().map(|limit| limit.canonical(Analyte::DDimer, "d_dimer_upper")).transpose()
    }

    /// Lower limit of quantitation of haptoglobin, mg/dL.
    fn checked_haptoglobin_lloq(&self) -> Result<Option<f64>, PanelProblem> {
        let limit = self.haptoglobin_lloq.as_ref();
        limit.map(|limit| limit.canonical(Analyte::Haptoglobin, "haptoglobin_lloq")).transpose()
    }

    /// Upper limit of D-dimer, ng{FEU}/mL; `None` where it is not configured or cannot be used.
    pub(super) fn d_dimer_upper_ng_ml(&self) -> Option<f64> {
        self.checked_d_dimer_upper().ok()?
    }

    /// Lower limit of quantitation of haptoglobin, mg/dL; `None` where it is not configured or cannot be used.
    pub(super) fn haptoglobin_lloq_mg_dl(&self) -> Option<f64> {
        self.checked_haptoglobin_lloq().ok()?
    }

    /// Checks that every entry can be used.
    ///
    /// # Errors
    /// [`PanelProblem::Configuration`] for the first that cannot.
    pub fn check(&self) -> Result<(), PanelProblem> {
        self.checked_d_dimer_upper()?;
        self.checked_haptoglobin_lloq()?;
        let (dic, french) = (&self.dic_2001, &self.french);
        let numbers = [
            ("prothrombin_time_upper_s", self.prothrombin_time_upper_s.unwrap_or(1.0)),
            ("french.platelets_below_10e9_l", french.platelets_below_10e9_l),
            ("french.creatinine_below_mg_dl", french.creatinine_below_mg_dl),
            ("dic_2001.d_dimer_moderate_from_uln", dic.d_dimer_moderate_from_uln),
            ("dic_2001.d_dimer_strong_above_uln", dic.d_dimer_strong_above_uln - dic.d_dimer_moderate_from_uln),
            ("dic_2001.fdp_moderate_from_mg_l", dic.fdp_moderate_from_mg_l),
            ("dic_2001.fdp_strong_above_mg_l", dic.fdp_strong_above_mg_l - dic.fdp_moderate_from_mg_l),
        ];
        let unusable = numbers.into_iter().find(|(_, number)| !(number.is_finite() && *number > 0.0));
        unusable.map_or(Ok(()), |(field, number)| {
            Err(PanelProblem::Configuration {
                field: field.to_owned(),
                expected: "a number above 0, strong above moderate".to_owned(),
                found: number.to_string(),
            })
        })
    }
}

/// Everything that the clinical part takes from the laboratory's configuration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClinicalOptions {
    /// How panels are read.
    pub panel: PanelOptions,
    /// How scores are computed.
    pub scores: ScoreOptions,
}

impl ClinicalOptions {
    /// Checks that every entry can be used.
    ///
    /// # Errors
    /// [`PanelProblem::Configuration`] for the first that cannot.
    pub fn check(&self) -> Result<(), PanelProblem> {
        self.panel.check()?;
        self.scores.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(json: &str) -> Result<ClinicalOptions, String> {
        let options: ClinicalOptions = serde_json::from_str(json).map_err(|error| error.to_string())?;
        options.check().map_err(|error| error.to_string())?;
        Ok(options)
    }

    #[test]
    fn defaults_are_usable_and_unknown_keys_are_refused() {
        assert_eq!(options("{}"), Ok(ClinicalOptions::default()));
        assert!(options(r#"{"scores": {"dic_verison": "2001"}}"#).is_err_and(|error| error.contains("dic_verison")));
        assert_eq!(
            options(r#"{"scores": {"dic_version": "2001"}}"#).expect("known").scores.dic_version,
            DicVersion::V2001
        );
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (json, named) in [
            (r#"{"panel": {"local_codes": {"PLT": "thrombocytes"}}}"#, "found `thrombocytes`"),
            (r#"{"scores": {"haptoglobin_lloq": {"value": 10, "unit": "mmol/L"}}}"#, "haptoglobin_lloq"),
            (r#"{"scores": {"d_dimer_upper": {"value": 500, "unit": "ng/mL"}}}"#, "d_dimer_upper"),
            (r#"{"scores": {"prothrombin_time_upper_s": 0}}"#, "prothrombin_time_upper_s"),
            (r#"{"scores": {"dic_2001": {"d_dimer_strong_above_uln": 1.5}}}"#, "d_dimer_strong_above_uln"),
            (
                r#"{"panel": {"extra_units": [{"analyte": "dat", "unit": "x", "to_canonical": 1, "source": ""}]}}"#,
                "extra_units of dat",
            ),
        ] {
            assert!(options(json).is_err_and(|error| error.contains(named)), "{json}");
        }
    }

    #[test]
    fn limits_are_brought_to_the_canonical_unit() {
        let json = r#"{"scores": {"haptoglobin_lloq": {"value": 0.1, "unit": "g/L"},
            "d_dimer_upper": {"value": 0.25, "unit": "mg/L DDU"}}}"#;
        let scores = options(json).expect("usable").scores;
        assert_eq!((scores.haptoglobin_lloq_mg_dl(), scores.d_dimer_upper_ng_ml()), (Some(10.0), Some(500.0)));
    }
}
