//! Which database of a server a URL names.

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Kind {
    Postgres,
    Mysql,
}

impl Kind {
    /// The server that a URL's scheme names.
    pub(in crate::store) fn of_url(url: &str) -> Option<Self> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("postgres" | "postgresql") => Some(Self::Postgres),
            Some("mysql" | "mariadb") => Some(Self::Mysql),
            _ => None,
        }
    }

    /// How a URL of it looks.
    pub(in crate::store::db) fn example(self) -> &'static str {
        match self {
            Self::Postgres => "postgres://user:password@host/database",
            Self::Mysql => "mysql://user:password@host/database",
        }
    }

    /// The parameters of a URL that mean something.
    pub(in crate::store::db) fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Postgres => &["sslmode", "sslrootcert", "sslcert", "sslkey", "host", "options"],
            Self::Mysql => &["ssl-mode", "ssl-ca", "ssl-cert", "ssl-key", "socket"],
        }
    }
}
