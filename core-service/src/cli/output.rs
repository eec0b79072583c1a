//! How a command's results are written: tables and lines for people, or the API's own JSON with `--json`.
//!
//! Guaranteed: JSON has the same names and values as that of curl (`grpc::connect`), one message per line. Whoever reads the
//! output may close it at any time: [`is_closed`] tells that from a failure.

use std::io::{self, Write};

use prost::{Message, Name};

use crate::grpc;

/// Where results go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    json: bool,
}

impl Output {
    /// As JSON, or for people.
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    /// A message of the API, or what people are shown instead of it.
    pub(super) fn message<M: Message + Name>(
        self,
        message: &M,
        for_people: impl FnOnce(&M) -> String,
    ) -> anyhow::Result<()> {
        if self.json { line(&grpc::to_json(message)?) } else { line(&for_people(message)) }
    }

    /// A message of the API, or something that is done for people instead.
    pub(super) fn message_or<M: Message + Name>(self, message: &M, for_people: impl FnOnce()) -> anyhow::Result<()> {
        if self.json {
            return line(&grpc::to_json(message)?);
        }
        for_people();
        Ok(())
    }

    /// Something of which only people are told.
    pub(super) fn note(self, text: &str) -> anyhow::Result<()> {
        if self.json { Ok(()) } else { line(text) }
    }
}

/// Writes a line of results.
pub(super) fn line(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", text.trim_end_matches('\n'))?;
    Ok(out.flush()?)
}

/// Whether a command ended because nobody reads its output any more, as with `| head`.
pub(super) fn is_closed(error: &anyhow::Error) -> bool {
    error
        .chain()
        .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe))
}
