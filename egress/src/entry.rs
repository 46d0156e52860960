//! One entry of `allowed_hosts`: what it names, and what it permits.

use std::net::IpAddr;

use thiserror::Error;
use url::{Host, Url};

use crate::destination::{Destination, Scheme, Target, without_trailing_dot};

/// An entry of `allowed_hosts` that cannot be read. It is told by its number, the first being 1,
/// and never quoted: people paste whole webhook URLs, and those are secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EntryError {
    /// Nothing, or blanks only.
    #[error("entry {0} of allowed_hosts is empty")]
    Empty(usize),
    /// It is not ASCII: an international name has to be written as DNS has it.
    #[error(
        "entry {0} of allowed_hosts is not ASCII; write an international name in its xn-- form"
    )]
    International(usize),
    /// It has a scheme, and is not `http://` or `https://` with a host and perhaps a port.
    #[error(
        "entry {0} of allowed_hosts is not an origin; write https://host, https://host:port, \
         http://host or http://host:port and nothing after it"
    )]
    Origin(usize),
    /// A `*` anywhere but in front of the rest, as `*.`, or before something that is not a name.
    #[error(
        "entry {0} of allowed_hosts may have a * only at its start and before a name, as in \
         *.example.com"
    )]
    Wildcard(usize),
    /// It has a slash, and is not an address with the length of a prefix.
    #[error(
        "entry {0} of allowed_hosts has a slash but is not an address block such as 10.0.0.0/8 or \
         fd00::/8"
    )]
    Block(usize),
    /// An address block with bits set behind its prefix, so that it is unclear which is meant.
    #[error(
        "entry {0} of allowed_hosts has bits set after its prefix; write the first address of the \
         block, or the address alone"
    )]
    HostBits(usize),
    /// None of the other forms, and not a host name either.
    #[error("entry {0} of allowed_hosts is not a host name; with a port, write https://host:port")]
    Name(usize),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    host: Pattern,
    /// `None`: both.
    scheme: Option<Scheme>,
    /// `None`: any.
    port: Option<u16>,
}

impl Entry {
    pub(crate) fn parse(number: usize, text: &str) -> Result<Self, EntryError> {
        let text = text.trim();
        if text.is_empty() {
            Err(EntryError::Empty(number))
        } else if !text.is_ascii() {
            Err(EntryError::International(number))
        } else if text.contains("://") {
            Self::origin(number, text)
        } else if let Some(suffix) = text.strip_prefix("*.") {
            Self::below(number, suffix)
        } else if let Some((first, prefix)) = text.split_once('/') {
            Self::block(number, first, prefix)
        } else {
            Self::host(number, text)
        }
    }

    fn origin(number: usize, text: &str) -> Result<Self, EntryError> {
        let wrong = EntryError::Origin(number);
        let Ok(url) = Url::parse(text) else {
            return Err(wrong);
        };
        let Ok(origin) = Destination::of(&url) else {
            return Err(wrong);
        };
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong);
        }
        let host = match origin.host {
            Target::Name(name) => Pattern::Name(plain_name(number, name)?),
            Target::Address(address) => Pattern::Block(Block::one(address)),
        };
        Ok(Self {
            host,
            scheme: Some(origin.scheme),
            port: origin.port,
        })
    }

    fn below(number: usize, suffix: &str) -> Result<Self, EntryError> {
        let Some(Host::Domain(name)) = read_host(suffix) else {
            return Err(EntryError::Wildcard(number));
        };
        let name = plain_name(number, without_trailing_dot(&name))?;
        Ok(Self::https(Pattern::Below(format!(".{name}"))))
    }

    fn block(number: usize, first: &str, prefix: &str) -> Result<Self, EntryError> {
        let wrong = EntryError::Block(number);
        let first: IpAddr = match read_host(first) {
            Some(Host::Ipv4(first)) => first.into(),
            Some(Host::Ipv6(first)) => first.into(),
            Some(Host::Domain(_)) | None => return Err(wrong),
        };
        let Some(block) = prefix
            .parse()
            .ok()
            .and_then(|prefix| Block::new(first, prefix))
        else {
            return Err(wrong);
        };
        if block.has_host_bits() {
            return Err(EntryError::HostBits(number));
        }
        Ok(Self::address(block))
    }

    fn host(number: usize, text: &str) -> Result<Self, EntryError> {
        match read_host(text) {
            Some(Host::Domain(name)) => {
                let name = plain_name(number, without_trailing_dot(&name))?;
                Ok(Self::https(Pattern::Name(name)))
            }
            Some(Host::Ipv4(address)) => Ok(Self::address(Block::one(address.into()))),
            Some(Host::Ipv6(address)) => Ok(Self::address(Block::one(address.into()))),
            None => Err(EntryError::Name(number)),
        }
    }

    fn https(host: Pattern) -> Self {
        Self {
            host,
            scheme: Some(Scheme::Https),
            port: None,
        }
    }

    fn address(block: Block) -> Self {
        Self {
            host: Pattern::Block(block),
            scheme: None,
            port: None,
        }
    }

    /// Whether this entry lets a URL of this kind through, as far as no address is concerned.
    pub(crate) fn permits(&self, destination: &Destination<'_>) -> bool {
        self.names(destination.host)
            && self
                .scheme
                .is_none_or(|scheme| scheme == destination.scheme)
            && (self.port.is_none() || self.port == destination.port)
    }

    pub(crate) fn names(&self, host: Target<'_>) -> bool {
        match (&self.host, host) {
            (Pattern::Name(name), Target::Name(host)) => name == host,
            (Pattern::Below(suffix), Target::Name(host)) => {
                host.len() > suffix.len() && host.ends_with(suffix)
            }
            (Pattern::Block(block), Target::Address(address)) => block.contains(address),
            _ => false,
        }
    }

    pub(crate) fn permits_http(&self) -> bool {
        self.scheme != Some(Scheme::Https)
    }

    /// Not `*.suffix`: who may add a name below the suffix could point it into the network.
    pub(crate) fn permits_private(&self) -> bool {
        !matches!(self.host, Pattern::Below(_))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Name(String),
    /// The suffix with the dot in front of it.
    Below(String),
    Block(Block),
}

/// An address block, or one address as the block that holds only it. A block of v4-mapped addresses
/// is the IPv4 block.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Block {
    first: IpAddr,
    /// How many of the low bits are free: at most 32 or 128.
    free: u32,
}

impl Block {
    fn one(address: IpAddr) -> Self {
        Self {
            first: address.to_canonical(),
            free: 0,
        }
    }

    /// None if the prefix is longer than an address.
    fn new(first: IpAddr, prefix: u32) -> Option<Self> {
        let width: u32 = if first.is_ipv4() { 32 } else { 128 };
        let free = width.checked_sub(prefix)?;
        // Wider than the mapped addresses is a block of IPv6.
        let first = if free <= 32 {
            first.to_canonical()
        } else {
            first
        };
        Some(Self { first, free })
    }

    fn has_host_bits(&self) -> bool {
        bits(self.first).trailing_zeros() < self.free
    }

    fn contains(&self, address: IpAddr) -> bool {
        let differing = bits(self.first) ^ bits(address);
        self.first.is_ipv4() == address.is_ipv4()
            && differing.checked_shr(self.free).unwrap_or(0) == 0
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// The host as a URL would have it, and an IPv6 address also without its brackets.
fn read_host(text: &str) -> Option<Host> {
    if text.contains(':') && !text.starts_with('[') {
        Host::parse(&format!("[{text}]")).ok()
    } else {
        Host::parse(text).ok()
    }
}

/// The `url` crate lets names through that nobody can have: with `*` in them, or with empty labels. The name
/// is that of a [`Target`], whose trailing dot is gone: a second one is an empty label.
fn plain_name(number: usize, name: &str) -> Result<String, EntryError> {
    if name.contains('*') {
        Err(EntryError::Wildcard(number))
    } else if name.split('.').any(str::is_empty) {
        Err(EntryError::Name(number))
    } else {
        Ok(name.to_owned())
    }
}
