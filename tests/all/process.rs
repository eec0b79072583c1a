//! The real binary as a child process: for kill -9, signals, and refusals to start.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, TcpListener},
    process::{ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use aurareels_tests::world::PATIENCE;
use tempfile::NamedTempFile;
use tokio::process::{Child, Command};

/// The binary `aurareels` as cargo built it for this very test: the core's own `main.rs`, under the name by which cargo
/// hands it to the tests of this package (see Cargo.toml). It cannot be older than the library that is tested.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_aurareels-under-test");

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

/// `aurareels serve`, running. Killed when dropped.
pub(crate) struct Served {
    child: Child,
    /// Where it serves.
    pub(crate) url: String,
    log: NamedTempFile,
}

fn command(settings: &BTreeMap<String, String>, arguments: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(arguments).env_clear().envs(settings).kill_on_drop(true).stdin(Stdio::null());
    command
}

/// Runs the binary to its end.
pub(crate) async fn run(settings: &BTreeMap<String, String>, arguments: &[&str]) -> Output {
    command(settings, arguments).output().await.expect("the binary runs")
}

/// Begins to run the binary. It is killed when dropped.
pub(crate) fn begin(settings: &BTreeMap<String, String>, arguments: &[&str]) -> Child {
    command(settings, arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("started")
}

impl Served {
    /// Starts it and waits until it is healthy.
    pub(crate) async fn start(settings: &BTreeMap<String, String>, http: &reqwest::Client) -> Self {
        Self::run(command(settings, &["serve"]), settings, http).await
    }

    /// The same under another umask.
    pub(crate) async fn start_under(umask: &str, settings: &BTreeMap<String, String>, http: &reqwest::Client) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("umask {umask}; exec \"$0\" serve"), BINARY]);
        shell.env_clear().envs(settings).kill_on_drop(true).stdin(Stdio::null());
        Self::run(shell, settings, http).await
    }

    /// The same with so few file descriptors.
    pub(crate) async fn start_with_files(
        most: u32,
        settings: &BTreeMap<String, String>,
        http: &reqwest::Client,
    ) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("ulimit -n {most}; exec \"$0\" serve"), BINARY]);
        shell.env_clear().envs(settings).kill_on_drop(true).stdin(Stdio::null());
        Self::run(shell, settings, http).await
    }

    async fn run(mut serve: Command, settings: &BTreeMap<String, String>, http: &reqwest::Client) -> Self {
        let port = free_port();
        serve.env("AURAREELS_LISTEN", format!("127.0.0.1:{port}"));
        let log = NamedTempFile::new().expect("a file");
        let errors = log.reopen().expect("the file");
        let child = serve.stdout(Stdio::null()).stderr(errors).spawn().expect("started");
        let scheme = if settings.contains_key("AURAREELS_TLS_CERT") { "https" } else { "http" };
        let mut served = Self { child, url: format!("{scheme}://127.0.0.1:{port}"), log };
        let limit = Instant::now() + PATIENCE;
        loop {
            let answer = http.get(format!("{}/healthz", served.url)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return served;
            }
            let ended = served.child.try_wait().expect("a child");
            assert!(ended.is_none(), "it ended: {ended:?}\n{}", served.log());
            assert!(Instant::now() < limit, "it never answered");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.log.path()).expect("a log")
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// kill -9.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.expect("killed");
    }

    /// Asks it to read its settings anew (SIGHUP).
    pub(crate) async fn hang_up(&self) {
        self.signal("-HUP").await;
    }

    /// Stops it where it is (SIGSTOP).
    pub(crate) async fn pause(&self) {
        self.signal("-STOP").await;
    }

    /// Has it go on (SIGCONT).
    pub(crate) async fn go_on(&self) {
        self.signal("-CONT").await;
    }

    async fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.pid().to_string()]).status().await.expect("kill runs");
        assert!(sent.success());
    }

    /// Asks it to stop (SIGTERM) and waits; says how it ended and how long it took.
    pub(crate) async fn terminate(mut self) -> (ExitStatus, Duration) {
        let begun = Instant::now();
        self.signal("-TERM").await;
        let status = self.child.wait().await.expect("it ended");
        (status, begun.elapsed())
    }
}
