//! Nothing is connected to that the egress rule forbids.

use futures_util::future::{join, join_all};
use placeos_slot::connector::Allowed;
use placeos_slot::host::http::{Http, PostFailure};

use crate::world::{
    GENEROUS, OK, Script, Server, answer_all, client, client_with, failure_of, policy, post,
    status_of,
};

fn blocked(reason: &str) -> PostFailure {
    PostFailure::Blocked(reason.to_owned())
}

#[tokio::test]
async fn a_name_that_leads_into_the_network_is_blocked_before_anything_is_connected() {
    let server = Server::answering(OK);
    let inside = [
        ("127.0.0.1", "127.0.0.1 is a loopback address"),
        ("10.0.0.5", "10.0.0.5 is a private address"),
        ("169.254.169.254", "169.254.169.254 is a link-local address"),
        ("0.0.0.0", "0.0.0.0 is an unspecified address"),
        ("::1", "::1 is a loopback address"),
        ("::ffff:127.0.0.1", "::ffff:127.0.0.1 is a loopback address"),
        ("64:ff9b::7f00:1", "64:ff9b::7f00:1 is a loopback address"),
        ("fd00::5", "fd00::5 is a private address"),
    ];
    for (address, reason) in inside {
        let client = client(
            &["*.example.test"],
            Script::default().with("hook.example.test", &[address]),
        );
        let url = server.url("https", "hook.example.test");
        assert_eq!(failure_of(&client, post(&url)).await, blocked(reason));
        assert_eq!(client.check(url).await, Err(reason.to_owned()));
    }
    assert_eq!(server.accepted(), 0);
}

#[tokio::test]
async fn the_url_itself_is_checked_at_every_send() {
    let server = Server::answering(OK);
    let script = Script::default().with("hook.example.test", &["127.0.0.1"]);
    let client = client(&["hook.example.test"], script.clone());
    let refused = [
        (server.address_url(), "127.0.0.1 is a loopback address"),
        (
            "https://169.254.169.254".to_owned(),
            "169.254.169.254 is a link-local address",
        ),
        (
            server.url("http", "hook.example.test"),
            "plain http is not allowed for this host",
        ),
        (
            server.url("https", "other.example.test"),
            "the host other.example.test is not in allowed_hosts",
        ),
        (
            server.url("https", "user:secret@hook.example.test"),
            "a user name or password in the URL is not allowed",
        ),
        (
            "ftp://hook.example.test".to_owned(),
            "the scheme ftp is not allowed, only https",
        ),
    ];
    for (url, reason) in refused {
        assert_eq!(failure_of(&client, post(&url)).await, blocked(reason));
        assert_eq!(client.check(url).await, Err(reason.to_owned()));
    }
    assert_eq!(server.accepted(), 0);
    assert_eq!(
        script.asked(),
        0,
        "a name was looked up for a URL that is refused"
    );
}

#[tokio::test]
async fn an_entry_for_the_host_permits_its_private_address() {
    let server = Server::answering(OK);
    let url = server.url("http", "hook.example.test");
    let client = client(
        &[&url],
        Script::default().with("hook.example.test", &["127.0.0.1"]),
    );
    assert_eq!(client.check(url.clone()).await, Ok(()));
    assert_eq!(status_of(&client, post(&url)).await, 200);
}

#[tokio::test]
async fn an_address_that_was_good_at_the_check_is_checked_again_at_the_dial() {
    let server = Server::answering(OK);
    let script = Script::default()
        .with("hook.example.test", &["8.8.8.8"])
        .with("hook.example.test", &["127.0.0.1"]);
    let client = client(&["*.example.test"], script);
    let url = server.url("https", "hook.example.test");
    assert_eq!(client.check(url.clone()).await, Ok(()));
    assert_eq!(
        failure_of(&client, post(&url)).await,
        blocked("127.0.0.1 is a loopback address")
    );
    assert_eq!(server.accepted(), 0);
}

#[tokio::test]
async fn of_several_addresses_only_the_permitted_are_dialled() {
    // A connection to 0.0.0.0 would arrive at the first.
    let first = Server::answering(OK);
    let mut other = first.address;
    other.set_ip("127.0.0.2".parse().unwrap());
    let second = Server::on(other, |stream| answer_all(stream, OK));
    let url = first.url("http", "hook.example.test");
    let script = Script::default().with("hook.example.test", &["0.0.0.0", "127.0.0.2"]);
    let client = client(&[&url], script);
    assert_eq!(client.check(url.clone()).await, Ok(()));
    assert_eq!(status_of(&client, post(&url)).await, 200);
    assert_eq!((first.accepted(), second.accepted()), (0, 1));
}

#[tokio::test]
async fn where_one_address_does_not_answer_the_next_is_tried() {
    let server = Server::answering(OK);
    let url = server.url("http", "hook.example.test");
    let script = Script::default().with("hook.example.test", &["127.0.0.3", "127.0.0.1"]);
    assert_eq!(status_of(&client(&[&url], script), post(&url)).await, 200);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_a_way() {
    let elsewhere = Server::answering(OK);
    let location = format!("{}/stolen", elsewhere.address_url());
    let client = client(&["127.0.0.1"], Script::default());
    for status in [300, 301, 302, 303, 305, 307, 308] {
        let server = Server::answering(&format!(
            "HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\nRefresh: 0; url={location}\r\n\
             Alt-Svc: http=\"{}\"\r\nContent-Length: 0\r\n\r\n",
            elsewhere.address
        ));
        for _ in 0..2 {
            let mut redirected = post(&server.address_url());
            redirected.wanted = vec!["location".to_owned()];
            let answer = client.post(redirected).await.unwrap();
            assert_eq!(answer.status, status);
            assert_eq!(answer.headers, [("location".to_owned(), location.clone())]);
        }
    }
    assert_eq!(elsewhere.accepted(), 0);
}

#[tokio::test]
async fn a_connection_is_not_used_again_under_another_policy() {
    let server = Server::answering(OK);
    let url = server.url("http", "hook.example.test");
    let allowed = Allowed::new(policy(&[&url]));
    let script = Script::default().with("hook.example.test", &["127.0.0.1"]);
    let client = client_with(&allowed, script, None);
    assert_eq!(status_of(&client, post(&url)).await, 200);
    allowed.replace(policy(&[&url]));
    assert_eq!(status_of(&client, post(&url)).await, 200);
    assert_eq!(
        server.accepted(),
        1,
        "an equal policy keeps the connections"
    );

    allowed.replace(policy(&[&url, "more.example.test"]));
    assert_eq!(status_of(&client, post(&url)).await, 200);
    assert_eq!(
        server.accepted(),
        2,
        "another policy must dial, and so ask, anew"
    );

    allowed.replace(policy(&["more.example.test"]));
    let failure = failure_of(&client, post(&url)).await;
    assert_eq!(
        failure,
        blocked("the host hook.example.test is not in allowed_hosts")
    );
}

#[tokio::test]
async fn a_name_that_cannot_be_resolved_now_passes_the_check_and_fails_the_post() {
    let script = Script::default()
        .failing("hook.example.test", "there is no such name")
        .with("empty.example.test", &[]);
    let client = client(&["*.example.test"], script);
    let cases = [
        ("https://hook.example.test", "there is no such name"),
        ("https://empty.example.test", "it has no address"),
        (
            "https://silent.example.test",
            "no answer from a name server in time",
        ),
    ];
    for (url, reason) in cases {
        let (check, failure) =
            join(client.check(url.to_owned()), failure_of(&client, post(url))).await;
        assert_eq!(check, Ok(()));
        assert_eq!(failure, PostFailure::Dns(reason.to_owned()));
    }
}

#[tokio::test]
async fn a_burst_asks_the_name_server_once() {
    let server = Server::answering(OK);
    let url = server.url("http", "hook.example.test");
    let script = Script::default().with("hook.example.test", &["127.0.0.1"]);
    let client = client(&[&url], script.clone());
    // Few enough for all to be under way before this one thread looks for an answer.
    let burst = join_all((0..20).map(|_| status_of(&client, post(&url))));
    assert_eq!(burst.await, [200; 20]);
    assert_eq!(script.asked(), 1);
}

/// The test starts itself again, with proxies in the environment.
#[tokio::test]
async fn proxies_of_the_environment_are_not_used() {
    const INNER: &str = "EGRESS_INNER";
    let server = Server::answering(OK);
    let url = server.url("http", "hook.example.test");
    if std::env::var_os(INNER).is_some() {
        let script = Script::default().with("hook.example.test", &["127.0.0.1"]);
        assert_eq!(status_of(&client(&[&url], script), post(&url)).await, 200);
        assert_eq!(server.accepted(), 1);
        return;
    }
    let proxy = Server::answering("HTTP/1.1 502 Proxied\r\nContent-Length: 0\r\n\r\n");
    let mut inner = std::process::Command::new(std::env::current_exe().unwrap());
    inner
        .args(["--exact", "rule::proxies_of_the_environment_are_not_used"])
        .env(INNER, "yes");
    for name in [
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
    ] {
        inner.env(name, proxy.address_url());
    }
    let ended = tokio::task::spawn_blocking(move || inner.output().unwrap());
    let ended = tokio::time::timeout(GENEROUS, ended)
        .await
        .unwrap()
        .unwrap();
    assert!(
        ended.status.success(),
        "{}",
        String::from_utf8_lossy(&ended.stdout)
    );
    assert!(String::from_utf8_lossy(&ended.stdout).contains("1 passed"));
    assert_eq!(proxy.accepted(), 0);
}
