//! Scenarios over the public API, one binary.

mod publishing;
