//! Every format says the same state, and the caution of a mixed picture beside it. `tests/cases.rs` asks the same of every
//! specimen of `fixtures/cases`.

use crate::support::fake_case::FakeCase;
use crate::support::fake_review::FakeReview;
use crate::support::states::assert_same_everywhere;
use schistoquant::case::{Case, Context, State};

fn enough_cells() -> Case {
    FakeCase { grid: (26, 20), fields: 3, schistocytes: 12, preview_scale: 0.2, ..FakeCase::default() }.build()
}

#[test]
fn every_format_says_each_state_with_and_without_the_caution() {
    let mut case = enough_cells();
    for state in [State::Above, State::NotAbove, State::Indeterminate, State::Insufficient] {
        for context in Context::ALL {
            case.record.count.state = state;
            case.record.count.context = Some(context);
            assert_same_everywhere(&case);
        }
    }
}

#[test]
fn every_format_says_the_state_of_the_reviewed_count() {
    let mut case = FakeReview::default().sign(enough_cells());
    let software = case.record.software_count().state;
    for state in [State::Above, State::NotAbove, State::Indeterminate, State::Insufficient] {
        for context in [Context::SchistocytesPredominate, Context::MixedPoikilocytosis, Context::WithinModelError] {
            case.record.count.state = state;
            case.record.count.context = Some(context);
            assert_same_everywhere(&case);
        }
    }
    assert_eq!(case.record.software_count().state, software);
}

#[test]
fn every_format_says_that_nothing_can_be_assessed() {
    for case in [FakeCase { fields: 0, ..FakeCase::default() }, FakeCase { refused: vec![0, 1], ..FakeCase::default() }]
    {
        let case = case.build();
        assert_eq!(case.record.count.state, State::NotAssessable);
        assert_same_everywhere(&case);
    }
}
