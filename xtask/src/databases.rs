//! Database servers for tests, and one of S3: private ones in a folder that goes with them. Nothing of the machine's own servers is
//! touched, and none is left behind.
//!
//! Their addresses are in the environment of what is run beside them: `AURAREELS_TEST_POSTGRES`, `AURAREELS_TEST_MYSQL` and
//! `AURAREELS_TEST_S3`.
//! Each test makes a database of its own there.

use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::run::{Program, Workspace, stop, wait_for};
use crate::{stamp, tools};

/// Longest time until a server answers.
const START: Duration = Duration::from_secs(60);

/// Longest time until a server has ended.
const END: Duration = Duration::from_secs(20);

/// Packages of Debian and Ubuntu.
const PACKAGES: &[&str] = &["mariadb-server-core", "mariadb-client-core", "postgresql"];

/// Connections at the same time: some cores of about fifteen each beside each other.
const CONNECTIONS: u32 = 600;

/// Free bytes that make memory the place for databases.
const ROOM: u64 = 4 << 30;

/// How much of a server's memory holds pages where it is measured: what a small server would be given.
const PAGES: &str = "1G";

/// What servers are for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// To be tested with: what was committed outlives the process, not the machine.
    Tests,
    /// To be measured: on a disk, as durable as docs/databases.md asks for, and telling what a statement took when asked.
    Figures,
}

/// The servers, for as long as this lives.
pub(crate) struct Servers<'a> {
    directory: PathBuf,
    purpose: Purpose,
    running: Vec<Server<'a>>,
    /// What could not be had, and what is not tried therefore.
    pub(crate) remark: Option<String>,
}

/// A running server.
struct Server<'a> {
    /// What tests call it.
    name: &'static str,
    /// Where its address stands in the environment, and the address.
    address: (&'static str, String),
    /// What ends it with its clients, and what ends it at once, without a word; both keep what was committed.
    signals: [&'static str; 2],
    spawn: Box<dyn Fn() -> Result<Child> + Send + 'a>,
    is_ready: Box<dyn Fn() -> bool + Send + 'a>,
    child: Child,
}

impl Server<'_> {
    fn wait(&self) -> Result<()> {
        let begun = Instant::now();
        while !(self.is_ready)() {
            if begun.elapsed() > START {
                bail!("{} did not start within {} seconds", self.name, START.as_secs());
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }

    /// Ends it by a signal and starts it again on what it left.
    fn restart(&mut self, signal: &str) -> Result<()> {
        let ask = format!("kill -{signal} {}", self.child.id());
        std::process::Command::new("sh").args(["-c", &ask]).status().context("cannot signal a server")?;
        if wait_for(&mut self.child, END)?.is_none() {
            bail!("{} did not end within {} seconds of SIG{signal}", self.name, END.as_secs());
        }
        self.child = (self.spawn)()?;
        self.wait()
    }
}

impl<'a> Servers<'a> {
    /// What tests call them.
    pub(crate) const NAMES: [&'static str; 2] = ["postgres", "mysql"];

    /// Starts them, and a server of S3; installs what is missing.
    pub(crate) fn start(workspace: &'a Workspace) -> Result<Self> {
        let mut servers = Self::start_some(workspace, &Self::NAMES)?;
        if let Err(error) = servers.s3(workspace) {
            servers.remark =
                Some(format!("uploads in a bucket were not tried, no S3 server could be started: {error:#}"));
        }
        Ok(servers)
    }

    /// Starts those of these names.
    pub(crate) fn start_some(workspace: &'a Workspace, names: &[&str]) -> Result<Self> {
        Self::start_for(Purpose::Tests, workspace, names)
    }

    /// Starts one that is measured.
    pub(crate) fn start_to_measure(workspace: &'a Workspace, name: &str) -> Result<Self> {
        Self::start_for(Purpose::Figures, workspace, &[name])
    }

    fn start_for(purpose: Purpose, workspace: &'a Workspace, names: &[&str]) -> Result<Self> {
        let has = |name: &str| workspace.program(name).arg("--version").quiet().succeeds();
        if initdb().is_none() || !has("mariadbd") || !has("mariadb") {
            tools::apt_install(workspace, PACKAGES)
                .context("the database servers for the tests cannot be installed")?;
        }
        // Short, because a socket's path is.
        let place = if purpose == Purpose::Tests { place(workspace) } else { std::env::temp_dir() };
        let directory = place.join(format!("aurareels-databases-{}", std::process::id()));
        std::fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
        let mut servers = Self { directory, purpose, running: Vec::new(), remark: None };
        for name in names {
            match *name {
                "postgres" => servers.postgres(workspace)?,
                _ => servers.mariadb(workspace)?,
            }
        }
        Ok(servers)
    }

    /// Has a program find them.
    pub(crate) fn known_to(&self, program: Program) -> Program {
        self.running.iter().fold(program, |program, server| program.env(server.address.0, &server.address.1))
    }

    /// A file in their folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Restarts them every so often until the other end of `told` is gone, in order and without a word by turns. Each time
    /// the file `turns` has one more line; whoever holds its lock is not disturbed.
    pub(crate) fn restart_every(&mut self, pause: Duration, turns: &Path, told: &Receiver<()>) -> Result<()> {
        let mut turn = 0;
        while told.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
            let mut turns = std::fs::File::options().append(true).open(turns)?;
            turns.lock()?;
            for server in &mut self.running {
                server.restart(server.signals[turn % 2])?;
                writeln!(turns, "{} {}", server.name, server.signals[turn % 2])?;
            }
            turn += 1;
        }
        Ok(())
    }

    fn postgres(&mut self, workspace: &'a Workspace) -> Result<()> {
        let programs = initdb().context("initdb of PostgreSQL was not found")?;
        let (home, port) = (self.directory.join("postgres"), free_port()?);
        std::fs::create_dir_all(&home)?;
        // It refuses to run as root.
        let root = workspace.program("id").arg("-u").output()?.trim() == "0";
        if root {
            workspace.program("chown").arg("postgres:postgres").arg(&home).quiet().run()?;
        }
        let program = move |name: &str| {
            let path = programs.join(name);
            let as_whom: &[&str] = if root { &["--reuid=postgres", "--regid=postgres", "--clear-groups"] } else { &[] };
            ends_with_us(workspace).args(as_whom).arg(path)
        };
        let data = home.join("data");
        let initdb = program("initdb").arg("-D").arg(&data);
        initdb.args(["-U", "aura", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]).quiet().output()?;
        let ready = program.clone();
        let settings = match self.purpose {
            Purpose::Tests => vec!["-cfsync=off".to_owned()],
            Purpose::Figures => {
                let memory = format!("-cshared_buffers={PAGES}B");
                vec!["-clogging_collector=on".to_owned(), "-cmax_wal_size=4GB".to_owned(), memory]
            }
        };
        let spawn = move || {
            let server = program("postgres").arg("-D").arg(&data).args(["-p", &port.to_string()]);
            let server = server.arg("-c").arg(format!("unix_socket_directories={}", home.display()));
            let server = server.args(["-c", "listen_addresses=127.0.0.1"]).args(&settings);
            server.args(["-c", &format!("max_connections={CONNECTIONS}")]).quiet().spawn(Stdio::null(), log(&home)?)
        };
        let is_ready =
            move || ready("pg_isready").args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]).quiet().succeeds();
        self.run(Server {
            name: "postgres",
            address: ("AURAREELS_TEST_POSTGRES", format!("postgres://aura@127.0.0.1:{port}/postgres")),
            signals: ["INT", "QUIT"],
            child: spawn()?,
            spawn: Box::new(spawn),
            is_ready: Box::new(is_ready),
        })
    }

    fn mariadb(&mut self, workspace: &'a Workspace) -> Result<()> {
        let (home, port) = (self.directory.join("mariadb"), free_port()?);
        std::fs::create_dir_all(&home)?;
        let user = workspace.program("id").arg("-un").output()?.trim().to_owned();
        let (data, socket) = (home.join("data"), home.join("socket"));
        let install = workspace.program("mariadb-install-db").arg("--no-defaults").arg(format!("--user={user}"));
        let install = install.arg(format!("--datadir={}", data.display()));
        install.args(["--auth-root-authentication-method=normal", "--skip-test-db"]).quiet().output()?;
        let at = format!("--socket={}", socket.display());
        let asked = at.clone();
        let client = move || workspace.program("mariadb").args(["--no-defaults", "-uroot"]).arg(&asked);
        let settings = match self.purpose {
            Purpose::Tests => vec!["--innodb-flush-log-at-trx-commit=2".to_owned()],
            Purpose::Figures => {
                vec!["--innodb-log-file-size=1G".to_owned(), format!("--innodb-buffer-pool-size={PAGES}")]
            }
        };
        let spawn = move || {
            let server = ends_with_us(workspace).args(["mariadbd", "--no-defaults"]).arg(format!("--user={user}"));
            let server = server.arg(format!("--datadir={}", data.display())).arg(&at);
            let server = server.arg(format!("--port={port}")).arg(format!("--max-connections={CONNECTIONS}")).args([
                "--bind-address=127.0.0.1",
                "--skip-name-resolve",
                "--skip-log-bin",
            ]);
            server.args(&settings).quiet().spawn(Stdio::null(), log(&home)?)
        };
        let asking = client.clone();
        self.run(Server {
            name: "mysql",
            address: ("AURAREELS_TEST_MYSQL", format!("mysql://aura:aura@127.0.0.1:{port}/mysql")),
            signals: ["TERM", "KILL"],
            child: spawn()?,
            spawn: Box::new(spawn),
            is_ready: Box::new(move || asking().args(["-e", "SELECT 1"]).quiet().succeeds()),
        })?;
        let user = "CREATE USER aura@'127.0.0.1' IDENTIFIED BY 'aura'; GRANT ALL ON *.* TO aura@'127.0.0.1'";
        client().args(["-e", user]).quiet().output().map(drop)
    }

    /// Moto, from the registry of Python.
    fn s3(&mut self, workspace: &'a Workspace) -> Result<()> {
        tools::python(workspace)?;
        let requirements = workspace.root.join("tests/s3/requirements.txt");
        let environment = workspace.cache("s3")?.join("python");
        let python = environment.join("bin/python");
        let version = workspace.program("python3").arg("--version").output()?;
        let needed = std::fs::read_to_string(&requirements)?;
        let inputs = format!("{}\n{version}\n{needed}", environment.display());
        stamp::once(&environment.join(".stamp"), &inputs, || {
            workspace.program("python3").args(["-m", "venv", "--clear"]).arg(&environment).run()?;
            let pip =
                workspace.program(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
            pip.arg("--requirement").arg(&requirements).run()
        })?;
        let (home, port) = (self.directory.join("s3"), free_port()?);
        std::fs::create_dir_all(&home)?;
        let spawn = move || {
            let server = ends_with_us(workspace).arg(&python).args(["-m", "moto.server", "-H", "127.0.0.1", "-p"]);
            server.arg(port.to_string()).quiet().spawn(Stdio::null(), log(&home)?)
        };
        self.run(Server {
            name: "s3",
            address: ("AURAREELS_TEST_S3", format!("http://127.0.0.1:{port}")),
            signals: ["TERM", "KILL"],
            child: spawn()?,
            spawn: Box::new(spawn),
            is_ready: Box::new(move || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()),
        })
    }

    fn run(&mut self, server: Server<'a>) -> Result<()> {
        self.running.push(server);
        self.running.last().map_or(Ok(()), Server::wait)
    }
}

impl Drop for Servers<'_> {
    fn drop(&mut self) {
        for server in &mut self.running {
            let _ = stop(&mut server.child, END);
        }
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// Memory where there is plenty, as nothing here has to outlive the machine; `TMPDIR` says otherwise.
fn place(workspace: &Workspace) -> PathBuf {
    let memory = workspace.program("df").args(["--output=avail", "-B1", "/dev/shm"]).output();
    let free = memory.ok().and_then(|text| text.lines().nth(1)?.trim().parse::<u64>().ok()).unwrap_or(0);
    if std::env::var_os("TMPDIR").is_none() && free > ROOM { "/dev/shm".into() } else { std::env::temp_dir() }
}

/// Takes `--database` away from the arguments; `None` is SQLite.
pub(crate) fn chosen(arguments: &mut Vec<String>) -> Result<Option<String>> {
    let Some(at) = arguments.iter().position(|argument| argument == "--database") else { return Ok(None) };
    let chosen = arguments.drain(at..(at + 2).min(arguments.len())).nth(1);
    match chosen.as_deref() {
        Some("sqlite") => Ok(None),
        Some(name) if Servers::NAMES.contains(&name) => Ok(chosen),
        _ => bail!("--database is sqlite, postgres or mysql"),
    }
}

/// Runs a command beside the servers.
pub(crate) fn run(workspace: &Workspace, command: &[String]) -> Result<bool> {
    let Some((name, arguments)) = command.split_first() else { bail!("name a command: with-databases -- <command>") };
    let servers = Servers::start(workspace)?;
    if let Some(remark) = &servers.remark {
        eprintln!("{remark}");
    }
    Ok(servers.known_to(workspace.program(name).args(arguments)).watch()?.0)
}

/// The directory of PostgreSQL's programs, the newest that is installed.
fn initdb() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let programs = versions.flatten().map(|version| version.path().join("bin"));
    programs.filter(|programs| programs.join("initdb").is_file()).max()
}

/// A program that ends when this one does, however that ends.
fn ends_with_us(workspace: &Workspace) -> Program {
    workspace.program("setpriv").args(["--pdeathsig", "TERM"])
}

fn log(home: &Path) -> Result<Stdio> {
    Ok(std::fs::File::options().create(true).append(true).open(home.join("log"))?.into())
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
