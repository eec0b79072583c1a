//! Positions in the sequence of events that are kept as settings: how far something has come.

use super::{
    Error, Result,
    db::{Row, Tx},
};
use crate::{domain::ids::Sequence, params};

/// Reads the position of a name.
pub(super) const READ: &str = "SELECT value FROM aurareels_settings WHERE name = ?";

/// What [`READ`] found; `None` where none was kept yet.
pub(super) fn position(name: &str, row: Option<&Row>) -> Result<Option<Sequence>> {
    let text = row.map(|row| row.text("value")).transpose()?;
    let number = |text: String| text.parse().map(Sequence).map_err(|_| Error::Corrupt(format!("{name} is {text}")));
    text.map(number).transpose()
}

/// Keeps a position instead of the one before.
pub(super) async fn keep(tx: &mut Tx, name: &str, position: Sequence) -> Result<()> {
    tx.execute("DELETE FROM aurareels_settings WHERE name = ?", &params![name]).await?;
    let insert = "INSERT INTO aurareels_settings (name, value) VALUES (?, ?)";
    tx.execute(insert, &params![name, position.0.to_string()]).await?;
    Ok(())
}
