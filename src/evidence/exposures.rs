//! Drugs that publications report with TMA, each with its own publication.
//!
//! The table holds agents whose publication was looked up; it is not complete. That a drug is reported with TMA does not
//! say that it is the cause in a patient; that it is not in the table does not say that it is not.
//!
//! Al-Nouri et al. (Blood 2015;125:616) is the systematic review of the field: 78 suspected drugs, of which 22 had
//! evidence for a definite association. Of its list only those agents stand here that its abstract names.

/// A drug with what is published of it.
#[derive(Debug)]
pub(super) struct KnownDrug {
    /// Lower-case names, the substance first.
    pub names: &'static [&'static str],
    /// What is published.
    pub published: &'static str,
    /// Publication.
    pub source: &'static str,
}

const fn drug(names: &'static [&'static str], published: &'static str, source: &'static str) -> KnownDrug {
    KnownDrug { names, published, source }
}

const AL_NOURI: &str = "Al-Nouri et al., Blood 2015;125:616";
const IXAZOMIB: &str = "Case Rep Hematol, article 7063145 (Hindawi)";

/// The drugs.
pub(super) const DRUGS: &[KnownDrug] = &[
    drug(
        &["gemcitabine", "gemzar"],
        "TMA with acute kidney injury in 12 patients of 5 centers",
        "BMC Nephrol 2021, doi:10.1186/s12882-021-02470-3",
    ),
    drug(
        &["mitomycin", "mitomycin c", "mutamycin"],
        "hemolysis, thrombocytopenia and renal failure in 12 patients with adenocarcinoma; part of the therapy in 84 of 85 \
         registry patients",
        "Cantrell et al., J Clin Oncol 1985;3:723; Lesesne et al., J Clin Oncol 1989;7:781",
    ),
    drug(&["bevacizumab", "avastin"], "glomerular TMA in 6 patients", "Eremina et al., N Engl J Med 2008;358:1129"),
    drug(
        &["sunitinib", "sutent"],
        "renal TMA shown by biopsy, blood signs absent",
        "Bollée et al., Nephrol Dial Transplant 2009;24:682",
    ),
    drug(&["surufatinib"], "renal TMA shown by biopsy, first case", "Virchows Arch 2023;483:561"),
    drug(
        &["carfilzomib", "kyprolis"],
        "TMA in 10 patients with myeloma",
        "Moscvin et al., Blood Cancer J 2023;13, doi:10.1038/s41408-023-00802-0",
    ),
    drug(
        &["bortezomib", "velcade"],
        "renal TMA shown by biopsy, again after re-exposure",
        "Case Rep Hematol 2016, article 6020691",
    ),
    drug(&["ixazomib", "ninlaro"], "TMA after cumulative exposure, single case", IXAZOMIB),
    drug(
        &["oxaliplatin", "eloxatin"],
        "TMA with drug-dependent antibodies",
        "Front Med 2020, doi:10.3389/fmed.2020.00212",
    ),
    drug(&["cyclosporine", "ciclosporin"], "definite association with TMA in 15 patient reports", AL_NOURI),
    drug(&["tacrolimus"], "definite association with TMA in 12 patient reports", AL_NOURI),
    drug(&["quinine"], "definite association with TMA in 34 patient reports", AL_NOURI),
];

/// The entry of a drug as it was written, if there is one: a name of the table as a word of its own.
pub(super) fn known(written: &str) -> Option<&'static KnownDrug> {
    let written = written.to_lowercase();
    let words: Vec<&str> = written.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    DRUGS.iter().find(|drug| drug.names.iter().any(|name| words.contains(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drugs_are_found_as_words_of_their_own() {
        let name = |written| known(written).map(|drug| drug.names[0]);
        assert_eq!(name("Gemcitabine"), Some("gemcitabine"));
        assert_eq!(name("gemcitabine 1000 mg/m2"), Some("gemcitabine"));
        assert_eq!(name("Mitomycin-C"), Some("mitomycin"));
        assert_eq!(name("Avastin (bevacizumab)"), Some("bevacizumab"));
        assert_eq!(name("nab-paclitaxel"), None);
        assert_eq!(name("quininex"), None);
        assert_eq!(name(""), None);
    }

    #[test]
    fn every_coded_substance_is_in_the_table() {
        let coded: Vec<&str> = crate::clinical::coded_substances().collect();
        for drug in DRUGS {
            assert!(drug.names.iter().any(|name| coded.contains(name)), "{}", drug.names[0]);
        }
        assert_eq!(coded.len(), DRUGS.len());
    }

    #[test]
    fn every_entry_has_a_year_in_its_source() {
        for drug in DRUGS {
            assert!(!drug.published.is_empty() && !drug.names.is_empty());
            let dated = drug.source.split(|c: char| !c.is_ascii_digit()).any(|part| part.len() == 4);
            assert!(dated || drug.source == IXAZOMIB, "{}", drug.source);
            assert!(drug.names.iter().all(|name| *name == name.to_lowercase()));
        }
    }
}
