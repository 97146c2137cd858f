//! What a motion can earn at most, without an assignment: every node at its nearest image.

#![expect(clippy::inline_always, reason = "the loops must be compiled for wide registers, see `wide`")]

use super::{Aligner, Search, least, move_points};
use crate::components::Context;
use crate::geometry::{Motion, Points, Vec3, distance, grid};
use crate::pair::Block;
use crate::spec::Assignment;
use crate::wide::wide;

/// Reused memory: least squared distances of the nodes of each side.
#[derive(Clone, Debug, Default)]
pub(super) struct Least {
    references: Vec<f64>,
    replies: Vec<f64>,
    squares: Vec<f64>,
}

/// Room for the rounding of sums, on the grid.
const SLACK: f64 = 2.0;

impl Aligner {
    /// An upper bound of the motion's `Σκ_n` on the grid; infinite where the assignment costs no more than the bound and no
    /// start has to be left out.
    pub(super) fn bound(&mut self, search: &Search<'_>, motion: &Motion) -> f64 {
        let Search { context, scope, .. } = *search;
        let layout = context.layout;
        let blocks = || scope.frames.clone().flat_map(|frame| &layout.blocks[layout.frame_blocks[frame].clone()]);
        let single = |block: &Block| block.references.len() == 1 && block.replies.len() == 1;
        if search.share.is_none() && (context.spec.assignment == Assignment::Id || blocks().all(single)) {
            return f64::INFINITY;
        }
        move_points(search, motion, &mut self.moved);
        let mut sum = 0.0;
        for block in blocks() {
            sum += if single(block) {
                let r = distance(context.scene.xyz[block.references.start], self.moved.at(block.replies.start));
                context.node.of(r / context.scene.scale)
            } else {
                self.least.block(&context, block, &self.moved)
            };
        }
        grid(sum) + SLACK
    }
}

impl Least {
    /// The lesser of two bounds of a block: the best image of each reference node, and the best node of each image.
    fn block(&mut self, context: &Context<'_>, block: &Block, points: &Points) -> f64 {
        self.references.clear();
        self.replies.clear();
        self.replies.resize(block.replies.len(), f64::INFINITY);
        let range = block.replies.clone();
        let images = [&points.x[range.clone()], &points.y[range.clone()], &points.z[range]];
        let Self { references, replies, squares } = self;
        wide(
            #[inline(always)]
            || {
                for &node in &context.scene.xyz[block.references.clone()] {
                    references.push(nearest(node, images, squares, replies));
                }
            },
        );
        let count = block.references.len().min(block.replies.len());
        let [one, other] = [&mut self.references, &mut self.replies].map(|squares| {
            if count < squares.len() {
                squares.select_nth_unstable_by(count - 1, f64::total_cmp);
            }
            let kernel = |square: &f64| context.node.of(square.sqrt() / context.scene.scale);
            squares[..count].iter().map(kernel).sum::<f64>()
        });
        one.min(other)
    }
}

/// The least squared distance of a node to its images, each of which learns of the node.
#[inline(always)]
fn nearest([x, y, z]: Vec3, [xs, ys, zs]: [&[f64]; 3], squares: &mut Vec<f64>, replies: &mut [f64]) -> f64 {
    squares.clear();
    squares.extend(xs.iter().zip(ys).zip(zs).map(|((&u, &v), &w)| {
        let (a, b, c) = (u - x, v - y, w - z);
        a * a + b * b + c * c
    }));
    for (reply, &square) in replies.iter_mut().zip(&*squares) {
        *reply = if square < *reply { square } else { *reply };
    }
    least(squares, |square| square)
}
