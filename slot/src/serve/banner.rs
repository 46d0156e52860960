//! What an operator at a terminal is told at start: where everything is, and lines to try it with.
//!
//! It holds secrets and is for a terminal only, never for a log.

use std::fmt::Write;
use std::net::SocketAddr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use crate::gateway::{Site, origin, webhook_urls};

/// Where the sample receiver of the banner is reached.
pub(super) const RECEIVER: &str = "http://127.0.0.1:9000/";

/// What of a channel's name cannot stand in a query, or not between a shell's quotes.
const NOT_AS_IT_IS: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'_')
    .remove(b'.');

/// The banner of a gateway that listens at `listen`. `reaches_receiver`: whether the egress rule
/// lets it send to [`RECEIVER`].
pub(super) fn banner(listen: SocketAddr, site: &Site, reaches_receiver: bool) -> Zeroizing<String> {
    let [with_query, path_only] = webhook_urls(listen, site);
    let (with_query, path_only) = (with_query.as_str(), path_only.as_str());
    let origin = origin(listen);
    let channel = utf8_percent_encode(&site.channel, NOT_AS_IT_IS);
    // What follows `#` stays in the browser: it is in no request, and so in no log of a server or a proxy.
    // The page takes it out of the address bar before anything else.
    let admin_key = site.keys.admin_key.reveal();
    let console = Zeroizing::new(format!("{origin}/#key={admin_key}"));
    let console = console.as_str();
    let signal = format!("{origin}/api/engine/v2/signal?channel={channel}");
    let key = site.keys.event_key.reveal();
    let program = std::env::args().next();
    let program = program.as_deref().unwrap_or("placeos-slot");
    let allow = if reaches_receiver {
        ""
    } else {
        "; the gateway sends there only if it is started\nwith --allow 127.0.0.1"
    };
    let mut text = Zeroizing::new(String::with_capacity(4096));
    let _ = write!(
        text,
        r#"
The console, logged in:

  {console}

The webhook URL, in two forms that do the same. Whoever knows it can unlock doors:

  {with_query}
  {path_only}

Try it. In a second terminal, a receiver{allow}:

  {program} receive --secret 123456

In a third: subscribe it, list the doors, unlock one, send an event, unsubscribe.

  HOOK='{path_only}'
  curl -i -X POST "$HOOK" -d '{{"webhook": "{RECEIVER}", "secret": "123456"}}'
  curl -i "$HOOK"
  curl -i -X PUT "$HOOK" -d '{{"door_id": "lobby"}}'
  curl -i -X POST '{signal}' \
       -H 'X-API-Key: {key}' \
       -d '{{"door_id": "lobby", "action": "granted", "user_name": "Ann Example"}}'
  curl -i -X DELETE "$HOOK" -d '{{"webhook": "{RECEIVER}"}}'

"#
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gateway::{Hosts, Keys};

    #[test]
    fn the_first_url_is_the_console_and_its_key_follows_a_hash() {
        let folder = tempfile::tempdir().unwrap();
        let site = Site {
            module: "Rhombus".to_owned(),
            channel: "security/event/door".to_owned(),
            keys: Keys::of(folder.path()).unwrap(),
            hosts: Hosts::default(),
        };
        let banner = banner("127.0.0.1:8080".parse().unwrap(), &site, true);
        let mut urls = banner.lines().filter(|line| line.contains("http://"));
        let key = site.keys.admin_key.reveal();
        let console = format!("  http://127.0.0.1:8080/#key={key}");
        assert_eq!(urls.next(), Some(console.as_str()));
        assert_eq!(banner.matches(key).count(), 1);
    }
}
