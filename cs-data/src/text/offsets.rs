//! Between bytes (memory) and Unicode scalar values (files, JSON).

/// Converts positions in one text between bytes and Unicode scalar values, O(1) each.
///
/// Built in one pass; takes no memory for ASCII texts and 4 bytes a character for others.
///
/// ```
/// use cs_data::Offsets;
/// let offsets = Offsets::new("查a😀");
/// assert_eq!(offsets.chars(), 3);
/// assert_eq!(offsets.byte(2), Some(4));
/// assert_eq!(offsets.byte(3), Some(8)); // the end
/// assert_eq!(offsets.char(4), Some(2));
/// assert_eq!(offsets.char(5), None); // inside 😀
/// ```
#[derive(Debug, Clone)]
pub struct Offsets {
    bytes: usize,
    /// Byte at which each character starts; empty for ASCII.
    starts: Vec<u32>,
}

impl Offsets {
    /// Indexes the characters of `text`.
    ///
    /// # Panics
    ///
    /// If `text` has 4 GiB or more.
    pub fn new(text: &str) -> Self {
        assert!(u32::try_from(text.len()).is_ok(), "a text below 4 GiB");
        let starts = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices().map(|(byte, _)| byte as u32).collect()
        };
        Offsets {
            bytes: text.len(),
            starts,
        }
    }

    /// Length of the text in Unicode scalar values.
    pub fn chars(&self) -> usize {
        if self.starts.is_empty() {
            self.bytes
        } else {
            self.starts.len()
        }
    }

    /// Gives the byte at which character `char` starts, and the text's length for one past the
    /// last; `None` beyond.
    pub fn byte(&self, char: usize) -> Option<usize> {
        if char == self.chars() {
            return Some(self.bytes);
        }
        if self.starts.is_empty() {
            return (char < self.bytes).then_some(char);
        }
        self.starts.get(char).map(|&byte| byte as usize)
    }

    /// Gives the number of the character that starts at `byte`, and the number of characters for
    /// the text's end; `None` inside a character and past the end.
    pub fn char(&self, byte: usize) -> Option<usize> {
        if byte == self.bytes {
            return Some(self.chars());
        }
        if self.starts.is_empty() {
            return (byte < self.bytes).then_some(byte);
        }
        self.starts.binary_search(&u32::try_from(byte).ok()?).ok()
    }
}

/// Moves `byte` down to the start of the character in which it lies, and to the end of `text` at
/// most.
///
/// ```
/// use cs_data::text::floor;
/// assert_eq!(floor("订单", 4), 3);
/// assert_eq!(floor("订单", 99), 6);
/// ```
pub fn floor(text: &str, byte: usize) -> usize {
    let mut byte = byte.min(text.len());
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    byte
}

/// Moves `byte` up to the end of the character in which it lies, and to the end of `text` at most.
///
/// ```
/// use cs_data::text::ceil;
/// assert_eq!(ceil("订单", 4), 6);
/// assert_eq!(ceil("订单", 99), 6);
/// ```
pub fn ceil(text: &str, byte: usize) -> usize {
    let mut byte = byte.min(text.len());
    while !text.is_char_boundary(byte) {
        byte += 1;
    }
    byte
}
