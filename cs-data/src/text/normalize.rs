//! Text as a comparison sees it.

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

/// Gives the form of `text` by which duplicates and leaks are found: Unicode form NFKC (UAX #15),
/// lower case, without punctuation (general category P) and with single spaces.
///
/// ```
/// use cs_data::normalize;
/// assert_eq!(normalize("Where's  my ORDER?! "), "wheres my order");
/// assert_eq!(normalize("我要退款。"), normalize("我要退款"));
/// assert_eq!(normalize("ＡＢＣ１２３"), "abc123"); // full-width forms
/// ```
pub fn normalize(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut space = false;
    for char in text.nfkc().flat_map(char::to_lowercase) {
        if char.is_whitespace() {
            space = !out.is_empty();
        } else if char.general_category_group() != GeneralCategoryGroup::Punctuation {
            if std::mem::take(&mut space) {
                out.push(' ');
            }
            out.push(char);
        }
    }
    out
}
