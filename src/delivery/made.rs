//! Notifications that were just made: an event's next subscriber with the same secret gets the same, within the
//! same second.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use crate::notification::Notification;
use crate::subscription::Secret;

use super::message::Message;

/// How many are kept, with their messages, until others come or the book changes: 3 MB at most. More events are
/// seldom begun at the same time.
const KEPT: usize = 64;

/// The latest of them, the oldest first.
#[derive(Default)]
pub(crate) struct Made(RefCell<VecDeque<One>>);

struct One {
    /// The message itself, for an id may come again after a day.
    of: Rc<Message>,
    secret: Option<Secret>,
    seconds: u64,
    notification: Notification,
}

impl Made {
    /// The notification of `message`, attempted at the second `seconds` since 1970, for who has `secret`.
    pub(super) fn get(
        &self,
        message: &Rc<Message>,
        secret: Option<&Secret>,
        seconds: u64,
    ) -> Notification {
        let mut made = self.0.borrow_mut();
        let same = made.iter().rev().find(|one| {
            Rc::ptr_eq(&one.of, message) && one.seconds == seconds && one.secret.as_ref() == secret
        });
        if let Some(one) = same {
            return one.notification.clone();
        }
        let notification = Notification::new(secret, &message.event, &message.id, seconds);
        if made.len() == KEPT {
            made.pop_front();
        }
        made.push_back(One {
            of: Rc::clone(message),
            secret: secret.cloned(),
            seconds,
            notification: notification.clone(),
        });
        notification
    }

    /// Lets go of all of them: their secrets may be none any more.
    pub(crate) fn forget(&self) {
        self.0.borrow_mut().clear();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::door::DoorEvent;

    fn message(door: &str) -> Rc<Message> {
        let event = format!(r#"{{"door_id":"{door}","action":"granted"}}"#);
        Rc::new(Message {
            id: "swipe-1".to_owned(),
            event: DoorEvent::parse(&event, 1_767_225_600_000).unwrap(),
        })
    }

    fn secret(text: &str) -> Option<Secret> {
        Secret::from_json(Some(&Value::from(text))).unwrap()
    }

    /// What the receiver sees of it.
    fn seen(notification: Notification) -> (String, Vec<(&'static str, String)>) {
        (notification.body, notification.headers)
    }

    #[test]
    fn whoever_asks_gets_what_is_made_for_this_message_this_secret_and_this_second() {
        let made = Made::default();
        // The second one has the id of the first, as one may a day later.
        let messages = [message("lobby"), message("vault")];
        let secrets = [None, secret("a"), secret("b"), secret("a")];
        for _ in 0..2 {
            for message in &messages {
                for secret in secrets.iter().map(Option::as_ref) {
                    for seconds in [7, 8] {
                        let got = made.get(message, secret, seconds);
                        let new = Notification::new(secret, &message.event, &message.id, seconds);
                        assert_eq!(seen(got), seen(new));
                    }
                }
            }
        }
        // Those with the same secret share theirs.
        assert_eq!(made.0.borrow().len(), 2 * 3 * 2);
        made.forget();
        assert_eq!(made.0.borrow().len(), 0);
    }

    #[test]
    fn no_more_than_64_are_kept() {
        let made = Made::default();
        let message = message("lobby");
        for seconds in 0..100 {
            made.get(&message, None, seconds);
        }
        assert_eq!(made.0.borrow().len(), KEPT);
        assert_eq!(made.0.borrow()[0].seconds, 36);
    }
}
