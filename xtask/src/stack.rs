//! A core and a simulator for one client test: started on free ports with a database of their own, stopped at the end.
//!
//! Both are real processes of the `aurareels` binary. They are stopped by their process ids, whatever the test did; a
//! core that does not end within its ten seconds after SIGTERM fails the test.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, de::DeserializeOwned};

use crate::run::{self, Program, Workspace};

/// How long a debug build may take to open its port on a busy machine.
const START: Duration = Duration::from_secs(60);

/// The ten seconds that a core has for a graceful stop, and some for a busy machine.
const GRACE: Duration = Duration::from_secs(15);

/// The first line that `aurareels simulate --json` prints.
#[derive(Deserialize)]
struct Simulator {
    /// The settings that point a core at this simulator.
    environment: BTreeMap<String, String>,
    /// The control API, `/_sim/`.
    control: String,
    /// Where the simulator serves sample videos.
    media: String,
}

#[derive(Deserialize)]
struct ApiKey {
    key: String,
}

/// A running core with its simulator.
pub(crate) struct Stack {
    /// What a client needs to know, by environment.
    pub(crate) environment: BTreeMap<String, String>,
    core: Process,
    simulator: Process,
    dir: PathBuf,
}

/// A process that never outlives this value.
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

impl Drop for Process {
    fn drop(&mut self) {
        // Already stopped in the good case; here an error is on its way, which matters more than this one.
        let _ = run::stop(&mut self.child, GRACE);
    }
}

impl Stack {
    /// Starts both and waits until the core takes connections. `name` names the directory of data and logs; `further`
    /// are settings of the core that only this client needs.
    pub(crate) fn start(workspace: &Workspace, binary: &Path, name: &str, further: &[(&str, &str)]) -> Result<Self> {
        let dir = workspace.cache("stack")?.join(name);
        if dir.exists() {
            std::fs::remove_dir_all(&dir).with_context(|| format!("cannot empty {}", dir.display()))?;
        }
        std::fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;

        let (simulator, about) = start_simulator(workspace, binary, &dir)?;
        let port = free_port()?;
        let address = format!("http://127.0.0.1:{port}");
        let mut settings = about.environment;
        settings.insert("AURAREELS_LISTEN".to_owned(), format!("127.0.0.1:{port}"));
        settings.insert("AURAREELS_PUBLIC_URL".to_owned(), address.clone());
        settings.insert("AURAREELS_DATA_DIR".to_owned(), dir.join("data").to_string_lossy().into_owned());
        settings.insert("AURAREELS_ALLOW_PRIVATE_MEDIA_HOSTS".to_owned(), "true".to_owned());
        settings.extend(further.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let aurareels = || with_settings(workspace.program(binary).dir(&dir), &settings);
        let key = aurareels().args(["keys", "generate"]).output()?;
        settings.insert("AURAREELS_SOCIAL_ENCRYPTION_KEY".to_owned(), key.trim().to_owned());

        let aurareels = || with_settings(workspace.program(binary).dir(&dir), &settings);
        let mut core = spawn(aurareels().arg("serve"), &dir.join("core.log"))?;
        wait_for_port(&mut core, port)?;
        let key = |of: &[&str]| -> Result<String> {
            let create = aurareels().args(["api-key", "create", "--json"]).args(of).output()?;
            let key: ApiKey =
                serde_json::from_str(&create).context("`aurareels api-key create --json` did not print a key")?;
            Ok(key.key)
        };
        let users = key(&["--user", "1", "--scopes", "read,publish"])?;
        let readers = key(&["--user", "1", "--scopes", "read"])?;
        let operators = key(&["--any-user", "--scopes", "read,publish,admin"])?;

        let environment = BTreeMap::from([
            ("AURAREELS_ADDRESS".to_owned(), address),
            ("AURAREELS_API_KEY".to_owned(), users),
            ("AURAREELS_READER_KEY".to_owned(), readers),
            ("AURAREELS_OPERATOR_KEY".to_owned(), operators),
            ("AURAREELS_BINARY".to_owned(), binary.to_string_lossy().into_owned()),
            ("AURAREELS_SIMULATOR_CONTROL".to_owned(), about.control),
            ("AURAREELS_SIMULATOR_MEDIA".to_owned(), about.media),
        ]);
        Ok(Self { environment, core, simulator, dir })
    }

    /// Stops both; an error if the core did not end by itself in time. Data and logs go with it.
    pub(crate) fn stop(mut self) -> Result<()> {
        let obeyed = run::stop(&mut self.core.child, GRACE)?;
        run::stop(&mut self.simulator.child, GRACE)?;
        if !obeyed {
            self.print_logs();
            bail!("the core did not end within {} s of SIGTERM", GRACE.as_secs());
        }
        std::fs::remove_dir_all(&self.dir).with_context(|| format!("cannot remove {}", self.dir.display()))
    }

    /// Prints the end of both logs, for a test that failed.
    pub(crate) fn print_logs(&self) {
        self.core.print_log();
        self.simulator.print_log();
    }
}

impl Process {
    /// Starts a program that says on one line of JSON when it can be used and what about it; it goes on running.
    pub(crate) fn announced<T: DeserializeOwned>(program: Program, log: &Path) -> Result<(Self, T, String)> {
        let mut child = program.spawn(Stdio::piped(), create(log)?)?;
        let stdout = child.stdout.take().context("no standard output")?;
        let process = Self { child, log: log.to_owned() };
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        stdout.read_line(&mut line).context("cannot read what the program prints")?;
        // Whatever follows is read on, so that the program never waits for a full pipe.
        std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
        match serde_json::from_str(&line) {
            Ok(about) => Ok((process, about, line.trim().to_owned())),
            Err(error) => {
                process.print_log();
                bail!("its first line is not what it should say ({error}): {}", line.trim())
            }
        }
    }

    pub(crate) fn print_log(&self) {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        println!("-- the end of {}:", self.log.display());
        for line in &lines[lines.len().saturating_sub(60)..] {
            println!("{line}");
        }
    }
}

fn start_simulator(workspace: &Workspace, binary: &Path, dir: &Path) -> Result<(Process, Simulator)> {
    let log = dir.join("simulator.log");
    let program = workspace.program(binary).dir(dir).args(["simulate", "--json"]);
    let (process, about, _) = Process::announced(program, &log).context("the simulator did not start")?;
    Ok((process, about))
}

/// A program with these settings and no others: a developer's own core and platform apps stay out of a test.
fn with_settings(program: Program, settings: &BTreeMap<String, String>) -> Program {
    const OURS: [&str; 9] =
        ["AURAREELS_", "N8N_", "TIKTOK_", "INSTAGRAM_", "FACEBOOK_", "META_", "YOUTUBE_", "GOOGLE_", "CLOUDFLARE_"];
    let program = program.without_env(|name| OURS.iter().any(|prefix| name.starts_with(prefix)));
    settings.iter().fold(program, |program, (name, value)| program.env(name, value))
}

fn spawn(program: Program, log: &Path) -> Result<Process> {
    let file = create(log)?;
    let child = program.spawn(file.try_clone().context("cannot share a log file")?, file)?;
    Ok(Process { child, log: log.to_owned() })
}

fn create(log: &Path) -> Result<File> {
    File::create(log).with_context(|| format!("cannot create {}", log.display()))
}

/// A port that was free a moment ago. The core could choose one itself, but OAuth needs to know its address before.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("cannot open a port on 127.0.0.1")?;
    Ok(listener.local_addr().context("a port without an address")?.port())
}

fn wait_for_port(core: &mut Process, port: u16) -> Result<()> {
    let begin = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if let Some(status) = core.child.try_wait().context("cannot wait for the core")? {
            core.print_log();
            bail!("the core ended with {status} before it took connections");
        }
        if begin.elapsed() > START {
            core.print_log();
            bail!("the core took no connections within {} s", START.as_secs());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
