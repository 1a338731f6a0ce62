//! Columns of words that many rows share.

use cs_data::*;

use super::{in_batches, rows};

#[test]
fn dictionaries_do_not_grow_with_every_choice() {
    let mut data = in_batches(&rows(40), &[3]);
    for seed in 0..5 {
        data = Dataset::concat([data.shuffle(seed).unwrap(), data.select(&[0]).unwrap()]);
    }
    let data = data.shuffle(9).unwrap();
    for column in ["intent", "origin", "speaker"] {
        let column = data.batches()[0].column_by_name(column).unwrap();
        let words = arrow::array::AsArray::as_any_dictionary(column)
            .values()
            .len();
        assert!(words <= 3, "{words} words");
    }
}
