//! Seeds as pure functions of (seed, what for, when).

/// What a derived seed is for, so that equal counters do not give equal streams.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stream {
    /// The order of an epoch's rows.
    Order = 1,
    /// The dropout of a step.
    Dropout = 2,
}

/// Mixes `seed`, `stream` and `counter` into one seed.
pub(crate) fn derive(seed: u64, stream: Stream, counter: u64) -> u64 {
    mix(mix(mix(seed) ^ stream as u64) ^ counter)
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014): a bijection that spreads every bit.
fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_and_counters_differ() {
        let mut seeds: Vec<u64> = (0..3)
            .flat_map(|seed| (0..50).map(move |counter| (seed, counter)))
            .flat_map(|(seed, counter)| {
                [Stream::Order, Stream::Dropout].map(|stream| derive(seed, stream, counter))
            })
            .collect();
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), 300);
    }
}
