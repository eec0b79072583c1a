//! Many events to receivers that fail, hang, answer late and die, while the core is killed: each is delivered at least once, with
//! one id, in order per post.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use aurareels_proto::v1::{EventType, ListEventsRequest, PostContent, UpdatePostRequest};
use aurareels_simulator::{Options, Simulator};
use futures_util::{StreamExt, stream};
use prost_types::FieldMask;
use tokio::time::{Instant, sleep};

use super::{
    User,
    receiver::{Kind, Receiver, Taken},
};
use crate::{
    client::{self, Posts},
    core::Core,
};

/// The last one is taken down for some seconds again and again.
const KINDS: [Kind; 4] = [Kind::Fails, Kind::Hangs, Kind::Late, Kind::Good];

/// Each post makes so many: it is created, then edited.
const EVENTS_OF_A_POST: usize = 10;

/// Calls of one user at the same time.
const AT_ONCE: usize = 8;

const BETWEEN_KILLS: Duration = Duration::from_secs(20);
const KILLS: usize = 5;
const DOWN: Duration = Duration::from_secs(8);

/// Failed tries go on for minutes.
const PATIENCE: Duration = Duration::from_secs(3600);

pub(crate) async fn run(binary: &Path, events: usize) -> Result<()> {
    println!("\n## {events} events to receivers that fail, while the core is killed {KILLS} times\n");
    let simulator = Simulator::start(Options::default()).await?;
    let mut core = Core::start(binary, &simulator, &[]).await?;
    let (mut users, mut receivers) = (Vec::new(), Vec::new());
    for (number, kind) in KINDS.into_iter().enumerate() {
        let receiver = Receiver::start(kind).await?;
        let user = User::new(&core, &simulator, number + 1).await?;
        user.endpoint(&core, receiver.url(number), &["post.created", "post.updated"]).await?;
        users.push(user);
        receivers.push(receiver);
    }
    let mut dying = receivers.pop().context("no receiver")?;
    let begun = Instant::now();
    let posts = events / KINDS.len() / EVENTS_OF_A_POST;
    let made = async {
        futures_util::future::join_all(users.iter().map(|user| make(user, posts))).await;
        begun.elapsed()
    };
    let killed = async {
        for _ in 0..KILLS {
            sleep(BETWEEN_KILLS).await;
            core.kill_and_start().await?;
        }
        anyhow::Ok(())
    };
    let died = async {
        for _ in 0..KILLS {
            sleep(DOWN * 2).await;
            dying.die_for(DOWN).await?;
        }
        anyhow::Ok(())
    };
    let (made, killed, died) = tokio::join!(made, killed, died);
    killed?;
    died?;
    receivers.push(dying);
    println!("| receiver | events | requests | taken more than once | lost | other id | out of order |");
    println!("|---|---|---|---|---|---|---|");
    for ((user, receiver), kind) in users.iter().zip(&receivers).zip(KINDS) {
        let expected = expected(&mut client::posts_at(&core.address, &user.key).await?).await?;
        ensure!(expected.len() >= posts * EVENTS_OF_A_POST, "only {} events", expected.len());
        while distinct(&receiver.taken()) < expected.len() && begun.elapsed() < PATIENCE {
            sleep(Duration::from_secs(1)).await;
        }
        let taken = receiver.taken();
        let sequences: HashSet<i64> = taken.iter().map(|one| one.sequence).collect();
        let lost = expected.difference(&sequences).count();
        let again = taken.len() - sequences.len();
        let (events, requests) = (expected.len(), receiver.requests());
        println!(
            "| {kind:?} | {events} | {requests} | {again} | {lost} | {} | {} |",
            other_ids(&taken),
            out_of_order(&taken)
        );
    }
    println!(
        "\nall were made within {:.0} s and delivered within {:.0} s; peak memory of the core: {:.1} MiB",
        made.as_secs_f64(),
        begun.elapsed().as_secs_f64(),
        core.memory_mib("VmHWM")?
    );
    simulator.shutdown().await;
    Ok(())
}

/// Makes posts and edits them, through a core that dies now and then.
async fn make(user: &User, posts: usize) {
    stream::iter(0..posts)
        .for_each_concurrent(AT_ONCE, async |number| {
            let draft = user.draft(format!("storm{number}"));
            let id = loop {
                match user.posts.clone().create_draft(draft.clone()).await {
                    Ok(post) => break post.into_inner().id,
                    Err(_) => sleep(Duration::from_millis(200)).await,
                }
            };
            for edit in 1..EVENTS_OF_A_POST {
                let content = PostContent { caption: format!("edit {edit} of {number}"), ..PostContent::default() };
                let request = UpdatePostRequest {
                    id,
                    content: Some(content),
                    update_mask: Some(FieldMask { paths: vec!["caption".to_owned()] }),
                    ..UpdatePostRequest::default()
                };
                while user.posts.clone().update_post(request.clone()).await.is_err() {
                    sleep(Duration::from_millis(200)).await;
                }
            }
        })
        .await;
}

/// The events that were to be delivered, by the core's own list.
async fn expected(posts: &mut Posts) -> Result<HashSet<i64>> {
    let mut request = ListEventsRequest { after_sequence: Some(0), page_size: 500 };
    let mut all = HashSet::new();
    loop {
        let page = posts.list_events(request).await?.into_inner();
        let wanted = |kind: EventType| matches!(kind, EventType::PostCreated | EventType::PostUpdated);
        all.extend(page.events.iter().filter(|event| wanted(event.r#type())).map(|event| event.sequence));
        if Some(page.position) == request.after_sequence {
            return Ok(all);
        }
        request.after_sequence = Some(page.position);
    }
}

fn distinct(taken: &[Taken]) -> usize {
    taken.iter().map(|one| one.sequence).collect::<HashSet<_>>().len()
}

/// Events that came with more than one id.
fn other_ids(taken: &[Taken]) -> usize {
    let mut ids: HashMap<i64, &str> = HashMap::new();
    taken.iter().filter(|one| *ids.entry(one.sequence).or_insert(&one.webhook_id) != one.webhook_id).count()
}

/// Events that were first taken after a later one of their post.
fn out_of_order(taken: &[Taken]) -> usize {
    let (mut seen, mut newest) = (HashSet::new(), HashMap::new());
    let mut wrong = 0;
    for one in taken.iter().filter(|one| seen.insert(one.sequence)) {
        let newest = newest.entry(one.post).or_insert(one.sequence);
        wrong += usize::from(one.sequence < *newest);
        *newest = one.sequence.max(*newest);
    }
    wrong
}
