//! The page says what the record says, and nothing that it may not say.

use crate::support::fake_case::FakeCase;
use schistoquant::case::{
    Case, Context, CorrectedPercent, FOOTER, InputFailure, Order, Patient, State, banned_terms_in,
};
use schistoquant::report::{ReportFormat, render};
use schistoquant::smear::{CellClass, ExclusionReason};

const HOSTILE: &str = "<b>&\"name</b>";

fn page(case: &Case) -> String {
    let files = render(ReportFormat::Html, case).expect("a case that can be written");
    String::from_utf8(files.into_iter().next().expect("one file").bytes).expect("UTF-8")
}

/// Text of the element that carries an attribute, without the tags in it.
fn text_of(page: &str, attribute: &str) -> String {
    let at = page.find(attribute).unwrap_or_else(|| panic!("no element with {attribute}"));
    let start = at + page[at..].find('>').expect("the end of the tag") + 1;
    let open = page[..at].rfind('<').expect("the begin of the tag") + 1;
    let name: String = page[open..].chars().take_while(char::is_ascii_alphanumeric).collect();
    let end = start + page[start..].find(&format!("</{name}>")).expect("the closing tag");
    without_tags(&page[start..end])
}

fn without_tags(markup: &str) -> String {
    let parts = markup.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text));
    parts.collect::<String>().replace('\u{a0}', " ")
}

/// Words of the page: no style, no pictures, no tags.
fn words(page: &str) -> String {
    let body = &page[page.find("<body>").expect("a body")..];
    without_tags(body)
}

fn number(text: &str) -> f64 {
    text.trim_end_matches('%').trim().replace(',', "").parse().unwrap_or_else(|_| panic!("`{text}` is no number"))
}

fn figure(page: &str, name: &str) -> f64 {
    number(&text_of(page, &format!("data-figure=\"{name}\"")))
}

/// Both numbers of an interval.
fn limits(page: &str, name: &str) -> (f64, f64) {
    let text = text_of(page, &format!("data-figure=\"{name}\""));
    let (low, high) = text.split_once('–').expect("two limits");
    (number(low), number(high))
}

fn enough_cells() -> FakeCase {
    FakeCase { grid: (26, 20), fields: 4, refused: vec![1], preview_scale: 0.2, ..FakeCase::default() }
}

#[test]
fn every_figure_is_the_one_of_the_record() {
    let case = enough_cells().build();
    let (page, record, count) = (page(&case), &case.record, &case.record.count);
    let near = |shown: f64, value: f64| assert!((shown - value).abs() <= 0.005_001, "{shown} and {value}");
    let wilson = count.wilson_95.expect("an interval");
    let bootstrap = count.field_bootstrap_95.expect("an interval");
    let corrected = count.corrected.expect("a correction");

    near(figure(&page, "percent"), count.percent.expect("a percentage"));
    let widest = count.widest_95().expect("an interval");
    near(limits(&page, "widest_95").0, widest.low);
    near(limits(&page, "widest_95").1, widest.high);
    let deciding = count.deciding.expect("limits");
    let (low, high) = (deciding.low.expect("a floor").percent, deciding.high.expect("a sensitivity").percent);
    assert_eq!(
        text_of(&page, "data-figure=\"deciding\""),
        format!(
            "at least {low:.2} % (Wilson, model errors allowed for); at most {high:.2} % (bootstrap over fields, \
             model errors allowed for)"
        )
    );
    assert!(
        words(&page).contains("The state needs both intervals on one side, and the one corrected for model errors")
    );
    near(limits(&page, "wilson_95").0, wilson.low);
    near(limits(&page, "wilson_95").1, wilson.high);
    near(limits(&page, "field_bootstrap_95").0, bootstrap.low);
    near(limits(&page, "field_bootstrap_95").1, bootstrap.high);
    near(figure(&page, "corrected.percent"), corrected.percent.expect("a percentage"));
    near(limits(&page, "corrected").0, corrected.low);
    near(limits(&page, "corrected").1, corrected.high);
    near(figure(&page, "false_positive_floor_percent"), count.false_positive_floor_percent.expect("a floor"));
    let floor = count.false_positive_floor_95.expect("an interval");
    near(limits(&page, "false_positive_floor_95").0, floor.low);
    near(limits(&page, "false_positive_floor_95").1, floor.high);
    assert!(page.contains("called schistocyte in healthy people (3,980 cells)"));
    near(figure(&page, "threshold_percent"), count.threshold_percent);
    near(figure(&page, "other_abnormal_percent"), count.other_abnormal_percent.expect("a share"));
    assert_eq!(figure(&page, "red_cells"), count.red_cells as f64);
    assert_eq!(figure(&page, "schistocytes"), count.schistocytes as f64);
    assert_eq!(text_of(&page, "data-figure=\"statement\""), record.statement);
    assert!(page.contains(&format!("data-state=\"{}\"", count.state.name())));
    for class in CellClass::ALL {
        let shown = text_of(&page, &format!("data-figure=\"classes.{}\"", class.name()));
        match record.class_count(class) {
            Some(cells) => assert_eq!(number(&shown), cells as f64, "{}", class.name()),
            None => assert_eq!(shown, "–", "{}", class.name()),
        }
    }
    for said in ["macrocyte––not given: pixel size not known", "present (healthy films up to 4.10"] {
        assert!(words(&page).contains(said), "{said}");
    }
    for (reason, &objects) in &record.exclusions {
        assert_eq!(
            number(&text_of(&page, &format!("data-figure=\"exclusions.{}\"", reason.name()))),
            objects as f64,
            "{reason:?}"
        );
    }
}

#[test]
fn gallery_shows_every_counted_schistocyte_by_falling_probability() {
    let case = enough_cells().build();
    let page = page(&case);
    let gallery =
        &page[page.find("class=\"tiles\"").expect("a gallery")..page.find("id=\"near-misses\"").expect("near misses")];
    let shown: Vec<f64> = gallery
        .split("class=\"probability\">")
        .skip(1)
        .map(|part| number(part.split('<').next().expect("text")))
        .collect();
    assert_eq!(shown.len() as u64, case.record.count.schistocytes);
    assert!(shown.is_sorted_by(|a, b| a >= b), "{shown:?}");
    assert_eq!(gallery.matches("src=\"data:image/jpeg;base64,").count(), shown.len());
    // Every picture leads to a number in its field and back.
    for part in gallery.split("href=\"#").skip(1) {
        let target = part.split('"').next().expect("a link");
        assert!(page.contains(&format!("id=\"{target}\"")), "{target}");
    }
}

#[test]
fn near_misses_stand_behind_the_called_cells_and_before_the_evidence_and_lead_to_their_field() {
    let case = FakeCase { near_misses: 21, labs: Some("cancer.json"), grid: (13, 8), ..enough_cells() }.build();
    let page = page(&case);
    let place = |id: &str| page.find(&format!("id=\"{id}\"")).unwrap_or_else(|| panic!("{id} in the page"));
    let order = [place("gallery"), place("near-misses"), place("evidence"), place("classes")];
    assert!(order.is_sorted(), "{order:?}");
    let section = &page[order[1]..order[2]];
    // Three accepted fields.
    assert!(words(&page).contains(
        "63 cells counted as another class and nearly called a schistocyte (probability from 0.250 up to 0.720), by \
         falling probability. The 60 likeliest are shown, 3 more are left out."
    ));
    let shown: Vec<f64> = section
        .split("class=\"probability\">")
        .skip(1)
        .map(|part| number(part.split('<').next().expect("text")))
        .collect();
    assert_eq!((shown.len(), section.matches("src=\"data:image/jpeg;base64,").count()), (60, 60));
    assert!(
        shown.is_sorted_by(|a, b| a >= b) && shown.iter().all(|&chance| (0.25..0.72).contains(&chance)),
        "{shown:?}"
    );
    for part in section.split("href=\"#").skip(1) {
        let target = part.split('"').next().expect("a link");
        assert!(page.contains(&format!("id=\"{target}\"")), "{target}");
    }
}

#[test]
fn the_page_says_what_the_model_misses() {
    let mut case = enough_cells().build();
    let said = |case: &Case| text_of(&page(case), "class=\"missed\"");
    // Sensitivity 0.871 of 310 cells; Wilson interval of 40 of 310.
    assert_eq!(said(&case), "The model missed 40 of 310 labeled schistocytes (12.90 %; 95 % CI 9.62–17.09 %).");
    case.record.provenance.model.sensitivity_cells = None;
    assert_eq!(said(&case), "The model misses 12.90 % of schistocytes; of how many cells, its card does not say.");
    case.record.provenance.model.sensitivity = None;
    assert_eq!(said(&case), "What share of schistocytes the model misses is not stated in its card.");
    let none = page(&FakeCase { fields: 0, ..FakeCase::default() }.build());
    assert!(!none.contains("class=\"missed\""));
}

#[test]
fn nothing_of_a_tile_is_cut_a_field_can_be_shown_larger_and_paper_leaves_the_pictures_of_fields_out() {
    let case = FakeCase { preview_scale: 0.2, ..FakeCase::default() }.build();
    let page = page(&case);
    assert!(!page.contains("text-overflow"), "a text is cut");
    assert_eq!(
        page.matches("<label class=\"zoom\"><input type=\"checkbox\"> Larger</label>").count(),
        case.fields.len()
    );
    let style = &page[page.find("<style>").expect("a style")..page.find("</style>").expect("its end")];
    assert!(style.contains(".zoomable:has(input:checked) .picture { width: max(calc(2 * var(--width)), 200%); }"));
    let print = &style[style.find("@media print").expect("rules for paper")..];
    assert!(print.contains(".field, .legend, .zoom { display: none; }"));
    // Words of our own tables are never broken; values from outside may be.
    assert!(
        style.contains(".wide td[data-label=\"Flag\"],") && style.contains("th[scope=col] { overflow-wrap: normal; }")
    );
}

#[test]
fn the_time_of_an_image_is_never_the_time_of_issue() {
    let mut case = enough_cells().build();
    assert!(words(&page(&case)).contains("Issued2025-01-02 10:30 Z"), "{}", words(&page(&case)));
    case.record.issued_at = None;
    case.record.newest_image_at = schistoquant::time::Timestamp::parse("2019-03-04T05:06:07Z").ok();
    let words = words(&page(&case));
    assert!(words.contains("Newest image file dated2019-03-04 05:06:07 Z") && !words.contains("Issued"), "{words}");
}

#[test]
fn every_object_has_an_outline() {
    let case = FakeCase { refused: vec![1], ..FakeCase::default() }.build();
    let page = page(&case);
    let objects: usize = case.fields.iter().map(|field| field.expect("readable").cells.len()).sum();
    let drawings = page.split("<svg class=\"outlines\"").skip(1).filter_map(|part| part.split("</svg>").next());
    let drawn = |svg: &str| svg.matches("<path").count() - svg.matches("class=\"halo\"").count();
    assert_eq!(drawings.map(drawn).sum::<usize>(), objects);
    assert!(page.contains("<g class=\"counted\">") && page.contains("<g class=\"excluded frame_edge\">"));
    assert_eq!(page.matches("class=\"halo\"").count() as u64, case.record.count.schistocytes);
    let tiles = page.matches("<li id=\"tile-").count();
    assert_eq!(page.matches("src=\"data:image/jpeg;base64,").count(), case.fields.len() + tiles);
}

#[test]
fn hostile_names_stay_text() {
    let failed = vec![InputFailure { path: HOSTILE.to_owned(), reason: HOSTILE.to_owned() }];
    let mut case = FakeCase { name: HOSTILE, accession: Some(HOSTILE), failed, ..FakeCase::default() }.build();
    case.record.statement = HOSTILE.to_owned();
    case.record.fields[0].refusals = vec![HOSTILE.to_owned()];
    case.record.provenance.options.insert(HOSTILE.to_owned(), HOSTILE.into());
    let page = page(&case);
    assert!(!page.contains("<b>"), "markup of a name reached the page");
    assert!(page.contains("Accession <strong>&lt;b&gt;&amp;&quot;name&lt;/b&gt;</strong>"));
    // Attributes too: no quote ends one early.
    assert!(page.contains("title=\"&lt;b&gt;&amp;&quot;name&lt;/b&gt;-01.png\""));
}

#[test]
fn nothing_is_fetched_and_nothing_runs() {
    let page = page(&enough_cells().build());
    for sign in ["http:", "https:", "<script", "<link", "<iframe", "@import", "url(", "srcset", " onclick", " onload"] {
        assert!(!page.contains(sign), "{sign}");
    }
    for part in page.split("src=\"").skip(1) {
        assert!(part.starts_with("data:image/"));
    }
    for part in page.split("href=\"").skip(1) {
        assert!(part.starts_with('#'));
    }
    assert!(page.contains("content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'"));
}

#[test]
fn headings_and_tables_are_marked_for_screen_readers() {
    let page = page(&enough_cells().build());
    assert!(page.starts_with("<!DOCTYPE html><html lang=\"en\">"));
    for landmark in ["<header>", "<main>", "<footer>"] {
        assert_eq!(page.matches(landmark).count(), 1, "{landmark}");
    }
    assert_eq!(page.matches("<h1>").count(), 1);
    let headers = page.matches("<th ").count();
    assert_eq!(page.matches("<th>").count(), 0, "a header without scope");
    assert_eq!(page.matches("scope=\"").count(), headers);
    assert_eq!(page.matches("<img ").count(), page.matches(" alt=\"").count());
    let drawings = page.matches("<svg ").count();
    assert_eq!(
        page.matches("role=\"img\" aria-label=\"").count() + page.matches(" aria-hidden=\"true\"").count(),
        drawings
    );
}

#[test]
fn an_identity_of_200_characters_stands_whole() {
    let long = |sign: &str| sign.repeat(50);
    let [accession, id, family, given, placer, filler] = ["Ac-1", "Mr_2", "Fa3.", "Gi4,", "Pl5/", "Fi6:"].map(long);
    let mut case = enough_cells().build();
    case.record.accession = Some(accession.clone());
    case.record.order = Some(Order {
        patient: Some(Patient {
            id: Some(id.clone()),
            family_name: Some(family.clone()),
            given_name: Some(given.clone()),
            ..Patient::default()
        }),
        placer_order_number: Some(placer.clone()),
        filler_order_number: Some(filler.clone()),
        ..Order::default()
    });
    let words = words(&page(&case));
    for text in [accession, id, family, given, placer, filler] {
        assert!(words.contains(&text), "{text}");
    }
}

#[test]
fn identifiers_are_unique() {
    let page = page(&enough_cells().build());
    let mut identifiers: Vec<&str> =
        page.split(" id=\"").skip(1).map(|part| part.split('"').next().expect("a value")).collect();
    let all = identifiers.len();
    identifiers.sort_unstable();
    identifiers.dedup();
    assert_eq!(identifiers.len(), all);
}

#[test]
fn unknown_is_said_and_never_zero() {
    let case = FakeCase { fields: 0, accession: None, ..FakeCase::default() }.build();
    let page = page(&case);
    assert_eq!(case.record.count.state, State::NotAssessable);
    assert!(!page.contains("data-figure=\"percent\""));
    assert_eq!(text_of(&page, "data-figure=\"field_bootstrap_95\""), "not available");
    assert!(!page.contains("data-figure=\"other_abnormal_percent\""));
    let words = words(&page);
    for sentence in
        ["Not assessable", "No accession given", "no percentage", "No field was read", "No red cell was counted"]
    {
        assert!(words.contains(sentence), "{sentence}");
    }
    assert!(!words.contains("NaN") && !words.contains("null"));
}

#[test]
fn every_state_has_its_words() {
    let states = [
        (State::Above, "Above the reference limit"),
        (State::NotAbove, "Not above the reference limit"),
        (State::Indeterminate, "Indeterminate: not placed against the limit"),
        (State::Insufficient, "Insufficient: too few red cells"),
        (State::NotAssessable, "Not assessable"),
    ];
    let mut case = FakeCase::default().build();
    case.record.count.context = Some(Context::SchistocytesPredominate);
    for (state, expected) in states {
        case.record.count.state = state;
        assert_eq!(text_of(&page(&case), "class=\"state\""), expected);
    }
}

#[test]
fn a_mixed_picture_keeps_its_state_and_is_cautioned() {
    let case = FakeCase {
        mixed: true,
        schistocytes: 40,
        grid: (26, 20),
        fields: 3,
        preview_scale: 0.2,
        ..FakeCase::default()
    };
    let case = case.build();
    assert_eq!(
        (case.record.count.state, case.record.count.context),
        (State::Above, Some(Context::MixedPoikilocytosis))
    );
    let page = page(&case);
    assert_eq!(text_of(&page, "class=\"state\""), "Above the reference limit");
    let caution = "Other abnormal shapes outnumber schistocytes: percentage not specific";
    assert_eq!(text_of(&page, "class=\"caution\""), caution);
    assert!(words(&page).contains("Mixed poikilocytosis"));
}

#[test]
fn warnings_stand_where_they_apply_and_only_there() {
    let titles = ["Fields refused", "Inputs not read", "Pixel size estimated", "Too few red cells"];
    let shown = |case: &Case| -> Vec<bool> {
        let page = words(&page(case));
        titles.iter().map(|title| page.contains(&format!("{title} "))).collect()
    };
    let mut case = enough_cells().build();
    assert_eq!(shown(&case), [true, false, true, false]);
    case.record.fields[1].accepted = true;
    for field in &mut case.record.fields {
        field.um_per_px_source = Some(schistoquant::smear::CalibrationSource::Given);
    }
    assert_eq!(shown(&case), [false, false, false, false]);
    case.record.failed_inputs = vec![InputFailure { path: "a.png".into(), reason: "empty".into() }];
    assert_eq!(shown(&case), [false, true, false, false]);
}

#[test]
fn what_the_model_does_not_know_is_pointed_out() {
    let mut case = enough_cells().build();
    let titles = [
        "Within the error of the model",
        "Other shapes not assessed",
        "False calls of the model unknown",
        "Sensitivity of the model unknown",
    ];
    let shown = |case: &Case| {
        let page = words(&page(case));
        titles.map(|title| page.contains(title))
    };
    assert_eq!(shown(&case), [false; 4]);
    case.record.count.context = Some(Context::WithinModelError);
    assert_eq!(shown(&case), [true, false, false, false]);
    case.record.count.context = Some(Context::NotAssessed);
    assert_eq!(shown(&case), [false, true, false, false]);
    case.record.count.false_positive_floor_percent = None;
    assert_eq!(shown(&case), [false, false, true, false]);
    case.record.count.corrected = None;
    assert_eq!(shown(&case), [false, false, true, true]);
}

#[test]
fn a_corrected_value_is_missing_beyond_the_models_errors_and_the_page_says_why() {
    let mut case = enough_cells().build();
    let given = case.record.count.corrected.expect("a correction");
    case.record.count.corrected = Some(CorrectedPercent { percent: None, ..given });
    let why = "Not given: more cells were called than the model's sensitivity allows.";
    assert_eq!(text_of(&page(&case), "data-figure=\"corrected.percent\""), why);
    // An estimate of 0 behind called cells is a negative one.
    case.record.count.corrected = Some(CorrectedPercent { percent: Some(0.0), ..given });
    let why = "Not given: so few cells were called that all may be false calls.";
    assert_eq!(text_of(&page(&case), "data-figure=\"corrected.percent\""), why);
    case.record.count.schistocytes = 0;
    assert_eq!(text_of(&page(&case), "data-figure=\"corrected.percent\""), "0.00 %");
}

#[test]
fn reasons_are_given_in_words() {
    let case = FakeCase { refused: vec![0], ..FakeCase::default() }.build();
    let words = words(&page(&case));
    for reason in [ExclusionReason::FrameEdge, ExclusionReason::Platelet, ExclusionReason::FieldRefused] {
        assert!(words.contains(reason.describe()), "{}", reason.name());
    }
    assert!(words.contains(&case.record.fields[0].refusals[0]));
}

/// Words that a report may never use (diagnosis, treatment, urgency, outlook); the footer is prescribed.
#[test]
fn no_verdict_is_spoken() {
    for case in [enough_cells(), FakeCase::default(), FakeCase { fields: 0, ..FakeCase::default() }] {
        let spoken = words(&page(&case.build())).replace(FOOTER, "");
        assert_eq!(banned_terms_in(&spoken), Vec::<&str>::new());
    }
}
