//! Transplant-associated TMA as a checklist.
//!
//! In: the current values of a panel. Out: a [`Score`] of seven criteria that are shown and never summed up to a verdict.
//!
//! Source: harmonized criteria of 2023 (Schoettler et al., modified Jodele): proven by biopsy, or at least four of seven
//! within 14 days at two consecutive times. Limits: the definition needs a course in time, which one panel does not show. So
//! the state of each criterion is that of one time, and people answer for anemia, platelet need and hypertension.

use super::analyte::Analyte;
use super::context::TransplantKind;
use super::panel::LabPanel;
use super::result::LabResult;
use super::score::{ItemState, SCORE_NOTE, Score, ScoreItem, ScoreResult, condition};

/// Criterion 7: random urine protein/creatinine from this on, mg/g (1 mg/mg).
pub const PROTEIN_CREATININE_FROM: f64 = 1000.0;

/// The checklist of a panel.
pub fn checklist(panel: &LabPanel) -> Score {
    let measured = |name, text, analyte, met: fn(&LabResult) -> Option<bool>| {
        let result = panel.current(analyte);
        ScoreItem::unscored(name, text, result.map(|result| result.value.to_string()), result.and_then(met))
    };
    let film = panel.context.schistocytes_on_film;
    let seen = film.map(|seen| if seen { "seen" } else { "not seen" }.to_owned());
    let items = vec![
        ScoreItem::unscored(
            "Anemia",
            "no independence of red cell support despite engraftment, hemoglobin fallen by 1 g/dL or more, or a new need; \
             other causes set aside",
            None,
            None,
        ),
        ScoreItem::unscored(
            "Thrombocytopenia",
            "no platelet engraftment, higher need than expected, refractoriness, or a fall by 50 % or more",
            None,
            None,
        ),
        measured("LDH", "above the upper limit for age", Analyte::Ldh, |ldh| {
            ldh.quantity()?.is_above(ldh.upper_limit()?)
        }),
        ScoreItem::unscored("Schistocytes", "present", seen, film),
        ScoreItem::unscored(
            "Hypertension",
            "adult: from 140/90 mmHg; under 18 years: above the 99th percentile",
            None,
            None,
        ),
        measured("sC5b-9", "at or above the upper limit", Analyte::Sc5b9, |sc5b9| {
            sc5b9.quantity()?.is_at_least(sc5b9.upper_limit()?)
        }),
        measured(
            "Urine protein/creatinine",
            "1 mg/mg or more, random sample",
            Analyte::UrineProteinCreatinine,
            |protein| protein.quantity()?.is_at_least(PROTEIN_CREATININE_FROM),
        ),
    ];
    let transplanted = panel.context.transplant.as_ref().map(|transplant| transplant.kind == TransplantKind::StemCell);
    let count = |state| items.iter().filter(|item| item.state == state).count() as u32;
    let text = "after stem cell transplantation";
    let result = match transplanted {
        Some(true) => ScoreResult::Checklist {
            met: count(ItemState::Met),
            not_met: count(ItemState::NotMet),
            missing: count(ItemState::Missing),
        },
        Some(false) => ScoreResult::NotApplicable { reason: format!("not fulfilled: {text}") },
        None => ScoreResult::NotComputable { missing: vec![text.to_owned()], lowest: 0, highest: 0 },
    };
    Score {
        name: "Transplant-associated TMA".to_owned(),
        version: "harmonized 2023 (modified Jodele), checklist".to_owned(),
        estimates: "nothing: a checklist of published criteria".to_owned(),
        applicability: "only after stem cell transplantation".to_owned(),
        conditions: vec![condition(text, transplanted)],
        items,
        result,
        bands: Vec::new(),
        caveats: vec![
            SCORE_NOTE.to_owned(),
            "The definition asks for at least four criteria within 14 days at two consecutive times, or a biopsy; one panel \
             cannot show that, and the checklist is not summed up."
                .to_owned(),
        ],
        source: "Harmonized transplant-associated TMA definition 2023 (PMC10119629; criteria as in PMC11882261, table 3)"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::panel_of;
    use super::*;

    const STEM_CELL: &str = r#""age_years": 30, "transplant": {"kind": "stem_cell"}"#;

    #[test]
    fn criteria_on_both_sides_of_their_limits() {
        use ItemState::{Met, Missing, NotMet};
        for (item, result, state) in [
            (2, ("ldh", 222.0, "U/L"), NotMet),
            (2, ("ldh", 222.1, "U/L"), Met),
            (2, ("ldh", 3.71, "ukat/L"), Met),
            (6, ("urine_protein_creatinine", 999.0, "mg/g"), NotMet),
            (6, ("urine_protein_creatinine", 1.0, "mg/mg"), Met),
            (6, ("urine_protein_creatinine", 113.0, "mg/mmol"), NotMet),
            (6, ("urine_protein_creatinine", 113.2, "mg/mmol"), Met),
            (5, ("sc5b9", 900.0, "ng/mL"), Missing), // without a limit of the laboratory it does not tell
        ] {
            assert_eq!(checklist(&panel_of(STEM_CELL, &[result])).items[item].state, state, "{result:?}");
        }
    }

    #[test]
    fn it_is_a_checklist_and_only_after_stem_cells() {
        let panel = panel_of(STEM_CELL, &[("ldh", 800.0, "U/L")]);
        assert_eq!(checklist(&panel).result, ScoreResult::Checklist { met: 1, not_met: 0, missing: 6 });
        assert!(checklist(&panel).items.iter().all(|item| item.points.is_none()));
        let solid = panel_of(r#""transplant": {"kind": "solid_organ"}"#, &[]);
        assert!(matches!(checklist(&solid).result, ScoreResult::NotApplicable { .. }));
        assert!(matches!(checklist(&panel_of("", &[])).result, ScoreResult::NotComputable { .. }));
    }
}
