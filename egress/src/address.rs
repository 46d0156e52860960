//! What kind of address an IP address is.
//!
//! The blocks are those of the IANA registries of special-purpose addresses for IPv4 and IPv6
//! (RFC 6890), each named below by the RFC that made it. Two things are stricter than the
//! registries' "globally reachable": their anycast services (PCP, TURN, AMT, AS112) count as
//! reserved, because one's own network may answer there; and in IPv6 only 2000::/3, the space that
//! is given out (RFC 4291 §2.4), is global.
//!
//! An IPv6 address that carries an IPv4 address is a way to that one, so both decide. What cannot
//! be known here is a network's own prefix for NAT64 or 6rd.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use AddressKind::{
    Benchmarking, Broadcast, Documentation, Global, LinkLocal, Loopback, Multicast, Private,
    Reserved, Shared, Unspecified,
};

/// The kind of an address, the least harmful first: of an address that carries another one, the
/// later kind counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AddressKind {
    /// Global unicast: what a subscriber on the internet has.
    Global,
    /// Set aside for protocols, for the future, or not given out.
    Reserved,
    /// For examples in documents.
    Documentation,
    /// For tests of network devices.
    Benchmarking,
    /// Between a provider and its customers (carrier-grade NAT).
    Shared,
    /// Within a site.
    Private,
    /// Within one link; clouds have their metadata service here.
    LinkLocal,
    /// The machine itself.
    Loopback,
    /// No address: "this host", "this network". Systems take 0.0.0.0 for the machine itself.
    Unspecified,
    /// Many machines.
    Multicast,
    /// All machines.
    Broadcast,
}

impl AddressKind {
    /// The kind of this address, with all that it carries taken into account.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }

    /// Whether one machine can have such an address. No entry of `allowed_hosts` permits another.
    pub(crate) fn is_unicast(self) -> bool {
        self < Unspecified
    }
}

impl fmt::Display for AddressKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Global => "a global address",
            Reserved => "a reserved address",
            Documentation => "a documentation address",
            Benchmarking => "a benchmarking address",
            Shared => "a carrier-grade NAT address",
            Private => "a private address",
            LinkLocal => "a link-local address",
            Loopback => "a loopback address",
            Unspecified => "an unspecified address",
            Multicast => "a multicast address",
            Broadcast => "the broadcast address",
        })
    }
}

fn of_v4(address: Ipv4Addr) -> AddressKind {
    match address.octets() {
        [0, ..] => Unspecified,             // RFC 791 §3.2, RFC 1122 §3.2.1.3
        [10, ..] => Private,                // RFC 1918
        [100, 64..=127, ..] => Shared,      // RFC 6598
        [127, ..] => Loopback,              // RFC 1122 §3.2.1.3
        [169, 254, ..] => LinkLocal,        // RFC 3927
        [172, 16..=31, ..] => Private,      // RFC 1918
        [192, 0, 0, _] => Reserved,         // RFC 6890: DS-Lite, PCP, TURN, NAT64 discovery
        [192, 0, 2, _] => Documentation,    // RFC 5737
        [192, 31, 196, _] => Reserved,      // RFC 7535: AS112
        [192, 52, 193, _] => Reserved,      // RFC 7450: AMT
        [192, 88, 99, _] => Reserved,       // RFC 7526: 6to4 relays; RFC 6751: 6a44 relays
        [192, 168, ..] => Private,          // RFC 1918
        [192, 175, 48, _] => Reserved,      // RFC 7534: AS112
        [198, 18..=19, ..] => Benchmarking, // RFC 2544
        [198, 51, 100, _] => Documentation, // RFC 5737
        [203, 0, 113, _] => Documentation,  // RFC 5737
        [224..=239, ..] => Multicast,       // RFC 1112, RFC 5771
        [255, 255, 255, 255] => Broadcast,  // RFC 919
        [240..=255, ..] => Reserved,        // RFC 1112 §4
        _ => Global,
    }
}

fn of_v6(address: Ipv6Addr) -> AddressKind {
    let segments = address.segments();
    let kind = match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] => Unspecified, // RFC 4291 §2.5.2
        [0, 0, 0, 0, 0, 0, 0, 1] => Loopback,    // RFC 4291 §2.5.3

        // v4-compatible, deprecated (RFC 4291 §2.5.5.1); v4-translated (RFC 2765 §2.1).
        [0, 0, 0, 0, 0, 0, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => {
            Reserved.max(embedded(high, low))
        }
        // v4-mapped (RFC 4291 §2.5.5.2).
        [0, 0, 0, 0, 0, 0xffff, high, low] => embedded(high, low),
        // NAT64 (RFC 6052).
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        // NAT64 within a site (RFC 8215). Where the IPv4 address stands in it is the site's choice,
        // so it is not looked for: the whole block is private.
        [0x64, 0xff9b, 1, ..] => Private,
        // Teredo (RFC 4380 §4): the server's address, and the client's with all bits inverted.
        [0x2001, 0, server1, server2, _, _, client1, client2] => {
            embedded(server1, server2).max(embedded(!client1, !client2))
        }
        // Benchmarking (RFC 5180).
        [0x2001, 2, 0, ..] => Benchmarking,
        // RFC 2928: PCP (RFC 7723), TURN (RFC 8155), DNS-SD (RFC 9665), AMT (RFC 7450), AS112
        // (RFC 7535), ORCHID (RFC 4843, RFC 7343), drone tags (RFC 9374).
        [0x2001, 0..=0x01ff, ..] => Reserved,
        // 6to4 (RFC 3056).
        [0x2002, high, low, ..] => embedded(high, low),

        [0x2001, 0xdb8, ..] => Documentation,      // RFC 3849
        [0x3fff, 0..=0x0fff, ..] => Documentation, // RFC 9637
        [0x2620, 0x4f, 0x8000, ..] => Reserved,    // RFC 7534: AS112
        [0x2000..=0x3fff, ..] => Global,           // RFC 4291 §2.4

        [0xfc00..=0xfdff, ..] => Private,   // RFC 4193
        [0xfe80..=0xfebf, ..] => LinkLocal, // RFC 4291 §2.5.6
        [0xfec0..=0xfeff, ..] => Private,   // RFC 3879: site-local
        [0xff00..=0xffff, ..] => Multicast, // RFC 4291 §2.7

        // All else, with discard-only 100::/64 (RFC 6666), the dummy prefix 100:0:0:1::/64
        // (RFC 9780) and segment identifiers 5f00::/16 (RFC 9602).
        _ => Reserved,
    };
    match segments {
        // ISATAP (RFC 5214 §6.1): an interface identifier that may stand behind any prefix.
        [_, _, _, _, 0x0000 | 0x0200, 0x5efe, high, low] => kind.max(embedded(high, low)),
        _ => kind,
    }
}

fn embedded(high: u16, low: u16) -> AddressKind {
    let [first, second] = high.to_be_bytes();
    let [third, fourth] = low.to_be_bytes();
    of_v4(Ipv4Addr::new(first, second, third, fourth))
}
