//! The rule against its tables: `rule.txt` (what may be sent where), `entries.txt` (which entries
//! can be read) and `addresses.txt` (what kind an address is).

use std::io::{Write, stdout};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rhombus_egress::{AddressKind, DEFAULT_ALLOWED_HOSTS, EntryError, Policy, Refusal};
use url::Url;

#[test]
fn every_row_of_the_rule_holds() {
    let rows = rules();
    assert!(rows.len() >= 100, "the table has only {} rows", rows.len());
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|rule| {
            let found = rule.outcome();
            (found != rule.expected).then(|| {
                format!(
                    "line {}: {} with {}, dialled {:?}: {found}",
                    rule.line, rule.url, rule.allowed, rule.dialled
                )
            })
        })
        .collect();
    assert!(wrong.is_empty(), "rule.txt:\n{}", wrong.join("\n"));
}

/// An RFC, a section of the URL standard, or another reason.
#[test]
fn every_row_says_where_it_comes_from() {
    let rules = table::<5>(include_str!("rule.txt"));
    let rules = rules.map(|(line, [.., why])| ("rule.txt", line, why));
    let addresses = table::<3>(include_str!("addresses.txt"));
    let addresses = addresses.map(|(line, [.., source])| ("addresses.txt", line, source));
    let mut rows = table::<2>(include_str!("entries.txt")).count();
    for (file, line, source) in rules.chain(addresses) {
        assert!(!source.is_empty(), "{file}, line {line} has no source");
        rows += 1;
    }
    // Not by `println`, which is shown of tests that fail only. The harness may be in a line of its own.
    let line = format!("\negress rows: {rows}\n");
    stdout().write_all(line.as_bytes()).unwrap();
}

#[test]
fn a_refused_url_is_refused_at_every_address() {
    let addresses = ["93.184.216.34", "10.0.0.5", "127.0.0.1", "2606:4700::1111"];
    let mut refused = 0;
    for rule in rules() {
        let Err(refusal) = rule.policy.check_url(&rule.url) else {
            continue;
        };
        refused += 1;
        for address in addresses {
            let found = rule.policy.check_address(&rule.url, ip(address));
            assert_eq!(found, Err(refusal.clone()), "line {}", rule.line);
        }
    }
    assert!(refused > 0);
}

#[test]
fn neither_path_nor_query_nor_fragment_changes_or_enters_a_refusal() {
    let mut refused = 0;
    for rule in rules().into_iter().filter(|rule| rule.expected != "ok") {
        let mut other = rule.url.clone();
        other.set_path("/t0ken");
        other.set_query(Some("t0ken"));
        other.set_fragment(Some("t0ken"));
        let found = Rule { url: other, ..rule }.outcome();
        assert!(!found.contains("t0ken"), "line {}: {found}", rule.line);
        assert_eq!(found, rule.expected, "line {}", rule.line);
        refused += 1;
    }
    assert!(refused > 0);
}

#[test]
fn user_info_never_enters_a_refusal() {
    for url in [
        "https://t0ken:t0ken@webhooks.rhombussystems.com/",
        "https://t0ken@example.com/",
        "http://t0ken:t0ken@127.0.0.1/",
        "ftp://t0ken:t0ken@example.com/",
        "other://t0ken:t0ken@example.com/",
    ] {
        let refusal = Policy::default()
            .check_url(&url.parse().unwrap())
            .unwrap_err();
        assert!(!format!("{refusal} {refusal:?}").contains("t0ken"), "{url}");
    }
}

#[test]
fn every_entry_is_read_or_refused_as_listed() {
    for (line, [entry, expected]) in table::<2>(include_str!("entries.txt")) {
        let found = match Policy::parse([entry]) {
            Ok(_) => "ok",
            Err(EntryError::Empty(_)) => "Empty",
            Err(EntryError::International(_)) => "International",
            Err(EntryError::Origin(_)) => "Origin",
            Err(EntryError::Wildcard(_)) => "Wildcard",
            Err(EntryError::Block(_)) => "Block",
            Err(EntryError::HostBits(_)) => "HostBits",
            Err(EntryError::Name(_)) => "Name",
        };
        assert_eq!(found, expected, "entries.txt, line {line}: {entry}");
    }
}

#[test]
fn an_entry_that_cannot_be_read_is_told_by_its_number_and_never_quoted() {
    let pasted = "https://webhooks.rhombussystems.com/t0ken";
    let error = Policy::parse(["hooks.example", pasted, "*"]).unwrap_err();
    assert_eq!(error, EntryError::Origin(2));
    assert_eq!(
        error.to_string(),
        "entry 2 of allowed_hosts is not an origin; write https://host, https://host:port, \
         http://host or http://host:port and nothing after it"
    );
    for entry in [
        "t0ken@x",
        "x/t0ken",
        "*.x/t0ken",
        "10.0.0.5/t0ken",
        "t0ken:1",
        "t0ken*",
    ] {
        let error = Policy::parse([entry]).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("t0ken"), "{entry}");
    }
}

#[test]
fn an_international_name_is_written_in_ascii() {
    for text in [
        "https://bücher.example/",
        "https://hооks.example/",
        "https://ｈｏｏｋｓ.example/",
        "https://hooks。example/",
        "https://１２７.0.0.1/",
        "https://b%C3%BCcher.example/",
    ] {
        assert_eq!(Url::parse(text), Err(url::ParseError::IdnaError), "{text}");
    }
    assert_eq!(
        Policy::parse(["bücher.example"]).unwrap_err().to_string(),
        "entry 1 of allowed_hosts is not ASCII; write an international name in its xn-- form"
    );
}

#[test]
fn blanks_around_an_entry_do_not_count_and_alone_are_no_entry() {
    assert_eq!(
        Policy::parse([" hooks.example\t"]),
        Policy::parse(["hooks.example"])
    );
    for nothing in ["", " \n"] {
        assert_eq!(Policy::parse([nothing]), Err(EntryError::Empty(1)));
    }
}

#[test]
fn the_default_is_its_published_entries() {
    assert_eq!(Policy::parse(DEFAULT_ALLOWED_HOSTS), Ok(Policy::default()));
}

#[test]
fn every_address_is_of_the_listed_kind() {
    for (line, address, kind) in addresses() {
        assert_eq!(
            AddressKind::of(address),
            kind,
            "addresses.txt, line {line}: {address}"
        );
    }
}

/// An IPv4 address is judged the same in whatever IPv6 address carries it.
#[test]
fn an_embedded_address_decides() {
    const PUBLIC: u128 = 0x0808_0808;
    let mut judged = 0;
    for (line, address, kind) in addresses() {
        let IpAddr::V4(v4) = address else { continue };
        let v4 = u128::from(v4.to_bits());
        let inverted = !v4 & 0xffff_ffff;
        for (form, carrier) in [
            ("v4-mapped", 0xffff << 32 | v4),
            ("NAT64", 0x0064_ff9b << 96 | v4),
            ("6to4", 0x2002 << 112 | v4 << 80 | 1),
            ("Teredo client", 0x2001_0000 << 96 | PUBLIC << 64 | inverted),
            (
                "Teredo server",
                0x2001_0000 << 96 | v4 << 64 | (!PUBLIC & 0xffff_ffff),
            ),
            ("ISATAP", 0x2606_4700 << 96 | 0x5efe << 32 | v4),
            (
                "ISATAP, universal",
                0x2606_4700 << 96 | 0x0200_5efe << 32 | v4,
            ),
        ] {
            let carrier = Ipv6Addr::from_bits(carrier);
            let found = AddressKind::of(carrier.into());
            assert_eq!(found, kind, "line {line}: {address} as {form}, {carrier}");
        }
        // These two forms lead nowhere, whatever they carry; ::1 has a meaning of its own.
        for carrier in [v4, 0xffff_0000 << 32 | v4] {
            let carrier = Ipv6Addr::from_bits(carrier);
            let found = AddressKind::of(carrier.into());
            assert_eq!(
                found,
                kind.max(AddressKind::Reserved),
                "line {line}: {carrier}"
            );
        }
        judged += 1;
    }
    assert!(judged > 0);
}

#[test]
fn a_worse_prefix_decides_over_what_is_embedded_behind_it() {
    for (address, kind) in [
        ("fe80::5efe:8.8.8.8", AddressKind::LinkLocal),
        ("fd00::5efe:8.8.8.8", AddressKind::Private),
        ("fd00::5efe:127.0.0.1", AddressKind::Loopback),
        ("2002:808:808::5efe:10.0.0.1", AddressKind::Private),
        ("ff02::5efe:8.8.8.8", AddressKind::Multicast),
    ] {
        assert_eq!(AddressKind::of(ip(address)), kind, "{address}");
    }
}

#[test]
fn a_refusal_says_what_it_is_about() {
    let policy = policy(["*.hooks.example"]);
    let url = "https://a.hooks.example/".parse().unwrap();
    assert_eq!(
        policy.check_address(&url, Ipv4Addr::new(10, 0, 0, 1).into()),
        Err(Refusal::Address {
            address: ip("10.0.0.1"),
            kind: AddressKind::Private
        })
    );
}

/// One row of `rule.txt`.
struct Rule {
    line: usize,
    url: Url,
    allowed: &'static str,
    policy: Policy,
    dialled: Option<IpAddr>,
    expected: &'static str,
}

impl Rule {
    fn outcome(&self) -> String {
        let outcome = match self.dialled {
            None => self.policy.check_url(&self.url),
            Some(address) => self.policy.check_address(&self.url, address),
        };
        match outcome {
            Ok(()) => "ok".to_owned(),
            Err(refusal) => refusal.to_string(),
        }
    }
}

fn rules() -> Vec<Rule> {
    table(include_str!("rule.txt"))
        .map(|(line, [url, allowed, dialled, expected, _why])| Rule {
            line,
            url: url
                .parse()
                .unwrap_or_else(|error| panic!("rule.txt, line {line}: {error}")),
            allowed,
            policy: match allowed {
                "default" => Policy::default(),
                "none" => policy([]),
                entries => policy(entries.split_whitespace()),
            },
            dialled: (dialled != "-").then(|| ip(dialled)),
            expected,
        })
        .collect()
}

fn addresses() -> impl Iterator<Item = (usize, IpAddr, AddressKind)> {
    table(include_str!("addresses.txt")).map(|(line, [address, kind, _source])| {
        let kind = match kind {
            "global" => AddressKind::Global,
            "reserved" => AddressKind::Reserved,
            "documentation" => AddressKind::Documentation,
            "benchmarking" => AddressKind::Benchmarking,
            "carrier-grade NAT" => AddressKind::Shared,
            "private" => AddressKind::Private,
            "link-local" => AddressKind::LinkLocal,
            "loopback" => AddressKind::Loopback,
            "unspecified" => AddressKind::Unspecified,
            "multicast" => AddressKind::Multicast,
            "broadcast" => AddressKind::Broadcast,
            other => panic!("addresses.txt, line {line}: no kind {other}"),
        };
        (line, ip(address), kind)
    })
}

/// The rows of a table, each with the number of its line.
fn table<const COLUMNS: usize>(
    text: &'static str,
) -> impl Iterator<Item = (usize, [&'static str; COLUMNS])> {
    (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(number, line)| {
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            let cells = cells
                .try_into()
                .unwrap_or_else(|_| panic!("line {number} has not {COLUMNS} columns: {line}"));
            (number, cells)
        })
}

fn policy<'a>(entries: impl IntoIterator<Item = &'a str>) -> Policy {
    Policy::parse(entries).unwrap_or_else(|error| panic!("{error}"))
}

fn ip(text: &str) -> IpAddr {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}
