//! Codes of the drugs that publications report with TMA (the table of `evidence::exposures`).
//!
//! In: a code of RxNorm (ingredient) or ATC. Out: the name of the substance.
//!
//! Source: ATC/DDD index (WHO Collaborating Centre for Drug Statistics Methodology), with the codes that were valid before
//! 2022 (L01X…) because systems still send them; RxNorm (U.S. National Library of Medicine), concepts of the type
//! ingredient, as published by CPIC, Synthea and RxNav. Of mitomycin and surufatinib no code of RxNorm could be checked, of
//! surufatinib none of ATC: these are known by name alone.
//!
//! Limits: codes of products and brands are not read; a drug that names its substance in words is known by these.

/// A substance and its codes.
struct Codes {
    name: &'static str,
    rxnorm: Option<&'static str>,
    atc: &'static [&'static str],
}

const fn codes(name: &'static str, rxnorm: Option<&'static str>, atc: &'static [&'static str]) -> Codes {
    Codes { name, rxnorm, atc }
}

const CODES: &[Codes] = &[
    codes("gemcitabine", Some("12574"), &["L01BC05"]),
    codes("mitomycin", None, &["L01DC03"]),
    codes("bevacizumab", Some("253337"), &["L01FG01", "L01XC07"]),
    codes("sunitinib", Some("357977"), &["L01EX01", "L01XE04"]),
    codes("surufatinib", None, &[]),
    codes("carfilzomib", Some("1302966"), &["L01XG02", "L01XX45"]),
    codes("bortezomib", Some("358258"), &["L01XG01", "L01XX32"]),
    codes("ixazomib", Some("1723735"), &["L01XG03", "L01XX50"]),
    codes("oxaliplatin", Some("32592"), &["L01XA03"]),
    codes("cyclosporine", Some("3008"), &["L04AD01"]),
    codes("tacrolimus", Some("42316"), &["L04AD02"]),
    codes("quinine", Some("9071"), &["P01BC01"]),
];

/// A code system of drugs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DrugSystem {
    RxNorm,
    Atc,
}

/// The system of a FHIR URI or of a name in HL7 table 0396.
pub(super) fn system(written: &str) -> Option<DrugSystem> {
    match written {
        "http://www.nlm.nih.gov/research/umls/rxnorm" | "urn:oid:2.16.840.1.113883.6.88" | "RXNORM" | "RxNorm" => {
            Some(DrugSystem::RxNorm)
        }
        "http://www.whocc.no/atc"
        | "http://fhir.de/CodeSystem/bfarm/atc"
        | "http://fhir.de/CodeSystem/dimdi/atc"
        | "urn:oid:2.16.840.1.113883.6.73"
        | "ATC" => Some(DrugSystem::Atc),
        _ => None,
    }
}

/// The substance of a code, if the table has it.
pub(super) fn substance(system: DrugSystem, code: &str) -> Option<&'static str> {
    let has = |codes: &&Codes| match system {
        DrugSystem::RxNorm => codes.rxnorm == Some(code),
        DrugSystem::Atc => codes.atc.iter().any(|atc| atc.eq_ignore_ascii_case(code)),
    };
    CODES.iter().find(has).map(|codes| codes.name)
}

/// Substances of the table.
pub fn coded_substances() -> impl Iterator<Item = &'static str> {
    CODES.iter().map(|codes| codes.name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_code_names_one_substance() {
        assert_eq!(substance(DrugSystem::RxNorm, "12574"), Some("gemcitabine"));
        assert_eq!(substance(DrugSystem::Atc, "l01bc05"), Some("gemcitabine"));
        assert_eq!(substance(DrugSystem::Atc, "L01XC07"), Some("bevacizumab"));
        assert_eq!((substance(DrugSystem::RxNorm, "L01BC05"), substance(DrugSystem::Atc, "12574")), (None, None));
        let all: Vec<&str> =
            CODES.iter().flat_map(|codes| codes.atc.iter().chain(codes.rxnorm.iter())).copied().collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
        assert_eq!(CODES.len(), 12);
    }

    #[test]
    fn systems_are_known_by_their_names() {
        assert_eq!(system("http://www.whocc.no/atc"), Some(DrugSystem::Atc));
        assert_eq!(system("http://www.nlm.nih.gov/research/umls/rxnorm"), Some(DrugSystem::RxNorm));
        assert_eq!(system("http://snomed.info/sct"), None);
    }
}
