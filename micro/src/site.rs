//! A whole driver at work.

use std::rc::Rc;

use futures_executor::LocalPool;
use futures_util::FutureExt;
use futures_util::task::LocalSpawnExt;
use rhombus_driver::Driver;
use rhombus_driver::intake::Acceptance;
use rhombus_driver::webhook::Response;
use serde_json::json;

use crate::agreeable::{Agreeable, Asked, DOORS};
use crate::{SECRET, event};

/// A driver that runs, and its host. Whatever it is asked is done, the work that follows from it too,
/// when the call returns.
pub struct Site {
    driver: Driver<Agreeable>,
    asked: Rc<Asked>,
    pool: LocalPool,
    subscribers: u64,
    events: u64,
}

impl Site {
    /// Loads a driver to which the operator has listed so many `subscribers`, each with a secret.
    #[expect(
        clippy::expect_used,
        reason = "without a driver there is nothing to do"
    )]
    pub fn new(subscribers: u64) -> Self {
        let asked = Rc::<Asked>::default();
        let list = (0..subscribers).map(|number| json!({"webhook": url(number), "secret": SECRET}));
        let settings = json!({"subscriptions": list.collect::<Vec<_>>()}).to_string();
        let loaded = Driver::load(Agreeable(Rc::clone(&asked)), &settings).now_or_never();
        let driver = loaded
            .expect("the host keeps nobody waiting")
            .expect("the store is empty, and the settings are good");
        let pool = LocalPool::new();
        let running = driver.clone();
        pool.spawner()
            .spawn_local(async move { running.run().await })
            .expect("the pool is there");
        let mut site = Self {
            driver,
            asked,
            pool,
            subscribers,
            events: 0,
        };
        site.settle();
        site
    }

    /// Offers so many events, one after the other, each when the one before it is delivered and settled.
    ///
    /// # Panics
    ///
    /// One was not accepted, or not delivered to every subscriber and settled.
    pub fn accept(&mut self, events: u64) {
        let before = (self.asked.posts.get(), self.asked.deletions.get());
        for _ in 0..events {
            self.events += 1;
            let id = format!("event-{}", self.events);
            let event = event(self.events, DOORS);
            let accepted = self.driver.on_door_event(&event, Some(&id)).now_or_never();
            assert_eq!(accepted, Some(Ok(Acceptance::Accepted)));
            self.settle();
        }
        let deliveries = events * self.subscribers;
        let wanted = (before.0 + deliveries, before.1 + deliveries);
        assert_eq!((self.asked.posts.get(), self.asked.deletions.get()), wanted);
    }

    /// Subscribes the subscriber of this number, with a secret. Listed ones have the lowest numbers.
    pub fn post(&mut self, number: u64) -> Response {
        let body = json!({"webhook": url(number), "secret": SECRET});
        self.request("POST", body.to_string().as_bytes())
    }

    /// Unsubscribes the subscriber of this number.
    pub fn delete(&mut self, number: u64) -> Response {
        let body = json!({"webhook": url(number)});
        self.request("DELETE", body.to_string().as_bytes())
    }

    /// Lists the doors: thirty, of one security system.
    pub fn get(&mut self) -> Response {
        self.request("GET", b"")
    }

    /// Unlocks the door of this number, below thirty. Time stands still, so each door can be unlocked but
    /// once; the calls after that share its success.
    pub fn put(&mut self, number: u64) -> Response {
        let body = json!({"door_id": format!("door-{number}")});
        self.request("PUT", body.to_string().as_bytes())
    }

    fn request(&mut self, method: &str, body: &[u8]) -> Response {
        let driver = self.driver.clone();
        let answer = driver.request(Some("webhook.trigger"), method, &[], body);
        let answer = self.pool.run_until(answer);
        self.settle();
        answer
    }

    /// Has the driver do all that it can do now.
    fn settle(&mut self) {
        self.pool.run_until_stalled();
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // A driver that runs holds itself.
        self.driver.stop();
        self.settle();
    }
}

fn url(number: u64) -> String {
    format!("https://webhooks.rhombussystems.com/external/placeOsWebhook/subscriber{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_goes_to_every_subscriber_and_is_settled() {
        for subscribers in [0, 1, 100] {
            let mut site = Site::new(subscribers);
            site.accept(3);
            site.accept(700);
            assert_eq!(site.asked.posts.get(), 703 * subscribers);
            assert_eq!(site.asked.deletions.get(), 703 * subscribers);
        }
    }

    #[test]
    fn the_webhook_answers() {
        let mut site = Site::new(1);
        assert_eq!(site.post(1).status, 201);
        assert_eq!(site.get().status, 200);
        assert_eq!(site.put(7).status, 200);
        assert_eq!(site.delete(1).status, 202);
        assert_eq!(site.delete(1).status, 404);
    }

    #[test]
    fn it_lists_thirty_doors() {
        let doors = Site::new(0).get().body;
        let doors = serde_json::from_str::<Vec<serde_json::Value>>(&doors).unwrap();
        assert_eq!(doors.len(), 30);
    }
}
