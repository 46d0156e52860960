//! Whatever a name server answers, nothing is connected to that the egress rule forbids. The messages
//! are real ones, to the resolver that the program has.

use std::fs;
use std::net::IpAddr;

use futures_util::future::join_all;
use hickory_resolver::proto::op::ResponseCode;
use placeos_slot::connector::resolver::Resolve;
use placeos_slot::host::http::{Http, PostFailure};

use crate::name_server::{NameServer, Question};
use crate::world::{OK, Server, answer_all, failure_of, post, status_of};

const HOST: &str = "hook.example.test";
const URL: &str = "https://hook.example.test";
/// It permits no private address.
const SUFFIX: &[&str] = &["*.example.test"];

fn blocked(reason: &str) -> PostFailure {
    PostFailure::Blocked(reason.to_owned())
}

fn dns(reason: &str) -> PostFailure {
    PostFailure::Dns(reason.to_owned())
}

#[tokio::test]
async fn of_answers_that_mix_good_and_bad_the_good_are_dialled() {
    // A connection to 0.0.0.0 or to :: would arrive at the first.
    let first = Server::answering(OK);
    let mut other = first.address;
    other.set_ip("127.0.0.2".parse().unwrap());
    let second = Server::on(other, |stream| answer_all(stream, OK));
    let url = first.url("http", HOST);
    let mixed = [
        "0.0.0.0",
        "224.0.0.1",
        "127.0.0.2",
        "255.255.255.255",
        "::",
        "ff02::1",
    ];
    let names = NameServer::start(move |question| question.addresses(&mixed));
    let client = names.client(&[&url], "");
    assert_eq!(client.check(url.clone()).await, Ok(()));
    assert_eq!(status_of(&client, post(&url)).await, 200);
    assert_eq!((first.accepted(), second.accepted()), (0, 1));
}

#[tokio::test]
async fn where_none_is_good_nothing_is_dialled() {
    let server = Server::answering(OK);
    let url = server.url("https", HOST);
    for (addresses, reason) in [
        (&["10.0.0.5"][..], "10.0.0.5 is a private address"),
        (&["127.0.0.1", "::1"], "127.0.0.1 is a loopback address"),
        (
            &["169.254.169.254"],
            "169.254.169.254 is a link-local address",
        ),
        (
            &["::ffff:127.0.0.1"],
            "::ffff:127.0.0.1 is a loopback address",
        ),
        (
            &["64:ff9b::7f00:1"],
            "64:ff9b::7f00:1 is a loopback address",
        ),
        (
            &["64:ff9b:1::7f00:1"],
            "64:ff9b:1::7f00:1 is a private address",
        ),
        (&["2002:7f00:1::"], "2002:7f00:1:: is a loopback address"),
        (&["fd00:ec2::254"], "fd00:ec2::254 is a private address"),
        (&["fe80::1"], "fe80::1 is a link-local address"),
    ] {
        let names = NameServer::start(move |question| question.addresses(addresses));
        let client = names.client(SUFFIX, "");
        assert_eq!(failure_of(&client, post(&url)).await, blocked(reason));
        assert_eq!(client.check(url.clone()).await, Err(reason.to_owned()));
    }
    assert_eq!(server.accepted(), 0);
}

#[tokio::test]
async fn an_answer_that_changes_after_the_check_is_checked_again() {
    let server = Server::answering(OK);
    let url = server.url("https", HOST);
    let names = NameServer::start(|question| match question.before {
        0 => question.addresses(&["8.8.8.8"]),
        _ => question.addresses(&["127.0.0.1"]),
    });
    let client = names.client(SUFFIX, "");
    assert_eq!(client.check(url.clone()).await, Ok(()));
    let reason = "127.0.0.1 is a loopback address";
    assert_eq!(failure_of(&client, post(&url)).await, blocked(reason));
    assert_eq!(client.check(url).await, Err(reason.to_owned()));
    assert_eq!(server.accepted(), 0);
}

#[tokio::test]
async fn a_chain_of_names_is_judged_by_where_it_ends() {
    const ENDS: [&str; 1] = ["10.0.0.5"];
    let whole = |question: &Question| question.chain(&["a.cdn.test", "vault.corp.test"], &ENDS);
    let in_pieces = |question: &Question| match question.name.as_str() {
        HOST => question.chain(&["a.cdn.test"], &[]),
        "a.cdn.test" => question.chain(&["vault.corp.test"], &[]),
        _ => question.addresses(&ENDS),
    };
    let servers = [NameServer::start(whole), NameServer::start(in_pieces)];
    for names in servers {
        let client = names.client(SUFFIX, "");
        let reason = "10.0.0.5 is a private address";
        assert_eq!(failure_of(&client, post(URL)).await, blocked(reason));
    }
    // One that ends nowhere.
    let names = NameServer::start(|question| match question.name.as_str() {
        HOST => question.chain(&["a.cdn.test"], &[]),
        _ => question.chain(&[HOST], &[]),
    });
    let failure = failure_of(&names.client(SUFFIX, ""), post(URL)).await;
    assert!(matches!(failure, PostFailure::Dns(_)), "{failure:?}");
}

#[tokio::test]
async fn a_long_answer_comes_by_tcp_and_is_judged_to_its_end() {
    let server = Server::answering(OK);
    let url = server.url("http", HOST);
    let many = |last: &'static str| {
        NameServer::start(move |question| {
            if !question.by_tcp {
                return question.truncated();
            }
            let mut addresses: Vec<_> =
                (0..200).map(|number| format!("224.0.0.{number}")).collect();
            addresses.push(last.to_owned());
            let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
            question.addresses(&addresses)
        })
    };
    let client = many("127.0.0.1").client(&[&url], "");
    assert_eq!(status_of(&client, post(&url)).await, 200);
    assert_eq!(server.accepted(), 1);
    let client = many("224.0.0.255").client(&[&url], "");
    let reason = "224.0.0.0 is a multicast address";
    assert_eq!(failure_of(&client, post(&url)).await, blocked(reason));

    // One that is too long by TCP too.
    let names = NameServer::start(Question::truncated);
    let failure = failure_of(&names.client(SUFFIX, ""), post(URL)).await;
    assert!(matches!(failure, PostFailure::Dns(_)), "{failure:?}");
}

#[tokio::test]
async fn answers_to_other_questions_are_none() {
    let server = Server::answering(OK);
    let url = server.url("http", HOST);
    let names = NameServer::start(|question| {
        let forged = question.forged(&["127.0.0.7"]);
        let right = question.addresses(&["127.0.0.1"]);
        forged.into_iter().chain(right).collect()
    });
    let found = names.resolver("").resolve(HOST.to_owned()).await;
    assert_eq!(found, Ok(vec!["127.0.0.1".parse::<IpAddr>().unwrap()]));
    let client = names.client(&[&url], "");
    assert_eq!(status_of(&client, post(&url)).await, 200);
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn a_name_server_that_has_no_answer_is_told_and_passes_the_check() {
    let cases: [(fn(&Question) -> _, _); 6] = [
        (
            |question| question.fails(ResponseCode::NXDomain),
            "there is no such name",
        ),
        (|question| question.addresses(&[]), "it has no address"),
        (
            |question| question.fails(ResponseCode::ServFail),
            "the name server failed (Server Failure)",
        ),
        (
            |question| question.fails(ResponseCode::Refused),
            "the name server failed (Query Refused)",
        ),
        (
            |question| question.forged(&["127.0.0.1"]),
            "no answer from a name server in time",
        ),
        (|_| Vec::new(), "no answer from a name server in time"),
    ];
    // All at once: the silent ones take seconds.
    let cases = cases.map(async |(answers, reason)| {
        let names = NameServer::start(answers);
        let client = names.client(SUFFIX, "");
        assert_eq!(failure_of(&client, post(URL)).await, dns(reason));
        assert_eq!(client.check(URL.to_owned()).await, Ok(()));
    });
    join_all(cases).await;
}

#[tokio::test]
async fn a_question_that_got_lost_is_asked_again() {
    let server = Server::answering(OK);
    let url = server.url("http", HOST);
    let names = NameServer::start(|question| match question.before {
        0 => Vec::new(),
        _ => question.addresses(&["127.0.0.1"]),
    });
    let client = names.client(&[&url], "");
    assert_eq!(status_of(&client, post(&url)).await, 200);
}

#[tokio::test]
async fn a_host_is_a_complete_name() {
    let server = Server::answering(OK);
    let names = NameServer::start(|question| match question.name.as_str() {
        "dot.example.test" => question.addresses(&["127.0.0.1"]),
        name if name.ends_with(".corp.test") => question.addresses(&["127.0.0.1"]),
        _ => question.fails(ResponseCode::NXDomain),
    });
    let lines = "search corp.test\noptions ndots:5";
    let urls = ["dot.example.test", "dot.example.test.", HOST, "intranet"]
        .map(|host| server.url("http", host));
    let entries = urls.each_ref().map(String::as_str);
    let client = names.client(&entries, lines);
    for url in &urls[..2] {
        assert_eq!(status_of(&client, post(url)).await, 200);
    }
    for url in &urls[2..] {
        assert_eq!(
            failure_of(&client, post(url)).await,
            dns("there is no such name")
        );
    }
    assert_eq!(names.asked(), ["dot.example.test", HOST, "intranet"]);
}

#[tokio::test]
async fn the_hosts_file_comes_before_the_name_server_and_is_judged_alike() {
    let elsewhere: IpAddr = "8.8.8.8".parse().unwrap();
    let names = NameServer::start(|question| question.addresses(&["8.8.8.8"]));
    let resolver = names.resolver("");
    let hosts = fs::read_to_string("/etc/hosts").unwrap_or_default();
    let listed = hosts.lines().filter_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let address: IpAddr = words.next()?.parse().ok()?;
        Some((words.next()?.to_owned(), Some(address)))
    });
    for (name, address) in listed.chain([("localhost".to_owned(), None)]) {
        let found = resolver.resolve(name.clone()).await.unwrap();
        let is_it = |one: &IpAddr| address.map_or(one.is_loopback(), |address| *one == address);
        assert!(found.iter().any(is_it), "{name}: {found:?}");
        assert!(!found.contains(&elsewhere), "{name}: {found:?}");
    }
    let failure = failure_of(
        &names.client(&["*.localhost"], ""),
        post("https://a.localhost"),
    )
    .await;
    assert_eq!(failure, blocked("127.0.0.1 is a loopback address"));
}
