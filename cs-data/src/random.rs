//! Seeded choices that are the same on every platform and in every version.

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014):
/// small, quick, and not for secrets.
///
/// ```
/// use cs_data::SplitMix;
/// let drawn = |seed| SplitMix::new(SplitMix::hash(seed, "row 7")).below(1000);
/// assert_eq!(drawn(1), drawn(1));
/// assert_ne!(drawn(1), drawn(2));
/// ```
#[derive(Debug, Clone)]
pub struct SplitMix(u64);

impl SplitMix {
    /// Starts a stream of its own for each seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Starts a stream of its own for each name: SplitMix64 of `seed` and the FNV-1a hash of
    /// `name`.
    ///
    /// ```
    /// use cs_data::SplitMix;
    /// let drawn = |name| SplitMix::named(1, name).below(1000);
    /// assert_eq!(drawn("encoder.weight"), drawn("encoder.weight"));
    /// assert_ne!(drawn("encoder.weight"), drawn("encoder.bias"));
    /// ```
    pub fn named(seed: u64, name: &str) -> Self {
        Self(Self::new(seed).next() ^ fnv1a(name))
    }

    /// Gives a number that is a function of `seed` and `name` and of nothing else: the first of
    /// their [named](Self::named) stream.
    pub fn hash(seed: u64, name: &str) -> u64 {
        Self::named(seed, name).next()
    }

    /// Gives the next 64 bits.
    #[allow(clippy::should_implement_trait, reason = "without end, and no Option")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Gives a number in `0.0..1.0`, of 53 bits.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Gives `true` with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Gives a number below `bound`, or 0 if `bound` is 0; the bias is below `bound` / 2^64.
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }

    /// Picks one of `items`, each as likely; `None` if there are none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }

    /// Shuffles `items` (Fisher and Yates), each order as likely.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// The 64-bit hash FNV-1a (Fowler, Noll and Vo).
fn fnv1a(text: &str) -> u64 {
    let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, fold)
}
