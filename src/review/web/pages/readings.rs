//! Words, letters and keys of what a cell is read as, and the buttons that read.
//!
//! METHOD: scripts find letters and words at the buttons, so that they stand in one place.

use maud::{Markup, html};

use crate::case::{ReadAs, Reading};
use crate::smear::{CellClass, SchistocyteForm};

/// The forms in the order of their keys 1 to 5.
const FORMS: [(SchistocyteForm, &str); 5] = [
    (SchistocyteForm::Triangle, "Triangle"),
    (SchistocyteForm::Helmet, "Helmet"),
    (SchistocyteForm::Crescent, "Crescent"),
    (SchistocyteForm::Keratocyte, "Keratocyte"),
    (SchistocyteForm::Microspherocyte, "Microspherocyte"),
];

/// The other classes with the key of each in their list.
const CLASSES: [(CellClass, &str); 12] = [
    (CellClass::Normal, "n"),
    (CellClass::Burr, "b"),
    (CellClass::Teardrop, "d"),
    (CellClass::Elliptocyte, "e"),
    (CellClass::Ovalocyte, "o"),
    (CellClass::Target, "t"),
    (CellClass::Stomatocyte, "m"),
    (CellClass::Spherocyte, "s"),
    (CellClass::Macrocyte, "a"),
    (CellClass::Microcyte, "i"),
    (CellClass::Hypochromia, "h"),
    (CellClass::Uncategorised, "u"),
];

/// A class in words.
pub(super) fn class_words(class: CellClass) -> &'static str {
    match class {
        CellClass::Normal => "Normal red cell",
        CellClass::Macrocyte => "Macrocyte",
        CellClass::Microcyte => "Microcyte",
        CellClass::Spherocyte => "Spherocyte",
        CellClass::Target => "Target cell",
        CellClass::Stomatocyte => "Stomatocyte",
        CellClass::Ovalocyte => "Ovalocyte",
        CellClass::Teardrop => "Teardrop cell",
        CellClass::Burr => "Burr cell",
        CellClass::Schistocyte => "Schistocyte",
        CellClass::Uncategorised => "Other red cell",
        CellClass::Hypochromia => "Hypochromic cell",
        CellClass::Elliptocyte => "Elliptocyte",
    }
}

/// A reading in words.
pub(super) fn words(reading: Option<Reading>) -> String {
    let Some(reading) = reading else { return "Unread".to_owned() };
    match (reading.read_as(), reading.form(), reading.class()) {
        (ReadAs::Schistocyte, Some(form), _) => format!("Schistocyte: {}", form.name()),
        (ReadAs::Schistocyte, None, _) => "Schistocyte".to_owned(),
        (ReadAs::Other, _, Some(class)) => class_words(class).to_owned(),
        (ReadAs::Other, _, None) => "Not a schistocyte".to_owned(),
        (ReadAs::Undecided, ..) => "Undecided".to_owned(),
        (ReadAs::NotAssessable, ..) => "Not assessable".to_owned(),
    }
}

/// The letter of a reading: the key that gives it. An unread cell has a middle dot.
pub(super) fn letter(reading: Option<Reading>) -> &'static str {
    let Some(reading) = reading else { return "·" };
    match (reading.read_as(), reading.class()) {
        (ReadAs::Schistocyte, _) => "S",
        (ReadAs::Other, None) => "N",
        (ReadAs::Other, Some(_)) => "O",
        (ReadAs::Undecided, _) => "U",
        (ReadAs::NotAssessable, _) => "X",
    }
}

fn button(reading: Reading, key: &str, face: &str) -> Markup {
    let upper = key.to_uppercase();
    html! {
        button type="button" data-read=(reading.read_as().name()) data-form=[reading.form().map(SchistocyteForm::name)]
            data-class=[reading.class().map(CellClass::name)] data-key=(key) data-letter=(letter(Some(reading)))
            data-words=(words(Some(reading))) { kbd aria-hidden="true" { (upper) } " " (face) }
    }
}

/// The buttons that read the current cell.
pub(super) fn buttons() -> Markup {
    let of = Reading::of;
    html! {
        div.decide role="group" aria-label="Read the cell as" {
            (button(of(ReadAs::Schistocyte), "s", "Schistocyte"))
            (button(of(ReadAs::Other), "n", "Not a schistocyte"))
            (button(of(ReadAs::Undecided), "u", "Undecided"))
            (button(of(ReadAs::NotAssessable), "x", "Not assessable"))
            button.other type="button" data-do="other" { kbd aria-hidden="true" { "O" } " Form or class …" }
        }
        div.forms role="group" aria-label="Schistocyte of a form" { (forms()) }
    }
}

fn forms() -> Markup {
    html! {
        @for (place, (form, face)) in FORMS.into_iter().enumerate() {
            (button(Reading::of_form(form), &(place + 1).to_string(), face))
        }
    }
}

/// The list of forms and classes, each with its key.
pub(super) fn naming_dialog() -> Markup {
    html! {
        dialog.naming id="naming" aria-labelledby="naming-title" {
            h2 id="naming-title" { "What is it?" }
            h3 { "A schistocyte of a form" }
            div.choices { (forms()) }
            h3 { "Another red cell" }
            div.choices {
                @for (class, key) in CLASSES { (button(Reading::of_class(class), key, class_words(class))) }
            }
            button.quiet type="button" data-close { kbd aria-hidden="true" { "Esc" } " Close" }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_form_and_class_can_be_named_by_a_key_of_its_own() {
        let forms: BTreeSet<usize> = FORMS.iter().map(|(form, _)| form.index()).collect();
        assert_eq!(forms.len(), SchistocyteForm::ALL.len());
        let classes: BTreeSet<usize> = CLASSES.iter().map(|(class, _)| class.index()).collect();
        let others = CellClass::ALL.into_iter().filter(|class| *class != CellClass::Schistocyte);
        assert_eq!(classes, others.map(CellClass::index).collect());
        let keys: BTreeSet<&str> = CLASSES.iter().map(|(_, key)| *key).collect();
        assert_eq!(keys.len(), CLASSES.len());
        assert!(keys.iter().all(|key| key.chars().all(|key| key.is_ascii_lowercase())), "digits are forms");
    }

    #[test]
    fn readings_differ_in_letter_and_words() {
        let readings = [
            None,
            Some(Reading::of(ReadAs::Schistocyte)),
            Some(Reading::of(ReadAs::Other)),
            Some(Reading::of_class(CellClass::Burr)),
            Some(Reading::of(ReadAs::Undecided)),
            Some(Reading::of(ReadAs::NotAssessable)),
        ];
        let letters: BTreeSet<&str> = readings.into_iter().map(letter).collect();
        assert_eq!(letters, BTreeSet::from(["N", "O", "S", "U", "X", "·"]));
        assert_eq!(words(readings[3]), "Burr cell");
        assert_eq!(words(Some(Reading::of_form(SchistocyteForm::Helmet))), "Schistocyte: helmet");
    }
}
