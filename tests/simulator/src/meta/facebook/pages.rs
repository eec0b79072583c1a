//! Pages as publishers: their videos, behaviours, limits, and who may do what.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;

use serde_json::json;

use crate::meta::error::GraphError;
use crate::meta::facebook::behaviour::{Behaviour, error_of};
use crate::meta::facebook::video::Video;
use crate::meta::throttle::{Calls, Usage};
use crate::meta::token::{Session, Subject, TokenKind};
use crate::meta::world::{Id, World};

/// Milliseconds of the rolling window of Reels.
const DAY_MS: i64 = 86_400_000;

/// What a Page has published.
#[derive(Default)]
pub(crate) struct PageState {
    pub(crate) behaviour: Option<Arc<Behaviour>>,
    /// Live videos by the time of publishing (ms), oldest first.
    pub(crate) videos: Vec<(i64, Id)>,
    /// Posts that were not made through us: time, id, message.
    pub(crate) foreign: Vec<(i64, Id, String)>,
    /// Accepted finishes of Reels, oldest first.
    finished: VecDeque<i64>,
    calls: Calls,
}

/// All Pages' videos.
#[derive(Default)]
pub(crate) struct Pages {
    pub(crate) behaviour: Arc<Behaviour>,
    pub(crate) videos: HashMap<Id, Video>,
    /// Post id (the second half of a composite) to video.
    pub(crate) posts: HashMap<Id, Id>,
    /// What becomes visible when.
    pub(crate) due: BinaryHeap<Reverse<(i64, Id)>>,
    pages: HashMap<Id, PageState>,
}

impl Pages {
    /// The behaviour a Page sees.
    pub(crate) fn behaviour_of(&self, page: Id) -> Arc<Behaviour> {
        let own = self.pages.get(&page).and_then(|page| page.behaviour.clone());
        own.unwrap_or_else(|| self.behaviour.clone())
    }

    pub(crate) fn page(&mut self, id: Id) -> &mut PageState {
        self.pages.entry(id).or_default()
    }
}

impl PageState {
    /// Whether one more Reel may go out; the window rolls.
    pub(crate) fn may_finish(&mut self, now: i64, limit: usize) -> bool {
        while self.finished.front().is_some_and(|at| *at <= now - DAY_MS) {
            self.finished.pop_front();
        }
        self.finished.len() < limit
    }

    pub(crate) fn count_finish(&mut self, now: i64) {
        self.finished.push_back(now);
    }
}

impl World {
    /// The Page of a Page token; everything on a Page's videos is done with it.
    fn acting_page(&self, session: &Session, page: Id, verb: &str) -> Result<Id, GraphError> {
        let hidden = || GraphError::unsupported(verb, &page.to_string());
        let Subject::Person(person) = session.subject else { return Err(hidden()) };
        match session.kind {
            TokenKind::Page(own) if own == page => {}
            TokenKind::Page(_) => {
                return Err(GraphError::new(200, "(#200) The token belongs to another Page"));
            }
            TokenKind::User | TokenKind::Instagram => {
                return Err(GraphError::known(190, Some(2_069_032)));
            }
        }
        let ticked = self.grants.get(&session.subject).and_then(|grant| grant.pages.as_ref());
        if ticked.is_some_and(|ticked| !ticked.contains(&page)) || !self.roles.contains_key(&(person, page)) {
            return Err(hidden());
        }
        Ok(person)
    }

    /// Reading a Page's own content.
    pub(crate) fn may_read_page(&self, session: &Session, page: Id, verb: &str) -> Result<(), GraphError> {
        self.acting_page(session, page, verb)?;
        if session.scopes.has("pages_read_engagement") { Ok(()) } else { Err(GraphError::known(283, None)) }
    }

    /// Publishing on a Page: permissions, task, and a Page in good standing.
    pub(crate) fn may_publish_on(&self, session: &Session, page: Id, verb: &str) -> Result<(), GraphError> {
        let person = self.acting_page(session, page, verb)?;
        for scope in ["pages_manage_posts", "pages_read_engagement", "pages_show_list"] {
            if !session.scopes.has(scope) {
                return Err(GraphError::new(200, format!("(#200) Requires {scope} permission to manage the object")));
            }
        }
        if !self.roles.get(&(person, page)).is_some_and(|role| role.may_publish()) {
            return Err(GraphError::new(
                200,
                "(#200) The user does not have the CREATE_CONTENT task on the Page, which this action needs",
            ));
        }
        if self.pages.get(&page).is_some_and(|page| page.needs_authorization) {
            return Err(GraphError::known(200, Some(1_404_078)));
        }
        match &self.facebook_pages.behaviour_of(page).publish_error {
            Some(name) => Err(error_of(name)),
            None => Ok(()),
        }
    }

    /// Counts a call about a Page; the header that it earned, and whether it is refused.
    pub(crate) fn throttle_page(&mut self, page: Id, now: i64) -> (Usage, Result<(), GraphError>) {
        let behaviour = self.facebook_pages.behaviour_of(page);
        let Some(limit) = behaviour.call_limit else { return (Usage::new(), Ok(())) };
        let (share, over) = self.facebook_pages.page(page).calls.count(now, limit, behaviour.regain_minutes * 60_000);
        let mut usage = Usage::new();
        if share >= behaviour.usage_headers_from {
            let regain = if over { behaviour.regain_minutes } else { 0 };
            let entry = json!({
                "type": "pages", "call_count": share, "total_cputime": share / 2, "total_time": share / 2,
                "estimated_time_to_regain_access": regain,
            });
            usage.push(("x-business-use-case-usage", json!({ page.to_string(): [entry] }).to_string()));
        }
        (usage, if over { Err(GraphError::known(80_001, None)) } else { Ok(()) })
    }
}
