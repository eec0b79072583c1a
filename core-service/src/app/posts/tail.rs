//! One reader of new events per process, for any number of watchers: it reads events once, with their posts and
//! accounts, and distributes them by user, in memory.
//!
//! Guaranteed: a follower gets events in the order of the sequence. It never misses one unnoticed: batches name the
//! positions between which they are complete, and a follower that was not given something (it was too slow, it joined
//! while the reader slept, the database was away) is told to read for itself. Memory per user is bounded by [`KEPT`].
//! Without followers nothing is read. Events of other cores on the same database are found by polling every [`LOOK`].

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, broadcast},
    time::{MissedTickBehavior, interval, sleep},
};
use tracing::warn;

use super::requests::{EventBatch, Subjects, UploadNews};
use crate::{
    domain::{
        event::Event,
        failure::describe,
        ids::{AccountId, PostId, Sequence, UserId},
    },
    progress::{UploadProgress, Uploads},
    repeated::Repeated,
    store::{self, Store},
};

/// Events read at once.
const BATCH: u32 = 256;

/// Messages kept for the slowest follower of one user. A follower further behind reads the database.
const KEPT: usize = 64;

/// Time between polls for events that another core committed.
const LOOK: Duration = Duration::from_secs(2);

/// Least time between two reads: commits in between are read together.
const GATHER: Duration = Duration::from_millis(5);

/// Minimum time between two progress messages.
const TELL: Duration = Duration::from_millis(200);

/// Maximum number of a user's uploads in one progress message.
const MOST_UPLOADS: usize = 256;

/// Pause after an error of the database.
const PAUSE: Duration = Duration::from_secs(1);

/// What a follower is handed.
#[derive(Clone, Debug)]
pub enum News {
    /// New events of its user.
    Events(Arc<EventBatch>),
    /// Progress of its user's uploads.
    Uploads(Arc<UploadNews>),
    /// There may be events that it was not given: it must read on from its position.
    Look,
}

/// The reader. Cheap to clone.
#[derive(Clone)]
pub(super) struct Tail {
    store: Store,
    uploads: Uploads,
    state: Arc<Mutex<State>>,
    joined: Arc<Notify>,
}

#[derive(Default)]
struct State {
    /// Everything up to here was distributed; `None` while there are no followers.
    through: Option<Sequence>,
    users: HashMap<UserId, Feed>,
}

/// The followers of one user.
struct Feed {
    news: broadcast::Sender<News>,
    /// What they were given is complete up to here.
    through: Sequence,
    /// Followers that want upload progress.
    of_uploads: usize,
}

/// A follower of a user's events.
pub struct Follower {
    news: Option<broadcast::Receiver<News>>,
    tail: Tail,
    user: UserId,
    uploads: bool,
}

impl Tail {
    pub(super) fn new(store: Store, uploads: Uploads) -> Self {
        Self { store, uploads, state: Arc::default(), joined: Arc::default() }
    }

    /// Follows a user's events from now on, with upload progress when it is wanted.
    pub(super) fn follow(&self, user: UserId, uploads: bool) -> Follower {
        let mut state = self.state();
        let through = state.through.unwrap_or(Sequence(0));
        let feed = state.users.entry(user).or_insert_with(|| Feed {
            news: broadcast::Sender::new(KEPT),
            through,
            of_uploads: 0,
        });
        feed.of_uploads += usize::from(uploads);
        let news = Some(feed.news.subscribe());
        drop(state);
        self.joined.notify_one();
        Follower { news, tail: self.clone(), user, uploads }
    }

    /// Reads and distributes, for ever.
    pub(super) async fn run(&self) {
        let mut committed = self.store.events_committed();
        let mut uploads = self.uploads.subscribe();
        let mut noted = HashMap::new();
        let mut trouble = Repeated::default();
        let mut look = interval(LOOK);
        let mut tell = interval(TELL);
        for ticks in [&mut look, &mut tell] {
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        loop {
            self.joined().await;
            committed.mark_unchanged();
            if let Err(problem) = self.read_on().await {
                let problem = describe(&problem);
                if trouble.is_news(&problem) {
                    warn!(error = %problem, "cannot read events for those who watch");
                }
                self.have_all_look();
                sleep(PAUSE).await;
                continue;
            }
            trouble.over();
            // Progress may go on for long without a commit; only commits and looks lead back to the events.
            loop {
                tokio::select! {
                    changed = committed.changed() => match changed {
                        Ok(()) => break,
                        // The store is closed.
                        Err(_) => return,
                    },
                    _ = look.tick() => break,
                    step = next(&mut uploads) => self.note(&mut noted, step),
                    _ = tell.tick(), if !noted.is_empty() => self.tell(std::mem::take(&mut noted)).await,
                }
            }
            sleep(GATHER).await;
        }
    }

    /// Returns when there is a follower.
    async fn joined(&self) {
        loop {
            {
                let mut state = self.state();
                if !state.users.is_empty() {
                    return;
                }
                state.through = None;
            }
            self.joined.notified().await;
        }
    }

    /// Distributes everything that is committed.
    async fn read_on(&self) -> store::Result<()> {
        let through = self.state().through;
        let mut after = match through {
            Some(through) => through,
            None => {
                let newest = self.store.newest_event().await?;
                let mut state = self.state();
                state.through = Some(newest);
                // They may have looked before `newest` was committed.
                state.users.values_mut().for_each(|feed| feed.skip_to(newest));
                newest
            }
        };
        loop {
            let batch = self.store.events_of_all(after, BATCH).await?;
            let Some(reached) = batch.reached else { return Ok(()) };
            let followed: HashSet<UserId> = self.state().users.keys().copied().collect();
            let mut events: HashMap<UserId, Vec<Event>> = HashMap::new();
            for event in batch.events {
                events.entry(event.event.wp_user_id).or_default().push(event);
            }
            let wanted: Vec<&Event> =
                events.iter().filter(|(user, _)| followed.contains(user)).flat_map(|(_, events)| events).collect();
            let subjects = subjects(&self.store, wanted.into_iter()).await?;
            let mut state = self.state();
            for (user, feed) in &mut state.users {
                match events.remove(user) {
                    Some(events) if followed.contains(user) => feed.hand_out(events, &subjects, reached),
                    // It came while the posts were read.
                    Some(_) => feed.skip_to(reached),
                    None => {}
                }
            }
            state.through = Some(reached);
            if !batch.full {
                return Ok(());
            }
            after = reached;
        }
    }

    fn have_all_look(&self) {
        self.state().users.values_mut().for_each(|feed| drop(feed.news.send(News::Look)));
    }

    /// Records the progress of an upload, if a follower wants it.
    fn note(&self, noted: &mut HashMap<UserId, HashMap<PostId, UploadProgress>>, step: UploadProgress) {
        if self.state().users.get(&step.user).is_some_and(|feed| feed.of_uploads > 0) {
            let of_user = noted.entry(step.user).or_default();
            if of_user.len() < MOST_UPLOADS || of_user.contains_key(&step.post) {
                of_user.insert(step.post, step);
            }
        }
    }

    /// Sends the progress of uploads. What cannot be read now is sent with the next step.
    async fn tell(&self, noted: HashMap<UserId, HashMap<PostId, UploadProgress>>) {
        let posts = noted.values().flat_map(HashMap::keys).copied().collect();
        let subjects = match of(&self.store, posts, Vec::new()).await {
            Ok(subjects) => subjects,
            Err(problem) => return warn!(error = %describe(&problem), "cannot read the posts that are being uploaded"),
        };
        let state = self.state();
        for (user, steps) in noted {
            let Some(feed) = state.users.get(&user).filter(|feed| feed.of_uploads > 0) else { continue };
            let steps: Vec<UploadProgress> = steps.into_values().collect();
            let subjects = subjects.of_user(user);
            drop(feed.news.send(News::Uploads(Arc::new(UploadNews { steps, subjects }))));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Feed {
    fn hand_out(&mut self, events: Vec<Event>, subjects: &Subjects, through: Sequence) {
        let user = events.first().map(|event| event.event.wp_user_id);
        let subjects = user.map(|user| subjects.of_user(user)).unwrap_or_default();
        let batch = EventBatch { after: self.through, through, events, subjects };
        // Nobody may follow any more.
        drop(self.news.send(News::Events(Arc::new(batch))));
        self.through = through;
    }

    fn skip_to(&mut self, through: Sequence) {
        self.through = through;
        drop(self.news.send(News::Look));
    }
}

impl Follower {
    /// The next news; `None` when the core stops.
    pub async fn next(&mut self) -> Option<News> {
        match self.news.as_mut()?.recv().await {
            Ok(news) => Some(news),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(News::Look),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }

    /// The next news if there is one already.
    pub fn next_now(&mut self) -> Option<News> {
        match self.news.as_mut()?.try_recv() {
            Ok(news) => Some(news),
            Err(broadcast::error::TryRecvError::Lagged(_)) => Some(News::Look),
            Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed) => None,
        }
    }

    /// After taking all queued news a follower has all events up to this position, unless told to read.
    pub fn position(&self) -> Option<Sequence> {
        self.tail.state().through
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let mut state = self.tail.state();
        self.news = None;
        if let Some(feed) = state.users.get_mut(&self.user) {
            feed.of_uploads -= usize::from(self.uploads);
            if feed.news.receiver_count() == 0 {
                state.users.remove(&self.user);
            }
        }
    }
}

/// The posts of events, and their accounts; for events without a post the account itself.
pub async fn subjects(store: &Store, events: impl Iterator<Item = &Event>) -> store::Result<Subjects> {
    let (mut posts, mut accounts) = (Vec::new(), Vec::new());
    for Event { event, .. } in events {
        match (event.post_id, event.account_id) {
            (Some(post), _) => posts.push(post),
            (None, Some(account)) => accounts.push(account),
            (None, None) => {}
        }
    }
    of(store, posts, accounts).await
}

async fn of(store: &Store, mut posts: Vec<PostId>, mut accounts: Vec<AccountId>) -> store::Result<Subjects> {
    posts.sort_unstable();
    posts.dedup();
    let posts = store.posts_to_show(&posts).await?;
    accounts.extend(posts.iter().map(|post| post.social_account_id));
    accounts.sort_unstable();
    accounts.dedup();
    let accounts = store.accounts_to_show(&accounts).await?;
    Ok(Subjects {
        posts: posts.into_iter().map(|post| (post.id, Arc::new(post))).collect(),
        accounts: accounts.into_iter().map(|account| (account.id, Arc::new(account))).collect(),
    })
}

/// The next step of an upload; never when no upload can come any more.
async fn next(uploads: &mut broadcast::Receiver<UploadProgress>) -> UploadProgress {
    loop {
        match uploads.recv().await {
            Ok(step) => return step,
            Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::{ALICE, BOB, World};

    async fn events(follower: &mut Follower) -> Arc<EventBatch> {
        match follower.next().await {
            Some(News::Events(batch)) => batch,
            other => panic!("no events: {other:?}"),
        }
    }

    #[tokio::test]
    async fn followers_are_handed_what_is_their_users_with_its_accounts() {
        let (_world, one) = World::new().await;
        let tail = Tail::new(one.store.clone(), Uploads::default());
        let running = tokio::spawn({
            let tail = tail.clone();
            async move { tail.run().await }
        });
        let (mut first, mut second) = (tail.follow(ALICE.user, false), tail.follow(ALICE.user, false));
        for follower in [&mut first, &mut second] {
            assert!(
                matches!(follower.next().await, Some(News::Look)),
                "what came before the reader woke is looked for"
            );
        }
        let theirs = one.connect(BOB).await;
        let account = one.connect(ALICE).await.remove(0);
        let batch = events(&mut first).await;
        assert_eq!(batch.events.len(), 1);
        assert_eq!(batch.events[0].event.account_id, Some(account.id));
        assert!(batch.subjects.accounts.contains_key(&account.id));
        assert!(!batch.subjects.accounts.contains_key(&theirs[0].id));
        assert!(Arc::ptr_eq(&batch, &events(&mut second).await), "read once for both");
        assert_eq!(first.position(), Some(batch.through));
        drop((first, second));
        assert!(tail.state().users.is_empty(), "nobody follows any more");
        running.abort();
    }

    #[tokio::test]
    async fn a_follower_that_falls_behind_is_told_to_look() {
        let (_world, one) = World::new().await;
        let tail = Tail::new(one.store.clone(), Uploads::default());
        let (mut slow, mut quick) = (tail.follow(ALICE.user, false), tail.follow(ALICE.user, false));
        let hand_out = |through| {
            let mut state = tail.state();
            let feed = state.users.get_mut(&ALICE.user).unwrap();
            feed.hand_out(Vec::new(), &Subjects::default(), Sequence(through));
        };
        for through in 1..=KEPT as i64 + 1 {
            hand_out(through);
            assert_eq!(events(&mut quick).await.through, Sequence(through));
        }
        assert!(matches!(slow.next().await, Some(News::Look)));
        let batch = events(&mut slow).await;
        assert_eq!((batch.after, batch.through), (Sequence(1), Sequence(2)), "and goes on with what is kept");
    }
}
