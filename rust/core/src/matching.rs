//! Pairs the nodes of one label one to one, frame by frame.

#![expect(clippy::inline_always, reason = "whole rows are filled with wide registers, see `wide`")]

use std::ops::Range;

use crate::assign::{Entry, NONE, Optimum, Rows, Sides, Source, Ties, eight, rounded, whole_number};
use crate::geometry::{Points, Vec3};
use crate::pair::{Block, Layout};
use crate::reference::Scene;
use crate::spec::Assignment;
use crate::wide::wide;

/// Reused memory of the matching.
#[derive(Clone, Debug, Default)]
pub(crate) struct Matcher {
    optimum: Optimum,
    ties: Ties,
    squares: Vec<f64>,
    costs: Vec<i64>,
    spare: Vec<i64>,
    /// Row by row, what the pairs cost with the column below it, and of each row that is left the least.
    closeness: Vec<i64>,
    closest: Vec<(i64, usize)>,
    /// Partners in the blocks whose assignment no motion changes, once they are known, and whether they are.
    fixed: Vec<u32>,
    known: Vec<bool>,
}

/// Entries of a row's first list.
const SHORT: usize = 8;

/// One side of a block as rows, the other, not smaller, as columns.
struct Grid<'a> {
    scene: &'a Scene,
    layout: &'a Layout,
    points: &'a Points,
    block: &'a Block,
    flipped: bool,
    /// What a unit of cost weighs against one equal id.
    factor: i64,
    squares: &'a mut Vec<f64>,
    costs: &'a mut Vec<i64>,
    spare: &'a mut Vec<i64>,
}

impl Grid<'_> {
    fn row_count(&self) -> usize {
        if self.flipped { self.block.replies.len() } else { self.block.references.len() }
    }

    fn column_count(&self) -> usize {
        if self.flipped { self.block.references.len() } else { self.block.replies.len() }
    }

    /// The squared distances of a row.
    #[inline(always)]
    fn fill_squares(&mut self, row: usize) {
        self.squares.clear();
        if self.flipped {
            let p = self.points.at(self.block.replies.start + row);
            self.squares.extend(self.scene.xyz[self.block.references.clone()].iter().map(|&q| square(q, p)));
        } else {
            let p = self.scene.xyz[self.block.references.start + row];
            let Points { x, y, z } = self.points;
            let range = self.block.replies.clone();
            let columns = x[range.clone()].iter().zip(&y[range.clone()]).zip(&z[range]);
            self.squares.extend(columns.map(|((&x, &y), &z)| square(p, [x, y, z])));
        }
    }

    /// The columns that carry the id of a row.
    fn same(&self, row: usize) -> Range<usize> {
        let references = &self.scene.suffix[self.block.references.clone()];
        let replies = &self.layout.suffix[self.block.replies.clone()];
        let (id, columns) = if self.flipped { (replies[row], references) } else { (references[row], replies) };
        let first = columns.partition_point(|other| *other < id);
        first..first + columns[first..].iter().take_while(|other| **other == id).count()
    }

    /// Cost and, below it, one for an equal id.
    fn entry(&self, column: usize, same: &Range<usize>) -> Entry<i64> {
        let cost = cost_of(self.squares[column], self.scene.scale) * self.factor;
        Entry { cost: cost - i64::from(same.contains(&column)), column: column as u32 }
    }
}

fn by_cost(a: &Entry<i64>, b: &Entry<i64>) -> std::cmp::Ordering {
    (a.cost, a.column).cmp(&(b.cost, b.column))
}

impl Source<i64> for Grid<'_> {
    fn first(&mut self, row: usize, out: &mut Vec<Entry<i64>>) -> i64 {
        if self.column_count() <= SHORT + 2 {
            self.all(row, out);
            return i64::MAX;
        }
        self.fill_squares(row);
        let same = self.same(row);
        let (least, bound) = smallest(self.squares);
        let start = out.len();
        out.extend(least.iter().map(|&column| self.entry(column as usize, &same)));
        out[start..].sort_unstable_by(by_cost);
        // One less for an equal id that may be among the rest, and one to be below it.
        cost_of(bound, self.scene.scale) * self.factor - 2
    }

    /// As many entries as there are rows, the cheapest, of equals the first: a row that has a dearer column in some assignment
    /// can have a free one of these instead.
    fn all(&mut self, row: usize, out: &mut Vec<Entry<i64>>) {
        self.fill_squares(row);
        let (rows, columns) = (self.row_count(), self.column_count());
        let (scale, factor) = (self.scene.scale, self.factor);
        self.costs.clear();
        self.costs.extend(self.squares.iter().map(|&square| cost_of(square, scale) * factor));
        let same = self.same(row);
        for cost in &mut self.costs[same] {
            *cost -= 1;
        }
        let start = out.len();
        let entries = self.costs.iter().zip(0_u32..).map(|(&cost, column)| Entry { cost, column });
        if rows < columns {
            let mut sorted = std::mem::take(self.spare);
            sorted.clear();
            sorted.extend_from_slice(self.costs);
            let (_, &mut dearest, _) = sorted.select_nth_unstable(rows - 1);
            let mut equals = rows - sorted[..rows].iter().filter(|cost| **cost < dearest).count();
            out.extend(entries.filter(|entry| {
                let last = entry.cost == dearest && equals > 0;
                equals -= usize::from(last);
                last || entry.cost < dearest
            }));
            *self.spare = sorted;
        } else {
            out.extend(entries);
        }
        out[start..].sort_unstable_by(by_cost);
    }

    #[inline(always)]
    fn whole(&mut self, row: usize, out: &mut Vec<i64>) {
        self.fill_squares(row);
        let (scale, factor, start) = (self.scene.scale, self.factor, out.len());
        out.extend(self.squares.iter().map(|&square| cost_of(square, scale) * factor));
        let same = self.same(row);
        for cost in &mut out[start..][same] {
            *cost -= 1;
        }
    }
}

impl Rows for Grid<'_> {
    /// The node, and the columns that carry its id.
    type Row = (Vec3, Range<usize>);

    #[inline(always)]
    fn row(&self, row: usize) -> Self::Row {
        let node = if self.flipped {
            self.points.at(self.block.replies.start + row)
        } else {
            self.scene.xyz[self.block.references.start + row]
        };
        (node, self.same(row))
    }

    #[inline(always)]
    fn costs<const WITHIN: bool>(&self, (node, same): &Self::Row, first: usize, unit: f64) -> [f64; 8] {
        let squares: [f64; 8] = if self.flipped {
            let columns = eight::<WITHIN, _>(&self.scene.xyz, self.block.references.start + first, [0.0; 3]);
            std::array::from_fn(|k| square(columns[k], *node))
        } else {
            let [x, y, z] = self.points.eight(self.block.replies.start + first);
            std::array::from_fn(|k| square(*node, [x[k], y[k], z[k]]))
        };
        let (scale, factor) = (self.scene.scale, self.factor as f64 * unit);
        let mut costs: [f64; 8] =
            std::array::from_fn(|k| rounded((squares[k].sqrt() / scale).min(FARTHEST), 1.0) * factor);
        for column in same.start.max(first)..same.end.min(first + 8) {
            costs[column - first] -= unit;
        }
        costs
    }
}

/// Distances beyond this many D cost alike.
const FARTHEST: f64 = 1024.0;

/// The whole-number cost of a squared distance.
#[inline(always)]
fn cost_of(square: f64, scale: f64) -> i64 {
    whole_number((square.sqrt() / scale).min(FARTHEST))
}

#[inline(always)]
fn square(p: Vec3, q: Vec3) -> f64 {
    let (x, y, z) = (q[0] - p[0], q[1] - p[1], q[2] - p[2]);
    x * x + y * y + z * z
}

impl Matcher {
    /// Forgets the reply before; to be called for each new one.
    pub(crate) fn begin(&mut self, scene: &Scene, layout: &Layout) {
        self.fixed.clear();
        self.fixed.resize(scene.xyz.len(), NONE);
        self.known.clear();
        self.known.resize(layout.blocks.len(), false);
    }

    /// Matches the frames of one scope; `points` are the reply's nodes where they are compared, `out` holds every reference
    /// node of the scene (only the scope's are written): its partner among the sorted nodes of the reply, or [`NONE`].
    pub(crate) fn assign(
        &mut self,
        kind: Assignment,
        scene: &Scene,
        layout: &Layout,
        frames: Range<usize>,
        points: &Points,
        out: &mut [u32],
    ) {
        for frame in frames {
            out[scene.frames[frame].nodes.clone()].fill(NONE);
            for index in layout.frame_blocks[frame].clone() {
                let block = &layout.blocks[index];
                let nodes = block.references.clone();
                if self.known[index] {
                    out[nodes.clone()].copy_from_slice(&self.fixed[nodes]);
                    continue;
                }
                match kind {
                    Assignment::Id => by_id(scene, layout, block, out),
                    Assignment::Optimal => self.optimal(scene, layout, block, points, out),
                    Assignment::Greedy => self.greedy(scene, layout, block, points, out),
                }
                if block.fixed && kind == Assignment::Optimal {
                    self.fixed[nodes.clone()].copy_from_slice(&out[nodes]);
                    self.known[index] = true;
                }
            }
        }
    }

    /// Least total distance; then the most equal ids; then the first.
    fn optimal(&mut self, scene: &Scene, layout: &Layout, block: &Block, points: &Points, out: &mut [u32]) {
        let (references, replies) = (block.references.len(), block.replies.len());
        if references == 1 && replies == 1 {
            out[block.references.start] = block.replies.start as u32;
            return;
        }
        let flipped = references > replies;
        let factor = (references.min(replies) as u64 + 1).cast_signed();
        let Self { squares, costs, spare, .. } = self;
        let mut grid = Grid { scene, layout, points, block, flipped, factor, squares, costs, spare };
        self.optimum.solve(grid.row_count(), grid.column_count(), &mut grid);
        let out = &mut out[block.references.clone()];
        self.ties.settle(&self.optimum, Sides { references, replies, flipped }, out);
        for partner in out.iter_mut().filter(|partner| **partner != NONE) {
            *partner += block.replies.start as u32;
        }
    }

    /// The closest pair first; of equally close ones equal ids, then the first.
    fn greedy(&mut self, scene: &Scene, layout: &Layout, block: &Block, points: &Points, out: &mut [u32]) {
        let flipped = block.references.len() > block.replies.len();
        let Self { squares, costs, spare, closeness, closest, .. } = self;
        let mut grid = Grid { scene, layout, points, block, flipped, factor: 2, squares, costs, spare };
        let (rows, columns) = (grid.row_count(), grid.column_count());
        let bits = columns.next_power_of_two().trailing_zeros();
        wide(
            #[inline(always)]
            || {
                closeness.clear();
                closest.clear();
                for row in 0..rows {
                    grid.whole(row, closeness);
                    let costs = &mut closeness[row * columns..];
                    for (cost, column) in costs.iter_mut().zip(0..) {
                        *cost = (*cost << bits) + column;
                    }
                    closest.push((least(costs), row));
                }
                while let Some((k, &(best, row))) = closest.iter().enumerate().min_by_key(|(_, (best, row))| {
                    let first = if flipped { *best } else { best >> bits };
                    (first, *row)
                }) {
                    closest.swap_remove(k);
                    let column = (best & ((1 << bits) - 1)).cast_unsigned() as usize;
                    let (reference, reply) = if flipped { (column, row) } else { (row, column) };
                    out[block.references.start + reference] = (block.replies.start + reply) as u32;
                    for (nearest, row) in &mut *closest {
                        let costs = &mut closeness[*row * columns..][..columns];
                        let lost = costs[column] == *nearest;
                        costs[column] = i64::MAX;
                        if lost {
                            *nearest = least(costs);
                        }
                    }
                }
            },
        );
    }
}

#[inline(always)]
fn least(costs: &[i64]) -> i64 {
    costs.iter().fold(i64::MAX, |least, &cost| least.min(cost))
}

/// Squares are passed over this many at a time.
const CHUNK: usize = 16;

/// Positions of the least numbers of more than [`SHORT`], and the least of the others.
fn smallest(squares: &[f64]) -> ([u32; SHORT], f64) {
    let mut kept = [(f64::INFINITY, 0_u32); SHORT + 1];
    for (chunk, first) in squares.chunks(CHUNK).zip((0_u32..).step_by(CHUNK)) {
        let nearest = chunk.iter().fold(f64::INFINITY, |least, &square| if square < least { square } else { least });
        if nearest >= kept[SHORT].0 {
            continue;
        }
        for (&square, j) in chunk.iter().zip(first..) {
            if square < kept[SHORT].0 {
                let mut k = SHORT;
                while k > 0 && kept[k - 1].0 > square {
                    kept[k] = kept[k - 1];
                    k -= 1;
                }
                kept[k] = (square, j);
            }
        }
    }
    let mut least = [0; SHORT];
    for (place, &(_, j)) in least.iter_mut().zip(&kept) {
        *place = j;
    }
    (least, kept[SHORT].0)
}

/// The same id, where one node of the reply alone carries it.
fn by_id(scene: &Scene, layout: &Layout, block: &Block, out: &mut [u32]) {
    for i in block.references.clone() {
        let images = &layout.suffix[block.replies.clone()];
        let at = images.partition_point(|suffix| *suffix < scene.suffix[i]);
        if images.get(at) == Some(&scene.suffix[i]) && layout.lone[block.replies.start + at] {
            out[i] = (block.replies.start + at) as u32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{ReplyFrame, ReplyGraph, ReplyNode, Suffix};
    use crate::reference::prepare;
    use crate::spec::RewardSpec;

    /// Every pair of a block, listed whole.
    struct Everything {
        columns: usize,
        costs: Vec<i64>,
    }

    impl Rows for Everything {
        type Row = usize;

        fn row(&self, row: usize) -> usize {
            row
        }

        fn costs<const WITHIN: bool>(&self, &row: &usize, first: usize, unit: f64) -> [f64; 8] {
            let costs = &self.costs[row * self.columns..];
            std::array::from_fn(|k| costs[(first + k).min(self.columns - 1)] as f64 * unit)
        }
    }

    impl Source<i64> for Everything {
        fn first(&mut self, row: usize, out: &mut Vec<Entry<i64>>) -> i64 {
            self.all(row, out);
            i64::MAX
        }

        fn all(&mut self, row: usize, out: &mut Vec<Entry<i64>>) {
            let start = out.len();
            let costs = &self.costs[row * self.columns..(row + 1) * self.columns];
            out.extend(costs.iter().zip(0..).map(|(&cost, column)| Entry { cost, column }));
            out[start..].sort_unstable_by(by_cost);
        }

        fn whole(&mut self, row: usize, out: &mut Vec<i64>) {
            out.extend_from_slice(&self.costs[row * self.columns..(row + 1) * self.columns]);
        }
    }

    fn plainly(scene: &Scene, layout: &Layout) -> Vec<u32> {
        let block = &layout.blocks[0];
        let (references, replies) = (block.references.len(), block.replies.len());
        let flipped = references > replies;
        let (rows, columns) = (references.min(replies), references.max(replies));
        let factor = (rows as u64 + 1).cast_signed();
        let mut costs = Vec::new();
        for row in 0..rows {
            for column in 0..columns {
                let (i, j) = if flipped { (column, row) } else { (row, column) };
                let same = i64::from(scene.suffix[i] == layout.suffix[j]);
                costs.push(cost_of(square(scene.xyz[i], layout.points.at(j)), scene.scale) * factor - same);
            }
        }
        let mut everything = Everything { columns, costs };
        let mut optimum = Optimum::default();
        optimum.solve(rows, columns, &mut everything);
        let mut out = vec![NONE; references];
        Ties::default().settle(&optimum, Sides { references, replies, flipped }, &mut out);
        out
    }

    #[test]
    fn short_lists_give_what_whole_lists_give() {
        let mut state = 11_u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let spec = RewardSpec::from_json(r#"{"frame_of_reference":"given"}"#).unwrap();
        let mut matcher = Matcher::default();
        let mut layout = Layout::default();
        for round in 0..400 {
            let (n, m) = (2 + random(30) as usize, 1 + random(60) as usize);
            // From a few places (many ties) to a fine grid (hardly any), the reference in a corner or all over.
            let fineness = [2, 4, 30, 100_000][round % 4];
            let corner = [1, fineness][round / 4 % 2];
            let mut place =
                |most: u64| [random(most) as f64 / 7.0, random(most) as f64 / 7.0, random(fineness) as f64 / 7.0];
            let nodes: Vec<String> =
                (0..n).map(|i| format!(r#"{{"id":"a.{i}","label":"a","center":{:?}}}"#, place(corner))).collect();
            let json = format!(
                r#"{{"version":1,"graph":{{"space":"world","unit":"m","scale":3,"frames":[{{"nodes":[{}]}}]}}}}"#,
                nodes.join(",")
            );
            let scene = prepare(&json, &spec).unwrap().scene.unwrap();
            let graph = ReplyGraph {
                frames: vec![ReplyFrame { t: None, nodes: 0..m, edges: 0..0 }],
                nodes: (0..m)
                    .map(|j| {
                        let suffix = Suffix::number(j as u128 * 2);
                        ReplyNode { xyz: place(fineness), suffix, label: 0, at: 0, dim: 3 }
                    })
                    .collect(),
                ..ReplyGraph::default()
            };
            layout.lay(&graph, &scene);
            matcher.begin(&scene, &layout);
            let mut out = vec![NONE; n];
            matcher.assign(Assignment::Optimal, &scene, &layout, 0..1, &layout.points, &mut out);
            assert_eq!(out, plainly(&scene, &layout), "{n} x {m}, fineness {fineness}, corner {corner}");
        }
    }
}
