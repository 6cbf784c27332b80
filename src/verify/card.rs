//! Measured figures into the card of a model.
//!
//! In: a card and an evaluation of its model. Out: the card with what this evaluation measured in place of what stood
//! there, the rest kept, sealed anew. A labelled set gives sensitivity and specificity on counted cells, which is what
//! the correction of a count needs; a set declared to hold no schistocyte gives the false-positive floor, unless the card states
//! figures of unseen origins, from which its floor then is. Every named
//! figure that is defined goes among the further figures under the name of the set, and of a healthy set the share of
//! each class as `healthy_<class>`.

use crate::case::rounded;
use crate::classify::{CardFigure, FalsePositiveFloor, ModelCard};
use crate::evaluate::{Evaluation, Figure, NamedFigure};

/// An evaluation that measured nothing that a card states.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{set}: expected figures for a card, found none; evaluate fields with labelled classes, or healthy ones with \
     --expect-none"
)]
pub struct NothingForCard {
    /// Name of the set.
    pub set: String,
}

/// The card with the figures of an evaluation.
///
/// # Errors
/// [`NothingForCard`] where the evaluation holds neither a sensitivity with a specificity nor a floor.
pub fn with_measured(mut card: ModelCard, evaluation: &Evaluation) -> Result<ModelCard, NothingForCard> {
    let measured_on = |what: &str| format!("{}: {} fields, {what}", evaluation.set, evaluation.fields);
    let counted = &evaluation.classification.counted_cells;
    let rates = counted.sensitivity.value.zip(counted.specificity.value);
    let floor = floor(&evaluation.healthy.called_schistocyte, measured_on("declared to hold no schistocyte"));
    if rates.is_none() && floor.is_none() {
        return Err(NothingForCard { set: evaluation.set.clone() });
    }
    let performance = &mut card.performance;
    if let Some((sensitivity, specificity)) = rates {
        performance.sensitivity = Some(sensitivity);
        performance.sensitivity_cells = Some(counted.sensitivity.n);
        performance.specificity = Some(specificity);
        performance.specificity_cells = Some(counted.specificity.n);
        performance.measured_on = Some(measured_on(match &evaluation.readings {
            Some(_) => "counted cells that two readers read, or with a label other than schistocyte",
            None => "counted cells with a labelled class",
        }));
    }
    // METHOD: a floor of networks that never saw a set says more of the next film than one of the set that was learned; the
    // latter goes among the further figures only.
    if floor.is_some() && performance.unseen_origins.is_none() {
        performance.false_positive_floor = floor;
    }
    performance.figures.retain(|figure| figure.set != evaluation.set);
    performance
        .figures
        .extend(NamedFigure::ALL.into_iter().filter_map(|name| stated(evaluation, name.name(), name.of(evaluation))));
    let classes = evaluation.healthy.classes.iter();
    performance
        .figures
        .extend(classes.filter_map(|class| stated(evaluation, &format!("healthy_{}", class.class), class.called)));
    Ok(card.sealed())
}

fn floor(figure: &Figure, measured_on: String) -> Option<FalsePositiveFloor> {
    let interval = figure.interval_95?;
    let percent = |fraction: f64| rounded(100.0 * fraction);
    Some(FalsePositiveFloor {
        percent: percent(figure.value?),
        low: percent(interval.low),
        high: percent(interval.high),
        cells: figure.n,
        measured_on,
    })
}

fn stated(evaluation: &Evaluation, name: &str, figure: Figure) -> Option<CardFigure> {
    Some(CardFigure {
        set: evaluation.set.clone(),
        figure: name.to_owned(),
        value: figure.value?,
        low: figure.interval_95.map(|interval| interval.low),
        high: figure.interval_95.map(|interval| interval.high),
        n: figure.n,
    })
}
