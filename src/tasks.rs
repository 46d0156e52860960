//! Work that nobody waits for, done by [`Driver::run`](crate::Driver::run); and the bell that wakes it.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Poll, Waker};

use futures_util::future::LocalBoxFuture;

/// Work for `run` to do beside its deliveries. What is not done when that ends is left.
#[derive(Default)]
pub(crate) struct Tasks {
    waiting: RefCell<Vec<LocalBoxFuture<'static, ()>>>,
    bell: Bell,
}

impl Tasks {
    /// Hands `work` over.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + 'static) {
        self.waiting.borrow_mut().push(Box::pin(work));
        self.bell.ring();
    }

    /// What was handed over since the last call.
    pub(crate) fn take(&self) -> Vec<LocalBoxFuture<'static, ()>> {
        std::mem::take(&mut self.waiting.borrow_mut())
    }

    /// Wakes `run` when there is work.
    pub(crate) fn bell(&self) -> &Bell {
        &self.bell
    }
}

/// Wakes the one that waits, or the next one that comes to wait.
#[derive(Default)]
pub(crate) struct Bell {
    rung: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Bell {
    pub(crate) fn ring(&self) {
        self.rung.set(true);
        let waker = self.waker.borrow_mut().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) async fn rung(&self) {
        poll_fn(|context| {
            if self.rung.take() {
                return Poll::Ready(());
            }
            self.waker.replace(Some(context.waker().clone()));
            Poll::Pending
        })
        .await;
    }
}
