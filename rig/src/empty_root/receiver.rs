//! A receiver behind TLS, with a certificate of an authority of its own.

use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::wire::Post;

/// A receiver. It answers 200 until the end of the run.
#[derive(Debug)]
pub(super) struct Receiver {
    url: String,
    authority: String,
    posts: Arc<Mutex<Vec<Received>>>,
}

/// What has come.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) protocol: &'static str,
    pub(super) id: String,
    pub(super) body: String,
}

impl Receiver {
    /// One that proves to be `name`.
    pub(super) async fn start(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let acceptor = acceptor(name, &authority);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let posts = Arc::<Mutex<Vec<_>>>::default();
        let to = Arc::clone(&posts);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(converse(acceptor.clone(), stream, Arc::clone(&to)));
            }
        });
        Self {
            url: format!("https://{name}:{port}/hook"),
            authority: authority.pem(),
            posts,
        }
    }

    pub(super) fn url(&self) -> String {
        self.url.clone()
    }

    /// The certificate of who certified it.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// The next that has come.
    pub(super) fn take(&self) -> Option<Received> {
        self.posts.lock().unwrap().pop()
    }
}

fn acceptor(name: &str, authority: &CertifiedIssuer<'_, KeyPair>) -> TlsAcceptor {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn converse(acceptor: TlsAcceptor, stream: TcpStream, posts: Arc<Mutex<Vec<Received>>>) {
    let mut stream = BufReader::new(acceptor.accept(stream).await.unwrap());
    while let Ok(Some(post)) = Post::read(&mut stream).await {
        let version = stream.get_ref().get_ref().1.protocol_version();
        posts.lock().unwrap().push(Received {
            protocol: version.and_then(|version| version.as_str()).unwrap(),
            id: post.id,
            body: post.body,
        });
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).await.unwrap();
    }
}
