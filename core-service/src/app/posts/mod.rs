//! Creating, reading and moving posts, as callers may. What happens to a post by itself is the engine's business, in
//! `publisher`.
//!
//! Guaranteed: all posts of a request are created in one transaction or none is; the same request key comes back to the
//! same post; a move is a compare-and-set on status and revision, so that two callers cannot both win.

pub mod requests;
