//! The report as a table.

use super::{report, texts};

#[test]
fn the_table_escapes_what_would_steer_a_terminal() {
    let data = texts(&["a\u{1b}[31m\nb", "a\u{1b}[31m\nb"]);
    let table = report(&data).to_string();
    assert!(!table.contains('\u{1b}'));
    assert!(table.contains("a\\u{1b}[31m\\nb"), "{table}");
}
