//! Rows of a batch over the worker threads: chunks taken as workers become free, one reused scratch a worker. What a row
//! gets depends on its text, reference and tokens alone.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::{ThreadPool, yield_now};
use videostr_core::names::{AnswerStatus, COMPONENTS, GraphStatus, Repair};
use videostr_core::reference::Reference;
use videostr_core::score::{Row, Scorer, Scratch};

use crate::door::{Panicked, guard};

/// Below this many bytes of text, waking a thread costs more than it saves.
const INLINE_BYTES: usize = 16 * 1024;
const MAX_CHUNK: usize = 64;
/// Chunks a worker, so that one that meets dear rows is helped by the others.
const CHUNKS_PER_WORKER: usize = 8;

const UNSCORED: Row = Row {
    components: [0.0; COMPONENTS.len()],
    graph_status: GraphStatus::None,
    answer_status: AnswerStatus::None,
    repairs: Repair::Internal.bit(),
};

static PANIC_ARMED: AtomicBool = AtomicBool::new(false);

thread_local! {
    static SCRATCH: RefCell<Option<Box<Scratch>>> = const { RefCell::new(None) };
}

/// One reference for every row, or one each.
pub(crate) enum References<'a> {
    /// The same for all.
    One(&'a Reference),
    /// The i-th for the i-th row.
    Each(Vec<&'a Reference>),
}

impl<'a> References<'a> {
    fn of(&self, row: usize) -> &'a Reference {
        match self {
            Self::One(reference) => reference,
            Self::Each(references) => references[row],
        }
    }
}

/// What a batch is made of; all lengths agree.
pub(crate) struct Batch<'a> {
    pub(crate) scorer: &'a Scorer,
    pub(crate) texts: Vec<&'a str>,
    pub(crate) references: References<'a>,
    pub(crate) tokens: Option<Vec<f64>>,
    /// `u32::MAX`: group unknown.
    pub(crate) groups: Option<Vec<u32>>,
}

/// The rows and, when a bug of ours was caught, the first such row and what it said.
pub(crate) struct Scored {
    pub(crate) rows: Vec<Row>,
    pub(crate) fault: Option<(usize, String)>,
}

/// Makes the next reply that is scored or explained panic: the tests' way to see that a panic is contained.
pub(crate) fn arm_panic() {
    PANIC_ARMED.store(true, Ordering::SeqCst);
}

/// Where work on one reply begins.
pub(crate) fn panic_if_armed() {
    let armed = PANIC_ARMED.load(Ordering::Relaxed) && PANIC_ARMED.swap(false, Ordering::SeqCst);
    assert!(!armed, "asked for by a test");
}

impl Batch<'_> {
    /// How many threads are worth using, of at most `threads`.
    pub(crate) fn workers(&self, threads: usize) -> usize {
        let bytes: usize = self.texts.iter().map(|text| text.len()).sum();
        if bytes < INLINE_BYTES { 1 } else { threads.min(self.texts.len()).max(1) }
    }

    /// Scores every row; `helpers` are the threads beside the calling one.
    pub(crate) fn run(&self, workers: usize, helpers: Option<&Arc<ThreadPool>>) -> Scored {
        let mut rows = vec![UNSCORED; self.texts.len()];
        let fault = Mutex::new(None);
        let size = (rows.len() / (workers * CHUNKS_PER_WORKER)).clamp(1, MAX_CHUNK);
        match helpers {
            Some(pool) if workers > 1 => {
                let queue = Mutex::new(rows.chunks_mut(size).enumerate());
                let work = || {
                    loop {
                        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
                        let Some((index, chunk)) = next else { break };
                        self.fill(index * size, chunk, &fault);
                        // a worker thread lets a batch of another caller in, so that a small one never waits for a big one
                        yield_now();
                    }
                };
                pool.in_place_scope(|scope| {
                    for _ in 1..workers {
                        scope.spawn(|_| work());
                    }
                    work();
                });
            }
            _ => self.fill(0, &mut rows, &fault),
        }
        self.finish_groups(&mut rows);
        Scored { rows, fault: fault.into_inner().unwrap_or_else(PoisonError::into_inner) }
    }

    fn fill(&self, first: usize, rows: &mut [Row], fault: &Mutex<Option<(usize, String)>>) {
        let mut scratch = SCRATCH.take().unwrap_or_default();
        for (offset, row) in rows.iter_mut().enumerate() {
            let at = first + offset;
            let tokens = self.tokens.as_ref().map(|tokens| tokens[at]).filter(|count| !count.is_nan());
            let reference = self.references.of(at);
            let scored = guard(|| {
                panic_if_armed();
                self.scorer.score(&mut scratch, self.texts[at], reference, tokens)
            });
            *row = scored.unwrap_or_else(|Panicked(text)| {
                *scratch = Scratch::default();
                let mut first_fault = fault.lock().unwrap_or_else(PoisonError::into_inner);
                if first_fault.as_ref().is_none_or(|(row, _)| at < *row) {
                    *first_fault = Some((at, text));
                }
                self.internal_row(&mut scratch, reference, tokens)
            });
        }
        SCRATCH.set(Some(scratch));
    }

    /// The row of a reply that met a bug: defined where the reference defines it, 0 there, and the `internal` bit.
    fn internal_row(&self, scratch: &mut Scratch, reference: &Reference, tokens: Option<f64>) -> Row {
        let empty = guard(|| self.scorer.score(scratch, "", reference, tokens));
        let components = empty
            .map_or(UNSCORED.components, |row| row.components.map(|value| if value.is_nan() { value } else { 0.0 }));
        Row { components, ..UNSCORED }
    }

    /// The length rule's second half, over the rows whose group is known.
    fn finish_groups(&self, rows: &mut [Row]) {
        let Some(groups) = &self.groups else { return };
        let known: Vec<usize> = (0..rows.len()).filter(|&row| groups[row] != u32::MAX).collect();
        let mut grouped: Vec<Row> = known.iter().map(|&row| rows[row]).collect();
        let group_of: Vec<u32> = known.iter().map(|&row| groups[row]).collect();
        self.scorer.apply_groups(&mut grouped, &group_of, |index| self.references.of(known[index]));
        for (row, scored) in known.into_iter().zip(grouped) {
            rows[row] = scored;
        }
    }
}
