//! The crash suite: every mode × every fault point, then the scenarios that need more than one death.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, ensure};
use aurareels_core::{domain::post::Status, fault::FaultPoint};
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    calls,
    checks::{self, Ending},
    core::Orders,
    drive::{self, Course},
    edges, lies, measure,
    mode::{Mode, Upload},
    power, restoring,
    rig::{Ceilings, Rig},
    scenarios::{self, Scenario},
    server,
    windows::{self, Window},
    words,
};

/// What the suite is asked for.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Every hit of every point, not the first alone; places whose state equals a neighbour's in every mode; a second death at every point of every recovery; three throws of the
    /// dice per loss of power; 100,000 claims of two processes (on a server always, of four); and the recovery of 1,000 posts in flight.
    #[arg(long)]
    long: bool,
    /// Cases at the same time.
    #[arg(long, default_value_t = 8)]
    jobs: usize,
    /// Only modes, points and scenarios whose name holds this.
    #[arg(long)]
    only: Option<String>,
}

/// One place at which a core dies: the n-th time it passes a point.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    pub(crate) point: String,
    pub(crate) context: String,
    pub(crate) nth: usize,
}

impl Place {
    pub(crate) fn order(&self) -> Orders {
        Orders { fault: Some(format!("{}:{}#{}=kill", self.point, self.context, self.nth)), ..Orders::default() }
    }

    /// Whether it is passed again and again, as often as the platform has to be asked.
    pub(crate) fn is_repeated(&self) -> bool {
        self.nth > 1
    }

    fn name(&self) -> String {
        format!("{}:{}#{}", self.point, self.context, self.nth)
    }
}

/// How a case ended well.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Verdict {
    /// Published, visible once.
    Once,
    /// As the window says.
    Explained(Window),
    /// Harm was done on purpose, and the checks have seen it.
    Caught,
    /// Published, visible once, without the death: the platform was ready sooner than when the places were recorded, so a
    /// look at it that was to be interrupted was not made.
    NotReached,
}

/// A case with its name.
pub(crate) struct Done {
    name: String,
    group: String,
    result: Result<Verdict>,
    took: Duration,
}

/// The places that a run passed: the first hit of each, or every hit.
pub(crate) fn places(passed: &[(String, String)], every: bool) -> Vec<Place> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let mut places = Vec::new();
    for (point, context) in passed {
        let count = counts.entry((point, context)).or_default();
        *count += 1;
        if every || *count == 1 {
            places.push(Place { point: point.clone(), context: context.clone(), nth: *count });
        }
    }
    places
}

/// Points at which a dead core leaves exactly what it would have left at the point before: nothing was committed and nothing
/// sent in between. They differ only while the process lives.
const LIKE_THE_ONE_BEFORE: [&str; 19] = [
    "claim_begins",
    "step_record_begins",
    "exchange_begins",
    "connection_opened",
    "lease_checked",
    "request_leaves",
    "last_byte_leaves",
    "exchange_ends",
    "outcome_commit_begins",
    "reconcile_begins",
    "reconcile_ends",
    "move_begins",
    "row_written",
    "event_written",
    "release_begins",
    "note_begins",
    "renew_begins",
    "refresh_claim_begins",
    "refresh_answered",
];

/// One case in so many may go without its death.
const MOST_NOT_REACHED: usize = 20;

/// The places to die at in a mode. A place that leaves what the one before it leaves is tried once per family of modes, in
/// the first that passes it; `--long` tries it in each.
fn wanted(
    mode: Mode,
    passed: &[(String, String)],
    long: bool,
    tried: &mut HashSet<(&'static str, String, String)>,
) -> Vec<Place> {
    let mut places = places(passed, long);
    places.retain(|place| {
        let first = tried.insert((mode.upload.family(), place.point.clone(), place.context.clone()));
        long || first || !LIKE_THE_ONE_BEFORE.contains(&place.point.as_str())
    });
    places
}

/// Runs something on a fresh rig and adds the log to whatever goes wrong.
pub(crate) async fn on_rig<F, T>(settings: &[(&str, &str)], run: F) -> Result<T>
where
    F: AsyncFnOnce(&mut Rig) -> Result<T>,
{
    let mut rig = Rig::new(settings).await?;
    let outcome = run(&mut rig).await.map_err(|error| anyhow!("{error:#}\n{}", rig.log_tail()));
    rig.close().await;
    outcome
}

/// Runs one post of a mode with these deaths, all of which have to happen, and checks everything.
pub(crate) async fn case(mode: Mode, orders: Vec<Orders>) -> Result<(Course, Ending)> {
    let deaths = orders.len();
    let (course, ending) = with_deaths(mode, orders).await?;
    ensure!(course.deaths == deaths, not_passed(&course, deaths, &ending));
    Ok((course, ending))
}

fn not_passed(course: &Course, deaths: usize, ending: &Ending) -> String {
    format!(
        "{} of {deaths} deaths happened: the point was not passed; the post ended {}, {} visible, {:?}",
        course.deaths, ending.post.status, ending.visible, ending.post.error
    )
}

/// The same, as many of the deaths as happen.
async fn with_deaths(mode: Mode, orders: Vec<Orders>) -> Result<(Course, Ending)> {
    on_rig(&[], async move |rig| {
        let account = rig.account(mode).await?;
        let id = rig.create(mode, account, "solo").await?;
        // Which of them may, at which place, is judged by the windows.
        rig.ceilings = Ceilings {
            reviews: usize::from(mode.upload == Upload::TiktokPull),
            failures: usize::from(mode.scheduled),
            ..Ceilings::default()
        };
        let course = drive::run(rig, orders.into_iter().chain([Orders::default()])).await?;
        let ending = checks::ending(rig, id, "solo").await?;
        checks::database(rig).await?;
        Ok((course, ending))
    })
    .await
}

async fn judged(mode: Mode, deaths: Vec<Place>) -> Result<Verdict> {
    let (course, ending) = with_deaths(mode, deaths.iter().map(Place::order).collect()).await?;
    let verdict = judge(mode, &deaths, &ending)?;
    match deaths.get(course.deaths) {
        None => Ok(verdict),
        Some(place) if place.is_repeated() => Ok(Verdict::NotReached),
        Some(_) => Err(anyhow!(not_passed(&course, deaths.len(), &ending))),
    }
}

/// The core loses power at the place.
async fn dark(mode: Mode, place: Place, seed: u64) -> Result<Verdict> {
    match power::case(mode, place.clone(), seed, true).await? {
        Some(ending) => judge(mode, &[place], &ending),
        None => Ok(Verdict::NotReached),
    }
}

/// The core loses power on a disk that lies about its syncs, right after the platform has made the post: this suite has to
/// see two posts, or it could not see a lost commit either.
async fn dark_on_a_lying_disk(mode: Mode, place: Place) -> Result<Verdict> {
    match power::case(mode, place, 1, false).await {
        Err(error) if format!("{error:#}").contains("2 posts are visible") => Ok(Verdict::Caught),
        Err(error) => Err(error.context("a second post was expected")),
        Ok(Some(ending)) => {
            Err(anyhow!("a disk that lies did no harm: {} with {} visible", ending.post.status, ending.visible))
        }
        Ok(None) => Err(anyhow!("the place is not passed")),
    }
}

fn judge(mode: Mode, deaths: &[Place], ending: &Ending) -> Result<Verdict> {
    if ending.post.status == Status::Published && ending.visible == 1 {
        return Ok(Verdict::Once);
    }
    let window = deaths
        .iter()
        .find_map(|place| windows::explains(mode, &place.point, &place.context, &ending.post, ending.visible));
    window.map(Verdict::Explained).with_context(|| {
        format!("ended {} with {} visible: {:?}", ending.post.status, ending.visible, ending.post.error)
    })
}

/// Cases that run side by side.
struct Pool {
    running: JoinSet<Done>,
    room: Arc<Semaphore>,
    only: Option<String>,
    left_out: usize,
}

impl Pool {
    /// Runs a case when there is room, if its name is one of those asked for.
    fn add(&mut self, group: &str, name: String, case: Scenario) {
        if self.only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            self.left_out += 1;
            return;
        }
        let (room, group) = (self.room.clone(), group.to_owned());
        self.running.spawn(async move {
            let _room = room.acquire_owned().await;
            let begun = Instant::now();
            let result = on_a_thread(move || {
                let case = case();
                async move {
                    match tokio::time::timeout(2 * drive::PATIENCE, case).await {
                        Ok(result) => result,
                        Err(_) => Err(anyhow!("no end within {} s", 2 * drive::PATIENCE.as_secs())),
                    }
                }
            })
            .await;
            if let Err(error) = &result {
                println!("FAILED {name}\n    {}", format!("{error:#}").replace('\n', "\n    "));
            }
            Done { name, group, result, took: begun.elapsed() }
        });
    }
}

/// Runs a case on a thread with a runtime of its own: its simulator shares nothing with the others.
async fn on_a_thread<F, T>(case: impl FnOnce() -> F + Send + 'static) -> Result<T>
where
    F: Future<Output = Result<T>>,
    T: Send + 'static,
{
    tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(case())
    })
    .await?
}

/// Runs everything; true when nothing failed.
pub(crate) async fn run(options: &Options) -> Result<bool> {
    let begun = Instant::now();
    let room = Arc::new(Semaphore::new(options.jobs.max(1)));
    let mut pool = Pool { running: JoinSet::new(), room, only: options.only.clone(), left_out: 0 };
    let mut failures = Vec::new();
    let room = pool.room.clone();
    let mut recordings = JoinSet::new();
    for mode in Mode::all() {
        let room = room.clone();
        let lost = Place { point: "answer_arrived".into(), context: mode.upload.point_of_no_return().into(), nth: 1 };
        let any = options.only.is_none() || mode.name().contains(options.only.as_deref().unwrap_or_default());
        let by_name = options.only.as_deref().is_some_and(|only| only.contains(mode.upload.name()));
        if !(any || by_name) {
            continue;
        }
        recordings.spawn(async move {
            let _room = room.acquire_owned().await;
            let order = lost.order();
            let plain = on_a_thread(move || async move { Ok(case(mode, vec![]).await?.0.passed.swap_remove(0)) }).await;
            let recovery =
                on_a_thread(move || async move { Ok(case(mode, vec![order]).await?.0.passed.swap_remove(1)) }).await;
            (mode, plain, lost, recovery)
        });
    }
    let on_server = server::is_about_files("loss of power: a server's own disk is the server's to test");
    let mut reached: BTreeSet<&'static str> = BTreeSet::new();
    let mut recorded = Vec::new();
    while let Some(one) = recordings.join_next().await {
        recorded.push(one?);
    }
    // Which mode of a family comes first must not depend on who was recorded first.
    recorded.sort_by_key(|(mode, ..)| (mode.scheduled, mode.name()));
    let (mut tried, mut recovered) = (HashSet::new(), HashSet::new());
    for (mode, plain, lost, recovery) in recorded {
        let (plain, recovery) = match (plain, recovery) {
            (Ok(plain), Ok(recovery)) => (plain, recovery),
            (Err(error), _) | (_, Err(error)) => {
                failures.push(format!("{}: an undisturbed post: {error:#}", mode.name()));
                continue;
            }
        };
        for point in FaultPoint::ALL {
            let passed = plain.iter().any(|(passed, _)| passed == point.name());
            if passed {
                reached.insert(point.name());
            }
            match (passed, windows::not_passed(mode, point.name())) {
                (false, None) => failures.push(format!("{}: {} was never passed", mode.name(), point.name())),
                (true, Some(_)) => failures.push(format!("{}: {} is passed after all", mode.name(), point.name())),
                _ => {}
            }
        }
        for place in wanted(mode, &plain, options.long, &mut tried) {
            let name = format!("{} {}", mode.name(), place.name());
            pool.add("pairs", name, Box::new(move || Box::pin(judged(mode, vec![place]))));
        }
        let dark_places = places(&plain, options.long).into_iter().filter(|place| !on_server && power::matters(place));
        for place in dark_places {
            let of_tokens = place.point.starts_with("refresh");
            if options.long || !mode.scheduled || of_tokens {
                for seed in 1..=if options.long { 3 } else { 1 } {
                    let name = format!("{} power lost at {} ({seed})", mode.name(), place.name());
                    let place = place.clone();
                    pool.add("loss of power", name, Box::new(move || Box::pin(dark(mode, place, seed))));
                }
            }
        }
        if !mode.scheduled && !on_server {
            let name = format!("{} power lost on a disk that lies", mode.name());
            let place = lost.clone();
            pool.add("harm is seen", name, Box::new(move || Box::pin(dark_on_a_lying_disk(mode, place))));
        }
        // The second core dies too, wherever it passes while it recovers what the first left.
        if options.long || !mode.scheduled {
            for second in wanted(mode, &recovery, options.long, &mut recovered) {
                let name = format!("{} recovery {} then {}", mode.name(), lost.name(), second.name());
                let deaths = vec![lost.clone(), second];
                pool.add("deaths during recovery", name, Box::new(move || Box::pin(judged(mode, deaths))));
            }
        }
    }
    for upload in Upload::ALL {
        let all = scenarios::of(upload).into_iter().chain(lies::of(upload)).chain(edges::of(upload));
        let all = all.chain(restoring::of(upload)).chain(words::of(upload)).chain(calls::of(upload));
        for (group, name, scenario) in all {
            let name = format!("{} {name}", upload.name());
            pool.add(group, name, scenario);
        }
    }
    let mut groups: BTreeMap<String, (usize, usize, Duration)> = BTreeMap::new();
    let mut explained: BTreeMap<Window, Vec<String>> = BTreeMap::new();
    let (mut failed, mut not_reached) = (0, 0);
    while let Some(done) = pool.running.join_next().await {
        let done = done?;
        let (run, once, took) = groups.entry(done.group).or_default();
        *run += 1;
        *took += done.took;
        match done.result {
            Ok(Verdict::Once) => *once += 1,
            Ok(Verdict::Caught) => {}
            Ok(Verdict::NotReached) => not_reached += 1,
            Ok(Verdict::Explained(window)) => explained.entry(window).or_default().push(done.name),
            Err(error) => {
                failed += 1;
                failures.push(format!("{}: {}", done.name, format!("{error:#}").lines().next().unwrap_or("")));
            }
        }
    }
    let all = options.only.is_none();
    let claiming = measure::Claims::of(if on_server { 4 } else { 2 });
    if all && (options.long || on_server) && !measure::claims(&claiming).await? {
        failures.push("two processes held a post at the same time".to_owned());
    }
    if all && options.long && !measure::recovery(&measure::Recovery::default()).await? {
        failures.push("posts in flight were not claimed again in time".to_owned());
    }
    println!("\n{:<28} {:>6} {:>26} {:>12}", "", "run", "published, visible once", "s per case");
    for (group, (run, once, took)) in &groups {
        println!("{group:<28} {run:>6} {once:>26} {:>12.2}", took.as_secs_f64() / *run as f64);
    }
    for (window, mut names) in explained {
        names.sort_unstable();
        println!("window {} (docs/windows.md), {} cases:", window.name(), names.len());
        for name in names {
            println!("    {name}");
        }
    }
    let total: usize = groups.values().map(|(run, ..)| run).sum();
    if not_reached > 0 {
        println!(
            "{not_reached} cases were not interrupted: a place that is passed several times was passed less often"
        );
    }
    if not_reached > total / MOST_NOT_REACHED {
        failures.push(format!("{not_reached} of {total} cases were not interrupted"));
    }
    let left_out = pool.left_out;
    for failure in &failures {
        println!("FAILED {failure}");
    }
    let word = if failures.is_empty() { "ok" } else { "FAILED" };
    let (passed, seconds) = (total - failed, begun.elapsed().as_secs_f64());
    // Besides cases that failed: places that were not passed, or passed after all.
    let failed = failures.len();
    println!(
        "test result: {word}. {passed} passed; {failed} failed; {left_out} filtered out; finished in {seconds:.2}s"
    );
    Ok(failures.is_empty())
}
