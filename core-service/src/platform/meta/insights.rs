//! Numbers of one post: `insights` with everything that may be told of it.
//!
//! Guaranteed: one name that Meta does not know fails the whole call, so what was refused once is not asked for again by this
//! process. A post that is gone or private is not shown; that is no failure.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use super::{
    Fields,
    graph::{General, GraphReply},
    unavailable,
};
use crate::{
    domain::{analytics::PlatformNumbers, failure::Failure},
    platform::numbers::{Seen, Words},
};

/// What is asked for, and how its answer is read.
pub(crate) struct Insights<'a> {
    /// All metrics.
    pub(crate) all: &'a str,
    /// Those that every version tells.
    pub(crate) fewer: &'a str,
    /// All were refused before.
    pub(crate) only_fewer: &'a AtomicBool,
    /// Which number is which in common words.
    pub(crate) words: &'a Words<'a>,
    /// Reads the numbers of an answer; `None` when it is none.
    pub(crate) numbers: fn(&Value) -> Option<PlatformNumbers>,
}

impl Insights<'_> {
    /// Asks by `get`, a second time for fewer metrics where all are refused.
    pub(crate) async fn read<F: Future<Output = Result<GraphReply, Failure>>>(
        &self,
        get: impl Fn(Fields<'static>) -> F,
        failure: impl FnOnce(&GraphReply) -> Failure,
    ) -> Result<Seen, Failure> {
        let ask = |metrics: &str| get(vec![("metric", metrics.to_owned())]);
        let only_fewer = self.only_fewer.load(Ordering::Relaxed);
        let mut reply = ask(if only_fewer { self.fewer } else { self.all }).await?;
        if let GraphReply::Error(error) = &reply
            && error.general() == General::BadParameter
            && !only_fewer
        {
            self.only_fewer.store(true, Ordering::Relaxed);
            reply = ask(self.fewer).await?;
        }
        match &reply {
            GraphReply::Value(value) => {
                let told = (self.numbers)(value).ok_or_else(|| unavailable("meta's answer holds no numbers"))?;
                Ok(Seen::Numbers(self.words.reading(told)))
            }
            GraphReply::Error(error) if error.general() == General::ObjectMissing => Ok(Seen::NotShown),
            _ => Err(failure(&reply)),
        }
    }
}

/// The numbers of an answer of insights, by their names: `total_value` goes before the first of `values`. `None` when the
/// answer is none.
pub(crate) fn told(value: &Value) -> Option<Vec<(String, &Value)>> {
    fn read(one: &Value) -> Option<(String, &Value)> {
        let total = one.pointer("/total_value/value");
        Some((one["name"].as_str()?.to_owned(), total.or_else(|| one.pointer("/values/0/value"))?))
    }
    Some(value["data"].as_array()?.iter().filter_map(read).collect())
}
