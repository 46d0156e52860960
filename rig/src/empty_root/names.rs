//! A name server that knows a few names, all of them of this machine.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::UdpSocket;

/// Where it answers: a loopback address that a machine's own name server does not have.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 153);

/// Length of a message's head.
const HEAD: usize = 12;
/// The type of a question for an address.
const A: u16 = 1;

/// A name server. It answers until the end of the run.
#[derive(Debug)]
pub(super) struct NameServer;

impl NameServer {
    pub(super) async fn start(names: &[&str]) -> Self {
        let address = SocketAddr::from((ADDRESS, 53));
        let socket = UdpSocket::bind(address).await;
        let socket = socket.unwrap_or_else(|error| panic!("no name server at {address}: {error}"));
        let names: Vec<_> = names.iter().map(|name| encoded(name)).collect();
        tokio::spawn(async move {
            let mut query = [0; 512];
            loop {
                let (length, from) = socket.recv_from(&mut query).await.unwrap();
                if let Some(answer) = answer(&query[..length], &names) {
                    socket.send_to(&answer, from).await.unwrap();
                }
            }
        });
        Self
    }

    /// What makes a resolver ask it.
    pub(super) fn resolv_conf(&self) -> String {
        format!("nameserver {ADDRESS}\n")
    }
}

/// A name as it stands in a message: each part after its length.
fn encoded(name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in name.split('.') {
        bytes.push(u8::try_from(part.len()).unwrap());
        bytes.extend(part.bytes());
    }
    bytes.push(0);
    bytes
}

/// Repeats the question; gives 127.0.0.1 for a known name's address, nothing for what else is asked of
/// it, and no such name for others.
fn answer(query: &[u8], names: &[Vec<u8>]) -> Option<Vec<u8>> {
    let name_length = query.get(HEAD..)?.iter().position(|byte| *byte == 0)? + 1;
    let question = query.get(HEAD..HEAD + name_length + 4)?;
    let (name, kind) = question.split_at(name_length);
    let is_known = names.iter().any(|known| known.eq_ignore_ascii_case(name));
    let has_address = is_known && kind[..2] == A.to_be_bytes();
    let code = if is_known { 0 } else { 3 };

    let mut message = query[..2].to_vec();
    // An answer, from who knows; recursion was available. Then how many questions, answers, others.
    message.extend([
        0x85,
        0x80 | code,
        0,
        1,
        0,
        u8::from(has_address),
        0,
        0,
        0,
        0,
    ]);
    message.extend(question);
    if has_address {
        // The name is where the question has it; an address of the Internet, for a minute.
        message.extend([0xc0, HEAD as u8, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        message.extend(Ipv4Addr::LOCALHOST.octets());
    }
    Some(message)
}
