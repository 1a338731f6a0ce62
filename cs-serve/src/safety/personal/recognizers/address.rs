//! Postal addresses, Chinese from the largest part to the smallest and English the other way round: what has
//! both a street or the like and a number.

use super::pattern::{Pattern, pattern};
use super::{Certainty, Search};
use crate::safety::personal::kind::Kind;

/// A number of a house, a floor or a room.
const NUMBER: &str =
    r"(?:[A-Za-z]?\d{1,5}[A-Za-z]?|[零一二三四五六七八九十百]{1,6}|[A-Za-z甲乙丙丁东西南北])";

static CHINESE: Pattern = Pattern::new(|| {
    let area = r"(?:[一-鿿]{2,8}?(?:省|自治区|特别行政区|市|自治州|州|盟|区|县|旗))";
    let town = r"(?:[一-鿿]{2,8}?(?:街道|镇|乡|新区|开发区|园区))";
    let street = r"(?:[一-鿿\dA-Za-z]{1,10}?(?:大道|大街|路|街|巷|弄|胡同|道|里|村|屯|庄))";
    let estate = r"(?:[一-鿿\dA-Za-z·]{2,12}?(?:小区|花园|家园|公寓|大厦|广场|中心|新村|苑|城|园|府|庭|湾|居|大学|学院))";
    let house = format!(
        r"(?:[东西南北中]?{NUMBER} ?-? ?(?:号楼|号院|号|弄|巷|栋|幢|座|单元|层|楼|室|户|组|队|门)|\d{{1,4}}(?:-\d{{1,4}}){{1,3}}(?:号|室)?)"
    );
    let inner = format!(r"(?:[ ,]?{house}|[ ,]?{estate})");
    pattern(&format!(
        r"{area}{{0,4}} ?{town}{{0,2}} ?{street}{{0,2}} ?(?:{estate}(?:[一二三四五六七八九十\d]{{1,2}}期)?)?{house}{inner}{{0,6}}(?:\d{{3,4}}(?:室|房)?)?|[一-鿿]{{2,10}}?\d{{1,4}}(?:栋|幢|座|号楼)\d{{1,2}}单元(?:\d{{2,4}}(?:室|房)?)?"
    ))
});

static ENGLISH: Pattern = Pattern::new(|| {
    let part = r"(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Fl|Room|Rm)\.? ?#?[A-Za-z0-9\-]{1,6}|#[A-Za-z0-9\-]{1,6}";
    let kind = "Street|St|Road|Rd|Avenue|Ave|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Way|Square|Sq|Terrace|Ter|Crescent|Cres|Close|Parkway|Pkwy|Highway|Hwy|Circle|Cir|Row|Gardens|Grove|Mews|Hill|Trail|Alley|Gate|View|Wharf|Quay|Esplanade|Rise|Park|Green|Walk|Parade";
    let town = r"(?:,? ?(?:in )?[A-Z][a-zß-ÿ]+(?:[ -][A-Z][a-zß-ÿ]+){0,2}(?: \d{1,2}(?-u:\b))?)";
    let foreign = "(?:Rue|Via|Calle|Avenida|Avenue|Boulevard|Plaza|Place|Piazza|Rua) (?:(?:de|du|des|la|le|del|della|di|da) ){0,2}[A-Z][a-zß-ÿ]+(?: [A-Z][a-zß-ÿ]+){0,2}";
    let code = r"(?:\d{4,6}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z0-9]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d)";
    pattern(&format!(
        r"(?:(?:(?:{part}),? )?\d{{1,5}}[A-Za-z]?(?:-\d{{1,5}})? (?:[NSEW]\.? |North |South |East |West )?(?:(?:[A-Z][a-z'\-]+|\d{{1,3}}(?:st|nd|rd|th)|Mc[A-Z][a-z]+|St\.) ){{1,4}}(?:{kind})(?-u:\b)\.?|\d{{1,4}},? {foreign})(?: (?:NW|NE|SW|SE|N|S|E|W)(?-u:\b))?(?:,? (?:{part}))?(?:{town}){{0,2}}(?:,? ?[A-Z]{{2,3}}(?-u:\b))?(?:,? ?{code}(?-u:\b))?|P\.? ?O\.? Box \d{{1,6}}(?:{town})?(?:,? [A-Z]{{2}}(?-u:\b))?(?:,? {code}(?-u:\b))?"
    ))
});

/// What stands before an address and looks as if it were of it.
const BEFORE: &[&str] = &[
    "住在",
    "寄到",
    "送到",
    "发到",
    "寄往",
    "送往",
    "发往",
    "搬到",
    "搬去",
    "改成",
    "改到",
    "改为",
    "换成",
    "换到",
    "地址是",
    "地址为",
    "地址在",
    "地址",
    "家在",
    "位于",
    "就在",
    "住址是",
    "住址",
    "公司在",
    "人在",
    "住",
    "在",
    "到",
    "是",
    "为",
    "我家",
    "至",
];

/// Words that end a Chinese address's first part and are no place.
const STREETS: &[&str] = &[
    "省", "市", "区", "县", "州", "路", "街", "巷", "弄", "道", "胡同", "镇", "乡", "村", "里",
    "小区", "花园", "家园", "公寓", "大厦", "广场", "中心", "苑", "园", "府", "庭", "湾", "居",
    "城", "大学", "学院", "庄", "屯", "旗",
];

pub(super) fn find(search: &mut Search<'_>) {
    let view = search.view;
    if view.has_chinese {
        for found in CHINESE.find_iter(&view.text) {
            let start = found.start() + after_words(found.as_str());
            let text = &view.text[start..found.end()];
            if is_place(text) {
                search.add(Kind::Address, start, found.end(), Certainty::Form);
            }
        }
    }
    if view.has_digit {
        for found in ENGLISH.find_iter(&view.text) {
            if view.is_apart(found.start(), found.end()) {
                search.add(Kind::Address, found.start(), found.end(), Certainty::Form);
            }
        }
    }
}

/// Gives where an address begins after the words that lead to it.
fn after_words(text: &str) -> usize {
    let first_number = text
        .find(|c: char| c.is_ascii_digit())
        .unwrap_or(text.len());
    let head = &text[..first_number];
    let ends = BEFORE.iter().filter_map(|word| {
        let end = head.rfind(word)? + word.len();
        // 在 may be in the name of a place, before which its city stands.
        let is_first = !STREETS
            .iter()
            .any(|it| head[..end - word.len()].contains(it))
            || word.chars().count() > 1;
        (is_first && end < text.len()).then_some(end)
    });
    ends.max().unwrap_or(0)
}

/// Says whether something is named that has numbers: 3号 alone is none.
fn is_place(text: &str) -> bool {
    let named = STREETS
        .iter()
        .filter_map(|it| text.find(it))
        .any(|at| at >= 3);
    let has_number = text
        .chars()
        .any(|c| c.is_ascii_digit() || super::super::numbers::value_of(c).is_some() || c == '十');
    (named || text.contains("单元")) && has_number
}
