//! The real program as a receiver.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use rig::client::send;

/// The program as a receiver. It is killed when dropped.
pub(crate) struct Receiver {
    child: Child,
    out: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Receiver {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_placeos-slot"))
            .args(["receive", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        out.read_line(&mut first).unwrap();
        let address = first
            .strip_prefix("Receiving at http://")
            .and_then(|rest| rest.split_once('/'))
            .and_then(|(address, _)| address.parse().ok())
            .unwrap_or_else(|| panic!("no URL in: {first}"));
        Self {
            child,
            out,
            address,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The next lines that it prints.
    pub(crate) fn lines<const N: usize>(&mut self) -> [String; N] {
        std::array::from_fn(|_| {
            let mut line = String::new();
            self.out.read_line(&mut line).unwrap();
            line.trim_end().to_owned()
        })
    }

    /// Ends it as Ctrl-C does; what it printed besides is returned.
    fn interrupt(mut self) -> String {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::INT).unwrap();
        assert!(self.child.wait().unwrap().success());
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        rest
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

// Signed by openssl for the secret 123456.
const BODY: &str = concat!(
    r#"{"door_id":"lobby","timestamp":"2022-04-03T23:59:25Z","#,
    r#""signature":"a276988a8dbd35627d09708b23ca699947114a6f2ab6b38465f0e632fe264342","#,
    r#""action":"granted"}"#
);
const HEADERS: [(&str, &str); 3] = [
    ("webhook-id", "event-1"),
    ("webhook-timestamp", "1649030365"),
    (
        "webhook-signature",
        "v1,JC6hGaa5FhxExeKbn7NNHYWZF1a3b7aydyNGYwBFooE=",
    ),
];

#[tokio::test]
async fn it_answers_200_and_says_whether_the_signatures_are_right() {
    let mut receiver = Receiver::start(&["--secret", "123456"]);

    let reply = send(receiver.address, "POST", "/", &HEADERS, BODY).await;
    assert_eq!((reply.status, reply.text()), (200, ""));
    assert_eq!(
        receiver.lines(),
        [
            "2022-04-03T23:59:25Z  granted at lobby",
            "    webhook-id             event-1",
            "    signature in the body  right",
            "    webhook-signature      right",
        ]
    );

    let forged = BODY.replace("lobby", "vault");
    let reply = send(receiver.address, "POST", "/any/path", &HEADERS, forged).await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        receiver.lines(),
        [
            "2022-04-03T23:59:25Z  granted at vault",
            "    webhook-id             event-1",
            "    signature in the body  right",
            "    webhook-signature      WRONG",
        ]
    );

    let reply = send(receiver.address, "POST", "/", &[], "hello").await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        receiver.lines(),
        [
            "no door event, 5 bytes: hello",
            "    webhook-id             none",
            "    signature in the body  MISSING",
            "    webhook-signature      MISSING",
        ]
    );

    let reply = send(receiver.address, "GET", "/", &[], "").await;
    assert_eq!(reply.status, 405);
    assert_eq!(receiver.interrupt(), "");
}

#[tokio::test]
async fn without_a_secret_it_says_what_it_did_not_check() {
    let mut receiver = Receiver::start(&[]);
    send(receiver.address, "POST", "/", &HEADERS, BODY).await;
    let [_, _, body, header] = receiver.lines();
    let unchecked = "there is one; to check it, give --secret";
    assert_eq!(body, format!("    signature in the body  {unchecked}"));
    assert_eq!(header, format!("    webhook-signature      {unchecked}"));

    send(receiver.address, "POST", "/", &[], "{}").await;
    let [_, _, body, header] = receiver.lines();
    let none = "none, and none was asked for";
    assert_eq!(body, format!("    signature in the body  {none}"));
    assert_eq!(header, format!("    webhook-signature      {none}"));
}

#[test]
fn what_cannot_be_is_told_in_one_line() {
    let receiver = Receiver::start(&[]);
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_placeos-slot"))
            .arg("receive")
            .args(arguments)
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    let taken = receiver.address.to_string();
    let (code, error) = run(&["--listen", &taken]);
    assert_eq!(code, Some(1));
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(
        error.starts_with(&format!("placeos-slot: cannot listen on {taken}: ")),
        "{error}"
    );

    let (code, _) = run(&["--secret", ""]);
    assert_eq!(code, Some(2));
    let (code, error) = run(&["--secret", " "]);
    assert_eq!(code, Some(2));
    assert!(error.contains("blank"), "{error}");
}
