//! core-service

pub mod http;
