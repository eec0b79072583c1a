//! Scenarios over the public API, one binary.

mod instagram_trouble;
mod publishing;
mod refusals;
mod request_keys;
mod scheduling;
mod tiktok_trouble;
mod watching;
