//! Scenarios over the public API, one binary.

mod accounts;
mod binary;
mod chaos;
mod connecting;
mod due_times;
mod equal_captions;
mod instagram_trouble;
mod isolation;
mod keys_at_rest;
mod lost_logins;
mod media;
mod port;
mod process;
mod publishing;
mod refusals;
mod refused_publishes;
mod request_keys;
mod restoring;
mod scheduling;
mod set_aside;
mod stopping;
mod tiktok_trouble;
mod uploads;
mod watching;
