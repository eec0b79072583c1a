//! Database servers for tests: private ones in a folder that goes with them. Nothing of the machine's own servers is
//! touched, and none is left behind.
//!
//! Their addresses are in the environment of what is run beside them: `AURAREELS_TEST_POSTGRES` and `AURAREELS_TEST_MYSQL`.
//! Each test makes a database of its own there.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::run::{Program, Workspace, stop};
use crate::tools;

/// Longest time until a server answers.
const START: Duration = Duration::from_secs(60);

/// Longest time until a server has ended.
const END: Duration = Duration::from_secs(20);

/// Packages of Debian and Ubuntu.
const PACKAGES: &[&str] = &["mariadb-server-core", "mariadb-client-core", "postgresql"];

/// The servers, for as long as this lives.
pub(crate) struct Servers {
    directory: PathBuf,
    running: Vec<Child>,
    addresses: Vec<(&'static str, String)>,
}

impl Servers {
    /// What tests call them.
    pub(crate) const NAMES: [&str; 2] = ["postgres", "mysql"];

    /// Starts them; installs what is missing.
    pub(crate) fn start(workspace: &Workspace) -> Result<Self> {
        let has = |name: &str| workspace.program(name).arg("--version").quiet().succeeds();
        if initdb().is_none() || !has("mariadbd") || !has("mariadb") {
            tools::apt_install(workspace, PACKAGES)
                .context("the database servers for the tests cannot be installed")?;
        }
        // Short, because a socket's path is.
        let directory = std::env::temp_dir().join(format!("aurareels-databases-{}", std::process::id()));
        std::fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
        let mut servers = Self { directory, running: Vec::new(), addresses: Vec::new() };
        servers.postgres(workspace)?;
        servers.mariadb(workspace)?;
        Ok(servers)
    }

    /// Has a program find them.
    pub(crate) fn known_to(&self, program: Program) -> Program {
        self.addresses.iter().fold(program, |program, (name, address)| program.env(name, address))
    }

    fn postgres(&mut self, workspace: &Workspace) -> Result<()> {
        let programs = initdb().context("initdb of PostgreSQL was not found")?;
        let (home, port) = (self.directory.join("postgres"), free_port()?);
        std::fs::create_dir_all(&home)?;
        // It refuses to run as root.
        let root = workspace.program("id").arg("-u").output()?.trim() == "0";
        if root {
            workspace.program("chown").arg("postgres:postgres").arg(&home).quiet().run()?;
        }
        let program = |name: &str| {
            let path = programs.join(name);
            let as_whom: &[&str] = if root { &["--reuid=postgres", "--regid=postgres", "--clear-groups"] } else { &[] };
            ends_with_us(workspace).args(as_whom).arg(path)
        };
        let data = home.join("data");
        let initdb = program("initdb").arg("-D").arg(&data);
        initdb.args(["-U", "aura", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]).quiet().output()?;
        let server = program("postgres").arg("-D").arg(&data).args(["-p", &port.to_string()]);
        let server = server.arg("-c").arg(format!("unix_socket_directories={}", home.display()));
        let server = server.args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=300"]);
        self.running.push(server.spawn(Stdio::null(), log(&home)?)?);
        let ready =
            || program("pg_isready").args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]).quiet().succeeds();
        wait("PostgreSQL", ready)?;
        self.addresses.push(("AURAREELS_TEST_POSTGRES", format!("postgres://aura@127.0.0.1:{port}/postgres")));
        Ok(())
    }

    fn mariadb(&mut self, workspace: &Workspace) -> Result<()> {
        let (home, port) = (self.directory.join("mariadb"), free_port()?);
        std::fs::create_dir_all(&home)?;
        let user = workspace.program("id").arg("-un").output()?;
        let (data, socket) = (home.join("data"), home.join("socket"));
        let install =
            workspace.program("mariadb-install-db").arg("--no-defaults").arg(format!("--user={}", user.trim()));
        let install = install.arg(format!("--datadir={}", data.display()));
        install.args(["--auth-root-authentication-method=normal", "--skip-test-db"]).quiet().output()?;
        let server = ends_with_us(workspace).args(["mariadbd", "--no-defaults"]).arg(format!("--user={}", user.trim()));
        let server = server.arg(format!("--datadir={}", data.display())).arg(format!("--socket={}", socket.display()));
        let server = server.arg(format!("--port={port}")).args([
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--skip-log-bin",
            "--innodb-flush-log-at-trx-commit=0",
            "--max-connections=300",
        ]);
        self.running.push(server.spawn(Stdio::null(), log(&home)?)?);
        let client = |program: &str| {
            workspace.program(program).args(["--no-defaults", "-uroot"]).arg(format!("--socket={}", socket.display()))
        };
        wait("MariaDB", || client("mariadb").args(["-e", "SELECT 1"]).quiet().succeeds())?;
        let user = "CREATE USER aura@'127.0.0.1' IDENTIFIED BY 'aura'; GRANT ALL ON *.* TO aura@'127.0.0.1'";
        client("mariadb").args(["-e", user]).quiet().output()?;
        self.addresses.push(("AURAREELS_TEST_MYSQL", format!("mysql://aura:aura@127.0.0.1:{port}/mysql")));
        Ok(())
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for server in &mut self.running {
            let _ = stop(server, END);
        }
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// Runs a command beside the servers.
pub(crate) fn run(workspace: &Workspace, command: &[String]) -> Result<bool> {
    let Some((name, arguments)) = command.split_first() else { bail!("name a command: with-databases -- <command>") };
    let servers = Servers::start(workspace)?;
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
    Ok(std::fs::File::create(home.join("log"))?.into())
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn wait(what: &str, ready: impl Fn() -> bool) -> Result<()> {
    let begun = Instant::now();
    while !ready() {
        if begun.elapsed() > START {
            bail!("{what} did not start within {} seconds", START.as_secs());
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}
