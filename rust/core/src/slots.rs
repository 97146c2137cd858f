//! A hash table of positions that empties in no time, for the small look-ups of one frame.

/// Open addressing over `u32` positions; what they stand for is the caller's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slots {
    /// Stamp of the round that wrote the slot, and its position.
    entries: Vec<(u32, u32)>,
    stamp: u32,
    mask: usize,
}

impl Slots {
    /// Empties the table and makes room for `count` entries.
    pub(crate) fn begin(&mut self, count: usize) {
        let size = (2 * count).next_power_of_two().max(8);
        if size > self.entries.len() {
            self.entries.resize(size, (0, 0));
        }
        self.mask = size - 1;
        self.stamp = self.stamp.wrapping_add(1);
        if self.stamp == 0 {
            self.entries.fill((0, 0));
            self.stamp = 1;
        }
    }

    /// The slot of the entry for which `same` holds, or a free one: its index, and the position in it if there is one.
    #[inline]
    pub(crate) fn find(&self, hash: u64, same: impl Fn(u32) -> bool) -> (usize, Option<u32>) {
        let mut slot = hash as usize & self.mask;
        loop {
            let (stamp, position) = self.entries[slot];
            if stamp != self.stamp {
                return (slot, None);
            }
            if same(position) {
                return (slot, Some(position));
            }
            slot = (slot + 1) & self.mask;
        }
    }

    /// Writes a position into a slot that `find` gave.
    #[inline]
    pub(crate) fn set(&mut self, slot: usize, position: u32) {
        self.entries[slot] = (self.stamp, position);
    }

    /// How many entries fit.
    pub(crate) fn room(&self) -> usize {
        self.mask.div_ceil(2)
    }
}
