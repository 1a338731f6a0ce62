//! Formats and sentences that were written after all recognisers. What was missed in them has been mended since.

use cs_data::SplitMix;
use cs_serve::safety::personal::Kind;

use super::values::Maker;

const SURNAMES: &[&str] = &[
    "丁", "魏", "沈", "任", "卢", "崔", "司徒", "阎", "席", "侯", "尹", "龚", "柏", "葛",
];
const GIVEN: &[&str] = &[
    "美玲", "大勇", "一鸣", "诗涵", "凯", "春生", "海燕", "若曦", "鹏飞", "静", "爱华", "梓萱",
    "永强", "蕾",
];
const FIRST: &[&str] = &[
    "Rebecca",
    "Omar",
    "Katarzyna",
    "Benjamin",
    "Chiara",
    "Desmond",
    "Wanjiru",
    "Ethan",
    "Louise",
    "Sanjay",
    "Mette",
    "Patrick",
];
const LAST: &[&str] = &[
    "Walker",
    "Ferrari",
    "O'Neill",
    "Mbeki",
    "Tanaka",
    "Hughes",
    "García",
    "Dubois",
    "Nguyen",
    "Rossi-Bianchi",
    "Cohen",
    "MacLeod",
];

/// Gives how a held-out value is written: what [`Maker`] makes, written anew.
pub(super) fn value(maker: &mut Maker<'_>, kind: Kind) -> String {
    let way = maker.random.below(3);
    match kind {
        Kind::Name => name(maker, way),
        Kind::Address => address(maker, way),
        Kind::BirthDate => birth_date(maker, way),
        Kind::Email => format!(
            "{}.{}{}@{}",
            pick(maker.random, &["wang", "noreply.me", "a_b"]),
            pick(maker.random, &["xiaoli", "k"]),
            maker.number(3),
            pick(
                maker.random,
                &["163.com", "corp.example.co.jp", "uni-x.edu.cn", "x.io"]
            )
        ),
        Kind::Ip => match way {
            0 => format!("10.{}.7.9", 1 + maker.random.below(250)),
            1 => format!(
                "2001:db8:85a3::8a2e:370:{}",
                1000 + maker.random.below(8000)
            ),
            _ => format!("172.16.{}.1", 1 + maker.random.below(200)),
        },
        Kind::Url => match way {
            0 => format!("https://example.com/重置?token={}", maker.number(8))
                .replace("重置", "reset"),
            1 => format!("t.example.cn/{}", maker.letters("abcdefgh", 6)),
            _ => format!("http://192.0.2.{}/admin", 1 + maker.random.below(200)),
        },
        Kind::Order => match way {
            0 => format!("TB{}CN", maker.number(9)),
            1 => format!("{}{}", maker.number(4), maker.letters("ABCDEFGH", 3)) + &maker.number(6),
            _ => maker.number(18),
        },
        Kind::Mobile | Kind::BankCard | Kind::CnId | Kind::Landline => digits(maker, kind, way),
        _ => {
            // Spaces that are wide or do not break, and a zero-width one, in what the others write.
            let second = maker.random.chance(0.5);
            let value = Maker {
                random: maker.random,
                second,
                chinese: maker.chinese,
            }
            .value(kind);
            match way {
                0 => value.replace(' ', "\u{a0}").replace('-', "–"),
                1 => value
                    .chars()
                    .map(|c| if c.is_ascii_digit() { wide(c) } else { c })
                    .collect(),
                _ => {
                    let at = value.char_indices().nth(3).map_or(0, |it| it.0);
                    format!("{}\u{200b}{}", &value[..at], &value[at..])
                }
            }
        }
    }
}

fn wide(c: char) -> char {
    char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c)
}

fn pick<'a>(random: &mut SplitMix, items: &[&'a str]) -> &'a str {
    items[random.below(items.len())]
}

fn digits(maker: &mut Maker<'_>, kind: Kind, way: usize) -> String {
    let value = Maker {
        random: maker.random,
        second: false,
        chinese: maker.chinese,
    }
    .plain(kind);
    let groups: &[usize] = match way {
        0 => &[3, 2, 2, 2, 2],
        1 => &[4, 3, 4],
        _ => &[2, 3, 3, 3],
    };
    let mut chars = value.chars();
    let mut parts: Vec<String> = groups
        .iter()
        .map(|&it| chars.by_ref().take(it).collect())
        .collect();
    parts.push(chars.collect());
    parts.retain(|it| !it.is_empty());
    match (way, kind) {
        (0, Kind::Landline) | (1, _) => value
            .chars()
            .map(|c| if c.is_ascii_digit() { wide(c) } else { c })
            .collect(),
        (0, _) => parts.join(" "),
        (_, Kind::Landline) => value.replacen('-', "－", 1),
        _ => parts.join("–"),
    }
}

fn name(maker: &mut Maker<'_>, way: usize) -> String {
    match (maker.chinese, way) {
        (true, _) => format!(
            "{}{}",
            pick(maker.random, SURNAMES),
            pick(maker.random, GIVEN)
        ),
        (false, 0) => format!(
            "{} {}",
            pick(maker.random, FIRST),
            maker.letters("ABCDEFGH", 1)
        ),
        (false, _) => format!("{} {}", pick(maker.random, FIRST), pick(maker.random, LAST)),
    }
}

fn address(maker: &mut Maker<'_>, way: usize) -> String {
    let number = 1 + maker.random.below(200);
    match (maker.chinese, way) {
        (true, 0) => format!(
            "{}{number}号{}",
            pick(
                maker.random,
                &[
                    "天津市和平区南京路",
                    "西安市雁塔区科技二路",
                    "江苏省苏州市工业园区星湖街"
                ]
            ),
            pick(maker.random, &["", "创意产业园5号楼", "3层"])
        ),
        (true, 1) => format!(
            "{}{}组",
            pick(
                maker.random,
                &[
                    "湖南省长沙县黄兴镇光达村",
                    "河北省保定市清苑区北店乡南大冉村"
                ]
            ),
            1 + number % 20
        ),
        (true, _) => format!(
            "{}{}栋{}单元{}",
            pick(
                maker.random,
                &["保利香槟国际", "厦门市思明区金域华府", "碧桂园凤凰城"]
            ),
            1 + number % 30,
            1 + number % 4,
            100 + number
        ),
        (false, 0) => format!(
            "{number} {}, {}",
            pick(
                maker.random,
                &[
                    "Elm Grove",
                    "Rue de Rivoli",
                    "Harbour View Road",
                    "Queen's Gate"
                ]
            ),
            pick(
                maker.random,
                &["Dublin 4", "Toronto ON M5V 2T6", "Leeds LS1 4AP"]
            )
        ),
        (false, 1) => format!(
            "Unit {}, {number} {} Street, {} NSW 2000",
            1 + number % 40,
            pick(maker.random, &["George", "Pitt"]),
            "Sydney"
        ),
        (false, _) => format!(
            "{number} {} {}",
            pick(
                maker.random,
                &["N. Main", "East 42nd", "Martin Luther King"]
            ),
            pick(maker.random, &["St.", "Street", "Blvd"])
        ),
    }
}

fn birth_date(maker: &mut Maker<'_>, way: usize) -> String {
    let (year, month, day) = (
        1950 + maker.random.below(60),
        1 + maker.random.below(12),
        1 + maker.random.below(28),
    );
    match (maker.chinese, way) {
        (true, 0) => format!("{year}.{month}.{day}"),
        (true, 1) => "一九八五年十月初三".to_owned(),
        (true, _) => format!("农历{month}月{day}"),
        (false, 0) => format!("{day}-{month}-{year}"),
        (false, 1) => format!(
            "{} {day} {year}",
            pick(maker.random, &["Jan", "Feb.", "Sept", "Dec"])
        ),
        (false, _) => format!("{month}/{day}/{:02}", year % 100),
    }
}

/// Sentences with a place for a value.
pub(super) fn sentences(kind: Kind, chinese: bool) -> &'static [&'static str] {
    match (kind, chinese) {
        (Kind::CnId, true) => &["_，就是这个身份证", "买票填的_", "旅客证件 _"],
        (Kind::CnId, false) => &["for the booking use _", "guest ID: _"],
        (Kind::HkId, true) => &["港人，证件_", "登记用_"],
        (Kind::HkId, false) => &["identity doc _", "HK ID no. _"],
        (Kind::MoId, true) => &["澳门人，_", "澳门居民身份证：_"],
        (Kind::MoId, false) => &["BIR Macau _", "my macau card is _"],
        (Kind::TwId, true) => &["台胞，_", "身份证字号填_"],
        (Kind::TwId, false) => &["ROC id _", "use _ for the check-in"],
        (Kind::Passport, true) => &["出国用的护照，_", "护照（_）丢了"],
        (Kind::Passport, false) => &["travelling on passport _", "my passport (_) was lost"],
        (Kind::Mobile, true) => &[
            "回我电话_谢谢",
            "_ 上午打",
            "快递员打的是_，停机了",
            "注册手机：_",
        ],
        (Kind::Mobile, false) => &["ring _ after six", "number's _", "SMS goes to _ still"],
        (Kind::Landline, true) => &["单位_", "有事打_，白天有人", "传真_"],
        (Kind::Landline, false) => &["fax: _", "ring the China desk, _"],
        (Kind::BankCard, true) => &["钱扣在_上", "_ 这张卡冻结了", "换绑_"],
        (Kind::BankCard, false) => &["the refund should go to _", "debit _ was declined"],
        (Kind::Uscc, true) => &["抬头：某某公司，_", "营业执照 _"],
        (Kind::Uscc, false) => &["VAT/USCC _", "company _ needs an invoice"],
        (Kind::Plate, true) => &["_挡我车了", "新能源车_充不上电", "洗车券给_用"],
        (Kind::Plate, false) => &["reg _", "my car, _, was towed"],
        (Kind::Email, true) => &["电子发票→_", "(_)这个收不到", "抄送_和老板"],
        (Kind::Email, false) => &["<_> bounced", "mailto:_", "is _ on file?"],
        (Kind::Ip, true) => &["路由器_:8080连不上", "白名单加_/24"],
        (Kind::Ip, false) => &["whitelist _/24 please", "host [_] is down"],
        (Kind::Url, true) => &["网址_，进不去", "扫出来是_"],
        (Kind::Url, false) => &["clicking _, nothing", "(see _)"],
        (Kind::Address, true) => &[
            "上门地址：_，到了打电话",
            "老地方，_",
            "别送公司，送_",
            "_能当天达吗",
        ],
        (Kind::Address, false) => &[
            "Pick it up at _.",
            "billing address: _",
            "I've moved! New place: _",
            "the courier went to _ by mistake",
        ],
        (Kind::Name, true) => &[
            "收件：_",
            "叫我_就好",
            "登记_吧",
            "_女士的快递",
            "投诉员工_",
        ],
        (Kind::Name, false) => &[
            "booked under _",
            "Kind regards, _",
            "_ here, about my parcel",
            "ask _ at reception",
            "Ms. _ signed for it",
        ],
        (Kind::Iban, true) => &["收款账号 _", "德国那边用_"],
        (Kind::Iban, false) => &["wire it: _", "SEPA _"],
        (Kind::BirthDate, true) => &["出生年月日_", "孩子生日_，能办卡吗", "本人生于_"],
        (Kind::BirthDate, false) => &[
            "birthdate: _",
            "my son was born on _",
            "date of birth _ is wrong in my profile",
        ],
        (Kind::Order, true) => &["订单编号：_", "_这个订单取消", "单号给你：_"],
        (Kind::Order, false) => &["order ref _", "re: order _", "my order, _, never came"],
    }
}

/// Turns without values.
pub(super) fn negatives(chinese: bool) -> &'static [&'static str] {
    match chinese {
        true => &[
            "车间温度_度",
            "第_号窗口排队",
            "活动编号_什么时候开奖",
            "商品ID_下架了吗",
            "我是孕妇，能退吗",
            "单价_，买#0箱",
            "一九八五年的老款还有吗",
            "电量还剩#0%",
            "凑单满_包邮吗",
            "高铁G_次能改签吗",
            "周一到周五9:00-1#:00有人吗",
            "方便的话尽快",
            "和客服说了三次没用",
            "安卓1#系统闪退",
            "快递柜取件码_",
            "会员号_查不到积分",
            "比昨天贵了_元",
            "石家庄能送吗",
            "成都路上堵吗",
            "第十二条第三款",
        ],
        false => &[
            "Gate # closes at 1#:45",
            "Part no. _ does not fit",
            "It was 1#/0#/2024 when I bought it",
            "Is the iPhone 1# Pro in stock?",
            "Flight BA_ was late",
            "The Royal Blue one",
            "Use code _ at checkout",
            "my meter reads _",
            "Page _ of the manual",
            "I paid £_ for this",
            "Happy New Year!",
            "Lot _ was recalled",
            "pickup code _",
            "Room service is slow",
            "From Monday to Friday",
            "Does Hello Kitty count?",
        ],
    }
}
