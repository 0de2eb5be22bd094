//! Time for programs that would otherwise wait: it stands still while anybody works, and jumps when all wait.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use reknit::domain::clock::{Clock, Timestamp, Wait};

/// Time that jumps to the next awaited moment when everybody waits, and stands still while anybody works.
#[derive(Clone)]
pub(crate) struct VirtualTime(Arc<Shared>);

struct Shared {
    /// Also the sandbox's time.
    now: Arc<AtomicI64>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    working: usize,
    waiting: Vec<(i64, u64, Waker)>,
    /// How many waits there were; each has its number.
    waits: u64,
}

impl VirtualTime {
    /// Time that shows these milliseconds since 1970.
    pub(crate) fn at(start: i64) -> Self {
        Self(Arc::new(Shared { now: Arc::new(AtomicI64::new(start)), state: Mutex::default() }))
    }

    /// The same time for whoever may not know this type.
    pub(crate) fn shared(&self) -> Arc<AtomicI64> {
        Arc::clone(&self.0.now)
    }

    /// One more worker is at work. It must wait for nothing but this time and for what ends by itself.
    pub(crate) fn begins(&self) {
        self.0.state.lock().expect("no panic").working += 1;
    }

    /// A worker has done its work.
    pub(crate) fn ends(&self) {
        let mut state = self.0.state.lock().expect("no panic");
        state.working -= 1;
        self.jump(&mut state);
    }

    fn jump(&self, state: &mut State) {
        if state.working > 0 {
            return;
        }
        let Some(next) = state.waiting.iter().map(|(at, ..)| *at).min() else { return };
        self.0.now.fetch_max(next, Ordering::SeqCst);
        let (due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut state.waiting).into_iter().partition(|(at, ..)| *at <= next);
        state.waiting = later;
        state.working += due.len();
        for (_, _, waker) in due {
            waker.wake();
        }
    }
}

impl Clock for VirtualTime {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.now.load(Ordering::SeqCst))
    }

    fn steady(&self) -> Duration {
        // Nobody sets this clock.
        Duration::from_millis(u64::try_from(self.now().0).expect("after 1970"))
    }

    fn rest(&self, length: Duration) -> Wait {
        Box::pin(Waiting { time: self.clone(), at: self.now().plus(length).0, number: 0, registered: false })
    }
}

struct Waiting {
    time: VirtualTime,
    at: i64,
    number: u64,
    registered: bool,
}

impl Future for Waiting {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.time.now().0 >= self.at {
            return Poll::Ready(());
        }
        // Each wait is registered once: its waker stays good, since nothing else wakes these tasks meanwhile.
        if !self.registered {
            self.registered = true;
            let time = self.time.clone();
            let mut state = time.0.state.lock().expect("no panic");
            state.waits += 1;
            self.number = state.waits;
            state.waiting.push((self.at, self.number, context.waker().clone()));
            state.working -= 1;
            time.jump(&mut state);
        }
        Poll::Pending
    }
}

impl Drop for Waiting {
    /// Whoever stops waiting before the time is at work again.
    fn drop(&mut self) {
        if !self.registered {
            return;
        }
        let mut state = self.time.0.state.lock().expect("no panic");
        let waits = |(_, number, _): &(i64, u64, Waker)| *number == self.number;
        if let Some(place) = state.waiting.iter().position(waits) {
            state.waiting.swap_remove(place);
            state.working += 1;
        }
    }
}
