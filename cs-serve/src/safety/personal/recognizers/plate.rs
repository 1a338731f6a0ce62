//! Number plates of mainland China (GA 36): a province, a letter for the city, and five characters or, of an
//! electric car, six.

use super::pattern::{Pattern, pattern};
use super::{Certainty, Search};
use crate::safety::personal::kind::Kind;

const PROVINCES: &str = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼";

static PATTERN: Pattern = Pattern::new(|| {
    pattern(&format!(
        r"[{PROVINCES}][ ·.\-]?[A-HJ-NP-Za-hj-np-z](?: ?[·.\-] ?| )?[A-HJ-NP-Za-hj-np-z0-9](?: ?[A-HJ-NP-Za-hj-np-z0-9]){{3}} ?(?:[A-HJ-NP-Za-hj-np-z0-9]{{1,2}}|[挂学警港澳])"
    ))
});

pub(super) fn find(search: &mut Search<'_>) {
    let view = search.view;
    if !(view.has_digit && view.has_chinese) {
        return;
    }
    for found in PATTERN.find_iter(&view.text) {
        let digits = found.as_str().bytes().filter(u8::is_ascii_digit).count();
        if digits >= 2 && view.is_apart(found.start(), found.end()) {
            search.add(Kind::Plate, found.start(), found.end(), Certainty::Form);
        }
    }
}
