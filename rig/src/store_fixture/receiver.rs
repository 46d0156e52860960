//! A receiver that answers everything alike.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::wire::{Port, Post};

/// A receiver. It answers until the end of the run.
#[derive(Debug)]
pub(super) struct Receiver {
    /// Scheme, address and port.
    pub(super) origin: String,
    /// Where it is subscribed by.
    pub(super) url: String,
    count: Arc<AtomicUsize>,
}

impl Receiver {
    pub(super) fn start(status: u16) -> Self {
        let port = Port::new();
        let origin = format!("http://{}", port.address());
        let count = Arc::new(AtomicUsize::new(0));
        let counted = count.clone();
        tokio::spawn(async move {
            let listener = port.listen();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(converse(stream, status, counted.clone()));
            }
        });
        Self {
            url: format!("{origin}/hook"),
            origin,
            count,
        }
    }

    /// How many POSTs it has answered.
    pub(super) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

async fn converse(stream: TcpStream, status: u16, count: Arc<AtomicUsize>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    while Post::read(&mut stream).await?.is_some() {
        let answer = format!("HTTP/1.1 {status} -\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await?;
        count.fetch_add(1, Ordering::SeqCst);
    }
    Ok(())
}
