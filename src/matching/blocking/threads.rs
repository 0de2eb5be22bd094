//! Work spread over a few threads with results in the order of the work, so that no result depends on their number.
//!
//! Plain scoped threads: the work comes in equal slices of one list, for which a work-stealing pool has nothing to add.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of threads to use; 0 asks the machine.
pub(crate) fn thread_count(wanted: usize) -> usize {
    if wanted > 0 { wanted } else { std::thread::available_parallelism().map_or(1, usize::from) }
}

/// Does `work` for each of `0..count` on so many threads; the results come in the order of the numbers.
pub(crate) fn over<T: Send>(threads: usize, count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    if threads < 2 || count < 2 {
        return (0..count).map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let (next, work) = (&next, &work);
    let mut results: Vec<(usize, T)> = std::thread::scope(|scope| {
        let run = move || {
            let mut own = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return own;
                }
                own.push((number, work(number)));
            }
        };
        let others: Vec<_> = (1..threads.min(count)).map(|_| scope.spawn(run)).collect();
        let mut all = run();
        for other in others {
            match other.join() {
                Ok(own) => all.extend(own),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    results.sort_unstable_by_key(|result| result.0);
    results.into_iter().map(|result| result.1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_whatever_the_threads() {
        for threads in [1, 2, 7] {
            assert_eq!(over(threads, 100, |number| number * 3), (0..100).map(|n| n * 3).collect::<Vec<_>>());
        }
        assert!(over(4, 0, |number| number).is_empty());
        assert!(thread_count(0) >= 1 && thread_count(3) == 3);
    }
}
