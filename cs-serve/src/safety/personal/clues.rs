//! What the words around a number say that it is.

use std::sync::LazyLock;

use regex::Regex;

use super::view::View;

/// The widest text between a number and the word that tells what it is; a Chinese character is two wide.
const REACH: usize = 48;

/// The widest text between a number and a word that says that it is of no person.
const SHORT_REACH: usize = 24;

/// The widest beginning of a sentence that goes on with what the one before was about, as "It's".
const BEGINNING: usize = 14;

/// What a number is said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clue {
    Phone,
    Order,
    Card,
    Id,
    Passport,
    Birth,
    /// Something else that has numbers: a product, an amount, a version.
    Other,
}

/// The words that tell, by what they tell.
const WORDS: [(Clue, &str); 7] = [
    (
        Clue::Phone,
        "电话|手机|座机|固话|来电|回电|号码|联系方式|拨打|致电|打给|微信|短信发到|话费|传真|phone|telephone|ph|mobile|cell|\
         call|text|reach|tel|whatsapp|landline|fax|dial|ring|sms|went to|sent to|goes to",
    ),
    (
        Clue::Order,
        "订单|这单|那单|单号|订单编号|运单|快递单|物流单|包裹|快件|order|orders|tracking|parcel|package|shipment|consignment|waybill|\
         order id|orderid|order-id|order-no|tracking id|order number|tracking number|tracking code|订单号码|运单号码|快递单号码|物流单号码|单号码",
    ),
    (
        Clue::Card,
        "银行卡|储蓄卡|信用卡|借记卡|工资卡|卡号|账号|账户|卡号码|银行卡号码|card|cards|visa|mastercard|amex|unionpay|debit|\
         card number",
    ),
    (
        Clue::Id,
        "身份证|身份|身分证|证件|证号|回乡证|证号码|证件号码|身份证号码|身分证号码|hkid|identity|id|id card|hkid card|identity card|统一编号|id number|\
         national id|id no|bir",
    ),
    (
        Clue::Passport,
        "护照|护照号码|护照号|passport|passport number|travel document",
    ),
    (
        Clue::Birth,
        "生日|出生|生于|诞生|born|birthday|birth|birthdate|dob|d.o.b",
    ),
    (
        Clue::Other,
        "尾号|货号|型号|编码|编号|条码|条形码|版本|序列号|批号|批次号|优惠码|取件码|取餐号|验证码|会员号|温度|工单|发票|发票号码|\
         电池|容量|价格|单价|金额|余额|积分|库存|合同|读数|房间|¥|$|€|£|page|part|lot|batch|code|pin|meter|flight|eur|usd|rmb|sku|\
         isbn|upc|item|model|serial|version|firmware|build|barcode|coupon|voucher|ticket|invoice|price|balance|amount|room|seat|\
         case id|customer id|user id|device id|product id|member id|customer number|case number",
    ),
];

static PATTERN: LazyLock<Regex> = LazyLock::new(|| {
    let mut words: Vec<&str> = WORDS.iter().flat_map(|it| it.1.split('|')).collect();
    words.sort_by_key(|it| std::cmp::Reverse(it.len()));
    let words: Vec<String> = words.into_iter().map(regex::escape).collect();
    #[allow(clippy::expect_used, reason = "a constant, which every test compiles")]
    Regex::new(&words.join("|")).expect("a pattern that is none")
});

/// A word that tells, by its bytes.
struct Mark {
    clue: Clue,
    start: usize,
    end: usize,
}

/// The words of a text that tell what numbers are.
pub(super) struct Clues {
    text: String,
    marks: Vec<Mark>,
}

impl Clues {
    pub(super) fn of(view: &View) -> Self {
        let text = view.text.to_ascii_lowercase();
        let mut marks: Vec<Mark> = Vec::new();
        for found in PATTERN.find_iter(&text) {
            if !is_word(&text, found.start(), found.end()) {
                continue;
            }
            let Some(mut clue) = clue_of(found.as_str()) else {
                continue;
            };
            // 号码 and 编号 go on with what stands before it.
            let last = marks.last().filter(|it| it.end == found.start());
            if let Some(last) = last.filter(|_| matches!(found.as_str(), "号码" | "编号")) {
                clue = last.clue;
            }
            marks.push(Mark {
                clue,
                start: found.start(),
                end: found.end(),
            });
        }
        Self { text, marks }
    }

    /// Says whether there is such a word at all.
    pub(super) fn has(&self, clue: Clue) -> bool {
        self.marks.iter().any(|it| it.clue == clue)
    }

    /// Gives what the nearest telling word before a byte says, in the same sentence.
    pub(super) fn before(&self, at: usize) -> Option<Clue> {
        if self.text[..at].trim_end().ends_with(['打', '拨']) {
            return Some(Clue::Phone);
        }
        let mark = self.near(at).find(|it| self.reaches(it, at));
        mark.map(|it| it.clue)
    }

    /// Says whether such a word stands before a byte, in the same sentence.
    pub(super) fn mentions(&self, clue: Clue, at: usize) -> bool {
        self.near(at)
            .any(|it| it.clue == clue && self.reaches(it, at))
    }

    /// Gives what the nearest telling word after a byte says, in the same part of the sentence.
    pub(super) fn after(&self, at: usize) -> Option<Clue> {
        let next = self.marks.partition_point(|it| it.start < at);
        let mark = self.marks.get(next)?;
        let between = &self.text[at..mark.start];
        let is_near = width(between) <= SHORT_REACH && !between.contains(is_clause_end);
        is_near.then_some(mark.clue)
    }

    /// Gives the words that stand before a byte and may reach it, the nearest first.
    fn near(&self, at: usize) -> impl Iterator<Item = &Mark> {
        let before = self.marks.partition_point(|it| it.end <= at);
        let marks = self.marks[..before].iter().rev();
        // A Chinese character has three bytes and is two wide.
        marks.take_while(move |it| at - it.end <= 2 * REACH)
    }

    fn reaches(&self, mark: &Mark, at: usize) -> bool {
        let between = &self.text[mark.end..at];
        if mark.clue == Clue::Other {
            return width(between) <= SHORT_REACH && !between.contains(is_clause_end);
        }
        let goes_on = match between.rsplit_once(is_sentence_end) {
            None => true,
            Some((before, beginning)) => {
                let is_beginning = beginning.contains(char::is_alphabetic);
                !before.contains(is_sentence_end) && is_beginning && width(beginning) <= BEGINNING
            }
        };
        goes_on && width(between) <= REACH
    }
}

fn clue_of(word: &str) -> Option<Clue> {
    let is_told = |it: &&(Clue, &str)| it.1.split('|').any(|other| other == word);
    WORDS.iter().find(is_told).map(|it| it.0)
}

fn is_sentence_end(c: char) -> bool {
    matches!(c, '。' | '!' | '?' | ';' | '\n')
}

fn is_clause_end(c: char) -> bool {
    is_sentence_end(c) || c == ','
}

fn width(text: &str) -> usize {
    text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum()
}

fn is_word(text: &str, start: usize, end: usize) -> bool {
    let is_latin = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphabetic());
    !text[start..].starts_with(|c: char| c.is_ascii_alphabetic())
        || (!is_latin(text[..start].chars().next_back()) && !is_latin(text[end..].chars().next()))
}
