//! Rules without IO.

pub mod caption;
pub mod media;
