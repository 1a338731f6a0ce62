//! What the words around a number say that it is.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex::Regex;

use super::view::View;

/// The widest text between a number and the word that tells what it is; a Chinese character is two wide.
const REACH: usize = 48;

/// The widest text between a number and a word that says that it is of no person.
const SHORT_REACH: usize = 24;

/// The widest beginning of a sentence that goes on with what the one before was about, as "It's".
const BEGINNING: usize = 14;

/// What leads from what is sent to the number that it is sent to.
const LEADS: [&str; 13] = [
    "发到",
    "发给",
    "发往",
    "发去",
    "打到",
    "寄到",
    " to ",
    " sent on ",
    " on ",
    " via ",
    "发至",
    "到了",
    "传到",
];

/// Codes of fewer digits than a telephone has.
const SHORT_CODES: [&str; 6] = ["验证码", "密码", "otp", "passcode", "password", "pin"];

/// What a birthday is the occasion of, and no date of birth is told with.
const OCCASIONS: [&str; 27] = [
    " sale",
    " offer",
    " discount",
    " promo",
    " gift",
    " voucher",
    " coupon",
    " party",
    " cake",
    " card",
    " deal",
    " bonus",
    " reward",
    " treat",
    " event",
    " week",
    " month",
    " present",
    "券",
    "优惠",
    "礼",
    "蛋糕",
    "活动",
    "折扣",
    "派对",
    "特权",
    "福利",
];

/// What a number is said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clue {
    Phone,
    Order,
    /// What parcels and purchases are spoken of with; a number after it may as well be something else.
    Parcel,
    /// A number of which nothing is told; mostly a telephone's.
    Number,
    Card,
    Id,
    Passport,
    Birth,
    /// Something else that has numbers: a product, an amount, a version.
    Other,
}

impl Clue {
    /// Says whether it tells by itself what a number is.
    fn is_plain(self) -> bool {
        !matches!(self, Self::Parcel | Self::Number)
    }
}

/// The words that tell, by what they tell.
const WORDS: [(Clue, &str); 9] = [
    (
        Clue::Phone,
        "电话|手机|手提|座机|总机|热线|直线|switchboard|hotline|helpline|direct line|reception:|front desk:|office:|office line|home line|t:|m:|p:|f:|h:|text me|\
         call me|ring me|phone me|reach me|座机|固话|来电|回电|号码|联系方式|联络|拨打|致电|打给|打这个|打过来|微信|加我|加微|短信|通话|接听|话费|传真|\
         本机|机主|phone|telephone|ph|mobile|mob|cell|cellphone|handphone|handset|call|called|calling|callback|text|texted|texting|\
         reach|tel|whatsapp|wechat|imessage|telegram|landline|fax|dial|dialed|dialled|ring|rang|sms|voicemail|message at|\
         message me|messaged|contact|contact number|work number|home number|went to|sent to|goes to",
    ),
    (
        Clue::Order,
        "订单|定单|这单|那单|单号|订单编号|订单号|运单|快递单|物流单|包裹|快件|交易号|交易编号|退货单|换货单|售后单|退款单|采购单|\
         配送单|提货单|order|orders|order's|tracking|parcel|package|shipment|consignment|waybill|airway bill|air waybill|awb|\
         purchase order|po number|rma|return number|order id|orderid|order-id|order-no|order no|order ref|order reference|tracking id|\
         order number|order code|tracking number|tracking no|tracking code|ordernumber|ordernr|orderno|trackingnumber|parcel number|shipment number|delivery number|订单号码|\
         运单号码|快递单号码|物流单号码|单号码",
    ),
    (
        Clue::Parcel,
        "快递|物流|顺丰|圆通|中通|申通|韵达|极兔|京东|邮政|签收|派送|发货|下单|这笔|那笔|退货|换货|ups|fedex|dhl|usps|dpd|\
         hermes|evri|royal mail|tnt|courier|purchase|purchased|delivery|shipping|shipped|bought|return|refund|reorder",
    ),
    (
        Clue::Number,
        "my number|new number|old number|the number|this number|that number|his number|her number|their number|our number|\
         other number|same number|wrong number|right number|second number|mine is|这个号|那个号|我的号|新号|旧号|老号|换号|这号",
    ),
    (
        Clue::Card,
        "银行卡|储蓄卡|信用卡|借记卡|工资卡|卡号|账号|帐号|账户|帐户|卡号码|银行卡号码|银联|打款|card|cards|visa|mastercard|master|\
         amex|american express|unionpay|debit|card number|card no|pan|账户号|银行账户",
    ),
    (
        Clue::Id,
        "身份证|身份|身分证|证件|证号|回乡证|居民证|居住证|证号码|证件号码|身份证号码|身分证号码|身份号码|hkid|identity|id|ids|id card|\
         hkid card|identity card|统一编号|id number|id no|national id|identification|identification number|idcard|id-card|bir|\
         shenfenzheng",
    ),
    (
        Clue::Passport,
        "pasport|passprot|护照|护照号码|护照号|passport|passports|passport number|passport no|travel document|passeport|pasaporte|reisepass",
    ),
    (
        Clue::Birth,
        "出生年月日|出生日期|出生年月|生日|出生|生于|诞生|出世|降生|生辰|生年月日|破壳日|寿辰|born|birthday|birth|birthdate|birthday's|brithday|birtday|b-day|bday|dob|d.o.b",
    ),
    (
        Clue::Other,
        "尾号|货号|配件号|零件号|料号|件号|型号|编码|编号|条码|条形码|版本|序列号|批号|批次号|优惠码|取件码|取餐号|验证码|会员号|温度|工单|发票|发票号码|\
         电池|容量|价格|单价|金额|余额|积分|库存|合同|读数|房间|流水号|凭证号|学号|工号|卡券|券码|兑换码|激活码|授权码|密码|密钥|\
         机器码|设备号|设备码|房号|桌号|座位号|航班|车次|书号|刊号|专利号|批准文号|许可证|邮编|邮政编码|股票|基金|保单号|案号|文号|考号|\
         准考证|排队号|礼品卡|礼品卡号|购物卡|购物卡号|会员卡|会员卡号|交通卡|公交卡|校园卡|储值卡|充值卡|就诊卡|社保卡|门禁卡|\
         固件|国药准字|商品号|商品id|合计|总额|总价|总计|参数|像素|分辨率|里程|步数|页码|¥|$|€|£|page|part|lot|batch|code|pin|meter|\
         flight|eur|usd|rmb|sku|isbn|ean|asin|upc|imei|imsi|iccid|vin|udid|item|model|serial|serial number|model number|version|\
         firmware|build|barcode|coupon|voucher|ticket|invoice|price|balance|amount|total|room|seat|case id|customer id|user id|\
         device id|product id|member id|session id|store id|customer number|case number|member number|membership number|\
         employee number|employee id|student number|student id|account id|gift card|gift card number|loyalty card|\
         license key|licence key|product key|activation|passcode|password|otp|zip|zip code|postcode|postal code|error|odometer|\
         mileage|reading|resolution|policy|chassis|engine|docket|extension|article|product number|item number|part number|\
         catalogue number|catalog number|reference code|房间号",
    ),
];

static PATTERN: LazyLock<Regex> = LazyLock::new(|| {
    let mut words: Vec<&str> = CLUES.keys().copied().collect();
    words.sort_by_key(|it| std::cmp::Reverse(it.len()));
    let words: Vec<String> = words.into_iter().map(regex::escape).collect();
    #[allow(clippy::expect_used, reason = "a constant, which every test compiles")]
    Regex::new(&words.join("|")).expect("a pattern that is none")
});

static CLUES: LazyLock<HashMap<&'static str, Clue>> = LazyLock::new(|| {
    let told = |it: &(Clue, &'static str)| {
        let (clue, words) = *it;
        words.split('|').map(move |word| (word, clue))
    };
    WORDS.iter().flat_map(told).collect()
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
            let Some(&(mut clue)) = CLUES.get(found.as_str()) else {
                continue;
            };
            if clue == Clue::Birth && is_occasion(&text[found.end()..]) {
                continue;
            }
            // 号码 and 编号 go on with what stands before it.
            let is_near = |it: &&Mark| {
                let between = &text[it.end..found.start()];
                between.len() < 4 && between.chars().all(|c| " ,:、".contains(c))
            };
            let last = marks.last().filter(is_near);
            if let Some(last) =
                last.filter(|_| matches!(found.as_str(), "号码" | "编号" | "号" | "number"))
            {
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
        let mut marks = self.near(at).filter(|it| it.clue.is_plain());
        let mark = marks.find(|it| self.reaches(it, at));
        mark.map(|it| it.clue)
    }

    /// Says whether such a word stands before a byte, in the same sentence.
    pub(super) fn mentions(&self, clue: Clue, at: usize) -> bool {
        self.near(at)
            .any(|it| it.clue == clue && self.reaches(it, at))
    }

    /// Says whether the nearest telling word before a byte is of codes that have fewer digits than a telephone.
    pub(super) fn is_of_short_code(&self, at: usize) -> bool {
        let mut marks = self.near(at).filter(|it| it.clue.is_plain());
        let mark = marks.find(|it| self.reaches(it, at));
        mark.is_some_and(|it| SHORT_CODES.contains(&&self.text[it.start..it.end]))
    }

    /// Gives what the nearest telling word after a byte says, in the same part of the sentence.
    pub(super) fn after(&self, at: usize) -> Option<Clue> {
        let next = self.marks.partition_point(|it| it.start < at);
        let marks = self.marks[next..].iter();
        // A Chinese character has three bytes and is two wide.
        let mut near = marks.take_while(|it| it.start - at <= 2 * SHORT_REACH);
        let mark = near.find(|it| it.clue.is_plain())?;
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

    /// Says whether such a word stands right before a byte.
    pub(super) fn is_beside(&self, clue: Clue, at: usize) -> bool {
        let mark = self.near(at).next();
        mark.is_some_and(|it| it.clue == clue && at - it.end < 3)
    }

    /// Says whether such a word stands before a byte, and no digit between them.
    pub(super) fn is_next(&self, clue: Clue, at: usize) -> bool {
        let mark = self.near(at).find(|it| it.clue == clue);
        mark.is_some_and(|it| {
            let between = &self.text[it.end..at];
            let digits = between.bytes().filter(u8::is_ascii_digit).count();
            let is_other = ["不是", "改", "换", " not ", " to ", " or "]
                .iter()
                .any(|it| between.contains(it));
            self.reaches(it, at) && (digits < 2 || is_other)
        })
    }

    fn reaches(&self, mark: &Mark, at: usize) -> bool {
        let between = &self.text[mark.end..at];
        // "1. a card's number 2. a telephone's"
        if between
            .match_indices(['、', '.'])
            .any(|(at, _)| is_item(&between[..at]))
        {
            return false;
        }
        if mark.clue == Clue::Other && LEADS.iter().any(|it| between.contains(it)) {
            return false;
        }
        if mark.clue == Clue::Other {
            return width(between) <= SHORT_REACH && !between.contains(is_clause_end);
        }
        // "My birthday? 1 May": who asks answers.
        let is_asked = between.trim_end() == "?";
        let goes_on = is_asked
            || match between.rsplit_once(is_sentence_end) {
                None => true,
                Some((before, beginning)) => {
                    let is_beginning = beginning.contains(char::is_alphabetic);
                    !before.contains(is_sentence_end)
                        && is_beginning
                        && width(beginning) <= BEGINNING
                }
            };
        goes_on && width(between) <= REACH
    }
}

/// Says whether a digit alone ends a text, which numbers what follows.
fn is_item(text: &str) -> bool {
    let mut last = text.chars().rev();
    last.next().is_some_and(|c| c.is_ascii_digit()) && matches!(last.next(), Some(' ' | ','))
}

fn is_occasion(after: &str) -> bool {
    OCCASIONS.iter().any(|it| after.starts_with(it))
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
