//! What ails a database as a whole: the words for callers, health and the log, each with a remedy.

/// Why a database cannot be used for now. Whatever was asked for was not done, except where [`Self::Slow`] says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ailment {
    /// Another process has kept the write lock for longer than a write waits for it.
    #[error("another process keeps the database locked")]
    Locked,
    /// No room is left for it.
    #[error("the disk of the database is full")]
    Full,
    /// The database found pages that make no sense.
    #[error("the database file is damaged")]
    Damaged,
    /// It may be read only.
    #[error("the database is read-only")]
    ReadOnly,
    /// The disk refuses, in SQLite's words.
    #[error("the disk of the database fails ({0})")]
    Disk(String),
    /// The file of the database, or one that SQLite keeps beside it, is not the one that was opened.
    #[error("the file {file} was {what} while the core ran")]
    Gone {
        /// Its name, without its directory.
        file: String,
        /// What happened to it.
        what: &'static str,
    },
    /// It has not answered in time. A change may still be made.
    #[error("the database did not answer in {0} seconds")]
    Slow(u64),
    /// The server of the database cannot be reached, in its words or the system's.
    #[error("the database server is away ({0})")]
    Away(String),
    /// The server of the database takes no writes.
    #[error("the database server takes no writes: it is a replica, or is set read-only")]
    Replica,
    /// Others have changed the same rows again and again.
    #[error("other changes were in the way again and again")]
    Contended,
    /// A connection ended unexpectedly; a new one is made. A change may have been made.
    #[error("the connection to the database broke")]
    Stopped,
}

impl Ailment {
    /// What the operator or the caller can do.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Locked => {
                "nothing was changed; end the process that has it locked (`fuser` on the database file names it) and call again"
            }
            Self::Full => "nothing was changed; free some room on that disk and call again",
            Self::Damaged => "stop the core and restore a backup: `aurareels restore <file>`",
            Self::ReadOnly => "nothing was changed; make its file and its file system writable and call again",
            Self::Disk(_) => {
                "nothing was changed; look at the disk, its quota and the limit of file sizes, and call again"
            }
            Self::Gone { .. } => {
                "nothing is published; put the file back as it was, or stop the core and restore a backup"
            }
            Self::Slow(_) => "what was asked for may still be done; make the very same call again",
            Self::Away(_) => {
                "nothing was changed; start the server, or correct AURAREELS_DATABASE_URL; the core goes on when it answers"
            }
            Self::Replica => {
                "nothing was changed; point AURAREELS_DATABASE_URL at the primary, or promote this server; the core goes on \
                 when it takes writes"
            }
            Self::Contended => "nothing was changed; call again",
            Self::Stopped => "what was asked for may have been done; make the very same call again",
        }
    }
}
