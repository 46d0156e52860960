//! A connection as bytes: what hyper leaves to its user about clients that do not read, or do not
//! stop writing.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::guests::Guest;

/// How long the rest of a body that was refused is taken and thrown away, and how much of it. To
/// close at once would reset the connection, and the client might never see its answer (RFC 9112,
/// section 9.6).
const LINGER_TIME: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 256 * 1024;

/// The stream of a guest.
pub(super) struct Stream {
    tcp: TcpStream,
    guest: Arc<Guest>,
    /// How long an answer may take to be taken.
    answer_time: Duration,
    /// When the answer that does not go out must have gone.
    overdue: Option<Pin<Box<Sleep>>>,
    linger: Linger,
}

/// How far the closing has come.
enum Linger {
    NotClosing,
    Until(Pin<Box<Sleep>>, usize),
}

impl Stream {
    pub(super) fn new(tcp: TcpStream, guest: Arc<Guest>, answer_time: Duration) -> Self {
        Self {
            tcp,
            guest,
            answer_time,
            overdue: None,
            linger: Linger::NotClosing,
        }
    }

    /// What to say of a write that cannot go on: that it must wait, for a while.
    fn blocked<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        let time = self.answer_time;
        let overdue = self.overdue.get_or_insert_with(|| Box::pin(sleep(time)));
        ready!(overdue.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.tcp).poll_write(context, bytes) {
            Poll::Pending => self.blocked(context),
            ready => ready,
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.tcp).poll_write_vectored(context, slices) {
            Poll::Pending => self.blocked(context),
            ready => ready,
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    /// Hyper flushes once all that it had has been written: that answer is taken.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.overdue = None;
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let (end, taken) = match &mut this.linger {
            Linger::Until(end, taken) => (end, taken),
            Linger::NotClosing => {
                ready!(Pin::new(&mut this.tcp).poll_shutdown(context))?;
                if !this.guest.owes_body() {
                    return Poll::Ready(Ok(()));
                }
                this.linger = Linger::Until(Box::pin(sleep(LINGER_TIME)), 0);
                return self.poll_shutdown(context);
            }
        };
        let mut scrap = [0; 4096];
        while *taken < LINGER_BYTES {
            let mut scrap = ReadBuf::new(&mut scrap);
            match Pin::new(&mut this.tcp).poll_read(context, &mut scrap) {
                Poll::Pending => {
                    ready!(end.as_mut().poll(context));
                    break;
                }
                Poll::Ready(Ok(())) if !scrap.filled().is_empty() => *taken += scrap.filled().len(),
                Poll::Ready(_) => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}
