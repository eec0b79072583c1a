//! How the file descriptors of the process are shared, so that callers who keep connections open cannot take from
//! publishing what it needs.

/// What the core needs for itself: the database, its log, the port, lock files.
const OWN: usize = 64;

/// Most connections of callers, however many descriptors there are.
const CONNECTIONS: usize = 8_192;

/// Below this many each post is counted with two, which is what an upload takes; above, with one.
const FEW: usize = 4_096;

/// What each part may have open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shares {
    /// Of how many descriptors.
    pub limit: usize,
    /// Connections of callers.
    pub connections: usize,
    /// Posts that are worked on.
    pub posts: usize,
}

impl Shares {
    /// Those of this process.
    pub fn of_process() -> Self {
        Self::of(limit())
    }

    /// A third of what is left is for callers, the rest for publishing.
    fn of(limit: usize) -> Self {
        let left = limit.saturating_sub(OWN).max(OWN / 2);
        let posts = if limit < FEW { left / 3 } else { left / 3 * 2 };
        Self { limit, connections: (left / 3).min(CONNECTIONS), posts }
    }
}

#[cfg(unix)]
fn limit() -> usize {
    let soft = rlimit::Resource::NOFILE.get_soft().unwrap_or(1_024);
    usize::try_from(soft).unwrap_or(usize::MAX)
}

/// Sockets are no files there, and there is no such limit.
#[cfg(not(unix))]
fn limit() -> usize {
    usize::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn publishing_keeps_its_share_however_few_there_are() {
        for (limit, connections, posts) in
            [(16, 10, 10), (256, 64, 64), (1_024, 320, 320), (20_000, 6_645, 13_290), (1 << 20, 8_192, 699_008)]
        {
            assert_eq!(Shares::of(limit), Shares { limit, connections, posts });
        }
        assert_eq!(Shares::of(usize::MAX).connections, 8_192);
    }
}
