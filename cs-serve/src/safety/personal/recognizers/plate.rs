//! Number plates of mainland China (GA 36): a province, a letter for the city, and five characters or, of an
//! electric car, six.

use super::pattern::{Pattern, pattern};
use super::{Certainty, Search};
use crate::safety::personal::kind::Kind;
use crate::safety::personal::numbers::value_of;

const PROVINCES: &str = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼";

static PATTERN: Pattern = Pattern::new(|| {
    let city = "[A-HJ-NP-Za-hj-np-z]";
    let one = "[A-HJ-NP-Za-hj-np-z0-9零一二三四五六七八九幺]";
    pattern(&format!(
        r"[{PROVINCES}]牌? ?[·.\-_/]? ?{city}(?:(?: {one}){{5,6}}|(?: ?[·.\-_/:] ?| )?{one}(?: ?{one}){{3}} ?(?:{one}{{1,2}}|[挂学警港澳领使试超]))"
    ))
});

pub(super) fn find(search: &mut Search<'_>) {
    let view = search.view;
    if !view.has_chinese {
        return;
    }
    for found in PATTERN.find_iter(&view.text) {
        let digits = found.as_str().chars().filter(|c| value_of(*c).is_some());
        if digits.count() >= 2 && view.is_apart(found.start(), found.end()) {
            search.add(Kind::Plate, found.start(), found.end(), Certainty::Form);
        }
    }
}
