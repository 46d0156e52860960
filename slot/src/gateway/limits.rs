//! How much of the gateway one client, and all of them together, can have.

use std::time::Duration;

/// Bounds, each with an honest answer for whoever goes beyond. The README's table has them all; a
/// test holds it against the default, which is what the program serves with.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections at a time, or half as many as the process may have open files. For one more, the
    /// one that has kept the gateway waiting longest is closed, whatever it was waited for: a head, a
    /// body, the taking of an answer, a next request.
    pub connections: usize,
    /// Bytes of a request's head, from its first line to the empty one: 431.
    pub head_bytes: usize,
    /// Bytes of its target, which is path and query: 414.
    pub target_bytes: usize,
    /// How long a head may take to arrive, counted from the answer before it. Then the connection is
    /// closed without an answer, for a client that was merely idle would take one for that of its
    /// next request.
    pub head_time: Duration,
    /// Bytes of a body, whether announced or in chunks: 413. Rhombus' requests and door events have a
    /// few hundred.
    pub body_bytes: usize,
    /// How long a body may take to arrive: 408.
    pub body_time: Duration,
    /// Bytes of an answer of the module: 500.
    pub answer_bytes: usize,
    /// How long a client may take to take an answer off the connection, once it no longer fits in
    /// what the system buffers. Then the connection is closed.
    pub answer_time: Duration,
    /// Webhook requests that the module works on at a time: 503.
    pub webhook_requests: usize,
    /// Webhook requests that the module is given a second: 429.
    pub webhook_requests_a_second: u32,
    /// Door events that it works on at a time: 503.
    pub event_requests: usize,
    /// Operators' calls that it works on at a time: 503.
    pub operator_requests: usize,
    /// Consoles that are told what happens, at a time: 503. One that does not keep up with door events
    /// is let go.
    pub listeners: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 2048,
            head_bytes: 32 * 1024,
            target_bytes: 16 * 1024,
            head_time: Duration::from_secs(30),
            body_bytes: 32 * 1024,
            body_time: Duration::from_secs(30),
            answer_bytes: 4 * 1024 * 1024,
            answer_time: Duration::from_secs(30),
            // Every door of a large building at once, as in an evacuation.
            webhook_requests: 1000,
            webhook_requests_a_second: 1000,
            event_requests: 512,
            operator_requests: 16,
            listeners: 32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::MEMORY;

    fn at_work(limits: &Limits) -> usize {
        limits.webhook_requests + limits.event_requests + limits.operator_requests
    }

    #[test]
    fn a_newcomer_always_finds_a_connection_that_can_be_closed() {
        let limits = Limits::default();
        assert!(at_work(&limits) < limits.connections);
    }

    #[test]
    fn all_bodies_that_are_worked_on_fit_into_half_of_the_modules_memory() {
        let limits = Limits::default();
        assert!(at_work(&limits) * limits.body_bytes <= MEMORY / 2);
    }
}
