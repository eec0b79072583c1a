//! Videos that are named by their id at Cloudflare Stream. Pure.

/// The rule that a video breaks that the platforms cannot fetch.
pub const VIDEO_NOT_PUBLIC: &str = "VIDEO_NOT_PUBLIC";

/// Marks the failure of a post whose video is still being made.
pub const VIDEO_PREPARING: &str = "VIDEO_PREPARING";

/// The uid of `cloudflare-stream:<uid>`; `None` for every other address.
pub fn stream_uid(url: &str) -> Option<&str> {
    let uid = url.strip_prefix("cloudflare-stream:")?;
    let is_good = (1..=32).contains(&uid.len()) && uid.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_good.then_some(uid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_is_up_to_32_letters_and_digits() {
        assert_eq!(
            stream_uid("cloudflare-stream:5d5bc37ffcf54c9b82e996823bffbb81"),
            Some("5d5bc37ffcf54c9b82e996823bffbb81")
        );
        for other in ["cloudflare-stream:", "cloudflare-stream:a/b", "cloudflare-stream://a", "https://a.example/v.mp4"]
        {
            assert_eq!(stream_uid(other), None, "{other}");
        }
        assert_eq!(stream_uid(&format!("cloudflare-stream:{}", "a".repeat(33))), None);
    }
}
