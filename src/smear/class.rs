//! The thirteen red cell classes of the shipped model, the schistocyte forms of ICSH, and the age groups whose reference
//! limits differ.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// Red cell classes in the order of the Chula RBC-12 labels (Naruenatthanaset et al., arXiv 2012.01321).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
    IntoStaticStr,
    VariantArray,
    EnumString,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[allow(missing_docs)] // each name is the field's own term
pub enum CellClass {
    Normal,
    Macrocyte,
    Microcyte,
    Spherocyte,
    Target,
    Stomatocyte,
    Ovalocyte,
    Teardrop,
    Burr,
    Schistocyte,
    Uncategorised,
    Hypochromia,
    Elliptocyte,
}

impl CellClass {
    /// Every class, in label order.
    pub const ALL: [Self; 13] = *Self::VARIANTS.first_chunk().expect("as many as there are");

    /// Name as it stands in files; also the serde name.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Position in label order, 0–12.
    pub fn index(self) -> usize {
        self as usize
    }

    /// The class of a name, if it is one.
    pub fn from_name(name: &str) -> Option<Self> {
        name.parse().ok()
    }

    /// Classes of size, which mean nothing where the size of a pixel is not known.
    ///
    /// METHOD: a spherocyte is told by its round outline and by the missing pallor of a dense cell. It often is small, but
    /// its size is not what names it, so that it is a shape here.
    pub fn is_size(self) -> bool {
        matches!(self, Self::Macrocyte | Self::Microcyte)
    }

    /// Shapes that stand against schistocytes in the test for mixed poikilocytosis.
    ///
    /// ICSH asks for a percentage only where schistocytes are the main change of shape. Size and stain classes
    /// (macrocyte, microcyte, hypochromia) are no change of shape, and `uncategorised` names none.
    pub fn is_other_abnormal_shape(self) -> bool {
        matches!(
            self,
            Self::Spherocyte
                | Self::Target
                | Self::Stomatocyte
                | Self::Ovalocyte
                | Self::Teardrop
                | Self::Burr
                | Self::Elliptocyte
        )
    }
}

/// Schistocyte forms of the ICSH recommendations (Zini et al. 2012, 2021).
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[allow(missing_docs)]
pub enum SchistocyteForm {
    Triangle,
    Crescent,
    Helmet,
    Keratocyte,
    Microspherocyte,
}

impl SchistocyteForm {
    /// Every form.
    pub const ALL: [Self; 5] = *Self::VARIANTS.first_chunk().expect("as many as there are");

    /// Name as it stands in files; also the serde name.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Position in [`SchistocyteForm::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }
}

/// Age group that selects the reference limit.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum AgeGroup {
    /// Adults and children beyond the newborn period.
    #[default]
    Adult,
    /// Newborns at term.
    TermNeonate,
    /// Newborns before term.
    PretermNeonate,
}

impl AgeGroup {
    /// Every group, in the order of the command line help.
    pub const ALL: [Self; 3] = *Self::VARIANTS.first_chunk().expect("as many as there are");

    /// Name as typed and written.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_indices_follow_the_label_files() {
        for (index, class) in CellClass::ALL.into_iter().enumerate() {
            assert_eq!(class.index(), index);
            assert_eq!(CellClass::from_name(class.name()), Some(class));
            assert_eq!(serde_json::to_value(class).expect("plain enum"), class.name());
        }
        assert_eq!(CellClass::Schistocyte.index(), 9);
        assert_eq!(CellClass::from_name("schizocyte"), None);
    }

    #[test]
    fn a_class_of_size_is_no_shape() {
        let sizes: Vec<_> = CellClass::ALL.into_iter().filter(|class| class.is_size()).collect();
        assert_eq!(sizes, [CellClass::Macrocyte, CellClass::Microcyte]);
        assert!(sizes.iter().all(|class| !class.is_other_abnormal_shape()));
    }

    #[test]
    fn form_names_are_the_serde_names() {
        for (index, form) in SchistocyteForm::ALL.into_iter().enumerate() {
            assert_eq!(form.index(), index);
            assert_eq!(serde_json::to_value(form).expect("plain enum"), form.name());
        }
    }
}
