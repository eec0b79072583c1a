//! A core in a process of its own: the real binary, started, killed, stopped and woken by its process id.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

/// A running core. It never outlives this value.
pub(crate) struct Core {
    child: Child,
    exited: Option<ExitStatus>,
    trace: Option<PathBuf>,
}

/// What a core is told about faults.
#[derive(Clone, Debug, Default)]
pub(crate) struct Orders {
    /// `AURAREELS_FAULT`.
    pub(crate) fault: Option<String>,
    /// Further settings, over those of the rig.
    pub(crate) settings: Vec<(String, String)>,
}

impl Core {
    /// Starts a core with exactly these settings. Its log is appended to `log`, its passed points to `trace`.
    pub(crate) fn start(
        settings: &[(String, String)],
        orders: &Orders,
        log: &Path,
        trace: Option<&Path>,
    ) -> Result<Self> {
        let log = File::options().create(true).append(true).open(log).context("cannot write the core's log")?;
        let binary = std::env::current_exe().context("no path of this program")?.with_file_name("aurareels");
        let mut command = Command::new(binary);
        command.arg("serve").env_clear().stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        command.envs(settings.iter().map(|(name, value)| (name, value)));
        command.envs(orders.settings.iter().map(|(name, value)| (name, value)));
        if let Some(trace) = trace {
            command.env("AURAREELS_FAULT_TRACE", trace);
        }
        if let Some(fault) = &orders.fault {
            command.env("AURAREELS_FAULT", fault);
        }
        let child = command.spawn().context("cannot start the core")?;
        Ok(Self { child, exited: None, trace: trace.map(Path::to_owned) })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, once it has.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        if self.exited.is_none() {
            self.exited = self.child.try_wait().context("cannot wait for the core")?;
        }
        Ok(self.exited)
    }

    /// True while it is stopped by SIGSTOP.
    pub(crate) fn is_stopped(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
    }

    /// Signals it. An error when it has ended: its process id may be somebody else's by then.
    pub(crate) fn signal(&mut self, signal: Signal) -> Result<()> {
        ensure!(self.ended()?.is_none(), "the core has ended");
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw).context("not a process id")?;
        kill_process(pid, signal).context("cannot signal the core")
    }

    /// Ends it at once and waits for it.
    pub(crate) fn kill(&mut self) -> Result<()> {
        if self.ended()?.is_none() {
            self.child.kill().context("cannot kill the core")?;
            self.exited = Some(self.child.wait().context("cannot wait for the killed core")?);
        }
        Ok(())
    }

    /// Asks it to end and waits; an error when it does not within its time.
    pub(crate) async fn terminate(&mut self) -> Result<()> {
        self.signal(Signal::TERM)?;
        for _ in 0..1500 {
            if self.ended()?.is_some() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        bail!("the core did not end within 15 s of SIGTERM")
    }

    /// The points it has passed, in order, as `point<TAB>context`.
    pub(crate) fn passed(&self) -> Vec<(String, String)> {
        let text = self.trace.as_ref().and_then(|trace| std::fs::read_to_string(trace).ok()).unwrap_or_default();
        let pairs = text.lines().filter_map(|line| line.split_once('\t'));
        pairs.map(|(point, context)| (point.to_owned(), context.to_owned())).collect()
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        // Nothing can be done about an error here; the process has most likely ended.
        let _ = self.kill();
    }
}
