//! Somebody who sends to receivers of its own: a driver by either face, or the bare client.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::time::{Duration, Instant};

use super::bare::Bare;
use super::receivers::{Arrival, Manner, Receivers};
use super::site::{Site, Subject, cpu};

/// Doors at which events happen, unless their number is what is measured.
pub(super) const DOORS: u64 = 50;

/// Somebody who sends, and who receives it.
#[derive(Debug)]
pub(super) struct Contestant {
    sender: Sender,
    receivers: Receivers,
    subscribers: usize,
    doors: u64,
}

#[derive(Debug)]
enum Sender {
    Driver(Box<Site>),
    Bare(Bare),
}

impl Contestant {
    /// A driver with so many subscribers that answer in this `manner`, and `others`, of whom nothing is
    /// expected.
    pub(super) async fn driver(
        subject: &Subject,
        manner: Manner,
        subscribers: usize,
        others: &[String],
    ) -> Self {
        let receivers = Receivers::start(manner);
        let mut urls = others.to_vec();
        urls.extend(receivers.urls(subscribers));
        let site = Site::start(subject, &urls).await;
        Self {
            sender: Sender::Driver(Box::new(site)),
            receivers,
            subscribers,
            doors: DOORS,
        }
    }

    /// A bare client, the program at `program`, that sends the like of what `other` has sent before.
    pub(super) fn bare(program: &Path, other: &Self, manner: Manner, in_flight: usize) -> Self {
        let receivers = Receivers::start(manner);
        let urls = receivers.urls(other.subscribers);
        let bare = Bare::start(program, urls, other.receivers.sample(), in_flight);
        Self {
            sender: Sender::Bare(bare),
            receivers,
            subscribers: other.subscribers,
            doors: other.doors,
        }
    }

    /// From now on events happen at so many doors.
    pub(super) fn set_doors(&mut self, doors: u64) {
        self.doors = doors;
    }

    /// Sends events all at once; answers how long it took each to come to the last of its subscribers.
    pub(super) async fn burst(&mut self, numbers: Range<u64>) -> Vec<Duration> {
        let begun = Instant::now();
        self.send(numbers.clone()).await;
        self.receivers.wait_for(self.deliveries(&numbers)).await;
        let arrivals = self.receivers.take();
        self.assert_each_came_once(&arrivals, &numbers);
        let mut took = vec![Duration::ZERO; arrivals.len() / self.subscribers];
        for arrival in arrivals {
            let took = &mut took[(arrival.event - numbers.start) as usize];
            *took = (*took).max(arrival.at - begun);
        }
        took
    }

    /// Sends events with at most `window` of them under way, as far as a driver can be told; answers how
    /// long it all took.
    pub(super) async fn stream(&mut self, numbers: Range<u64>, window: u64) -> Duration {
        let begun = Instant::now();
        if let Sender::Bare(_) = self.sender {
            self.send(numbers.clone()).await;
        } else {
            let step = (window / 4).max(1);
            let mut sent = numbers.start;
            while sent < numbers.end {
                let next = (sent + step).min(numbers.end);
                let settled = next.saturating_sub(window).max(numbers.start);
                let wanted = self.deliveries(&(numbers.start..settled));
                self.receivers.wait_for(wanted).await;
                self.send(sent..next).await;
                sent = next;
            }
        }
        self.receivers.wait_for(self.deliveries(&numbers)).await;
        let arrivals = self.receivers.take();
        self.assert_each_came_once(&arrivals, &numbers);
        let last = arrivals.iter().map(|arrival| arrival.at).max().unwrap();
        last - begun
    }

    /// The processor time that it has used so far, once it rests.
    pub(super) async fn cpu(&self) -> Duration {
        cpu(match &self.sender {
            Sender::Driver(site) => site.pid(),
            Sender::Bare(bare) => bare.pid(),
        })
        .await
    }

    /// The driver that it is.
    ///
    /// # Panics
    ///
    /// It is none.
    pub(super) fn site(&self) -> &Site {
        match &self.sender {
            Sender::Driver(site) => site,
            Sender::Bare(_) => panic!("the bare client is no driver"),
        }
    }

    async fn send(&mut self, numbers: Range<u64>) {
        match &mut self.sender {
            Sender::Driver(site) => site.publish(numbers, self.doors).await,
            Sender::Bare(bare) => bare.post(numbers.start, numbers.end - numbers.start),
        }
    }

    fn deliveries(&self, numbers: &Range<u64>) -> usize {
        (numbers.end - numbers.start) as usize * self.subscribers
    }

    /// A fast driver that loses or doubles events is not fast.
    fn assert_each_came_once(&self, arrivals: &[Arrival], numbers: &Range<u64>) {
        let mut seen = HashMap::with_capacity(arrivals.len());
        for arrival in arrivals {
            let Arrival {
                subscriber,
                event,
                at,
            } = *arrival;
            let earlier = seen.insert((event, subscriber), at);
            let is_new = numbers.contains(&event) && earlier.is_none();
            assert!(
                is_new,
                "event {event} came once more to subscriber {subscriber}, {:?} later\n{}",
                earlier.map(|earlier| at - earlier),
                self.log()
            );
        }
        assert_eq!(seen.len(), self.deliveries(numbers), "of all deliveries");
    }

    fn log(&self) -> String {
        match &self.sender {
            Sender::Driver(site) => site.log(),
            Sender::Bare(_) => "by the bare client".to_owned(),
        }
    }
}
