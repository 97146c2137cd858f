//! Refinement of the best starts: fit and assignment in turn.

use super::{Aligner, Search};
use crate::assign::NONE;
use crate::matching::Matcher;

/// Rounds of fit and assignment from one start.
const ROUNDS: usize = 8;
/// Starts that are refined.
const BEST: usize = 2;
/// With equals up to this many.
const BEST_MOST: usize = 16;

impl Aligner {
    /// Refines the best starts with different assignments; every unique motion met becomes a candidate.
    pub(super) fn refine(&mut self, search: &Search<'_>, matcher: &mut Matcher) {
        let starts = self.candidates.len();
        let mut order = std::mem::take(&mut self.order);
        order.clear();
        order.extend((0..starts).filter(|&k| self.best_of_its_assignment(k, starts)));
        order.sort_by(|&a, &b| {
            let (a, b) = (&self.candidates[a], &self.candidates[b]);
            b.sum.total_cmp(&a.sum).then(a.rank.cmp(&b.rank))
        });
        let last = order.get(BEST - 1).or(order.last()).map_or(0.0, |&k| self.candidates[k].sum);
        let kept = order.iter().take(BEST_MOST).take_while(|&&k| self.candidates[k].sum >= last).count();
        self.refined.clear();
        let mut left = search.share.map_or(usize::MAX, |share| share.assigned);
        for &start in &order[..kept] {
            left -= self.refine_from(search, start, left.min(ROUNDS), matcher);
        }
        self.order = order;
    }

    /// Whether no other start with the same assignment comes before this one.
    fn best_of_its_assignment(&self, k: usize, starts: usize) -> bool {
        let this = self.candidates[k];
        (0..starts).all(|other| {
            let that = self.candidates[other];
            that.same != this.same || that.sum < this.sum || (that.sum == this.sum && that.rank >= this.rank)
        })
    }

    /// Fit and assignment until the assignment repeats, and how many rounds that took.
    fn refine_from(&mut self, search: &Search<'_>, start: usize, rounds: usize, matcher: &mut Matcher) -> usize {
        let mut current = self.candidates[start].same;
        self.chain.clear();
        for round in 0..rounds {
            self.chain.push(current);
            let Some(next) = self.refine_once(search, current, matcher) else { return round };
            current = self.candidates[next].same;
            if self.chain.contains(&current) {
                return round + 1;
            }
        }
        rounds
    }

    /// The candidate to which an assignment leads, tried once; none where its fit is not unique.
    fn refine_once(&mut self, search: &Search<'_>, assignment: usize, matcher: &mut Matcher) -> Option<usize> {
        if let Some((_, next)) = self.refined.iter().find(|(from, _)| *from == assignment) {
            return Some(*next);
        }
        self.gather(search, assignment);
        let motion = search.fit.motion(&self.a, &self.b)?;
        let rank = self.next_rank;
        self.next_rank += 1;
        let next = self.try_motion(search, motion, rank, matcher);
        self.refined.push((assignment, next));
        Some(next)
    }

    /// The matched nodes of a candidate: reference in `a`, reply in `b`.
    fn gather(&mut self, search: &Search<'_>, candidate: usize) {
        let at = self.runs[self.candidates[candidate].same];
        self.a.clear();
        self.b.clear();
        for (k, i) in search.scope.nodes.clone().enumerate() {
            let partner = self.partners[at + k];
            if partner != NONE {
                self.a.push(search.context.scene.xyz[i]);
                self.b.push(search.context.layout.points.at(partner as usize));
            }
        }
    }
}
