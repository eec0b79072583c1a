//! Texts of statements, as a database of a server wants them: its placeholders, and the prefix before names of tables.

/// What every table's name begins with, before the prefix.
const NAME: &str = "aurareels_";

/// How statements are written for a database.
#[derive(Debug)]
pub(in crate::store::db) struct Texts {
    /// Stands before the name of every table.
    pub(in crate::store::db) prefix: String,
    /// Placeholders are `$1`, `$2`, not `?`.
    pub(in crate::store::db) numbered: bool,
}

impl Texts {
    /// A statement's text. What is in quotes stays as it is.
    pub(in crate::store::db) fn of(&self, sql: &str) -> String {
        let mut text = String::with_capacity(sql.len() + 64);
        let (mut quoted, mut values, mut in_word) = (false, 0, false);
        for (at, character) in sql.char_indices() {
            match character {
                '\'' => quoted = !quoted,
                '?' if !quoted && self.numbered => {
                    values += 1;
                    text.push('$');
                    text.push_str(&values.to_string());
                    continue;
                }
                _ if !quoted && !in_word && sql[at..].starts_with(NAME) => text.push_str(&self.prefix),
                _ => {}
            }
            in_word = character.is_alphanumeric() || character == '_';
            text.push(character);
        }
        text
    }

    /// The statements of a migration.
    pub(in crate::store::db) fn statements(&self, migration: &str) -> Vec<String> {
        let without_comments: Vec<&str> =
            migration.lines().map(|line| line.split_once("--").map_or(line, |(code, _)| code).trim_end()).collect();
        let whole = Self { prefix: self.prefix.clone(), numbered: false }.of(&without_comments.join("\n"));
        whole
            .split(";\n")
            .map(|statement| statement.trim().trim_end_matches(';').to_owned())
            .filter(|s| !s.is_empty())
            .collect()
    }

    /// What the names of all tables are LIKE.
    pub(in crate::store::db) fn all_tables(&self) -> String {
        format!("{}%", self.table(NAME).replace('_', "\\_"))
    }

    /// The name of a table.
    pub(in crate::store::db) fn table(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_and_names_are_replaced_outside_of_quotes_alone() {
        let sql = "SELECT a.x FROM aurareels_t a WHERE a.y = 'aurareels_? it''s ?' AND a.z = ? AND not_aurareels_t = ?";
        let texts = Texts { prefix: "wp_".into(), numbered: true };
        assert_eq!(
            texts.of(sql),
            "SELECT a.x FROM wp_aurareels_t a WHERE a.y = 'aurareels_? it''s ?' AND a.z = $1 AND not_aurareels_t = $2"
        );
        let texts = Texts { prefix: String::new(), numbered: false };
        assert_eq!(texts.of(sql), sql);
    }

    #[test]
    fn a_migration_is_cut_into_its_statements() {
        let texts = Texts { prefix: "p_".into(), numbered: true };
        let migration = "-- It's a table.\nCREATE TABLE aurareels_a (\n  b INT -- what?\n);\n\nCREATE INDEX aurareels_i ON aurareels_a (b);\n";
        assert_eq!(
            texts.statements(migration),
            ["CREATE TABLE p_aurareels_a (\n  b INT\n)", "CREATE INDEX p_aurareels_i ON p_aurareels_a (b)"]
        );
    }
}
