//! Offsets in bytes and in characters.

use cs_data::*;
use proptest::prelude::*;

use crate::common::seeded;

proptest! {
    #![proptest_config(seeded(256))]

    #[test]
    fn offsets_convert_both_ways(text in "\\PC*") {
        let offsets = Offsets::new(&text);
        prop_assert_eq!(offsets.chars(), text.chars().count());
        for byte in 0..=text.len() + 1 {
            let expected = (byte <= text.len() && text.is_char_boundary(byte))
                .then(|| text[..byte].chars().count());
            prop_assert_eq!(offsets.char(byte), expected);
            if let Some(char) = expected {
                prop_assert_eq!(offsets.byte(char), Some(byte));
            }
        }
        prop_assert_eq!(offsets.byte(offsets.chars() + 1), None);
    }
}
