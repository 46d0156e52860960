//! HTTP/1.1 on a bare socket, as far as a receiver of POSTs needs it: an HTTP library answers too well
//! to break a connection off in the middle of an answer.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::net::{TcpListener, TcpSocket};

/// A POST that has come, whole.
#[derive(Debug)]
pub struct Post {
    /// Its path.
    pub path: String,
    /// Its header `webhook-id`, or nothing.
    pub id: String,
    /// Its body.
    pub body: String,
}

impl Post {
    /// Reads the next one of a connection, written as hyper does: names in lower case, a length.
    /// `None` at the connection's end.
    ///
    /// # Errors
    ///
    /// The connection broke.
    pub async fn read(stream: &mut BufReader<impl AsyncRead + Unpin>) -> io::Result<Option<Post>> {
        let mut line = String::new();
        if !read_line(stream, &mut line).await? {
            return Ok(None);
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut id = String::new();
        let mut length = 0;
        loop {
            if !read_line(stream, &mut line).await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match line.trim_end().split_once(": ") {
                Some(("webhook-id", value)) => value.clone_into(&mut id),
                Some(("content-length", value)) => length = value.parse().unwrap(),
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        Ok(Some(Post {
            path,
            id,
            body: String::from_utf8(body).unwrap(),
        }))
    }
}

/// Reads a line that is whole; `false` at the end.
async fn read_line(
    stream: &mut BufReader<impl AsyncRead + Unpin>,
    line: &mut String,
) -> io::Result<bool> {
    line.clear();
    let read = stream.read_line(line).await?;
    if read > 0 && !line.ends_with('\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(read > 0)
}

/// A port that nobody else gets, also while nobody listens on it.
#[derive(Debug)]
pub struct Port {
    address: SocketAddr,
    /// Bound and never listening: Linux lets another socket listen beside it, and gives the port to
    /// no connection meanwhile.
    _held: TcpSocket,
}

impl Port {
    /// A new one.
    pub fn new() -> Self {
        let held = reusable();
        held.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        Self {
            address: held.local_addr().unwrap(),
            _held: held,
        }
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Listens, until the listener is dropped.
    pub fn listen(&self) -> TcpListener {
        let socket = reusable();
        socket.bind(self.address).unwrap();
        // More than a slot opens at the same moment. A connection too many is not refused: it seems to be
        // there, and what is sent on it comes seconds later.
        socket.listen(4096).unwrap()
    }
}

impl Default for Port {
    fn default() -> Self {
        Self::new()
    }
}

fn reusable() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket
}
