//! New posts on a server's database: the requests of callers that wait at the same time share a transaction and its
//! statements. There each statement is a way to the server and back, and transactions that make posts at the same time are
//! in each other's way.
//!
//! Guaranteed: a request is created whole or not at all, and gets its own answer. One transaction of a process makes posts
//! at a time, and no two requests in it have anything to do with each other: they share no key, content or link on the same
//! account. What one must not do because of another is found by the next transaction, as if they had come one after the
//! other, and in that order. A request that has not begun within [`PATIENCE`] never does.
//!
//! Expected: a transaction fails because of one request (a row that cannot be read). Then each gets one of its own.

use std::{
    collections::HashSet,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use tokio::{sync::oneshot, time::timeout};

use super::{
    Error, Result,
    ailment::Ailment,
    creating::{Inserted, NewPost, create},
    db::Db,
    request_keys::GROUP,
};
use crate::domain::ids::AccountId;

/// Longest that a request waits for those before it. After that the transaction may wait for its turn, up to [`ANSWER`].
const PATIENCE: Duration = Duration::from_secs(5);

/// Longest time until a request is answered.
const ANSWER: Duration = Duration::from_secs(15);

/// Posts of one transaction; a single request may have more. Of many callers some prepare their requests while those of the
/// others are written: with one transaction for all of them, they would all wait for the database and then all for the CPU.
const MOST: usize = GROUP / 2;

/// The requests of one process. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Gathering(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    requests: Vec<Request>,
    /// Somebody carries requests out.
    is_busy: bool,
}

struct Request {
    posts: Vec<NewPost>,
    until: Instant,
    reply: oneshot::Sender<Result<Vec<Inserted>>>,
}

impl Gathering {
    /// Creates the posts of a request, together with those of others that wait.
    pub(super) async fn insert(&self, db: &Db, posts: Vec<NewPost>) -> Result<Vec<Inserted>> {
        let (reply, answer) = oneshot::channel();
        let begins = {
            let mut waiting = self.waiting();
            waiting.requests.push(Request { posts, until: Instant::now() + PATIENCE, reply });
            !mem::replace(&mut waiting.is_busy, true)
        };
        if begins {
            // In a task of its own: whoever began it may go away.
            tokio::spawn(self.clone().carry_out(db.clone()));
        }
        match timeout(ANSWER, answer).await {
            Ok(answer) => answer.unwrap_or(Err(Error::Closed)),
            Err(_) => Err(Error::Sick(Ailment::Slow(ANSWER.as_secs()))),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries out what waits, until nothing does.
    async fn carry_out(self, db: Db) {
        let busy = Busy(self);
        while let Some(requests) = busy.0.next() {
            let (posts, replies): (Vec<_>, Vec<_>) =
                requests.into_iter().map(|request| (request.posts, request.reply)).unzip();
            for (answer, reply) in insert_together(&db, Arc::new(posts)).await.into_iter().zip(replies) {
                // The caller may be gone; the posts stand all the same.
                let _ = reply.send(answer);
            }
        }
    }

    /// The requests of the next transaction; `None`: nothing waits.
    fn next(&self) -> Option<Vec<Request>> {
        let mut waiting = self.waiting();
        let now = Instant::now();
        for late in waiting.requests.extract_if(.., |request| request.until <= now) {
            let _ = late.reply.send(Err(Error::Sick(Ailment::Slow(PATIENCE.as_secs()))));
        }
        let requests = part(&mut waiting.requests);
        waiting.is_busy = !requests.is_empty();
        Some(requests).filter(|requests| !requests.is_empty())
    }
}

/// Requests are being carried out. If that ends by a panic, the next caller begins anew.
struct Busy(Gathering);

impl Drop for Busy {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.waiting().is_busy = false;
        }
    }
}

/// Takes the first requests that have nothing to do with each other.
fn part(requests: &mut Vec<Request>) -> Vec<Request> {
    let (mut known, mut posts) = (HashSet::new(), 0);
    let taken = requests.extract_if(.., |request| {
        if posts >= MOST {
            return false;
        }
        let names: Vec<_> = request.posts.iter().flat_map(names).collect();
        let is_apart = names.iter().all(|name| !known.contains(name));
        // Also those of a request that waits: what comes after it and is about the same does not overtake it.
        known.extend(names);
        let fits = posts == 0 || posts + request.posts.len() <= MOST;
        if is_apart && fits {
            posts += request.posts.len();
        }
        is_apart && fits
    });
    taken.collect()
}

/// By what a new post is found again, or found to be the same as another one.
fn names(new: &NewPost) -> impl Iterator<Item = (AccountId, &'static str, String)> {
    let (account, keys) = (new.post.social_account_id, &new.keys);
    let of_kind = [("key", &keys.key), ("posted", &keys.posted), ("link", &keys.link), ("address", &keys.by_address)];
    of_kind.into_iter().filter_map(move |(kind, name)| Some((account, kind, name.clone()?)))
}

/// The answers to requests that have nothing to do with each other, in their order.
async fn insert_together(db: &Db, requests: Arc<Vec<Vec<NewPost>>>) -> Vec<Result<Vec<Inserted>>> {
    let all = requests.clone();
    match db.write_alone(async move |tx| create(tx, &all).await).await {
        Ok(answers) => answers,
        Err(error) if requests.len() == 1 => vec![Err(error)],
        Err(error) => {
            let of_each: Option<Vec<_>> = requests.iter().map(|_| of_everybody(&error).map(Err)).collect();
            match of_each {
                Some(answers) => answers,
                None => join_all((0..requests.len()).map(|number| insert_alone(db, requests.clone(), number))).await,
            }
        }
    }
}

async fn insert_alone(db: &Db, requests: Arc<Vec<Vec<NewPost>>>, number: usize) -> Result<Vec<Inserted>> {
    let alone = async move |tx: &mut _| create(tx, &requests[number..=number]).await;
    db.write_first(alone).await?.pop().unwrap_or(Err(Error::Closed))
}

/// The same error once more, if it has nothing to do with what was asked for.
fn of_everybody(error: &Error) -> Option<Error> {
    match error {
        Error::Sick(ailment) => Some(Error::Sick(ailment.clone())),
        Error::Behind(why) => Some(Error::Behind(why.clone())),
        Error::Closed => Some(Error::Closed),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Clock, domain::post::Status, store::plans};

    #[tokio::test]
    async fn requests_about_the_same_wait_for_each_other_in_their_order() {
        let directory = tempfile::tempdir().unwrap();
        let store = plans::store(directory.path(), plans::KEY, &[]).await;
        let now = Clock::system().now();
        let account = plans::account(&store, now).await;
        let request = |key: &str, link: Option<&str>| {
            let mut new = plans::new_post(&account, Status::Publishing, key, now);
            new.keys.link = link.map(str::to_owned);
            Request { posts: vec![new], until: Instant::now() + PATIENCE, reply: oneshot::channel().0 }
        };
        let keys = |requests: &[Request]| -> Vec<String> {
            requests.iter().filter_map(|request| request.posts[0].keys.key.clone()).collect()
        };
        // The third is about what the second is about, by its link; the fourth has the third's key.
        let mut waiting = vec![
            request("a", None),
            request("b", Some("v")),
            request("c", Some("v")),
            request("c", None),
            request("d", None),
        ];
        assert_eq!(keys(&part(&mut waiting)), ["a", "b", "d"]);
        assert_eq!(keys(&part(&mut waiting)), ["c"]);
        assert_eq!(keys(&part(&mut waiting)), ["c"]);
        assert!(part(&mut waiting).is_empty());
        let mut many: Vec<_> = (0..=MOST).map(|number| request(&format!("key-{number}"), None)).collect();
        assert_eq!(part(&mut many).len(), MOST);
        assert_eq!(many.len(), 1);
    }
}
