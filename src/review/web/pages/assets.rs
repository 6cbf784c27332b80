//! Styles and scripts of the pages. They are part of the program: a page asks nobody else for anything.

/// Name below `/assets/`, media type and text of each.
pub const ASSETS: &[(&str, &str, &str)] = &[
    ("review.css", CSS, include_str!("../assets/review.css")),
    ("case.js", SCRIPT, include_str!("../assets/case.js")),
    ("cells.js", SCRIPT, include_str!("../assets/cells.js")),
    ("decisions.js", SCRIPT, include_str!("../assets/decisions.js")),
    ("field.js", SCRIPT, include_str!("../assets/field.js")),
    ("names.js", SCRIPT, include_str!("../assets/names.js")),
    ("picture.js", SCRIPT, include_str!("../assets/picture.js")),
    ("server.js", SCRIPT, include_str!("../assets/server.js")),
    ("view.js", SCRIPT, include_str!("../assets/view.js")),
];

/// Media type of a style sheet.
const CSS: &str = "text/css; charset=utf-8";
/// Media type of a script.
const SCRIPT: &str = "text/javascript; charset=utf-8";
