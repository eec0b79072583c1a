//! What fault points do in a fault build. See [`super`].

use std::{
    cell::RefCell,
    collections::HashMap,
    fs::File,
    io::Write,
    sync::{LazyLock, Mutex, PoisonError},
    time::Duration,
};

use chrono::TimeDelta;
use rustix::process::{Signal, getpid, kill_process};
use sha2::{Digest, Sha256};

use super::{FaultPoint, MARKER};
use crate::clock::Clock;

/// How often the clock's file is read.
const CLOCK_EVERY: Duration = Duration::from_millis(3);

#[derive(Clone, Copy)]
enum Act {
    Kill,
    Stop,
    Panic,
}

struct Fault {
    point: String,
    context: Option<String>,
    /// The hit at which it happens; every one when `None`.
    nth: Option<u64>,
    act: Act,
}

impl Fault {
    /// `point[:context][#n]=act`; `#*` for every hit.
    fn parse(text: &str) -> Option<Self> {
        let (place, act) = text.trim().rsplit_once('=')?;
        let act = match act {
            "kill" => Act::Kill,
            "stop" => Act::Stop,
            "panic" => Act::Panic,
            _ => return None,
        };
        let (place, nth) = match place.rsplit_once('#') {
            Some((place, "*")) => (place, None),
            Some((place, nth)) => (place, Some(nth.parse().ok()?)),
            None => (place, Some(1)),
        };
        let (point, context) = match place.split_once(':') {
            Some((point, context)) => (point, Some(context.to_owned())),
            None => (place, None),
        };
        FaultPoint::ALL.iter().any(|known| known.name() == point).then(|| Self {
            point: point.to_owned(),
            context,
            nth,
            act,
        })
    }
}

/// Points that are passed seldom throw this many times as readily.
const SELDOM: u64 = 4;

/// Chances in millionths.
struct Dice {
    seed: String,
    life: String,
    kill: u64,
    stop: u64,
    panic: u64,
}

impl Dice {
    /// `seed:life:kill:stop:panic`.
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.trim().split(':');
        let (seed, life) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut chance = || words.next()?.parse().ok();
        Some(Self { seed, life, kill: chance()?, stop: chance()?, panic: chance()? })
    }

    fn throw(&self, point: FaultPoint, of_life: &mut HashMap<FaultPoint, u64>) -> Option<Act> {
        let of_post = POST.try_with(|post| {
            let mut hits = post.hits.borrow_mut();
            let count = hits.entry(point).or_default();
            *count += 1;
            format!("{}/{}/{count}", post.name, post.fence)
        });
        let (who, of_a_post) = match of_post {
            Ok(who) => (who, true),
            Err(_) => {
                let count = of_life.entry(point).or_default();
                *count += 1;
                (format!("life {}/{count}", self.life), false)
            }
        };
        let digest = Sha256::digest(format!("{}/{}/{who}", self.seed, point.name()));
        let number = u64::from(u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]));
        let rolled = (number * 1_000_000) >> 32;
        let weight = if is_seldom(point) { SELDOM } else { 1 };
        let (kill, stop, panic) = (self.kill * weight, self.stop * weight, self.panic * weight);
        match rolled {
            _ if rolled < kill => Some(Act::Kill),
            _ if rolled < kill + stop => (!is_unstoppable(point)).then_some(Act::Stop),
            // Only a worker may panic: it is one of many, and found again.
            _ if rolled < kill + stop + panic => of_a_post.then_some(Act::Panic),
            _ => None,
        }
    }
}

/// Behind the last look at the lease no program can help itself (docs/windows.md); inside a transaction it would only hold
/// everybody up, and the suite stops cores there.
fn is_unstoppable(point: FaultPoint) -> bool {
    use FaultPoint::{EventWritten, LastByteLeaves, LeaseChecked, PostponeBegins, RowWritten};
    matches!(point, LeaseChecked | LastByteLeaves | PostponeBegins | RowWritten | EventWritten)
}

fn is_seldom(point: FaultPoint) -> bool {
    use FaultPoint::{
        AbandonBegins, Abandoned, PostponeBegins, Postponed, QuotaNoteBegins, QuotaNoted, ReconcileBegins,
        ReconcileEnds, RefreshAnswered, RefreshClaimBegins, RefreshClaimed, RefreshReleaseBegins, RefreshReleased,
        RefreshStarted, RefreshStored,
    };
    matches!(
        point,
        AbandonBegins
            | Abandoned
            | PostponeBegins
            | Postponed
            | QuotaNoteBegins
            | QuotaNoted
            | ReconcileBegins
            | ReconcileEnds
            | RefreshAnswered
            | RefreshClaimBegins
            | RefreshClaimed
            | RefreshReleaseBegins
            | RefreshReleased
            | RefreshStarted
            | RefreshStored
    )
}

/// How long an exchange may take, at most what the environment says.
pub fn patience(time: Duration) -> Duration {
    static MOST: LazyLock<Option<u64>> =
        LazyLock::new(|| std::env::var("AURAREELS_FAULT_PATIENCE_MS").ok().and_then(|text| text.parse().ok()));
    MOST.map_or(time, |most| time.min(Duration::from_millis(most)))
}

/// The post that a task works on.
struct Post {
    name: String,
    fence: i64,
    hits: RefCell<HashMap<FaultPoint, u64>>,
}

tokio::task_local! {
    static POST: Post;
}

/// Runs the work on a post: points inside know it. Its name is the first word of its caption.
pub fn of_post<F: Future>(caption: &str, fence: i64, work: F) -> impl Future<Output = F::Output> {
    let name = caption.split_whitespace().next().unwrap_or_default().to_owned();
    POST.scope(Post { name, fence, hits: RefCell::default() }, work)
}

struct Plan {
    faults: Vec<Fault>,
    dice: Option<Dice>,
    trace: Option<Mutex<File>>,
    hits: Mutex<Hits>,
}

#[derive(Default)]
struct Hits {
    /// Per fault, how often its place was passed.
    counts: HashMap<usize, u64>,
    /// How often a point that belongs to no post was passed.
    of_life: HashMap<FaultPoint, u64>,
    /// The step whose exchange began last: the context of points that know none.
    step: String,
}

static PLAN: LazyLock<Plan> = LazyLock::new(|| {
    let faults = std::env::var("AURAREELS_FAULT").unwrap_or_default();
    let faults = faults
        .split(';')
        .filter(|text| !text.trim().is_empty())
        .map(|text| Fault::parse(text).unwrap_or_else(|| panic!("{MARKER}: AURAREELS_FAULT cannot be read: {text}")))
        .collect();
    let dice = std::env::var("AURAREELS_FAULT_DICE").ok().map(|text| {
        Dice::parse(&text).unwrap_or_else(|| panic!("{MARKER}: AURAREELS_FAULT_DICE cannot be read: {text}"))
    });
    let trace = std::env::var_os("AURAREELS_FAULT_TRACE").map(|path| {
        let file = File::options().create(true).append(true).open(path);
        Mutex::new(file.unwrap_or_else(|error| panic!("{MARKER}: the trace cannot be written: {error}")))
    });
    Plan { faults, dice, trace, hits: Mutex::default() }
});

/// A place is passed: does what the environment asked for, if it is the one.
pub fn point(point: FaultPoint, context: &str) {
    let plan = &*PLAN;
    if plan.faults.is_empty() && plan.dice.is_none() && plan.trace.is_none() {
        return;
    }
    let mut hits = plan.hits.lock().unwrap_or_else(PoisonError::into_inner);
    if matches!(point, FaultPoint::ExchangeBegins | FaultPoint::ReconcileBegins | FaultPoint::RefreshStarted) {
        hits.step = match point {
            FaultPoint::RefreshStarted => "refresh".to_owned(),
            FaultPoint::ReconcileBegins => format!("look for {context}"),
            _ => context.to_owned(),
        };
    }
    let context = if context.is_empty() { hits.step.clone() } else { context.to_owned() };
    if let Some(trace) = &plan.trace {
        let line = format!("{}\t{context}\n", point.name());
        // A trace that cannot be written makes the suite miss points, which it counts.
        let _ = trace.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
    }
    for (index, fault) in plan.faults.iter().enumerate() {
        if fault.point != point.name() || fault.context.as_ref().is_some_and(|wanted| *wanted != context) {
            continue;
        }
        let count = hits.counts.entry(index).or_default();
        *count += 1;
        if fault.nth.is_some_and(|nth| nth != *count) {
            continue;
        }
        let act = fault.act;
        drop(hits);
        return carry_out(act, point, &context);
    }
    let thrown = plan.dice.as_ref().and_then(|dice| dice.throw(point, &mut hits.of_life));
    drop(hits);
    if let Some(act) = thrown {
        carry_out(act, point, &context);
    }
}

fn carry_out(act: Act, point: FaultPoint, context: &str) {
    match act {
        Act::Kill => signal(Signal::KILL),
        Act::Stop => signal(Signal::STOP),
        Act::Panic => panic!("{MARKER}: {} {context}", point.name()),
    }
}

fn signal(signal: Signal) {
    // To oneself, it is always allowed.
    let _ = kill_process(getpid(), signal);
    // Another thread may take the signal: not a step further on this one until it has stopped them all.
    std::thread::sleep(Duration::from_millis(20));
}

/// Makes a clock follow the file that `AURAREELS_FAULT_CLOCK` names. Returns when it is right for the first time.
pub async fn follow_clock(clock: &Clock) {
    let Some(path) = std::env::var_os("AURAREELS_FAULT_CLOCK") else { return };
    let read = move || -> Option<TimeDelta> {
        // The file is replaced as a whole; it is there from before this process was started.
        Some(TimeDelta::microseconds(std::fs::read_to_string(&path).ok()?.trim().parse().ok()?))
    };
    clock.set_offset(read().unwrap_or_else(|| panic!("{MARKER}: AURAREELS_FAULT_CLOCK cannot be read")));
    let clock = clock.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(CLOCK_EVERY).await;
            if let Some(offset) = read() {
                clock.set_offset(offset);
            }
        }
    });
}
