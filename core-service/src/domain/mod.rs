//! The words and rules of publishing: ids, accounts, posts, the status machine, the ledger, failures. Pure: no IO, no
//! async, no clock; everything here can be tested by calling it.

pub mod account;
pub mod analytics;
pub mod binding;
pub mod budget;
pub mod caption;
pub mod change;
pub mod event;
pub mod failure;
pub mod fields;
pub mod ids;
pub mod ledger;
pub mod lineage;
pub mod media;
pub mod original;
pub mod platform;
pub mod post;
pub mod request_key;
pub mod retry;
pub mod schedule;
pub mod search;
pub mod shown_url;
mod tag;
pub mod transition;
pub mod turns;
pub mod video_job;
pub mod violation;
pub mod webhook;
