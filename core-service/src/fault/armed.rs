//! What fault points do in a fault build. See [`super`].

use std::{
    collections::HashMap,
    fs::File,
    io::Write,
    sync::{LazyLock, Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use rustix::process::{Signal, getpid, kill_process};

use super::{FaultPoint, MARKER};
use crate::clock::Clock;

/// How often the simulator's clock is read.
const CLOCK_EVERY: Duration = Duration::from_millis(10);

/// Differences that are only the time of asking.
const CLOCK_JITTER: TimeDelta = TimeDelta::milliseconds(40);

#[derive(Clone, Copy)]
enum Act {
    Kill,
    Stop,
    Panic,
}

struct Fault {
    point: String,
    context: Option<String>,
    nth: u64,
    act: Act,
}

impl Fault {
    /// `point[:context][#n]=act`.
    fn parse(text: &str) -> Option<Self> {
        let (place, act) = text.trim().rsplit_once('=')?;
        let act = match act {
            "kill" => Act::Kill,
            "stop" => Act::Stop,
            "panic" => Act::Panic,
            _ => return None,
        };
        let (place, nth) = match place.rsplit_once('#') {
            Some((place, nth)) => (place, nth.parse().ok()?),
            None => (place, 1),
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

struct Plan {
    faults: Vec<Fault>,
    trace: Option<Mutex<File>>,
    hits: Mutex<Hits>,
}

#[derive(Default)]
struct Hits {
    /// Per fault, how often its place was passed.
    counts: HashMap<usize, u64>,
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
    let trace = std::env::var_os("AURAREELS_FAULT_TRACE").map(|path| {
        let file = File::options().create(true).append(true).open(path);
        Mutex::new(file.unwrap_or_else(|error| panic!("{MARKER}: the trace cannot be written: {error}")))
    });
    Plan { faults, trace, hits: Mutex::default() }
});

/// A place is passed: does what the environment asked for, if it is the one.
pub fn point(point: FaultPoint, context: &str) {
    let plan = &*PLAN;
    if plan.faults.is_empty() && plan.trace.is_none() {
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
        if *count != fault.nth {
            continue;
        }
        match fault.act {
            Act::Kill => signal(Signal::KILL),
            Act::Stop => signal(Signal::STOP),
            Act::Panic => {
                drop(hits);
                panic!("{MARKER}: {} {context}", point.name());
            }
        }
        return;
    }
}

fn signal(signal: Signal) {
    // To oneself, it is always allowed.
    let _ = kill_process(getpid(), signal);
    // Another thread may take the signal: not a step further on this one until it has stopped them all.
    std::thread::sleep(Duration::from_millis(20));
}

/// Makes a clock follow the simulator's that `AURAREELS_SIM_CLOCK` names. Returns when it is right for the first time.
pub async fn follow_clock(clock: &Clock) {
    let Ok(control) = std::env::var("AURAREELS_SIM_CLOCK") else { return };
    let url = format!("{}/_sim/clock", control.trim_end_matches('/'));
    let tls = crate::http::tls_config(&crate::http::HttpSettings::default()).expect("built-in roots are readable");
    let http = crate::http::client_builder(&tls).build().expect("a plain client can be built");
    let told = adjust(clock, &http, &url).await;
    assert!(told, "{MARKER}: the simulator does not tell the time");
    let clock = clock.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(CLOCK_EVERY).await;
            adjust(&clock, &http, &url).await;
        }
    });
}

async fn adjust(clock: &Clock, http: &reqwest::Client, url: &str) -> bool {
    let now = async {
        let answer: serde_json::Value = http.get(url).send().await.ok()?.json().await.ok()?;
        answer["now"].as_str()?.parse::<DateTime<Utc>>().ok()
    };
    let Some(now) = now.await else { return false };
    let ahead = now - clock.now();
    if ahead.abs() > CLOCK_JITTER {
        clock.set_offset(clock.offset() + ahead);
    }
    true
}
