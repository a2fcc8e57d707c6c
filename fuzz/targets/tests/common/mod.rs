//! What the tests of targets with a model have in common.

/// Pseudo-random inputs, the same each time.
pub(crate) fn inputs(seed: u64) -> impl Iterator<Item = Vec<u8>> {
    let mut state = seed;
    let mut next = move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    std::iter::repeat_with(move || {
        let len = 60 + next() as usize % 440;
        std::iter::repeat_with(&mut next).flat_map(u64::to_le_bytes).take(len).collect()
    })
}
