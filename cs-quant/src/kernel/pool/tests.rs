//! Crews of a pool under many callers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use super::hub::{SPIN, TURNS};
use super::*;

fn pool(threads: usize) -> Pool {
    Pool::new(NonZeroUsize::new(threads).unwrap()).unwrap()
}

#[test]
fn every_part_runs_once() {
    for threads in 1..4 {
        let pool = pool(threads);
        let crew = pool.lease(threads);
        assert_eq!(crew.size(), threads);
        for parts in [0, 1, 2, 7, 100] {
            let counts: Vec<AtomicUsize> = (0..parts).map(|_| AtomicUsize::new(0)).collect();
            for _ in 0..200 {
                crew.run(parts, &|rank, part| {
                    assert!(crew.ranks().any(|ours| ours == rank));
                    counts[part].fetch_add(1, Ordering::Relaxed);
                });
            }
            assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == 200));
        }
    }
}

#[test]
fn sleepers_wake_and_panics_surface() {
    let pool = pool(2);
    let crew = pool.lease(2);
    std::thread::sleep(SPIN * 20);
    let sum = AtomicUsize::new(0);
    crew.run(8, &|_, part| {
        std::thread::sleep(Duration::from_millis(1));
        sum.fetch_add(part, Ordering::Relaxed);
    });
    assert_eq!(sum.into_inner(), 28);
    let caught = catch_unwind(AssertUnwindSafe(|| {
        crew.run(4, &|_, part| assert_ne!(part, 3))
    }));
    assert!(caught.is_err());
    crew.run(2, &|_, _| {});
}

#[test]
fn crews_never_use_more_threads_than_there_are() {
    for threads in 1..5 {
        let pool = pool(threads);
        let (leased, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let sum = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for caller in 0..6 {
                let (pool, leased, most, sum) = (&pool, &leased, &most, &sum);
                scope.spawn(move || {
                    for i in 0..50 {
                        let crew = pool.lease((caller + i) % 4);
                        let now = leased.fetch_add(crew.size(), Ordering::SeqCst) + crew.size();
                        most.fetch_max(now, Ordering::SeqCst);
                        assert_eq!(crew.ranks().count(), crew.size());
                        crew.run(5, &|rank, _| {
                            assert!(rank < pool.ranks());
                            sum.fetch_add(1, Ordering::Relaxed);
                        });
                        leased.fetch_sub(crew.size(), Ordering::SeqCst);
                    }
                });
            }
        });
        assert_eq!(sum.into_inner(), 1500);
        assert!(most.into_inner() <= threads);
        assert_eq!(pool.lease(9).size(), threads);
    }
}

#[test]
fn only_its_own_workers_help_a_crew() {
    let pool = pool(3);
    for i in 0..3_000 {
        let crew = pool.lease(2 + i % 2);
        let ranks: Vec<usize> = crew.ranks().collect();
        crew.run(4, &|rank, _| assert!(ranks.contains(&rank)));
    }
}

#[test]
fn who_came_first_is_served_first() {
    let pool = pool(1);
    let order = Mutex::new(Vec::new());
    let first = pool.lease(1);
    std::thread::scope(|scope| {
        for caller in 1..5 {
            let (pool, order) = (&pool, &order);
            scope.spawn(move || {
                let _crew = pool.lease(1);
                lock(order).push(caller);
            });
            while lock(&pool.hub.idle).asked <= caller {
                std::thread::yield_now();
            }
        }
        drop(first);
    });
    assert_eq!(order.into_inner().unwrap(), [1, 2, 3, 4]);
}

#[test]
fn models_share_a_pool_as_large_as_the_machine() {
    let cores = available_threads().get();
    let size = |n| NonZeroUsize::new(n).unwrap();
    let (one, all) = (Pool::shared(size(1)), Pool::shared(size(cores)));
    let (one, all) = (one.unwrap(), all.unwrap());
    assert!(Arc::ptr_eq(&one, &all) && one.threads() >= cores);
    let more = one.threads() + 1;
    let larger = Pool::shared(size(more)).unwrap();
    assert!(!Arc::ptr_eq(&one, &larger) && larger.threads() >= more);
}

#[test]
fn callers_of_one_thread_each_run_side_by_side() {
    let pool = pool(3);
    let crews = [pool.lease(1), pool.lease(1), pool.lease(1)];
    let slots: std::collections::BTreeSet<_> = crews.iter().map(Crew::caller).collect();
    assert_eq!(slots.len(), 3);
}

#[test]
fn everyone_in_a_long_line_is_served() {
    for threads in 1..4 {
        let pool = pool(threads);
        let served = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for caller in 0..3 * TURNS {
                let (pool, served) = (&pool, &served);
                scope.spawn(move || {
                    for turn in 0..40 {
                        drop(pool.lease(1 + (caller + turn) % threads));
                        served.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(served.into_inner(), 3 * TURNS * 40);
    }
}

#[test]
fn a_pool_is_quiet_until_it_is_used() {
    let pool = pool(2);
    let crew = pool.lease(1);
    assert!(!pool.quiet().lasts());
    drop(crew);
    let quiet = pool.quiet();
    assert!(quiet.lasts());
    drop(pool.lease(1));
    assert!(!quiet.lasts() && pool.quiet().lasts());
}

#[test]
fn a_buffer_is_scattered() {
    let pool = pool(3);
    let mut buffer = [0.0; 10];
    pool.lease(3)
        .scatter(&mut buffer, &[0, 3, 3, 8, 10], |_, i, part| {
            part.fill(i as f32 + 1.0);
        });
    assert_eq!(buffer, [1.0, 1.0, 1.0, 3.0, 3.0, 3.0, 3.0, 3.0, 4.0, 4.0]);
    let bad = catch_unwind(AssertUnwindSafe(|| {
        pool.lease(3).scatter(&mut buffer, &[0, 3, 2], |_, _, _| {});
    }));
    assert!(bad.is_err());
}
