//! Values in Chinese and English texts.

use cs_serve::knowledge::value::{Found, Unit, Value, read, same_text};
use cs_serve::knowledge::{Datatype, Literal};
use proptest::prelude::*;

/// The values of a text, each as text and as what it says.
fn shown(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let show = |found: Found| {
        let written: String = chars[found.start..found.end].iter().collect();
        format!("{written} = {}", say(&found.value))
    };
    read(text).into_iter().map(show).collect()
}

fn say(value: &Value) -> String {
    match value {
        Value::Amount(it) if it.low == it.high => format!("{} {:?}", it.low, it.unit),
        Value::Amount(it) => format!("{}..{} {:?}", it.low, it.high, it.unit),
        Value::Hours(it) => {
            let all = it
                .iter()
                .map(|it| format!("{:x} {}-{}", it.days, it.from.minute, it.to.minute));
            all.collect::<Vec<_>>().join(", ")
        }
        Value::Time(it) => format!(
            "minute {}{}",
            it.minute,
            if it.either_half { "?" } else { "" }
        ),
        Value::Date(it) => format!("{:?} {} {}", it.year, it.month, it.day),
        Value::Phone(it) => format!("phone {}", it.digits()),
        other => format!("{other:?}"),
    }
}

#[test]
fn amounts_are_read_in_both_languages() {
    for (text, expected) in [
        ("30 元", "30 元 = 30 Yuan"),
        ("30.00元", "30.00元 = 30 Yuan"),
        ("¥30", "¥30 = 30 Yuan"),
        ("￥３０", "￥３０ = 30 Yuan"),
        ("三十块", "三十块 = 30 Yuan"),
        ("三十五块五", "三十五块五 = 35.5 Yuan"),
        ("两百元", "两百元 = 200 Yuan"),
        ("两百五十元", "两百五十元 = 250 Yuan"),
        ("两百五块", "两百五块 = 250 Yuan"),
        ("两百零五块", "两百零五块 = 205 Yuan"),
        ("1万2元", "1万2元 = 12000 Yuan"),
        ("一万二千元", "一万二千元 = 12000 Yuan"),
        ("1,299元", "1,299元 = 1299 Yuan"),
        ("12,999,000元", "12,999,000元 = 12999000 Yuan"),
        ("$5", "$5 = 5 Dollar"),
        ("USD 5.50", "USD 5.50 = 5.5 Dollar"),
        ("thirty-five dollars", "thirty-five dollars = 35 Dollar"),
        ("5 dollars", "5 dollars = 5 Dollar"),
        ("€20", "€20 = 20 Euro"),
        ("半小时", "半小时 = 30 Minute"),
        ("一个半小时", "一个半小时 = 90 Minute"),
        ("两天半", "两天半 = 3600 Minute"),
        ("3个小时", "3个小时 = 180 Minute"),
        ("half an hour", "half an hour = 30 Minute"),
        ("30-day", "30-day = 43200 Minute"),
        ("3 working days", "3 working days = 3 WorkingDay"),
        ("3小时 - 4小时", "3小时 - 4小时 = 180..240 Minute"),
        ("2-3天", "2-3天 = 2880..4320 Minute"),
        ("100到150元", "100到150元 = 100..150 Yuan"),
        ("4.5分", "4.5分 = 4.5 Point"),
        ("四点五分钟", "四点五分钟 = 4.5 Minute"),
        ("4 stars", "4 stars = 4 Star"),
        ("20%", "20% = 20 Percent"),
        ("百分之二十", "百分之二十 = 20 Percent"),
        ("8折", "8折 = 80 Discount"),
        ("八五折", "八五折 = 85 Discount"),
        ("20% off", "20% off = 80 Discount"),
        ("免费", "免费 = 0 Money"),
        ("1.7 L", "1.7 L = 1.7 Litre"),
        ("2千克", "2千克 = 2000 Gram"),
        ("300多元", "300多元 = 300..400 Yuan"),
        ("100元左右", "100元左右 = 90..110 Yuan"),
        ("4.5分以上", "4.5分以上 = 4.5..inf Point"),
        ("68", "68 = 68 None"),
    ] {
        assert_eq!(shown(text), [expected], "{text}");
    }
}

#[test]
fn words_around_an_amount_bound_it() {
    assert_eq!(shown("不到100元"), ["100元 = -inf..100 Yuan"]);
    assert_eq!(shown("at least 3 days"), ["3 days = 4320..inf Minute"]);
    assert_eq!(shown("大约2小时"), ["2小时 = 108..132 Minute"]);
}

#[test]
fn times_and_opening_hours_are_read() {
    for (text, expected) in [
        ("晚上八点半", "晚上八点半 = minute 1230"),
        ("8:30pm", "8:30pm = minute 1230"),
        ("8 p.m.", "8 p.m. = minute 1200"),
        ("20:30", "20:30 = minute 1230"),
        ("20：30", "20：30 = minute 1230"),
        ("八点一刻", "八点一刻 = minute 495?"),
        ("11:00-21:00", "11:00-21:00 = 0 660-1260"),
        ("11:00到21:00", "11:00到21:00 = 0 660-1260"),
        ("早上9点到晚上6点", "早上9点到晚上6点 = 0 540-1080"),
        ("9am to 6pm", "9am to 6pm = 0 540-1080"),
        ("9 to 6pm", "9 to 6pm = 0 540-1080"),
        (
            "周一至周日 07:30-21:00",
            "周一至周日 07:30-21:00 = 7f 450-1260",
        ),
        ("周一至周日 全天", "周一至周日 全天 = 7f 0-1440"),
        ("24小时营业", "24小时营业 = 0 0-1440"),
        ("周一到周五9:00-18:00", "周一到周五9:00-18:00 = 1f 540-1080"),
        ("Mon-Fri 9:00-18:00", "Mon-Fri 9:00-18:00 = 1f 540-1080"),
        (
            "9:00-18:00 on weekdays",
            "9:00-18:00 on weekdays = 1f 540-1080",
        ),
        (
            "周日 11:00-14:00 17:00-22:00 周一至周六 17:00-22:00",
            "周日 11:00-14:00 17:00-22:00 周一至周六 17:00-22:00 = 40 660-840, 40 1020-1320, 3f 1020-1320",
        ),
    ] {
        assert_eq!(shown(text), [expected], "{text}");
    }
}

#[test]
fn dates_are_read() {
    for text in [
        "2024-06-03",
        "2024年6月3日",
        "2024/6/3",
        "June 3, 2024",
        "3rd June 2024",
    ] {
        assert_eq!(shown(text), [format!("{text} = Some(2024) 6 3")]);
    }
    for text in ["6月3号", "六月三日", "June 3", "3 June"] {
        assert_eq!(shown(text), [format!("{text} = None 6 3")]);
    }
}

#[test]
fn telephone_numbers_are_read() {
    for (text, digits) in [
        ("010-85007938", "1085007938"),
        ("(010) 8500 7938", "1085007938"),
        ("010 - 65666606", "1065666606"),
        ("65253310", "65253310"),
        ("13800138000", "13800138000"),
        ("+86 138 0013 8000", "13800138000"),
        ("400-810-1010", "4008101010"),
        ("(555) 010-9999", "5550109999"),
        ("555-0199", "5550199"),
    ] {
        assert_eq!(
            shown(text),
            [format!("{text} = phone {}", digits.trim_start_matches('0'))]
        );
    }
    let two = shown("010-67389898 010-67383333");
    assert_eq!(
        two,
        [
            "010-67389898 = phone 1067389898",
            "010-67383333 = phone 1067383333"
        ]
    );
    assert_eq!(shown("电话是010-88545022,010-88545360").len(), 2);
}

#[test]
fn names_and_addresses_hold_no_amounts() {
    for text in [
        "A口",
        "B1口",
        "长安街16号",
        "798路",
        "iPhone15",
        "一家",
        "3号出口",
        "5层",
    ] {
        assert_eq!(shown(text), [""; 0], "{text}");
    }
}

#[test]
fn values_agree_however_they_are_written() {
    let agree = |claimed: &str, known: &str| read(claimed)[0].value.agrees(&read(known)[0].value);
    for (claimed, known, expected) in [
        ("三十块", "30.00元", Some(true)),
        ("免费", "0元", Some(true)),
        ("31元", "30元", Some(false)),
        ("30美元", "30元", None),
        ("68", "68元", Some(true)),
        ("4分以上", "4.5分", Some(true)),
        ("60元左右", "64元", Some(true)),
        ("1小时 - 2小时", "1-2小时", Some(true)),
        ("1小时 - 2小时", "2小时 - 4小时", Some(false)),
        ("2小时", "2小时 - 4小时", None),
        ("8点半", "20:30", Some(true)),
        ("早上8点半", "20:30", Some(false)),
        ("9:00-18:00", "周一至周五 09:00-18:00", Some(true)),
        ("每天9:00-18:00", "周一至周五 09:00-18:00", Some(false)),
        ("晚上九点", "周一至周日 10:00-21:00", Some(true)),
        ("6月3日", "2024-06-03", Some(true)),
        ("85007938", "010-85007938", Some(true)),
        ("85007939", "010-85007938", Some(false)),
    ] {
        assert_eq!(agree(claimed, known), expected, "{claimed} for {known}");
    }
}

#[test]
fn literals_say_what_their_types_and_units_say() {
    let literal = |text: &str, datatype| Literal {
        text: text.into(),
        datatype,
        language: None,
    };
    let say_all = |literal: &Literal, unit| -> Vec<String> {
        Value::of_literal(literal, unit).iter().map(say).collect()
    };
    assert_eq!(
        say_all(&literal("68", Datatype::Integer), Some("元")),
        ["68 Yuan"]
    );
    assert_eq!(
        say_all(&literal("1.5", Datatype::Decimal), Some("kg")),
        ["1500 Gram"]
    );
    assert_eq!(
        say_all(&literal("30", Datatype::Integer), Some("furlong")),
        ["30 None"]
    );
    assert_eq!(
        say_all(&literal("true", Datatype::Boolean), None),
        ["Truth(true)"]
    );
    assert_eq!(
        say_all(&literal("不支持", Datatype::String), None),
        ["Truth(false)"]
    );
    assert_eq!(say_all(&literal("NaN", Datatype::Double), None), [""; 0]);
    assert!(Unit::Money.fits(Unit::Yuan) && !Unit::Yuan.fits(Unit::Dollar));
}

#[test]
fn texts_are_the_same_without_what_separates() {
    assert!(same_text(
        "甘家口大厦西北 增光路上",
        "甘家口大厦西北、增光路上"
    ));
    assert!(!same_text("增光路11号", "增光路12号"));
}

proptest! {
    #[test]
    fn any_text_is_read_in_order(text in "[0-9一二两十百万半点块元分时日月周天年至到:：\\-a-z$¥%+(). ]{0,40}|.{0,40}") {
        let mut last = 0;
        for found in read(&text) {
            prop_assert!(last <= found.start && found.start < found.end);
            last = found.end;
        }
        prop_assert!(last <= text.chars().count());
    }

    #[test]
    fn a_price_is_read_back(yuan in 0u32..1_000_000) {
        prop_assert_eq!(shown(&format!("{yuan}元")), [format!("{yuan}元 = {yuan} Yuan")]);
    }
}
