//! Why a URL, or an address for it, is refused.

use std::net::IpAddr;

use thiserror::Error;

use crate::AddressKind;

/// Why the rule refuses. The text is one sentence fragment for the caller; it may name the scheme,
/// the host, the port and the address, and never the path, the query or the user-info of the URL.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The scheme is neither https nor http.
    #[error("the scheme {0} is not allowed, only https")]
    Scheme(String),
    /// The URL holds a user name or a password.
    #[error("a user name or password in the URL is not allowed")]
    UserInfo,
    /// No entry names the host.
    #[error("the host {0} is not in allowed_hosts")]
    Host(String),
    /// Entries name the host, and none of them permits http.
    #[error("plain http is not allowed for this host")]
    PlainHttp,
    /// Entries name the host, but only with another scheme or port.
    #[error("the origin {0} is not in allowed_hosts")]
    Origin(String),
    /// The address is no global unicast address, and either no entry permits it for this URL, or
    /// it is of a kind that no entry can permit.
    #[error("{address} is {kind}")]
    Address {
        /// The address as it is written in the URL or came from DNS.
        address: IpAddr,
        /// What makes it unfit; of an embedded address, if that decides.
        kind: AddressKind,
    },
    /// The URL is written with one address and another was about to be dialled.
    #[error("the URL is for {written}, not for {dialled}")]
    OtherAddress {
        /// The address in the URL.
        written: IpAddr,
        /// The address of the connection.
        dialled: IpAddr,
    },
}
