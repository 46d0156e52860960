//! Randomness.

/// Where a module's random bytes come from.
pub trait Random: Send + Sync {
    /// `count` bytes, fit for keys.
    fn bytes(&self, count: usize) -> Vec<u8>;
}

/// The operating system's generator.
#[derive(Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn bytes(&self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        #[expect(
            clippy::expect_used,
            reason = "without randomness no id, key or jitter can be trusted"
        )]
        getrandom::fill(&mut bytes).expect("the operating system has no randomness");
        bytes
    }
}
