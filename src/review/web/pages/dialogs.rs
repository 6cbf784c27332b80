//! What opens over the cells: the enlarged cell, the field, the list of names, the keys.

use maud::{Markup, html};

use super::readings::{buttons, naming_dialog};

/// Keys and what they do, as the overlay lists them.
const KEYS: [(&str, &str); 14] = [
    ("→ or j", "Next cell"),
    ("← or k", "Previous cell"),
    ("↑ ↓", "Cell above or below"),
    ("s", "Schistocyte"),
    ("1 2 3 4 5", "Schistocyte: triangle, helmet, crescent, keratocyte, microspherocyte"),
    ("n", "Not a schistocyte"),
    ("o", "Other class or form: opens the list of names"),
    ("u", "Undecided"),
    ("x", "Not assessable: the cell leaves the count"),
    ("z", "Enlarge the cell with its surroundings"),
    ("f", "Show the cell in its field"),
    ("Backspace or Ctrl+Z", "Undo the last reading"),
    ("r", "Try again what was not saved"),
    ("?", "This list"),
];

/// Keys of the field.
const FIELD_KEYS: [(&str, &str); 6] = [
    ("Tab or j, k", "Next or previous object"),
    ("+ − 0", "Nearer, farther, whole field"),
    ("Arrows", "Move the field, or the cross while a cell is added"),
    ("a", "Add a missed cell: the cross marks its middle"),
    ("[ ]", "Previous or next field"),
    ("Esc", "Back to the cells"),
];

/// The dialogs of a reading; a blind reader's field adds nothing.
pub(super) fn dialogs(adds: bool) -> Markup {
    html! {
        (naming_dialog())
        (zoom())
        (field(adds))
        (help())
    }
}

fn zoom() -> Markup {
    html! {
        dialog.zoom id="zoom" aria-labelledby="zoom-title" {
            h2 id="zoom-title" { "Cell" }
            svg.picture role="img" aria-labelledby="zoom-title" viewBox="0 0 1 1" {}
            button.quiet type="button" data-close { kbd aria-hidden="true" { "Esc" } " Close" }
        }
    }
}

fn field(adds: bool) -> Markup {
    html! {
        dialog.field id="field" aria-labelledby="field-title" data-adds[adds] {
            header {
                h2 id="field-title" { "Field" }
                p.verdict {}
                button type="button" data-do="previous-field" aria-label="Previous field" { kbd aria-hidden="true" { "[" } }
                button type="button" data-do="next-field" aria-label="Next field" { kbd aria-hidden="true" { "]" } }
                button type="button" data-close { kbd aria-hidden="true" { "Esc" } " Close" }
            }
            div.stage {
                // The script draws the picture and one shape for each object.
                svg.canvas role="group" tabindex="-1" aria-label="Objects of the field" viewBox="0 0 1 1" {}
                div.scale role="group" aria-label="Size of the picture" {
                    button type="button" data-do="nearer" aria-label="Nearer" { "+" }
                    button type="button" data-do="farther" aria-label="Farther" { "−" }
                    button type="button" data-do="whole" aria-label="Whole field" { "□" }
                }
            }
            aside.side aria-label="The chosen object" {
                p.hint { "Choose an object: click it, or press Tab." }
                p.now { b.letter aria-hidden="true" {} " " span.words {} }
                p.called {}
                p.by {}
                p.said role="status" {}
                div.reads hidden { (buttons()) }
                form.why hidden {
                    p.asked {}
                    label { "Reason" textarea name="reason" required maxlength="1000" rows="2" {} }
                    button.main type="submit" { "Count the cell" }
                    button.quiet type="button" data-do="not-now" { "Do not count it" }
                }
                @if adds {
                    button type="button" data-do="add" aria-pressed="false" { kbd aria-hidden="true" { "A" } " Add a missed cell" }
                }
                (legend(adds))
            }
        }
    }
}

fn legend(adds: bool) -> Markup {
    let lines: &[(&str, &str)] = if adds {
        &[
            ("called", "called schistocyte"),
            ("near", "nearly called"),
            ("counted", "other counted cell"),
            ("excluded", "left out"),
            ("added", "added by a reader"),
        ]
    } else {
        &[("near", "cell to read"), ("counted", "other object")]
    };
    html! {
        ul.legend aria-label="Lines of the outlines" {
            @for (line, words) in lines {
                li {
                    svg.swatch aria-hidden="true" width="30" height="14" viewBox="0 0 30 14" {
                        path class={ "object " (line) } d="M2 7H28" {}
                    }
                    " " (words)
                }
            }
            li { b.letter aria-hidden="true" { "S" } " what a cell is read as" }
        }
    }
}

fn help() -> Markup {
    html! {
        dialog.help id="help" aria-labelledby="help-title" {
            // The focus begins at the head, so that a long list is not scrolled to its end.
            h2 id="help-title" tabindex="-1" autofocus { "Keys" }
            (keys(&KEYS))
            h3 { "In the field" }
            (keys(&FIELD_KEYS))
            button.quiet type="button" data-close { kbd aria-hidden="true" { "Esc" } " Close" }
        }
    }
}

fn keys(keys: &[(&str, &str)]) -> Markup {
    html! { dl.keys { @for (key, words) in keys { div { dt { kbd { (key) } } dd { (words) } } } } }
}
