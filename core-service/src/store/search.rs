//! Looking for posts by words.
//!
//! Guaranteed: the same words find the same posts on every database, because what is looked through was folded by
//! `domain::search` when it was written. Wildcards of LIKE in a word stand for themselves. A word in the name of an account
//! finds all its posts.
//!
//! A core of an older release writes posts without that text; it is added by [`Store::make_searchable`], at the start and
//! with every tidying.

use super::{
    Result, Store,
    db::{Row, Value, in_list},
};
use crate::{
    domain::{
        ids::{AccountId, PostId, UserId},
        post::Content,
        search::{self, Word, fold},
    },
    params,
};

/// Posts that are made searchable in one transaction.
const BATCH: i64 = 200;

const NAMES: &str = "SELECT id, account_name, account_username FROM aurareels_social_accounts WHERE wp_user_id = ?";
const NOT_SEARCHABLE: &str = "SELECT id, caption, hashtags, options FROM aurareels_social_posts WHERE is_searchable = 0 \
     ORDER BY id LIMIT ?";
const MAKE_SEARCHABLE: &str =
    "UPDATE aurareels_social_posts SET search_text = ?, is_searchable = 1 WHERE id = ? AND is_searchable = 0";

/// A word, and what it names besides words in a post.
#[derive(Clone, Debug, PartialEq)]
pub struct Sought {
    word: Word,
    /// The user's accounts in whose name it is.
    accounts: Vec<AccountId>,
}

impl Sought {
    /// The condition, with its values.
    pub(super) fn condition(&self) -> (String, Vec<Value>) {
        let mut sql = " AND (search_text LIKE ? ESCAPE '!' OR platform_post_id LIKE ? ESCAPE '!'".to_owned();
        let mut values = Vec::from(params![pattern(&self.word.folded), pattern(&self.word.given)]);
        if !self.accounts.is_empty() {
            let (marks, accounts) = in_list(&self.accounts);
            sql.push_str(&format!(" OR social_account_id IN ({marks})"));
            values.extend(accounts);
        }
        sql.push(')');
        (sql, values)
    }
}

/// A pattern of LIKE that finds a text anywhere.
fn pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.chars() {
        if matches!(character, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

fn text_of(row: &Row) -> Result<String> {
    // A row that cannot be read is found by as much of it as can be.
    Ok(search::text_of(&Content {
        caption: row.text("caption")?,
        hashtags: row.json("hashtags").unwrap_or_default(),
        options: row.json("options").unwrap_or_default(),
        ..Content::default()
    }))
}

impl Store {
    /// What words mean among a user's posts.
    pub async fn sought(&self, user: UserId, words: Vec<Word>) -> Result<Vec<Sought>> {
        if words.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.db.read().await?.fetch_all(NAMES, &params![user]).await?;
        let mut names = Vec::with_capacity(rows.len());
        for row in &rows {
            let username = row.opt_text("account_username")?.unwrap_or_default();
            let name = format!("{}\n@{}", row.text("account_name")?, username.trim_start_matches('@'));
            names.push((AccountId(row.int("id")?), fold(&name)));
        }
        let named = |word: &Word| {
            let fitting = names.iter().filter(|(_, name)| name.contains(&word.folded));
            fitting.map(|(id, _)| *id).collect()
        };
        Ok(words.into_iter().map(|word| Sought { accounts: named(&word), word }).collect())
    }

    /// Makes posts searchable that a core of an older release has written. True when there may be more.
    pub async fn make_searchable(&self) -> Result<bool> {
        let rows = self.db.read().await?.fetch_all(NOT_SEARCHABLE, &params![BATCH]).await?;
        let texts = rows
            .iter()
            .map(|row| Ok((PostId(row.int("id")?), text_of(row)?)))
            .collect::<Result<Vec<(PostId, String)>>>()?;
        if texts.is_empty() {
            return Ok(false);
        }
        let more = texts.len() as i64 == BATCH;
        self.db
            .write(async move |tx| {
                for (id, text) in &texts {
                    tx.execute(MAKE_SEARCHABLE, &params![text, *id]).await?;
                }
                Ok(())
            })
            .await?;
        Ok(more)
    }
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
