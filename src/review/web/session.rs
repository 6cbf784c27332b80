//! Who is at the other end: sessions with a reader's name, and the file of people who may log in.
//!
//! In: cookies, tokens, names and passwords. Out: a [`Session`]. Tokens are 32 random bytes of the system in hexadecimal and
//! are compared in constant time.
//!
//! Format of the login file: one person a line, `name<TAB>role<TAB>hash`, the hash in the PHC form of Argon2id
//! (RFC 9106); lines that begin with `#` and empty ones are passed over.
//!
//! METHOD: without a login file the program serves this machine alone, and whoever has the printed address is the person at it.
//! They give their name themselves, as on paper.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::case::{MAX_TEXT_CHARS, Reviewer};
use crate::durable::hex;

/// Random bytes of a token.
const TOKEN_BYTES: usize = 32;
/// A session ends when nothing was asked for this long: a shift.
const IDLE: Duration = Duration::from_secs(8 * 3600);
/// Most sessions at once.
const MAX_SESSIONS: usize = 1000;
/// Time that a wrong password costs.
const WRONG_PASSWORD_DELAY: Duration = Duration::from_millis(500);

/// A new token.
///
/// # Errors
/// The system gives no random numbers.
pub fn token() -> std::io::Result<String> {
    let mut bytes = [0_u8; TOKEN_BYTES];
    getrandom::fill(&mut bytes).map_err(std::io::Error::other)?;
    Ok(hex(&bytes))
}

/// Whether two texts are the same, in a time that does not tell where they differ.
pub fn same(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.bytes().zip(other.bytes()).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its identifier, the cookie's value.
    pub id: String,
    /// What every post must bring.
    pub csrf: String,
    /// Who it is; `None` until a name is known.
    pub reader: Option<Reviewer>,
}

/// The sessions.
#[derive(Debug, Default)]
pub struct Sessions {
    all: Mutex<HashMap<String, (Session, Instant)>>,
}

impl Sessions {
    fn all(&self) -> MutexGuard<'_, HashMap<String, (Session, Instant)>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new session.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn begin(&self, reader: Option<Reviewer>) -> std::io::Result<Session> {
        let session = Session { id: token()?, csrf: token()?, reader };
        let mut all = self.all();
        all.retain(|_, (_, used)| used.elapsed() < IDLE);
        if all.len() >= MAX_SESSIONS
            && let Some(oldest) = all.iter().min_by_key(|(_, (_, used))| *used).map(|(id, _)| id.clone())
        {
            all.remove(&oldest);
        }
        all.insert(session.id.clone(), (session.clone(), Instant::now()));
        Ok(session)
    }

    /// The session of a cookie.
    pub fn of(&self, id: &str) -> Option<Session> {
        let mut all = self.all();
        let (session, used) = all.get_mut(id).filter(|(_, used)| used.elapsed() < IDLE)?;
        *used = Instant::now();
        Some(session.clone())
    }

    /// Gives a session its reader.
    pub fn name(&self, id: &str, reader: Reviewer) {
        if let Some((session, _)) = self.all().get_mut(id) {
            session.reader = Some(reader);
        }
    }

    /// Ends a session.
    pub fn end(&self, id: &str) {
        self.all().remove(id);
    }
}

/// A name or role as somebody typed it.
///
/// # Errors
/// What was expected.
pub fn plain_text(what: &str, given: &str) -> Result<String, String> {
    let given = given.trim();
    let chars = given.chars().count();
    match chars {
        0 => Err(format!("Please give {what}.")),
        _ if chars > MAX_TEXT_CHARS => Err(format!("Please give {what} of at most {MAX_TEXT_CHARS} characters.")),
        _ if given.chars().any(char::is_control) => Err(format!("Please give {what} in plain text.")),
        _ => Ok(given.to_owned()),
    }
}

/// Why a login file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoginError {
    /// It cannot be read or written.
    #[error("{path}: expected a login file that can be read and written; check path and permissions", path = .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A line is not that of a person.
    #[error("{path}: line {line}: expected name, role and hash with a tab between; make it with `review --add-person`", path = .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
    },
    /// A name or role that cannot stand there.
    #[error("expected a name and a role of printable characters, and a password of at least {MIN_PASSWORD_CHARS}: {0}")]
    Person(String),
}

/// Shortest password that is taken, characters (NIST SP 800-63B-4, section 3.1.1.2: 15 where it is the only factor).
pub const MIN_PASSWORD_CHARS: usize = 15;

/// The people who may log in.
#[derive(Debug, Clone, Default)]
pub struct People {
    hashes: HashMap<String, (Reviewer, String)>,
}

impl People {
    /// The people of a file.
    ///
    /// # Errors
    /// [`LoginError`].
    pub fn read(path: &Path) -> Result<Self, LoginError> {
        let text = fs::read_to_string(path).map_err(|source| LoginError::File { path: path.to_owned(), source })?;
        let mut people = Self::default();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let parts: Vec<&str> = line.split('\t').collect();
            let [name, role, hash] = parts[..] else {
                return Err(LoginError::Line { path: path.to_owned(), line: index + 1 });
            };
            let reader = Reviewer { name: name.to_owned(), role: role.to_owned() };
            people.hashes.insert(name.to_owned(), (reader, hash.to_owned()));
        }
        Ok(people)
    }

    /// Adds a person to a file, which is made where it is missing; an earlier line of the name goes.
    ///
    /// # Errors
    /// [`LoginError`].
    pub fn add(path: &Path, name: &str, role: &str, password: &str) -> Result<(), LoginError> {
        let person = |what: &str, given: &str| plain_text(what, given).map_err(LoginError::Person);
        let (name, role) = (person("a name", name)?, person("a role", role)?);
        if password.chars().count() < MIN_PASSWORD_CHARS {
            return Err(LoginError::Person("the password is shorter".to_owned()));
        }
        let failed = |source| LoginError::File { path: path.to_owned(), source };
        let earlier = match fs::read_to_string(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            other => other.map_err(failed)?,
        };
        let own = format!("{name}\t");
        let kept = earlier.lines().filter(|line| !line.starts_with(&own)).map(|line| format!("{line}\n"));
        let line = format!("{name}\t{role}\t{}\n", password_auth::generate_hash(password));
        let text: String = kept.chain([line]).collect();
        crate::durable::write(path, text.as_bytes()).map_err(failed)
    }

    /// The person of a name and password; a wrong one costs time.
    pub fn find(&self, name: &str, password: &str) -> Option<Reviewer> {
        /// One password is tried at a time: each costs memory, and guessing is slow.
        static ONE: Mutex<()> = Mutex::new(());
        let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let found =
            self.hashes.get(name.trim()).filter(|(_, hash)| password_auth::verify_password(password, hash).is_ok());
        if found.is_none() {
            std::thread::sleep(WRONG_PASSWORD_DELAY);
        }
        found.map(|(reader, _)| reader.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_and_never_the_same() {
        let (one, other) = (token().expect("random"), token().expect("random"));
        assert_eq!((one.len(), same(&one, &one), same(&one, &other), same(&one, &one[1..])), (64, true, false, false));
    }

    #[test]
    fn a_session_holds_until_it_ends() {
        let sessions = Sessions::default();
        let session = sessions.begin(None).expect("random");
        assert_eq!(sessions.of(&session.id), Some(session.clone()));
        let ada = Reviewer { name: "Ada".to_owned(), role: "MLS".to_owned() };
        sessions.name(&session.id, ada.clone());
        assert_eq!(sessions.of(&session.id).expect("begun").reader, Some(ada));
        sessions.end(&session.id);
        assert_eq!(sessions.of(&session.id), None);
    }

    #[test]
    fn people_log_in_with_their_own_password_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("people");
        let password = "correct horse battery";
        People::add(&path, "Ada Lovelace", "MLS", password).expect("written");
        People::add(&path, "Eve", "MD", "another long password").expect("written");
        assert!(!fs::read_to_string(&path).expect("a file").contains(password));
        let people = People::read(&path).expect("a file");
        assert_eq!(people.find("Ada Lovelace", password).map(|reader| reader.role), Some("MLS".to_owned()));
        assert_eq!(people.find("Eve", password), None);
        assert_eq!(people.find("Nobody", password), None);
        People::add(&path, "Ada Lovelace", "MD", "yet another password").expect("written");
        let people = People::read(&path).expect("a file");
        assert_eq!((people.hashes.len(), people.find("Ada Lovelace", password)), (2, None));
    }

    #[test]
    fn short_passwords_and_odd_names_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("people");
        assert!(People::add(&path, "Ada", "MLS", "14 characters.").is_err());
        assert!(People::add(&path, "Ada", "MLS", "15 characters..").is_ok());
        for name in ["", "  ", "A\tB", "A\nB"] {
            assert!(People::add(&path, name, "MLS", "15 characters..").is_err(), "{name:?}");
        }
        fs::write(&path, "Ada MLS hash").expect("written");
        assert!(matches!(People::read(&path), Err(LoginError::Line { line: 1, .. })));
    }
}
