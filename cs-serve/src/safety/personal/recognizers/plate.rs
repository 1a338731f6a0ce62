//! Number plates of mainland China (GA 36): a province, a letter for the city, and five characters or, of an
//! electric car, six; of other countries by their shape where a vehicle is spoken of, or whatever the text calls one.

use super::pattern::{Pattern, pattern};
use super::{Certainty, Clue, Search};
use crate::safety::personal::kind::Kind;
use crate::safety::personal::numbers::value_of;

const PROVINCES: &str = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼";

static PATTERN: Pattern = Pattern::new(|| {
    let city = "[A-HJ-NP-Za-hj-np-z]";
    let one = "[A-HJ-NP-Za-hj-np-z0-9零一二三四五六七八九幺]";
    pattern(&format!(
        r"[{PROVINCES}]牌? ?[·.\-_/]? ?{city}(?:(?: {one}){{5,6}}|(?: ?[·.\-_/:] ?| )?{one}(?: ?{one}){{3}} ?(?:{one}{{1,2}}|[挂学警港澳领使试超]))|WJ ?[{PROVINCES}]? ?\d{{4}}[0-9A-Z]"
    ))
});

/// Plates of other countries, which are anything: only where the text says that one follows.
static ABROAD: Pattern = Pattern::new(|| {
    pattern(
        r"(?i)(?:(?-u:\b)(?:plates?|registration|my reg|reg|vehicle|car reg|number tag)|车牌号码|车牌号|车牌|车号|号牌|牌照)(?: number| no\.?| plate| mark| reg| is| was| from| to|号码|:|\?|\.|是|为|,| ?=| ?#|的| ?- ?){0,3} {0,2}([A-Z0-9]{1,7}(?:[ ·\-][A-Z0-9]{1,5}){0,2})(?-u:\b)",
    )
});

/// Shapes of plates: of Britain, France and Italy, Germany, Spain, the Netherlands, North America and Australia, India, Singapore and
/// Malaysia, Ireland, Russia, Macao.
static SHAPES: Pattern = Pattern::new(|| {
    pattern(
        r"(?-u:\b)(?:[A-Z]{2}\d{2} ?[A-Z]{3}|[A-Z]\d{1,3} ?[A-Z]{3}|[A-Z]{3} ?\d{1,3}[A-Z]|[A-Z]{2}[ -]?\d{3}[ -]?[A-Z]{2}|[A-ZÄÖÜ]{1,3}-[A-Z]{1,2} ?\d{1,4}[EH]?|\d{4} ?[B-DF-HJ-NP-TV-Z]{3}|[A-Z]{2}-\d{2,3}-[A-Z]{1,2}|\d{2}-[A-Z]{2,3}-\d{1,2}|[A-Z]{3}[ -]\d{3,4}|[A-Z]{3}\d{4}|\d[A-Z]{3}\d{3}|\d{3}[ -][A-Z]{3}|[A-Z]{2}[ -]?\d{1,2}[ -]?[A-Z]{1,3}[ -]?\d{4}|S[A-Z]{2} ?\d{1,4} ?[A-Z]|[A-Z]{3} ?\d{4}|\d{2,3}-[A-Z]{1,2}-\d{1,6}|[A-Z]\d{3}[A-Z]{2}\d{2,3}|M[A-Z]-?\d{2}-?\d{2})(?-u:\b)",
    )
});

/// What is spoken of with a plate.
static VEHICLE: Pattern = Pattern::new(|| {
    pattern(
        r"(?i)(?-u:\b)(?:car|cars|van|vehicle|plates?|number plate|parking|parked|permit|barrier|tolls?|congestion|ulez|speeding|registration|reg|lorry|truck|taxi|cab|motorbike|motorcycle|scooter|garage|tow(?:ed)?|clamped|mot|anpr|rental|hire car|ride|driver|uber|tesla|toyota|bmw|audi|volkswagen|mercedes|ford|honda)(?-u:\b)|车|停车|违章|道闸",
    )
});

/// How many characters before a plate are looked through for them, and after it.
const REACH: usize = 48;

pub(super) fn find(search: &mut Search<'_>) {
    let view = search.view;
    abroad(search);
    by_shape(search);
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

/// Finds what has the shape of a plate where a vehicle is spoken of.
fn by_shape(search: &mut Search<'_>) {
    let view = search.view;
    if !view.has_digit || !view.text.contains(|c: char| c.is_ascii_uppercase()) {
        return;
    }
    for found in SHAPES.find_iter(&view.text) {
        let (start, end) = (found.start(), found.end());
        let around = [view.tail(start, REACH), view.head(end, REACH)];
        let is_other = matches!(
            search.clue(start),
            Some(Clue::Other | Clue::Order | Clue::Passport | Clue::Id | Clue::Card)
        );
        if !is_other && around.iter().any(|it| VEHICLE.is_match(it)) && view.is_apart(start, end) {
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
