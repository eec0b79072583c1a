//! Names that nobody else has: of databases, lineages, processes and writers.

use super::{Error, Result};

/// 48 random bits as text: short enough for a mark in a video's description.
pub(super) fn random_id() -> Result<String> {
    let mut bytes = [0; 6];
    getrandom::fill(&mut bytes).map_err(|error| Error::io(std::io::Error::other(error)))?;
    Ok(hex::encode(bytes))
}
