//! The best proper motion of a scope: a stated, finite set of candidates, built from nodes alone, and the best of them.

#![expect(clippy::inline_always, reason = "some loops must be compiled for wide registers, see `wide`")]

mod bound;
mod pairs;
mod refine;
mod share;
mod starts;

use crate::assign::NONE;
use crate::components::{Context, chirality, edge, node};
use crate::geometry::{Fit, Motion, Points, Turning, Vec3, grid};
use crate::matching::Matcher;
use crate::plan::{AngleKind, Scope};
use crate::wide::wide;

/// A motion that was tried.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    motion: Motion,
    /// `Σκ_n` of the scope on the grid.
    sum: f64,
    /// The first candidate with the same assignment.
    same: usize,
    /// Its place in the order of candidates.
    rank: usize,
}

/// Reused memory of the search.
#[derive(Debug, Default)]
pub(crate) struct Aligner {
    starts: Vec<Motion>,
    candidates: Vec<Candidate>,
    /// Partners of the scope's nodes, one run a different assignment; `runs[c]` is where candidate c's begins.
    partners: Vec<u32>,
    hashes: Vec<u64>,
    runs: Vec<usize>,
    working: Vec<u32>,
    moved: Points,
    a: Vec<Vec3>,
    b: Vec<Vec3>,
    tuples: starts::TupleScratch,
    edges: edge::EdgeScratch,
    order: Vec<usize>,
    bounds: Vec<(f64, usize)>,
    next_rank: usize,
    /// Assignments that were refined, each with the candidate that it led to.
    refined: Vec<(usize, usize)>,
    chain: Vec<usize>,
    least: bound::Least,
}

/// What is asked of one search.
#[derive(Clone, Copy)]
struct Search<'a> {
    context: Context<'a>,
    scope: &'a Scope,
    turning: Turning,
    fit: Fit,
    share: Option<share::Share>,
}

impl Aligner {
    /// Finds the best motion of a scope and writes its assignment to `out` (the scope's nodes) and its places to `points`.
    ///
    /// Where no candidate can be built (every label has too many nodes in the reply), coordinates are compared as written.
    pub(crate) fn align(
        &mut self,
        context: Context<'_>,
        scope: &Scope,
        turning: Turning,
        matcher: &mut Matcher,
        out: &mut [u32],
        points: &mut Points,
    ) -> Motion {
        let scene = context.scene;
        let fit = Fit { turning, free_scale: context.spec.free_scale, area: scene.area() };
        let search = Search { context, scope, turning, fit, share: share::Share::of(&context) };
        self.candidates.clear();
        self.partners.clear();
        self.hashes.clear();
        self.runs.clear();
        self.working.clear();
        self.working.resize(scene.xyz.len(), NONE);
        self.moved.resize(context.layout.label.len());
        self.starts.clear();
        self.find_starts(&search);
        if self.starts.is_empty() {
            self.starts.push(Motion::IDENTITY);
        }
        self.try_starts(&search, matcher);
        self.refine(&search, matcher);
        let best = self.best(&search);
        let Candidate { motion, same, .. } = self.candidates[best];
        let nodes = scope.nodes.clone();
        out[nodes.clone()].copy_from_slice(&self.partners[self.runs[same]..self.runs[same] + nodes.len()]);
        move_points(&search, &motion, points);
        motion
    }

    /// Evaluates the starts that can be among the best two: those whose bound is not below the second best sum so far; of too
    /// large a reply those with the best bounds only.
    fn try_starts(&mut self, search: &Search<'_>, matcher: &mut Matcher) {
        let mut starts = std::mem::take(&mut self.starts);
        let mut order = std::mem::take(&mut self.bounds);
        order.clear();
        for (rank, motion) in starts.iter().enumerate() {
            // The same motion again is the same candidate, whose place in the order is the first one.
            if search.share.is_some() || !starts[..rank].contains(motion) {
                order.push((self.bound(search, motion), rank));
            }
        }
        order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        order.truncate(search.share.map_or(usize::MAX, |share| share.assigned));
        for &(bound, rank) in &order {
            if bound < self.second_best() {
                break;
            }
            self.try_motion(search, starts[rank], rank, matcher);
        }
        self.next_rank = starts.len();
        starts.clear();
        self.starts = starts;
        self.bounds = order;
    }

    /// The second best sum of candidates with different assignments.
    fn second_best(&self) -> f64 {
        let (mut best, mut second) = ((f64::NEG_INFINITY, usize::MAX), f64::NEG_INFINITY);
        for candidate in &self.candidates {
            if candidate.same == best.1 {
                best.0 = best.0.max(candidate.sum);
            } else if candidate.sum > best.0 {
                second = best.0;
                best = (candidate.sum, candidate.same);
            } else {
                second = second.max(candidate.sum);
            }
        }
        second
    }

    /// Evaluates a motion as a candidate.
    fn try_motion(&mut self, search: &Search<'_>, motion: Motion, rank: usize, matcher: &mut Matcher) -> usize {
        let Search { context, scope, .. } = *search;
        move_points(search, &motion, &mut self.moved);
        let frames = scope.frames.clone();
        matcher.assign(
            context.spec.assignment,
            context.scene,
            context.layout,
            frames.clone(),
            &self.moved,
            &mut self.working,
        );
        let sum = frames.map(|frame| node::sum(&context, frame, &self.working, &self.moved)).sum();
        let index = self.candidates.len();
        let run = &self.working[scope.nodes.clone()];
        let hash = run.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, &partner| {
            (hash ^ u64::from(partner)).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23)
        });
        let equal = |&other: &usize| {
            let at = self.runs[other];
            self.candidates[other].same == other
                && self.hashes[other] == hash
                && self.partners[at..at + run.len()] == *run
        };
        let same = (0..index).find(equal).unwrap_or(index);
        if same == index {
            self.runs.push(self.partners.len());
            self.partners.extend_from_slice(run);
        } else {
            self.runs.push(self.runs[same]);
        }
        self.hashes.push(hash);
        self.candidates.push(Candidate { motion, sum: grid(sum), same, rank });
        index
    }

    /// The candidate that wins: `Σκ_n`, edge sum, tuples of right chirality, equal ids, then the first.
    fn best(&mut self, search: &Search<'_>) -> usize {
        let Search { context, .. } = *search;
        let top = self.candidates.iter().fold(f64::NEG_INFINITY, |top, candidate| top.max(candidate.sum));
        let mut order = std::mem::take(&mut self.order);
        order.clear();
        order.extend((0..self.candidates.len()).filter(|&index| self.candidates[index].sum == top));
        order.sort_by_key(|&index| self.candidates[index].rank);
        self.order = order;
        // The same assignment at the same scale gives the same edges and chirality, unless those see the whole motion.
        if context.plan().angle != AngleKind::View {
            let mut kept = 0;
            for k in 0..self.order.len() {
                let this = self.candidates[self.order[k]];
                let equal = |&other: &usize| {
                    let that = self.candidates[other];
                    that.same == this.same && that.motion.scale == this.motion.scale
                };
                if !self.order[..kept].iter().any(equal) {
                    self.order[kept] = self.order[k];
                    kept += 1;
                }
            }
            self.order.truncate(kept);
        }
        if let [only] = self.order[..] {
            return only;
        }
        let order = std::mem::take(&mut self.order);
        let mut best: Option<(Keys, usize)> = None;
        for &index in &order {
            let keys = self.keys(search, index);
            if best.as_ref().is_none_or(|(most, _)| keys > *most) {
                best = Some((keys, index));
            }
        }
        self.order = order;
        best.map_or(0, |(_, index)| index)
    }

    fn keys(&mut self, search: &Search<'_>, index: usize) -> Keys {
        let Search { context, scope, .. } = *search;
        let Candidate { motion, same, .. } = self.candidates[index];
        let nodes = scope.nodes.clone();
        self.working[nodes.clone()].copy_from_slice(&self.partners[self.runs[same]..self.runs[same] + nodes.len()]);
        if context.plan().angle == AngleKind::View {
            move_points(search, &motion, &mut self.moved);
        }
        let written = &context.layout.points;
        let placed = edge::Placed { written, moved: &self.moved, scale: motion.scale };
        let (mut edges, mut right) = (0.0, 0);
        for frame in scope.frames.clone() {
            edges += edge::sum(&context, &mut self.edges, frame, &self.working, placed);
            right += chirality::right(&context, frame, &self.working, written, motion.scale);
        }
        let same_id = |&i: &usize| {
            let partner = self.working[i];
            partner != NONE && context.layout.suffix[partner as usize] == context.scene.suffix[i]
        };
        Keys { edges: grid(edges), right, ids: nodes.filter(same_id).count() }
    }
}

/// What decides between candidates of equal `Σκ_n`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
struct Keys {
    edges: f64,
    right: usize,
    ids: usize,
}

/// The least of what `of` makes of the values, eight at a time.
#[inline(always)]
fn least(values: &[f64], of: impl Fn(f64) -> f64) -> f64 {
    let (chunks, rest) = values.as_chunks::<8>();
    let mut lanes = [f64::INFINITY; 8];
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            let value = of(value);
            *lane = if value < *lane { value } else { *lane };
        }
    }
    rest.iter().map(|&value| of(value)).chain(lanes).fold(f64::INFINITY, f64::min)
}

/// Moves the reply's nodes that can be matched in the scope.
fn move_points(search: &Search<'_>, motion: &Motion, points: &mut Points) {
    let layout = search.context.layout;
    wide(
        #[inline(always)]
        || {
            for frame in search.scope.frames.clone() {
                for block in &layout.blocks[layout.frame_blocks[frame].clone()] {
                    let range = block.replies.clone();
                    let Points { x, y, z } = &layout.points;
                    let from = x[range.clone()].iter().zip(&y[range.clone()]).zip(&z[range.clone()]);
                    let to =
                        points.x[range.clone()].iter_mut().zip(&mut points.y[range.clone()]).zip(&mut points.z[range]);
                    for (((&x, &y), &z), ((u, v), w)) in from.zip(to) {
                        [*u, *v, *w] = motion.apply([x, y, z]);
                    }
                }
            }
        },
    );
}
