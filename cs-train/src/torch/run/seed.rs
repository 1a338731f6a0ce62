//! Seeds as pure functions of (seed, what for, when).

use cs_data::SplitMix;

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

fn mix(value: u64) -> u64 {
    SplitMix::new(value).next()
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
