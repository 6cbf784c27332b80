//! Publications behind the rules, each named once.

/// Pattern of TMA with organ damage: platelets below 150 or a fall by more than 30 %.
pub const PATTERN: &str = "Weitz, Semin Thromb Hemost 2019;45:348";
/// Markers of mechanical hemolysis in patients with cancer.
pub const HEMOLYSIS: &str = "Blood 2021;137:1310 (microangiopathic hemolytic anemia in cancer)";
/// Coombs-negative hemolysis in cancer: 168 reported cases.
pub const CANCER_MAHA: &str = "Lechner and Obermeier, Medicine 2012;91:195 (168 reported cases)";
/// Review of cancer-associated TMA: which examinations belong to the evaluation.
pub const CANCER_REVIEW: &str = "Saffarieh et al., Cancer-associated thrombotic microangiopathy; a review article";
/// Schistocytes.
pub const ICSH: &str = "ICSH schistocyte recommendations, Zini et al., Int J Lab Hematol 2012;34:107 and 2021;43:1264";
/// ISTH score for overt DIC.
pub const DIC: &str = "ISTH overt DIC score, update of 2025 (PubMed 40216223)";
/// Fibrinogen and prothrombin time as items of the same score.
pub const DIC_2001: &str = "Taylor et al., Thromb Haemost 2001;86:1327";
/// Criteria of transplant-associated TMA, here for their limits.
pub const TA_TMA: &str = "harmonized transplant-associated TMA criteria 2023 (PMC11882261, table 3)";
/// What severe deficiency is.
pub const PLASMIC: &str = "Bendapudi et al., Lancet Haematol 2017;4:e157 (severe deficiency: activity of at most 10 %)";
/// Assay of ADAMTS13 and its sampling.
pub const ADAMTS13_ASSAY: &str = "ADAMTS13 assay, Mayo Clinic Laboratories test catalog";
/// An interval alone.
pub const INTERVAL: &str = "reference interval of the item";
/// A finding entered by a person.
pub const ENTERED: &str = "finding as entered";
