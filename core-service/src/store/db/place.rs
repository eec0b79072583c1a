//! Where a database is: its URL, and what its tables are called.
//!
//! Guaranteed: nothing that is told of a place shows its user, its password, or the value of a parameter.

use std::path::{Path, PathBuf};

use url::Url;

use super::{kind::Kind, server::options::Options};

/// The longest prefix of tables' names. The longest name of an index has 33 letters, and servers keep 63 of them.
const LONGEST_PREFIX: usize = 24;

/// Where a database is, and what its tables are called.
#[derive(Clone, Default)]
pub struct Place {
    /// The URL. May hold a password.
    pub url: String,
    /// Stands before the name of every table. Empty for SQLite, whose file holds nothing else.
    pub table_prefix: String,
}

impl From<&Path> for Place {
    fn from(file: &Path) -> Self {
        Self::from(format!("sqlite://{}", file.display()).as_str())
    }
}

impl From<&PathBuf> for Place {
    fn from(file: &PathBuf) -> Self {
        Self::from(file.as_path())
    }
}

impl From<&str> for Place {
    fn from(url: &str) -> Self {
        Self { url: url.to_owned(), table_prefix: String::new() }
    }
}

impl From<&String> for Place {
    fn from(url: &String) -> Self {
        Self::from(url.as_str())
    }
}

impl Place {
    /// It is a database of a server, not a file.
    pub fn is_on_server(&self) -> bool {
        Kind::of_url(&self.url).is_some()
    }

    /// The database, for people.
    pub fn shown(&self) -> String {
        if !self.is_on_server() {
            return self.url.split('?').next().unwrap_or_default().to_owned();
        }
        match Url::parse(&self.url) {
            Ok(url) => {
                let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                format!("{}://{}{port}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path())
            }
            Err(_) => "a database of a server".to_owned(),
        }
    }

    /// What is wrong with the URL, with what to do about it.
    pub(crate) fn url_problem(&self) -> Option<String> {
        let Some(kind) = Kind::of_url(&self.url) else { return self.file_problem() };
        let form = kind.example();
        let url = match Url::parse(&self.url) {
            Ok(url) => url,
            Err(error) => {
                return Some(format!(
                    "is no URL ({error}); write it as {form}, and what is neither a letter nor a digit in a password as \
                     percent signs: @ is %40"
                ));
            }
        };
        if url.path().trim_matches('/').is_empty() {
            return Some(format!("must name the database: {form}"));
        }
        let known = kind.parameters();
        for (name, value) in url.query_pairs() {
            if !known.contains(&name.as_ref()) {
                return Some(format!("has a parameter `{name}`; these are known: {}", known.join(", ")));
            }
            if is_file(&name)
                && let Err(error) = std::fs::File::open(value.as_ref())
            {
                return Some(format!("names a file by `{name}` that cannot be read ({error}); correct its path"));
            }
        }
        match Options::of(kind, &self.url) {
            Ok(_) => None,
            Err(_) => {
                Some(format!("has a parameter whose value is not known; write it as {form}, and see docs/databases.md"))
            }
        }
    }

    fn file_problem(&self) -> Option<String> {
        if !self.url.starts_with("sqlite:") {
            let message = "must begin with sqlite:, postgres: or mysql:, such as sqlite://data/aurareels.db or \
                           postgres://aurareels:password@localhost/aurareels";
            return Some(message.to_owned());
        }
        if [":memory:", "mode=memory"].iter().any(|word| self.url.contains(word)) {
            let message = "must name a file, such as sqlite://data/aurareels.db: what is in memory is lost with the \
                           process, and posts would be lost or doubled";
            return Some(message.to_owned());
        }
        None
    }

    /// What is wrong with the prefix, with what to do about it.
    pub(crate) fn prefix_problem(&self) -> Option<String> {
        let prefix = &self.table_prefix;
        if prefix.is_empty() {
            return None;
        }
        if !self.is_on_server() {
            return Some("is for databases of a server; a SQLite file holds nothing else, so leave it out".to_owned());
        }
        let plain = prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !plain || prefix.len() > LONGEST_PREFIX || prefix.starts_with(|first: char| first.is_ascii_digit()) {
            return Some(format!(
                "must be of letters, digits and underscores, begin with no digit, and have at most {LONGEST_PREFIX} of \
                 them, such as wp_"
            ));
        }
        None
    }
}

/// Whether a parameter's value is the path of a file.
fn is_file(name: &str) -> bool {
    matches!(name, "sslrootcert" | "sslcert" | "sslkey" | "ssl-ca" | "ssl-cert" | "ssl-key")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str, table_prefix: &str) -> Place {
        Place { url: url.to_owned(), table_prefix: table_prefix.to_owned() }
    }

    #[test]
    fn urls_of_every_database_are_taken() {
        for url in [
            "sqlite://data/aurareels.db",
            "postgres://aura:s%40cret@db.example:5433/aurareels?sslmode=verify-full&options=-csearch_path%3Daura",
            "postgresql://aura@localhost/aurareels?host=/var/run/postgresql",
            "mysql://aura:secret@localhost/wordpress?ssl-mode=REQUIRED",
            "mariadb://aura@localhost/wordpress?socket=/run/mysqld/mysqld.sock",
        ] {
            assert_eq!(place(url, "").url_problem(), None, "{url}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_the_password() {
        for (url, told) in [
            ("oracle://aura:pa55@localhost/x", "must begin with sqlite:, postgres: or mysql:"),
            ("postgres://aura:pa55@localhost", "must name the database"),
            ("mysql://aura:pa55@localhost/", "must name the database"),
            ("postgres://aura:pa55@:port/x", "is no URL"),
            ("postgres://aura:pa55@localhost/x?passwort=pa55", "has a parameter `passwort`"),
            ("mysql://aura:pa55@localhost/x?sslmode=REQUIRED", "has a parameter `sslmode`; these are known: ssl-mode"),
            ("postgres://aura:pa55@localhost/x?sslmode=pa55", "whose value is not known"),
            ("postgres://aura:pa55@localhost/x?sslrootcert=/nowhere/ca.pem", "cannot be read"),
        ] {
            let problem = place(url, "").url_problem().unwrap_or_default();
            assert!(problem.contains(told), "{url}: {problem}");
            assert!(!problem.contains("pa55"), "{problem}");
        }
    }

    #[test]
    fn a_place_is_shown_without_user_and_password() {
        let shown = place("postgres://aura:pa55@db.example:5433/aurareels?sslmode=require", "").shown();
        assert_eq!(shown, "postgres://db.example:5433/aurareels");
        assert_eq!(place("sqlite://data/aurareels.db?mode=rwc", "").shown(), "sqlite://data/aurareels.db");
    }

    #[test]
    fn prefixes_are_plain_and_short() {
        let (longest, too_long) = ("x".repeat(LONGEST_PREFIX), "x".repeat(LONGEST_PREFIX + 1));
        for prefix in ["", "wp_", "WP2_", &longest] {
            assert_eq!(place("mysql://localhost/x", prefix).prefix_problem(), None, "{prefix}");
        }
        for prefix in ["wp-", "2wp_", &too_long, "w\u{fc}_", "a b"] {
            assert!(place("mysql://localhost/x", prefix).prefix_problem().is_some(), "{prefix}");
        }
        assert!(place("sqlite://x.db", "wp_").prefix_problem().is_some());
    }
}
