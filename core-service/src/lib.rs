//! core-service

pub mod http;
pub mod secret;
