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

/// Plates of other countries, which are anything: only where the text says that one follows.
static ABROAD: Pattern = Pattern::new(|| {
    pattern(
        r"(?i)(?-u:\b)(?:plates?|registration|my reg|reg no\.?|reg:|vehicle|car reg|车牌号码|车牌号|车牌|车号)(?: number| no\.?| plate| is| was|:|是|为|,| ?=| ?#|的| ?- ?){0,3} {0,2}([A-Z0-9]{1,7}(?:[ ·\-][A-Z0-9]{1,5}){0,2})(?-u:\b)",
    )
});

pub(super) fn find(search: &mut Search<'_>) {
    let view = search.view;
    abroad(search);
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

fn abroad(search: &mut Search<'_>) {
    let view = search.view;
    if !view.has_digit {
        return;
    }
    for found in ABROAD.captures_iter(&view.text) {
        let Some(plate) = found.get(1) else { continue };
        let text = without_words(plate.as_str());
        let count = text.bytes().filter(u8::is_ascii_alphanumeric).count();
        let digits = text.bytes().filter(u8::is_ascii_digit).count();
        if (5..=8).contains(&count) && digits >= 2 && digits < count {
            let (start, end) = (plate.start(), plate.start() + text.len());
            search.add(Kind::Plate, start, end, Certainty::Form);
        }
    }
}

/// Takes the words off that may follow a plate.
fn without_words(mut text: &str) -> &str {
    let has_digit = |it: &str| it.bytes().any(|it| it.is_ascii_digit());
    while let Some((rest, last)) = text.rsplit_once([' ', '-', '·']) {
        let is_word = last.len() > 1 && last.bytes().all(|it| it.is_ascii_lowercase());
        if !is_word || has_digit(rest) && rest.len() < 5 {
            break;
        }
        text = rest;
    }
    text
}
