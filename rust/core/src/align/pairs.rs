//! Which pairs of reference nodes the search looks at: those with the fewest images, the longest first.

#![expect(clippy::inline_always, reason = "the loops must be compiled for wide registers, see `wide`")]

use std::ops::Range;

use super::Search;
use crate::geometry::{Points, Turning, Vec3, dot, grid, horizontal, sub};
use crate::plan::{NEAR, Pair};
use crate::wide::wide;

/// A pair with the product of its nodes' images.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ranked {
    product: usize,
    pub(super) pair: Pair,
}

impl Ranked {
    fn order(a: &Self, b: &Self) -> std::cmp::Ordering {
        a.product.cmp(&b.product).then_with(|| Pair::order(&a.pair, &b.pair))
    }

    /// Pairs with the same images and length.
    pub(super) fn equals(&self, other: &Self) -> bool {
        self.product == other.product && self.pair.shortness == other.pair.shortness
    }
}

/// The first pairs, and reused memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Pairs {
    pub(super) first: Vec<Ranked>,
    usable: Usable,
}

/// Nodes that a pair may have, by column.
#[derive(Clone, Debug, Default)]
struct Usable {
    node: Vec<u32>,
    images: Vec<f64>,
    places: Points,
}

/// The last pair that is kept so far. Pairs come in canonical order, so an equal one comes after it.
#[derive(Clone, Copy)]
struct Last {
    product: f64,
    /// Of its length.
    square: f64,
}

impl Last {
    const NONE: Self = Self { product: f64::INFINITY, square: 0.0 };

    #[inline(always)]
    fn is_before(self, product: f64, square: f64) -> bool {
        product > self.product || (product == self.product && square <= self.square)
    }
}

/// The square of a length as the group sees it.
#[inline(always)]
fn square(turning: Turning, edge: Vec3) -> f64 {
    let seen = match turning {
        Turning::Free => edge,
        Turning::About(up) => horizontal(edge, up),
    };
    dot(seen, seen)
}

/// Columns that are looked at together.
const CHUNK: usize = 128;
/// So many times the pairs that are asked for are gathered before the first are kept.
const SPARE: usize = 4;

fn keep_first(pairs: &mut Vec<Ranked>, limit: usize) {
    if pairs.len() > limit {
        pairs.select_nth_unstable_by(limit - 1, Ranked::order);
        pairs.truncate(limit);
    }
    pairs.sort_unstable_by(Ranked::order);
}

impl Pairs {
    /// The first `limit` pairs: fewest images, then longest.
    pub(super) fn select(&mut self, search: &Search<'_>, images: usize, limit: usize) {
        let Search { context, scope, turning, .. } = *search;
        let count = |i: u32| context.layout.images[i as usize].len();
        let usable = |i: u32| (1..=images).contains(&count(i));
        self.first.clear();
        let (mut least, mut second) = (usize::MAX, usize::MAX);
        for i in scope.nodes.clone().map(|i| i as u32).filter(|&i| usable(i)) {
            if count(i) < least {
                second = std::mem::replace(&mut least, count(i));
            } else {
                second = second.min(count(i));
            }
        }
        if second == usize::MAX {
            return;
        }
        let ranked = |pair: &Pair| Ranked { product: count(pair.i) * count(pair.j), pair: *pair };
        let good = |pair: &&Pair| usable(pair.i) && usable(pair.j);
        let fewest = scope.longest.iter().filter(good).map(ranked).filter(|pair| pair.product == least * second);
        self.first.extend(fewest.take(limit));
        if self.first.len() == limit {
            return;
        }
        self.first.clear();
        if scope.all_pairs {
            self.first.extend(scope.longest.iter().filter(good).map(ranked));
            keep_first(&mut self.first, limit);
            return;
        }
        let scene = context.scene;
        self.usable.clear();
        for i in scope.nodes.clone().map(|i| i as u32).filter(|&i| usable(i)) {
            self.usable.push(i, count(i), scene.xyz[i as usize]);
        }
        let mut last = Last::NONE;
        for k in 0..self.usable.node.len() {
            for begin in (k + 1..self.usable.node.len()).step_by(CHUNK) {
                let chunk = begin..self.usable.node.len().min(begin + CHUNK);
                if !self.usable.any_before(last, turning, k, chunk.clone()) {
                    continue;
                }
                for l in chunk {
                    let (product, edge) = self.usable.pair(k, l);
                    let square = square(turning, edge);
                    if last.is_before(product, square) {
                        continue;
                    }
                    let shortness = -grid(square.sqrt() / scene.scale);
                    if shortness < -grid(NEAR) {
                        let pair = Pair { shortness, i: self.usable.node[k], j: self.usable.node[l] };
                        self.first.push(ranked(&pair));
                    }
                }
            }
            if self.first.len() > SPARE * limit {
                keep_first(&mut self.first, limit);
                let Ranked { product, pair } = self.first[limit - 1];
                let edge = sub(scene.xyz[pair.j as usize], scene.xyz[pair.i as usize]);
                last = Last { product: product as f64, square: square(turning, edge) };
            }
        }
        keep_first(&mut self.first, limit);
    }
}

impl Usable {
    fn clear(&mut self) {
        self.node.clear();
        self.images.clear();
        self.places.clear();
    }

    fn push(&mut self, node: u32, images: usize, place: Vec3) {
        self.node.push(node);
        self.images.push(images as f64);
        self.places.push(place);
    }

    /// Product of the images and edge of a pair.
    fn pair(&self, k: usize, l: usize) -> (f64, Vec3) {
        (self.images[k] * self.images[l], sub(self.places.at(l), self.places.at(k)))
    }

    /// Whether a pair of `k` with one of a chunk may be before the last one.
    fn any_before(&self, last: Last, turning: Turning, k: usize, chunk: Range<usize>) -> bool {
        let (images, p) = (self.images[k], self.places.at(k));
        let Points { x, y, z } = &self.places;
        let after = wide(
            #[inline(always)]
            || {
                let places = x[chunk.clone()].iter().zip(&y[chunk.clone()]).zip(&z[chunk.clone()]);
                let squares = places.map(|((&x, &y), &z)| square(turning, sub([x, y, z], p)));
                let pairs = self.images[chunk.clone()].iter().zip(squares);
                // A sum, not `all`, so that it goes on in wide registers.
                pairs.map(|(others, square)| u64::from(last.is_before(images * others, square))).sum::<u64>()
            },
        );
        after < chunk.len() as u64
    }
}
