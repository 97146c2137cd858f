//! What a motion can earn at most, without an assignment: every node at its nearest image.

#![expect(clippy::inline_always, reason = "the loops must be compiled for wide registers, see `wide`")]

use super::{Aligner, Search};
use crate::components::Context;
use crate::geometry::{Motion, Vec3, grid};
use crate::lanes::{LANES, Lanes, each, edges, squares};
use crate::pair::Block;
use crate::spec::Assignment;
use crate::wide::{Vectored, vectored, wide};
use fearless_simd::Simd;

/// Reused memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Least {
    /// The images of one block, the last filled up with places far away.
    images: Vec<[Lanes; 3]>,
    /// Least squared distances of the nodes of a block, side by side.
    references: Vec<f64>,
    replies: Vec<f64>,
    /// For each block, the least distances that count of one side and of the other, then their kernels.
    reached: [Vec<f64>; 2],
}

/// Room for the rounding of sums, on the grid.
const SLACK: f64 = 2.0;

impl Aligner {
    /// An upper bound of the motion's `Σκ_n` on the grid; infinite where the assignment costs no more than the bound and no
    /// start has to be left out.
    pub(super) fn bound(&mut self, search: &Search<'_>, motion: &Motion) -> f64 {
        let context = search.context;
        let single = |block: &Block| block.references.len() == 1 && block.replies.len() == 1;
        if search.share.is_none() && (context.spec.assignment == Assignment::Id || blocks(search).all(single)) {
            return f64::INFINITY;
        }
        grid(self.least.sum(search, motion)) + SLACK
    }
}

fn blocks<'a>(search: &Search<'a>) -> impl Iterator<Item = &'a Block> + use<'a> {
    let layout = search.context.layout;
    search.scope.frames.clone().flat_map(|frame| &layout.blocks[layout.frame_blocks[frame].clone()])
}

/// How many pairs a block has.
fn count(block: &Block) -> usize {
    block.references.len().min(block.replies.len())
}

impl Least {
    /// The lesser of two bounds of each block, summed: the best image of each reference node, and the best node of each image.
    fn sum(&mut self, search: &Search<'_>, motion: &Motion) -> f64 {
        let context = search.context;
        for side in &mut self.reached {
            side.clear();
        }
        for block in blocks(search) {
            wide(
                #[inline(always)]
                || self.reach(search, motion, block),
            );
            let count = count(block);
            for (side, reached) in [&mut self.references, &mut self.replies].into_iter().zip(&mut self.reached) {
                if count < side.len() {
                    side.select_nth_unstable_by(count - 1, f64::total_cmp);
                }
                reached.extend_from_slice(&side[..count]);
            }
        }
        vectored(Worth { context: &context, reached: &mut self.reached });
        let mut begin = 0;
        let mut sum = 0.0;
        for block in blocks(search) {
            let end = begin + count(block);
            let [one, other] = self.reached.each_ref().map(|side| side[begin..end].iter().sum::<f64>());
            sum += one.min(other);
            begin = end;
        }
        sum
    }

    /// The least squared distances of a block.
    #[inline(always)]
    fn reach(&mut self, search: &Search<'_>, motion: &Motion, block: &Block) {
        let Self { images, references, replies, .. } = self;
        let range = block.replies.clone();
        images.clear();
        for start in range.clone().step_by(LANES) {
            let moved = motion.apply_each(&search.context.layout.points.eight(start));
            let left = range.end - start;
            images.push(moved.map(|axis| each(|k| if k < left { axis[k] } else { f64::INFINITY })));
        }
        replies.clear();
        replies.resize(images.len() * LANES, f64::INFINITY);
        references.clear();
        for &node in &search.context.scene.xyz[block.references.clone()] {
            references.push(nearest(node, images, replies));
        }
        replies.truncate(range.len());
    }
}

/// Turns squared distances into kernels.
struct Worth<'a> {
    context: &'a Context<'a>,
    reached: &'a mut [Vec<f64>; 2],
}

impl Vectored for Worth<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        for side in self.reached {
            for value in &mut *side {
                *value = value.sqrt() / self.context.scene.scale;
            }
            self.context.node.apply(simd, side);
        }
    }
}

/// The least squared distance of a node to its images, each of which learns of the node.
#[inline(always)]
fn nearest(node: Vec3, images: &[[Lanes; 3]], replies: &mut [f64]) -> f64 {
    let mut least = [f64::INFINITY; LANES];
    for (images, replies) in images.iter().zip(replies.as_chunks_mut::<LANES>().0) {
        let squares = squares(&edges(images, node));
        least = each(|k| lesser(squares[k], least[k]));
        *replies = each(|k| lesser(squares[k], replies[k]));
    }
    let half: [f64; 4] = each(|k| lesser(least[k], least[k + 4]));
    lesser(lesser(half[0], half[2]), lesser(half[1], half[3]))
}

/// One instruction, where [`f64::min`] looks after NaN.
#[inline(always)]
fn lesser(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}
