//! Which of several optimal assignments counts: the lexicographically first.

use super::{NONE, Optimum};

/// The two sides of a problem; rows of the solver are the references, or the replies where `flipped` (they are fewer).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sides {
    pub(crate) references: usize,
    pub(crate) replies: usize,
    pub(crate) flipped: bool,
}

/// Reused memory of the pass over equals.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ties {
    /// For each reference the replies to which a tight pair leads, and for each reply the references.
    replies: Bits,
    references: Bits,
    /// One row each: references already settled or reached, replies already taken, replies that nobody holds.
    closed: Bits,
    taken: Bits,
    alone: Bits,
    /// Who holds a reply.
    owner: Vec<u32>,
    /// Whether a reference leads to the one that is being settled, and the reply that it takes on the way.
    leads: Vec<bool>,
    settled: Vec<bool>,
    next: Vec<u32>,
    queue: Vec<u32>,
    outside: Outside,
}

/// Where a path goes on that has left the matching: one vertex of the larger side becomes or stops being alone.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Outside {
    #[default]
    Unreached,
    /// This reference, now alone, gets a reply.
    Reference(u32),
    /// This reply is let go.
    Reply(u32),
}

/// The step of a reference that is left alone.
const ALONE: u32 = u32::MAX - 1;

/// Rows of bits.
#[derive(Clone, Debug, Default)]
struct Bits {
    words: Vec<u64>,
    width: usize,
}

impl Bits {
    fn reset(&mut self, rows: usize, columns: usize) {
        self.width = columns.div_ceil(64);
        self.words.clear();
        self.words.resize(rows * self.width, 0);
    }

    fn set(&mut self, row: usize, column: usize) {
        self.words[row * self.width + column / 64] |= 1 << (column % 64);
    }

    fn unset(&mut self, row: usize, column: usize) {
        self.words[row * self.width + column / 64] &= !(1 << (column % 64));
    }

    fn row(&self, row: usize) -> &[u64] {
        &self.words[row * self.width..(row + 1) * self.width]
    }

    /// The first column of the row that `other`'s only row holds too.
    fn first_common(&self, row: usize, other: &Self) -> Option<usize> {
        let mut words = self.row(row).iter().zip(&other.words).map(|(a, b)| a & b).enumerate();
        words.find(|(_, word)| *word != 0).map(|(k, word)| k * 64 + word.trailing_zeros() as usize)
    }
}

impl Ties {
    /// Writes the lexicographically first of the optimal assignments to `out`: the reply of each reference, or [`NONE`].
    ///
    /// Both sides are numbered in their canonical order; unmatched comes last. Every optimal assignment uses tight pairs only,
    /// and differs from this one by cycles of alternating pairs, where a path is a cycle through the outside. Reference by
    /// reference, the first reply on such a cycle is taken, and both are settled.
    pub(crate) fn settle(&mut self, solved: &Optimum, sides: Sides, out: &mut [u32]) {
        let Sides { references, replies, flipped } = sides;
        out.fill(NONE);
        for (row, &column) in solved.column_of().iter().enumerate() {
            let (reference, reply) = if flipped { (column, row as u32) } else { (row as u32, column) };
            out[reference as usize] = reply;
        }
        if solved.is_unique() {
            return;
        }
        self.replies.reset(references, replies);
        self.references.reset(replies, references);
        for &(row, column) in solved.tight() {
            let (row, column) = (row as usize, column as usize);
            let (reference, reply) = if flipped { (column, row) } else { (row, column) };
            self.replies.set(reference, reply);
            self.references.set(reply, reference);
        }
        self.taken.reset(1, replies);
        self.alone.reset(1, replies);
        self.settled.clear();
        self.settled.resize(references, false);
        self.owner.clear();
        self.owner.resize(replies, NONE);
        for (reference, &reply) in out.iter().enumerate().filter(|(_, reply)| **reply != NONE) {
            self.owner[reply as usize] = reference as u32;
        }
        for reply in (0..replies).filter(|&reply| self.owner[reply] == NONE) {
            self.alone.set(0, reply);
        }
        for reference in 0..references {
            let now = (out[reference] as usize).min(replies);
            if self.wanted(reference, 0, now).is_some() {
                self.search(reference, solved, sides, out);
                let mut from = 0;
                while let Some(reply) = self.wanted(reference, from, now) {
                    if self.closes(reply) {
                        self.exchange(reference as u32, reply as u32, out);
                        break;
                    }
                    from = reply + 1;
                }
            }
            self.settled[reference] = true;
            if out[reference] != NONE {
                self.taken.set(0, out[reference] as usize);
            }
        }
    }

    /// The first tight reply in `from..until` that no settled reference has.
    fn wanted(&self, reference: usize, from: usize, until: usize) -> Option<usize> {
        let row = self.replies.row(reference);
        for (k, (all, taken)) in row.iter().zip(&self.taken.words).enumerate().skip(from / 64) {
            let mut word = all & !taken;
            if k == from / 64 {
                word &= u64::MAX << (from % 64);
            }
            if word != 0 {
                let reply = k * 64 + word.trailing_zeros() as usize;
                return (reply < until).then_some(reply);
            }
        }
        None
    }

    /// Whether giving this reply away leads back to the reference that is being settled.
    fn closes(&self, reply: usize) -> bool {
        match self.owner[reply] {
            NONE => self.outside != Outside::Unreached,
            holder => self.leads[holder as usize],
        }
    }

    /// Finds, backwards, every unsettled reference that leads to `target`.
    fn search(&mut self, target: usize, solved: &Optimum, sides: Sides, out: &[u32]) {
        let Sides { references, replies, .. } = sides;
        self.leads.clear();
        self.leads.resize(references, false);
        self.next.clear();
        self.next.resize(references, NONE);
        self.closed.reset(1, references);
        for reference in (0..references).filter(|&reference| self.settled[reference]) {
            self.closed.set(0, reference);
        }
        self.outside = Outside::Unreached;
        self.queue.clear();
        self.lead(target, NONE);
        while let Some(reference) = self.queue.pop() {
            let reply = out[reference as usize];
            let way = if reply == NONE {
                Some(Outside::Reference(reference))
            } else {
                for k in 0..self.closed.words.len() {
                    let mut word = self.references.row(reply as usize)[k] & !self.closed.words[k];
                    while word != 0 {
                        self.lead(k * 64 + word.trailing_zeros() as usize, reply);
                        word &= word - 1;
                    }
                }
                let may_go = replies > references && solved.column_price(reply as usize) == 0;
                may_go.then_some(Outside::Reply(reply))
            };
            if let (Some(way), Outside::Unreached) = (way, self.outside) {
                self.outside = way;
                self.enter_outside(solved, sides, out);
            }
        }
    }

    fn lead(&mut self, reference: usize, step: u32) {
        self.leads[reference] = true;
        self.closed.set(0, reference);
        self.next[reference] = step;
        self.queue.push(reference as u32);
    }

    /// Finds every unsettled reference from which the outside is one step away.
    fn enter_outside(&mut self, solved: &Optimum, sides: Sides, out: &[u32]) {
        for (before, &held) in out.iter().enumerate() {
            if self.leads[before] || self.settled[before] {
                continue;
            }
            if sides.references > sides.replies {
                if held != NONE && solved.column_price(before) == 0 {
                    self.lead(before, ALONE);
                }
            } else if let Some(reply) = self.replies.first_common(before, &self.alone) {
                self.lead(before, reply as u32);
            }
        }
    }

    /// Gives `reply` to `target` and exchanges along the path that leads back.
    fn exchange(&mut self, target: u32, reply: u32, out: &mut [u32]) {
        let (mut reference, mut reply) = (target, reply);
        loop {
            out[reference as usize] = reply;
            let mut loser = std::mem::replace(&mut self.owner[reply as usize], reference);
            if loser == NONE {
                self.alone.unset(0, reply as usize);
                loser = self.leave(target);
            }
            if loser != target && self.next[loser as usize] == ALONE {
                out[loser as usize] = NONE;
                loser = self.leave(target);
            }
            if loser == target {
                return;
            }
            reference = loser;
            reply = self.next[loser as usize];
        }
    }

    /// The reference with which a path goes on beyond the outside.
    fn leave(&mut self, target: u32) -> u32 {
        match self.outside {
            Outside::Reference(reference) => reference,
            Outside::Reply(reply) => {
                self.alone.set(0, reply as usize);
                std::mem::replace(&mut self.owner[reply as usize], NONE)
            }
            Outside::Unreached => target,
        }
    }
}
