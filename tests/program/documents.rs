//! The documents say what the program says: command line, keys of the records, columns, exit codes, and the commands that
//! the checks run. `REGENERATE=1 cargo test --test program documents::` rewrites the generated pages.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use clap::{Arg, CommandFactory};
use schistoquant::classify::Model;
use schistoquant::count::{CountOptions, FieldTally, Performance, SchistocyteCount, State};
use schistoquant::pipeline::card_performance;
use schistoquant::smear::CellClass;
use serde_json::Value;
use strum::VariantArray;

use crate::cli::Cli;
use crate::cli::exit::Exit;

fn root(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

fn read(file: &str) -> String {
    fs::read_to_string(root(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn program() -> Command {
    let mut program = Command::cargo_bin("schistoquant").expect("the program is built");
    program.env("ORT_DYLIB_PATH", "").env_remove("SCHISTOQUANT_CONFIG").current_dir(env!("CARGO_MANIFEST_DIR"));
    program
}

/// A committed page is what is generated now.
fn holds(file: &str, fresh: &str) {
    if std::env::var_os("REGENERATE").is_some_and(|value| value == "1") {
        fs::write(root(file), fresh).expect("the repository is writable");
    }
    let hint = "REGENERATE=1 cargo test --features full --test program documents:: rewrites it";
    assert!(read(file) == fresh, "{file} is not what the program says; {hint}");
}

/// A text in a cell of a Markdown table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "\\<").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `--name VALUE` or `VALUE`, as typed.
fn typed(arg: &Arg) -> String {
    let values: Vec<&str> = arg.get_value_names().unwrap_or_default().iter().map(|name| name.as_str()).collect();
    let takes_value = arg.get_action().takes_values();
    match arg.get_long() {
        Some(long) if takes_value => format!("`--{long} {}`", values.join(" ")),
        Some(long) => format!("`--{long}`"),
        None => format!("`{}`", cell(&values.join(" "))),
    }
}

/// What an argument means, with its words, its default and its variable.
fn meaning(arg: &Arg) -> String {
    let mut text = cell(&arg.get_help().map(ToString::to_string).unwrap_or_default());
    let words: Vec<String> = arg
        .get_possible_values()
        .iter()
        .filter(|_| arg.get_action().takes_values())
        .map(|word| match word.get_help() {
            Some(help) => format!("`{}` ({})", word.get_name(), cell(&help.to_string())),
            None => format!("`{}`", word.get_name()),
        })
        .collect();
    if !words.is_empty() {
        let _ = write!(text, ". One of {}", words.join(", "));
    }
    let defaults: Vec<String> = arg.get_default_values().iter().map(|value| value.to_string_lossy().into()).collect();
    if !defaults.is_empty() && arg.get_action().takes_values() {
        let _ = write!(text, ". Default: `{}`", defaults.join(","));
    }
    if let Some(variable) = arg.get_env() {
        let _ = write!(text, ". Environment: `{}`", variable.to_string_lossy());
    }
    if arg.is_required_set() {
        text.push_str(". Required");
    }
    text
}

#[test]
fn the_command_line_page_is_what_the_program_takes() {
    let mut cli = Cli::command();
    cli.build();
    let mut text = String::from(
        "# The command line\n\nThis page is made from the program's own definition of its command line by \
         `REGENERATE=1 cargo test --features full --test program documents::`. `schistoquant COMMAND --help` prints the \
         same. [files.md](files.md) says what is written and what the exit codes mean.\n\n| command | what it does |\n|---|---|\n",
    );
    let commands: Vec<_> = cli.get_subcommands().filter(|command| command.get_name() != "help").collect();
    let about = |command: &clap::Command| command.get_about().map(ToString::to_string).unwrap_or_default();
    for command in &commands {
        let _ = writeln!(text, "| [`{0}`](#{0}) | {1} |", command.get_name(), cell(&about(command)));
    }
    for command in &commands {
        let usage = (*command).clone().render_usage().to_string();
        let _ = write!(text, "\n## {}\n\n{}.\n\n```text\n", command.get_name(), about(command));
        let _ = writeln!(text, "{}\n```\n\n| argument | meaning |\n|---|---|", usage.trim_start_matches("Usage: "));
        for arg in command.get_arguments().filter(|arg| arg.get_id() != "help" && !arg.is_hide_set()) {
            let _ = writeln!(text, "| {} | {} |", typed(arg), meaning(arg));
        }
        let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let examples: Vec<&str> = examples.lines().skip(1).map(str::trim).collect();
        assert!(!examples.is_empty(), "{} has no example", command.get_name());
        let _ = write!(text, "\n```sh\n{}\n```\n", examples.join("\n"));
    }
    holds("docs/command-line.md", &text);
}

/// The type of a property in words.
fn type_words(schema: &Value) -> String {
    let name = |reference: &str| reference.rsplit('/').next().unwrap_or_default().to_owned();
    if let Some(reference) = schema["$ref"].as_str() {
        return name(reference);
    }
    if let Some(either) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
        return either.iter().map(type_words).collect::<Vec<_>>().join(" or ");
    }
    if let Some(value) = schema.get("const") {
        return value.to_string();
    }
    let words: Vec<String> = match &schema["type"] {
        Value::String(word) => vec![word.clone()],
        Value::Array(words) => words.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect(),
        _ => vec!["any".to_owned()],
    };
    let text = words.join(" or ");
    if schema["items"].is_object() {
        text.replace("array", &format!("list of {}", type_words(&schema["items"])))
    } else if schema["additionalProperties"].is_object() {
        text.replace("object", &format!("map to {}", type_words(&schema["additionalProperties"])))
    } else {
        text
    }
}

/// A record of a schema: its description, and its keys or its words.
fn record(text: &mut String, schema: &Value) {
    let described = |schema: &Value| cell(schema["description"].as_str().unwrap_or_default());
    let _ = writeln!(text, "{}\n", described(schema));
    if let Some(keys) = schema["properties"].as_object() {
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        text.push_str("| key | type | meaning |\n|---|---|---|\n");
        for (key, property) in keys {
            let optional = if required.contains(&Value::String(key.clone())) { "" } else { ", may be left out" };
            let _ = writeln!(text, "| `{key}` | {}{optional} | {} |", cell(&type_words(property)), described(property));
        }
        text.push('\n');
    }
    let words = |value: &Value| value["const"].as_str().map(str::to_owned);
    for variant in schema["oneOf"].as_array().into_iter().flatten() {
        if let Some(word) = words(variant) {
            let _ = writeln!(text, "- `{word}`: {}", described(variant));
        }
    }
    let plain = schema["enum"].as_array().cloned().unwrap_or_default();
    if !plain.is_empty() {
        let plain: Vec<String> = plain.iter().map(|word| format!("`{}`", word.as_str().unwrap_or_default())).collect();
        let _ = writeln!(text, "One of {}.", plain.join(", "));
    }
}

#[test]
fn the_page_of_records_is_what_the_schemas_say() {
    let mut text = String::from(
        "# Keys of the JSON records\n\nThis page is made from the schemas in the repository by `REGENERATE=1 cargo test \
         --features full --test program documents::`. A key that is not known is null, never 0. Units end the name of a key.\n",
    );
    for (title, file) in [
        ("case.json", "src/report/schema/case-v4.json"),
        ("evaluation.json", "src/evaluate/schema/evaluation-v1.json"),
        ("suite.json", "src/evaluate/schema/suite-v1.json"),
        ("panel.json", "src/clinical/schema/panel-v1.json"),
    ] {
        let schema: Value = serde_json::from_str(&read(file)).expect("a schema");
        let _ = writeln!(text, "\n## {title}\n\nSchema: `{file}`.\n");
        record(&mut text, &schema);
        for (name, definition) in schema["$defs"].as_object().into_iter().flatten() {
            let _ = writeln!(text, "\n### {name} ({title})\n");
            record(&mut text, definition);
        }
    }
    let text: Vec<&str> = text.lines().map(str::trim_end).collect();
    holds("docs/records.md", &(text.join("\n").replace("\n\n\n", "\n\n").trim_end().to_owned() + "\n"));
}

/// Red cells of one field, and how many of them are called schistocyte.
fn state_of(called: u64, red_cells: u64, performance: &Performance) -> State {
    let class = |cell| if cell < called { CellClass::Schistocyte } else { CellClass::Normal };
    let tally: FieldTally = (0..red_cells).map(class).collect();
    SchistocyteCount::of_fields(&[tally], &CountOptions::default(), performance).state
}

#[test]
fn figures_of_the_state_are_those_of_the_shipped_model() {
    let performance = card_performance(&Model::shipped().expect("the shipped model").card);
    let page = read("docs/statistics.md");
    let row = |red_cells| {
        let called = |state| (0..=red_cells).filter(move |called| state_of(*called, red_cells, &performance) == state);
        let above = called(State::Above).next().expect("enough are above");
        let not_above = called(State::NotAbove).next_back();
        let at_most = not_above.map_or("never".to_owned(), |called| format!("at most {called}"));
        format!("| {red_cells} | at least {above} | {at_most} |\n")
    };
    let rows: String = [1_000, 3_000, 10_000].map(row).concat();
    assert!(page.contains(&rows), "docs/statistics.md lacks\n{rows}");
}

/// The names in backquotes of a page; `<…>` in one stands for any text.
fn names_of(page: &str) -> BTreeSet<&str> {
    page.split('`').skip(1).step_by(2).collect()
}

fn is_named(column: &str, names: &BTreeSet<&str>) -> bool {
    names.contains(column)
        || names.iter().any(|name| match (name.find('<'), name.rfind('>')) {
            (Some(from), Some(to)) => {
                let (start, end) = (&name[..from], &name[to + 1..]);
                column.len() > start.len() + end.len() && column.starts_with(start) && column.ends_with(end)
            }
            _ => false,
        })
}

#[test]
fn every_column_and_file_that_is_written_is_documented() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (films, out) = (folder.path().join("films"), folder.path().join("out"));
    let film = films.join("film");
    fs::create_dir_all(&film).expect("a folder");
    fs::copy(root("fixtures/fields/schistocyte/helmet.png"), film.join("helmet.png")).expect("a field");
    program().arg("batch").arg(&films).arg("--out").arg(&out).args(["--format", "csv", "--quiet"]).assert().code(0);
    program().arg("crops").arg(&film).arg("--out").arg(folder.path().join("out/crops")).assert().code(0);
    let page = read("docs/files.md");
    let names = names_of(&page);
    let record = fs::read_dir(out.join("specimens")).expect("specimens").next().expect("one").expect("an entry").path();
    let record: Value = serde_json::from_slice(&fs::read(record.join("case.json")).expect("a record")).expect("JSON");
    for (name, version) in [
        ("program (`--version`, `software_version`)", &record["provenance"]["software_version"]),
        ("`method_version`", &record["provenance"]["method_version"]),
        ("`case.json` `schema_version`", &record["schema_version"]),
    ] {
        let row = format!("| {name} | {} |", version.as_str().expect("a version"));
        assert!(page.contains(&row), "docs/files.md lacks {row}");
    }
    let mut waiting = vec![out];
    let mut tables = 0;
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            // What leaves a case folder is called `<accession>_<job>`.
            let documented = is_named(&name, &names) || page.contains(name.split_once('.').expect("an ending").1);
            assert!(documented, "{name} is not in docs/files.md");
            if name.ends_with(".csv") {
                let table = fs::read_to_string(&path).expect("a table");
                tables += 1;
                for column in table.lines().next().expect("a heading").split(',') {
                    assert!(is_named(column, &names), "docs/files.md lacks the column {column} of {name}");
                }
            }
        }
    }
    assert!(tables >= 7, "{tables} tables");
}

#[test]
fn the_checks_run_the_commands_of_the_readme() {
    let (readme, checks) = (read("README.md"), read(".ci/run"));
    assert!(readme.lines().count() <= 150, "README is longer than a page that is read");
    let commands: Vec<&str> = readme
        .split("```sh\n")
        .skip(1)
        .flat_map(|block| block.split("```").next().expect("a block").lines())
        .filter(|line| line.starts_with("cargo "))
        .collect();
    assert!(commands.contains(&"cargo test --features full") && commands.len() >= 2, "{commands:?}");
    for command in commands {
        // The checks write elsewhere.
        let command = command.split(" --out ").next().expect("a command");
        assert!(checks.lines().any(|line| line.trim_start().starts_with(command)), ".ci/run does not run `{command}`");
    }
}

#[test]
fn the_readme_shows_what_the_program_prints() {
    let out = tempfile::tempdir().expect("a temporary folder");
    let arguments = ["analyze", "fixtures/specimen", "--accession", "S-1", "--quiet"];
    let done = program().args(arguments).arg("--out").arg(out.path()).assert().code(0);
    let printed = String::from_utf8_lossy(&done.get_output().stdout).into_owned();
    let readme = read("README.md");
    let shown = readme.split("```text\n").nth(1).and_then(|rest| rest.split("```").next()).expect("the first output");
    for line in shown.lines().filter(|line| *line != "…") {
        assert!(printed.contains(line), "`{line}` is not in\n{printed}");
    }
}

#[test]
fn links_of_the_documents_lead_somewhere() {
    let mut pages = vec![root("README.md"), root("CONTRIBUTING.md"), root("CHANGELOG.md")];
    pages.extend(fs::read_dir(root("docs")).expect("docs").map(|entry| entry.expect("an entry").path()));
    let index = read("docs/README.md");
    assert!(index.lines().count() <= 25, "the index is longer than an index");
    for page in pages.iter().filter(|page| page.extension().is_some_and(|extension| extension == "md")) {
        let text = fs::read_to_string(page).expect("a page");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            let there = link.is_empty() || link.contains("://") || page.with_file_name(link).exists();
            assert!(there, "{}: {link} leads nowhere", page.display());
        }
        let folders = ["src/", "tests/", "fixtures/", "models/", "docs/", "packaging/"];
        for path in names_of(&text).into_iter().filter(|name| folders.iter().any(|folder| name.starts_with(folder))) {
            let plain = path.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c));
            assert!(!plain || root(path).exists(), "{}: `{path}` is no more", page.display());
        }
        let name = page.file_name().expect("a name").to_string_lossy();
        let listed = page.parent() != Some(&root("docs")) || name == "README.md" || index.contains(&*name);
        assert!(listed, "docs/README.md does not list {name}");
    }
}

#[test]
fn exit_codes_of_the_documents_are_those_of_the_program() {
    let codes: Vec<String> = Exit::VARIANTS.iter().map(|exit| exit.code().to_string()).collect();
    for file in ["README.md", "docs/files.md"] {
        let page = read(file);
        let table = &page[page.find("| exit code |").expect("the table")..];
        let rows = table.lines().skip(2).map_while(|line| line.strip_prefix("| "));
        let stated: Vec<&str> = rows.map(|line| line.split(' ').next().expect("a code")).collect();
        assert_eq!(stated, codes, "{file}");
    }
}

#[test]
fn every_command_has_a_manual_page_and_every_shell_completes_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    program().arg("manual").arg("--out").arg(folder.path()).assert().code(0);
    let cli = Cli::command();
    let commands: Vec<&str> = cli.get_subcommands().map(clap::Command::get_name).collect();
    let pages: Vec<String> = std::iter::once("schistoquant".to_owned())
        .chain(commands.iter().map(|command| format!("schistoquant-{command}")))
        .collect();
    for name in &pages {
        let path = folder.path().join("man1").join(format!("{name}.1"));
        let page = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        let title = page.lines().find(|line| line.starts_with(".TH ")).expect("a title line");
        assert!(title.starts_with(&format!(".TH {name} 1 ")), "{title}");
        assert!(page.contains(".SH NAME") && page.contains(".SH SYNOPSIS"), "{name}");
    }
    let files = fs::read_dir(folder.path().join("man1")).expect("pages").count();
    assert_eq!(files, pages.len());
    for file in ["schistoquant.bash", "_schistoquant", "schistoquant.fish", "_schistoquant.ps1"] {
        let text = fs::read_to_string(folder.path().join("completions").join(file)).expect("a completion");
        for command in &commands {
            assert!(text.contains(command), "{file} does not know {command}");
        }
    }
}
