//! Yes and no.

use super::fold::fold;

const YES: &[&str] = &[
    "是", "有", "可以", "可", "能", "支持", "提供", "包含", "含", "允许", "对", "true", "1", "yes",
    "y",
];
const NO: &[&str] = &[
    "否",
    "不是",
    "没有",
    "无",
    "不可以",
    "不可",
    "不能",
    "不支持",
    "不提供",
    "不包含",
    "不含",
    "不允许",
    "不对",
    "false",
    "0",
    "no",
    "n",
    "none",
];

/// Reads a text that says no more than yes or no, as tables and literals do.
///
/// ```
/// use cs_serve::knowledge::value::truth_of;
///
/// assert_eq!(truth_of("不支持"), Some(false));
/// assert_eq!(truth_of("Yes"), Some(true));
/// assert_eq!(truth_of("七天内"), None);
/// ```
#[must_use]
pub fn truth_of(text: &str) -> Option<bool> {
    let folded: String = text.trim().chars().map(fold).collect();
    let is_among = |words: &[&str]| words.contains(&folded.as_str());
    if is_among(YES) {
        return Some(true);
    }
    is_among(NO).then_some(false)
}
