//! Work whose outcome several callers wait for.
//!
//! It must not be polled by one caller and then by another. The calls of a component are tasks of their
//! own, and what one of them has asked of the host must not go over to another while the answer is on its
//! way: Wasmtime 48 ends the component for it. So [`Driver::run`](crate::Driver::run) does the work, and callers
//! wait for it; only while nothing runs, one of them does it.

use std::cell::{Cell, OnceCell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use futures_util::future::LocalBoxFuture;

use crate::tasks::Tasks;

/// Work and its outcome.
pub(crate) struct Joint<T>(Rc<State<T>>);

struct State<T> {
    work: RefCell<LocalBoxFuture<'static, T>>,
    outcome: OnceCell<T>,
    /// One of the hands does it.
    is_taken: Cell<bool>,
    waiting: RefCell<Vec<Waker>>,
}

/// Somebody who does the work or waits for it.
struct Hand<'a, T> {
    joint: Joint<T>,
    /// A caller's: while `run` runs, the work is left to that. `run` itself has `None`.
    runs: Option<&'a Cell<bool>>,
    does_it: bool,
}

impl<T: Clone + 'static> Joint<T> {
    /// Hands `work` over to `tasks`, which `run` does.
    pub(crate) fn begin(tasks: &Tasks, work: impl Future<Output = T> + 'static) -> Self {
        let joint = Self::new(work);
        tasks.spawn(joint.done());
        joint
    }

    /// What the work comes to. It is left to `run` while that `runs`.
    pub(crate) fn outcome(&self, runs: &Cell<bool>) -> impl Future<Output = T> {
        self.hand(Some(runs))
    }

    /// What it came to, if it has ended.
    pub(crate) fn peek(&self) -> Option<&T> {
        self.0.outcome.get()
    }

    fn new(work: impl Future<Output = T> + 'static) -> Self {
        Self(Rc::new(State {
            work: RefCell::new(Box::pin(work)),
            outcome: OnceCell::new(),
            is_taken: Cell::new(false),
            waiting: RefCell::default(),
        }))
    }

    /// Does the work, for `run`.
    fn done(&self) -> impl Future<Output = ()> + use<T> {
        let hand = self.hand(None);
        async move {
            hand.await;
        }
    }

    fn hand<'a>(&self, runs: Option<&'a Cell<bool>>) -> Hand<'a, T> {
        Hand {
            joint: self.clone(),
            runs,
            does_it: false,
        }
    }
}

impl<T> Clone for Joint<T> {
    /// The same work.
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T: Clone> Future for Hand<'_, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let state = Rc::clone(&self.joint.0);
        if let Some(outcome) = state.outcome.get() {
            return Poll::Ready(outcome.clone());
        }
        let is_left = self.runs.is_some_and(Cell::get);
        if !self.does_it && !is_left {
            self.does_it = !state.is_taken.replace(true);
        }
        if !self.does_it {
            state.wait(context.waker());
            return Poll::Pending;
        }
        let ended = state.work.borrow_mut().as_mut().poll(context);
        ended.map(|outcome| {
            let outcome = state.outcome.get_or_init(|| outcome).clone();
            state.wake();
            outcome
        })
    }
}

impl<T> Drop for Hand<'_, T> {
    /// Another one does it then.
    fn drop(&mut self) {
        let state = &self.joint.0;
        if state.outcome.get().is_some() {
            return;
        }
        if self.does_it {
            state.is_taken.set(false);
        }
        if !state.is_taken.get() {
            state.wake();
        }
    }
}

impl<T> State<T> {
    fn wait(&self, waker: &Waker) {
        let mut waiting = self.waiting.borrow_mut();
        if !waiting.iter().any(|other| other.will_wake(waker)) {
            waiting.push(waker.clone());
        }
    }

    fn wake(&self) {
        for waker in self.waiting.take() {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    /// Counts how often it is woken.
    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn poll<F: Future>(task: &Arc<Task>, future: &mut Pin<Box<F>>) -> Option<F::Output> {
        let waker = Waker::from(Arc::clone(task));
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    /// Work that ends when it is told its outcome, and the tasks that have polled it, each once in a row.
    #[expect(clippy::type_complexity, reason = "it is taken apart at once")]
    fn work() -> (Rc<Cell<Option<u8>>>, Joint<u8>, Rc<RefCell<Vec<Waker>>>) {
        let told = Rc::<Cell<Option<u8>>>::default();
        let polled_by = Rc::<RefCell<Vec<Waker>>>::default();
        let (outcome, seen) = (Rc::clone(&told), Rc::clone(&polled_by));
        let joint = Joint::new(poll_fn(move |context| {
            let mut seen = seen.borrow_mut();
            let is_the_same = |last: &Waker| last.will_wake(context.waker());
            if !seen.last().is_some_and(is_the_same) {
                seen.push(context.waker().clone());
            }
            outcome.get().map_or(Poll::Pending, Poll::Ready)
        }));
        (told, joint, polled_by)
    }

    #[test]
    fn what_runs_does_it_and_callers_only_wait() {
        let (told, joint, polled_by) = work();
        let runs = Cell::new(true);
        let [run, one, other] = [(); 3].map(|()| Arc::<Task>::default());
        let mut first = Box::pin(joint.outcome(&runs));
        let mut second = Box::pin(joint.outcome(&runs));
        assert_eq!(poll(&one, &mut first), None);
        assert!(polled_by.borrow().is_empty());
        let mut done = Box::pin(joint.done());
        assert_eq!(poll(&run, &mut done), None);
        assert_eq!(poll(&other, &mut second), None);
        assert_eq!(poll(&other, &mut second), None);

        told.set(Some(7));
        assert_eq!(poll(&run, &mut done), Some(()));
        assert_eq!(polled_by.borrow().len(), 1);
        assert_eq!(
            [&one, &other].map(|task| task.0.load(Ordering::SeqCst)),
            [1, 1]
        );
        assert_eq!(poll(&one, &mut first), Some(7));
        assert_eq!(poll(&other, &mut second), Some(7));
        assert_eq!(joint.peek(), Some(&7));
    }

    #[test]
    fn when_nothing_runs_a_caller_does_it_and_then_another() {
        let (told, joint, polled_by) = work();
        let runs = Cell::new(true);
        let [run, one, other] = [(); 3].map(|()| Arc::<Task>::default());
        let mut done = Box::pin(joint.done());
        let mut first = Box::pin(joint.outcome(&runs));
        let mut second = Box::pin(joint.outcome(&runs));
        assert_eq!(poll(&run, &mut done), None);
        assert_eq!(poll(&one, &mut first), None);
        assert_eq!(poll(&other, &mut second), None);

        runs.set(false);
        drop(done);
        assert_eq!(
            [&one, &other].map(|task| task.0.load(Ordering::SeqCst)),
            [1, 1]
        );
        assert_eq!(poll(&one, &mut first), None);
        assert_eq!(poll(&other, &mut second), None);
        assert_eq!(polled_by.borrow().len(), 2);

        drop(first);
        assert_eq!(other.0.load(Ordering::SeqCst), 2);
        told.set(Some(7));
        assert_eq!(poll(&other, &mut second), Some(7));
        assert_eq!(polled_by.borrow().len(), 3);
    }

    #[test]
    fn what_was_to_do_it_and_never_began_leaves_it_to_those_who_wait() {
        let (_, joint, polled_by) = work();
        let runs = Cell::new(true);
        let one = Arc::<Task>::default();
        let done = joint.done();
        let mut first = Box::pin(joint.outcome(&runs));
        assert_eq!(poll(&one, &mut first), None);
        runs.set(false);
        drop(done);
        assert_eq!(one.0.load(Ordering::SeqCst), 1);
        assert_eq!(poll(&one, &mut first), None);
        assert_eq!(polled_by.borrow().len(), 1);
    }
}
