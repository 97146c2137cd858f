//! One small, fixed hash for byte strings: the tables here are looked up only, so the order of a table never shows.

const K0: u64 = 0x9e37_79b9_7f4a_7c15;
const K1: u64 = 0xe703_7ed1_a0b4_28db;

/// Folded 64 by 64 bit product.
pub(crate) fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}

/// Hash of a byte string; the same on every machine and in every process.
pub(crate) fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut state = K0 ^ bytes.len() as u64;
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        state = fold(state ^ u64::from_le_bytes(chunk.try_into().unwrap_or_default()), K1);
    }
    let mut last = 0_u64;
    for &byte in chunks.remainder() {
        last = last << 8 | u64::from(byte);
    }
    fold(state ^ last, K0)
}

/// Hash of an id: a label number and an instance suffix.
pub(crate) fn hash_id(label: u32, suffix: u128) -> u64 {
    fold(fold(suffix as u64 ^ K0, K1) ^ (suffix >> 64) as u64 ^ u64::from(label) << 32, K0)
}
