//! What a motion can earn at most, without an assignment: every node at its nearest image.

#![expect(clippy::inline_always, reason = "the loops must be compiled for wide registers, see `wide`")]

use super::{Aligner, Search};
use crate::geometry::{Motion, Points, Vec3, grid};
use crate::pair::Block;
use crate::spec::Assignment;
use crate::wide::wide;

/// Reused memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Least {
    /// The images of one block, filled up to a multiple of [`LANES`] with places far away.
    images: Points,
    /// Least squared distances of the nodes of a block, side by side.
    references: Vec<f64>,
    replies: Vec<f64>,
    /// For each block, the least distances that count of one side and of the other, then their kernels.
    reached: [Vec<f64>; 2],
}

/// Images that are looked at together.
const LANES: usize = 8;
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
        wide(
            #[inline(always)]
            || {
                for side in &mut self.reached {
                    for value in &mut *side {
                        *value = value.sqrt() / context.scene.scale;
                    }
                    context.node.apply(side);
                }
            },
        );
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
        let Points { x, y, z } = &search.context.layout.points;
        images.clear();
        for ((&x, &y), &z) in x[range.clone()].iter().zip(&y[range.clone()]).zip(&z[range.clone()]) {
            images.push(motion.apply([x, y, z]));
        }
        let width = range.len().next_multiple_of(LANES);
        for axis in [&mut images.x, &mut images.y, &mut images.z] {
            axis.resize(width, f64::INFINITY);
        }
        replies.clear();
        replies.resize(width, f64::INFINITY);
        references.clear();
        for &node in &search.context.scene.xyz[block.references.clone()] {
            references.push(nearest(node, images, replies));
        }
        replies.truncate(range.len());
    }
}

/// The least squared distance of a node to its images, each of which learns of the node.
#[inline(always)]
fn nearest([x, y, z]: Vec3, images: &Points, replies: &mut [f64]) -> f64 {
    let mut lanes = [f64::INFINITY; LANES];
    let [xs, ys, zs] = [&images.x, &images.y, &images.z].map(|axis| axis.as_chunks::<LANES>().0);
    for (((us, vs), ws), replies) in xs.iter().zip(ys).zip(zs).zip(replies.as_chunks_mut::<LANES>().0) {
        for k in 0..LANES {
            let (a, b, c) = (us[k] - x, vs[k] - y, ws[k] - z);
            let square = a * a + b * b + c * c;
            lanes[k] = lesser(square, lanes[k]);
            replies[k] = lesser(square, replies[k]);
        }
    }
    let half: [f64; 4] = std::array::from_fn(|k| lesser(lanes[k], lanes[k + 4]));
    lesser(lesser(half[0], half[2]), lesser(half[1], half[3]))
}

/// One instruction, where [`f64::min`] looks after NaN.
#[inline(always)]
fn lesser(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}
