//! `review`: cases in a browser, until they are signed; and what belongs to it: the proof of a trail, labels, people.
//!
//! stdout: the address to open, and nothing else; with `--verify` one line for each case, with `--export` the table that was
//! written. SIGTERM and Ctrl-C are the regular end of a review, exit code 0. `--verify` leaves with 1 where a case is not sound.

use std::io::Read as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::exit::{Exit, Failure};
use super::report_options::ConfigOptions;
use super::terminal::{on_interrupt, print, print_document, warn};
use schistoquant::review::web::{MIN_PASSWORD_CHARS, People, ServeOptions, Tls, serve};
use schistoquant::review::{OpenCase, ReviewSettings, Settled, case_folders, export_labels, verify};

const EXAMPLES: &str = "Examples:
  schistoquant review results
  schistoquant review results --verify
  schistoquant review results --export labels
  schistoquant review results --listen 10.0.0.7:8642 --host lab.example --tls-certificate cert.pem --tls-key key.pem --login people
  schistoquant review --add-person people --name \"Ada Lovelace\" --role MLS < password";

/// Read and sign cases in a browser on this machine
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct ReviewArgs {
    /// Folder that `analyze`, `batch` or `watch` wrote
    #[arg(value_name = "FOLDER", required_unless_present = "add_person")]
    pub folder: Option<PathBuf>,
    /// Address to listen on; beyond this machine with certificate, key and login alone
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8642")]
    pub listen: SocketAddr,
    /// Prove that trails and reports are complete and unchanged, and end
    #[arg(long, conflicts_with_all = ["export", "add_person"])]
    pub verify: bool,
    /// Write the read cells as labels into a folder, and end
    #[arg(long, value_name = "DIR", conflicts_with = "add_person")]
    pub export: Option<PathBuf>,
    #[command(flatten)]
    pub config: ConfigOptions,
    /// Name that browsers call the server by; may be given several times
    #[arg(long, value_name = "NAME", help_heading = "Beyond this machine")]
    pub host: Vec<String>,
    /// Certificate, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_key", help_heading = "Beyond this machine")]
    pub tls_certificate: Option<PathBuf>,
    /// Its private key, a PEM file
    #[arg(long, value_name = "FILE", requires = "tls_certificate", help_heading = "Beyond this machine")]
    pub tls_key: Option<PathBuf>,
    /// File of the people who may log in
    #[arg(long, value_name = "FILE", help_heading = "Beyond this machine")]
    pub login: Option<PathBuf>,
    /// Add a person to a login file, with the password from standard input, and end
    #[arg(long, value_name = "FILE", requires_all = ["name", "role"], help_heading = "Beyond this machine")]
    pub add_person: Option<PathBuf>,
    /// Printed name of the person
    #[arg(long, value_name = "NAME", requires = "add_person", help_heading = "Beyond this machine")]
    pub name: Option<String>,
    /// Role of the person in the laboratory
    #[arg(long, value_name = "ROLE", requires = "add_person", help_heading = "Beyond this machine")]
    pub role: Option<String>,
}

/// Longest password that is read, bytes.
const MAX_PASSWORD_BYTES: u64 = 4096;

impl ReviewArgs {
    /// What reports are written with: the configuration where one is named.
    fn settings(&self) -> Result<ReviewSettings, Failure> {
        let Some(_) = &self.config.config else { return Ok(ReviewSettings::default()) };
        let settings = self.config.load()?.settings;
        let settled = Settled {
            configuration_sha256: settings.sha256().map_err(Failure::usage)?,
            laboratory: settings.laboratory.clone(),
            grading: settings.count.grading.clone(),
        };
        Ok(ReviewSettings { messages: settings.messages, settled: Some(settled) })
    }
}

/// Runs the command.
///
/// # Errors
/// A [`Failure`] where folder, address, configuration or login file cannot be used.
pub fn run(args: &ReviewArgs) -> Result<Exit, Failure> {
    if let (Some(file), Some(name), Some(role)) = (&args.add_person, &args.name, &args.role) {
        return add_person(file, name, role);
    }
    let Some(folder) = &args.folder else { return Err(Failure::usage("expected a folder with cases, found none")) };
    if !folder.is_dir() {
        let text = format!(
            "{}: expected a folder with cases, found none; name one that `analyze`, `batch` or `watch` wrote",
            folder.display()
        );
        return Err(Failure::new(Exit::NoInputReadable, text));
    }
    let settings = args.settings()?;
    if args.verify {
        return run_verify(folder, &settings);
    }
    if let Some(out) = &args.export {
        return run_export(folder, out, &settings);
    }
    let stop = on_interrupt();
    let tls = args.tls_certificate.clone().zip(args.tls_key.clone());
    let options = ServeOptions {
        folder: folder.clone(),
        listen: args.listen,
        hosts: args.host.clone(),
        tls: tls.map(|(certificate, key)| Tls { certificate, key }),
        login: args.login.clone(),
        settings,
    };
    // Nobody may read along; the server runs all the same.
    serve(&options, &stop, |address| drop(print_document(&format!("{address}\n"))))?;
    Ok(Exit::Success)
}

fn add_person(file: &std::path::Path, name: &str, role: &str) -> Result<Exit, Failure> {
    let mut password = String::new();
    let read = std::io::stdin().take(MAX_PASSWORD_BYTES).read_to_string(&mut password);
    read.map_err(|_| {
        Failure::usage(format!("expected a password of at least {MIN_PASSWORD_CHARS} characters on standard input"))
    })?;
    People::add(file, name, role, password.trim_end_matches(['\r', '\n'])).map_err(Failure::usage)?;
    print(&format!("{name} may log in\n"))?;
    Ok(Exit::Success)
}

fn run_verify(folder: &std::path::Path, settings: &ReviewSettings) -> Result<Exit, Failure> {
    let mut exit = Exit::Success;
    let mut text = String::new();
    let cases = case_folders(folder)?;
    if cases.is_empty() {
        let text = format!("{}: expected cases, found none; name a folder with the format json", folder.display());
        return Err(Failure::new(Exit::NoInputReadable, text));
    }
    for case in cases {
        let name = case.display();
        match verify(&case, settings) {
            Ok(found) if found.faults.is_empty() => {
                let signed = match (found.signatures, found.made_anew, found.other_version) {
                    (0, ..) => "not signed".to_owned(),
                    (signatures, _, Some(version)) => format!(
                        "signature {signatures}, files as schistoquant {version} wrote them (prove with that version that they follow)"
                    ),
                    (signatures, true, None) => format!("signature {signatures}, reports follow"),
                    (signatures, false, None) => format!(
                        "signature {signatures}, record follows (name the configuration of the signature to compare the other reports)"
                    ),
                };
                text.push_str(&format!("{name}: sound, {} events, {signed}\n", found.events));
            }
            Ok(found) => {
                exit = Exit::SomeInputsFailed;
                for fault in found.faults {
                    text.push_str(&format!("{name}: NOT SOUND: {fault}\n"));
                }
            }
            Err(error) => {
                exit = Exit::SomeInputsFailed;
                text.push_str(&format!("{name}: NOT SOUND: {}\n", super::exit::chain(&error)));
            }
        }
    }
    print(&text)?;
    Ok(exit)
}

fn run_export(folder: &std::path::Path, out: &std::path::Path, settings: &ReviewSettings) -> Result<Exit, Failure> {
    let mut exit = Exit::Success;
    let mut cases = Vec::new();
    for case in case_folders(folder)? {
        match OpenCase::open(&case, settings) {
            Ok((open, _)) => cases.push(open),
            Err(error) => {
                exit = Exit::SomeInputsFailed;
                warn(format_args!("{}: {}", case.display(), super::exit::chain(&error)));
            }
        }
    }
    let (path, rows) = export_labels(&cases, out)?;
    print(&format!("{}: {rows} cells\n", path.display()))?;
    Ok(exit)
}
