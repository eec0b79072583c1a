//! SPDX licence expressions, as crates carry them: `MIT OR Apache-2.0`, `(MIT OR Apache-2.0) AND Unicode-3.0`.

use anyhow::{Result, bail};

/// Whether an expression can be fulfilled with licences that `allowed` accepts.
///
/// `OR` asks for one side, `AND` for both and binds tighter; `WITH` and its exception belong to the licence's name. A
/// slash is the old way to write `OR`.
pub(crate) fn is_allowed(expression: &str, allowed: &dyn Fn(&str) -> bool) -> Result<bool> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut parser = Parser { words: spaced.split_whitespace().collect(), at: 0, allowed };
    let result = parser.either()?;
    match parser.peek() {
        None => Ok(result),
        Some(word) => bail!("unexpected `{word}` in the licence expression `{expression}`"),
    }
}

struct Parser<'a> {
    words: Vec<&'a str>,
    at: usize,
    allowed: &'a dyn Fn(&str) -> bool,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.at).copied()
    }

    fn eat(&mut self, word: &str) -> bool {
        let found = self.peek() == Some(word);
        self.at += usize::from(found);
        found
    }

    fn either(&mut self) -> Result<bool> {
        let mut result = self.both()?;
        while self.eat("OR") {
            result |= self.both()?;
        }
        Ok(result)
    }

    fn both(&mut self) -> Result<bool> {
        let mut result = self.one()?;
        while self.eat("AND") {
            result &= self.one()?;
        }
        Ok(result)
    }

    fn one(&mut self) -> Result<bool> {
        if self.eat("(") {
            let result = self.either()?;
            if !self.eat(")") {
                bail!("a bracket is not closed in a licence expression");
            }
            return Ok(result);
        }
        let name = self.name()?;
        if self.eat("WITH") {
            let exception = self.name()?;
            return Ok((self.allowed)(&format!("{name} WITH {exception}")));
        }
        Ok((self.allowed)(name))
    }

    fn name(&mut self) -> Result<&'a str> {
        match self.peek() {
            Some(word) if !["(", ")", "OR", "AND", "WITH"].contains(&word) => {
                self.at += 1;
                Ok(word)
            }
            other => bail!("a licence was expected, not `{}`", other.unwrap_or("the end")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    #[test]
    fn expressions_are_weighed_as_spdx_says() {
        let allowed = |name: &str| ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].contains(&name);
        for (expression, expected) in [
            ("MIT", true),
            ("GPL-3.0", false),
            ("GPL-3.0 OR MIT", true),
            ("GPL-3.0 AND MIT", false),
            ("MIT/Apache-2.0", true),
            ("MIT AND ISC", true),
            ("(GPL-3.0 OR MIT) AND ISC", true),
            ("GPL-3.0 OR MIT AND OpenSSL", false),
            ("(MIT OR ISC) AND GPL-3.0", false),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("Apache-2.0 WITH LLVM-exception OR GPL-3.0", true),
            ("MIT WITH LLVM-exception", false),
        ] {
            assert_eq!(is_allowed(expression, &allowed).unwrap(), expected, "{expression}");
        }
    }

    #[test]
    fn what_is_no_expression_is_an_error_and_not_a_permission() {
        for expression in ["", "MIT OR", "(MIT", "MIT ISC", "MIT)", "AND MIT"] {
            assert!(is_allowed(expression, &|_| true).is_err(), "{expression}");
        }
    }
}
