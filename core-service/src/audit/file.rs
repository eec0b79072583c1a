//! The files of the audit log: `2026-11-30.jsonl`, one per UTC day, readable by their owner alone.
//!
//! One thread writes, many lines at once where many wait. Lines are appended in one write, so commands and other cores may
//! append to the same file.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    time::{Duration, Instant},
};

use chrono::{Days, NaiveDate};
use tokio::sync::oneshot;
use tracing::{error, info, warn};

use super::{Entry, Keep};
use crate::private;

/// Longest time from a line to the disk.
pub(super) const SYNC: Duration = Duration::from_secs(1);

/// Lines that may wait. What comes beyond is left out and counted.
const WAITING: usize = 8_192;

/// What ends the name of a file.
const EXTENSION: &str = "jsonl";

struct Line {
    entry: Entry,
    day: NaiveDate,
    written: oneshot::Sender<()>,
}

/// The thread that writes.
pub(super) struct Writer {
    lines: SyncSender<Line>,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// Lines that could not be written since the last that could.
    missing: AtomicU64,
    /// That lines are missing was told.
    told: AtomicBool,
}

impl Writer {
    pub(super) fn start(directory: PathBuf, keep: Keep) -> io::Result<Self> {
        private::create_directory(&directory)?;
        let (lines, queue) = sync_channel(WAITING);
        let state = Arc::new(State::default());
        let thread =
            Thread { directory, keep, state: state.clone(), open: None, unsynced: false, synced: Instant::now() };
        std::thread::Builder::new().name("aurareels-audit".to_owned()).spawn(move || thread.run(&queue))?;
        Ok(Self { lines, state })
    }

    /// Hands a line over; the receiver is told when it is written. `None` when it cannot be taken.
    pub(super) fn send(&self, entry: Entry, day: NaiveDate) -> Option<oneshot::Receiver<()>> {
        let (written, told) = oneshot::channel();
        match self.lines.try_send(Line { entry, day, written }) {
            Ok(()) => Some(told),
            Err(_) => {
                self.state.missing.fetch_add(1, Ordering::Relaxed);
                self.state.tell(&"lines come faster than they can be written");
                None
            }
        }
    }

    pub(super) fn leave_out(&self) {
        self.state.missing.fetch_add(1, Ordering::Relaxed);
    }

    /// A line takes long.
    pub(super) fn slow(&self) {
        self.state.tell(&"the disk takes long");
    }
}

impl State {
    fn tell(&self, why: &dyn std::fmt::Display) {
        if !self.told.swap(true, Ordering::Relaxed) {
            error!(%why, "the audit log cannot be written; calls go on without their lines");
        }
    }
}

struct Thread {
    directory: PathBuf,
    keep: Keep,
    state: Arc<State>,
    open: Option<(NaiveDate, File)>,
    unsynced: bool,
    synced: Instant,
}

impl Thread {
    /// Writes until nobody is left who could hand over a line.
    fn run(mut self, queue: &Receiver<Line>) {
        loop {
            let first = match queue.recv_timeout(SYNC) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => {
                    self.sync();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return self.sync(),
            };
            let mut batch = vec![first];
            // A batch is of one day.
            while let Some(line) = queue.try_iter().next() {
                if line.day != batch[0].day {
                    self.write(batch);
                    batch = Vec::new();
                }
                batch.push(line);
            }
            self.write(batch);
            if self.synced.elapsed() >= SYNC {
                self.sync();
            }
        }
    }

    fn write(&mut self, mut batch: Vec<Line>) {
        let Some(first) = batch.first_mut() else { return };
        let (day, missing) = (first.day, self.state.missing.swap(0, Ordering::Relaxed));
        first.entry.missing = missing;
        let mut text = Vec::new();
        for line in &batch {
            put(&mut text, &line.entry);
        }
        match self.file(day).and_then(|file| file.write_all(&text)) {
            Ok(()) => {
                self.unsynced = true;
                if self.state.told.swap(false, Ordering::Relaxed) {
                    info!("the audit log is written again");
                }
            }
            Err(error) => {
                // Another look at the file: it may have been moved away with its disk.
                self.open = None;
                self.state.missing.fetch_add(missing + batch.len() as u64, Ordering::Relaxed);
                self.state.tell(&error);
            }
        }
        for line in batch {
            // Nobody waits any more for some of them.
            let _ = line.written.send(());
        }
    }

    fn file(&mut self, day: NaiveDate) -> io::Result<&mut File> {
        if self.open.as_ref().is_none_or(|(open, _)| *open != day) {
            self.sync();
            let file = open(&self.directory, day)?;
            remove_old(&self.directory, self.keep, day);
            self.open = Some((day, file));
        }
        self.open.as_mut().map(|(_, file)| file).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn sync(&mut self) {
        self.synced = Instant::now();
        if std::mem::take(&mut self.unsynced)
            && let Some((_, file)) = &self.open
            && let Err(error) = file.sync_data()
        {
            self.state.tell(&error);
        }
    }
}

fn put(text: &mut Vec<u8>, entry: &Entry) {
    // Texts and numbers alone: there is nothing in an entry that could fail.
    if serde_json::to_writer(&mut *text, entry).is_ok() {
        text.push(b'\n');
    }
}

/// The file of a day.
pub(super) fn path(directory: &Path, day: NaiveDate) -> PathBuf {
    directory.join(format!("{day}.{EXTENSION}"))
}

fn open(directory: &Path, day: NaiveDate) -> io::Result<File> {
    private::create_directory(directory)?;
    let path = path(directory, day);
    private::ensure_file(&path)?;
    OpenOptions::new().append(true).open(path)
}

/// Appends one line, down to the disk.
pub(super) fn append(directory: &Path, entry: &Entry, day: NaiveDate) -> io::Result<()> {
    let mut text = Vec::new();
    put(&mut text, entry);
    let mut file = open(directory, day)?;
    file.write_all(&text)?;
    file.sync_data()
}

/// The files with their days, the oldest first.
pub(super) fn files(directory: &Path) -> Vec<(NaiveDate, PathBuf)> {
    let day = |path: &PathBuf| path.file_name()?.to_str()?.strip_suffix(&format!(".{EXTENSION}"))?.parse().ok();
    let mut files: Vec<_> =
        private::files_in(directory).into_iter().filter_map(|path| Some((day(&path)?, path))).collect();
    files.sort();
    files
}

fn remove_old(directory: &Path, keep: Keep, today: NaiveDate) {
    let Some(first) = keep.days.and_then(|days| today.checked_sub_days(Days::new(u64::from(days)))) else { return };
    for (day, path) in files(directory).into_iter().filter(|(day, _)| *day < first) {
        match std::fs::remove_file(&path) {
            Ok(()) => info!(%day, "an old file of the audit log was removed"),
            Err(error) => warn!(path = %path.display(), %error, "an old file of the audit log cannot be removed"),
        }
    }
}
