//! Posts that may be what ends their workers, or whole processes.
//!
//! A death counts against every post that was under way, the innocent with the one to blame. Guaranteed: the more often
//! a post's claims were left behind, the fewer other suspects may be under way when it begins, down to none. Milder ones
//! may still begin beside it. The innocent so come through in smaller and smaller company, are let go in order, and are no
//! suspects any more, before they are quarantined with the one to blame.

use std::{
    cmp::Reverse,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use chrono::TimeDelta;

use crate::domain::post::Post;

/// From this many claims left behind in a row a post is a suspect; one can be anybody's.
const SUSPECT: i32 = 2;

/// How long a suspect is put off when too many others are under way.
pub(super) const PAUSE: TimeDelta = TimeDelta::seconds(2);

/// The suspects that one process works on.
#[derive(Clone, Debug, Default)]
pub(super) struct Suspects {
    under_way: Arc<AtomicUsize>,
}

/// A suspect that is under way. Dropped when its worker ends.
#[derive(Debug)]
pub(super) struct UnderWay(Arc<AtomicUsize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Suspects {
    /// Parts claimed posts into those to be worked on now, each suspect with its mark, and those to be put off.
    /// `most` is the number of claims left behind that a post is allowed.
    pub(super) fn part(&self, mut claimed: Vec<Post>, most: i32) -> (Vec<(Post, Option<UnderWay>)>, Vec<Post>) {
        // The worst first: the others that may be with it are then counted in.
        claimed.sort_by_key(|post| Reverse(if is_suspect(post) { post.abandoned_claims } else { 0 }));
        let (mut now, mut later) = (Vec::with_capacity(claimed.len()), Vec::new());
        for post in claimed {
            if !is_suspect(&post) {
                now.push((post, None));
            } else if self.under_way.load(Ordering::Acquire) < company(post.abandoned_claims, most) {
                self.under_way.fetch_add(1, Ordering::AcqRel);
                now.push((post, Some(UnderWay(self.under_way.clone()))));
            } else {
                later.push(post);
            }
        }
        (now, later)
    }
}

fn is_suspect(post: &Post) -> bool {
    post.abandoned_claims >= SUSPECT
}

/// How many suspects may be under way, one of which was left behind `crashes` times: half as many after each death, and
/// one for the last two.
fn company(crashes: i32, most: i32) -> usize {
    1 << (most - 1 - crashes).clamp(0, 16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{
            platform::{LoginFlavour, Platform},
            post::Status,
        },
        platform::stand_in,
    };

    fn posts(crashes: &[i32]) -> Vec<Post> {
        let now = chrono::DateTime::UNIX_EPOCH;
        let account = stand_in::account(Platform::Tiktok, LoginFlavour::Tiktok, now);
        let post = |crash_count: &i32| Post {
            abandoned_claims: *crash_count,
            ..Post::blank(&account, Status::Publishing, now)
        };
        crashes.iter().map(post).collect()
    }

    fn crashes<'a>(posts: impl IntoIterator<Item = &'a Post>) -> Vec<i32> {
        posts.into_iter().map(|post| post.abandoned_claims).collect()
    }

    #[test]
    fn the_unsuspected_are_all_begun_in_their_order() {
        let (now, later) = Suspects::default().part(posts(&[0, 1, 0, 1]), 10);
        assert_eq!(crashes(now.iter().map(|(post, _)| post)), [0, 1, 0, 1]);
        assert!(later.is_empty() && now.iter().all(|(_, mark)| mark.is_none()));
    }

    #[test]
    fn one_that_was_left_behind_often_is_alone_with_the_unsuspected() {
        let suspects = Suspects::default();
        let (now, later) = suspects.part(posts(&[0, 10, 9, 9]), 10);
        assert_eq!(crashes(now.iter().map(|(post, _)| post)), [10, 0]);
        assert_eq!(crashes(&later), [9, 9]);
        let (second, _) = suspects.part(posts(&[9]), 10);
        assert!(second.is_empty(), "the first is still under way");
        drop(now);
        assert_eq!(suspects.part(posts(&[9]), 10).0.len(), 1);
    }

    #[test]
    fn company_halves_with_each_death() {
        let companies: Vec<usize> = (2..=10).map(|crashes| company(crashes, 10)).collect();
        assert_eq!(companies, [128, 64, 32, 16, 8, 4, 2, 1, 1]);
        let (now, later) = Suspects::default().part(posts(&[6; 20]), 10);
        assert_eq!((now.len(), later.len()), (8, 12));
    }
}
