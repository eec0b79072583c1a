//! core-service

pub mod domain;
pub mod http;
pub mod media;
pub mod secret;
