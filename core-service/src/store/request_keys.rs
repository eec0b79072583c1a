//! The rows that may be what a request is about: by its key, by what is posted, by the literal link, and by the formula of
//! older releases. What such a row is to the request says [`RequestKeys::relation`].

use std::collections::BTreeSet;

use super::{
    Result, Store,
    db::{PerLength, Row, Tx, Value},
    posts::{post, post_columns},
};
use crate::{
    domain::{
        ids::AccountId,
        post::Post,
        request_key::{KeyHolder, Relation, RequestKeys},
    },
    params,
};

/// Most requests in one statement. A power of two: statements are kept prepared, one per power.
pub(super) const GROUP: usize = 64;

const COLUMNS: &str = concat!(post_columns!(), ", request_fingerprint, posted_key, url_key, content_key");

/// A row that may be what a request is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The post as it is now.
    pub post: Post,
    /// The fingerprint of the request that made it.
    pub fingerprint: String,
    posted: Option<String>,
    link: Option<String>,
    by_address: Option<String>,
}

impl Candidate {
    fn read(row: &Row) -> Result<Self> {
        Ok(Self {
            post: post(row)?,
            fingerprint: row.opt_text("request_fingerprint")?.unwrap_or_default(),
            posted: row.opt_text("posted_key")?,
            link: row.opt_text("url_key")?,
            by_address: row.opt_text("content_key")?,
        })
    }

    /// What it is to a request on its account.
    pub fn relation(&self, keys: &RequestKeys) -> Relation {
        keys.relation(KeyHolder {
            post: &self.post,
            posted: self.posted.as_deref(),
            link: self.link.as_deref(),
            by_address: self.by_address.as_deref(),
        })
    }
}

impl Store {
    /// The rows that may be what these requests are about, per request.
    pub async fn candidates(&self, requests: &[(AccountId, &RequestKeys)]) -> Result<Vec<Vec<Candidate>>> {
        let mut reader = self.db.read().await?;
        let mut found = Vec::with_capacity(requests.len());
        for group in requests.chunks(GROUP) {
            let rows = reader.fetch_all(sql(group.len().next_power_of_two()), &values(group)).await?;
            found.extend(sorted(group.len(), &rows)?);
        }
        Ok(found)
    }
}

/// The same within a transaction: what is not there now cannot come before its end.
pub(super) async fn candidates(tx: &mut Tx, group: &[(AccountId, &RequestKeys)]) -> Result<Vec<Vec<Candidate>>> {
    let rows = tx.fetch_all(sql(group.len().next_power_of_two()), &values(group)).await?;
    sorted(group.len(), &rows)
}

/// Which of these requests there may be rows for, by their places in the group. For many at once this is a fraction of what
/// looking at each of them costs, and mostly there are none.
pub(super) async fn known(tx: &mut Tx, group: &[(AccountId, &RequestKeys)]) -> Result<BTreeSet<usize>> {
    static TEXTS: PerLength = PerLength::new();
    let length = group.len().next_power_of_two();
    let values: Vec<Value> = padded(group)
        .flat_map(|(account, keys)| {
            params![
                *account,
                keys.key.as_deref(),
                keys.posted.as_deref(),
                keys.link.as_deref(),
                keys.by_address.as_deref()
            ]
        })
        .collect();
    let rows = tx.fetch_all(TEXTS.of(length, || known_text(length)), &values).await?;
    let places = rows.iter().map(|row| Ok(row.small("number")?.unsigned_abs() as usize));
    // The group is padded with its last request.
    Ok(places.collect::<Result<BTreeSet<_>>>()?.into_iter().filter(|place| *place < group.len()).collect())
}

fn known_text(length: usize) -> String {
    let asked: Vec<String> = (0..length)
        .map(|number| match number {
            0 => "SELECT 0 AS number, ? AS account, ? AS own, ? AS posted, ? AS link, ? AS address".to_owned(),
            _ => format!("SELECT {number}, ?, ?, ?, ?, ?"),
        })
        .collect();
    let by = [("own", "request_key"), ("posted", "posted_key"), ("link", "url_key"), ("address", "content_key")];
    let there = by.map(|(name, column)| {
        format!(
            "EXISTS (SELECT 1 FROM aurareels_social_posts p WHERE p.social_account_id = asked.account AND p.{column} = asked.{name})"
        )
    });
    format!("SELECT asked.number AS number FROM ({}) asked WHERE {}", asked.join(" UNION ALL "), there.join(" OR "))
}

/// The group, with its last request repeated up to the next power of two.
fn padded<'a, 'b>(group: &'a [(AccountId, &'b RequestKeys)]) -> impl Iterator<Item = &'a (AccountId, &'b RequestKeys)> {
    group.iter().chain(std::iter::repeat(group.last()).flatten()).take(group.len().next_power_of_two())
}

fn sorted(length: usize, rows: &[Row]) -> Result<Vec<Vec<Candidate>>> {
    let mut found: Vec<Vec<Candidate>> = (0..length).map(|_| Vec::new()).collect();
    for row in rows {
        let number = row.small("number")?.unsigned_abs() as usize;
        // The group is padded with its last request.
        if let Some(of) = found.get_mut(number) {
            of.push(Candidate::read(row)?);
        }
    }
    Ok(found)
}

/// One statement: it runs for every post that is made, and mostly finds nothing. The number of rows that it finds is
/// bounded, however often the same was posted.
fn sql(length: usize) -> &'static str {
    static TEXTS: PerLength = PerLength::new();
    TEXTS.of(length, || text(length))
}

fn text(length: usize) -> String {
    let parts: Vec<String> = (0..length)
        .map(|number| {
            let of = format!("SELECT {number} AS number, {COLUMNS} FROM aurareels_social_posts p WHERE p.social_account_id = ?");
            format!(
                "{of} AND p.request_key = ? \
                 UNION ALL SELECT * FROM ({of} AND p.posted_key = ? AND (p.status IN \
                 ('scheduled', 'publishing', 'confirming', 'needs_review', 'delivered') \
                 OR (p.status = 'published' AND p.status_since >= ?)) LIMIT 1) same \
                 UNION ALL SELECT * FROM ({of} AND p.url_key = ? AND p.request_key_derived = 1 \
                 AND p.request_key IS NOT NULL AND p.status <> 'cancelled' ORDER BY p.id DESC LIMIT 1) linked \
                 UNION ALL SELECT * FROM ({of} AND p.content_key = ? AND p.posted_key IS NULL AND p.status <> 'cancelled' \
                 ORDER BY p.id DESC LIMIT 4) older"
            )
        })
        .collect();
    parts.join(" UNION ALL ")
}

fn values(group: &[(AccountId, &RequestKeys)]) -> Vec<Value> {
    padded(group)
        .flat_map(|(account, keys)| {
            // One that is meant whatever else is there asks for its own key alone.
            let is_meant = !keys.is_derived && keys.refuse_duplicates_since.is_none();
            let wanted = |key: &Option<String>| key.clone().filter(|_| !is_meant);
            params![
                *account,
                keys.key.clone(),
                *account,
                wanted(&keys.posted),
                keys.refuse_duplicates_since,
                *account,
                wanted(&keys.link).filter(|_| keys.is_derived),
                *account,
                wanted(&keys.by_address),
            ]
        })
        .collect()
}
