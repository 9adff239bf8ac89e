use std::net::Ipv4Addr;
use std::sync::Mutex;
use std::sync::mpsc::{SyncSender, sync_channel};

use super::*;
use crate::net::{Poller, Role};

const PATIENCE: Duration = Duration::from_secs(20);

/// Gate that jobs wait at: each `open` lets one through.
struct Gate(SyncSender<()>, Arc<Mutex<Receiver<()>>>);

impl Gate {
    fn new() -> Gate {
        let (open, gate) = sync_channel(0);
        Gate(open, Arc::new(Mutex::new(gate)))
    }

    fn pass(&self) -> impl FnOnce() + Send + 'static {
        let gate = Arc::clone(&self.1);
        move || gate.lock().unwrap().recv().unwrap()
    }

    fn open(&self) {
        self.0.send(()).unwrap();
    }
}

struct Pool {
    pool: WorkerPool<char>,
    poller: Poller,
}

impl Pool {
    fn new(most_threads: usize) -> Pool {
        let mut poller = Poller::new().unwrap();
        let waker = Arc::new(poller.waker().unwrap());
        Pool { pool: WorkerPool::new("test", most_threads, waker), poller }
    }

    fn ticket(&mut self, from: u8, lane: Lane) -> Ticket {
        let owner = self.poller.key(0, Role::Control);
        let neighbourhood = Neighbourhood::of(Ipv4Addr::new(192, 0, 2, from).into());
        Ticket { owner, neighbourhood, lane }
    }

    fn submit(
        &mut self,
        from: u8,
        lane: Lane,
        work: impl FnOnce() -> char + Send + 'static,
    ) -> Arc<()> {
        let ticket = self.ticket(from, lane);
        self.pool.submit(ticket, work).expect("a thread")
    }

    /// Outcomes of the next jobs that are done.
    fn outcomes(&mut self, count: usize) -> Vec<Option<char>> {
        (0..count).map(|_| self.pool.wait(PATIENCE).expect("one is done").outcome).collect()
    }
}

#[test]
fn work_is_done_in_turn_and_what_nobody_wants_is_dropped() {
    let (mut pool, gate, held) = (Pool::new(1), Gate::new(), Arc::new(()));
    let pass = gate.pass();
    let first = pool.submit(1, Lane::Only, move || {
        pass();
        'a'
    });
    let holds = Arc::clone(&held);
    let given_up = pool.submit(1, Lane::Only, move || {
        drop(holds);
        'b'
    });
    let ticket = pool.ticket(1, Lane::Only);
    assert!(pool.pool.drop_on_worker(ticket, Arc::clone(&held)));
    let last = pool.submit(1, Lane::Only, || panic!("as a test has it"));
    assert_eq!((pool.pool.pending(), Arc::strong_count(&held)), (4, 3));
    assert!(pool.pool.done().is_none());
    drop(given_up);
    gate.open();
    assert_eq!(pool.outcomes(4), [Some('a'), None, None, None]);
    assert_eq!((pool.pool.pending(), Arc::strong_count(&held)), (0, 1));
    drop((first, last));
}

/// File operations of everybody stood behind those of one address, in the order of their coming.
#[test]
fn neighbourhoods_have_their_turns() {
    let (mut pool, gate) = (Pool::new(1), Gate::new());
    let pass = gate.pass();
    let mut tokens = vec![pool.submit(9, Lane::Only, move || {
        pass();
        '0'
    })];
    for (from, outcome) in [(1, 'a'), (1, 'b'), (1, 'c'), (2, 'x'), (3, 'y')] {
        tokens.push(pool.submit(from, Lane::Only, move || outcome));
    }
    gate.open();
    let order: String = pool.outcomes(6).into_iter().flatten().collect();
    assert_eq!(order, "0axybc");
}

/// One user's disk that hung locked out everybody with a root of their own: all threads waited for
/// it.
#[test]
fn a_lane_that_hangs_holds_up_no_other() {
    let (mut pool, gate) = (Pool::new(16), Gate::new());
    let mut tokens = Vec::new();
    let hung = [Lane::Device(1), Lane::Opening("/alice".into())];
    for lane in hung.iter().flat_map(|lane| [lane; 8]) {
        let pass = gate.pass();
        tokens.push(pool.submit(1, lane.clone(), move || {
            pass();
            'h'
        }));
    }
    for lane in [Lane::Opening("/bob".into()), Lane::Device(2)] {
        for from in [1, 2] {
            tokens.push(pool.submit(from, lane.clone(), || 'f'));
        }
    }
    assert_eq!(pool.outcomes(4), [Some('f'); 4]);
    for _ in 0..16 {
        gate.open();
    }
    assert_eq!(pool.outcomes(16), [Some('h'); 16]);
    assert!(pool.pool.lanes.is_empty());
}

/// With as many clients as threads on a disk that only took its time, the loop read by itself.
#[test]
fn threads_that_are_busy_do_not_hang() {
    let (mut pool, gate, lane) = (Pool::new(16), Gate::new(), Lane::Device(1));
    let hangs_at = |pool: &Pool| {
        let Some(progress) = pool.pool.lanes.get(&lane) else { return false };
        let at = progress.last_begun + HANGING;
        let responsive = |at| pool.pool.is_responsive(&lane, at);
        assert!(pool.pool.is_responsive(&Lane::Device(2), at));
        responsive(at - Duration::from_nanos(1)) && !responsive(at)
    };
    let mut tokens = Vec::new();
    let mut submit = |pool: &mut Pool| {
        let pass = gate.pass();
        tokens.push(pool.submit(1, lane.clone(), move || {
            pass();
            'a'
        }));
    };
    for _ in 1..DEVICE_THREADS {
        submit(&mut pool);
        assert!(!hangs_at(&pool), "one of them has nothing to do");
    }
    submit(&mut pool);
    assert!(hangs_at(&pool));
    let begun = |pool: &Pool| pool.pool.lanes[&lane].last_begun;
    let before = begun(&pool);
    submit(&mut pool);
    assert!(hangs_at(&pool) && begun(&pool) == before, "what waits is not begun");
    gate.open();
    pool.outcomes(1);
    assert!(hangs_at(&pool), "all have something to do");
    gate.open();
    pool.outcomes(1);
    assert!(!hangs_at(&pool));
    (0..DEVICE_THREADS - 1).for_each(|_| gate.open());
    pool.outcomes(DEVICE_THREADS - 1);
}
