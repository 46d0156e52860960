//! A name server of the tests' own: real messages, by UDP and TCP, and answers by script.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;

use hickory_resolver::proto::op::{Message, OpCode, Query, ResponseCode};
use hickory_resolver::proto::rr::rdata::CNAME;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::system_conf::parse_resolv_conf;
use placeos_slot::connector::Allowed;
use placeos_slot::connector::resolver::SystemResolver;
use placeos_slot::connector::tls::Roots;
use placeos_slot::host::http::Client;

use crate::world::policy;

/// A server; it keeps what it was asked.
pub(crate) struct NameServer {
    address: SocketAddr,
    asked: Arc<Mutex<HashMap<String, usize>>>,
}

/// A question.
pub(crate) struct Question {
    /// The name, without the dot at its end.
    pub(crate) name: String,
    /// It came by TCP.
    pub(crate) by_tcp: bool,
    /// How often it was asked before.
    pub(crate) before: usize,
    message: Message,
}

impl Question {
    /// Addresses for the name, as far as they are of the kind that was asked for. They may be kept for no
    /// time at all.
    pub(crate) fn addresses(&self, addresses: &[&str]) -> Vec<Message> {
        self.addresses_of(&self.name, addresses)
    }

    /// The same for another name.
    pub(crate) fn addresses_of(&self, name: &str, addresses: &[&str]) -> Vec<Message> {
        let addresses = addresses.iter().map(|address| address.parse().unwrap());
        let wanted = addresses.filter_map(|address| match (address, self.kind()) {
            (IpAddr::V4(v4), RecordType::A) => Some(RData::A(v4.into())),
            (IpAddr::V6(v6), RecordType::AAAA) => Some(RData::AAAA(v6.into())),
            _ => None,
        });
        let mut answer = self.answer();
        answer.add_answers(wanted.map(|data| Record::from_rdata(fqdn(name), 0, data)));
        vec![answer]
    }

    /// Each of these names is the next one, and the last one has these addresses.
    pub(crate) fn chain(&self, names: &[&str], addresses: &[&str]) -> Vec<Message> {
        let mut answer = self.answer();
        let all = [&[self.name.as_str()], names].concat();
        answer.add_answers(all.windows(2).map(|pair| {
            let next = RData::CNAME(CNAME(fqdn(pair[1])));
            Record::from_rdata(fqdn(pair[0]), 0, next)
        }));
        let [mut last] =
            <[Message; 1]>::try_from(self.addresses_of(all[all.len() - 1], addresses)).unwrap();
        answer.add_answers(last.take_all_sections());
        vec![answer]
    }

    /// That it went wrong.
    pub(crate) fn fails(&self, code: ResponseCode) -> Vec<Message> {
        let mut answer = self.answer();
        answer.metadata.response_code = code;
        vec![answer]
    }

    /// That the answer is too long for UDP.
    pub(crate) fn truncated(&self) -> Vec<Message> {
        let mut answer = self.answer();
        answer.metadata.truncation = true;
        vec![answer]
    }

    /// The same answers to another question, and under another number than this one's.
    pub(crate) fn forged(&self, addresses: &[&str]) -> Vec<Message> {
        let mut other_question = self.addresses(addresses).remove(0);
        other_question.queries = vec![Query::query(fqdn("other.example.test"), self.kind())];
        let mut other_id = self.addresses(addresses).remove(0);
        other_id.metadata.id = other_id.metadata.id.wrapping_add(1);
        vec![other_question, other_id]
    }

    fn kind(&self) -> RecordType {
        self.message.queries[0].query_type()
    }

    fn answer(&self) -> Message {
        let mut answer = Message::response(self.message.metadata.id, OpCode::Query);
        answer.metadata.recursion_available = true;
        answer.add_query(self.message.queries[0].clone());
        answer
    }
}

impl NameServer {
    /// A server that answers each question with these messages, one after the other.
    pub(crate) fn start(
        answers: impl Fn(&Question) -> Vec<Message> + Send + Sync + 'static,
    ) -> Self {
        let (udp, tcp) = sockets();
        let address = udp.local_addr().unwrap();
        let asked = Arc::new(Mutex::default());
        let script = Arc::new(Script {
            answers: Box::new(answers),
            asked: Arc::clone(&asked),
        });
        let by_tcp = Arc::clone(&script);
        thread::spawn(move || script.serve_udp(&udp));
        thread::spawn(move || {
            for stream in tcp.incoming() {
                let script = Arc::clone(&by_tcp);
                thread::spawn(move || script.serve_tcp(stream.unwrap()));
            }
        });
        Self { address, asked }
    }

    /// The names that it was asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        let mut names: Vec<_> = asked
            .keys()
            .map(|key| key.split(' ').next().unwrap().to_owned())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// A client that asks it, with `entries` allowed, where resolv.conf has these lines besides.
    pub(crate) fn client(&self, entries: &[&str], lines: &str) -> Client {
        let roots = Roots::new(None).unwrap();
        Client::new(
            Allowed::new(policy(entries)),
            roots,
            Arc::new(self.resolver(lines)),
        )
    }

    /// The machine's resolver, with this name server in its resolv.conf.
    pub(crate) fn resolver(&self, lines: &str) -> SystemResolver {
        let text = format!("nameserver {}\n{lines}\n", self.address.ip());
        let port = self.address.port();
        SystemResolver::configured_by(move || {
            let (mut servers, options) = parse_resolv_conf(&text).unwrap();
            // The file has no place for a port.
            for connection in &mut servers.name_servers[0].connections {
                connection.port = port;
            }
            Some((servers, options))
        })
    }
}

type Answers = dyn Fn(&Question) -> Vec<Message> + Send + Sync;

struct Script {
    answers: Box<Answers>,
    asked: Arc<Mutex<HashMap<String, usize>>>,
}

impl Script {
    fn serve_udp(&self, udp: &UdpSocket) {
        let mut packet = [0; 4096];
        loop {
            let (length, from) = udp.recv_from(&mut packet).unwrap();
            for answer in self.answers(&packet[..length], false) {
                udp.send_to(&answer, from).unwrap();
            }
        }
    }

    fn serve_tcp(&self, mut stream: TcpStream) {
        let mut length = [0; 2];
        while stream.read_exact(&mut length).is_ok() {
            let mut packet = vec![0; u16::from_be_bytes(length).into()];
            stream.read_exact(&mut packet).unwrap();
            for answer in self.answers(&packet, true) {
                let length = u16::try_from(answer.len()).unwrap().to_be_bytes();
                stream.write_all(&[&length[..], &answer].concat()).unwrap();
            }
        }
    }

    fn answers(&self, packet: &[u8], by_tcp: bool) -> Vec<Vec<u8>> {
        let message = Message::from_vec(packet).unwrap();
        let query = &message.queries[0];
        let name = query.name().to_ascii().trim_end_matches('.').to_owned();
        let key = format!("{name} {}", query.query_type());
        let mut asked = self.asked.lock().unwrap();
        let times = asked.entry(key).or_default();
        let before = *times;
        *times += 1;
        drop(asked);
        let question = Question {
            name,
            by_tcp,
            before,
            message,
        };
        let answers = (self.answers)(&question);
        answers
            .iter()
            .map(|answer| answer.to_vec().unwrap())
            .collect()
    }
}

/// One port for both.
fn sockets() -> (UdpSocket, TcpListener) {
    loop {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        if let Ok(udp) = UdpSocket::bind(tcp.local_addr().unwrap()) {
            return (udp, tcp);
        }
    }
}

fn fqdn(name: &str) -> Name {
    let mut name = Name::from_ascii(name).unwrap();
    name.set_fqdn(true);
    name
}
