//! Stains and lamps: how much light each part of a smear takes away from each color channel.
//!
//! In: a named [`Stain`]. Out: the light of the empty background (linear, 0–1, RGB) and optical densities (base 10, per
//! channel, linear light). Method: Beer–Lambert absorption; the densities follow from two sRGB colors, the empty
//! background and a red cell where it is thickest, `density = log10(background / cell)` in linear light (IEC 61966-2-1).
//! Limits: three broad channels instead of a spectrum; the colors were chosen by eye after photographs of
//! May-Grünwald-Giemsa and Wright films, not measured on one camera.

/// A stain with its lamp and white balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stain {
    /// Rose cells on grey-white.
    GreyWhite,
    /// Brownish rose cells on a cream background, as scanners with a warm white balance give.
    Warm,
    /// Violet cells on a dim blue-grey background.
    Bluish,
    /// Faint cells on grey: little stain or a bright condenser.
    Pale,
    /// Dark purple cells on a peach background.
    Dark,
    /// Grey-violet cells on blue-green.
    Teal,
    /// Strong crimson cells on a light grey.
    Rose,
}

impl Stain {
    /// Every stain.
    pub const ALL: [Self; 7] =
        [Self::GreyWhite, Self::Warm, Self::Bluish, Self::Pale, Self::Dark, Self::Teal, Self::Rose];

    /// sRGB of the empty background and of a normal red cell where it is thickest.
    fn colors(self) -> ([u8; 3], [u8; 3]) {
        match self {
            Self::GreyWhite => ([182, 187, 184], [150, 116, 134]),
            Self::Warm => ([250, 228, 204], [187, 147, 160]),
            Self::Bluish => ([112, 133, 150], [103, 96, 126]),
            Self::Pale => ([150, 156, 152], [145, 130, 136]),
            Self::Dark => ([219, 188, 178], [136, 92, 120]),
            Self::Teal => ([152, 182, 171], [126, 122, 130]),
            Self::Rose => ([170, 182, 176], [146, 98, 122]),
        }
    }

    /// Light of the empty background, linear, 0–1.
    pub(super) fn background(self) -> [f64; 3] {
        self.colors().0.map(linear)
    }

    /// Optical density of a normal red cell where it is thickest.
    pub(super) fn hemoglobin(self) -> [f64; 3] {
        let (background, cell) = self.colors();
        std::array::from_fn(|c| (linear(background[c]) / linear(cell[c])).log10())
    }

    /// Optical density of a chromatin-rich nucleus: blue-violet, far darker than any red cell.
    pub(super) fn chromatin(self) -> [f64; 3] {
        [0.80, 1.05, 0.42].map(|density| density * self.basic_dye_strength())
    }

    /// Optical density of the granules and of platelets: violet.
    pub(super) fn granules(self) -> [f64; 3] {
        [0.34, 0.60, 0.20].map(|density| density * self.basic_dye_strength())
    }

    /// Optical density of a white cell's cytoplasm: faint.
    pub(super) fn cytoplasm(self) -> [f64; 3] {
        [0.10, 0.16, 0.05].map(|density| density * self.basic_dye_strength())
    }

    /// How strongly nuclei take the stain, 1 for the usual film.
    ///
    /// METHOD: nuclei vary less than red cells from film to film, hence the square root.
    fn basic_dye_strength(self) -> f64 {
        const USUAL_GREEN_DENSITY: f64 = 0.42;
        (self.hemoglobin()[1] / USUAL_GREEN_DENSITY).sqrt()
    }
}

/// Linear light of an sRGB value, 0–1.
pub(super) fn linear(srgb: u8) -> f64 {
    let value = f64::from(srgb) / 255.0;
    if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
}

/// sRGB value of a linear light; light above 1 clips as a full sensor does.
pub(super) fn srgb(light: f64) -> u8 {
    let light = light.clamp(0.0, 1.0);
    let value = if light <= 0.003_130_8 { light * 12.92 } else { 1.055 * light.powf(1.0 / 2.4) - 0.055 };
    (value * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn srgb_and_linear_light_undo_each_other() {
        for value in 0..=255u8 {
            assert_eq!(srgb(linear(value)), value);
        }
        assert_eq!(srgb(3.0), 255);
        assert_eq!(srgb(-1.0), 0);
    }

    #[test]
    fn green_is_taken_most_and_nuclei_are_darker_than_cells() {
        for stain in Stain::ALL {
            let cell = stain.hemoglobin();
            assert!(cell.iter().all(|d| *d > 0.0), "{stain:?} {cell:?}");
            assert!(cell[1] >= cell[0] && cell[1] >= cell[2], "{stain:?} {cell:?}");
            assert!(stain.chromatin()[1] > 1.3 * cell[1], "{stain:?}");
        }
    }
}
