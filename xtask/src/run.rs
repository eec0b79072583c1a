//! Running other programs: shown before they start, with a clean environment and a time limit.
//!
//! A program either writes straight to our terminal ([`Program::run`], which keeps cargo's progress bar) or is copied
//! line by line while we keep the lines ([`Program::watch`], for test runners whose closing lines are wanted later). What
//! runs beside other work writes to a log instead ([`Workspace::aside`]).
//! No program gets our standard input, so that none can stop to ask.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How long a program may run unless it says otherwise. CI ends a run after an hour; this names the culprit before.
const LIMIT: Duration = Duration::from_secs(50 * 60);

/// The checkout that the commands work on.
pub(crate) struct Workspace {
    /// Its top directory.
    pub(crate) root: PathBuf,
    /// Whether the slow tests run too.
    pub(crate) full: bool,
    /// Whether clippy and the tests share one build ([`crate::test_build`]).
    shares_build: AtomicBool,
    /// Where programs write instead of to our terminal.
    log: Option<PathBuf>,
}

impl Workspace {
    /// Finds the top directory: from cargo, which started us, otherwise upwards from the current directory.
    pub(crate) fn find() -> Result<Self> {
        let begin = match std::env::var_os("CARGO_MANIFEST_DIR") {
            Some(xtask) => PathBuf::from(xtask),
            None => std::env::current_dir().context("no current directory")?,
        };
        let root = begin.ancestors().find(|dir| dir.join("Cargo.lock").is_file() && dir.join("xtask").is_dir());
        let root = root.with_context(|| format!("{} is not inside the workspace", begin.display()))?.to_owned();
        Ok(Self { root, full: false, shares_build: AtomicBool::new(false), log: None })
    }

    /// Whether what is built for tests is built together with clippy's lints.
    pub(crate) fn shares_build(&self) -> bool {
        self.shares_build.load(Ordering::Relaxed)
    }

    /// From now on, builds what is tested together with clippy's lints, or without them again.
    pub(crate) fn share_build(&self, shares: bool) {
        self.shares_build.store(shares, Ordering::Relaxed);
    }

    /// The same checkout for work that runs beside other work: its programs write to a log instead of to our terminal, and
    /// run with a lower priority, because nobody waits for them yet.
    pub(crate) fn aside(&self, name: &str) -> Result<Self> {
        let log = self.cache("log")?.join(name);
        File::create(&log).with_context(|| format!("cannot create {}", log.display()))?;
        let shares_build = AtomicBool::new(self.shares_build());
        Ok(Self { root: self.root.clone(), full: self.full, shares_build, log: Some(log) })
    }

    /// What the programs of work aside have written so far.
    pub(crate) fn written_aside(&self) -> String {
        let bytes = self.log.as_ref().and_then(|log| std::fs::read(log).ok()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// A directory for what can be made again at any time; git ignores it.
    pub(crate) fn cache(&self, name: &str) -> Result<PathBuf> {
        let dir = self.root.join(".cache").join(name);
        std::fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
        Ok(dir)
    }

    /// Room that is left where everything is built, for people: a run that fills the disk fails with many faces.
    pub(crate) fn free_space(&self) -> String {
        let printed = self.program("df").args(["--output=avail", "-h", "."]).output();
        printed
            .ok()
            .and_then(|text| Some(text.lines().nth(1)?.trim().to_owned()))
            .unwrap_or_else(|| "unknown".to_owned())
    }

    /// A program that runs in the top directory.
    pub(crate) fn program(&self, name: impl AsRef<OsStr>) -> Program {
        let mut command = match &self.log {
            Some(_) => {
                let mut nice = Command::new("nice");
                nice.args(["-n", "5"]).arg(name.as_ref());
                nice
            }
            None => Command::new(name.as_ref()),
        };
        command.current_dir(&self.root).stdin(Stdio::null());
        // `cargo run` describes xtask in the environment; handed on, it would make cargo rebuild what reads it.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") || text == "CARGO_PRIMARY_PACKAGE"
            {
                command.env_remove(&name);
            }
        }
        Program { command, limit: LIMIT, quiet: false, log: self.log.clone() }
    }

    /// Cargo itself, the one that started us.
    pub(crate) fn cargo(&self, subcommand: &str) -> Program {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        self.program(cargo).arg(subcommand)
    }
}

/// A program about to run.
pub(crate) struct Program {
    command: Command,
    limit: Duration,
    quiet: bool,
    log: Option<PathBuf>,
}

impl Program {
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    pub(crate) fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Takes away every variable of the environment for which `remove` is true.
    pub(crate) fn without_env(mut self, remove: impl Fn(&str) -> bool) -> Self {
        for (name, _) in std::env::vars_os().filter(|(name, _)| remove(&name.to_string_lossy())) {
            self.command.env_remove(name);
        }
        self
    }

    pub(crate) fn dir(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Ends the program after this long, as a failure.
    pub(crate) fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Does not print the command line.
    pub(crate) fn quiet(mut self) -> Self {
        self.quiet = true;
        self
    }

    /// The command line, as a person would type it.
    pub(crate) fn line(&self) -> String {
        let program = Path::new(self.command.get_program()).file_name().unwrap_or_default().to_owned();
        let mut line = program.to_string_lossy().into_owned();
        for arg in self.command.get_args() {
            line.push(' ');
            line.push_str(&arg.to_string_lossy());
        }
        line
    }

    /// Runs it on our terminal; anything but success is an error.
    pub(crate) fn run(mut self) -> Result<()> {
        let line = self.announce()?;
        if let Some(log) = self.open_log()? {
            self.command.stdout(log.try_clone().context("cannot share a log file")?).stderr(log);
        }
        let child = self.command.spawn().with_context(|| format!("cannot start `{line}`"))?;
        let status = self.wait(child, &line)?;
        if !status.success() {
            bail!("`{line}` ended with {status}");
        }
        Ok(())
    }

    /// Runs it, copying what it prints; returns its lines, colours removed, and whether it succeeded.
    pub(crate) fn watch(mut self) -> Result<(bool, Vec<String>)> {
        let line = self.announce()?;
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().with_context(|| format!("cannot start `{line}`"))?;
        let out = child.stdout.take().context("no standard output")?;
        let err = child.stderr.take().context("no standard error")?;
        let (to_out, to_err): (Box<dyn Write + Send>, Box<dyn Write + Send>) = match self.open_log()? {
            Some(log) => (Box::new(log.try_clone().context("cannot share a log file")?), Box::new(log)),
            None => (Box::new(std::io::stdout()), Box::new(std::io::stderr())),
        };
        let out = std::thread::spawn(move || copy(out, to_out));
        let err = std::thread::spawn(move || copy(err, to_err));
        let status = self.wait(child, &line)?;
        let mut lines = out.join().expect("copying does not panic");
        lines.extend(err.join().expect("copying does not panic"));
        Ok((status.success(), lines))
    }

    /// Runs it and returns what it printed; on failure, the error holds what it complained about.
    pub(crate) fn output(mut self) -> Result<String> {
        let line = self.line();
        let output = self.command.output().with_context(|| format!("cannot start `{line}`"))?;
        if !output.status.success() {
            bail!("`{line}` ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
        }
        String::from_utf8(output.stdout).with_context(|| format!("`{line}` printed something that is not UTF-8"))
    }

    /// Whether it starts and succeeds; what it prints is dropped.
    pub(crate) fn succeeds(mut self) -> bool {
        self.command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    /// Starts it in the background.
    pub(crate) fn spawn(mut self, out: impl Into<Stdio>, err: impl Into<Stdio>) -> Result<Child> {
        let line = self.announce()?;
        self.command.stdout(out).stderr(err).spawn().with_context(|| format!("cannot start `{line}`"))
    }

    fn announce(&self) -> Result<String> {
        let line = self.line();
        match self.open_log()? {
            _ if self.quiet => {}
            Some(mut log) => writeln!(log, "$ {line}").context("cannot write a log file")?,
            None => println!("$ {line}"),
        }
        Ok(line)
    }

    /// The log that it writes to, if it does not write to our terminal.
    fn open_log(&self) -> Result<Option<File>> {
        let Some(log) = &self.log else { return Ok(None) };
        let file = File::options().append(true).open(log);
        Ok(Some(file.with_context(|| format!("cannot open {}", log.display()))?))
    }

    fn wait(&self, mut child: Child, line: &str) -> Result<ExitStatus> {
        match wait_for(&mut child, self.limit)? {
            Some(status) => Ok(status),
            None => {
                stop(&mut child, Duration::from_secs(5))?;
                bail!("`{line}` did not end within {} s and was stopped", self.limit.as_secs())
            }
        }
    }
}

/// Waits for a child to end by itself; `None` when it did not in time.
pub(crate) fn wait_for(child: &mut Child, limit: Duration) -> Result<Option<ExitStatus>> {
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait().context("cannot wait for a child process")? {
            return Ok(Some(status));
        }
        if begin.elapsed() > limit {
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Asks a child to end (SIGTERM) and kills it if it does not obey within `grace`. True when it obeyed.
pub(crate) fn stop(child: &mut Child, grace: Duration) -> Result<bool> {
    let ask = format!("kill -TERM {}", child.id());
    let _ = Command::new("sh").args(["-c", &ask]).stderr(Stdio::null()).status();
    if wait_for(child, grace)?.is_some() {
        return Ok(true);
    }
    child.kill().context("cannot kill a child process")?;
    child.wait().context("cannot wait for a killed child process")?;
    Ok(false)
}

fn copy(from: impl Read, mut to: impl Write) -> Vec<String> {
    let mut from = BufReader::new(from);
    let mut lines = Vec::new();
    let mut line = Vec::new();
    while matches!(from.read_until(b'\n', &mut line), Ok(1..)) {
        // A closed terminal must not stop the run: the result still counts.
        let _ = to.write_all(&line).and_then(|()| to.flush());
        lines.push(without_colours(&String::from_utf8_lossy(&line)).trim_end().to_owned());
        line.clear();
    }
    lines
}

/// Removes terminal colour sequences (`ESC [ ... letter`).
fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\x1b' {
            chars.by_ref().skip_while(|c| *c == '[').find(|c| c.is_ascii_alphabetic());
        } else {
            plain.push(c);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> Workspace {
        Workspace::find().unwrap()
    }

    #[test]
    fn colours_are_removed() {
        assert_eq!(without_colours("\x1b[32;1m  Summary\x1b[0m 3 passed"), "  Summary 3 passed");
    }

    #[test]
    fn a_failing_program_is_an_error_that_names_it() {
        let error = workspace().program("sh").args(["-c", "exit 3"]).quiet().run().unwrap_err().to_string();
        assert!(error.contains("sh -c exit 3") && error.contains('3'), "{error}");
    }

    #[test]
    fn both_streams_are_kept_line_by_line() {
        let (ok, mut lines) =
            workspace().program("sh").args(["-c", "echo one; echo two >&2; exit 1"]).quiet().watch().unwrap();
        lines.sort();
        assert_eq!((ok, lines), (false, vec!["one".to_owned(), "two".to_owned()]));
    }

    #[test]
    fn what_runs_aside_writes_to_its_log() {
        let aside = workspace().aside("test-of-xtask").unwrap();
        aside.program("sh").args(["-c", "echo one; echo two >&2"]).run().unwrap();
        let (ok, lines) = aside.program("sh").args(["-c", "echo three"]).watch().unwrap();
        assert_eq!((ok, lines), (true, vec!["three".to_owned()]));
        let written = aside.written_aside();
        let commands = written.lines().filter(|line| line.starts_with("$ nice"));
        assert_eq!(commands.count(), 2, "{written}");
        for line in ["one", "two", "three"] {
            assert!(written.lines().any(|written| written == line), "{written}");
        }
    }

    #[test]
    fn a_program_over_its_limit_is_stopped() {
        let program = workspace().program("sleep").arg("600").quiet().limit(Duration::from_millis(50));
        let error = program.run().unwrap_err().to_string();
        assert!(error.contains("did not end"), "{error}");
    }
}
