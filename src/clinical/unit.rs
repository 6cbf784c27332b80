//! Units as laboratories write them, mapped to UCUM by table.
//!
//! In: the unit as written and the analyte it belongs to. Out: the UCUM code and the factor to the analyte's canonical
//! unit. `K/uL`, `10^9/L`, `µmol/l`, `mg/dl`, `sec`, `ng/mL FEU` are read; letter case and spaces do not matter, because
//! no analyte has two accepted units that differ only by case.
//!
//! Limits: a unit that is not in the table is refused. A D-dimer unit must say FEU or DDU.

use serde::{Deserialize, Serialize};

use super::analyte::Analyte;

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
pub struct ResolvedUnit {
    /// UCUM code, or the unit as configured.
    pub ucum: String,
    /// Canonical value = value × this.
    pub to_canonical: f64,
}

/// Why a unit is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitFault {
    /// Not in the table of the analyte.
    Unknown,
    /// A D-dimer unit without FEU or DDU.
    DDimerKind,
}

/// Which D-dimer unit the code of an observation states (LOINC 48065-7 and 48066-5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DDimerKind {
    /// Fibrinogen equivalent units.
    Feu,
    /// D-dimer units.
    Ddu,
}

/// Aliases, squashed, and the UCUM code that each means.
const ALIASES: &[(&str, &str)] = &[
    ("k/ul", "10*3/uL"),
    ("k/mm3", "10*3/uL"),
    ("10*3/mm3", "10*3/uL"),
    ("10e3/ul", "10*3/uL"),
    ("1000/ul", "10*3/uL"),
    ("thou/ul", "10*3/uL"),
    ("th/ul", "10*3/uL"),
    ("10e9/l", "10*9/L"),
    ("giga/l", "10*9/L"),
    ("gpt/l", "10*9/L"),
    ("/nl", "10*9/L"),
    ("/mm3", "/uL"),
    ("m/ul", "10*6/uL"),
    ("m/mm3", "10*6/uL"),
    ("mil/ul", "10*6/uL"),
    ("10*6/mm3", "10*6/uL"),
    ("10e6/ul", "10*6/uL"),
    ("10e12/l", "10*12/L"),
    ("tera/l", "10*12/L"),
    ("tpt/l", "10*12/L"),
    ("/pl", "10*12/L"),
    ("gm/dl", "g/dL"),
    ("g/100ml", "g/dL"),
    ("mg/100ml", "mg/dL"),
    ("mcmol/l", "umol/L"),
    ("iu/l", "U/L"),
    ("[iu]/l", "U/L"),
    ("sec", "s"),
    ("secs", "s"),
    ("second", "s"),
    ("seconds", "s"),
    ("inr", "{INR}"),
    ("ratio", "{INR}"),
    ("1", "{INR}"),
    ("percent", "%"),
    ("um3", "fL"),
    ("/100wbc", "/100{WBCs}"),
    ("/100wbcs", "/100{WBCs}"),
    ("/100{wbc}", "/100{WBCs}"),
    ("ml/min/1.73m2", "mL/min/{1.73_m2}"),
    ("ml/min/1.73m*2", "mL/min/{1.73_m2}"),
    ("ml/min/1.73_m2", "mL/min/{1.73_m2}"),
    ("ml/min/{1.73m2}", "mL/min/{1.73_m2}"),
    ("mg/g", "mg/g{creat}"),
    ("mg/gcreat", "mg/g{creat}"),
    ("mg/gcreatinine", "mg/g{creat}"),
    ("mg/mg", "mg/mg{creat}"),
    ("mg/mgcreat", "mg/mg{creat}"),
    ("g/g", "g/g{creat}"),
    ("g/gcreat", "g/g{creat}"),
    ("mg/mmol", "mg/mmol{creat}"),
    ("mg/mmolcreat", "mg/mmol{creat}"),
    ("iu/dl", "[IU]/dL"),
    ("iu/ml", "[IU]/mL"),
    ("bu", "[beth'U]"),
    ("bu/ml", "[beth'U]"),
    ("[beth'u]/ml", "[beth'U]"),
    ("bethesdaunits", "[beth'U]"),
    ("au/ml", "[arb'U]/mL"),
];

/// Aliases that hold for one analyte only.
const OWN_ALIASES: &[(Analyte, &str, &str)] = &[
    (Analyte::Platelets, "g/l", "10*9/L"),
    (Analyte::PlateletsBaseline, "g/l", "10*9/L"),
    (Analyte::ReticulocytesAbsolute, "g/l", "10*9/L"),
    (Analyte::RedCells, "t/l", "10*12/L"),
    (Analyte::Adamts13Antibody, "u/ml", "[arb'U]/mL"),
];

/// Lower case, without spaces; the several spellings of micro, times and power brought together.
fn squashed(unit: &str) -> String {
    let powers = [("10¹²", "10*12"), ("10⁹", "10*9"), ("10⁶", "10*6"), ("10³", "10*3")];
    let unit = powers.iter().fold(unit.to_owned(), |text, (from, to)| text.replace(from, to));
    let mut text: String = unit
        .chars()
        .filter(|c| !c.is_whitespace())
        .flat_map(char::to_lowercase)
        .map(|c| match c {
            'µ' | 'μ' => 'u',
            '^' => '*',
            '×' => 'x',
            '³' => '3',
            '²' => '2',
            other => other,
        })
        .collect();
    if let Some(rest) = text.strip_prefix("x10") {
        text = format!("10{rest}");
    }
    // "mcg" and "mcl" are written for µg and µL where the letter is feared to be misread.
    text.replace("mcg", "ug").replace("mcl", "ul").replace("mckat", "ukat")
}

/// `(mass per volume, kind)` of a squashed D-dimer unit, wherever the kind is written.
fn d_dimer_parts(squashed: &str) -> (String, Option<DDimerKind>) {
    for (word, kind) in [("feu", DDimerKind::Feu), ("ddu", DDimerKind::Ddu)] {
        for written in [format!("{{{word}}}"), format!("({word})"), word.to_owned()] {
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
/// A [`UnitFault`].
pub fn resolve(
    analyte: Analyte,
    written: &str,
    stated: Option<DDimerKind>,
    extra: &[ExtraUnit],
) -> Result<ResolvedUnit, UnitFault> {
    let text = squashed(written);
    let added = extra.iter().find(|unit| unit.analyte == analyte && squashed(&unit.unit) == text);
    if let Some(unit) = added {
        return Ok(ResolvedUnit { ucum: unit.unit.clone(), to_canonical: unit.to_canonical });
    }
    let wanted = if analyte == Analyte::DDimer {
        let (mass, kind) = d_dimer_parts(&text);
        let kind = match (kind, stated) {
            (None, None) => return Err(UnitFault::DDimerKind),
            (Some(own), Some(stated)) if own != stated => return Err(UnitFault::DDimerKind),
            (own, stated) => own.or(stated),
        };
        let word = if kind == Some(DDimerKind::Ddu) { "ddu" } else { "feu" };
        mass.replacen("g/", &format!("g{{{word}}}/"), 1)
    } else {
        let own = OWN_ALIASES.iter().find(|(of, alias, _)| *of == analyte && *alias == text);
        let alias = ALIASES.iter().find(|(alias, _)| *alias == text);
        own.map(|(_, _, ucum)| *ucum).or(alias.map(|(_, ucum)| *ucum)).map_or(text, squashed)
    };
    let known = analyte.facts().units.iter().find(|unit| squashed(unit.ucum) == wanted);
    known
        .map(|unit| ResolvedUnit { ucum: unit.ucum.to_owned(), to_canonical: unit.to_canonical })
        .ok_or(UnitFault::Unknown)
}

/// A UCUM unit as it is printed for people: `10*9/L` as `× 10⁹/L`, `ng{FEU}/mL` as `ng/mL FEU`, `{INR}` as nothing.
pub fn printed_unit(ucum: &str) -> String {
    let whole = match ucum {
        "{INR}" => "",
        "[beth'U]" => "BU",
        "[arb'U]/mL" => "U/mL",
        "/100{WBCs}" => "/100 white cells",
        "mL/min/{1.73_m2}" => "mL/min/1.73 m²",
        _ => {
            let mut text = ucum.replace("[IU]", "IU").replace("{creat}", " creatinine");
            for kind in ["FEU", "DDU"] {
                let annotation = format!("{{{kind}}}");
                if text.contains(&annotation) {
                    text = text.replace(&annotation, "") + " " + kind;
                }
            }
            for (power, shown) in [("10*12", "× 10¹²"), ("10*9", "× 10⁹"), ("10*6", "× 10⁶"), ("10*3", "× 10³")]
            {
                text = text.replace(power, shown);
            }
            for micro in ["uL", "umol", "ukat", "ug"] {
                text = text.replace(micro, &micro.replace('u', "µ"));
            }
            return text;
        }
    };
    whole.to_owned()
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

/// A value in the canonical unit.
pub fn to_canonical(value: f64, factor: f64) -> f64 {
    if factor == 1.0 { value } else { settled(value * factor) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ucum(analyte: Analyte, written: &str) -> Result<String, UnitFault> {
        resolve(analyte, written, None, &[]).map(|unit| unit.ucum)
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
            assert_eq!(ucum(analyte, written).as_deref(), Ok(expected), "{analyte} {written}");
        }
    }

    #[test]
    fn what_is_not_in_the_table_is_refused() {
        for (analyte, written) in [
            (Analyte::Hemoglobin, "mmol/L"),
            (Analyte::Hemoglobin, "G/dL2"),
            (Analyte::UreaNitrogen, "mmol/L"),
            (Analyte::Urea, "mg/dL"),
            (Analyte::Creatinine, "ng/mL"),
            (Analyte::Platelets, "10*12/L"),
            (Analyte::Adamts13Inhibitor, "[arb'U]/mL"),
            (Analyte::Dat, "%"),
        ] {
            assert_eq!(ucum(analyte, written), Err(UnitFault::Unknown), "{analyte} {written}");
        }
    }

    #[test]
    fn a_d_dimer_unit_says_feu_or_ddu_itself_or_by_its_code() {
        assert_eq!(ucum(Analyte::DDimer, "ng/mL"), Err(UnitFault::DDimerKind));
        let stated = |written, kind| resolve(Analyte::DDimer, written, Some(kind), &[]).map(|unit| unit.ucum);
        assert_eq!(stated("ng/mL", DDimerKind::Feu).as_deref(), Ok("ng{FEU}/mL"));
        assert_eq!(stated("ng/mL", DDimerKind::Ddu).as_deref(), Ok("ng{DDU}/mL"));
        assert_eq!(stated("ng/mL DDU", DDimerKind::Feu), Err(UnitFault::DDimerKind));
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
        assert_eq!(resolve(Analyte::Urea, "mg/dL", None, &extra), Err(UnitFault::Unknown));
    }

    #[test]
    fn the_same_amount_in_two_units_is_the_same_number() {
        let canonical = |analyte: Analyte, value: f64, written: &str| {
            let unit = resolve(analyte, written, None, &[]).expect("in the table");
            to_canonical(value, unit.to_canonical)
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
                for unit in analyte.facts().units {
                    let canonical = to_canonical(value, unit.to_canonical);
                    let back = canonical / unit.to_canonical;
                    prop_assert!((back - value).abs() <= 1e-10 * value, "{} {}", analyte, unit.ucum);
                    // The code itself is always read, and as itself.
                    let resolved = resolve(analyte, unit.ucum, None, &[]).expect("own unit");
                    prop_assert_eq!(resolved.ucum.as_str(), unit.ucum);
                }
            }
        }

        #[test]
        fn any_text_is_a_unit_or_refused(written in "\\PC{0,20}") {
            for analyte in Analyte::ALL {
                let _ = resolve(analyte, &written, None, &[]);
            }
        }
    }
}
