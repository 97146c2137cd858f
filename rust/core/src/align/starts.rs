//! The starts of the search: the motion of the unique nodes, and the motions of tuples onto their images.

use std::ops::Range;

use super::pairs::{Pairs, Ranked};
use super::{Aligner, Search, least};
use crate::geometry::{Motion, Points, Turning, Vec3, cross, grid, horizontal, norm, sub};
use crate::plan::{NEAR, Pair, length};
use crate::wide::wide;

/// A node with more images is in no pair.
const IMAGES: usize = 256;
/// A node with more images is in no triple.
const TRIPLE_IMAGES: usize = 24;
/// Tuples that are looked at.
const TUPLES: usize = 64;
/// With equals at the cut, up to this many starts.
const STARTS_MOST: usize = 64;
/// Pairs that are looked at for triples.
const PAIRS_FOR_TRIPLES: usize = 4096;

/// Reused memory.
#[derive(Clone, Debug, Default)]
pub(crate) struct TupleScratch {
    pairs: Pairs,
    lengths: Lengths,
    /// Places of the nodes that may complete a pair.
    places: Points,
    thirds: Vec<u32>,
    tables: [Lengths; 3],
    heights: Heights,
    choice: Choice,
}

/// Which images of triples are high enough for a motion, found row by row as they are asked for.
#[derive(Clone, Debug, Default)]
struct Heights {
    /// The images of the three nodes, and where their rows begin.
    keys: Vec<([Range<usize>; 3], usize)>,
    /// For images of the first two nodes, one bit for each image of the third; or [`UNKNOWN`].
    rows: Vec<u32>,
    /// Where the rows of the present images begin.
    begin: usize,
}

/// More bits than a node of a triple has images.
const UNKNOWN: u32 = u32::MAX;

impl Heights {
    fn clear(&mut self) {
        self.keys.clear();
        self.rows.clear();
    }

    /// Turns to the rows of three ranges of images.
    fn select(&mut self, images: &[Range<usize>; 3]) {
        if let Some((_, begin)) = self.keys.iter().find(|(key, _)| key == images) {
            self.begin = *begin;
            return;
        }
        self.begin = self.rows.len();
        self.keys.push((images.clone(), self.begin));
        self.rows.resize(self.begin + images[0].len() * images[1].len(), UNKNOWN);
    }

    /// The bits of one row: which thirds, with the edge from `p` to `q`, make more than twice the area `lowest / 2`.
    fn row(&mut self, row: usize, points: &Points, [p, q]: [usize; 2], thirds: &Range<usize>, lowest: f64) -> u32 {
        let row = self.begin + row;
        if self.rows[row] == UNKNOWN {
            let (from, edge) = (points.at(p), sub(points.at(q), points.at(p)));
            let high = |r: usize| norm(cross(edge, sub(points.at(r), from))) > lowest;
            self.rows[row] =
                thirds.clone().enumerate().fold(0, |bits, (k, r)| bits | u32::from(r != p && r != q && high(r)) << k);
        }
        self.rows[row]
    }
}

/// Counts the starts of one kind of tuple and says when there are enough.
struct Quota {
    begin: usize,
    wanted: usize,
    most: usize,
    tuples: usize,
    most_tuples: usize,
}

impl Quota {
    fn new(begin: usize, search: &Search<'_>) -> Self {
        let wanted = search.context.spec.max_starts as usize;
        let (mut most, mut most_tuples) = (wanted.max(STARTS_MOST), TUPLES);
        if let Some(share) = search.share {
            most = most.min(share.looked_at - begin);
            most_tuples = most_tuples.min(share.looked_at);
        }
        Self { begin, wanted, most, tuples: 0, most_tuples }
    }

    fn enough(&self, starts: usize) -> bool {
        starts - self.begin >= self.wanted
    }

    fn room(&self, starts: usize) -> usize {
        self.most - (starts - self.begin)
    }
}

impl Aligner {
    /// Every start, in order.
    pub(super) fn find_starts(&mut self, search: &Search<'_>) {
        self.unique_start(search);
        let begin = self.starts.len();
        if search.turning == Turning::Free && search.context.scene.dim == 3 {
            self.triple_starts(search);
            if self.starts.len() > begin {
                return;
            }
        }
        self.pair_starts(search);
        if self.starts.len() == begin {
            self.single_starts(search);
        }
    }

    /// The fit over the nodes whose label occurs once in their frame on both sides.
    fn unique_start(&mut self, search: &Search<'_>) {
        let layout = search.context.layout;
        self.a.clear();
        self.b.clear();
        for frame in search.scope.frames.clone() {
            for block in &layout.blocks[layout.frame_blocks[frame].clone()] {
                if block.references.len() == 1 && block.replies.len() == 1 {
                    self.a.push(search.context.scene.xyz[block.references.start]);
                    self.b.push(layout.points.at(block.replies.start));
                }
            }
        }
        self.starts.extend(search.fit.motion(&self.a, &self.b));
    }

    fn pair_starts(&mut self, search: &Search<'_>) {
        self.tuples.pairs.select(search, IMAGES, TUPLES);
        self.tuples.lengths.key = None;
        let mut quota = Quota::new(self.starts.len(), search);
        let mut cut: Option<Ranked> = None;
        for k in 0..self.tuples.pairs.first.len().min(quota.most_tuples) {
            let ranked = self.tuples.pairs.first[k];
            if cut.is_some_and(|cut| !cut.equals(&ranked)) {
                return;
            }
            let room = quota.room(self.starts.len());
            let TupleScratch { lengths, choice, .. } = &mut self.tuples;
            pair_images(search, ranked.pair, room, lengths, choice, &mut self.starts);
            quota.tuples += 1;
            if quota.room(self.starts.len()) == 0 {
                return;
            }
            if quota.enough(self.starts.len()) {
                cut = cut.or(Some(ranked));
            }
        }
    }

    fn triple_starts(&mut self, search: &Search<'_>) {
        let scene = search.context.scene;
        let mut quota = Quota::new(self.starts.len(), search);
        let mut cut: Option<Ranked> = None;
        let mut limit = TUPLES;
        let mut k = 0;
        self.tuples.heights.clear();
        for table in &mut self.tuples.tables {
            table.key = None;
        }
        self.tuples.pairs.select(search, TRIPLE_IMAGES, limit);
        self.tuples.gather_places(search);
        loop {
            if k == self.tuples.pairs.first.len() {
                if k < limit || limit >= PAIRS_FOR_TRIPLES {
                    return;
                }
                // Pairs without a third node are no tuples: look further.
                limit = PAIRS_FOR_TRIPLES;
                self.tuples.pairs.select(search, TRIPLE_IMAGES, limit);
                continue;
            }
            let ranked = self.tuples.pairs.first[k];
            k += 1;
            if cut.is_some_and(|cut| !cut.equals(&ranked)) {
                return;
            }
            self.tuples.find_thirds(search, ranked.pair);
            for third in 0..self.tuples.thirds.len() {
                if quota.tuples == quota.most_tuples {
                    return;
                }
                quota.tuples += 1;
                let nodes = [ranked.pair.i as usize, ranked.pair.j as usize, self.tuples.thirds[third] as usize];
                let room = quota.room(self.starts.len());
                self.tuples.triple_images(search, nodes, room, nodes.map(|i| scene.xyz[i]), &mut self.starts);
                if quota.room(self.starts.len()) == 0 {
                    return;
                }
            }
            if quota.enough(self.starts.len()) {
                cut = cut.or(Some(ranked));
            }
        }
    }

    /// Single nodes, laid on each of their images by translation.
    fn single_starts(&mut self, search: &Search<'_>) {
        let layout = search.context.layout;
        let usable = |i: &usize| (1..=IMAGES).contains(&layout.images[*i].len());
        self.order.clear();
        self.order.extend(search.scope.nodes.clone().filter(usable));
        self.order.sort_by_key(|&i| (layout.images[i].len(), i));
        let quota = Quota::new(self.starts.len(), search);
        let mut cut = None;
        for &i in self.order.iter().take(quota.most_tuples) {
            let images = layout.images[i].clone();
            if cut.is_some_and(|cut| cut != images.len()) {
                return;
            }
            for j in images.clone().take(quota.room(self.starts.len())) {
                self.starts.push(Motion::translation(layout.points.at(j), search.context.scene.xyz[i]));
            }
            if quota.room(self.starts.len()) == 0 {
                return;
            }
            if quota.enough(self.starts.len()) {
                cut = cut.or(Some(images.len()));
            }
        }
    }
}

impl TupleScratch {
    fn gather_places(&mut self, search: &Search<'_>) {
        let Search { context, scope, .. } = *search;
        let may = |i: &usize| (1..=TRIPLE_IMAGES).contains(&context.layout.images[*i].len());
        self.places.clear();
        for i in scope.nodes.clone().filter(may) {
            self.places.push(context.scene.xyz[i]);
        }
    }

    /// Whether a node may lie off the line of a pair, by twice the area of the triangle that it makes: room for rounding counts.
    fn is_off_line(&self, p: Vec3, edge: Vec3, doubled: f64) -> bool {
        let Points { x, y, z } = &self.places;
        let least = doubled * doubled * (1.0 - 1e-9);
        let off = wide(|| {
            let squares = x.iter().zip(y).zip(z).map(|((&x, &y), &z)| {
                let [a, b, c] = [x - p[0], y - p[1], z - p[2]];
                let (u, v, w) = (edge[1] * c - edge[2] * b, edge[2] * a - edge[0] * c, edge[0] * b - edge[1] * a);
                u * u + v * v + w * w
            });
            // A sum, not `any`, so that it goes on in wide registers.
            squares.map(|square| u64::from(square >= least)).sum::<u64>()
        });
        off > 0
    }

    /// The third nodes that complete a pair: fewest images, then the largest triangle, equals all.
    fn find_thirds(&mut self, search: &Search<'_>, pair: Pair) {
        let Search { context, scope, .. } = *search;
        let scene = context.scene;
        let (p, edge) = (scene.xyz[pair.i as usize], sub(scene.xyz[pair.j as usize], scene.xyz[pair.i as usize]));
        let base = norm(edge);
        self.thirds.clear();
        if !self.is_off_line(p, edge, NEAR * base * scene.scale) {
            return;
        }
        let mut best = (usize::MAX, 0.0);
        for k in scope.nodes.clone() {
            let count = context.layout.images[k].len();
            if count == 0 || count > TRIPLE_IMAGES || count > best.0 || k as u32 == pair.i || k as u32 == pair.j {
                continue;
            }
            let doubled = norm(cross(edge, sub(scene.xyz[k], p)));
            if grid(doubled / base / scene.scale) <= grid(NEAR) {
                continue;
            }
            let size = grid(0.5 * doubled / scene.area());
            if count < best.0 || size > best.1 {
                best = (count, size);
                self.thirds.clear();
            }
            if size == best.1 {
                self.thirds.push(k as u32);
            }
        }
    }

    /// Lays a triple on its images of best agreement; each motion is a start.
    fn triple_images(
        &mut self,
        search: &Search<'_>,
        nodes: [usize; 3],
        room: usize,
        corners: [Vec3; 3],
        starts: &mut Vec<Motion>,
    ) {
        let Search { context, fit, .. } = *search;
        let points = &context.layout.points;
        let images = nodes.map(|node| context.layout.images[node].clone());
        let [i, j, k] = &images;
        for (table, [rows, columns]) in self.tables.iter_mut().zip([[i, j], [i, k], [j, k]]) {
            table.fill(search, rows, columns);
        }
        self.heights.select(&images);
        let [a, b, c] = corners;
        let sides = [norm(sub(b, a)), norm(sub(c, a)), norm(sub(c, b))];
        let motion = |image: [usize; 3]| fit.tuple(&corners, &image.map(|at| points.at(at)));
        let Self { tables, heights, choice, .. } = self;
        choice.begin(search);
        for _ in 0..2 {
            wide(
                #[inline(always)]
                || find_triples(search, &sides, &images, tables, heights, choice, motion),
            );
            if choice.take(motion, room, starts) {
                return;
            }
        }
    }
}

/// Finds the images of a triple that agree best.
#[inline(always)]
fn find_triples(
    search: &Search<'_>,
    sides: &[f64; 3],
    [i, j, k]: &[Range<usize>; 3],
    tables: &[Lengths; 3],
    heights: &mut Heights,
    choice: &mut Choice,
    motion: impl Fn([usize; 3]) -> Option<Motion>,
) {
    let points = &search.context.layout.points;
    let [ij, ik, jk] = tables.each_ref().map(|table| &table.values);
    let shortest = SHORT_IMAGE * search.context.scene.scale;
    let mut ceiling = f64::INFINITY;
    let mut sums = std::mem::take(&mut choice.sums);
    for (p, at_p) in i.clone().enumerate() {
        for (q, at_q) in j.clone().enumerate().filter(|&(_, at_q)| at_q != at_p) {
            let pq = ij[p * j.len() + q];
            if pq <= shortest || choice.sum(&sides[..1], &[pq]) > ceiling && !choice.free_scale {
                continue;
            }
            let high = heights.row(p * j.len() + q, points, [at_p, at_q], k, shortest * pq);
            if high == 0 {
                continue;
            }
            let rows = || ik[p * k.len()..(p + 1) * k.len()].iter().zip(&jk[q * k.len()..(q + 1) * k.len()]);
            sums.clear();
            sums.extend(rows().map(|(&pr, &qr)| choice.sum(sides, &[pq, pr, qr])));
            if least(&sums, |sum| sum) > ceiling {
                continue;
            }
            for (r, (&sum, at_r)) in sums.iter().zip(k.clone()).enumerate() {
                if sum <= ceiling && high >> r & 1 == 1 {
                    choice.offer(sum, [at_p, at_q, at_r], &motion);
                }
            }
            ceiling = choice.ceiling();
        }
    }
    choice.sums = sums;
}

/// From one node to each of a range.
#[inline(always)]
fn edges<'a>(points: &'a Points, from: usize, to: &Range<usize>) -> impl ExactSizeIterator<Item = Vec3> + 'a {
    let start = points.at(from);
    let ends = points.x[to.clone()].iter().zip(&points.y[to.clone()]).zip(&points.z[to.clone()]);
    ends.map(move |((&x, &y), &z)| sub([x, y, z], start))
}

/// An image at most this long or, as a triangle, this high (in parts of D) is none: the tuples' own bound, on the grid.
const SHORT_IMAGE: f64 = NEAR + 0.5e-9;

/// Distances between the images of the two nodes of a pair, kept for the next pair with the same images.
#[derive(Clone, Debug, Default)]
struct Lengths {
    key: Option<(Range<usize>, Range<usize>)>,
    values: Vec<f64>,
}

impl Lengths {
    /// Row by row; a node with itself is no image and infinitely far from any agreement.
    fn fill(&mut self, search: &Search<'_>, rows: &Range<usize>, columns: &Range<usize>) {
        let key = Some((rows.clone(), columns.clone()));
        if self.key == key {
            return;
        }
        self.key = key;
        self.values.clear();
        let points = &search.context.layout.points;
        wide(
            #[inline(always)]
            || {
                for p in rows.clone() {
                    let begin = self.values.len();
                    match search.turning {
                        Turning::Free => self.values.extend(edges(points, p, columns).map(norm)),
                        Turning::About(up) => {
                            self.values.extend(edges(points, p, columns).map(|edge| norm(horizontal(edge, up))));
                        }
                    }
                    if columns.contains(&p) {
                        self.values[begin + p - columns.start] = f64::NAN;
                    }
                }
            },
        );
    }
}

/// Lays a pair on its images of best agreement; each motion is a start.
fn pair_images(
    search: &Search<'_>,
    pair: Pair,
    room: usize,
    lengths: &mut Lengths,
    choice: &mut Choice,
    starts: &mut Vec<Motion>,
) {
    let Search { context, turning, fit, .. } = *search;
    let layout = context.layout;
    let (i, j) = (pair.i as usize, pair.j as usize);
    let corners = [context.scene.xyz[i], context.scene.xyz[j]];
    let side = length(turning, sub(corners[1], corners[0]));
    let (rows, columns) = (layout.images[i].clone(), layout.images[j].clone());
    lengths.fill(search, &rows, &columns);
    let motion = |[p, q, _]: [usize; 3]| {
        let image = [layout.points.at(p), layout.points.at(q)];
        match turning {
            Turning::Free => Some(fit.smallest(corners, image)),
            Turning::About(_) => fit.tuple(&corners, &image),
        }
    };
    choice.begin(search);
    for _ in 0..2 {
        wide(
            #[inline(always)]
            || find_pairs(search, side, [&rows, &columns], &lengths.values, choice, motion),
        );
        if choice.take(motion, room, starts) {
            return;
        }
    }
}

/// Finds the images of a pair that agree best.
#[inline(always)]
fn find_pairs(
    search: &Search<'_>,
    side: f64,
    [rows, columns]: [&Range<usize>; 2],
    lengths: &[f64],
    choice: &mut Choice,
    motion: impl Fn([usize; 3]) -> Option<Motion>,
) {
    let shortest = SHORT_IMAGE * search.context.scene.scale;
    let mut ceiling = f64::INFINITY;
    for (p, values) in rows.clone().zip(lengths.chunks_exact(columns.len())) {
        let sum = |image| if image > shortest { choice.sum(&[side], &[image]) } else { f64::INFINITY };
        if least(values, sum) > ceiling {
            continue;
        }
        for (q, &image) in columns.clone().zip(values).filter(|(_, image)| **image > shortest) {
            choice.offer(choice.sum(&[side], &[image]), [p, q, q], &motion);
        }
        ceiling = choice.ceiling();
    }
}

/// The images of a tuple that agree best so far.
#[derive(Clone, Debug, Default)]
struct Choice {
    free_scale: bool,
    scale: f64,
    best: f64,
    equals: Vec<[usize; 3]>,
    sums: Vec<f64>,
    /// Whether an image must have a motion to be the best: asked for only when the best were found to have none.
    careful: bool,
}

impl Choice {
    fn begin(&mut self, search: &Search<'_>) {
        self.free_scale = search.context.spec.free_scale;
        self.scale = search.context.scene.scale;
        self.best = f64::INFINITY;
        self.equals.clear();
        self.careful = false;
    }

    /// What is compared, before it is brought to the grid: less is better.
    #[inline(always)]
    fn sum(&self, sides: &[f64], lengths: &[f64]) -> f64 {
        if self.free_scale {
            -lengths.iter().sum::<f64>()
        } else {
            sides.iter().zip(lengths).map(|(side, length)| (side - length).abs()).sum()
        }
    }

    /// A sum above this cannot reach the best level.
    fn ceiling(&self) -> f64 {
        let ceiling = (self.best + 1.0) * 1e-9 * self.scale;
        ceiling + 1e-12 * ceiling.abs()
    }

    fn offer(&mut self, sum: f64, image: [usize; 3], motion: impl Fn([usize; 3]) -> Option<Motion>) {
        let level = grid(sum / self.scale);
        if level < self.best && (!self.careful || motion(image).is_some()) {
            self.best = level;
            self.equals.clear();
        }
        if level == self.best {
            self.equals.push(image);
        }
    }

    /// Takes the motions of the best images as starts. False where there are images but none has a motion: to be tried again,
    /// with care.
    fn take(&mut self, motion: impl Fn([usize; 3]) -> Option<Motion>, room: usize, starts: &mut Vec<Motion>) -> bool {
        let begin = starts.len();
        starts.extend(self.equals.iter().filter_map(|&image| motion(image)).take(room));
        let done = starts.len() > begin || self.equals.is_empty();
        self.equals.clear();
        self.best = f64::INFINITY;
        self.careful = true;
        done
    }
}
