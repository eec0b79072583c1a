//! What a chaos run sets out to do, made from the seed alone: the posts, when callers ask for them, and what callers do
//! to them at which simulated time.

use rand::{Rng, RngExt};

use crate::{backups::Means, mode::Upload};

/// Due times lie within so many seconds.
pub(super) const SPREAD: i64 = 12 * 3600;

/// Posts that are asked for in a second of real time at the least, on a machine that has other things to do as well: none
/// is due before it can have been asked for.
const ASKED_PER_SECOND: usize = 20;

/// One request of a caller.
#[derive(Clone, Debug)]
pub(super) struct Intent {
    /// Its request key and the name of its video; nothing else carries it.
    pub(super) name: String,
    /// Its caption; twins have the same.
    pub(super) text: String,
    /// The file behind its link is replaced while it travels.
    pub(super) replaced: bool,
    /// An n8n workflow is asked to wake it.
    pub(super) n8n: bool,
    /// Which account, of the platform's and login's.
    pub(super) account: usize,
    pub(super) upload: Upload,
    /// Seconds after the start at which it is due; `None`: at once when it is asked for.
    pub(super) due: Option<i64>,
}

/// What a caller does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// Asks for the post, so often at the same time.
    Ask(usize),
    /// Changes the caption.
    Edit,
    Cancel,
    /// Moves it to so many seconds later than now.
    Reschedule(i64),
    /// So often at the same time.
    PublishNow(usize),
    /// If it has failed.
    Retry,
    /// If its fate is open.
    LookAgain,
}

/// A deed at its time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Action {
    /// Seconds after the start.
    pub(super) at: i64,
    /// Index of the intent.
    pub(super) intent: usize,
    pub(super) deed: Deed,
}

/// Of so many posts, these go by each login and platform, about.
pub(super) const TWENTIETHS: usize = 20;
pub(super) const OF_TIKTOK: usize = 6;
pub(super) const OF_FACEBOOK_LOGIN: usize = 4;
pub(super) const OF_INSTAGRAM_LOGIN: usize = 2;
pub(super) const OF_PAGES: usize = 4;
pub(super) const OF_CHANNELS: usize = 4;

/// How many accounts there are to choose from.
pub(super) struct Accounts {
    pub(super) tiktok: usize,
    pub(super) facebook: usize,
    pub(super) instagram: usize,
    pub(super) pages: usize,
    pub(super) channels: usize,
}

/// What is done to the cores, at its time in seconds after the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// This one is asked to end (SIGTERM) and started again.
    Stop(usize),
    /// A backup is made, by these means.
    BackUp(Means),
    /// All cores end, and the newest backup is put back.
    PutBack,
}

/// Seconds between two orders to stop.
const BETWEEN_STOPS: i64 = 12 * 60;

/// When a backup is made, by which means, and when it is put back.
pub(super) const RESTORES: [(Means, i64, i64); 2] =
    [(Means::Commands, 5 * 3600, 5 * 3600 + 900), (Means::Copy, 9 * 3600, 9 * 3600 + 2_400)];

/// The orders to the cores, in the order of their times.
pub(super) fn orders(cores: usize, dice: &mut impl Rng) -> Vec<(i64, Order)> {
    let times = (0..SPREAD / BETWEEN_STOPS).map(|number| number * BETWEEN_STOPS + dice.random_range(0..BETWEEN_STOPS));
    let stops = times.map(|at| (at, Order::Stop(usize::try_from(at).unwrap_or_default() % cores)));
    let restores =
        RESTORES.into_iter().flat_map(|(means, from, to)| [(from, Order::BackUp(means)), (to, Order::PutBack)]);
    let mut orders: Vec<_> = stops.chain(restores).collect();
    orders.sort_by_key(|(at, _)| *at);
    orders
}

/// The intents, and the actions in the order of their times.
pub(super) fn make(posts: usize, accounts: &Accounts, dice: &mut impl Rng) -> (Vec<Intent>, Vec<Action>) {
    let mut intents = Vec::with_capacity(posts);
    let mut actions = Vec::new();
    let first = i64::try_from(posts / ASKED_PER_SECOND).unwrap_or(SPREAD).clamp(60, SPREAD / 2);
    for number in 0..posts {
        let (upload, choice) = match dice.random_range(0..TWENTIETHS) {
            0 => (Upload::TiktokPull, accounts.tiktok),
            1..6 => (Upload::TiktokSingle, accounts.tiktok),
            6..8 => (Upload::FacebookUrl, accounts.facebook),
            8..10 => (Upload::FacebookResumable, accounts.facebook),
            10..12 => (Upload::InstagramUrl, accounts.instagram),
            12..14 => (Upload::PageBytes, accounts.pages),
            14..16 => (Upload::PageUrl, accounts.pages),
            16..18 => (Upload::YoutubeTwoSteps, accounts.channels),
            _ => (Upload::YoutubeOneStep, accounts.channels),
        };
        // Most are asked for ahead of time, some while everything else is under way.
        let due = dice.random_bool(0.8).then(|| dice.random_range(first..SPREAD));
        let asked = if due.is_some() { 0 } else { dice.random_range(0..SPREAD) };
        let account = dice.random_range(0..choice);
        let name = format!("c{number}");
        let mut intent = Intent { text: name.clone(), name, account, upload, due, replaced: false, n8n: false };
        intent.replaced = dice.random_bool(0.01);
        intent.n8n = due.is_some() && dice.random_bool(0.05);
        // Some come in pairs: one account, one caption, at nearly the same time, and two videos.
        let apart = dice.random_range(0..40);
        if let Some(first) = intents.last().filter(|_| number % 2 == 1 && dice.random_bool(0.03)) {
            let Intent { text, account, upload, due, .. }: &Intent = first;
            let due = due.map(|due| due + apart);
            intent = Intent { text: text.clone(), account: *account, upload: *upload, due, ..intent };
            intent.n8n &= due.is_some();
        }
        let (due, asked) = (intent.due, if intent.due.is_some() { 0 } else { asked });
        intents.push(intent);
        let copies = if dice.random_bool(0.1) { 2 } else { 1 };
        actions.push(Action { at: asked, intent: number, deed: Deed::Ask(copies) });
        deeds(number, asked, due.unwrap_or(asked), dice, &mut actions);
    }
    // A post that went out under a text that was given to it after the backup is found by its handles alone
    // (docs/windows.md).
    actions.retain(|action| {
        let forgotten = RESTORES.iter().any(|(_, from, to)| (from - 60..to + 60).contains(&action.at));
        !(action.deed == Deed::Edit && forgotten)
    });
    // Stable: what one caller does at the same time keeps its order.
    actions.sort_by_key(|action| action.at);
    (intents, actions)
}

fn deeds(intent: usize, asked: i64, due: i64, dice: &mut impl Rng, actions: &mut Vec<Action>) {
    let mut add = |at: i64, deed| actions.push(Action { at: at.max(asked), intent, deed });
    if dice.random_bool(0.02) {
        // While it is handed over, or right after it was asked for.
        add(asked + dice.random_range(0..30), Deed::PublishNow(1));
    }
    if dice.random_bool(0.12) {
        // Half of them in the moment in which it goes out.
        let at =
            if dice.random_bool(0.5) { dice.random_range(due - 40..due + 20) } else { dice.random_range(asked..=due) };
        add(at, Deed::Edit);
    }
    if dice.random_bool(0.04) {
        add(dice.random_range(due - 60..due + 30), Deed::Cancel);
    }
    if dice.random_bool(0.10) {
        let at =
            if dice.random_bool(0.5) { dice.random_range(due - 40..due + 20) } else { dice.random_range(asked..=due) };
        add(at, Deed::Reschedule(dice.random_range(1..7_200)));
    }
    if dice.random_bool(0.10) {
        let copies = dice.random_range(1..=2);
        add(dice.random_range(due - 30..due + 10), Deed::PublishNow(copies));
    }
    if dice.random_bool(0.15) {
        let copies = dice.random_range(1..=2);
        add(dice.random_range(asked..=due + 600), Deed::Ask(copies));
    }
    if dice.random_bool(0.5) {
        add(due + dice.random_range(300..3_600), Deed::Retry);
    }
    if dice.random_bool(0.05) {
        add(due + dice.random_range(1..3_600), Deed::LookAgain);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_plan() {
        let accounts = Accounts { tiktok: 3, facebook: 2, instagram: 1, pages: 2, channels: 2 };
        let plan = |seed| format!("{:?}", make(50, &accounts, &mut StdRng::seed_from_u64(seed)));
        assert_eq!(plan(1), plan(1));
        assert_ne!(plan(1), plan(2));
    }

    #[test]
    fn some_posts_share_a_caption_and_none_a_video() {
        let accounts = Accounts { tiktok: 3, facebook: 2, instagram: 1, pages: 2, channels: 2 };
        let (intents, _) = make(1_000, &accounts, &mut StdRng::seed_from_u64(4));
        let distinct = |of: &dyn Fn(&Intent) -> String| intents.iter().map(of).collect::<HashSet<_>>().len();
        assert_eq!(distinct(&|intent| intent.name.clone()), 1_000);
        assert!((950..998).contains(&distinct(&|intent| intent.text.clone())));
    }

    #[test]
    fn nothing_is_done_to_a_post_before_it_is_asked_for() {
        let accounts = Accounts { tiktok: 3, facebook: 2, instagram: 1, pages: 2, channels: 2 };
        let (intents, actions) = make(500, &accounts, &mut StdRng::seed_from_u64(3));
        let mut asked = vec![false; intents.len()];
        for action in actions {
            assert!(asked[action.intent] || matches!(action.deed, Deed::Ask(_)), "{action:?}");
            asked[action.intent] = true;
        }
        assert!(asked.into_iter().all(|asked| asked));
    }
}
