//! What of a URL the rule looks at.

use std::net::IpAddr;

use url::{Host, Position, Url};

use crate::Refusal;

/// The part of a URL that decides: an http or https URL without user-info.
pub(crate) struct Destination<'a> {
    pub(crate) scheme: Scheme,
    pub(crate) host: Target<'a>,
    pub(crate) port: Option<u16>,
    url: &'a Url,
}

/// A scheme that a POST can use at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

/// A host as the `url` crate read it: lower case, punycode, every spelling of an address resolved.
#[derive(Clone, Copy)]
pub(crate) enum Target<'a> {
    /// Without the trailing dot.
    Name(&'a str),
    /// As an IPv4 address if it is v4-mapped, because that is where the connection would go.
    Address(IpAddr),
}

impl<'a> Destination<'a> {
    pub(crate) fn of(url: &'a Url) -> Result<Self, Refusal> {
        let scheme =
            Scheme::parse(url.scheme()).ok_or_else(|| Refusal::Scheme(url.scheme().to_owned()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::UserInfo);
        }
        let host = match url.host() {
            Some(Host::Domain(name)) => Target::Name(without_trailing_dot(name)),
            Some(Host::Ipv4(address)) => Target::Address(address.into()),
            Some(Host::Ipv6(address)) => Target::Address(address.to_canonical()),
            // No http URL is without a host; if one were, no entry has an empty name.
            None => Target::Name(""),
        };
        let port = url.port_or_known_default();
        Ok(Self {
            scheme,
            host,
            port,
            url,
        })
    }

    /// The host as text, as the URL has it.
    pub(crate) fn host_text(&self) -> String {
        self.url.host_str().unwrap_or_default().to_owned()
    }

    /// Scheme, host, and the port if it is not the scheme's own.
    pub(crate) fn origin_text(&self) -> String {
        self.url[..Position::BeforePath].to_owned()
    }
}

impl Scheme {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "http" => Some(Self::Http),
            "https" => Some(Self::Https),
            _ => None,
        }
    }
}

/// `host.` is `host`, said in full (RFC 1034 §3.1).
pub(crate) fn without_trailing_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}
