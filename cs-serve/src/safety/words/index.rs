//! Where words may stand in what a text is read as.
//!
//! Words are kept by a hash of their bytes (Karp and Rabin 1987), and so are their beginnings, as bits of a
//! set (Bloom 1970). Up to eight bytes a word is looked for at once, a longer one by its first eight and then as long as
//! what stands there is a beginning. A wrong yes costs time, not more, as each word that is found is compared.

use std::ops::Range;

/// The bytes that are looked at at once.
pub(super) const HEAD: usize = 8;

/// The bytes that tell most places where no word begins.
const QUICK: usize = 4;

/// Words by what they are read as.
#[derive(Debug)]
pub(super) struct Index {
    /// Of words of each length from one byte to [`HEAD`], if there are such words.
    short: [Option<Bits>; HEAD],
    /// The first bytes of longer words.
    heads: Option<Bits>,
    /// Those of all words that have so many.
    quick: Bits,
    /// Whether there are words with fewer.
    has_tiny: bool,
    /// All beginnings of all words, these themselves among them.
    beginnings: Bits,
    /// Hashes with their words, in order.
    words: Vec<(u64, u32)>,
    /// For the first bits of a hash, where its words begin.
    buckets: Vec<u32>,
    shift: u32,
}

/// Gathers what an index is made of.
#[derive(Debug, Default)]
pub(super) struct Builder {
    bytes: Vec<u8>,
    /// For each word the end of its bytes.
    words: Vec<(usize, u32)>,
}

impl Builder {
    /// Adds bytes, one at least, that stand for a word.
    pub(super) fn add(&mut self, bytes: &[u8], word: u32) {
        self.bytes.extend_from_slice(bytes);
        self.words.push((self.bytes.len(), word));
    }

    pub(super) fn build(self) -> Index {
        let mut lengths = [0; HEAD + 1];
        let mut start = 0;
        for &(end, _) in &self.words {
            lengths[(end - start - 1).min(HEAD)] += 1;
            start = end;
        }
        let bits = |at: usize| (lengths[at] > 0).then(|| Bits::new(lengths[at] * 32, 1 << 24));
        let mut index = Index {
            short: std::array::from_fn(bits),
            heads: bits(HEAD),
            quick: Bits::new(self.words.len() * 32, 1 << 24),
            has_tiny: lengths[..QUICK - 1].iter().any(|&count| count > 0),
            beginnings: Bits::new(self.bytes.len() * 8, 1 << 28),
            words: Vec::with_capacity(self.words.len()),
            buckets: Vec::new(),
            shift: 64 - self.words.len().max(2).ilog2(),
        };
        let mut start = 0;
        for &(end, word) in &self.words {
            let hash = index.insert(&self.bytes[start..end]);
            index.words.push((hash, word));
            start = end;
        }
        index.words.sort_unstable();
        index.fill_buckets();
        index
    }
}

impl Index {
    /// Adds a word's beginnings, and gives its hash.
    fn insert(&mut self, bytes: &[u8]) -> u64 {
        let mut beginning = SEED;
        for &byte in bytes {
            beginning = next(beginning, byte);
            self.beginnings.insert(beginning);
        }
        let hash = hash_of(head(bytes), bytes.len().min(HEAD));
        if bytes.len() >= QUICK {
            self.quick.insert(hash_of(head(bytes), QUICK));
        }
        match bytes.len() {
            len @ 1..=HEAD => {
                if let Some(short) = &mut self.short[len - 1] {
                    short.insert(hash);
                }
                hash
            }
            _ => {
                if let Some(heads) = &mut self.heads {
                    heads.insert(hash);
                }
                beginning
            }
        }
    }

    fn fill_buckets(&mut self) {
        let last = (u64::MAX >> self.shift) as usize;
        self.buckets.reserve(last + 2);
        let mut at = 0;
        for bucket in 0..=last + 1 {
            while self
                .words
                .get(at)
                .is_some_and(|&(hash, _)| ((hash >> self.shift) as usize) < bucket)
            {
                at += 1;
            }
            self.buckets.push(at as u32);
        }
    }

    /// Whether there is nothing to find.
    pub(super) fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Tells each word that begins where bytes do. What stands there goes on in them, or in zeros.
    #[inline]
    pub(super) fn find(&self, bytes: &[u8], mut each: impl FnMut(u32)) {
        let key = head(bytes);
        if self.has_tiny {
            self.find_short(key, 1..QUICK, &mut each);
        }
        if self.quick.has(hash_of(key, QUICK)) {
            self.find_more(key, bytes, &mut each);
        }
    }

    /// Tells the words that bytes are as a whole.
    pub(super) fn find_all(&self, bytes: &[u8], mut each: impl FnMut(u32)) {
        match bytes.len() {
            len @ 0..=HEAD => self.find_short(head(bytes), len.max(1)..len + 1, &mut each),
            _ => self.words(hash(bytes), &mut each),
        }
    }

    #[inline]
    fn find_short(&self, key: u64, lengths: Range<usize>, each: &mut impl FnMut(u32)) {
        for len in lengths {
            if let Some(short) = &self.short[len - 1] {
                let hash = hash_of(key, len);
                if short.has(hash) {
                    self.words(hash, each);
                }
            }
        }
    }

    fn find_more(&self, key: u64, bytes: &[u8], each: &mut impl FnMut(u32)) {
        self.find_short(key, QUICK..HEAD + 1, each);
        if let Some(heads) = &self.heads
            && heads.has(hash_of(key, HEAD))
        {
            self.find_long(bytes, each);
        }
    }

    fn find_long(&self, bytes: &[u8], each: &mut impl FnMut(u32)) {
        let mut hash = SEED;
        for (at, &byte) in bytes.iter().enumerate() {
            hash = next(hash, byte);
            if !self.beginnings.has(hash) {
                break;
            }
            if at >= HEAD {
                self.words(hash, each);
            }
        }
    }

    /// Whether bytes may be the beginning of a word, or one.
    pub(super) fn may_begin(&self, bytes: &[u8]) -> bool {
        let mut hash = SEED;
        bytes.iter().all(|&byte| {
            hash = next(hash, byte);
            self.beginnings.has(hash)
        })
    }

    #[inline]
    fn words(&self, hash: u64, each: &mut impl FnMut(u32)) {
        let bucket = (hash >> self.shift) as usize;
        let range = self.buckets[bucket] as usize..self.buckets[bucket + 1] as usize;
        for &(own, word) in &self.words[range] {
            if own == hash {
                each(word);
            }
        }
    }
}

/// A hash of bytes.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(SEED, |hash, &byte| next(hash, byte))
}

const SEED: u64 = 0x51_7c_c1_b7_27_22_0a_95;

/// The first bytes as a number, with zeros for those that are not there.
#[inline]
fn head(bytes: &[u8]) -> u64 {
    match bytes.first_chunk::<HEAD>() {
        Some(&head) => u64::from_le_bytes(head),
        None => {
            let mut head = [0; HEAD];
            head[..bytes.len()].copy_from_slice(bytes);
            u64::from_le_bytes(head)
        }
    }
}

/// The hash of the first bytes of a head.
#[inline]
fn hash_of(head: u64, len: usize) -> u64 {
    mixed((head << (64 - 8 * len)) ^ len as u64)
}

#[inline]
fn next(hash: u64, byte: u8) -> u64 {
    mixed(hash ^ u64::from(byte))
}

/// A step of SplitMix64's finaliser: all bits of a product depend on those below them, its high half on all.
#[inline]
fn mixed(hash: u64) -> u64 {
    let product = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    product ^ (product >> 32)
}

/// A set of hashes that may say yes to others too.
#[derive(Debug)]
struct Bits {
    words: Vec<u64>,
    shift: u32,
}

impl Bits {
    /// A set of about as many bits, `most` at most.
    fn new(bits: usize, most: usize) -> Self {
        let bits = bits.clamp(1 << 10, most).next_power_of_two();
        Self {
            words: vec![0; bits / 64],
            shift: 64 - bits.ilog2(),
        }
    }

    #[inline]
    fn place(&self, hash: u64) -> (usize, u64) {
        let bit = (hash >> self.shift) as usize;
        (bit / 64, 1 << (bit % 64))
    }

    fn insert(&mut self, hash: u64) {
        let (word, bit) = self.place(hash);
        self.words[word] |= bit;
    }

    #[inline]
    fn has(&self, hash: u64) -> bool {
        let (word, bit) = self.place(hash);
        self.words[word] & bit != 0
    }
}
