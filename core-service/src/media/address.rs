//! Which addresses a media URL may lead to: the rule against server-side request forgery.
//!
//! Judged is the address that is about to be connected to, never a name. IPv6 forms that carry an IPv4 address are
//! judged by that address. What is neither global nor private is refused always: nothing there serves videos, and
//! metadata services of clouds live there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why an address is not connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Reachable by everybody.
    Global,
    /// Loopback, private or carrier-grade NAT: open only where the setting says so.
    Private,
    /// Link-local, metadata services, multicast, reserved: never.
    Forbidden,
}

/// Where an address lies.
pub(super) fn kind(address: IpAddr) -> Kind {
    match address {
        IpAddr::V4(address) => kind_v4(address),
        IpAddr::V6(address) => kind_v6(address),
    }
}

/// Whether an address may be connected to.
pub(super) fn is_allowed(address: IpAddr, allow_private: bool) -> bool {
    match kind(address) {
        Kind::Global => true,
        Kind::Private => allow_private,
        Kind::Forbidden => false,
    }
}

/// <https://www.iana.org/assignments/iana-ipv4-special-registry>
fn kind_v4(address: Ipv4Addr) -> Kind {
    match address.octets() {
        [100, 100, 100, 200] => Kind::Forbidden, // Alibaba Cloud metadata, inside the carrier-grade NAT range
        [168, 63, 129, 16] => Kind::Forbidden,   // Azure's host services
        [0, ..] | [169, 254, ..] => Kind::Forbidden, // this host; link-local with the metadata services
        [192, 0, 0, _] | [192, 88, 99, _] => Kind::Forbidden, // protocol assignments, 6to4 relays
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Kind::Forbidden, // documentation
        [224..=255, ..] => Kind::Forbidden,      // multicast, reserved, broadcast
        [10, ..] | [127, ..] | [172, 16..=31, ..] | [192, 168, ..] => Kind::Private,
        [100, 64..=127, ..] | [198, 18..=19, ..] => Kind::Private, // carrier-grade NAT, benchmarks
        _ => Kind::Global,
    }
}

/// <https://www.iana.org/assignments/iana-ipv6-special-registry>
fn kind_v6(address: Ipv6Addr) -> Kind {
    let segments = address.segments();
    let embedded = |high: u16, low: u16| kind_v4(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 1] => Kind::Private,                    // loopback
        [0, 0, 0, 0, 0, 0xffff, high, low] => embedded(high, low),    // IPv4-mapped
        [0, 0, 0, 0, 0xffff, 0, high, low] => embedded(high, low),    // IPv4-translated (SIIT)
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low), // NAT64
        [0x2002, high, low, ..] => embedded(high, low),               // 6to4
        [.., 0 | 0x200, 0x5efe, high, low] => match embedded(high, low) {
            // ISATAP: both the network and the address inside must be allowed.
            Kind::Global => kind_v6_plain(segments),
            inside => inside,
        },
        _ => kind_v6_plain(segments),
    }
}

fn kind_v6_plain(segments: [u16; 8]) -> Kind {
    match segments {
        [0xfd00, 0x0ec2, ..] | [0xfd20, 0x00ce, ..] => Kind::Forbidden, // metadata of AWS and Google Cloud
        [0xfc00..=0xfdff, ..] => Kind::Private,                         // unique local
        [0x2001, 0x0000..=0x01ff, ..] => Kind::Forbidden,               // Teredo, ORCHID and other protocol assignments
        [0x2001, 0x0db8, ..] | [0x3fff, 0x0000..=0x0fff, ..] => Kind::Forbidden, // documentation
        [0x2000..=0x3fff, ..] => Kind::Global,
        _ => Kind::Forbidden, // link-local, site-local, multicast, unspecified, local NAT64, unassigned
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(addresses: &[&str], expected: Kind) {
        for text in addresses {
            assert_eq!(kind(text.parse().unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn global_addresses_are_open() {
        all(
            &[
                "1.1.1.1",
                "93.184.216.34",
                "172.15.255.255",
                "172.32.0.1",
                "100.63.255.255",
                "100.128.0.1",
                "169.253.1.1",
            ],
            Kind::Global,
        );
        all(
            &["2606:4700::1111", "2a00:1450:4001::200e", "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::1"],
            Kind::Global,
        );
    }

    #[test]
    fn private_addresses_are_open_only_by_setting() {
        let private = [
            "127.0.0.1",
            "127.255.255.254",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "100.127.255.255",
            "198.18.0.1",
            "::1",
            "fc00::1",
            "fd12:3456::1",
            "::ffff:127.0.0.1",
            "::ffff:10.1.2.3",
            "64:ff9b::7f00:1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2002:c0a8:101::1",
            "::ffff:0:127.0.0.1",
            "2606:4700::5efe:10.0.0.1",
        ];
        all(&private, Kind::Private);
        for text in private {
            assert!(!is_allowed(text.parse().unwrap(), false) && is_allowed(text.parse().unwrap(), true), "{text}");
        }
    }

    #[test]
    fn link_local_metadata_and_reserved_addresses_are_never_open() {
        let forbidden = [
            "169.254.169.254",
            "169.254.0.1",
            "100.100.100.200",
            "168.63.129.16",
            "0.0.0.0",
            "0.1.2.3",
            "192.0.0.192",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "192.0.2.1",
            "198.51.100.1",
            "203.0.113.1",
            "::",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "2001:db8::1",
            "2001::1",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "::169.254.169.254",
            "::127.0.0.1",
            "::ffff:0:169.254.169.254",
            "fe80::5efe:8.8.8.8",
            "fd12::5efe:169.254.169.254",
            "100::1",
            "::ffff:100.100.100.200",
            "2606:4700::200:5efe:169.254.169.254",
        ];
        all(&forbidden, Kind::Forbidden);
        for text in forbidden {
            assert!(!is_allowed(text.parse().unwrap(), true), "{text}");
        }
    }
}
