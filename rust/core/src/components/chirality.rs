//! `chirality`: what distances and unsigned angles cannot see, left from right.

use crate::assign::NONE;
use crate::components::Context;
use crate::geometry::{Points, cross, dot, sub};
use crate::plan::{FAR_NODES_MOST, Handedness};

/// An image is oriented from this share of D² or D³ on: the least that is over 1e-3 on the grid.
const ORIENTED: f64 = 0.001_000_000_500_000_000_2;

/// How many of the frame's clearly oriented tuples have images of the same sign.
pub(crate) fn right(context: &Context<'_>, frame: usize, partners: &[u32], points: &Points, scale: f64) -> usize {
    let tuples = &context.plan().frames[frame].tuples;
    // What is not a number has no sign.
    let mut images = [[f64::NAN; 3]; FAR_NODES_MOST];
    for (image, &node) in images.iter_mut().zip(&tuples.nodes) {
        let partner = partners[node as usize];
        if partner != NONE {
            *image = points.at(partner as usize);
        }
    }
    let at = |place: u8| images[usize::from(place) % FAR_NODES_MOST];
    let size = context.scene.scale / scale;
    let unit = match context.plan().handedness {
        Handedness::Area(_) => size * size,
        Handedness::Volume => size * size * size,
    };
    let least = (ORIENTED * unit).max(f64::MIN_POSITIVE);
    let mut right = 0;
    for face in &tuples.faces {
        let [a, c, d] = face.shared.map(at);
        let (ac, ad) = (sub(c, a), sub(d, a));
        let seconds = tuples.seconds[face.seconds.clone()].iter().map(|second| (sub(at(second.place), a), second.sign));
        right += match context.plan().handedness {
            Handedness::Area(up) => {
                seconds.filter(|(ab, sign)| sign * (0.5 * dot(up, cross(*ab, ac))) >= least).count()
            }
            Handedness::Volume => {
                let across = cross(ac, ad);
                seconds.filter(|(ab, sign)| sign * dot(*ab, across) >= least).count()
            }
        };
    }
    right
}

#[cfg(test)]
mod tests {
    use super::ORIENTED;
    use crate::geometry::grid;

    #[test]
    fn the_bound_is_the_least_over_it_on_the_grid() {
        assert!(grid(ORIENTED) > grid(1e-3));
        assert!(grid(ORIENTED.next_down()) <= grid(1e-3));
    }
}
