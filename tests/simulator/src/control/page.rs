//! The page for people: accounts and visible posts, refreshed every few seconds.

use std::sync::Arc;

use serde_json::Value;

use crate::consent::escape;
use crate::dispatch;
use crate::reply::{self, Reply};
use crate::sim::Sim;

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#222}\
h1{font-size:1.4rem;margin:0}h2{font-size:1.05rem;margin:1.8rem 0 .5rem}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid #e3e3e3;vertical-align:top}th{font-weight:600;color:#555}\
td.n{font-variant-numeric:tabular-nums}.tag{padding:.05rem .45rem;border-radius:.6rem;background:#eef;font-size:.85em}\
.gone{opacity:.5;text-decoration:line-through}p.sub{color:#666;margin:.2rem 0 0}code{font-size:.9em}";

const POST_LIMIT: usize = 200;

/// Renders the page.
pub(crate) fn render(sim: &Arc<Sim>) -> Reply {
    dispatch::settle(sim);
    let posts = sim.posts.list(None, None);
    let mut rows = String::new();
    for post in posts.iter().rev().take(POST_LIMIT) {
        let gone = if post.removed_at.is_some() { " class=\"gone\"" } else { "" };
        let size = post.byte_count.map_or(String::new(), |bytes| format!("{bytes} bytes"));
        rows.push_str(&format!(
            "<tr{gone}><td class=\"n\">{}</td><td>{}</td><td><span class=\"tag\">{}</span></td><td>{}</td><td>{}</td>\
             <td>{}</td><td><code>{}</code></td><td class=\"n\">{}</td></tr>",
            post.number,
            post.made_at.format("%Y-%m-%d %H:%M:%S"),
            escape(post.platform),
            escape(&post.account_name),
            escape(&post.caption),
            escape(&post.privacy),
            escape(&post.platform_post_id),
            size,
        ));
    }
    if rows.is_empty() {
        rows.push_str("<tr><td colspan=\"8\">Nothing has been posted yet.</td></tr>");
    }
    let accounts: String = super::accounts(sim)
        .iter()
        .take(POST_LIMIT)
        .map(|account| {
            let text = |key: &str| match account.get(key) {
                Some(Value::String(text)) => escape(text),
                Some(other) => escape(&other.to_string()),
                None => String::new(),
            };
            format!(
                "<tr><td><span class=\"tag\">{}</span></td><td>{}</td><td>{}</td><td><code>{}</code></td></tr>",
                text("platform"),
                text("name"),
                text("username"),
                text("id")
            )
        })
        .collect();
    reply::html(
        200,
        format!(
            "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"3\">\
             <title>AuraReels simulator</title><style>{STYLE}</style></head><body>\
             <h1>AuraReels simulator</h1><p class=\"sub\">{count} visible posts. Simulated time {now} UTC.</p>\
             <h2>Visible posts</h2><table><tr><th>#</th><th>Time</th><th>Platform</th><th>Account</th><th>Caption</th>\
             <th>Privacy</th><th>Id</th><th>Video</th></tr>{rows}</table>\
             <h2>Accounts</h2><table><tr><th>Platform</th><th>Name</th><th>Username</th><th>Id</th></tr>{accounts}</table>\
             </body></html>",
            count = posts.len(),
            now = sim.clock.now().format("%Y-%m-%d %H:%M:%S"),
        ),
    )
}
