//! The rule itself.

use std::net::IpAddr;

use url::Url;

use crate::destination::{Destination, Scheme, Target};
use crate::entry::Entry;
use crate::{AddressKind, EntryError, Refusal};

/// The hosts that Rhombus' webhooks are at: what `allowed_hosts` is when nobody sets it.
///
/// The first is below the second too; being a host entry, it also permits a site to resolve that
/// one name to an address of its own, such as a relay or a NAT64 translator.
pub const DEFAULT_ALLOWED_HOSTS: [&str; 2] =
    ["webhooks.rhombussystems.com", "*.rhombussystems.com"];

/// The rule, with the entries of one `allowed_hosts`. The default one has [`DEFAULT_ALLOWED_HOSTS`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    entries: Vec<Entry>,
}

impl Policy {
    /// Reads the entries of `allowed_hosts`. They replace the default; with no entry, nothing is
    /// allowed. What an entry may be, and what it permits:
    ///
    /// | entry | which URLs | http | addresses that are not global |
    /// | --- | --- | --- | --- |
    /// | `host.example` | this host, any port | no | yes |
    /// | `*.host.example` | hosts below it at any depth, not itself; any port | no | no |
    /// | `10.0.0.5`, `fd00::5`, `[fd00::5]` | written with this address, any port | yes | yes |
    /// | `10.0.0.0/8`, `fd00::/8` | written with an address of the block, any port | yes | yes |
    /// | `https://host.example:8443` | exactly this origin | no | yes |
    /// | `http://host.example:8080` | exactly this origin, so http and not https | only | yes |
    ///
    /// An origin without a port has the scheme's own, 443 or 80, as everywhere on the web
    /// (RFC 6454 §4); its host may be an address too.
    ///
    /// Names and addresses are read as in a URL: without regard to case, one trailing dot ignored, `0x7f.1` being 127.0.0.1, and a v4-mapped IPv6 address being the IPv4
    /// address. No entry permits an unspecified, multicast or broadcast address.
    ///
    /// # Errors
    ///
    /// The first entry that cannot be read, by its number.
    pub fn parse<I, S>(entries: I) -> Result<Policy, EntryError>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<str>,
    {
        let entries = (1..)
            .zip(entries)
            .map(|(number, text)| Entry::parse(number, text.as_ref()))
            .collect::<Result<_, _>>()?;
        Ok(Policy { entries })
    }

    /// The URL part: all that can be said without DNS. For a URL written with an address this
    /// includes the address.
    ///
    /// # Errors
    ///
    /// Why nothing may be sent to this URL.
    pub fn check_url(&self, url: &Url) -> Result<(), Refusal> {
        self.permitted(url).map(|_| ())
    }

    /// The address part: may a connection for this URL go to this address? Holds only for a URL
    /// that [`Policy::check_url`] accepts, so it asks that too.
    ///
    /// # Errors
    ///
    /// Why nothing may be sent to this URL at this address.
    pub fn check_address(&self, url: &Url, address: IpAddr) -> Result<(), Refusal> {
        let destination = self.permitted(url)?;
        if let Target::Address(written) = destination.host
            && written != address.to_canonical()
        {
            return Err(Refusal::OtherAddress {
                written,
                dialled: address,
            });
        }
        let kind = AddressKind::of(address);
        let permitted = kind == AddressKind::Global
            || kind.is_unicast() && self.permitting(&destination).any(Entry::permits_private);
        if permitted {
            Ok(())
        } else {
            Err(Refusal::Address { address, kind })
        }
    }

    fn permitted<'a>(&self, url: &'a Url) -> Result<Destination<'a>, Refusal> {
        let destination = Destination::of(url)?;
        if let Target::Address(address) = destination.host {
            let kind = AddressKind::of(address);
            if !kind.is_unicast() {
                return Err(Refusal::Address { address, kind });
            }
        }
        if self.permitting(&destination).next().is_some() {
            Ok(destination)
        } else {
            Err(self.why_none_permits(&destination))
        }
    }

    fn permitting(&self, destination: &Destination<'_>) -> impl Iterator<Item = &Entry> {
        self.entries
            .iter()
            .filter(|entry| entry.permits(destination))
    }

    /// The reason nearest to what the caller would have to change.
    fn why_none_permits(&self, destination: &Destination<'_>) -> Refusal {
        let named = || {
            self.entries
                .iter()
                .filter(|entry| entry.names(destination.host))
        };
        if named().next().is_some() {
            return if destination.scheme == Scheme::Http && !named().any(Entry::permits_http) {
                Refusal::PlainHttp
            } else {
                Refusal::Origin(destination.origin_text())
            };
        }
        if let Target::Address(address) = destination.host {
            let kind = AddressKind::of(address);
            if kind != AddressKind::Global {
                return Refusal::Address { address, kind };
            }
        }
        Refusal::Host(destination.host_text())
    }
}

impl Default for Policy {
    #[expect(
        clippy::expect_used,
        reason = "the entries are constants, and a test parses them"
    )]
    fn default() -> Self {
        Self::parse(DEFAULT_ALLOWED_HOSTS).expect("the default entries can be read")
    }
}
