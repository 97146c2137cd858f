//! How much of the search a reply gets: the whole of it, unless very many of its nodes share their labels.

use crate::components::Context;
use crate::spec::Assignment;

/// Up to this many cells (see [`crate::pair::Layout::cells`]) the search is whole.
const WHOLE: usize = 5_000;
/// Above, this many cells are assigned for starts, and as many for refinement.
const WORK: usize = 100_000;
/// But the whole reply once at least.
const LEAST: usize = 1;
/// So many starts are looked at for each that is assigned.
const LOOKED_AT: usize = 10;

/// What a reply with too many cells gets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    /// Starts that are assigned in each scope, and rounds of refinement.
    pub(super) assigned: usize,
    /// Starts that are looked at, and tuples.
    pub(super) looked_at: usize,
}

impl Share {
    /// None: the whole search. It depends on counts alone, which no motion and no order of nodes changes.
    pub(super) fn of(context: &Context<'_>) -> Option<Self> {
        let cells = context.layout.cells;
        (cells > WHOLE && context.spec.assignment != Assignment::Id).then(|| {
            let assigned = (WORK / cells).max(LEAST);
            Self { assigned, looked_at: LOOKED_AT * assigned }
        })
    }
}
