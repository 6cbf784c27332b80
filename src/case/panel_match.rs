//! Compares order, specimen and panel: whose panel it is, and of which time.
//!
//! In: an order, the specimen number, a [`LabPanel`]. Out: a [`PanelMatch`] for the report: what agrees, what could not be
//! compared, the time window; or the refusal where two of them contradict each other.
//!
//! Order: 1. identifiers: one of the panel's must be the order's; 2. names; 3. day of birth; 4. sex; 5. where the panel has an
//! age alone, that age against the order's day of birth; 6. specimen numbers.
//!
//! METHOD: a contradiction is refused, because values of another patient must never meet a smear. Another name with the same
//! identifier is refused as well. A wrong label is rarer than a married name, but its harm is greater than the work that a
//! refusal makes. A laboratory whose systems keep former names sets `clinical.panel.other_name`, and the report then says so.
//! Another specimen number is no contradiction and is printed: blood count, coagulation and chemistry have tubes of their own.
//!
//! Limits: what one side does not give cannot be compared and is printed as a gap.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::order::{AdministrativeSex, Order, OrderError, Patient};
use crate::clinical::{LabPanel, OtherName, PatientIdentifier, PersonName, Sex, WindowAround, WindowRecord};
use crate::time::{Date, Moment, Timestamp};

/// Most identifiers or names of a panel that a message names.
const MOST_NAMED: usize = 3;

/// Years by which a stated age may differ: it was asked before or after a birthday.
const AGE_TOLERANCE_YEARS: u32 = 1;

/// How a panel belongs to its order and specimen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PanelMatch {
    /// What order and panel both give and agree on.
    pub agreed: Vec<String>,
    /// What was not compared or is doubtful, one sentence each.
    pub gaps: Vec<String>,
    /// The time window.
    pub window: WindowRecord,
}

/// What was compared.
#[derive(Debug, Default)]
struct Compared {
    agreed: Vec<String>,
    gaps: Vec<String>,
    missing: Vec<String>,
}

impl Compared {
    /// Notes an item that one side or both lack; `None` where both have it.
    fn both<'a, A: ?Sized, B: ?Sized>(
        &mut self,
        item: &str,
        ordered: Option<&'a A>,
        found: Option<&'a B>,
    ) -> Option<(&'a A, &'a B)> {
        let lacking = match (ordered, found) {
            (Some(ordered), Some(found)) => return Some((ordered, found)),
            (None, Some(_)) => "the order gives none",
            (Some(_), None) => "the panel gives none",
            (None, None) => "neither gives one",
        };
        self.missing.push(format!("{item} ({lacking})"));
        None
    }
}

impl Order {
    /// Makes sure that a panel is not another patient's.
    ///
    /// # Errors
    /// [`OrderError::OtherPatient`].
    pub fn check_panel(&self, panel: &LabPanel) -> Result<(), OrderError> {
        self.compare(panel).map(|_| ())
    }

    fn compare(&self, panel: &LabPanel) -> Result<Compared, OrderError> {
        let nobody = Patient::default();
        let patient = self.patient.as_ref().unwrap_or(&nobody);
        let mut compared = Compared::default();
        let same_identifier = identifiers(patient, panel, &mut compared)?;
        names(patient, panel, same_identifier, &mut compared)?;
        let born = patient.birth_date.as_ref().map(|date| date.day().to_string());
        if let Some((ordered, found)) =
            compared.both("day of birth", born.as_deref(), panel.person.birth_date.as_deref())
        {
            if ordered != found {
                return Err(other_patient(&format!("a patient born {ordered}"), found.to_owned()));
            }
            compared.agreed.push("day of birth".to_owned());
        }
        let ordered_sex = match patient.sex {
            Some(AdministrativeSex::Female) => Some(Sex::Female),
            Some(AdministrativeSex::Male) => Some(Sex::Male),
            _ => None,
        };
        if let Some((ordered, found)) = compared.both("sex", ordered_sex.as_ref(), panel.context.sex.as_ref()) {
            if ordered != found {
                let ordered = format!("a patient who is {}", sex_word(*ordered));
                return Err(other_patient(&ordered, sex_word(*found).to_owned()));
            }
            compared.agreed.push("sex".to_owned());
        }
        self.age(patient, panel, &mut compared)?;
        Ok(compared)
    }

    /// The age that a panel states without a day of birth, against that of the order, at the time of the panel.
    fn age(&self, patient: &Patient, panel: &LabPanel, compared: &mut Compared) -> Result<(), OrderError> {
        let born = patient.birth_date.as_ref().map(Date::moment);
        let at = panel.newest().or_else(|| Some(self.taken_at()?.0));
        let stated = panel.context.age_years.filter(|_| panel.person.birth_date.is_none());
        let (Some(found), Some(born), Some(at)) = (stated, born, at) else { return Ok(()) };
        match at.completed_years_since(&born) {
            Some(ordered) if ordered.abs_diff(found) <= AGE_TOLERANCE_YEARS => {
                compared.agreed.push("age".to_owned());
                Ok(())
            }
            ordered => {
                let age = ordered.map_or_else(|| "not yet born".to_owned(), |years| format!("{years} years"));
                Err(OrderError::OtherPatient {
                    ordered: format!("a panel of {age} on {}, by the day of birth of the order", at.day()),
                    found: format!("{found} years"),
                    otherwise: "",
                })
            }
        }
    }

    /// When the blood was taken, or else received.
    fn taken_at(&self) -> Option<(Moment, WindowAround)> {
        let moment = |time: &Option<Timestamp>| time.as_ref().map(Timestamp::moment);
        let collected = moment(&self.collected_at).map(|at| (at, WindowAround::Collected));
        collected.or_else(|| Some((moment(&self.received_at)?, WindowAround::Received)))
    }
}

/// The panel as it belongs to a specimen, and how it does. A contradiction stands among the gaps: whoever reads order and
/// panel refuses it before with [`Order::check_panel`].
pub(super) fn matched(order: Option<&Order>, accession: Option<&str>, panel: &LabPanel) -> (LabPanel, PanelMatch) {
    let (panel_in_time, window) = panel.around(order.and_then(Order::taken_at));
    let mut compared = match order.map(|order| order.compare(panel)) {
        Some(Ok(compared)) => compared,
        Some(Err(contradiction)) => Compared { gaps: vec![format!("{contradiction}.")], ..Compared::default() },
        None => Compared {
            gaps: vec!["There is no order: whose panel it is was not compared with anything.".to_owned()],
            ..Compared::default()
        },
    };
    if !compared.missing.is_empty() {
        compared.gaps.push(format!("Not compared between order and panel: {}.", compared.missing.join(", ")));
    }
    specimens(accession, panel, &mut compared);
    if window.outside > 0 && panel_in_time.is_empty_of_results() {
        compared.gaps.push("No result of the panel lies in the time window: none is weighed.".to_owned());
    }
    (panel_in_time, PanelMatch { agreed: compared.agreed, gaps: compared.gaps, window })
}

/// Whether an identifier of the panel is the order's.
fn identifiers(patient: &Patient, panel: &LabPanel, compared: &mut Compared) -> Result<bool, OrderError> {
    let ordered = patient.id.as_deref().and_then(|id| PatientIdentifier::new(id, patient.id_authority.as_deref()));
    let found = Some(&panel.patient[..]).filter(|found| !found.is_empty());
    let Some((ordered, found)) = compared.both("identifier", ordered.as_ref(), found) else { return Ok(false) };
    if !found.iter().any(|one| one.is_same(ordered)) {
        return Err(other_patient(&format!("patient `{ordered}`"), format!("that of `{}`", first_few(found))));
    }
    compared.agreed.push("identifier".to_owned());
    Ok(true)
}

fn names(
    patient: &Patient,
    panel: &LabPanel,
    same_identifier: bool,
    compared: &mut Compared,
) -> Result<(), OrderError> {
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    let ordered = PersonName::new(&part(&patient.family_name), &part(&patient.given_name));
    let found = Some(&panel.person.names[..]).filter(|found| !found.is_empty());
    let Some((ordered, found)) = compared.both("name", ordered.as_ref(), found) else { return Ok(()) };
    if found.iter().any(|name| name.is_same(ordered)) {
        compared.agreed.push("name".to_owned());
        return Ok(());
    }
    let (ordered, found) = (ordered.to_string(), first_few(found));
    if same_identifier && panel.other_name == OtherName::ReportWithSameIdentifier {
        compared.gaps.push(format!(
            "The order names `{ordered}`, the panel `{found}`, with the same identifier: make sure that it is one person."
        ));
        return Ok(());
    }
    Err(OrderError::OtherPatient {
        ordered: format!("the panel of `{ordered}`, as the order says"),
        found: format!("`{found}`"),
        otherwise: ", or for a former name set clinical.panel.other_name",
    })
}

/// Notes whether the panel is of the same specimen number.
fn specimens(accession: Option<&str>, panel: &LabPanel, compared: &mut Compared) {
    let numbers = &panel.person.specimens;
    match accession {
        Some(accession) if numbers.iter().any(|number| number == accession) => {
            compared.agreed.push("specimen number".to_owned());
        }
        Some(accession) if !numbers.is_empty() => compared.gaps.push(format!(
            "The panel is of other specimens ({}) than {accession}: tubes of one patient have numbers of their own.",
            first_few(numbers)
        )),
        _ => {}
    }
}

/// The refusal of a panel of another patient than the one in these words.
fn other_patient(ordered: &str, found: String) -> OrderError {
    OrderError::OtherPatient { ordered: format!("the panel of {ordered}, as the order says"), found, otherwise: "" }
}

fn first_few<T: ToString>(items: &[T]) -> String {
    items.iter().take(MOST_NAMED).map(ToString::to_string).collect::<Vec<_>>().join("`, `")
}

fn sex_word(sex: Sex) -> &'static str {
    match sex {
        Sex::Female => "female",
        Sex::Male => "male",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clinical::{Analyte, PanelOptions, read_panel};

    fn order(patient: &str, rest: &str) -> Order {
        Order::from_json(format!(r#"{{"patient": {{{patient}}}{rest}}}"#).as_bytes()).expect("an order")
    }

    const JANE: &str = r#""id": "MRN123", "id_authority": "HOSP", "family_name": "Doe", "given_name": "Jane",
        "birth_date": "1960-01-31", "sex": "female""#;

    /// A message of a patient with platelets of two times.
    fn message(pid: &str, at: &str) -> LabPanel {
        read(pid, at, &PanelOptions::default())
    }

    fn read(pid: &str, at: &str, options: &PanelOptions) -> LabPanel {
        let text = format!(
            "MSH|^~\\&|LIS|HOSP|X|Y|20250102||ORU^R01|1|P|2.5.1\rPID|1||{pid}\rOBR|1||||||{at}\r\
             OBX|1|NM|777-3^Platelets^LN||38|10*3/uL|||||F\rSPM|1|P7^S-8||BLD"
        );
        read_panel(text.as_bytes(), "test", options).expect("a panel")
    }

    const SAME: &str = "MRN123^^^HOSP^MR||DOE^JANE^MARY||19600131|F";

    #[test]
    fn the_panel_of_the_same_patient_is_taken_and_says_what_agrees() {
        let panel = message(SAME, "20250102083000");
        let order = order(JANE, r#", "collected_at": "2025-01-02T09:00:00+01:00""#);
        order.check_panel(&panel).expect("one patient");
        let (panel, matched) = matched(Some(&order), Some("S-8"), &panel);
        assert_eq!(matched.agreed, ["identifier", "name", "day of birth", "sex", "specimen number"]);
        assert_eq!((matched.gaps.len(), matched.window.around), (0, Some(WindowAround::Collected)));
        assert!(panel.current(Analyte::Platelets).is_some());
    }

    #[test]
    fn a_contradiction_is_refused_and_names_both_sides() {
        let order = order(JANE, "");
        for (pid, said) in [
            ("MRN123^^^HOSP^MR||SMITH^JOHN||19600131|F", "`Doe, Jane`, as the order says, found `SMITH, JOHN`"),
            ("MRN123^^^HOSP^MR||DOE^JANE||19990131|F", "1960-01-31, as the order says, found 1999-01-31"),
            ("MRN123^^^HOSP^MR||DOE^JANE||19600131|M", "female, as the order says, found male"),
            ("||DOE^JANE||19600131|M", "female, as the order says, found male"),
            (
                "MRN999^^^HOSP^MR||DOE^JANE||19600131|F",
                "`MRN123 (HOSP)`, as the order says, found that of `MRN999 (HOSP)`",
            ),
        ] {
            let error = order.check_panel(&message(pid, "202501020830")).expect_err(pid).to_string();
            assert!(error.starts_with("expected ") && error.contains(said), "{error}");
        }
    }

    #[test]
    fn an_identifier_agrees_by_its_value_and_by_its_authority_where_both_name_one() {
        let panel = |identifiers: &str| message(&format!("{identifiers}||||"), "");
        let known = order(r#""id": "MRN123", "id_authority": "HOSP""#, "");
        let unnamed = order(r#""id": "MRN123""#, "");
        for (order, identifiers, agrees) in [
            (&known, "MRN123^^^HOSP", true),
            (&known, "MRN123", true),
            (&known, "123456789^^^NATIONAL~MRN123^^^HOSP", true),
            (&known, "MRN124", false),
            (&known, "MRN123^^^CLINIC", false),
            (&unnamed, "MRN123^^^CLINIC", true),
            (&unnamed, "MRN124^^^CLINIC", false),
            // Without an identifier on both sides nothing is refused.
            (&known, "", true),
            (&order(r#""id_authority": "HOSP""#, ""), "MRN999^^^HOSP", true),
            (&Order::default(), "MRN999^^^HOSP", true),
        ] {
            assert_eq!(order.check_panel(&panel(identifiers)).is_ok(), agrees, "{identifiers}");
        }
        let other = known.check_panel(&panel("MRN999^^^HOSP~5")).expect_err("another patient");
        assert_eq!(
            other.to_string(),
            "expected the panel of patient `MRN123 (HOSP)`, as the order says, found that of `MRN999 (HOSP)`, `5`; give \
             the panel and the order of one patient"
        );
    }

    #[test]
    fn a_former_name_is_reported_where_the_laboratory_says_so_and_the_identifier_is_the_same() {
        let options = PanelOptions { other_name: OtherName::ReportWithSameIdentifier, ..PanelOptions::default() };
        let order = order(JANE, "");
        let married = read("MRN123^^^HOSP^MR||SMITH^JANE||19600131|F", "20250102", &options);
        order.check_panel(&married).expect("reported");
        let (_, matched) = matched(Some(&order), None, &married);
        assert!(
            matched.gaps[0].starts_with("The order names `Doe, Jane`, the panel `SMITH, JANE`"),
            "{:?}",
            matched.gaps
        );
        let unidentified = read("||SMITH^JANE||19600131|F", "20250102", &options);
        assert!(matches!(order.check_panel(&unidentified), Err(OrderError::OtherPatient { .. })));
    }

    #[test]
    fn what_one_side_lacks_is_a_gap() {
        let panel = message("||||", "");
        let gaps = |order: Option<&Order>| matched(order, None, &panel).1.gaps;
        assert_eq!(gaps(None), ["There is no order: whose panel it is was not compared with anything."]);
        assert_eq!(
            gaps(Some(&order(JANE, ""))),
            [
                "Not compared between order and panel: identifier (the panel gives none), name (the panel gives none), day of \
              birth (the panel gives none), sex (the panel gives none)."
            ]
        );
        let nobody = Order::default();
        assert!(gaps(Some(&nobody))[0].contains("identifier (neither gives one)"));
        nobody.check_panel(&message(SAME, "20250102")).expect("nothing is known");
        let other_tube = matched(Some(&nobody), Some("S-7"), &message(SAME, "20250102")).1.gaps;
        assert!(other_tube.iter().any(|gap| gap.starts_with("The panel is of other specimens (P7`, `S-8) than S-7")));
    }

    #[test]
    fn the_age_of_a_panel_is_compared_with_the_day_of_birth() {
        let of = |age: u32| {
            let text = format!(r#"{{"context": {{"age_years": {age}, "sex": "female"}}}}"#);
            read_panel(text.as_bytes(), "test", &PanelOptions::default()).expect("a panel")
        };
        let order = order(JANE, r#", "collected_at": "2025-01-02T09:00:00+01:00""#);
        for age in [63, 64, 65] {
            order.check_panel(&of(age)).expect("a birthday apart");
        }
        for age in [25, 62, 66] {
            let error = order.check_panel(&of(age)).expect_err("another person").to_string();
            assert!(error.contains("64 years on 2025-01-02") && error.contains(&format!("found {age}")), "{error}");
        }
    }

    #[test]
    fn a_panel_two_months_from_the_film_is_left_aside_and_said() {
        let order = order(JANE, r#", "received_at": "2025-01-02T09:00:00+01:00""#);
        let (panel, matched) = matched(Some(&order), None, &message(SAME, "202503050755"));
        assert!(panel.results().next().is_none() && panel.ignored.len() == 1);
        assert_eq!((matched.window.outside, matched.window.around), (1, Some(WindowAround::Received)));
        let window = matched.window.sentence();
        assert!(
            window.starts_with("Results were taken from 72 h before to 72 h after the receipt of the specimen"),
            "{window}"
        );
        assert_eq!(matched.gaps, ["No result of the panel lies in the time window: none is weighed."]);
    }
}
