//! Rows of PostgreSQL.

use chrono::{DateTime, Utc};
use sqlx::{
    Row as _, TypeInfo, ValueRef,
    postgres::{PgRow, PgValueRef},
};

use crate::store::{Error, Result};

/// The columns of a row.
pub(in crate::store::db) struct Cells(pub(super) PgRow);

impl Cells {
    fn raw(&self, column: &str) -> Result<Option<PgValueRef<'_>>> {
        let raw = self.0.try_get_raw(column).map_err(|error| Error::Corrupt(error.to_string()))?;
        Ok((!raw.is_null()).then_some(raw))
    }

    pub(in crate::store::db) fn int(&self, column: &str) -> Result<Option<i64>> {
        let Some(raw) = self.raw(column)? else { return Ok(None) };
        let wrong = |what: &str| Error::Corrupt(format!("{column} is {what}, not a whole number"));
        let bytes = raw.as_bytes().map_err(|_| wrong("unreadable"))?;
        let value = match raw.type_info().name() {
            "INT2" => bytes.try_into().ok().map(|bytes| i16::from_be_bytes(bytes).into()),
            "INT4" => bytes.try_into().ok().map(|bytes| i32::from_be_bytes(bytes).into()),
            "INT8" => bytes.try_into().ok().map(i64::from_be_bytes),
            "NUMERIC" => numeric(bytes),
            other => return Err(wrong(other)),
        };
        value.map(Some).ok_or_else(|| wrong("out of range"))
    }

    pub(in crate::store::db) fn text(&self, column: &str) -> Result<Option<&str>> {
        let Some(raw) = self.raw(column)? else { return Ok(None) };
        let wrong = |what: &str| Error::Corrupt(format!("{column} is {what}, not text"));
        match raw.type_info().name() {
            "TEXT" | "VARCHAR" | "CHAR" | "NAME" | "UNKNOWN" => raw.as_str().map(Some).map_err(|_| wrong("no UTF-8")),
            other => Err(wrong(other)),
        }
    }

    pub(in crate::store::db) fn time(&self, column: &str) -> Result<Option<DateTime<Utc>>> {
        self.0.try_get(column).map_err(|error| Error::Corrupt(format!("{column}: {error}")))
    }
}

/// A whole NUMERIC, as sums are: count of digits, weight of the first, sign, scale, then the digits, to the base of 10000.
fn numeric(bytes: &[u8]) -> Option<i64> {
    let mut words = bytes.chunks_exact(2).map(|pair| i16::from_be_bytes([pair[0], pair[1]]));
    let (count, weight, sign, scale) = (words.next()?, words.next()?, words.next()?, words.next()?);
    if scale != 0 || !matches!(sign, 0 | 0x4000) {
        return None;
    }
    let digits: Vec<i16> = words.take(usize::try_from(count).ok()?).collect();
    let mut value = 0_i64;
    for place in 0..=weight {
        let digit = usize::try_from(place).ok().and_then(|place| digits.get(place)).copied().unwrap_or(0);
        value = value.checked_mul(10_000)?.checked_add(digit.into())?;
    }
    Some(if sign == 0 { value } else { -value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(words: &[i16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn sums_are_whole_numbers() {
        assert_eq!(numeric(&bytes(&[0, 0, 0, 0])), Some(0));
        assert_eq!(numeric(&bytes(&[1, 0, 0, 0, 42])), Some(42));
        assert_eq!(numeric(&bytes(&[1, 2, 0, 0, 7])), Some(700_000_000), "digits that are zero are left out");
        assert_eq!(numeric(&bytes(&[2, 1, 0x4000, 0, 12, 3456])), Some(-123_456));
        assert_eq!(numeric(&bytes(&[1, 0, 0, 2, 42])), None, "a fraction");
        assert_eq!(numeric(&bytes(&[1, 9, 0, 0, 9_999])), None, "too large");
    }
}
