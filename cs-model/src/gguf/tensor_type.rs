//! How a tensor's numbers are stored.

/// The type of a tensor's numbers, which are stored in blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TensorType {
    F32,
    F16,
    Bf16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q4K,
    Q5K,
    Q6K,
}

/// The types that there are, by their numbers; the names of those that are gone are empty.
const NAMES: [&str; 40] = [
    "F32", "F16", "Q4_0", "Q4_1", "", "", "Q5_0", "Q5_1", "Q8_0", "Q8_1", "Q2_K", "Q3_K", "Q4_K",
    "Q5_K", "Q6_K", "Q8_K", "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S", "IQ2_S",
    "IQ4_XS", "I8", "I16", "I32", "I64", "F64", "IQ1_M", "BF16", "", "", "", "TQ1_0", "TQ2_0", "",
    "", "", "MXFP4",
];

impl TensorType {
    /// The names of the types that are read.
    pub(super) const READ: &str =
        "F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K or Q6_K";

    const ALL: [Self; 11] = [
        Self::F32,
        Self::F16,
        Self::Bf16,
        Self::Q4_0,
        Self::Q4_1,
        Self::Q5_0,
        Self::Q5_1,
        Self::Q8_0,
        Self::Q4K,
        Self::Q5K,
        Self::Q6K,
    ];

    /// The type that has this number.
    ///
    /// # Errors
    /// The name of a type that is not read.
    pub(super) fn of(number: u32) -> Result<Self, String> {
        let known = usize::try_from(number).ok().and_then(|i| NAMES.get(i));
        let name = known.copied().unwrap_or_default();
        let found = Self::ALL.into_iter().find(|of| of.name() == name);
        found.ok_or_else(|| {
            format!(
                "{number} ({})",
                if name.is_empty() { "unknown" } else { name }
            )
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Bf16 => "BF16",
            Self::Q4_0 => "Q4_0",
            Self::Q4_1 => "Q4_1",
            Self::Q5_0 => "Q5_0",
            Self::Q5_1 => "Q5_1",
            Self::Q8_0 => "Q8_0",
            Self::Q4K => "Q4_K",
            Self::Q5K => "Q5_K",
            Self::Q6K => "Q6_K",
        }
    }

    /// The numbers of a block, and its bytes.
    pub(super) fn block(self) -> Block {
        let (numbers, bytes) = match self {
            Self::F32 => (1, 4),
            Self::F16 | Self::Bf16 => (1, 2),
            Self::Q4_0 => (32, 18),
            Self::Q4_1 => (32, 20),
            Self::Q5_0 => (32, 22),
            Self::Q5_1 => (32, 24),
            Self::Q8_0 => (32, 34),
            Self::Q4K => (256, 144),
            Self::Q5K => (256, 176),
            Self::Q6K => (256, 210),
        };
        Block { numbers, bytes }
    }

    /// Whether numbers are stored as integers with a step.
    pub(super) fn is_quantised(self) -> bool {
        self.block().numbers > 1
    }
}

/// The size of a block of numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    pub(super) numbers: usize,
    pub(super) bytes: usize,
}
