//! Chula RBC-12 points: `x y class` in a line, class 0–12 in the order of [`CellClass::ALL`].
//!
//! Source: Naruenatthanaset et al., arXiv 2012.01321. A point lies anywhere inside its cell, and many cells carry none.

use std::path::Path;

use super::{LabelError, Meaning, malformed};
use crate::smear::{CellClass, LabeledCell};

/// Cells of a label file; blank lines are passed over.
pub(super) fn cells(path: &Path, text: &str) -> Result<Vec<LabeledCell>, LabelError> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            let fault =
                || malformed(path, format!("line {}", index + 1), "`x y class` with a class from 0 to 12", line);
            let words: Vec<_> = line.split_whitespace().collect();
            let [x, y, class] = words[..] else { return Err(fault()) };
            let number = |word: &str| word.parse::<f64>().map_err(|_| fault());
            let class = class.parse().ok().and_then(|index: usize| CellClass::ALL.get(index)).ok_or_else(fault)?;
            Ok(LabeledCell { point: Some([number(x)?, number(y)?]), ..Meaning::of_class(*class).cell() })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_points_with_their_class() {
        let cells = cells(Path::new("1.txt"), "456 310 9\n\n12 7 12\n").expect("sound text");
        assert_eq!(cells.len(), 2);
        assert_eq!((cells[0].point, cells[0].class), (Some([456.0, 310.0]), Some(CellClass::Schistocyte)));
        assert_eq!(cells[1].class, Some(CellClass::Elliptocyte));
    }

    #[test]
    fn faults_name_the_line() {
        for bad in ["1 2", "1 2 13", "1 2 -1", "a 2 3", "1 2 3 4"] {
            let error = cells(Path::new("1.txt"), &format!("4 5 0\n{bad}")).expect_err("a fault");
            assert_eq!(
                error.to_string(),
                format!("1.txt: line 2: expected `x y class` with a class from 0 to 12, found {bad}")
            );
        }
    }
}
