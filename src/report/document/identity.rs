//! Whose specimen it is, who asked, who reports and when: what a test report must state (42 CFR 493.1291(c)), as far as
//! it was given.
//!
//! In: the record. Out: names and values in the order of reading; what was not given has no line, except the accession.

use super::model::Pair;
use super::words::{age_words, time_words};
use crate::case::{AdministrativeSex, CaseRecord, IssueSource, Order, Patient};

/// Every line of a record.
pub(crate) fn identity(record: &CaseRecord) -> Vec<Pair> {
    let accession = record.accession.as_deref().unwrap_or("not given");
    let mut lines = vec![Pair::new("Accession", accession)];
    if let Some(order) = &record.order {
        lines.extend(order.patient.as_ref().and_then(patient));
        lines.extend(ordered(order));
    }
    lines.push(Pair::new("Age group", age_words(record.age_group)));
    let laboratory = record.laboratory.as_ref();
    lines.extend(
        laboratory
            .map(|laboratory| Pair::new("Laboratory", laboratory.name.as_str()).noted(laboratory.address.as_deref())),
    );
    let issued = record.issued_at.as_ref();
    lines.extend(
        issued.map(|issued| Pair::new("Issued", time_words(issued.at.as_str())).noted([source_words(issued.source)])),
    );
    let dated = record.newest_image_at.as_ref();
    lines.extend(dated.map(|at| Pair::new("Newest image file dated", time_words(at.as_str()))));
    lines
}

/// Identifier first; name, day of birth and sex in small print.
fn patient(patient: &Patient) -> Option<Pair> {
    let names: Vec<&str> =
        [&patient.family_name, &patient.given_name].into_iter().flatten().map(String::as_str).collect();
    let names = Some(names.join(", ")).filter(|names| !names.is_empty());
    let id = patient.id.as_ref().map(|id| match &patient.id_authority {
        Some(authority) => format!("{id} ({authority})"),
        None => id.clone(),
    });
    let born = patient.birth_date.as_ref().map(|date| format!("born {}", date.day()));
    let sex = patient.sex.map(|sex| sex_words(sex).to_owned());
    let mut parts = [id, names, born, sex].into_iter().flatten();
    let value = parts.next()?;
    let note = parts.collect::<Vec<_>>().join(", ");
    Some(Pair::new("Patient", value).noted(Some(note).filter(|note| !note.is_empty())))
}

fn ordered(order: &Order) -> Vec<Pair> {
    let numbers = [
        order.placer_order_number.as_ref().map(|number| format!("{number} (placer)")),
        order.filler_order_number.as_ref().map(|number| format!("{number} (filler)")),
    ];
    let numbers: Vec<String> = numbers.into_iter().flatten().collect();
    let of = |name: &str, value: Option<String>| value.map(|value| Pair::new(name, value));
    let time = |time: &Option<crate::case::Timestamp>| time.as_ref().map(|time| time_words(time.as_str()));
    let lines = [
        of("Order", Some(numbers.join(", ")).filter(|numbers| !numbers.is_empty())),
        of("Collected", time(&order.collected_at)),
        of("Received", time(&order.received_at)),
        of("Requester", order.requester.clone()),
    ];
    lines.into_iter().flatten().collect()
}

fn sex_words(sex: AdministrativeSex) -> &'static str {
    match sex {
        AdministrativeSex::Female => "female",
        AdministrativeSex::Male => "male",
        AdministrativeSex::Other => "other sex",
        AdministrativeSex::Unknown => "sex unknown",
    }
}

fn source_words(source: IssueSource) -> &'static str {
    match source {
        IssueSource::Given => "as given",
        IssueSource::Received => "when the specimen was received",
        IssueSource::Collected => "when the blood was taken",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patient_is_called_by_the_identifier_where_there_is_one() {
        let full = Patient {
            id: Some("7731".to_owned()),
            id_authority: Some("MRN".to_owned()),
            family_name: Some("Doe".to_owned()),
            sex: Some(AdministrativeSex::Female),
            ..Patient::default()
        };
        let line = patient(&full).expect("a line");
        assert_eq!(line, Pair::new("Patient", "7731 (MRN)").noted(["Doe, female"]));
        let named = Patient { given_name: Some("Ada".to_owned()), ..Patient::default() };
        assert_eq!(patient(&named), Some(Pair::new("Patient", "Ada")));
        assert_eq!(patient(&Patient::default()), None);
    }

    #[test]
    fn an_order_without_items_has_no_line() {
        assert_eq!(ordered(&Order::default()), Vec::new());
        let order = Order { placer_order_number: Some("P1".to_owned()), ..Order::default() };
        assert_eq!(ordered(&order), [Pair::new("Order", "P1 (placer)")]);
    }
}
