//! What the words before a number say that it is.

use super::view::View;

/// The most characters before a number that tell what it is.
const REACH: usize = 24;

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

const WORDS: &[(&str, Clue)] = &[
    ("电话", Clue::Phone),
    ("手机", Clue::Phone),
    ("座机", Clue::Phone),
    ("固话", Clue::Phone),
    ("来电", Clue::Phone),
    ("号码", Clue::Phone),
    ("联系方式", Clue::Phone),
    ("拨打", Clue::Phone),
    ("致电", Clue::Phone),
    ("打给", Clue::Phone),
    ("微信", Clue::Phone),
    ("phone", Clue::Phone),
    ("telephone", Clue::Phone),
    ("mobile", Clue::Phone),
    ("cell", Clue::Phone),
    ("call me", Clue::Phone),
    ("call", Clue::Phone),
    ("text me", Clue::Phone),
    ("reach me", Clue::Phone),
    ("tel", Clue::Phone),
    ("whatsapp", Clue::Phone),
    ("landline", Clue::Phone),
    ("订单", Clue::Order),
    ("单号", Clue::Order),
    ("订单编号", Clue::Order),
    ("运单", Clue::Order),
    ("order", Clue::Order),
    ("tracking", Clue::Order),
    ("parcel", Clue::Order),
    ("shipment", Clue::Order),
    ("waybill", Clue::Order),
    ("银行卡", Clue::Card),
    ("储蓄卡", Clue::Card),
    ("信用卡", Clue::Card),
    ("借记卡", Clue::Card),
    ("卡号", Clue::Card),
    ("账号", Clue::Card),
    ("账户", Clue::Card),
    ("卡号码", Clue::Card),
    ("单号码", Clue::Order),
    ("证号码", Clue::Id),
    ("证件号码", Clue::Id),
    ("护照号码", Clue::Passport),
    ("尾号", Clue::Other),
    ("card", Clue::Card),
    ("visa", Clue::Card),
    ("mastercard", Clue::Card),
    ("amex", Clue::Card),
    ("身份证", Clue::Id),
    ("证件", Clue::Id),
    ("回乡证", Clue::Id),
    ("hkid", Clue::Id),
    ("identity", Clue::Id),
    ("id card", Clue::Id),
    ("id number", Clue::Id),
    ("national id", Clue::Id),
    ("id no", Clue::Id),
    ("护照", Clue::Passport),
    ("passport", Clue::Passport),
    ("生日", Clue::Birth),
    ("出生", Clue::Birth),
    ("生于", Clue::Birth),
    ("诞生", Clue::Birth),
    ("born", Clue::Birth),
    ("birthday", Clue::Birth),
    ("birth", Clue::Birth),
    ("birthdate", Clue::Birth),
    ("dob", Clue::Birth),
    ("货号", Clue::Other),
    ("型号", Clue::Other),
    ("编码", Clue::Other),
    ("编号", Clue::Other),
    ("条码", Clue::Other),
    ("条形码", Clue::Other),
    ("版本", Clue::Other),
    ("序列号", Clue::Other),
    ("批号", Clue::Other),
    ("优惠码", Clue::Other),
    ("取件码", Clue::Other),
    ("会员号", Clue::Other),
    ("温度", Clue::Other),
    ("page", Clue::Other),
    ("part", Clue::Other),
    ("lot", Clue::Other),
    ("code", Clue::Other),
    ("meter", Clue::Other),
    ("flight", Clue::Other),
    ("工单", Clue::Other),
    ("发票", Clue::Other),
    ("发票号码", Clue::Other),
    ("电池", Clue::Other),
    ("容量", Clue::Other),
    ("eur", Clue::Other),
    ("usd", Clue::Other),
    ("rmb", Clue::Other),
    ("价格", Clue::Other),
    ("单价", Clue::Other),
    ("金额", Clue::Other),
    ("余额", Clue::Other),
    ("积分", Clue::Other),
    ("库存", Clue::Other),
    ("¥", Clue::Other),
    ("$", Clue::Other),
    ("€", Clue::Other),
    ("£", Clue::Other),
    ("sku", Clue::Other),
    ("isbn", Clue::Other),
    ("item", Clue::Other),
    ("model", Clue::Other),
    ("serial", Clue::Other),
    ("version", Clue::Other),
    ("firmware", Clue::Other),
    ("barcode", Clue::Other),
    ("coupon", Clue::Other),
    ("ticket", Clue::Other),
    ("invoice", Clue::Other),
    ("price", Clue::Other),
    ("balance", Clue::Other),
    ("amount", Clue::Other),
];

/// Gives what the nearest telling word before a byte says, in the same sentence.
pub(super) fn before(view: &View, at: usize) -> Option<Clue> {
    let tail = view.tail(at, REACH);
    let sentence = tail.rsplit(['。', '!', '?', ';', '\n']).next();
    let text = sentence.unwrap_or_default().to_ascii_lowercase();
    let ends = WORDS.iter().filter_map(|(word, clue)| {
        let start = text.rfind(word)?;
        Some((
            is_word(&text, start, word).then_some(start + word.len())?,
            word.len(),
            clue,
        ))
    });
    ends.max_by_key(|it| (it.0, it.1)).map(|it| *it.2)
}

fn is_word(text: &str, start: usize, word: &str) -> bool {
    let is_latin = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphabetic());
    !word.starts_with(|c: char| c.is_ascii_alphabetic())
        || (!is_latin(text[..start].chars().next_back())
            && !is_latin(text[start + word.len()..].chars().next()))
}
