//! A client that sends bytes as they are.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use rig::program::LIMIT;

/// A connection.
pub(crate) struct Raw(TcpStream);

impl Raw {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap())
    }

    /// Sends; whoever has been refused in the middle goes on to its answer.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.0.write_all(bytes.as_ref()).await;
    }

    /// Whether the other side still takes what is sent.
    pub(crate) async fn can_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.0.write_all(bytes.as_ref()).await.is_ok()
    }

    /// All that comes until the other side closes or resets the connection.
    pub(crate) async fn rest(&mut self) -> String {
        let mut all = Vec::new();
        let mut piece = [0; 16 * 1024];
        let ended = timeout(LIMIT, async {
            while let Ok(read @ 1..) = self.0.read(&mut piece).await {
                all.extend_from_slice(&piece[..read]);
            }
        });
        ended.await.unwrap();
        String::from_utf8_lossy(&all).into_owned()
    }
}

/// All that is answered to `bytes`, up to the end of the connection.
pub(crate) async fn exchange(address: SocketAddr, bytes: impl AsRef<[u8]>) -> String {
    let mut raw = Raw::open(address).await;
    raw.send(bytes).await;
    raw.rest().await
}

/// The statuses of all answers in `text`.
pub(crate) fn statuses(text: &str) -> Vec<u16> {
    text.match_indices("HTTP/1.")
        .map(|(at, _)| text[at + 9..at + 12].parse().unwrap())
        .collect()
}
