//! A core as a process of its own, with what /proc says of it.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use aurareels_simulator::Simulator;
use serde_json::Value;
use tonic::transport::Channel;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

/// A running core; ended by its process id when dropped.
pub(crate) struct Core {
    child: Child,
    binary: PathBuf,
    environment: Vec<(String, String)>,
    pub(crate) address: String,
    pub(crate) key: String,
    pub(crate) started_in: Duration,
    pub(crate) data_dir: PathBuf,
    directory: Option<tempfile::TempDir>,
}

impl Core {
    /// Starts a core on a fresh database against a simulator, with further settings.
    pub(crate) async fn start(binary: &Path, simulator: &Simulator, settings: &[(&str, &str)]) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = format!("http://127.0.0.1:{port}");
        let mut environment = simulator.environment();
        environment.push(("AURAREELS_LISTEN".into(), format!("127.0.0.1:{port}")));
        environment.push(("AURAREELS_PUBLIC_URL".into(), address.clone()));
        environment.push(("AURAREELS_DATA_DIR".into(), directory.path().display().to_string()));
        environment.push(("AURAREELS_ALLOW_PRIVATE_MEDIA_HOSTS".into(), "true".into()));
        environment.push(("AURAREELS_LOG".into(), "warn".into()));
        environment.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let generated = program(binary).args(["keys", "generate"]).output()?;
        let key = String::from_utf8(generated.stdout)?.trim().to_owned();
        environment.push(("AURAREELS_SOCIAL_ENCRYPTION_KEY".into(), key));
        let begun = Instant::now();
        let child = serve(binary, directory.path(), &environment)?;
        let data_dir = directory.path().to_owned();
        let mut core = Self {
            child,
            binary: binary.to_owned(),
            environment,
            address,
            key: String::new(),
            started_in: Duration::ZERO,
            data_dir,
            directory: Some(directory),
        };
        core.wait_until_serving().await?;
        core.started_in = begun.elapsed();
        core.key = core.key_of(1)?;
        Ok(core)
    }

    /// Makes a key of a user.
    pub(crate) fn key_of(&self, user: usize) -> Result<String> {
        let user = user.to_string();
        let made = ["api-key", "create", "--user", &user, "--scopes", "read,publish,admin", "--json"];
        let made: Value = serde_json::from_slice(&self.command(&made, &[])?)?;
        Ok(made["key"].as_str().context("no key in the answer")?.to_owned())
    }

    /// Runs a command of the binary with the core's settings and further ones; answers what it prints.
    pub(crate) fn command(&self, arguments: &[&str], settings: &[(&str, &str)]) -> Result<Vec<u8>> {
        let ran = program(&self.binary)
            .args(arguments)
            .current_dir(&self.data_dir)
            .envs(self.environment.iter().cloned())
            .envs(settings.iter().copied())
            .output()?;
        ensure!(ran.status.success(), "{}: {}", arguments.join(" "), String::from_utf8_lossy(&ran.stderr));
        Ok(ran.stdout)
    }

    /// Starts a further core with the same settings, on the same database of a server, with files of its own.
    pub(crate) async fn another(&self) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = format!("http://127.0.0.1:{port}");
        let mut environment = self.environment.clone();
        environment.push(("AURAREELS_LISTEN".into(), format!("127.0.0.1:{port}")));
        environment.push(("AURAREELS_DATA_DIR".into(), directory.path().display().to_string()));
        let begun = Instant::now();
        let mut core = Self {
            child: serve(&self.binary, directory.path(), &environment)?,
            binary: self.binary.clone(),
            environment,
            address,
            key: self.key.clone(),
            started_in: Duration::ZERO,
            data_dir: directory.path().to_owned(),
            directory: Some(directory),
        };
        core.wait_until_serving().await?;
        core.started_in = begun.elapsed();
        Ok(core)
    }

    /// Kills the core and starts it again on its database.
    pub(crate) async fn kill_and_start(&mut self) -> Result<()> {
        self.kill()?;
        self.start_again().await
    }

    pub(crate) fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Starts the core, which was killed, on its database.
    pub(crate) async fn start_again(&mut self) -> Result<()> {
        self.child = serve(&self.binary, &self.data_dir, &self.environment)?;
        self.wait_until_serving().await
    }

    async fn wait_until_serving(&mut self) -> Result<()> {
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("the core ended: {status}");
            }
            if let Ok(channel) = Channel::from_shared(self.address.clone())?.connect().await
                && let Ok(answer) = HealthClient::new(channel).check(HealthCheckRequest::default()).await
                && answer.into_inner().status() == ServingStatus::Serving
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// A figure of /proc/<pid>/status, in MiB: `VmRSS` is the memory now, `VmHWM` its peak.
    pub(crate) fn memory_mib(&self, name: &str) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with(name)).context("no such figure")?;
        let kib: f64 = line.split_whitespace().nth(1).context("no number")?.parse()?;
        Ok(kib / 1024.0)
    }

    /// User and system time so far.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        cpu_of(self.child.id())
    }
}

impl Core {
    /// Kills the core and answers its data directory.
    pub(crate) fn end(mut self) -> tempfile::TempDir {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.directory.take().expect("a core has its directory until it ends")
    }
}

/// The binary, with no setting that is for this program.
fn program(binary: &Path) -> Command {
    let mut command = Command::new(binary);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AURAREELS_")) {
        command.env_remove(name);
    }
    command
}

fn serve(binary: &Path, directory: &Path, environment: &[(String, String)]) -> Result<Child> {
    let mut command = program(binary);
    let command = command.arg("serve").current_dir(directory).envs(environment.iter().cloned());
    command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().context("cannot start the core")
}

/// User and system time of a process so far.
pub(crate) fn cpu_of(process: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let rest = stat.rsplit(')').next().context("no stat")?;
    let ticks: u64 = rest.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    // USER_HZ is 100 on every Linux that Rust runs on.
    Ok(Duration::from_millis(ticks * 10))
}

impl Drop for Core {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
