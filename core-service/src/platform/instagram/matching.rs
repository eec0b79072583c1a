//! Finding our own post in the account's list of media, when the answer that held its id was lost.
//!
//! Guaranteed: a post is bound only if exactly one candidate meets every condition of the sheet's §9. The newest post is
//! never taken for ours: it can be somebody else's on the same account
//! (<https://github.com/trypostit/trypost/pull/281>).

use chrono::{DateTime, TimeDelta, Utc};

use super::wire::Media;
use crate::domain::caption;

/// How far Meta's clock may be behind ours.
pub(super) const BEFORE: TimeDelta = TimeDelta::minutes(2);

/// How long after the last sending a post may still carry its time.
pub(super) const AFTER: TimeDelta = TimeDelta::minutes(15);

/// What is looked for.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    /// The caption as it was sent.
    pub(super) caption: &'a str,
    /// Ids that were in the list before the first sending; `None` when that is not known.
    pub(super) before: Option<&'a [String]>,
    /// Ids already bound to other posts of this account.
    pub(super) bound: &'a [String],
    /// Another unresolved post of this account has the same caption.
    pub(super) same_caption_in_flight: bool,
    /// When `media_publish` was first sent.
    pub(super) first_sent: DateTime<Utc>,
    /// When it was last sent.
    pub(super) last_sent: DateTime<Utc>,
}

/// What the list says.
#[derive(Debug, PartialEq)]
pub(super) enum Match<'a> {
    /// This one is ours.
    One(&'a Media),
    /// None of them can be ours.
    None,
    /// So many might be ours, none surely.
    Perhaps(usize),
}

impl Wanted<'_> {
    /// Judges a list of media.
    pub(super) fn find<'m>(&self, list: &'m [Media]) -> Match<'m> {
        let possible: Vec<&Media> = list.iter().filter(|media| self.is_possible(media)).collect();
        match possible.as_slice() {
            [] => Match::None,
            [media] if self.can_be_sure() && media.published_at().is_some() => Match::One(media),
            several => Match::Perhaps(several.len()),
        }
    }

    /// An empty caption tells nothing apart, nor does one that another post in flight shares.
    fn can_be_sure(&self) -> bool {
        !self.same_caption_in_flight && self.before.is_some() && !caption::normalise(self.caption).is_empty()
    }

    fn is_possible(&self, media: &Media) -> bool {
        let known = |ids: &[String]| ids.contains(&media.id);
        let in_window =
            media.published_at().is_none_or(|at| self.first_sent - BEFORE <= at && at <= self.last_sent + AFTER);
        let is_reel = media.media_type.as_deref().is_none_or(|kind| kind == "VIDEO")
            && media.media_product_type.as_deref().is_none_or(|kind| kind == "REELS");
        let seen = media.caption.as_deref().unwrap_or_default();
        let same_caption = caption::normalise(self.caption) == caption::normalise(seen);
        in_window && is_reel && same_caption && !known(self.bound) && !self.before.is_some_and(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::instagram::wire::shaped;
    use serde_json::json;

    fn media(id: &str, caption: &str, time: &str) -> Media {
        shaped(json!({"id": id, "caption": caption, "timestamp": format!("2026-11-22T{time}+0000"),
            "media_type": "VIDEO", "media_product_type": "REELS"}))
        .unwrap()
    }

    fn at(time: &str) -> DateTime<Utc> {
        format!("2026-11-22T{time}Z").parse().unwrap()
    }

    fn wanted<'a>(caption: &'a str, before: &'a [String], bound: &'a [String]) -> Wanted<'a> {
        Wanted {
            caption,
            before: Some(before),
            bound,
            same_caption_in_flight: false,
            first_sent: at("12:00:00"),
            last_sent: at("12:10:00"),
        }
    }

    #[test]
    fn one_candidate_that_meets_everything_is_ours() {
        let list = [
            media("9", "someone else's", "12:03:00"),
            media("8", "hi bob #x", "12:02:09"),
            media("1", "hi", "11:00:00"),
        ];
        assert_eq!(wanted("  hi @bob #x ", &[], &[]).find(&list), Match::One(&list[1]));
    }

    #[test]
    fn every_single_condition_counts() {
        let ours = || media("8", "hi", "12:02:09");
        let ids = ["8".to_owned()];
        let good = wanted("hi", &[], &[]);
        assert_eq!(good.find(&[ours()]), Match::One(&ours()));
        assert_eq!(wanted("hi", &ids, &[]).find(&[ours()]), Match::None, "was there before");
        assert_eq!(wanted("hi", &[], &ids).find(&[ours()]), Match::None, "is another post's");
        assert_eq!(wanted("ho", &[], &[]).find(&[ours()]), Match::None, "other caption");
        assert_eq!(good.find(&[media("8", "hi", "11:57:59")]), Match::None, "too early");
        assert_eq!(good.find(&[media("8", "hi", "11:58:00")]), Match::One(&media("8", "hi", "11:58:00")));
        assert_eq!(good.find(&[media("8", "hi", "12:25:00")]), Match::One(&media("8", "hi", "12:25:00")));
        assert_eq!(good.find(&[media("8", "hi", "12:25:01")]), Match::None, "too late");
        assert_eq!(good.find(&[Media { media_type: Some("IMAGE".into()), ..ours() }]), Match::None);
        assert_eq!(good.find(&[Media { media_product_type: Some("FEED".into()), ..ours() }]), Match::None);
        let unnamed = Media { media_product_type: None, ..ours() };
        assert_eq!(
            good.find(std::slice::from_ref(&unnamed)),
            Match::One(&unnamed),
            "instagram login does not name the product"
        );
    }

    #[test]
    fn what_cannot_be_told_apart_is_not_bound() {
        let list = [media("8", "hi", "12:02:09")];
        assert_eq!(Wanted { same_caption_in_flight: true, ..wanted("hi", &[], &[]) }.find(&list), Match::Perhaps(1));
        assert_eq!(Wanted { before: None, ..wanted("hi", &[], &[]) }.find(&list), Match::Perhaps(1));
        let two = [media("8", "hi", "12:02:09"), media("7", "hi", "12:01:00")];
        assert_eq!(wanted("hi", &[], &[]).find(&two), Match::Perhaps(2));
        let timeless: Media = shaped(json!({"id": "8", "caption": "hi"})).unwrap();
        assert_eq!(wanted("hi", &[], &[]).find(&[timeless]), Match::Perhaps(1));
    }

    #[test]
    fn an_empty_caption_never_matches() {
        let list = [media("8", "", "12:02:09"), media("7", "text", "12:02:09")];
        assert_eq!(wanted("", &[], &[]).find(&list), Match::Perhaps(1));
        assert_eq!(wanted(" @ ", &[], &[]).find(&list[..1]), Match::Perhaps(1));
        assert_eq!(wanted("", &[], &[]).find(&list[1..]), Match::None);
    }
}
