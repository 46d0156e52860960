//! The egress rule: entries of `allowed_hosts`, a URL, an address that is about to be dialled.
//!
//! `{"entries"?: […], "url", "address"?}`. An input that is no document is a URL, before the default
//! entries.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rhombus_driver::subscription::SubscriberUrl;
use rhombus_egress::{DEFAULT_ALLOWED_HOSTS, Policy};
use serde_json::Value;
use url::{Host, Url};

use crate::document::{CANARY, Document};

/// What is allowed keeps the rule as it is told here again; and a URL is read back as it was written.
pub fn run(data: &[u8]) {
    let input = Document::parse(data);
    let text = match &input {
        Some(input) => input.text("url").unwrap_or_default(),
        None => String::from_utf8_lossy(data).into_owned(),
    };
    let entries: Vec<&str> = match &input {
        Some(input) if input.get("entries").is_some() => {
            let entries = input.list("entries", 16).iter();
            entries.filter_map(Value::as_str).collect()
        }
        _ => DEFAULT_ALLOWED_HOSTS.to_vec(),
    };
    let address = input
        .as_ref()
        .and_then(|input| input.str("address")?.parse().ok());
    let address: IpAddr = address.unwrap_or(Ipv4Addr::LOCALHOST.into());

    check_reading(&text);
    let Ok(url) = Url::parse(&text) else { return };
    let policy = match Policy::parse(&entries) {
        Ok(policy) => policy,
        Err(error) => {
            let text = error.to_string();
            assert!(!text.contains(CANARY), "an entry is quoted: {text}");
            return;
        }
    };
    let listed = entries.iter().filter_map(|entry| permitted(entry, &url));
    let listed: Vec<Permitted> = listed.collect();
    let of_url = policy.check_url(&url);
    let of_address = policy.check_address(&url, address);
    for refusal in [&of_url, &of_address]
        .into_iter()
        .filter_map(|told| told.as_ref().err())
    {
        let text = refusal.to_string();
        assert!(!text.contains(CANARY) || shows_canary(&url), "{text}");
    }
    if of_url.is_ok() {
        check_url(&url, &listed);
    } else {
        assert!(
            of_address.is_err(),
            "an address is dialled for a URL that is refused"
        );
    }
    if of_address.is_ok() {
        assert!(!is_nobodys(address), "{address}");
        let may_be_inside = listed.iter().any(|entry| entry.private);
        assert!(may_be_inside || !is_inside(address), "{address}");
        if let Some(written) = written_address(&url) {
            assert_eq!(written, address.to_canonical());
        }
    }
}

/// What an entry permits of the URL that it names.
struct Permitted {
    http: bool,
    private: bool,
}

fn check_url(url: &Url, listed: &[Permitted]) {
    let by_http = url.scheme() == "http" && listed.iter().any(|entry| entry.http);
    assert!(url.scheme() == "https" || by_http, "{}", url.scheme());
    assert!(url.username().is_empty() && url.password().is_none());
    assert!(!listed.is_empty(), "no entry names the host");
    if let Some(written) = written_address(url) {
        assert!(!is_nobodys(written), "{written}");
    }
}

/// What `entry` permits, if it names the URL's host, and origin if it is one.
fn permitted(entry: &str, url: &Url) -> Option<Permitted> {
    let entry = entry.trim();
    let address = written_address(url);
    if entry.contains("://") {
        let origin = Url::parse(entry).ok()?;
        let is_same = origin.scheme() == url.scheme()
            && origin.port_or_known_default() == url.port_or_known_default()
            && is_same_host(&origin, url);
        let http = origin.scheme() == "http";
        return is_same.then_some(Permitted {
            http,
            private: true,
        });
    }
    if let Some(suffix) = entry.strip_prefix("*.") {
        let suffix = format!(".{}", name(&host_of(suffix)?)?);
        let host = name(url)?;
        let is_below = host.ends_with(&suffix) && host.len() > suffix.len();
        return is_below.then_some(Permitted {
            http: false,
            private: false,
        });
    }
    if let Some((first, length)) = entry.split_once('/') {
        let first = written_address(&host_of(first)?)?;
        let is_in = is_in_block(address?, first, length.parse().ok()?, entry.contains(':'));
        return is_in.then_some(Permitted {
            http: true,
            private: true,
        });
    }
    let host = host_of(entry)?;
    let http = written_address(&host).is_some();
    is_same_host(&host, url).then_some(Permitted {
        http,
        private: true,
    })
}

/// Whether the first `length` bits are the same; those of IPv6 if the block is written so.
fn is_in_block(address: IpAddr, first: IpAddr, length: u32, is_v6: bool) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    };
    let length = if is_v6 { length } else { length + 96 };
    let free = 128_u32.saturating_sub(length);
    (bits(address) ^ bits(first)).checked_shr(free).unwrap_or(0) == 0
}

/// A URL of this host.
fn host_of(text: &str) -> Option<Url> {
    let is_bare_v6 = text.contains(':') && !text.starts_with('[');
    let host = if is_bare_v6 {
        format!("[{text}]")
    } else {
        text.to_owned()
    };
    Url::parse(&format!("https://{host}/")).ok()
}

fn is_same_host(one: &Url, other: &Url) -> bool {
    match (written_address(one), written_address(other)) {
        (Some(one), Some(other)) => one == other,
        (None, None) => name(one).is_some() && name(one) == name(other),
        _ => false,
    }
}

/// Without the dot that a complete name may end with.
fn name(url: &Url) -> Option<&str> {
    let name = url.domain()?;
    Some(name.strip_suffix('.').unwrap_or(name))
}

fn written_address(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(IpAddr::from(address).to_canonical()),
    }
}

/// Whether one machine cannot have it, itself or what it carries.
fn is_nobodys(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            address.is_multicast() || address.is_broadcast() || address.octets()[0] == 0
        }
        IpAddr::V6(address) => address.is_multicast() || address.is_unspecified(),
    }
}

/// Whether it leads to this machine, this network, or none that the internet knows.
fn is_inside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_inside_v4(address),
        IpAddr::V6(address) => carried(address).map_or_else(
            // Beside those that carry another one, 2000::/3 is all that is given out.
            || address.segments()[0] >> 13 != 1 || address.segments()[..2] == [0x2001, 0xdb8],
            |carried| carried.into_iter().any(is_inside_v4),
        ),
    }
}

fn is_inside_v4(address: Ipv4Addr) -> bool {
    let octets = address.octets();
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || octets[0] == 0
        || octets[0] >= 224
        || (octets[0] == 100 && octets[1] & 0xc0 == 64)
        || (octets[0] == 198 && octets[1] & 0xfe == 18)
}

/// The IPv4 addresses that an IPv6 address is a way to: mapped, NAT64, 6to4, Teredo.
fn carried(address: Ipv6Addr) -> Option<Vec<Ipv4Addr>> {
    let v4 = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(vec![v4(high, low)])
        }
        [0x2002, high, low, ..] => Some(vec![v4(high, low)]),
        [0x2001, 0, one, two, _, _, high, low] => Some(vec![v4(one, two), v4(!high, !low)]),
        _ => None,
    }
}

/// A subscriber's URL is read back as it was written, and shown without its token.
fn check_reading(text: &str) {
    let Ok(url) = SubscriberUrl::parse(text) else {
        return;
    };
    assert!(SubscriberUrl::parse(url.as_str()).is_ok_and(|again| again == url));
    assert!(url.url().fragment().is_none());
    let shown = url.to_string();
    assert!(
        !shown.contains(CANARY) || shows_canary(url.url()),
        "{shown}"
    );
    let Some((origin, tail)) = shown.split_once("/…") else {
        panic!("{shown}");
    };
    assert!(tail.chars().count() <= 4, "{shown}");
    let host = url.url().host_str().unwrap_or_default();
    assert!(
        origin.starts_with(&format!("{}://{host}", url.url().scheme())),
        "{shown}"
    );
}

/// Whether the canary is where it may be told: in the scheme or the host.
fn shows_canary(url: &Url) -> bool {
    url.scheme().contains(CANARY) || url.host_str().is_some_and(|host| host.contains(CANARY))
}
