//! An uploaded video: its id and how long it is kept. Pure.

use std::{fmt, str::FromStr};

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::post::Status;

/// The id of a user's upload: the SHA-256 of its bytes, as 64 lower-case hexadecimal digits. The same file always gets
/// the same id, so a request that names it means the same for ever.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MediaId(String);

/// A text that is not an upload's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not 64 hexadecimal digits")]
pub struct NoMediaId;

impl MediaId {
    /// The name of a file with this hash.
    pub fn of_hash(sha256: [u8; 32]) -> Self {
        Self(hex::encode(sha256))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for MediaId {
    type Err = NoMediaId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_hash = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_hash { Ok(Self(text.to_ascii_lowercase())) } else { Err(NoMediaId) }
    }
}

impl fmt::Display for MediaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How long uploads are kept that no post needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepPolicy {
    /// From its upload, when no post has used it.
    pub unused: TimeDelta,
    /// Since the last post that used it was published or cancelled.
    pub done: TimeDelta,
    /// Since the last post that used it failed: RetryPost needs the file again. The same for posts in a creator's
    /// inbox, which may fail there.
    pub failed: TimeDelta,
}

/// Until when an upload is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// A post needs it.
    WhileNeeded,
    /// Until then.
    Until(DateTime<Utc>),
}

impl KeepPolicy {
    /// Until when an upload is kept, from the posts that use it: each with its status and since when it has it.
    pub fn kept(&self, uploaded_at: DateTime<Utc>, uses: &[(Status, DateTime<Utc>)]) -> Kept {
        let mut until = uploaded_at + self.unused;
        if let Some(last) = uses.iter().map(|(_, since)| *since).max()
            && last >= uploaded_at
        {
            // It was used since it was uploaded: from here on its posts say how long.
            until = uploaded_at;
        }
        for (status, since) in uses {
            let rest = match status {
                Status::Draft | Status::Scheduled | Status::Publishing | Status::Confirming | Status::NeedsReview => {
                    return Kept::WhileNeeded;
                }
                Status::Failed | Status::Delivered => self.failed,
                Status::Published | Status::Cancelled => self.done,
            };
            until = until.max(*since + rest);
        }
        Kept::Until(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: KeepPolicy =
        KeepPolicy { unused: TimeDelta::hours(24), done: TimeDelta::hours(1), failed: TimeDelta::days(7) };

    fn at(hour: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + hour * 3600, 0).unwrap()
    }

    #[test]
    fn an_upload_is_kept_as_long_as_a_post_needs_it() {
        assert_eq!(POLICY.kept(at(0), &[]), Kept::Until(at(24)), "unused");
        for status in Status::ALL {
            let expected = match status {
                Status::Draft | Status::Scheduled | Status::Publishing | Status::Confirming | Status::NeedsReview => {
                    Kept::WhileNeeded
                }
                Status::Failed | Status::Delivered => Kept::Until(at(2 + 7 * 24)),
                Status::Published | Status::Cancelled => Kept::Until(at(3)),
            };
            assert_eq!(POLICY.kept(at(0), &[(status, at(2))]), expected, "{status}");
        }
    }

    #[test]
    fn of_several_posts_the_one_that_needs_it_longest_counts() {
        let published = (Status::Published, at(30));
        assert_eq!(POLICY.kept(at(0), &[published, (Status::Scheduled, at(1))]), Kept::WhileNeeded);
        assert_eq!(POLICY.kept(at(0), &[published, (Status::Failed, at(2))]), Kept::Until(at(2 + 7 * 24)));
        assert_eq!(POLICY.kept(at(0), &[published, (Status::Cancelled, at(2))]), Kept::Until(at(31)));
    }

    #[test]
    fn what_is_uploaded_again_counts_as_unused_again() {
        assert_eq!(POLICY.kept(at(10), &[(Status::Published, at(2))]), Kept::Until(at(34)));
    }

    #[test]
    fn only_a_hash_names_an_upload() {
        let id: MediaId = "AB".repeat(32).parse().unwrap();
        assert_eq!(id, MediaId::of_hash([0xab; 32]));
        assert_eq!(id.as_str(), "ab".repeat(32));
        for wrong in ["", "ab", &"x".repeat(64), &"a".repeat(65), "../../etc/passwd"] {
            assert_eq!(wrong.parse::<MediaId>(), Err(NoMediaId));
        }
    }
}
