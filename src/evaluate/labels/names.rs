//! What a label name stands for.
//!
//! In: a name as people write it (`RBC`, `Schistocyte: helmet`, `burr cell`). Out: a [`Meaning`]. Case, spaces,
//! hyphens, underscores, a plural `s` and a final `cell` do not matter.

use crate::smear::{CellClass, LabeledCell, SchistocyteForm, TruthKind};

/// What may stand as a name, for messages.
pub(super) const KNOWN: &str = "a red cell class, RBC, WBC or platelet";

/// What a labelled object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// Red cell, white cell or platelet.
    pub kind: TruthKind,
    /// Class, where the name says it.
    pub class: Option<CellClass>,
    /// Schistocyte form, where the name says it.
    pub form: Option<SchistocyteForm>,
}

impl Meaning {
    /// A kind without a class.
    pub(super) const fn of_kind(kind: TruthKind) -> Self {
        Self { kind, class: None, form: None }
    }

    /// A red cell of a class.
    pub(super) const fn of_class(class: CellClass) -> Self {
        Self { kind: TruthKind::RedCell, class: Some(class), form: None }
    }

    /// Meaning of a name; `None` where it stands for no cell known here.
    ///
    /// `main: detail` is QuPath's derived class: the detail names a schistocyte form or is passed over.
    pub fn of_name(name: &str) -> Option<Self> {
        let (main, detail) = name.split_once(':').map_or((name, None), |(main, detail)| (main, Some(detail)));
        let meaning = match plain(main).as_str() {
            "rbc" | "red" | "redblood" | "erythrocyte" => Self::of_kind(TruthKind::RedCell),
            "wbc" | "white" | "whiteblood" | "leukocyte" | "leucocyte" => Self::of_kind(TruthKind::WhiteCell),
            "platelet" | "thrombocyte" | "plt" => Self::of_kind(TruthKind::Platelet),
            plain => Self::of_class(class(plain)?),
        };
        let form =
            detail.filter(|_| meaning.class == Some(CellClass::Schistocyte)).and_then(|detail| form(&plain(detail)));
        Some(Self { form, ..meaning })
    }

    /// An object of this meaning, without a position yet.
    pub(super) fn cell(self) -> LabeledCell {
        LabeledCell { kind: self.kind, class: self.class, form: self.form, point: None, bounds: None, contour: None }
    }
}

/// Lower case, letters only, without plural and without a final `cell`.
fn plain(name: &str) -> String {
    let letters: String = name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let single = letters.strip_suffix('s').unwrap_or(&letters);
    single.strip_suffix("cell").unwrap_or(single).to_owned()
}

/// Class of a plain name: its own, or one that haematologists use for it.
fn class(plain: &str) -> Option<CellClass> {
    match plain {
        "codocyte" => Some(CellClass::Target),
        "dacrocyte" | "dacryocyte" => Some(CellClass::Teardrop),
        "echinocyte" => Some(CellClass::Burr),
        "fragment" | "fragmentedred" | "fragmented" => Some(CellClass::Schistocyte),
        "hypochromic" => Some(CellClass::Hypochromia),
        "uncategorized" => Some(CellClass::Uncategorised),
        "discocyte" | "normocyte" => Some(CellClass::Normal),
        _ => CellClass::from_name(plain),
    }
}

/// Form of a plain name.
fn form(plain: &str) -> Option<SchistocyteForm> {
    Some(match plain {
        "triangle" | "triangular" => SchistocyteForm::Triangle,
        "crescent" => SchistocyteForm::Crescent,
        "helmet" => SchistocyteForm::Helmet,
        "keratocyte" => SchistocyteForm::Keratocyte,
        "microspherocyte" => SchistocyteForm::Microspherocyte,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_known_by_its_own_name() {
        for class in CellClass::ALL {
            assert_eq!(Meaning::of_name(class.name()), Some(Meaning::of_class(class)), "{}", class.name());
        }
    }

    #[test]
    fn names_of_public_sets() {
        let kind = |name| Meaning::of_name(name).map(|meaning| (meaning.kind, meaning.class));
        assert_eq!(kind("RBC"), Some((TruthKind::RedCell, None)));
        assert_eq!(kind("WBC"), Some((TruthKind::WhiteCell, None)));
        assert_eq!(kind("Platelets"), Some((TruthKind::Platelet, None)));
        assert_eq!(kind("red blood cells"), Some((TruthKind::RedCell, None)));
        assert_eq!(kind("Burr cell"), Some((TruthKind::RedCell, Some(CellClass::Burr))));
        assert_eq!(kind("tear_drop"), Some((TruthKind::RedCell, Some(CellClass::Teardrop))));
        assert_eq!(kind("tumor"), None);
    }

    #[test]
    fn a_derived_class_names_the_form() {
        let helmet = Meaning::of_name("Schistocyte: helmet").expect("a class");
        assert_eq!((helmet.class, helmet.form), (Some(CellClass::Schistocyte), Some(SchistocyteForm::Helmet)));
        assert_eq!(Meaning::of_name("Schistocyte: odd").expect("a class").form, None);
        assert_eq!(Meaning::of_name("Burr: helmet").expect("a class").form, None);
    }
}
