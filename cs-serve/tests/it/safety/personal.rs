//! Personal data, found and masked.

use cs_serve::safety::personal::{Found, KeyError, Keys, Kind, Masker, find};
use proptest::prelude::*;

fn keys(values: u8, customers: u8) -> Keys {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    let line = |byte: u8| format!("{byte:02x}").repeat(32);
    std::fs::write(
        &path,
        format!("# keys\n{}\n\n{}\n", line(values), line(customers)),
    )
    .unwrap();
    Keys::open(&path).unwrap()
}

fn masker() -> Masker {
    Masker::new(keys(1, 2))
}

/// What is found, as `kind=value`.
fn told(text: &str) -> Vec<String> {
    let value = |it: &Found| {
        text.chars()
            .skip(it.start)
            .take(it.end - it.start)
            .collect::<String>()
    };
    find(text)
        .iter()
        .map(|it| format!("{}={}", it.kind, value(it)))
        .collect()
}

fn assert_found(cases: &[(&str, &[&str])]) {
    for (text, expected) in cases {
        assert_eq!(told(text), *expected, "{text}");
    }
}

/// Numbers whose check digits other people published: those of the standards where they have one.
#[test]
fn numbers_with_check_digits_are_found() {
    assert_found(&[
        ("11010519491231002X", &["cn_id=11010519491231002X"]),
        ("110105 19491231 002x", &["cn_id=110105 19491231 002x"]),
        ("A123456(3)", &["hk_id=A123456(3)"]),
        ("我的证件是A123456789", &["tw_id=A123456789"]),
        ("4111 1111 1111 1111", &["bank_card=4111 1111 1111 1111"]),
        ("378282246310005", &["bank_card=378282246310005"]),
        (
            "GB29 NWBK 6016 1331 9268 19",
            &["iban=GB29 NWBK 6016 1331 9268 19"],
        ),
        (
            "DE89370400440532013000 please",
            &["iban=DE89370400440532013000"],
        ),
        ("91350100M000100Y43", &["uscc=91350100M000100Y43"]),
    ]);
}

#[test]
fn a_wrong_check_digit_is_none() {
    for text in [
        "110105194912310021",
        "A123456(4)",
        "A123456788",
        "4111 1111 1111 1112",
        "GB29 NWBK 6016 1331 9268 18",
        "91350100M000100Y44",
        "110105194902310023",
    ] {
        assert_eq!(told(text), [""; 0], "{text}");
    }
}

/// A mistyped number is still somebody's, where the text says what it is.
#[test]
fn what_the_text_calls_a_number_counts() {
    assert_found(&[
        ("身份证110105194912310021", &["cn_id=110105194912310021"]),
        (
            "银行卡6222020000000000000",
            &["bank_card=6222020000000000000"],
        ),
        ("护照E12345678", &["passport=E12345678"]),
        ("E12345678", &[]),
        ("澳门身份证5123456(7)", &["mo_id=5123456(7)"]),
        ("座机85007938", &["landline=85007938"]),
        ("生日是1990年3月7日", &["birth_date=1990年3月7日"]),
        ("1990年3月7日发货", &[]),
    ]);
}

#[test]
fn a_number_is_found_however_it_is_written() {
    for (text, mobile) in [
        ("我的手机是138 0013 8000", "138 0013 8000"),
        ("打１３８００１３８０００给我", "１３８００１３８０００"),
        (
            "一三八，零零一三，八零零零是我电话",
            "一三八，零零一三，八零零零",
        ),
        ("幺三八 零零幺三 八零零零", "幺三八 零零幺三 八零零零"),
        ("壹叁捌零零壹叁捌零零零", "壹叁捌零零壹叁捌零零零"),
        ("1 3 8 0 0 1 3 8 0 0 0", "1 3 8 0 0 1 3 8 0 0 0"),
        ("𝟏𝟑𝟖𝟎𝟎𝟏𝟑𝟖𝟎𝟎𝟎", "𝟏𝟑𝟖𝟎𝟎𝟏𝟑𝟖𝟎𝟎𝟎"),
        ("+86 138-0013-8000", "+86 138-0013-8000"),
        (
            "one three eight double zero one three eight triple zero",
            "one three eight double zero one three eight triple zero",
        ),
    ] {
        assert_eq!(told(text), [format!("mobile={mobile}")], "{text}");
        // The same value has the same tag.
        let masked = masker().text("", text).masked;
        let plain = masker().text("", "13800138000").masked;
        assert!(masked.get().contains(plain.get().as_str()), "{masked:?}");
    }
}

#[test]
fn forms_without_check_digits_are_found() {
    assert_found(&[
        ("(010)85007938转801", &["landline=(010)85007938转801"]),
        ("call me at (212) 555-0123", &["mobile=(212) 555-0123"]),
        ("+44 7700 900123", &["mobile=+44 7700 900123"]),
        (
            "京A·12345和粤B12345D",
            &["plate=京A·12345", "plate=粤B12345D"],
        ),
        ("写信到a.b@example.com吧", &["email=a.b@example.com"]),
        ("zhang艾特qq点com", &["email=zhang艾特qq点com"]),
        (
            "从192.168.1.1和fe80::1登录",
            &["ip=192.168.1.1", "ip=fe80::1"],
        ),
        (
            "看https://shop.example/o?id=1。",
            &["url=https://shop.example/o?id=1"],
        ),
        ("查订单AB-2024050612345", &["order=AB-2024050612345"]),
        ("order #12345678 is late", &["order=12345678"]),
    ]);
}

#[test]
fn names_and_addresses_are_found_by_what_is_around_them() {
    assert_found(&[
        ("我叫王小明，想退货", &["name=王小明"]),
        ("张伟，13800138000", &["name=张伟", "mobile=13800138000"]),
        ("李先生您好", &["name=李"]),
        (
            "My name is John Smith and I need help",
            &["name=John Smith"],
        ),
        ("my name is john smith", &["name=john smith"]),
        (
            "我住在北京市海淀区中关村大街27号3号楼2单元502室，谢谢",
            &["address=北京市海淀区中关村大街27号3号楼2单元502室"],
        ),
        (
            "I live at 221B Baker Street, London, NW1 6XE",
            &["address=221B Baker Street, London, NW1 6XE"],
        ),
    ]);
}

#[test]
fn what_only_looks_like_personal_data_is_none() {
    for text in [
        "价格是1,380,013,800元",
        "13800138000元",
        "货号13800138000",
        "invoice 13800138000 is wrong",
        "版本1.2.3.4",
        "2024-05-06 13:00下的单",
        "我是老客户了",
        "我是金牌会员",
        "生日快乐",
        "满199减20",
        "上午10:30送到",
        "400-800-1234是你们的吗",
        "Is the $129 one in stock?",
        "I am American",
        "",
    ] {
        assert_eq!(told(text), [""; 0], "{text}");
    }
    assert_eq!(told("订单号13800138000"), ["order=13800138000"]);
}

/// Values by Python's hmac, of SHA-256 with each part after its length in eight bytes.
#[test]
fn tags_are_those_of_another_implementation() {
    let masked = masker().text("c1", "a@b.example").masked;
    assert_eq!(masked.get(), "<EMAIL:hwowsyxeq2puyfz3>");
    assert_eq!(masker().customer("c1").get(), "dlexp5mtsq2ixji7");
}

#[test]
fn a_tag_is_of_its_conversation_and_keys() {
    let text = "13800138000";
    let masked = masker().text("one", text).masked;
    assert_eq!(masker().text("one", text).masked, masked);
    assert_ne!(masker().text("two", text).masked, masked);
    assert_ne!(Masker::new(keys(3, 2)).text("one", text).masked, masked);
    assert_eq!(Masker::new(keys(1, 3)).text("one", text).masked, masked);
}

#[test]
fn all_texts_of_a_value_are_masked() {
    let texts = Some(vec!["a@b.example".to_owned(), "好的".to_owned()]);
    let masked = masker().mask("", texts).into_inner().unwrap();
    assert!(masked[0].starts_with("<EMAIL:") && masked[1] == "好的");
}

#[test]
fn what_a_model_finds_is_masked_too() {
    let zhuang = Found {
        kind: Kind::Name,
        start: 1,
        end: 4,
    };
    let beyond = Found {
        kind: Kind::Name,
        start: 5,
        end: 99,
    };
    let masked = masker().text_with("", "找庄子墨要", &[zhuang, beyond]);
    assert_eq!(masked.found, [zhuang]);
    assert!(masked.masked.get().starts_with("找<NAME:") && masked.masked.get().ends_with(">要"));
}

#[test]
fn what_a_model_leaves_of_a_number_is_masked_too() {
    let off_by_one = Found {
        kind: Kind::Name,
        start: 2,
        end: 5,
    };
    let masked = masker().text_with("", "我叫李雷13800138000", &[off_by_one]);
    let rest = Found {
        kind: Kind::Mobile,
        start: 5,
        end: 15,
    };
    assert_eq!(masked.found, [off_by_one, rest]);
    assert!(!masked.masked.get().contains("3800138000"));
}

#[test]
fn nothing_shows_a_value_or_a_key() {
    let masked = masker().text("", "我叫王小明，13800138000");
    let shown = format!("{masked:?} {:?} {:?}", masker(), keys(7, 8));
    for secret in ["王小明", "13800138000", "07", "7, 7"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn files_that_are_no_keys_are_refused_with_their_line() {
    let folder = tempfile::tempdir().unwrap();
    let good = "ab".repeat(32);
    let other = "cd".repeat(32);
    for (text, expected) in [
        (String::new(), ":1:1: no key of values"),
        (good.clone(), ":1:1: no key of customers"),
        (
            format!("{good}\n{}", &other[2..]),
            ":2:1: 62 characters that are no key",
        ),
        (format!("{good}\nAAAA"), ":2:1: a key of 3 bytes"),
        (
            format!("{good}\n\n{good}"),
            ":3:1: the key of another line, expected one of its own for customers",
        ),
        (
            format!("{good}\n{other}\n{good}"),
            ":3:1: the key of another line, expected one of its own for a vault",
        ),
        (
            format!("{good}\n{other}\n{}\n{}", "ef".repeat(32), "12".repeat(32)),
            ":4:1: a fourth key",
        ),
    ] {
        let path = folder.path().join("keys");
        std::fs::write(&path, &text).unwrap();
        let error = Keys::open(&path).unwrap_err();
        assert!(matches!(error, KeyError::File { .. }));
        let error = error.to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains(&good), "{error}");
    }
    assert!(matches!(
        Keys::open(&folder.path().join("none")),
        Err(KeyError::Io { .. })
    ));
    let base64 = folder.path().join("base64");
    std::fs::write(&base64, "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc0=\n").unwrap();
    assert!(Keys::open(&base64).is_ok());
}

/// A placeholder that somebody typed keeps no number from being masked.
#[test]
fn only_tags_are_left_alone() {
    for text in [
        "<MOBILE:13800138000>",
        "<ORDER:2345672345672345>",
        "<mobile:13800138000>",
    ] {
        let masked = masker().text("", text).masked;
        assert!(!masked.get().contains("13800138000"), "{masked:?}");
    }
}

proptest! {
    #[test]
    fn all_that_anybody_found_is_masked(text in "[0-9a-z我叫王路号 ,@]{1,40}", others in prop::collection::vec((0usize..40, 1usize..12), 0..6)) {
        let characters: Vec<char> = text.chars().collect();
        let length = characters.len();
        let others = others.into_iter().map(|(start, count)| Found { kind: Kind::Name, start, end: start + count });
        let others: Vec<Found> = others.filter(|it| it.end <= length).collect();
        let masked = masker().text_with("", &text, &others).found;
        prop_assert!(masked.is_sorted_by(|one, other| one.end <= other.start));
        for it in find(&text).iter().chain(&others) {
            let left = (it.start..it.end).filter(|at| !masked.iter().any(|it| (it.start..it.end).contains(at)));
            let left: String = left.map(|at| characters[at]).collect();
            prop_assert!(!left.contains(char::is_alphanumeric), "{left:?} of {text:?}");
        }
    }

    #[test]
    fn any_text_is_masked(text in ".{0,80}|[0-9一二三零幺xX(): .,@+<>A-Z订单号电话身份证我叫王路号栋室a-z-]{0,60}") {
        let found = find(&text);
        let length = text.chars().count();
        let mut end = 0;
        for it in &found {
            prop_assert!(end <= it.start && it.start < it.end && it.end <= length);
            end = it.end;
        }
        let masked = masker().text("", &text);
        prop_assert_eq!(&masked.found, &found);
        let again = masker().text("", masked.masked.get());
        let left: Vec<&Found> = again.found.iter().collect();
        prop_assert_eq!(again.masked.get(), masked.masked.get(), "{:?}", left);
        // What stands outside is as it was.
        let kept: String = text.chars().enumerate().filter(|(at, _)| !found.iter().any(|it| (it.start..it.end).contains(at))).map(|it| it.1).collect();
        let mut rest = masked.masked.get().as_str();
        for c in kept.chars() {
            let at = rest.find(c);
            prop_assert!(at.is_some());
            rest = &rest[at.unwrap_or(0) + c.len_utf8()..];
        }
    }

    #[test]
    fn planted_numbers_never_stay(before in "[a-z好的，。 ]{0,20}", middle in 0u64..1_000_000_000, after in "[，。 的吗谢]{0,10}") {
        let mobile = format!("13{middle:09}");
        let text = format!("{before}，电话{mobile}{after}");
        let masked = masker().text("", &text).masked;
        prop_assert!(!masked.get().contains(&mobile), "{}", masked.get());
    }
}
