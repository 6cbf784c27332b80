//! Where the server listens and how it ends.
//!
//! In: [`ServeOptions`] and what answers each address. Out: answers until somebody asks it to stop; then no request is taken any
//! more, those under way are answered, and every file is closed.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum_server::Handle;
use tokio::net::TcpSocket;

use super::desk::Desk;
use super::guard::guard;
use super::server::{Server, Shared};
use super::session::{LoginError, People, Sessions, token};
use crate::review::{ReviewError, ReviewSettings, Worklist};

/// Time that requests under way are given when the server ends.
const GRACE: Duration = Duration::from_secs(5);
/// Time between two looks at whether it shall end.
const POLL: Duration = Duration::from_millis(50);
/// Connections that may wait to be taken.
const BACKLOG: u32 = 4096;
/// Threads that answer, and threads that wait for files.
const THREADS: (usize, usize) = (2, 64);

/// Certificate and key of an encrypted server, PEM files.
#[derive(Debug, Clone)]
pub struct Tls {
    /// Certificates, the server's own first.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// What a server is asked for.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// Folder with the cases.
    pub folder: PathBuf,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Names beside the address that the server goes by.
    pub hosts: Vec<String>,
    /// Certificate and key.
    pub tls: Option<Tls>,
    /// File of the people who may log in.
    pub login: Option<PathBuf>,
    /// What reports are written with.
    pub settings: ReviewSettings,
}

/// Why a server cannot start, or ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// It would be open to the network without encryption or login (request invalid).
    #[error(
        "{address}: expected an address of this machine (127.0.0.1), or a certificate, a key and a login file; give --tls-certificate, --tls-key and --login"
    )]
    Open {
        /// The address.
        address: SocketAddr,
    },
    /// The address cannot be listened on (environment).
    #[error("{address}: expected an address that is free; name another one with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The server failed (environment).
    #[error("the server ended")]
    Failed(#[source] std::io::Error),
    /// Certificate or key cannot be used (request invalid).
    #[error("{path}: expected a certificate and its key in PEM files", path = .path.display())]
    Certificate {
        /// The certificate.
        path: PathBuf,
        /// What is wrong.
        source: std::io::Error,
    },
    /// This build cannot encrypt (request invalid).
    #[error(
        "expected a build that can encrypt, found one without; make one with `cargo build --release --features tls`"
    )]
    NoTls,
    /// The login file cannot be used.
    #[error("the login file cannot be used")]
    Login(#[from] LoginError),
    /// The folder cannot be used.
    #[error("the folder cannot be served")]
    Review(#[from] ReviewError),
}

/// Serves `routes` until `stop` is set; `ready` is told the address to open.
///
/// # Errors
/// [`ServeError`].
pub fn serve(
    options: &ServeOptions,
    routes: Router<Server>,
    stop: &Arc<AtomicBool>,
    ready: impl FnOnce(&str),
) -> Result<(), ServeError> {
    let is_own_machine = options.listen.ip().is_loopback();
    if !is_own_machine && (options.tls.is_none() || options.login.is_none()) {
        return Err(ServeError::Open { address: options.listen });
    }
    let people = options.login.as_deref().map(People::read).transpose()?;
    // Found now and not by the first person who opens the page.
    Worklist::new(&options.folder).cases()?;
    let failed = |source| ServeError::Listen { address: options.listen, source };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS.0)
        .max_blocking_threads(THREADS.1)
        .enable_all()
        .build()
        .map_err(ServeError::Failed)?;
    let listener = runtime.block_on(async { bound(options.listen) }).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let server = Server::new(Shared {
        desk: Desk::new(Worklist::new(&options.folder), options.settings.clone()),
        sessions: Sessions::default(),
        people,
        token: token().map_err(ServeError::Failed)?,
        hosts: hosts(address, &options.hosts),
        is_encrypted: options.tls.is_some(),
    });
    let path = if server.people().is_some() { "login".to_owned() } else { format!("open/{}", server.token()) };
    let host = options.hosts.first().map_or_else(|| address.to_string(), |host| format!("{host}:{}", address.port()));
    let shown = format!("{}://{host}/{path}", server.scheme());
    let router = routes.layer(from_fn_with_state(server.clone(), guard)).with_state(server);
    let (stop, handle) = (stop.clone(), Handle::new());
    runtime.block_on(async {
        let ending = handle.clone();
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                tokio::time::sleep(POLL).await;
            }
            ending.graceful_shutdown(Some(GRACE));
        });
        ready(&shown);
        listen(listener, options.tls.as_ref(), handle, router).await
    })
}

/// A listener at which many may wait: the usual queue of 128 turns away those who come at once with more.
fn bound(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

async fn listen(
    listener: TcpListener,
    tls: Option<&Tls>,
    handle: Handle<SocketAddr>,
    router: Router,
) -> Result<(), ServeError> {
    match tls {
        Some(tls) => encrypted(listener, tls, handle, router).await,
        None => {
            let server = axum_server::from_tcp(listener).map_err(ServeError::Failed)?;
            server.handle(handle).serve(router.into_make_service()).await.map_err(ServeError::Failed)
        }
    }
}

#[cfg(feature = "tls")]
async fn encrypted(
    listener: TcpListener,
    tls: &Tls,
    handle: Handle<SocketAddr>,
    router: Router,
) -> Result<(), ServeError> {
    use axum_server::tls_rustls::RustlsConfig;
    let unusable = |source| ServeError::Certificate { path: tls.certificate.clone(), source };
    let config = RustlsConfig::from_pem_file(&tls.certificate, &tls.key).await.map_err(unusable)?;
    let server = axum_server::from_tcp_rustls(listener, config).map_err(ServeError::Failed)?;
    server.handle(handle).serve(router.into_make_service()).await.map_err(ServeError::Failed)
}

/// None in this build.
#[cfg(not(feature = "tls"))]
async fn encrypted(_: TcpListener, _: &Tls, _: Handle<SocketAddr>, _: Router) -> Result<(), ServeError> {
    Err(ServeError::NoTls)
}

/// What a request may call the server.
fn hosts(address: SocketAddr, names: &[String]) -> Vec<String> {
    let port = address.port();
    let mut hosts = vec![address.to_string()];
    if address.ip().is_loopback() {
        hosts.push(format!("localhost:{port}"));
    }
    for name in names {
        hosts.push(format!("{name}:{port}"));
        if port == 443 {
            hosts.push(name.clone());
        }
    }
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_names_are_answered() {
        let of = |address: &str, names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            hosts(address.parse().expect("an address"), &names)
        };
        assert_eq!(of("127.0.0.1:8642", &[]), ["127.0.0.1:8642", "localhost:8642"]);
        assert_eq!(of("[::1]:8642", &[]), ["[::1]:8642", "localhost:8642"]);
        assert_eq!(of("10.0.0.7:443", &["lab.example"]), ["10.0.0.7:443", "lab.example:443", "lab.example"]);
    }
}
