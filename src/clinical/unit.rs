//! Units as laboratories write them, mapped to UCUM by table.
//!
//! In: the unit as written and the analyte it belongs to. Out: the UCUM code and the factor to the analyte's canonical
//! unit. `K/uL`, `10^9/L`, `µmol/l`, `mg/dl`, `sec`, `ng/mL FEU` are read. Letter case and spaces do not matter, because no
//! analyte has two accepted units that differ only by case.
//!
//! Limits: a unit that is not in the table is refused. A D-dimer unit must say FEU or DDU.

use serde::{Deserialize, Serialize};

use super::analyte::Analyte;
use super::error::{PanelProblem, found_text};

/// A unit that configuration adds to an analyte.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtraUnit {
    /// The analyte.
    pub analyte: Analyte,
    /// The unit as it is written.
    pub unit: String,
    /// Value in the canonical unit = value × this.
    pub to_canonical: f64,
    /// Where the factor is from.
    pub source: String,
}

/// A unit that was understood.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownUnit {
    /// UCUM code, or the unit as configured.
    pub ucum: String,
    /// Canonical value = value × this.
    pub to_canonical: f64,
}

impl KnownUnit {
    /// A value of this unit in the canonical unit.
    pub fn canonical(&self, value: f64) -> f64 {
        if self.to_canonical == 1.0 { value } else { settled(value * self.to_canonical) }
    }

    /// A canonical value in this unit.
    pub fn in_unit(&self, value: f64) -> f64 {
        if self.to_canonical == 1.0 { value } else { settled(value * (1.0 / self.to_canonical)) }
    }
}

/// Which D-dimer unit is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display)]
#[strum(serialize_all = "lowercase")]
pub enum DDimerKind {
    /// Fibrinogen equivalent units.
    Feu,
    /// D-dimer units.
    Ddu,
}

impl DDimerKind {
    /// What LOINC's two codes for D-dimer say of the unit.
    pub fn of_loinc(code: &str) -> Option<Self> {
        match code {
            "48065-7" => Some(Self::Feu),
            "48066-5" => Some(Self::Ddu),
            _ => None,
        }
    }
}

/// UCUM codes and what is written for each, as [`squashed`] leaves it.
const ALIASES: &[(&str, &[&str])] = &[
    ("10*3/uL", &["k/ul", "k/mm3", "10*3/mm3", "10e3/ul", "1000/ul", "thou/ul", "th/ul"]),
    ("10*9/L", &["10e9/l", "giga/l", "gpt/l", "/nl"]),
    ("/uL", &["/mm3"]),
    ("10*6/uL", &["m/ul", "m/mm3", "mil/ul", "10*6/mm3", "10e6/ul"]),
    ("10*12/L", &["10e12/l", "tera/l", "tpt/l", "/pl"]),
    ("g/dL", &["gm/dl", "g/100ml"]),
    ("mg/dL", &["mg/100ml"]),
    ("umol/L", &["mcmol/l"]),
    ("U/L", &["iu/l", "[iu]/l"]),
    ("s", &["sec", "secs", "second", "seconds"]),
    ("{INR}", &["inr", "ratio", "1"]),
    ("%", &["percent"]),
    ("fL", &["um3"]),
    ("/100{WBCs}", &["/100wbc", "/100wbcs", "/100{wbc}"]),
    ("mL/min/{1.73_m2}", &["ml/min/1.73m2", "ml/min/1.73m*2", "ml/min/1.73_m2", "ml/min/{1.73m2}"]),
    ("mg/g{creat}", &["mg/g", "mg/gcreat", "mg/gcreatinine"]),
    ("mg/mg{creat}", &["mg/mg", "mg/mgcreat"]),
    ("g/g{creat}", &["g/g", "g/gcreat"]),
    ("mg/mmol{creat}", &["mg/mmol", "mg/mmolcreat"]),
    ("[IU]/dL", &["iu/dl"]),
    ("[IU]/mL", &["iu/ml"]),
    ("[beth'U]", &["bu", "bu/ml", "[beth'u]/ml", "bethesdaunits"]),
    ("[arb'U]/mL", &["au/ml"]),
];

/// Aliases that hold for one analyte only.
const OWN_ALIASES: &[(Analyte, &str, &str)] = &[
    (Analyte::Platelets, "g/l", "10*9/L"),
    (Analyte::PlateletsBaseline, "g/l", "10*9/L"),
    (Analyte::ReticulocytesAbsolute, "g/l", "10*9/L"),
    (Analyte::RedCells, "t/l", "10*12/L"),
    (Analyte::Adamts13Antibody, "u/ml", "[arb'U]/mL"),
];

/// Lower case, without spaces, with one spelling of micro, times and power.
fn squashed(unit: &str) -> String {
    let powers = [("10¹²", "10*12"), ("10⁹", "10*9"), ("10⁶", "10*6"), ("10³", "10*3")];
    let text: String = replaced(unit, &powers).chars().filter(|c| !c.is_whitespace()).collect();
    let signs = [("µ", "u"), ("μ", "u"), ("^", "*"), ("×", "x"), ("³", "3"), ("²", "2")];
    let text = replaced(&text.to_lowercase(), &signs);
    let text = text.strip_prefix("x10").map_or(text.clone(), |rest| format!("10{rest}"));
    // "mcg" and "mcl" are written for µg and µL where the letter is feared to be misread.
    replaced(&text, &[("mcg", "ug"), ("mcl", "ul"), ("mckat", "ukat")])
}

fn replaced(text: &str, pairs: &[(&str, &str)]) -> String {
    pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// `(mass per volume, kind)` of a squashed D-dimer unit, wherever the kind is written.
fn d_dimer_parts(squashed: &str) -> (String, Option<DDimerKind>) {
    for kind in [DDimerKind::Feu, DDimerKind::Ddu] {
        for written in [format!("{{{kind}}}"), format!("({kind})"), kind.to_string()] {
            if squashed.contains(&written) {
                return (squashed.replacen(&written, "", 1), Some(kind));
            }
        }
    }
    (squashed.to_owned(), None)
}

/// The unit of an analyte as written.
///
/// `stated` is what the code of the observation says of a D-dimer unit; it must not contradict the unit itself.
///
/// # Errors
/// [`PanelProblem::UnknownUnit`] or [`PanelProblem::DDimerKind`].
pub fn resolve(
    analyte: Analyte,
    written: &str,
    stated: Option<DDimerKind>,
    extra: &[ExtraUnit],
) -> Result<KnownUnit, PanelProblem> {
    let text = squashed(written);
    let added = extra.iter().find(|unit| unit.analyte == analyte && squashed(&unit.unit) == text);
    if let Some(unit) = added {
        return Ok(KnownUnit { ucum: unit.unit.clone(), to_canonical: unit.to_canonical });
    }
    let wanted = if analyte == Analyte::DDimer {
        let (mass, own) = d_dimer_parts(&text);
        let kind = own.or(stated).filter(|kind| stated.is_none_or(|stated| stated == *kind));
        let unclear = || PanelProblem::DDimerKind { found: found_text(written), accepted: accepted_units(analyte) };
        let word = kind.ok_or_else(unclear)?;
        mass.replacen("g/", &format!("g{{{word}}}/"), 1)
    } else {
        let own = OWN_ALIASES.iter().find(|(of, alias, _)| *of == analyte && *alias == text).map(|(_, _, ucum)| *ucum);
        let general = || ALIASES.iter().find(|(_, aliases)| aliases.contains(&text.as_str())).map(|(ucum, _)| *ucum);
        own.or_else(general).map_or(text, squashed)
    };
    let known = analyte.units().iter().find(|(ucum, _)| squashed(ucum) == wanted);
    let (ucum, to_canonical) = known.ok_or_else(|| PanelProblem::UnknownUnit {
        analyte,
        found: found_text(written),
        accepted: accepted_units(analyte),
    })?;
    Ok(KnownUnit { ucum: (*ucum).to_owned(), to_canonical: *to_canonical })
}

/// The accepted units of an analyte as one text.
pub fn accepted_units(analyte: Analyte) -> String {
    analyte.units().iter().map(|(ucum, _)| *ucum).collect::<Vec<_>>().join(", ")
}

/// Parts of UCUM codes and how they are printed for people.
const PRINTED: &[(&str, &str)] = &[
    ("[IU]", "IU"),
    ("{creat}", " creatinine"),
    ("10*12", "× 10¹²"),
    ("10*9", "× 10⁹"),
    ("10*6", "× 10⁶"),
    ("10*3", "× 10³"),
    ("uL", "µL"),
    ("umol", "µmol"),
    ("ukat", "µkat"),
    ("ug", "µg"),
];

/// A UCUM unit as it is printed for people: `10*9/L` as `× 10⁹/L`, `ng{FEU}/mL` as `ng/mL FEU`, `{INR}` as nothing.
pub fn printed_unit(ucum: &str) -> String {
    let whole = match ucum {
        "{INR}" => "",
        "[beth'U]" => "BU",
        "[arb'U]/mL" => "U/mL",
        "/100{WBCs}" => "/100 white cells",
        "mL/min/{1.73_m2}" => "mL/min/1.73 m²",
        _ => {
            let kind = ["FEU", "DDU"].into_iter().find(|kind| ucum.contains(&format!("{{{kind}}}")));
            let text = kind.map_or(ucum.to_owned(), |kind| ucum.replace(&format!("{{{kind}}}"), "") + " " + kind);
            return replaced(&text, PRINTED);
        }
    };
    whole.to_owned()
}

/// A number with its unit for people.
pub fn with_unit(value: f64, ucum: &str) -> String {
    format!("{value} {}", printed_unit(ucum)).trim_end().to_owned()
}

/// Significant digits that a computed value keeps.
const SETTLED_DIGITS: usize = 12;

/// A computed value without the last bits of its arithmetic.
///
/// METHOD: rounded to twelve significant digits, so that 198.9 µmol/L and 2.25 mg/dL of creatinine are the same number
/// and fall on the same side of a cut-off, and 13.9 s + 3 s is 16.9 s.
pub fn settled(value: f64) -> f64 {
    format!("{value:.*e}", SETTLED_DIGITS - 1).parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ucum(analyte: Analyte, written: &str, stated: Option<DDimerKind>) -> Option<String> {
        resolve(analyte, written, stated, &[]).ok().map(|unit| unit.ucum)
    }

    #[test]
    fn written_units_become_ucum() {
        for (analyte, written, expected) in [
            (Analyte::Platelets, "K/uL", "10*3/uL"),
            (Analyte::Platelets, "10^9/L", "10*9/L"),
            (Analyte::Platelets, "x10⁹/L", "10*9/L"),
            (Analyte::Platelets, "G/l", "10*9/L"),
            (Analyte::Platelets, "x10E3/mcL", "10*3/uL"),
            (Analyte::Hemoglobin, "g/l", "g/L"),
            (Analyte::Hemoglobin, "gm/dl", "g/dL"),
            (Analyte::Creatinine, "µmol/l", "umol/L"),
            (Analyte::Creatinine, "μmol/L", "umol/L"),
            (Analyte::ProthrombinTime, "sec", "s"),
            (Analyte::Inr, "INR", "{INR}"),
            (Analyte::DDimer, "ng/mL FEU", "ng{FEU}/mL"),
            (Analyte::DDimer, "mg/L{FEU}", "mg{FEU}/L"),
            (Analyte::DDimer, "µg/mL (DDU)", "ug{DDU}/mL"),
            (Analyte::DDimer, "ug/L{DDU}", "ug{DDU}/L"),
            (Analyte::Adamts13Activity, "IU/dL", "[IU]/dL"),
            (Analyte::Adamts13Inhibitor, "BU", "[beth'U]"),
            (Analyte::Adamts13Antibody, "U/mL", "[arb'U]/mL"),
            (Analyte::UrineProteinCreatinine, "mg/mmol", "mg/mmol{creat}"),
            (Analyte::Egfr, "mL/min/1.73 m²", "mL/min/{1.73_m2}"),
        ] {
            assert_eq!(ucum(analyte, written, None).as_deref(), Some(expected), "{analyte} {written}");
        }
        for (analyte, refused) in [
            (Analyte::Hemoglobin, "mmol/L"),
            (Analyte::Hemoglobin, "G/dL2"),
            (Analyte::UreaNitrogen, "mmol/L"),
            (Analyte::Urea, "mg/dL"),
            (Analyte::Creatinine, "ng/mL"),
            (Analyte::Platelets, "10*12/L"),
            (Analyte::Adamts13Inhibitor, "[arb'U]/mL"),
            (Analyte::Dat, "%"),
        ] {
            let problem = resolve(analyte, refused, None, &[]).expect_err("not in the table");
            assert!(matches!(problem, PanelProblem::UnknownUnit { .. }), "{analyte} {refused}");
        }
    }

    #[test]
    fn a_d_dimer_unit_says_feu_or_ddu_itself_or_by_its_code() {
        for (written, stated, expected) in [
            ("ng/mL", None, None),
            ("ng/mL", Some(DDimerKind::Feu), Some("ng{FEU}/mL")),
            ("ng/mL", Some(DDimerKind::Ddu), Some("ng{DDU}/mL")),
            ("ng/mL DDU", Some(DDimerKind::Feu), None),
        ] {
            assert_eq!(ucum(Analyte::DDimer, written, stated).as_deref(), expected, "{written} {stated:?}");
        }
    }

    #[test]
    fn units_are_printed_for_people() {
        let printed =
            ["10*9/L", "10*3/uL", "umol/L", "ng{FEU}/mL", "mg{DDU}/L", "mg/g{creat}", "{INR}", "%", "[IU]/dL"];
        let expected = ["× 10⁹/L", "× 10³/µL", "µmol/L", "ng/mL FEU", "mg/L DDU", "mg/g creatinine", "", "%", "IU/dL"];
        assert_eq!(printed.map(printed_unit), expected);
    }

    #[test]
    fn configuration_adds_a_unit() {
        let extra = [ExtraUnit {
            analyte: Analyte::UreaNitrogen,
            unit: "mmol/L".to_owned(),
            to_canonical: 2.8,
            source: "laboratory".to_owned(),
        }];
        let unit = resolve(Analyte::UreaNitrogen, "mmol/l", None, &extra).expect("configured");
        assert_eq!((unit.ucum.as_str(), unit.to_canonical), ("mmol/L", 2.8));
        assert!(resolve(Analyte::Urea, "mg/dL", None, &extra).is_err());
    }

    #[test]
    fn the_same_amount_in_two_units_is_the_same_number() {
        let canonical = |analyte: Analyte, value: f64, written: &str| {
            resolve(analyte, written, None, &[]).expect("in the table").canonical(value)
        };
        for (analyte, one, two) in [
            (Analyte::Creatinine, (2.0, "mg/dL"), (176.8, "umol/L")),
            (Analyte::Creatinine, (2.25, "mg/dL"), (198.9, "umol/L")),
            (Analyte::BilirubinIndirect, (2.0, "mg/dL"), (34.2, "umol/L")),
            (Analyte::Fibrinogen, (1.0, "g/L"), (100.0, "mg/dL")),
            (Analyte::Hemoglobin, (8.1, "g/dL"), (81.0, "g/L")),
            (Analyte::Platelets, (30.0, "10*9/L"), (30_000.0, "/uL")),
            (Analyte::Haptoglobin, (30.0, "mg/dL"), (0.3, "g/L")),
            (Analyte::Ldh, (222.0, "U/L"), (3.7, "ukat/L")),
            (Analyte::DDimer, (500.0, "ng/mL FEU"), (0.25, "mg/L DDU")),
            (Analyte::UrineProteinCreatinine, (1000.0, "mg/g"), (1.0, "mg/mg")),
            (Analyte::Adamts13Activity, (8.0, "%"), (0.08, "IU/mL")),
        ] {
            assert_eq!(canonical(analyte, one.0, one.1), canonical(analyte, two.0, two.1), "{analyte}");
        }
    }

    proptest! {
        #[test]
        fn conversions_come_back(value in 1e-3..1e5_f64) {
            for analyte in Analyte::ALL {
                for (ucum, to_canonical) in analyte.units() {
                    // The code itself is always read, and as itself.
                    let unit = resolve(*analyte, ucum, None, &[]).expect("own unit");
                    prop_assert_eq!((unit.ucum.as_str(), unit.to_canonical), (*ucum, *to_canonical));
                    let back = unit.in_unit(unit.canonical(value));
                    prop_assert!((back - value).abs() <= 1e-10 * value, "{} {}", analyte, ucum);
                }
            }
        }

        #[test]
        fn any_text_is_a_unit_or_refused(written in "\\PC{0,20}") {
            for analyte in Analyte::ALL {
                let _ = resolve(*analyte, &written, None, &[]);
            }
        }
    }
}
