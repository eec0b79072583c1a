//! Loss of power: the machine of a core goes dark, and its disk keeps what was synced and, of what was only written, what
//! the dice say: each later write whole, not at all, or in some of its sectors.
//!
//! The core runs on a library that records its writes and syncs (`tests/crash/power`). When it has died at its place, the
//! files of the database are made anew from the record, and the next core starts on them. What must hold is the same as
//! after a kill. That this finds something is proven each time: on a disk that reports syncs it never made, the same death
//! makes a second post.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};

use crate::{
    checks::{self, Ending},
    core::Orders,
    drive::{self, Dead},
    mode::{Mode, Upload},
    rig::{Ceilings, Rig, breath},
    scenarios::rest,
    suite::{Place, on_rig},
};

/// The smallest piece that a disk writes whole.
const SECTOR: usize = 512;

/// The database's files, in the order of the record's numbers.
const FILES: [&str; 3] = ["aurareels.db", "aurareels.db-wal", "aurareels.db-journal"];

/// Places at which something has just been committed, or must not have been: where a lost write would matter.
pub(crate) fn matters(place: &Place) -> bool {
    const POINTS: [&str; 15] = [
        "claimed",
        "step_recorded",
        "exchange_begins",
        "request_leaves",
        "last_byte_left",
        "answer_arrived",
        "outcome_committed",
        "moved",
        "released",
        "row_written",
        "event_written",
        "refresh_started",
        "refresh_answered",
        "refresh_stored",
        "noted",
    ];
    POINTS.contains(&place.point.as_str())
}

/// What happened to one file since it was last known.
enum Done {
    Write { at: usize, bytes: Vec<u8> },
    Cut(usize),
}

impl Done {
    fn apply(&self, file: &mut Vec<u8>, keep: impl Fn(usize) -> bool) {
        match self {
            Self::Cut(length) => file.resize(*length, 0),
            Self::Write { at, bytes } => {
                for (number, sector) in bytes.chunks(SECTOR).enumerate() {
                    if keep(number) {
                        let from = at + number * SECTOR;
                        let to = from + sector.len();
                        if file.len() < to {
                            file.resize(to, 0);
                        }
                        file[from..to].copy_from_slice(sector);
                    }
                }
            }
        }
    }
}

/// One file: what the disk holds for sure, and what it may hold.
#[derive(Default)]
struct Kept {
    sure: Option<Vec<u8>>,
    unsynced: Vec<Done>,
}

/// The files as a disk holds them.
struct Disk([Kept; 3]);

impl Disk {
    /// Everything that is there now is there for sure.
    fn of(rig: &Rig) -> Self {
        Self(FILES.map(|name| Kept { sure: std::fs::read(rig.path(name)).ok(), unsynced: Vec::new() }))
    }

    /// Follows a record.
    fn follow(&mut self, mut record: &[u8]) -> Result<()> {
        while !record.is_empty() {
            let (head, rest) = record.split_at_checked(18).context("a record ends in its head")?;
            let number = |from: usize| -> Result<usize> {
                Ok(usize::try_from(u64::from_le_bytes(head[from..from + 8].try_into()?))?)
            };
            let (at, length) = (number(2)?, number(10)?);
            let (bytes, rest) = rest.split_at_checked(length).context("a record ends in its bytes")?;
            record = rest;
            let kept = self.0.get_mut(usize::from(head[1]).wrapping_sub(1)).context("a record of no file")?;
            match head[0] {
                b'w' => kept.unsynced.push(Done::Write { at, bytes: bytes.to_vec() }),
                b't' => kept.unsynced.push(Done::Cut(at)),
                b's' => {
                    let file = kept.sure.get_or_insert_default();
                    kept.unsynced.drain(..).for_each(|done| done.apply(file, |_| true));
                }
                b'r' => *kept = Kept::default(),
                other => bail!("an unknown operation {other}"),
            }
        }
        Ok(())
    }

    /// Writes the files as they are found when the power is back. True when anything was lost.
    fn restore(&mut self, rig: &Rig, dice: &mut impl Rng) -> Result<bool> {
        let mut lost = false;
        for (kept, name) in self.0.iter_mut().zip(FILES) {
            for done in kept.unsynced.drain(..) {
                let fate = dice.random_range(0..4);
                lost |= fate != 3;
                match fate {
                    // Nothing of it, or all of it, or some sectors.
                    0 | 1 => {}
                    2 => {
                        let sectors: u64 = dice.random();
                        done.apply(kept.sure.get_or_insert_default(), |number| sectors >> (number % 64) & 1 == 1);
                    }
                    _ => done.apply(kept.sure.get_or_insert_default(), |_| true),
                }
            }
            match &kept.sure {
                Some(bytes) => std::fs::write(rig.path(name), bytes)?,
                None => remove(&rig.path(name))?,
            }
        }
        // The index of the log is memory.
        remove(&rig.path("aurareels.db-shm"))?;
        Ok(lost)
    }
}

fn remove(path: &PathBuf) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// The library, beside this program.
fn library() -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("libaurareels_power.so");
    ensure!(path.exists(), "{} is missing: build the package aurareels-power", path.display());
    Ok(path)
}

/// One post of a mode whose core loses power at a place; the dice of what the disk keeps have this seed. `honest`: the disk
/// syncs when it says so. `None`: a place that is passed again and again was passed less often this time.
pub(crate) async fn case(mode: Mode, place: Place, seed: u64, honest: bool) -> Result<Option<Ending>> {
    on_rig(&[], async move |rig| {
        let account = rig.account(mode).await?;
        let id = rig.create(mode, account, "solo").await?;
        // From here on, the core alone writes.
        rig.release().await;
        rig.ceilings = Ceilings {
            reviews: usize::from(mode.upload == Upload::TiktokPull),
            failures: usize::from(mode.scheduled),
            ..Ceilings::default()
        };
        let mut disk = Disk::of(rig);
        rig.take_up_reading().await?;
        let record = rig.path("power.log");
        let text = |path: PathBuf| path.into_os_string().into_string().ok().context("a path is not UTF-8");
        let mut orders = place.order();
        orders.settings = vec![
            ("LD_PRELOAD".to_owned(), text(library()?)?),
            ("POWER_DATABASE".to_owned(), text(rig.path(FILES[0]))?),
            ("POWER_LOG".to_owned(), text(record.clone())?),
        ];
        if !honest {
            orders.settings.push(("POWER_LIES".to_owned(), "1".to_owned()));
        }
        let mut core = rig.core(&orders)?;
        let mut dead = Dead::default();
        let begun = Instant::now();
        let mut rests_since = None;
        while core.ended()?.is_none() {
            ensure!(begun.elapsed() < Duration::from_secs(60), "the place is not passed");
            if drive::step(rig, &core, &dead).await? {
                rests_since = None;
                continue;
            }
            let since = *rests_since.get_or_insert_with(Instant::now);
            if place.is_repeated() && since.elapsed() > drive::LATE_POINTS {
                core.kill()?;
                return Ok(None);
            }
            breath().await;
        }
        dead.buried(rig, &core).await?;
        rig.database.close().await;
        let record = std::fs::read(&record).context("the core wrote no record")?;
        ensure!(!record.is_empty(), "the core wrote no record");
        disk.follow(&record)?;
        disk.restore(rig, &mut StdRng::seed_from_u64(seed))?;
        rig.take_up().await?;
        rig.take_up_reading().await?;
        let mut heir = rig.core(&Orders::default())?;
        rest(rig, &mut heir, &dead).await?;
        heir.kill()?;
        let ending = checks::ending(rig, id, "solo").await?;
        checks::database(rig).await?;
        Ok(Some(ending))
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(operation: u8, at: u64, bytes: &[u8]) -> Vec<u8> {
        let mut entry = vec![operation, 1];
        entry.extend(at.to_le_bytes());
        entry.extend((bytes.len() as u64).to_le_bytes());
        entry.extend(bytes);
        entry
    }

    #[test]
    fn what_was_synced_is_kept_and_what_was_not_is_open() {
        let mut disk = Disk([Kept::default(), Kept::default(), Kept::default()]);
        let record =
            [entry(b'w', 0, b"abcd"), entry(b's', 0, b""), entry(b'w', 2, b"XY"), entry(b't', 3, b"")].concat();
        disk.follow(&record).unwrap();
        assert_eq!(disk.0[0].sure.as_deref(), Some(b"abcd".as_slice()));
        assert_eq!(disk.0[0].unsynced.len(), 2);
        disk.follow(&entry(b's', 0, b"")).unwrap();
        assert_eq!(disk.0[0].sure.as_deref(), Some(b"abX".as_slice()));
        disk.follow(&entry(b'r', 0, b"")).unwrap();
        assert!(disk.0[0].sure.is_none() && disk.0[0].unsynced.is_empty());
    }

    #[test]
    fn a_write_can_be_torn() {
        let mut file = Vec::new();
        Done::Write { at: 0, bytes: vec![7; 3 * SECTOR] }.apply(&mut file, |number| number == 1);
        assert_eq!((file[0], file[SECTOR], file.len()), (0, 7, 2 * SECTOR));
    }
}
