//! What a signed review says in words, the same ones on page and sheet and in messages.
//!
//! In: a record. Out: the line at the head of a report, and sentences. Names, roles, comments and reasons stand as they were
//! given; who writes a file escapes them.

use super::values::{count, percent};
use super::words::{REVIEW_STATUS, time_words};
use crate::case::{AgreementRecord, CaseRecord, ReviewRecord, ReviewStatus, Reviewer};

/// Longest name with its role at the head of a report, characters: three lines of a sheet's head. A longer one stands whole in
/// the section of the review.
const MOST_SIGNER_CHARS: usize = 90;

/// Decimals of a kappa.
const KAPPA_DECIMALS: usize = 2;

/// How far a result has come, in one word.
pub(crate) fn status_word(status: ReviewStatus) -> &'static str {
    match status {
        ReviewStatus::Preliminary => "Preliminary",
        ReviewStatus::Final => "Reviewed",
        ReviewStatus::Corrected => "Corrected",
    }
}

/// The line at the head of every report.
pub(crate) fn status_line(record: &CaseRecord) -> String {
    let Some(review) = &record.review else { return REVIEW_STATUS.to_owned() };
    let signer = Some(person(&review.signed_by)).filter(|signer| signer.chars().count() <= MOST_SIGNER_CHARS);
    let signer = signer.unwrap_or_else(|| "the person named under Review".to_owned());
    let (meaning, at) = (review.meaning.words(), time_words(review.signed_at.as_str()));
    match record.review_status() {
        ReviewStatus::Corrected => {
            let (first, rest) = meaning.split_at(meaning.chars().next().map_or(0, char::len_utf8));
            format!("Corrected: {}{rest} {signer}, {at}", first.to_lowercase())
        }
        _ => format!("{meaning} {signer}, {at}"),
    }
}

/// A person with the role.
pub(crate) fn person(reviewer: &Reviewer) -> String {
    format!("{}, {}", reviewer.name, reviewer.role)
}

/// The comment of the signer, where there is one.
pub(crate) fn comment(review: &ReviewRecord) -> Option<&str> {
    review.comment.as_deref().filter(|comment| !comment.trim().is_empty())
}

/// Why an earlier signature was superseded.
pub(crate) fn reason_words(review: &ReviewRecord) -> Option<String> {
    let reopened = review.reopened.as_ref()?;
    let (by, at) = (person(&reopened.by), time_words(reopened.at.as_str()));
    Some(format!("Opened again by {by}, {at}: {}", reopened.reason))
}

/// A kappa as it is printed.
pub(crate) fn kappa_words(kappa: Option<f64>) -> String {
    kappa.map_or_else(|| "not defined".to_owned(), |kappa| format!("{kappa:.KAPPA_DECIMALS$}"))
}

/// How far two readers agree, in one sentence.
pub(crate) fn agreement_words(agreement: &AgreementRecord) -> String {
    let by = agreement.second.as_ref().map_or_else(|| "several readers".to_owned(), person);
    let [both, first, second, neither] = agreement.table.map(count);
    let share = |share: Option<f64>, of: &str| share.map(|share| format!("{} by the {of} reader", percent(share)));
    let shares = [share(agreement.first_percent, "first"), share(agreement.second_percent, "second")];
    let shares: Vec<String> = shares.into_iter().flatten().collect();
    let shares = if shares.is_empty() { String::new() } else { format!("; {}", shares.join(", ")) };
    format!(
        "Second, blind reading by {by}: {} cells read by both, of them schistocytes for both {both}, for the first reader \
         alone {first}, for the second alone {second}, for neither {neither}; kappa {}{shares}.",
        count(agreement.cells),
        kappa_words(agreement.kappa)
    )
}

/// The review in sentences: signature with the comment, what the interval covers, the reason of a correction, the agreement of a
/// second reading.
pub(crate) fn sentences(review: &ReviewRecord) -> Vec<String> {
    let signed =
        format!("{} {}, {}.", review.meaning.words(), person(&review.signed_by), time_words(review.signed_at.as_str()));
    let commented = match comment(review) {
        Some(comment) => format!("{signed} {comment}"),
        None => signed,
    };
    let covers = format!("What the interval covers: {}", review.covers);
    let reason = reason_words(review).map(|words| format!("Correction {}. {words}", review.number.saturating_sub(1)));
    let agreement = review.second_reading.as_ref().map(agreement_words);
    [commented, covers].into_iter().chain(reason).chain(agreement).collect()
}
