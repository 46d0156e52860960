//! A receiver that notes when what came, and answers at once or never.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::wire::{Port, Post};

/// A POST that has come.
#[derive(Clone, Debug)]
pub(super) struct Arrival {
    /// Its `webhook-id`.
    pub(super) id: String,
    pub(super) at: Instant,
}

/// A receiver. It answers until the end of the run.
#[derive(Debug)]
pub(super) struct Receiver {
    pub(super) url: String,
    arrivals: Arc<Mutex<Vec<Arrival>>>,
    answers: watch::Sender<bool>,
}

impl Receiver {
    /// One that `answers` at once, or never.
    pub(super) fn start(answers: bool) -> Self {
        let port = Port::new();
        let url = format!("http://{}/hook", port.address());
        let arrivals = Arc::new(Mutex::new(Vec::new()));
        let answers = watch::Sender::new(answers);
        let (noted, may_answer) = (arrivals.clone(), answers.subscribe());
        tokio::spawn(async move {
            let listener = port.listen();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                // The other side may break off: it is killed at times.
                tokio::spawn(converse(stream, noted.clone(), may_answer.clone()));
            }
        });
        Self {
            url,
            arrivals,
            answers,
        }
    }

    /// From now on it answers. What waits is cut off.
    pub(super) fn answer(&self) {
        self.answers.send_replace(true);
    }

    /// When the first thing has come since the last [`take`](Self::take).
    pub(super) fn first(&self) -> Option<Instant> {
        self.arrivals.lock().unwrap().first().map(|first| first.at)
    }

    /// What has come since the last call.
    pub(super) fn take(&self) -> Vec<Arrival> {
        std::mem::take(&mut *self.arrivals.lock().unwrap())
    }
}

async fn converse(
    stream: TcpStream,
    arrivals: Arc<Mutex<Vec<Arrival>>>,
    mut may_answer: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(post) = Post::read(&mut stream).await? {
        let at = Instant::now();
        arrivals.lock().unwrap().push(Arrival { id: post.id, at });
        if !*may_answer.borrow() {
            // Until then, or until the run is over.
            let _ = may_answer.wait_for(|may| *may).await;
            break;
        }
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .await?;
    }
    Ok(())
}
