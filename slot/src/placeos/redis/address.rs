//! Where PlaceOS's Redis is: `REDIS_URL`, as PlaceOS reads it.

use std::fmt;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo};
use url::Url;

/// Where a process of PlaceOS finds Redis.
pub const REDIS_URL: &str = "REDIS_URL";
/// With `1`, any certificate of a `rediss://` server is good enough, as it is for PlaceOS itself.
pub const INSECURE: &str = "RHOMBUS_REDIS_INSECURE";

const DEFAULT: &str = "redis://localhost:6379";
const PORT: u16 = 6379;

/// Where Redis is, and how to prove oneself there.
#[derive(Clone)]
pub struct Address(pub(super) ConnectionInfo);

/// Why an address cannot be used. The text has no part of it: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is no URL.
    #[error("{REDIS_URL} is not a URL; it must be like redis://host:6379 or rediss://host:6379")]
    Unreadable,
    /// It is of another kind.
    #[error("{REDIS_URL} must begin with redis:// or rediss://")]
    Scheme,
}

impl Address {
    /// What the environment says.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn of_environment() -> Result<Self, AddressError> {
        let url = std::env::var(REDIS_URL).unwrap_or_else(|_| DEFAULT.to_owned());
        let insecure = std::env::var(INSECURE).is_ok_and(|value| value == "1");
        Self::parse(&url, insecure)
    }

    /// Reads a URL. A password may stand alone before the `@`, as PlaceOS has it, or after a colon.
    /// A database's number is ignored, as PlaceOS does.
    ///
    /// # Errors
    ///
    /// If it is not one of Redis.
    pub fn parse(text: &str, insecure: bool) -> Result<Self, AddressError> {
        let text = if text.contains("://") {
            text.to_owned()
        } else {
            format!("redis://{text}")
        };
        let url = Url::parse(&text).map_err(|_| AddressError::Unreadable)?;
        let is_tls = match url.scheme() {
            "redis" => false,
            "rediss" => true,
            _ => return Err(AddressError::Scheme),
        };
        let host = url.host_str().unwrap_or_default();
        // An address of version 6 stands in brackets there, and without them here.
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let host = if host.is_empty() { "localhost" } else { host }.to_owned();
        let port = url.port().unwrap_or(PORT);
        let is_socket = url.host_str().is_none_or(str::is_empty)
            && url.port().is_none()
            && url.path().len() > 1;
        let address = if is_socket {
            ConnectionAddr::Unix(PathBuf::from(decoded(url.path())?))
        } else if is_tls {
            ConnectionAddr::TcpTls {
                host,
                port,
                insecure,
                tls_params: None,
            }
        } else {
            ConnectionAddr::Tcp(host, port)
        };
        let user = decoded(url.username())?;
        let password = url.password().map(decoded).transpose()?;
        let settings = RedisConnectionInfo::default();
        let settings = match password {
            None if user.is_empty() => settings,
            None => settings.set_password(user),
            Some(password) if user.is_empty() => settings.set_password(password),
            Some(password) => settings.set_username(user).set_password(password),
        };
        let info = address
            .into_connection_info()
            .map_err(|_| AddressError::Unreadable)?;
        Ok(Self(info.set_redis_settings(settings)))
    }
}

fn decoded(text: &str) -> Result<String, AddressError> {
    let text = percent_decode_str(text).decode_utf8();
    Ok(text.map_err(|_| AddressError::Unreadable)?.into_owned())
}

/// Host and port, and nothing that proves anything.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.addr())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Host and port, user, password.
    fn read(text: &str) -> (String, Option<String>, Option<String>) {
        let Address(info) = Address::parse(text, false).unwrap();
        let settings = info.redis_settings();
        (
            info.addr().to_string(),
            settings.username().map(str::to_owned),
            settings.password().map(str::to_owned),
        )
    }

    #[test]
    fn a_password_may_stand_on_either_side_of_the_colon() {
        let secret = Some("s3cr%t".to_owned());
        let at = "cache.example:7000".to_owned();
        assert_eq!(
            read("redis://s3cr%25t@cache.example:7000"),
            (at.clone(), None, secret.clone())
        );
        assert_eq!(
            read("redis://:s3cr%25t@cache.example:7000/3"),
            (at.clone(), None, secret.clone())
        );
        assert_eq!(
            read("redis://me:s3cr%25t@cache.example:7000"),
            (at, Some("me".to_owned()), secret)
        );
    }

    #[test]
    fn what_is_left_out_is_as_usual() {
        for text in ["redis://", "redis://localhost", "localhost", DEFAULT] {
            assert_eq!(
                read(text),
                ("localhost:6379".to_owned(), None, None),
                "{text}"
            );
        }
        assert_eq!(read("redis://[::1]:1").0, "::1:1");
    }

    #[test]
    fn a_path_alone_is_a_socket() {
        let Address(info) = Address::parse("redis:///run/redis.sock", false).unwrap();
        assert_eq!(info.addr(), &ConnectionAddr::Unix("/run/redis.sock".into()));
    }

    #[test]
    fn tls_is_verified_unless_told_otherwise() {
        for insecure in [false, true] {
            let Address(info) = Address::parse("rediss://cache.example", insecure).unwrap();
            let ConnectionAddr::TcpTls { insecure: told, .. } = info.addr() else {
                panic!("not TLS");
            };
            assert_eq!(*told, insecure);
        }
    }

    #[test]
    fn what_is_wrong_is_told_without_the_password() {
        let error = |text| Address::parse(text, false).unwrap_err();
        assert_eq!(error("http://hidden@host"), AddressError::Scheme);
        assert_eq!(error("redis://hidden@host:x"), AddressError::Unreadable);
        let address = Address::parse("redis://hidden@host", false).unwrap();
        assert!(!format!("{address:?}").contains("hidden"));
    }
}
