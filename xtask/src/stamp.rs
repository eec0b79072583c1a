//! Set-up that is done once: a stamp file holds the inputs it was made from, and other inputs mean "again".
//!
//! The stamp is written last, so set-up that was interrupted is repeated.

use std::path::Path;

use anyhow::{Context, Result};

/// Runs `make` unless `stamp` says that it was done for the same `inputs`.
pub(crate) fn once(stamp: &Path, inputs: &str, make: impl FnOnce() -> Result<()>) -> Result<()> {
    if std::fs::read_to_string(stamp).is_ok_and(|made_from| made_from == inputs) {
        return Ok(());
    }
    make()?;
    std::fs::write(stamp, inputs).with_context(|| format!("cannot write {}", stamp.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_up_is_repeated_only_when_its_inputs_changed_or_it_failed() {
        let dir = std::env::temp_dir().join(format!("aurareels-stamp-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let stamp = dir.join("stamp");
        let mut runs = 0;
        assert!(once(&stamp, "a", || anyhow::bail!("no network")).is_err());
        for inputs in ["a", "a", "b", "b"] {
            once(&stamp, inputs, || {
                runs += 1;
                Ok(())
            })
            .unwrap();
        }
        std::fs::remove_dir_all(&dir).unwrap();
        assert_eq!(runs, 2);
    }
}
