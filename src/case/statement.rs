//! The result in words: a measured value, its interval and where it lies; and whether schistocytes were seen. Never a
//! diagnosis.
//!
//! In: a [`CountRecord`]. Out: one to four sentences of English: value, whether it is within the model's error, where it
//! lies, and the caution of ICSH in a mixed picture. The caution stands beside the state, never in its place. Percent is
//! printed to two decimals, so that a limit close to the threshold does not read as if it lay on it.
//!
//! Every text that leaves the program may be checked with [`banned_terms_in`]: no diagnosis, treatment, urgency or
//! prognosis.

use super::count_record::CountRecord;
use crate::count::{Context, State};
use crate::evidence::SmearFinding;

/// Words that no output may hold, lower case; a term matches where it begins a word, so stems cover their endings.
///
/// A statement of a disease, its exclusion, treatment, triage or a person's outlook is a physician's, not this
/// program's.
pub const BANNED_TERMS: [&str; 32] = [
    "consistent with",
    "compatible with",
    "diagnostic of",
    "diagnostic for ttp",
    "diagnostic for tma",
    "suggests ttp",
    "suggests tma",
    "suggestive of",
    "indicative of",
    "tma excluded",
    "ttp excluded",
    "tma is excluded",
    "ttp is excluded",
    "excludes tma",
    "excludes ttp",
    "ruled out",
    "rule out",
    "rules out",
    "plasma exchange",
    "plasmapheresis",
    "steroid",
    "rituximab",
    "eculizumab",
    "caplacizumab",
    "transfus",
    "stop drug",
    "urgent",
    "emergency",
    "prognos",
    "your chance",
    "probability of disease",
    "probability of ttp",
];

/// The banned terms that a text holds.
pub fn banned_terms_in(text: &str) -> Vec<&'static str> {
    let text = text.to_lowercase();
    let begins_a_word = |at: usize| !text[..at].chars().next_back().is_some_and(|before| before.is_alphanumeric());
    BANNED_TERMS.into_iter().filter(|term| text.match_indices(term).any(|(at, _)| begins_a_word(at))).collect()
}

/// What is asked for where too few red cells were counted.
const MORE_FIELDS: &str = " More fields are needed.";

/// The result of a count in words, with the notice (`recognition_notice`) of a film that was not recognized where nothing could
/// be placed, and whatever else makes the film doubtful.
pub fn statement_with_notices(count: &CountRecord, unrecognized: Option<&str>, doubts: &[String]) -> String {
    let plain = statement(count);
    let told = match unrecognized.filter(|_| matches!(count.state, State::Insufficient | State::NotAssessable)) {
        Some(notice) => format!("{} {notice}", plain.replace(MORE_FIELDS, "")),
        None => plain,
    };
    std::iter::once(told.as_str()).chain(doubts.iter().map(String::as_str)).collect::<Vec<_>>().join(" ")
}

/// The result of a count in words.
pub fn statement(count: &CountRecord) -> String {
    let (Some(percent), Some(interval)) = (count.percent, count.widest_95()) else {
        return "Not assessable: no red cell could be counted in a field of sufficient quality.".to_owned();
    };
    let measured = format!(
        "Schistocytes {percent:.2} % (95 % CI {:.2}–{:.2}; {} of {} RBC).",
        interval.low,
        interval.high,
        grouped(count.schistocytes),
        grouped(count.red_cells)
    );
    let placed = if count.is_reviewed() { placed_by_reading(count) } else { placed_by_model(count) };
    let parts = [Some(measured), within_model_error(count), Some(placed), mixed_picture(count)];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// Where the software's own count lies.
fn placed_by_model(count: &CountRecord) -> String {
    let limit = count.threshold_percent;
    match count.state {
        // Reached only by a record that was not made by this crate: without an interval there is no other state.
        State::NotAssessable => "The value is not assessable.".to_owned(),
        State::Insufficient => too_few(count),
        State::Above => {
            format!("The lower limit less the model's errors lies above the ICSH reference limit of {limit} %.")
        }
        State::Indeterminate => format!(
            "With the model's errors it may lie on either side of the ICSH reference limit of {limit} %. More cells or \
             a manual count are needed to place the value."
        ),
        State::NotAbove => format!(
            "The upper limit with the model's errors lies at or below the ICSH reference limit of {limit} %. This does \
             not exclude TMA."
        ),
    }
}

/// Where a count lies whose suspicious cells a person read: no error of the model is taken off, and what nobody read is open.
fn placed_by_reading(count: &CountRecord) -> String {
    let limit = count.threshold_percent;
    match count.state {
        // A film so far off is open below the review threshold.
        State::NotAssessable => {
            "The film is unlike all that the model was tried on: the value is assessable only where \
             every counted cell was read."
                .to_owned()
        }
        State::Insufficient => too_few(count),
        State::Above => format!("The lower limit lies above the ICSH reference limit of {limit} %."),
        State::Indeterminate => format!(
            "With the cells that nobody read it may lie on either side of the ICSH reference limit of {limit} %. More \
             cells must be read or counted to place the value."
        ),
        State::NotAbove => format!(
            "The upper limit, with the cells that nobody read, lies at or below the ICSH reference limit of {limit} %. \
             This does not exclude TMA."
        ),
    }
}

fn too_few(count: &CountRecord) -> String {
    format!(
        "Fewer than {} RBC were counted: the value is not placed against the ICSH reference limit of {} %.{MORE_FIELDS}",
        grouped(count.min_cells),
        count.threshold_percent
    )
}

/// What a few called cells are; nothing of a reviewed count, which has no floor.
fn within_model_error(count: &CountRecord) -> Option<String> {
    let floor = count.highest_floor_percent().filter(|_| count.context == Some(Context::WithinModelError))?;
    let called = match count.schistocytes {
        1 => "1 cell was called a fragment".to_owned(),
        cells => format!("{} cells were called fragments", grouped(cells)),
    };
    Some(format!("{called}, within the model's error (up to {floor:.2} %)."))
}

/// ICSH: a percentage is meant where schistocytes are the main change of shape.
fn mixed_picture(count: &CountRecord) -> Option<String> {
    let other = count.other_abnormal_percent.map(|other| format!(" ({other:.2} %)")).unwrap_or_default();
    (count.context == Some(Context::MixedPoikilocytosis)).then(|| {
        format!("Other abnormal shapes{other} outnumber schistocytes: a percentage is not specific in this picture.")
    })
}

/// A count with a comma between groups of three digits.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let first = digits.len() % 3;
    digits.char_indices().fold(String::new(), |mut text, (at, digit)| {
        if at > 0 && at % 3 == first {
            text.push(',');
        }
        text.push(digit);
        text
    })
}

/// Whether schistocytes were seen: the ordinal finding that laboratories report (LOINC 800-3).
///
/// METHOD: a classifier calls some normal cells schistocytes, so that one called cell is not "present". The finding is that
/// of [`SmearFinding::schistocytes_seen`], which scores ask too: one report must not say both. Among enough cells it is
/// present where the lower limit lies above the floor of false calls, whatever the side of the reference limit. It is not
/// seen where none was called and the count is not above that limit. Everything between is indeterminate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// More than the model's false calls explain.
    Present,
    /// None among enough cells.
    NotSeen,
    /// Neither can be said.
    Indeterminate,
}

impl CountRecord {
    /// Whether schistocytes were seen; `None` where nothing can be assessed.
    pub fn presence(&self) -> Option<Presence> {
        if self.state == State::NotAssessable || self.red_cells == 0 {
            return None;
        }
        Some(match SmearFinding::from(self).schistocytes_seen() {
            Some(true) => Presence::Present,
            Some(false) => Presence::NotSeen,
            None => Presence::Indeterminate,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{FOOTER, FormsRecord, PercentInterval, REVIEWED_FOOTER};
    use crate::count::{CountOptions, FieldTally, FormTally, Performance, SchistocyteCount};
    use crate::smear::CellClass;
    use crate::stats::Probability;

    fn record(schistocytes: u64, red_cells: u64, state: State, context: Option<Context>) -> CountRecord {
        CountRecord {
            red_cells,
            schistocytes,
            percent: (red_cells > 0).then(|| 100.0 * schistocytes as f64 / red_cells as f64),
            wilson_95: (red_cells > 0).then_some(PercentInterval { low: 1.68, high: 3.44 }),
            field_bootstrap_95: (red_cells > 0).then_some(PercentInterval { low: 1.9, high: 3.512 }),
            sequential_95: None,
            repeatability_95: None,
            reviewed_95: None,
            corrected: None,
            false_positive_floor_percent: None,
            false_positive_floor_95: None,
            false_positive_floor_source: None,
            threshold_percent: 1.0,
            min_cells: 1000,
            deciding: None,
            state,
            context,
            other_abnormal_percent: (red_cells > 0).then_some(6.1),
            forms: FormsRecord::of(&FormTally::default(), red_cells),
            grade: None,
        }
    }

    #[test]
    fn above_names_value_interval_counts_and_limit() {
        let count = record(29, 1204, State::Above, Some(Context::SchistocytesPredominate));
        assert_eq!(
            statement(&count),
            "Schistocytes 2.41 % (95 % CI 1.68–3.51; 29 of 1,204 RBC). The lower limit less the model's errors lies \
             above the ICSH reference limit of 1 %."
        );
    }

    #[test]
    fn the_other_states_end_in_their_own_sentence() {
        let of = |state| statement(&record(29, 1204, state, Some(Context::SchistocytesPredominate)));
        assert!(of(State::Indeterminate).ends_with(
            "With the model's errors it may lie on either side of the ICSH reference limit of 1 %. More cells or a \
             manual count are needed to place the value."
        ));
        assert!(of(State::NotAbove).ends_with(
            "The upper limit with the model's errors lies at or below the ICSH reference limit of 1 %. This does not \
             exclude TMA."
        ));
        assert!(of(State::Insufficient).ends_with(
            "Fewer than 1,000 RBC were counted: the value is not placed against the ICSH reference limit of 1 %. More \
             fields are needed."
        ));
        assert_eq!(
            statement(&record(0, 0, State::NotAssessable, None)),
            "Not assessable: no red cell could be counted in a field of sufficient quality."
        );
    }

    #[test]
    fn a_reviewed_count_is_placed_without_the_errors_of_the_model() {
        let of = |state| {
            let reviewed_95 = Some(PercentInterval { low: 1.68, high: 3.72 });
            // A lower limit of 0 makes this context: nothing is said of the model's error all the same.
            let count = CountRecord { reviewed_95, ..record(29, 1204, state, Some(Context::WithinModelError)) };
            statement(&count)
        };
        let first = "Schistocytes 2.41 % (95 % CI 1.68–3.72; 29 of 1,204 RBC). ";
        for (state, placed) in [
            (State::Above, "The lower limit lies above the ICSH reference limit of 1 %."),
            (
                State::NotAbove,
                "The upper limit, with the cells that nobody read, lies at or below the ICSH reference limit of 1 %. \
                 This does not exclude TMA.",
            ),
            (
                State::Indeterminate,
                "With the cells that nobody read it may lie on either side of the ICSH reference limit of 1 %. More \
                 cells must be read or counted to place the value.",
            ),
            (
                State::Insufficient,
                "Fewer than 1,000 RBC were counted: the value is not placed against the ICSH reference limit of 1 %. \
                 More fields are needed.",
            ),
            (
                State::NotAssessable,
                "The film is unlike all that the model was tried on: the value is assessable only where every counted \
                 cell was read.",
            ),
        ] {
            assert_eq!(of(state), format!("{first}{placed}"), "{state:?}");
            assert_eq!(banned_terms_in(&of(state)), Vec::<&str>::new(), "{state:?}");
        }
    }

    #[test]
    fn a_notice_takes_the_place_of_a_call_for_more_fields() {
        let of = |state| statement_with_notices(&record(1, 96, state, None), Some("Not recognized."), &[]);
        let insufficient = of(State::Insufficient);
        assert!(insufficient.ends_with("the ICSH reference limit of 1 %. Not recognized."), "{insufficient}");
        assert!(of(State::NotAbove).ends_with("This does not exclude TMA."), "a decided count keeps its sentence");
        let none = statement_with_notices(&record(0, 0, State::NotAssessable, None), Some("Not recognized."), &[]);
        assert!(none.ends_with("in a field of sufficient quality. Not recognized."), "{none}");
    }

    #[test]
    fn the_caution_of_a_mixed_picture_stands_beside_the_state() {
        let text = statement(&record(29, 1204, State::Above, Some(Context::MixedPoikilocytosis)));
        assert!(text.ends_with(
            "The lower limit less the model's errors lies above the ICSH reference limit of 1 %. Other abnormal shapes \
             (6.10 %) outnumber schistocytes: a percentage is not specific in this picture."
        ));
    }

    #[test]
    fn a_few_called_cells_of_a_healthy_film_are_within_the_error_and_nothing_is_said_of_shapes() {
        let healthy = |schistocytes| CountRecord {
            false_positive_floor_percent: Some(0.0),
            false_positive_floor_95: Some(PercentInterval { low: 0.0, high: 0.414 }),
            ..record(schistocytes, 2958, State::NotAbove, Some(Context::WithinModelError))
        };
        let one = statement(&healthy(1));
        assert!(
            one.contains("RBC). 1 cell was called a fragment, within the model's error (up to 0.41 %). The"),
            "{one}"
        );
        assert!(!one.contains("shape"), "{one}");
        let two = statement(&healthy(2));
        assert!(two.contains("2 cells were called fragments, within the model's error (up to 0.41 %)."), "{two}");
    }

    #[test]
    fn no_statement_and_no_footer_holds_a_banned_term() {
        let states = [State::Above, State::NotAbove, State::Indeterminate, State::Insufficient, State::NotAssessable];
        let contexts = Context::ALL.map(Some).into_iter().chain([None]);
        for (state, context) in
            states.into_iter().flat_map(|state| contexts.clone().map(move |context| (state, context)))
        {
            for red_cells in [0, 1204] {
                let text = statement(&record(0, red_cells, state, context));
                assert_eq!(banned_terms_in(&text), Vec::<&str>::new(), "{text}");
            }
        }
        assert_eq!(banned_terms_in(&format!("{FOOTER} {REVIEWED_FOOTER}")), Vec::<&str>::new());
    }

    #[test]
    fn banned_terms_are_found_at_the_start_of_a_word_in_any_case() {
        assert_eq!(banned_terms_in("This is Consistent With TTP; start Transfusion"), ["consistent with", "transfus"]);
        assert_eq!(banned_terms_in("corticosteroid"), Vec::<&str>::new());
        assert_eq!(banned_terms_in("a steroid"), ["steroid"]);
        assert!(BANNED_TERMS.iter().all(|term| *term == term.to_lowercase()));
    }

    #[test]
    fn thousands_are_grouped() {
        let found = [0, 999, 1000, 12_345, 123_456, 1_234_567].map(grouped);
        assert_eq!(found, ["0", "999", "1,000", "12,345", "123,456", "1,234,567"]);
    }

    fn counted(normal: usize, schistocytes: usize, known: &Performance) -> CountRecord {
        let of = std::iter::repeat_n;
        let field: FieldTally = of(CellClass::Normal, normal).chain(of(CellClass::Schistocyte, schistocytes)).collect();
        let options = CountOptions { min_cells: 1000, ..CountOptions::default() };
        CountRecord::from(&SchistocyteCount::of_fields(&[field], &options, known))
    }

    fn presence(normal: usize, schistocytes: usize) -> Option<Presence> {
        let known = Performance {
            sensitivity: Probability::new(0.9).ok(),
            sensitivity_cells: Some(1000),
            specificity: Probability::new(1.0).ok(),
            specificity_cells: Some(1_000_000),
            ..Performance::default()
        };
        counted(normal, schistocytes, &known).presence()
    }

    #[test]
    fn present_where_the_lower_limit_lies_above_the_floor() {
        // Nearly no false calls: present above the reference limit of 1 % and below it.
        assert_eq!(presence(981, 19), Some(Presence::Present));
        assert_eq!(presence(985, 15), Some(Presence::Present));
        // A floor of up to 0.918 % (Wilson, 10 of 2,000): 15 of 1,000 from 0.911 %, 16 of 1,000 from 0.988 %.
        let high_floor = Performance {
            specificity: Probability::new(0.995).ok(),
            specificity_cells: Some(2000),
            sensitivity: Probability::new(1.0).ok(),
            sensitivity_cells: Some(1_000_000),
            ..Performance::default()
        };
        let of = |normal, schistocytes| {
            let record = counted(normal, schistocytes, &high_floor);
            (record.is_beyond_model_error(), record.presence())
        };
        assert_eq!(of(985, 15), (false, Some(Presence::Indeterminate)));
        assert_eq!(of(970, 30), (true, Some(Presence::Present)));
        // Too few cells for any finding.
        assert_eq!(of(480, 19), (true, Some(Presence::Indeterminate)));
    }

    #[test]
    fn not_seen_on_both_sides_of_the_fewest_cells() {
        assert_eq!(presence(1000, 0), Some(Presence::NotSeen));
        assert_eq!(presence(999, 0), Some(Presence::Indeterminate));
        assert_eq!(presence(998, 1), Some(Presence::Indeterminate));
        assert_eq!(presence(0, 0), None);
    }
}
