//! A bounded pool: many things looked at by a few threads, the answers in the order of the things.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Asks `look` of every item on so many threads. Items that were not reached when `stop` said so have no answer.
pub(crate) fn each<T: Sync, R: Send>(
    threads: usize,
    items: &[T],
    stop: &(dyn Fn() -> bool + Sync),
    look: &(dyn Fn(&T) -> R + Sync),
) -> Vec<(usize, R)> {
    let next = AtomicUsize::new(0);
    let all: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::with_capacity(items.len()));
    let work = || {
        let mut mine = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { break };
            // The clock is asked seldom: most items take microseconds.
            if index.is_multiple_of(16) && stop() {
                next.store(items.len(), Ordering::Relaxed);
                break;
            }
            mine.push((index, look(item)));
        }
        match all.lock() {
            Ok(mut all) => all.extend(mine),
            Err(poisoned) => poisoned.into_inner().extend(mine),
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.max(1).min(items.len().max(1)) {
            scope.spawn(work);
        }
        work();
    });
    let mut all = all.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    all.sort_unstable_by_key(|(index, _)| *index);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_once_in_order_until_it_is_stopped() {
        let items: Vec<usize> = (0..1000).collect();
        for threads in [0, 1, 3] {
            let found = each(threads, &items, &|| false, &|n| n * 2);
            assert_eq!(found.len(), 1000);
            assert!(found.iter().enumerate().all(|(i, (at, n))| i == *at && *n == i * 2));
        }
        assert!(each(2, &items, &|| true, &|n| *n).is_empty());
    }
}
