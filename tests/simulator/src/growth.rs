//! How the numbers of a post grow with its age: fast at first, then ever more slowly, and differently for each post.

/// A post's numbers at some age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grown {
    pub(crate) views: u64,
    pub(crate) likes: u64,
    pub(crate) comments: u64,
    pub(crate) shares: u64,
    pub(crate) saves: u64,
    pub(crate) reach: u64,
}

/// Half of all views come within two days.
const HALF: u64 = 2 * 86_400;

/// The numbers of the post with this id, so many seconds after it went live.
pub(crate) fn grown(id: &str, age_seconds: i64) -> Grown {
    let age = u64::try_from(age_seconds).unwrap_or(0);
    // FNV-1a: the same post has the same numbers in every run.
    let seed =
        id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    let in_the_end = 3_000 + seed % 97 * 400;
    let views = in_the_end * age / (age + HALF);
    Grown {
        views,
        likes: views / (11 + seed % 7),
        comments: views / (140 + seed % 31),
        shares: views / (190 + seed % 53),
        saves: views / (90 + seed % 41),
        reach: views * 4 / 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_grow_ever_more_slowly() {
        let views = |days: i64| grown("7", days * 86_400).views;
        assert_eq!(views(0), 0);
        assert!(views(1) > 0 && views(2) > views(1) && views(30) > views(29));
        assert!(views(1) - views(0) > views(30) - views(29));
        assert_ne!(grown("7", 86_400), grown("8", 86_400));
    }
}
