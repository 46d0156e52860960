//! Which names a gateway goes by.
//!
//! A browser lets a page talk to the host that it came from. Whoever owns a name can have it point at
//! an address inside a building once the page is loaded (DNS rebinding), and the page then talks to
//! what is there. Its requests still say in `Host` by which name they were made: a name that is not
//! the gateway's is answered 421.
//!
//! An address cannot be rebound. So the one at which a request reached this machine is known without
//! being named, which is what load balancers and kubelets ask by. Ports are not compared: they say
//! nothing about who owns a name, and a container's port is often another one outside.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use axum::http::{HeaderMap, StatusCode, Uri, Version, header};

use super::answer::Refusal;
use super::connections::ReachedAt;

/// A host's name or address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// In lower case.
    Name(String),
    /// One in IPv6 that stands for one in IPv4 is the latter.
    Address(IpAddr),
}

/// A text that is no host.
#[derive(Debug, thiserror::Error)]
#[error("a host is a name or an address, without scheme, port or path")]
pub struct MalformedHost;

impl Host {
    /// The most that a name may have, by DNS.
    const LONGEST: usize = 253;

    fn name(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let is_name = (1..=Self::LONGEST).contains(&text.len()) && text.bytes().all(plain);
        is_name.then(|| Self::Name(text.to_ascii_lowercase()))
    }

    fn is_of_this_machine(&self) -> bool {
        match self {
            Self::Name(name) => name == "localhost",
            Self::Address(address) => address.is_loopback(),
        }
    }
}

impl FromStr for Host {
    type Err = MalformedHost;

    fn from_str(text: &str) -> Result<Self, MalformedHost> {
        let bare = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        if let Some(address) = bare {
            let address = address.parse().map_err(|_| MalformedHost)?;
            return Ok(Self::Address(IpAddr::V6(address).to_canonical()));
        }
        match text.parse::<IpAddr>() {
            Ok(address) => Ok(Self::Address(address.to_canonical())),
            Err(_) => Self::name(text).ok_or(MalformedHost),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => address.fmt(f),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

/// What a request is addressed to: a host, and the port if one is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Authority {
    pub(super) host: Host,
    pub(super) port: Option<u16>,
}

impl FromStr for Authority {
    type Err = MalformedHost;

    /// Reads `host[:port]`, as in RFC 3986 but without user-info; an IPv6 address is in brackets.
    fn from_str(text: &str) -> Result<Self, MalformedHost> {
        let end_of_host = match text.rfind(']') {
            Some(bracket) => bracket + 1,
            None => text.find(':').unwrap_or(text.len()),
        };
        let (host, rest) = text.split_at(end_of_host);
        let port = match rest.strip_prefix(':') {
            None if rest.is_empty() => None,
            Some("") => None,
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(port.parse().map_err(|_| MalformedHost)?)
            }
            _ => return Err(MalformedHost),
        };
        let host = host.parse()?;
        Ok(Self { host, port })
    }
}

/// The names of a gateway, besides those of this machine to itself and the address that a request
/// has reached.
#[derive(Clone, Debug, Default)]
pub struct Hosts(Vec<Host>);

impl Hosts {
    /// Those names.
    pub fn new(named: Vec<Host>) -> Self {
        Self(named)
    }

    /// What a request is addressed to, which is this gateway.
    ///
    /// An absolute target has precedence over `Host` (RFC 9112, section 3.2.2); here both have to be
    /// the gateway's, so that no two programs on the way can differ about it.
    pub(super) fn addressed(
        &self,
        version: Version,
        uri: &Uri,
        headers: &HeaderMap,
        reached: ReachedAt,
    ) -> Result<Authority, Refusal> {
        let mut given = headers.get_all(header::HOST).iter();
        let host = match (given.next(), given.next()) {
            (Some(host), None) => {
                let host = host.to_str().ok().and_then(|text| text.parse().ok());
                Some(host.ok_or_else(|| malformed("the header Host is not a host"))?)
            }
            (Some(_), Some(_)) => return Err(malformed("the header Host is there twice")),
            (None, _) if version == Version::HTTP_11 => {
                return Err(malformed("the header Host is missing"));
            }
            (None, _) => None,
        };
        let target = uri
            .authority()
            .map(|target| target.as_str().parse())
            .transpose()
            .map_err(|_| malformed("the host in the request's target is not a host"))?;
        for authority in [&host, &target].into_iter().flatten() {
            self.check(authority, reached)?;
        }
        target.or(host).ok_or_else(|| misdirected(None))
    }

    fn check(&self, authority: &Authority, ReachedAt(reached): ReachedAt) -> Result<(), Refusal> {
        let host = &authority.host;
        let is_known = host.is_of_this_machine()
            || *host == Host::Address(reached.to_canonical())
            || self.0.contains(host);
        is_known
            .then_some(())
            .ok_or_else(|| misdirected(Some(host)))
    }
}

fn malformed(sentence: &'static str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, sentence)
}

fn misdirected(host: Option<&Host>) -> Refusal {
    let sentence = match host {
        Some(host) => format!(
            "this gateway is not known as {host}; if it should be, start it with --host {host}"
        ),
        None => "the request does not say in a header Host to whom it is addressed".to_owned(),
    };
    Refusal::new(StatusCode::MISDIRECTED_REQUEST, sentence)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Option<Host> {
        text.parse().ok()
    }

    #[test]
    fn a_host_is_a_name_or_an_address() {
        assert_eq!(host("Gate.Example"), host("gate.example"));
        assert_eq!(host("[::1]"), host("::1"));
        assert_eq!(host("[::ffff:10.1.2.3]"), host("10.1.2.3"));
        for text in [
            "",
            "a b",
            "a:80",
            "a/b",
            "http://a",
            "a@b",
            "[a]",
            "[10.1.2.3]",
            "[::1",
            "ä",
            "a\n",
        ] {
            assert_eq!(host(text), None, "{text}");
        }
        assert_eq!(host(&"a".repeat(254)), None);
    }

    #[test]
    fn an_authority_may_have_a_port() {
        let parse = |text: &str| text.parse::<Authority>().ok();
        let authority = |text: &str, port| {
            Some(Authority {
                host: host(text)?,
                port,
            })
        };
        assert_eq!(parse("a.example"), authority("a.example", None));
        assert_eq!(parse("a.example:"), authority("a.example", None));
        assert_eq!(parse("a.example:80"), authority("a.example", Some(80)));
        assert_eq!(parse("[::1]:65535"), authority("::1", Some(65535)));
        for text in [
            "",
            ":80",
            "a:b",
            "a:80:80",
            "a:65536",
            "a:+80",
            "a: 80",
            "user@a",
            "user:80@a",
            "::1",
            "[::1]80",
            "[::1",
            "a,b",
            "a/",
            "a#b",
            "a?b",
            "a\\b",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn names_of_this_machine_and_the_address_reached_are_known() {
        let hosts = Hosts::new(vec![
            host("gate.example").unwrap(),
            host("192.0.2.1").unwrap(),
        ]);
        let is_known = |text: &str| {
            let reached = ReachedAt("::ffff:10.1.2.3".parse().unwrap());
            hosts.check(&text.parse().unwrap(), reached).is_ok()
        };
        for known in [
            "localhost",
            "LOCALHOST:9",
            "127.0.0.1",
            "127.9.9.9:1",
            "[::1]",
            "10.1.2.3:8080",
            "gate.example",
            "GATE.example:443",
            "192.0.2.1",
        ] {
            assert!(is_known(known), "{known}");
        }
        for unknown in [
            "evil.example",
            "gate.example.evil.example",
            "localhost.",
            "localhost.evil.example",
            "10.1.2.4",
            "0.0.0.0",
            "[::]",
            "2130706433",
            "127.1",
            "0x7f.1",
        ] {
            assert!(!is_known(unknown), "{unknown}");
        }
    }
}
