//! Runs posts until they rest: starts cores, notices when one died, and moves the clock to whatever is waited for, so that
//! leases, polls and settle times cost no real time.

use std::{
    collections::{HashSet, VecDeque},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use aurareels_core::fault::FaultPoint;
use chrono::{DateTime, Utc};
use rustix::process::Signal;

use crate::{
    core::{Core, Orders},
    rig::{Rig, breath},
};

/// Real time after which a run that does not rest is a failure. The longest take hundreds of readings, each some round trips
/// to the database, on a machine that does other things as well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(150);

/// How long a core at rest may take to pass a point that it is to die at: longer than its sweep.
pub(crate) const LATE_POINTS: Duration = Duration::from_secs(8);

/// What happened while posts were run to their rest.
#[derive(Debug, Default)]
pub(crate) struct Course {
    /// Cores that died of their own SIGKILL, one per order that asked for it.
    pub(crate) deaths: usize,
    /// The points each core passed.
    pub(crate) passed: Vec<Vec<(String, String)>>,
}

/// Runs cores one after the other, each with its orders, until everything rests; the last order is an undisturbed core.
/// A core that dies is followed by the next one.
pub(crate) async fn run(rig: &mut Rig, orders: impl IntoIterator<Item = Orders>) -> Result<Course> {
    let mut orders: VecDeque<Orders> = orders.into_iter().collect();
    let mut course = Course::default();
    let mut dead = Dead::default();
    let mut core = rig.core(&orders.pop_front().unwrap_or_default())?;
    let begun = Instant::now();
    let mut rest_since = None;
    loop {
        if let Some(status) = core.ended()? {
            use std::os::unix::process::ExitStatusExt;
            ensure!(status.signal() == Some(Signal::KILL.as_raw()), "the core ended by itself: {status}");
            course.deaths += 1;
            course.passed.push(core.passed());
            dead.buried(rig, &core).await?;
            core = rig.core(&orders.pop_front().context("one more core died than was asked to")?)?;
        }
        ensure!(begun.elapsed() < PATIENCE, "the post does not come to rest: {:?}", rig.wanting().await?);
        if !step(rig, &core, &dead).await? {
            // The row rests a moment before the core passes the points after it.
            let rested = *rest_since.get_or_insert_with(Instant::now);
            if orders.is_empty() && has_released(&core) || rested.elapsed() > LATE_POINTS {
                break;
            }
            breath().await;
        } else {
            rest_since = None;
        }
    }
    course.passed.push(core.passed());
    if begun.elapsed() > PATIENCE {
        bail!("too slow");
    }
    core.kill()?;
    Ok(course)
}

/// Whether the core has passed the point after each release that it began: the rows of its posts rest before it does.
fn has_released(core: &Core) -> bool {
    let passed = core.passed();
    let count = |point: FaultPoint| passed.iter().filter(|(name, _)| name == point.name()).count();
    count(FaultPoint::Released) >= count(FaultPoint::ReleaseBegins)
}

/// What is known of cores that are gone.
#[derive(Default)]
pub(crate) struct Dead {
    processes: HashSet<u32>,
    refreshers: HashSet<String>,
}

impl Dead {
    /// Notes what a dead core held.
    pub(crate) async fn buried(&mut self, rig: &Rig, core: &Core) -> Result<()> {
        self.processes.insert(core.pid());
        self.refreshers.extend(rig.refreshing().await?.into_iter().map(|(holder, _)| holder));
        Ok(())
    }

    /// Until when a dead core keeps others from refreshing a token.
    pub(crate) async fn refresh_ends(&self, rig: &Rig) -> Result<Option<DateTime<Utc>>> {
        let held = rig.refreshing().await?;
        Ok(held.into_iter().find(|(holder, _)| self.refreshers.contains(holder)).map(|(_, until)| until))
    }
}

/// One look at what is wanted; moves the clock if nobody is at work. False when everything rests.
pub(crate) async fn step(rig: &Rig, core: &Core, dead: &Dead) -> Result<bool> {
    let wanting = rig.wanting().await?;
    let Some(first) = wanting.first() else { return Ok(false) };
    let now = rig.sim.clock().now();
    let at_work = |process: Option<u32>| process == Some(core.pid());
    if wanting.iter().any(|post| at_work(post.claimed_by)) {
        if let Some(at) = rig.armed_until().await? {
            rig.advance_to(at).await?;
        } else if let Some(until) = dead.refresh_ends(rig).await? {
            rig.advance_to(until).await?;
        }
    } else if first.next_step_at > now {
        let held_by_other = first.claimed_by.is_some_and(|process| process != 0 && !dead.processes.contains(&process));
        if !held_by_other {
            rig.advance_to(first.next_step_at).await?;
        }
    }
    breath().await;
    Ok(true)
}
