//! Manifests as they are written, and the refusals with their lines.

use super::*;

fn csv(text: &str) -> Result<Manifest, ManifestProblem> {
    Manifest::of_csv(text.as_bytes(), Path::new("base"))
}

#[test]
fn a_row_is_read_with_its_paths_and_what_is_empty_stays_unknown() {
    let manifest = csv("\u{feff}labs,accession,inputs,age_group,um_per_px\n\
        ,S-1, a.png; b ;/c.tif,,\n\
        p.json,\"S,2\",x,preterm-neonate,0.19\n")
    .expect("a manifest");
    let sha256 = |row: usize| manifest.rows()[row].sha256.clone();
    assert_eq!(
        manifest.rows(),
        [
            ManifestRow {
                line: 2,
                accession: "S-1".into(),
                inputs: vec!["base/a.png".into(), "base/b".into(), "/c.tif".into()],
                um_per_px: None,
                age_group: None,
                labs: None,
                extra: BTreeMap::new(),
                sha256: sha256(0),
            },
            ManifestRow {
                line: 3,
                accession: "S,2".into(),
                inputs: vec!["base/x".into()],
                um_per_px: Some(0.19),
                age_group: Some(AgeGroup::PretermNeonate),
                labs: Some("base/p.json".into()),
                extra: BTreeMap::new(),
                sha256: sha256(1),
            },
        ]
    );
    assert_eq!(csv("accession,inputs\nS-1,a\n").expect("two columns are enough").rows().len(), 1);
}

#[test]
fn wrong_rows_are_refused_with_their_line() {
    let long = "x".repeat(MAX_TEXT_CHARS + 1);
    for (text, expected) in [
        ("accession\nS-1\n", "no `inputs`"),
        ("accession,inputs,Lab\nS-1,a,b\n", "found `Lab`, which is nearly `labs`"),
        ("accession,inputs,um per px\nS-1,a,1\n", "`um per px`, which is nearly `um_per_px`"),
        ("accession,inputs,um_per_pxl\nS-1,a,1\n", "which is nearly `um_per_px`"),
        ("accession,inputs,percent\nS-1,a,1\n", "`percent`, which is a column of the tables"),
        ("accession,inputs,State\nS-1,a,1\n", "`State`, which is a column of the tables"),
        ("accession,inputs,n_normal\nS-1,a,1\n", "`n_normal`, which is a column"),
        ("accession,inputs,site,Site\nS-1,a,1,2\n", "`Site` twice"),
        ("accession,inputs,inputs\nS-1,a,b\n", "`inputs` twice"),
        ("accession,inputs\n", "found none"),
        ("accession,inputs\nS-1,a\nS-1,b\n", "line 3: expected an accession of its own"),
        ("accession,inputs\n,a\n", "line 2: expected an accession of 1 to 199"),
        (&format!("accession,inputs\n{long},a\n"), "line 2: expected an accession of 1 to 199"),
        ("accession,inputs\n\"S\n1\",a\n", "line 2: expected an accession"),
        ("accession,inputs\nS-1, ; \n", "line 2: expected images or folders"),
        ("accession,inputs,um_per_px\nS-1,a,0\n", "line 2: expected a pixel size in µm above 0, found `0`"),
        ("accession,inputs,um_per_px\nS-1,a,nan\n", "found `nan`"),
        ("accession,inputs,age_group\nS-1,a,child\n", "found `child`"),
        ("accession,inputs\nS-1,a,b\n", "line 2: expected as many values as there are headings"),
        ("accession,inputs,um_per_px\nS-1,a,\"0,19\"\n", "found `0,19`"),
        ("accession;inputs;um_per_px\nS-1;a;1,000,2\n", "found `1,000,2`"),
    ] {
        let error = csv(text).expect_err(text).to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn the_same_specimens_have_the_same_hash_wherever_they_lie() {
    let hash = |text: &str, folder: &str| {
        Manifest::of_csv(text.as_bytes(), Path::new(folder)).expect("a manifest").sha256().to_owned()
    };
    let one = hash("accession,inputs\nS-1,a;b\n", "x");
    assert_eq!(one, hash("inputs,accession,labs\na; b,S-1,\n", "y"));
    assert_ne!(one, hash("accession,inputs\nS-1,a\n", "x"));
    assert_ne!(one, hash("accession,inputs\nS-1,a;b\nS-2,a\n", "x"));
}

#[test]
fn each_sub_folder_is_a_specimen_with_its_panel() {
    let base = tempfile::tempdir().expect("a folder");
    for name in ["b", "a", ".hidden"] {
        fs::create_dir(base.path().join(name)).expect("a folder");
    }
    fs::write(base.path().join("notes.txt"), "").expect("a file");
    fs::write(base.path().join("b/LABS.HL7"), "").expect("a file");
    let manifest = Manifest::read(base.path()).expect("specimens");
    let rows: Vec<_> = manifest.rows().iter().map(|row| (row.accession.as_str(), row.labs.clone())).collect();
    assert_eq!(rows, [("a", None), ("b", Some(base.path().join("b/LABS.HL7")))]);
    assert_eq!(manifest.rows()[0].inputs, [base.path().join("a")]);
    assert!(matches!(Manifest::read(&base.path().join("a")), Err(ManifestProblem::Empty)));
    assert!(matches!(Manifest::read(&base.path().join("no")), Err(ManifestProblem::Read { .. })));
    // What belongs to no specimen, and what could be either of two panels, is named.
    fs::write(base.path().join("b/labs.json"), "").expect("a file");
    let error = Manifest::read(base.path()).expect_err("two panels").to_string();
    assert!(error.contains("b: expected one laboratory panel in the folder, found LABS.HL7 and labs.json"), "{error}");
    for name in ["f10.JPG", "f2.png", "x.svs"] {
        fs::write(base.path().join(name), "").expect("a file");
    }
    let error = Manifest::read(base.path()).expect_err("loose images").to_string();
    assert!(error.contains("found images outside of them (f2.png, f10.JPG, x.svs)"), "{error}");
}

#[test]
fn other_columns_are_carried_by_their_names_and_change_no_work() {
    let plain = csv("accession,inputs\nS-1,a\nS-2,b\n").expect("a manifest");
    let more = csv("Site;accession;INPUTS;um_per_px;Ward 3\nA;S-1;a;0,19;\n;S-2;b;;x\n").expect("a manifest");
    assert_eq!(more.extra_columns(), ["Site", "Ward 3"]);
    let extra = |row: usize| more.rows()[row].extra.clone().into_iter().collect::<Vec<_>>();
    assert_eq!(extra(0), [("Site".to_owned(), "A".to_owned())], "empty is left out");
    assert_eq!(extra(1), [("Ward 3".to_owned(), "x".to_owned())]);
    assert_eq!(more.rows()[0].um_per_px, Some(0.19), "a decimal comma where it separates nothing");
    assert_eq!(more.rows()[1].sha256, plain.rows()[1].sha256);
    assert_ne!(more.rows()[0].sha256, plain.rows()[0].sha256, "another pixel size");
    assert_ne!(more.sha256(), plain.sha256());
}
