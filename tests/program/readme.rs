//! README says what the program says: help texts, exit codes, and the commands that the checks run.
//!
//! A block whose first line is `$ schistoquant …` holds the output of that command;
//! `REGENERATE=1 cargo test --test readme` rewrites these blocks.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use schistoquant::cli::exit::Exit;

const FENCE: &str = "```";
const PROMPT: &str = "$ schistoquant";

fn root(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

fn read(file: &str) -> String {
    fs::read_to_string(root(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// What a command prints, without spaces at line ends.
fn printed(arguments: &str) -> String {
    let mut program = Command::cargo_bin("schistoquant").expect("the program is built");
    let done = program.args(arguments.split_whitespace()).env_remove("ORT_DYLIB_PATH").assert().code(0);
    let text = String::from_utf8(done.get_output().stdout.clone()).expect("UTF-8");
    text.trim_end().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// README with every block of output replaced by what the program prints now, and the commands found.
fn renewed(readme: &str) -> (String, Vec<String>) {
    let (mut text, mut commands, mut rest) = (String::new(), Vec::new(), readme);
    let start = format!("\n{PROMPT}");
    while let Some(at) = rest.find(&start) {
        let (before, block) = rest.split_at(at + 1);
        let command = block.lines().next().expect("the prompt").to_owned();
        let end = block.find(&format!("\n{FENCE}")).expect("the end of the block");
        text.push_str(before);
        text.push_str(&format!("{command}\n{}", printed(command.trim_start_matches(PROMPT))));
        commands.push(command);
        rest = &block[end..];
    }
    (text + rest, commands)
}

#[test]
fn help_in_the_readme_is_what_the_program_prints() {
    let readme = read("README.md");
    let (fresh, commands) = renewed(&readme);
    for expected in ["$ schistoquant -h", "$ schistoquant analyze -h", "$ schistoquant synth -h"] {
        assert!(commands.iter().any(|command| command == expected), "{expected} is missing");
    }
    if std::env::var_os("REGENERATE").is_some_and(|value| value == "1") {
        fs::write(root("README.md"), &fresh).expect("the repository is writable");
    } else {
        assert!(fresh == readme, "README differs from --help; REGENERATE=1 cargo test --test readme rewrites it");
    }
}

#[test]
fn the_checks_run_the_commands_of_the_readme() {
    let (readme, checks) = (read("README.md"), read(".ci/run"));
    let commands: Vec<&str> = readme
        .split(&format!("{FENCE}sh\n"))
        .skip(1)
        .flat_map(|block| block.split(FENCE).next().expect("a block").lines())
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
fn exit_codes_of_the_readme_are_those_of_the_program() {
    use Exit::{
        Interrupted, ModelUnusable, NoInputReadable, NotAssessable, OutputNotWritable, ProgramFailed, SomeInputsFailed,
        Success, Usage,
    };
    let codes = [
        Success,
        SomeInputsFailed,
        Usage,
        NoInputReadable,
        NotAssessable,
        ModelUnusable,
        OutputNotWritable,
        ProgramFailed,
        Interrupted,
    ]
    .map(|exit| exit.code().to_string());
    let readme = read("README.md");
    let table = &readme[readme.find("| exit code |").expect("the table")..];
    let stated: Vec<&str> = table
        .lines()
        .skip(2)
        .map_while(|line| line.strip_prefix("| "))
        .map(|line| line.split(' ').next().expect("a code"))
        .collect();
    assert_eq!(stated, codes);
}
