//! Chinese addresses: the numbers of houses, floors and rooms, and the names that stand before them.

use super::super::pattern::{Pattern, pattern};
use super::regions;
use crate::letters::is_ideograph;
use crate::safety::personal::numbers::value_of;
use crate::safety::personal::view::View;

/// The most characters of the names before the first number.
const LONGEST_NAMES: usize = 36;

/// The most characters between two numbers.
const LONGEST_NAME: usize = 12;

/// The number of a house or of what is in it.
static PART: Pattern = Pattern::new(|| {
    let number = r"(?:[A-Za-z]?\d{1,5}[A-Za-z]?|[零一二三四五六七八九十百]{1,6}|[A-Za-z甲乙丙丁])";
    pattern(&format!(
        r"[东西南北中第]?{number} ?-? ?(?:号宿舍楼|号楼|号院|号库|号仓|号门|号信箱|信箱|号|支弄|弄|巷|栋|幢|座|单元|层|楼|室|户|村民小组|组|队|社|丁目|番地|番|门|舍|斋|房|铺|档口|档|仓|区|期)(?:楼|院)?|\d{{1,4}}#(?:楼|院|栋)?|[东西南北](?:门|座|楼|院)|\d{{1,4}}(?:-\d{{1,4}}){{1,3}}(?:号|室)?"
    ))
});

/// The room that stands after the house's number.
static ROOM: Pattern = Pattern::new(|| {
    pattern(r"^[ \-#,]?(?:[A-Za-z]?\d{2,4}|[零一二三四五六七八九幺]{3,4})(?:室|房|号)?")
});

/// What names of places end with.
const PLACES: &[&str] = &[
    "省", "市", "区", "县", "州", "盟", "旗", "路", "街", "巷", "弄", "道", "胡同", "镇", "乡",
    "村", "屯", "庄", "里", "街道", "段", "小区", "花园", "家园", "公寓", "大厦", "广场", "中心",
    "苑", "园", "府", "庭", "湾", "居", "城", "大学", "学院", "宿舍", "院", "口", "大队",
];

/// Words that end as names of places do.
const NO_PLACES: &[&str] = &[
    "知道",
    "渠道",
    "频道",
    "通道",
    "味道",
    "这里",
    "那里",
    "哪里",
    "家里",
    "店里",
    "手里",
    "心里",
    "公里",
    "里里",
    "地区",
    "市区",
    "超市",
    "上市",
    "售后中心",
    "客服中心",
    "医院",
    "法院",
    "路口",
    "门口",
    "出口",
    "入口",
    "接口",
    "端口",
    "窗口",
    "口",
    "商城",
    "夜里",
    "哪个区",
    "时段",
];

/// Parts that are of a house, whatever stands before them.
const STRONG: &[&str] = &[
    "宿舍楼",
    "号楼",
    "号院",
    "弄",
    "栋",
    "幢",
    "座",
    "单元",
    "室",
    "村民小组",
    "组",
    "丁目",
    "番地",
    "#楼",
    "号库",
    "号仓",
];

/// What stands before an address and is not of it.
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
    "这里是",
    "这边是",
    "这儿是",
    "地址是",
    "地址为",
    "地址在",
    "地址填",
    "地址写",
    "地址",
    "家在",
    "位于",
    "老家",
    "新家",
    "就在",
    "住址是",
    "住址",
    "公司在",
    "人在",
    "我家",
    "住",
    "在",
    "到",
    "是",
    "为",
    "至",
    "送",
    "寄",
    "填",
    "去",
    "往",
    "给",
    "放在",
    "放到",
];

/// Characters that hardly are in the name of a place.
const NO_NAMES: &str = "的请给我您你吗呢么";

/// What follows the number of something that is no house.
const NO_HOUSE: &str = "线店码机桌床票台窗柜位";

/// A number with its unit, and whether it tells a house by itself.
struct Part {
    start: usize,
    end: usize,
    is_strong: bool,
    /// Two numbers alone, which may be a range.
    is_pair: bool,
}

/// Gives the bytes of each.
pub(super) fn find(view: &View) -> Vec<(usize, usize)> {
    let text = view.text.as_str();
    let parts: Vec<Part> = PART
        .find_iter(text)
        .filter_map(|it| part(view, it.start(), it.as_str()))
        .collect();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = parts.get(at) {
        let mut last = at;
        while parts
            .get(last + 1)
            .is_some_and(|next| goes_on(&text[parts[last].end..next.start], next))
        {
            last += 1;
        }
        let names = names_before(text, first.start);
        if is_address(&text[names..first.start], &parts[at..=last], text) {
            let end = parts[last].end;
            let rest = &text[end..];
            let room = ROOM.find(rest).map_or(0, |it| it.end());
            found.push((names, end + room.max(building(rest))));
        }
        at = last + 1;
    }
    found
}

/// Gives the length of a building's name, with a room's number, that ends an address.
fn building(rest: &str) -> usize {
    static BUILDING: Pattern = Pattern::new(|| {
        pattern(
            r"^[ ,]?[一-鿿]{2,10}?(?:大厦|广场|中心|公寓|花园|小区|家园|苑|大楼|商厦|写字楼|新村|产业园|科技园)(?: ?[A-Z]?座? ?\d{2,5}(?:室|房|号)?)?",
        )
    });
    let length = BUILDING.find(rest).map_or(0, |it| it.end());
    let goes_on = rest[length..].starts_with(is_ideograph);
    if goes_on { 0 } else { length }
}

fn part(view: &View, start: usize, text: &str) -> Option<Part> {
    let end = start + text.len();
    let dashes = text.matches('-').count();
    let is_dashed = dashes > 0 && text.ends_with(|c: char| c.is_ascii_digit());
    if is_dashed && !is_room(view, start, text) {
        return None;
    }
    let is_strong = dashes > 1 || STRONG.iter().any(|it| text.ends_with(it));
    let is_pair = is_dashed && dashes == 1;
    Some(Part {
        start,
        end,
        is_strong,
        is_pair,
    })
}

/// Says whether 3-2-501 stands after a name, and nothing goes on with it.
fn is_room(view: &View, start: usize, text: &str) -> bool {
    let before = view.text[..start].trim_end().chars().next_back();
    let after = view.text[start + text.len()..]
        .trim_start_matches('-')
        .chars()
        .next();
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    before.is_some_and(is_ideograph)
        && digits < 10
        && after.is_none_or(|c| !c.is_ascii_alphanumeric())
}

/// Says whether an address goes on from one part to the next with what stands between them.
fn goes_on(between: &str, next: &Part) -> bool {
    let name = between.trim_start_matches([' ', ',', '-', '(']).trim_end();
    let is_name = name.chars().count() <= LONGEST_NAME && name.chars().all(is_of_name);
    let is_free = !name.contains([
        '的', '了', '吗', '在', '到', '和', '是', '有', '要', '送', '寄', '您', '我', '你',
    ]);
    let separator = between.len() - between.trim_start_matches([' ', ',', '-', '(']).len();
    separator <= 2
        && is_name
        && is_free
        && (name.is_empty() || next.is_strong || ends_in_place(name))
}

fn is_of_name(c: char) -> bool {
    is_ideograph(c) || c.is_ascii_alphanumeric() || c == '·'
}

/// Gives where the names before the first number begin.
fn names_before(text: &str, end: usize) -> usize {
    let mut start = end;
    let mut digits = 0;
    for (at, c) in text[..end].char_indices().rev().take(LONGEST_NAMES) {
        digits = if c.is_ascii_digit() { digits + 1 } else { 0 };
        let is_name = is_of_name(c) && digits < 4 && !NO_NAMES.contains(c);
        let is_space = c == ' ' && (at + 1 == end || is_whole(&text[..at]))
            || matches!(c, ',' | '、' | '-' | '/' | '·' | '>') && is_whole(&text[..at]);
        if !is_name && !is_space {
            break;
        }
        start = at;
    }
    // A long number is of something else, with all of its digits.
    let rest =
        text[start..end].trim_start_matches(|c: char| c.is_ascii_alphanumeric() && digits > 0);
    let rest = rest.trim_start_matches(' ');
    let rest = &rest[after_words(rest)..];
    let region = regions::first_of(rest).filter(|&it| !has_place(&rest[..it]));
    end - rest.len() + region.unwrap_or(0)
}

/// Says whether what stands before a space is a part of an address.
fn is_whole(text: &str) -> bool {
    let start = text.char_indices().rev().nth(8).map_or(0, |it| it.0);
    let word = text[start..]
        .rsplit([' ', ',', ':', '。', '!', '?'])
        .next()
        .unwrap_or_default();
    ends_in_place(word)
        || regions::first_of(word) == Some(0)
        || PART
            .find_iter(word)
            .last()
            .is_some_and(|it| it.end() == word.len())
}

/// Gives where an address begins after the words that lead to it.
fn after_words(names: &str) -> usize {
    let ends = BEFORE.iter().filter_map(|word| {
        let at = names.rfind(word)?;
        // 在 may be in the name of a place, before which its city stands.
        let is_first = !has_place(&names[..at]) || word.chars().count() > 1 || *word == "到";
        let in_region = regions::first_of(names).is_some_and(|it| it < at && at < it + 9);
        (is_first && !in_region).then_some(at + word.len())
    });
    ends.max().unwrap_or(0)
}

fn ends_in_place(name: &str) -> bool {
    let is_place = |it: &&&str| name.len() > it.len() && name.ends_with(**it);
    PLACES.iter().any(|it| is_place(&it))
        && !NO_PLACES.iter().any(|it| name.ends_with(it) && *it != "口")
}

fn has_place(names: &str) -> bool {
    PLACES
        .iter()
        .filter(|it| !NO_PLACES.contains(it))
        .any(|it| names.find(it).is_some_and(|at| at >= 3))
}

/// Says whether of two numbers the second is a flat's, as in 29-674.
fn is_of_flat(pair: &str) -> bool {
    let flat = pair.split('-').nth(1).unwrap_or_default();
    flat.bytes().take_while(u8::is_ascii_digit).count() > 2
}

/// Says whether names and the numbers after them are where something stands.
fn is_address(names: &str, parts: &[Part], text: &str) -> bool {
    let end = parts[parts.len() - 1].end;
    let all = &text[parts[0].start..end];
    let next = text[end..].chars().next();
    if parts.len() == 1 && next.is_some_and(|c| NO_HOUSE.contains(c)) {
        return false;
    }
    let names = names.trim_end();
    let is_strong = parts.iter().any(|it| it.is_strong);
    let has_room = ROOM.is_match(&text[end..]);
    let has_number = has_room
        || all
            .chars()
            .any(|c| c.is_ascii_digit() || c == '十' || value_of(c).is_some());
    let is_named = names.chars().filter(|c| is_ideograph(*c)).count() >= 2;
    let is_place = ends_in_place(names)
        || has_place(names) && !parts[0].is_pair && regions::first_of(names).is_some()
        || parts[0].is_pair && is_of_flat(all) && names.contains(['区', '县', '镇']);
    let is_house = is_strong && (is_place || is_named && (parts.len() > 1 || has_room));
    has_number && (is_place && is_named || is_house || all.contains("单元") && parts.len() > 1)
}
