//! As much of a browser as a review needs: one connection for each request, a cookie, and the token of the session.

use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

/// A person at a review.
#[derive(Debug, Clone)]
pub struct Browser {
    host: String,
    cookie: String,
    csrf: String,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// Sends one request as it stands and reads the answer to its end.
pub fn exchange(host: &str, request: &[u8]) -> Result<Answer> {
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.write_all(request)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let end = end.ok_or_else(|| Error::new(ErrorKind::UnexpectedEof, "no whole answer"))?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| Error::new(ErrorKind::InvalidData, "no answer"))?;
    let body = bytes[end + 4..].to_vec();
    let length = head.lines().filter_map(|line| line.split_once(": "));
    let length =
        length.filter(|(name, _)| name.eq_ignore_ascii_case("content-length")).find_map(|(_, n)| n.parse().ok());
    if length.is_some_and(|length: usize| length != body.len()) {
        return Err(Error::new(ErrorKind::UnexpectedEof, "the answer was cut"));
    }
    Ok(Answer { status, head, body })
}

impl Browser {
    /// Opens the printed address and gives a name.
    pub fn enter(address: &str, name: &str) -> Result<Self> {
        let missing = || Error::new(ErrorKind::InvalidData, "no session");
        let rest = address.trim().strip_prefix("http://").ok_or_else(missing)?;
        let (host, path) = rest.split_once('/').ok_or_else(missing)?;
        let mut browser = Self { host: host.to_owned(), cookie: String::new(), csrf: String::new() };
        let opened = browser.get(&format!("/{path}"))?;
        browser.cookie =
            opened.header("set-cookie").and_then(|text| text.split(';').next()).ok_or_else(missing)?.to_owned();
        let page = browser.get("/start")?.text();
        let marked = page.split_once("name=\"csrf\" content=\"").and_then(|(_, rest)| rest.split('"').next());
        browser.csrf = marked.ok_or_else(missing)?.to_owned();
        browser.form("/start", &[("name", name), ("role", "MLS")])?;
        Ok(browser)
    }

    pub fn get(&self, path: &str) -> Result<Answer> {
        let Self { host, cookie, .. } = self;
        let text = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n");
        exchange(host, text.as_bytes())
    }

    pub fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.send(path, "application/json", &format!("X-CSRF-Token: {}\r\n", self.csrf), &body.to_string())
    }

    pub fn form(&self, path: &str, fields: &[(&str, &str)]) -> Result<Answer> {
        let escaped = |text: &str| -> String {
            let escape = |byte: u8| {
                if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }
            };
            text.bytes().map(escape).collect()
        };
        let pairs = fields.iter().copied().chain([("csrf", self.csrf.as_str())]);
        let body: Vec<String> = pairs.map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        self.send(path, "application/x-www-form-urlencoded", "", &body.join("&"))
    }

    fn send(&self, path: &str, kind: &str, headers: &str, body: &str) -> Result<Answer> {
        let Self { host, cookie, .. } = self;
        let length = body.len();
        let text = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nContent-Type: {kind}\r\n{headers}Content-Length: \
             {length}\r\nConnection: close\r\n\r\n{body}"
        );
        exchange(host, text.as_bytes())
    }

    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    pub fn csrf(&self) -> &str {
        &self.csrf
    }
}

/// A review that runs, and the address that it printed.
pub struct Running {
    pub child: Child,
    pub address: String,
    /// Open until the end, so that nothing that is printed fails.
    _stdout: ChildStdout,
}

impl Running {
    pub fn start(program: &str, folder: &std::path::Path, more: &[&str]) -> Self {
        let mut child = Command::new(program)
            .arg("review")
            .arg(folder)
            .args(["--listen", "127.0.0.1:0"])
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stdout = child.stdout.take().expect("piped");
        let mut address = Vec::new();
        let mut byte = [0];
        while stdout.read(&mut byte).expect("readable") == 1 && byte[0] != b'\n' {
            address.push(byte[0]);
        }
        Self { child, address: String::from_utf8(address).expect("an address"), _stdout: stdout }
    }
}
