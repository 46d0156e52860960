//! Whether subscribers can be reached: name servers, the egress rule, the network, TLS.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::{Request, header};
use http_body_util::Empty;
use hyper::client::conn::http1;
use rhombus_egress::Policy;
use serde_json::{Map, Value};
use tokio::time::timeout;
use tower::Service;
use url::{Host, Url};

use super::clock::Clock;
use super::finding::Finding;
use crate::connector::resolver::{Names, SystemResolver};
use crate::connector::tls::Roots;
use crate::connector::{ConnectFailure, Connector};

/// How long a subscriber has for all of it, as for a delivery.
const LIMIT: Duration = Duration::from_secs(10);

/// Whom receivers may be certified by.
pub(super) fn certificates(roots: &Roots) -> Finding {
    const WHAT: &str = "certificates";
    match roots.trusted().len() {
        0 => Finding::bad(
            WHAT,
            "no authority is trusted, so no https receiver can be; install the package \
             ca-certificates, or name a file with SSL_CERT_FILE or --ca-file",
        ),
        count => Finding::good(WHAT, format!("{count} authorities are trusted")),
    }
}

/// The origins of those that the settings list or that were saved.
pub(super) fn subscribers(settings: &Map<String, Value>) -> BTreeSet<Url> {
    let listed = settings.get("subscriptions");
    let saved = settings.get("saved_subscriptions");
    let lists = [listed, saved.and_then(|saved| saved.get("list"))];
    let all = lists.into_iter().flatten().filter_map(Value::as_array);
    all.flatten()
        .filter_map(|subscription| origin(subscription.get("webhook")?.as_str()?))
        .collect()
}

/// The hosts that POSTs may go to, where one is named: it is where subscribers will be.
pub(super) fn allowed(settings: &Map<String, Value>) -> BTreeSet<Url> {
    let entries = super::texts(settings, "allowed_hosts");
    let urls = entries.filter_map(|entry| {
        if entry.contains("://") {
            return origin(entry);
        }
        let url = origin(&format!("https://{entry}"))?;
        let is_name = matches!(url.host(), Some(Host::Domain(name)) if !name.contains('*'));
        (is_name && !entry.contains('/')).then_some(url)
    });
    urls.collect()
}

/// A URL without what may be secret in it.
pub(super) fn origin(url: &str) -> Option<Url> {
    Url::parse(&Url::parse(url).ok()?.origin().ascii_serialization()).ok()
}

/// The way to subscribers, as deliveries go.
pub(super) struct WayOut {
    policy: Arc<Policy>,
    connector: Connector,
}

/// What a receiver answered.
struct Answer {
    status: u16,
    time: Option<SystemTime>,
}

impl WayOut {
    pub(super) fn new(policy: Arc<Policy>, roots: &Roots) -> Self {
        let names = Names::new(Arc::new(SystemResolver::default()));
        let connector = Connector::new(Arc::clone(&policy), names, roots.client_config());
        Self { policy, connector }
    }

    /// Connects to `origin`, and asks for nothing in particular.
    pub(super) async fn look(&self, origin: &Url) -> (Finding, Option<Clock>) {
        let what = origin.origin().ascii_serialization();
        let begun = Instant::now();
        let reached = timeout(LIMIT, self.reach(origin)).await;
        let reached = reached.unwrap_or(Err(ConnectFailure::Timeout));
        let took = begun.elapsed().as_millis();
        match reached {
            Ok(Some(Answer { status, time })) => {
                let clock = time.map(|time| Clock::at(&what, time));
                let found = format!("reached within {took} ms, and it answers ({status})");
                (Finding::good(what, found), clock)
            }
            Ok(None) => {
                let found = format!("a connection within {took} ms, and no answer to HEAD /");
                (Finding::doubtful(what, found), None)
            }
            Err(failure) => {
                let found = format!("{failure}; {}", advice(&failure));
                (Finding::bad(what, found), None)
            }
        }
    }

    /// `None` if there is a connection and no answer.
    async fn reach(&self, origin: &Url) -> Result<Option<Answer>, ConnectFailure> {
        self.policy
            .check_url(origin)
            .map_err(|refusal| ConnectFailure::Blocked(refusal.to_string()))?;
        let unreadable = |_| ConnectFailure::Blocked("the URL cannot be read".to_owned());
        let uri: http::Uri = origin.as_str().parse().map_err(unreadable)?;
        let stream = self.connector.clone().call(uri).await?;
        Ok(timeout(LIMIT / 2, head(stream, origin))
            .await
            .ok()
            .flatten())
    }
}

async fn head(
    stream: impl hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    origin: &Url,
) -> Option<Answer> {
    let (mut requests, connection) = http1::handshake(stream).await.ok()?;
    let _connection = tokio::spawn(connection);
    let host = &origin[url::Position::BeforeHost..url::Position::AfterPort];
    let request = Request::head("/")
        .header(header::HOST, host)
        .body(Empty::<Bytes>::new());
    let answer = requests.send_request(request.ok()?).await.ok()?;
    let date = answer.headers().get(header::DATE);
    Some(Answer {
        status: answer.status().as_u16(),
        time: date
            .and_then(|date| date.to_str().ok())
            .and_then(|date| httpdate::parse_http_date(date).ok()),
    })
}

fn advice(failure: &ConnectFailure) -> &'static str {
    match failure {
        ConnectFailure::Dns(_) => {
            "mend the name, or /etc/resolv.conf, and let this machine ask its name servers"
        }
        ConnectFailure::Blocked(_) => "if it is meant, add it to the setting allowed_hosts",
        ConnectFailure::Refused(_) | ConnectFailure::Timeout => {
            "see that it runs, and that firewalls let this machine through"
        }
        ConnectFailure::Tls(_) => {
            "mend its certificate, or trust who issued it by --ca-file or SSL_CERT_FILE"
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(urls: BTreeSet<Url>) -> Vec<String> {
        urls.iter().map(Url::to_string).collect()
    }

    #[test]
    fn subscribers_are_told_by_their_origin_once_each() {
        let Value::Object(settings) = json!({
            "subscriptions": [{"webhook": "https://a.example/secret"}, {"webhook": 1}],
            "saved_subscriptions": {"rev": 3, "list": [
                {"webhook": "https://a.example/other"},
                {"webhook": "http://user:secret@10.0.0.1:8080/secret"},
            ]},
        }) else {
            unreachable!("an object")
        };
        let expected = ["http://10.0.0.1:8080/", "https://a.example/"];
        assert_eq!(shown(subscribers(&settings)), expected);
    }

    #[test]
    fn of_what_is_allowed_the_hosts_that_are_named_are_looked_at() {
        let entries = json!([
            "a.example",
            "*.b.example",
            "https://c.example:8443",
            "10.0.0.0/8",
            "10.1.1.1"
        ]);
        let settings = Map::from_iter([("allowed_hosts".to_owned(), entries)]);
        let expected = ["https://a.example/", "https://c.example:8443/"];
        assert_eq!(shown(allowed(&settings)), expected);
    }
}
