//! Over https a receiver has to prove who it is.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};

use placeos_slot::connector::Allowed;
use placeos_slot::connector::tls::Roots;
use placeos_slot::host::http::PostFailure;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

use crate::world::{
    GENEROUS, OK, Script, Server, answer_all, client_with, failure_of, policy, post, status_of,
};

const HOST: &str = "hook.example.test";

#[tokio::test]
async fn a_receiver_of_the_named_authority_is_trusted() {
    let authority = Authority::new("ours");
    let server = authority.server(HOST);
    let allowed = Allowed::new(policy(&[HOST]));
    let client = client_with(&allowed, script(), Some(&authority.file));
    let url = server.url("https", HOST);
    for _ in 0..5 {
        assert_eq!(status_of(&client, post(&url)).await, 200);
    }
    assert_eq!(server.accepted(), 1);

    // Under the new policy the URL is permitted and its address is not.
    allowed.replace(policy(&["*.example.test"]));
    let failure = failure_of(&client, post(&url)).await;
    assert_eq!(
        failure,
        PostFailure::Blocked("127.0.0.1 is a loopback address".to_owned())
    );
    assert_eq!(server.accepted(), 1);
}

#[tokio::test]
async fn a_receiver_by_its_address_is_trusted_for_that_address() {
    let authority = Authority::new("ours");
    let client = client_with(
        &Allowed::new(policy(&["127.0.0.1"])),
        script(),
        Some(&authority.file),
    );
    let server = authority.server("127.0.0.1");
    assert_eq!(
        status_of(&client, post(&server.url("https", "127.0.0.1"))).await,
        200
    );
    let other = authority.server("127.0.0.2");
    let failure = failure_of(&client, post(&other.url("https", "127.0.0.1"))).await;
    assert!(matches!(failure, PostFailure::Tls(_)), "{failure:?}");
}

#[tokio::test]
async fn a_receiver_that_cannot_prove_itself_gets_nothing() {
    let authority = Authority::new("ours");
    let stranger = Authority::new("a stranger");
    let client = client_with(
        &Allowed::new(policy(&[HOST])),
        script(),
        Some(&authority.file),
    );
    let plain = Server::start(|mut stream| {
        stream.write_all(b"this is no TLS\r\n").unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let cases = [
        (
            stranger.server(HOST),
            "invalid peer certificate: UnknownIssuer",
        ),
        (
            authority.server("other.example.test"),
            "not valid for name \"hook.example.test\"",
        ),
        (plain, "InvalidContentType"),
    ];
    for (server, reason) in cases {
        let failure = failure_of(&client, post(&server.url("https", HOST))).await;
        let PostFailure::Tls(text) = &failure else {
            panic!("{failure:?} instead of: {reason}")
        };
        assert!(text.contains(reason), "{text}");
    }
}

/// Of all that HTTP/2 can be made to do to a client, nothing: it is not offered.
#[tokio::test]
async fn a_receiver_of_http_2_is_spoken_to_in_http_1() {
    let authority = Authority::new("ours");
    let (tell, spoken) = mpsc::channel();
    let mut config = authority.config(HOST);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let config = Arc::new(config);
    let server = Server::start(move |stream| {
        let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        stream.conn.complete_io(&mut stream.sock).unwrap();
        tell.send(stream.conn.alpn_protocol().map(<[u8]>::to_vec))
            .unwrap();
        answer_all(stream, OK);
    });
    let client = client_with(
        &Allowed::new(policy(&[HOST])),
        script(),
        Some(&authority.file),
    );
    assert_eq!(
        status_of(&client, post(&server.url("https", HOST))).await,
        200
    );
    assert_eq!(spoken.recv_timeout(GENEROUS).unwrap(), None);
}

#[test]
fn a_file_of_authorities_must_hold_some() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let error = |path: &Path| Roots::new(Some(path)).unwrap_err().to_string();
    let name = file.display();
    assert!(error(&file).starts_with(&format!("the certificates in {name} cannot be read: ")));
    fs::write(&file, "no certificate").unwrap();
    assert!(error(&file).starts_with(&format!("there is no certificate in {name}")));
    fs::write(
        &file,
        "-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n",
    )
    .unwrap();
    assert!(error(&file).starts_with(&format!("the certificates in {name} cannot be read: ")));
}

fn script() -> Script {
    Script::default().with(HOST, &["127.0.0.1"])
}

/// A certificate authority, and the file that makes a slot trust it.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    file: PathBuf,
    _folder: TempDir,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        fs::write(&file, parameters.self_signed(&key).unwrap().pem()).unwrap();
        Self {
            issuer: Issuer::new(parameters, key),
            file,
            _folder: folder,
        }
    }

    /// A server on 127.0.0.1 with a certificate for `host`.
    fn server(&self, host: &str) -> Server {
        let config = Arc::new(self.config(host));
        Server::start(move |stream| {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            answer_all(StreamOwned::new(connection, stream), OK);
        })
    }

    fn config(&self, host: &str) -> ServerConfig {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(vec![host.to_owned()]).unwrap();
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap()
    }
}
