//! Channels of Redis, over one connection of their own for all modules of a process.
//!
//! Redis keeps nothing for those who do not listen. So the connection is watched by asking it every
//! three seconds to subscribe once more, and whoever listens is told since when nobody did.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use redis::aio::{PubSubSink, PubSubStream};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::connection::Redis;
use crate::host::clock::{Clock, SystemClock};

/// Core tells here which system's map of modules it has written anew.
const LOOKUP_CHANGE: &str = "lookup-change";
/// How often the connection is tried, and how long it may take to answer.
const WATCH: Duration = Duration::from_secs(3);
const SILENCE: Duration = Duration::from_secs(15);
/// Waits before another connection: the first, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How much of a message is passed on, in bytes: anybody may publish anything. The driver takes no
/// event that is longer than 16 KiB.
const LONGEST: usize = (16 << 10) + 1;
/// How many messages a listener may have unread; a building has a few events a second.
pub const UNREAD: usize = 20_000;

/// Subscriptions of a process. Clones are the same.
#[derive(Clone)]
pub struct Subscriptions {
    wishes: mpsc::UnboundedSender<Wish>,
    hearing: watch::Receiver<Hearing>,
}

/// Whether the channels are heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hearing {
    /// Up to when they were, in milliseconds since 1970; none if they never were.
    pub until: Option<u64>,
    /// Since when without a break, if they are now.
    pub since: Option<u64>,
}

/// A message of a channel.
#[derive(Clone, PartialEq, Eq)]
pub struct Heard {
    /// Its beginning, mended where it is not UTF-8.
    pub text: String,
    /// When it came, in milliseconds since 1970.
    pub at: u64,
    /// Since when others came before it for which there was no room, if there were.
    pub missed: Option<u64>,
}

/// A channel that is listened to until this is dropped.
pub struct Subscription {
    channel: String,
    id: u64,
    wishes: mpsc::UnboundedSender<Wish>,
    /// Becomes true once Redis has confirmed it.
    is_confirmed: watch::Receiver<bool>,
}

impl Subscription {
    /// Returns once Redis has confirmed the subscription.
    pub async fn confirmed(&mut self) {
        // It is dropped only with the process's subscriptions.
        let _ = self
            .is_confirmed
            .wait_for(|is_confirmed| *is_confirmed)
            .await;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let _ = self.wishes.send(Wish::Leave {
            channel: std::mem::take(&mut self.channel),
            id: self.id,
        });
    }
}

enum Wish {
    Listen { channel: String, listener: Listener },
    Leave { channel: String, id: u64 },
}

struct Listener {
    id: u64,
    to: mpsc::Sender<Heard>,
    confirmed: watch::Sender<bool>,
    missed: Option<u64>,
}

impl Listener {
    /// Passes a message on that came at `at`, if there is room for it.
    fn pass(&mut self, text: &str, at: u64) {
        let heard = Heard {
            text: text.to_owned(),
            at,
            missed: self.missed,
        };
        match self.to.try_send(heard) {
            Ok(()) => self.missed = None,
            Err(TrySendError::Full(_)) => {
                if self.missed.is_none() {
                    tracing::error!(
                        "door events are missed: {UNREAD} before them wait to be saved"
                    );
                }
                self.missed.get_or_insert(at);
            }
            // The module is being stopped, and has all that it wants.
            Err(TrySendError::Closed(_)) => {}
        }
    }
}

impl Subscriptions {
    /// Begins to listen. `changed` is told each system whose map changed, and `None` when any may
    /// have.
    pub fn start(redis: Redis, changed: impl Fn(Option<&str>) + Send + Sync + 'static) -> Self {
        let (wishes, wished) = mpsc::unbounded_channel();
        let (report, hearing) = watch::channel(Hearing::default());
        let ear = Ear {
            redis,
            channels: BTreeMap::new(),
            wished,
            report,
            changed: Box::new(changed),
            clock: SystemClock::default(),
        };
        tokio::spawn(ear.run());
        Self { wishes, hearing }
    }

    /// Listens to `channel`; what comes goes to `to`, in order. A listener that is
    /// [`UNREAD`] messages behind misses the next.
    pub fn listen(&self, channel: String, to: mpsc::Sender<Heard>) -> Subscription {
        static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let id = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let (confirmed, is_confirmed) = watch::channel(false);
        let listener = Listener {
            id,
            to,
            confirmed,
            missed: None,
        };
        // The task ends with the last of those who could wish.
        let _ = self.wishes.send(Wish::Listen {
            channel: channel.clone(),
            listener,
        });
        Subscription {
            channel,
            id,
            wishes: self.wishes.clone(),
            is_confirmed,
        }
    }

    /// Whether the channels are heard, and when that changes.
    pub fn hearing(&self) -> watch::Receiver<Hearing> {
        self.hearing.clone()
    }
}

/// The task that listens.
struct Ear {
    redis: Redis,
    channels: BTreeMap<String, Vec<Listener>>,
    wished: mpsc::UnboundedReceiver<Wish>,
    report: watch::Sender<Hearing>,
    changed: Changed,
    clock: SystemClock,
}

/// Is told which system's map has changed.
type Changed = Box<dyn Fn(Option<&str>) + Send + Sync>;

/// Why a connection is not used any more.
enum End {
    Broken(String),
    /// Nobody is left who could listen.
    Unwanted,
}

impl Ear {
    async fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let began = Instant::now();
            match self.hear().await {
                End::Unwanted => return,
                End::Broken(why) => {
                    let was_heard = self.report.borrow().since.is_some();
                    self.report.send_modify(|hearing| hearing.since = None);
                    if was_heard {
                        tracing::warn!("door events are not heard now: {why}");
                    }
                }
            }
            pause = if began.elapsed() > LONGEST_PAUSE {
                FIRST_PAUSE
            } else {
                (pause * 2).min(LONGEST_PAUSE)
            };
            if self.wait(pause).await.is_none() {
                return;
            }
        }
    }

    /// Waits before another connection; takes wishes meanwhile, which the next one will see to.
    async fn wait(&mut self, pause: Duration) -> Option<()> {
        let pause = sleep(pause);
        tokio::pin!(pause);
        loop {
            tokio::select! {
                () = &mut pause => return Some(()),
                wish = self.wished.recv() => {
                    if let Some(Step::Unsubscribe(channel)) = self.take(wish?) {
                        self.channels.remove(&channel);
                    }
                }
            }
        }
    }

    /// Listens over one connection until it breaks.
    async fn hear(&mut self) -> End {
        let (mut sink, mut stream) = match self.connect().await {
            Ok(connection) => connection,
            Err(why) => return End::Broken(why),
        };
        let now = self.clock.now();
        self.report.send_replace(Hearing {
            until: Some(now),
            since: Some(now),
        });
        (self.changed)(None);
        tracing::info!("door events are heard");
        let mut watch = interval(WATCH);
        watch.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                message = stream.next() => match message {
                    Some(message) => self.pass_on(&message),
                    None => return End::Broken("the connection has ended".to_owned()),
                },
                wish = self.wished.recv() => {
                    let Some(wish) = wish else { return End::Unwanted };
                    let Some(step) = self.take(wish) else { continue };
                    let done = self.step(&mut sink, &mut stream, &step).await;
                    // What came before Redis confirmed it has been passed on.
                    if let Step::Unsubscribe(channel) = &step {
                        self.channels.remove(channel);
                    }
                    if let Err(why) = done {
                        return End::Broken(why);
                    }
                }
                _ = watch.tick() => {
                    let again = Step::Subscribe(LOOKUP_CHANGE.to_owned());
                    if let Err(why) = self.step(&mut sink, &mut stream, &again).await {
                        return End::Broken(why);
                    }
                    let now = self.clock.now();
                    self.report.send_modify(|hearing| hearing.until = Some(now));
                }
            }
        }
    }

    async fn connect(&mut self) -> Result<(PubSubSink, PubSubStream), String> {
        let pubsub = timeout(SILENCE, self.redis.pubsub()).await;
        let pubsub = pubsub.map_err(|_| "no connection in time".to_owned())?;
        let pubsub = pubsub.map_err(|failure| failure.to_string())?;
        let (mut sink, mut stream) = pubsub.split();
        let channels: Vec<_> = std::iter::once(LOOKUP_CHANGE.to_owned())
            .chain(self.channels.keys().cloned())
            .collect();
        for channel in channels {
            self.step(&mut sink, &mut stream, &Step::Subscribe(channel))
                .await?;
        }
        Ok((sink, stream))
    }

    /// Has Redis do one thing, and passes on what comes meanwhile.
    async fn step(
        &mut self,
        sink: &mut PubSubSink,
        stream: &mut PubSubStream,
        step: &Step,
    ) -> Result<(), String> {
        let done = async {
            match step {
                Step::Subscribe(channel) => sink.subscribe(channel).await,
                Step::Unsubscribe(channel) => sink.unsubscribe(channel).await,
            }
        };
        let done = timeout(SILENCE, done);
        tokio::pin!(done);
        loop {
            tokio::select! {
                done = &mut done => {
                    done.map_err(|_| "the connection is silent".to_owned())?
                        .map_err(|error| error.to_string())?;
                    break;
                }
                message = stream.next() => match message {
                    Some(message) => self.pass_on(&message),
                    None => return Err("the connection has ended".to_owned()),
                },
            }
        }
        // What came before the answer is there already.
        while let Some(Some(message)) = stream.next().now_or_never() {
            self.pass_on(&message);
        }
        if let Step::Subscribe(channel) = step {
            for listener in self.channels.get(channel).into_iter().flatten() {
                listener.confirmed.send_replace(true);
            }
        }
        Ok(())
    }

    fn pass_on(&mut self, message: &redis::Msg) {
        let bytes = message.get_payload_bytes();
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(LONGEST)]);
        let channel = message.get_channel_name();
        if channel == LOOKUP_CHANGE {
            (self.changed)(Some(&text));
            return;
        }
        let now = self.clock.now();
        for listener in self.channels.get_mut(channel).into_iter().flatten() {
            listener.pass(&text, now);
        }
    }

    /// Notes a wish; what Redis has to do for it, if anything.
    fn take(&mut self, wish: Wish) -> Option<Step> {
        match wish {
            Wish::Listen { channel, listener } => {
                let listeners = self.channels.entry(channel.clone()).or_default();
                listeners.push(listener);
                // Also if it is listened to: the new one is confirmed by the answer.
                Some(Step::Subscribe(channel))
            }
            Wish::Leave { channel, id } => {
                let listeners = self.channels.get_mut(&channel)?;
                if listeners.iter().any(|listener| listener.id != id) {
                    listeners.retain(|listener| listener.id != id);
                    return None;
                }
                Some(Step::Unsubscribe(channel))
            }
        }
    }
}

enum Step {
    Subscribe(String),
    Unsubscribe(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_there_was_no_room_for_is_told_with_the_next() {
        let (to, mut heard) = mpsc::channel(1);
        let (confirmed, _) = watch::channel(true);
        let mut listener = Listener {
            id: 1,
            to,
            confirmed,
            missed: None,
        };
        listener.pass("a", 10);
        listener.pass("b", 20);
        listener.pass("c", 30);
        assert!(heard.recv().await.unwrap().missed.is_none());
        listener.pass("d", 40);
        let next = heard.recv().await.unwrap();
        assert_eq!((next.text.as_str(), next.missed), ("d", Some(20)));
        listener.pass("e", 50);
        assert!(heard.recv().await.unwrap().missed.is_none());
    }
}
