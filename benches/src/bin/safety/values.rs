//! Values of each kind, with check digits where they have some.

use cs_data::SplitMix;
use cs_serve::safety::personal::Kind;

use super::writing::digits;

/// What a value is made by: chance, and whether its format is a held-out one and its turn Chinese.
pub(super) struct Maker<'a> {
    pub(super) random: &'a mut SplitMix,
    pub(super) second: bool,
    pub(super) chinese: bool,
}

const SURNAMES: &[&str] = &[
    "王", "李", "张", "刘", "陈", "赵", "周", "吴", "郑", "孙", "欧阳", "诸葛", "裴", "邹", "覃",
    "缪", "宋", "唐", "冯", "姚",
];
const GIVEN: &[&str] = &[
    "伟", "芳", "秀英", "建国", "子涵", "浩然", "雨桐", "志强", "丽", "佳琪", "晨", "思远", "婷婷",
    "明", "宇轩", "雪梅", "国华", "晓东",
];
const FIRST: &[&str] = &[
    "James",
    "Emily",
    "Priya",
    "Thabo",
    "Svetlana",
    "Oluwaseun",
    "Daniel",
    "Mary",
    "Kofi",
    "Xavier",
    "Noor",
    "Beatriz",
    "Hannah",
    "Graham",
    "Tomasz",
    "Aoife",
];
const LAST: &[&str] = &[
    "Smith",
    "O'Brien",
    "Kowalski",
    "Nakamura",
    "Garcia",
    "McDonald",
    "Okafor",
    "Jones",
    "van der Berg",
    "Singh",
    "Lindqvist",
    "Smith-Jones",
    "Petrov",
    "Brown",
];

impl Maker<'_> {
    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.random.below(items.len())]
    }

    pub(super) fn number(&mut self, length: usize) -> String {
        (0..length)
            .map(|_| char::from(b'0' + self.random.below(10) as u8))
            .collect()
    }

    pub(super) fn letters(&mut self, from: &str, length: usize) -> String {
        let from: Vec<char> = from.chars().collect();
        (0..length).map(|_| *self.pick(&from)).collect()
    }

    fn written(&mut self, value: &str, groups: &[usize]) -> String {
        digits(self.random, value, groups, self.second, self.chinese)
    }

    /// Makes a value of a kind.
    pub(super) fn value(&mut self, kind: Kind) -> String {
        match kind {
            Kind::CnId => self.cn_id(),
            Kind::HkId => self.hk_id(),
            Kind::MoId => self.mo_id(),
            Kind::TwId => self.tw_id(),
            Kind::Passport => self.passport(),
            Kind::Mobile => self.mobile(),
            Kind::Landline => self.landline(),
            Kind::BankCard => self.bank_card(),
            Kind::Uscc => self.uscc(),
            Kind::Plate => self.plate(),
            Kind::Email => self.email(),
            Kind::Ip => self.ip(),
            Kind::Url => self.url(),
            Kind::Address => self.address(),
            Kind::Name => self.name(),
            Kind::Iban => self.iban(),
            Kind::BirthDate => self.birth_date(),
            Kind::Order => self.order(),
        }
    }

    /// Makes a value in digits, written in the plainest way.
    pub(super) fn plain(&mut self, kind: Kind) -> String {
        loop {
            let value = self.value(kind);
            let is_plain = value
                .bytes()
                .all(|it| it.is_ascii_digit() || it == b'X' || it == b'-');
            if is_plain && (kind == Kind::Landline || !value.contains('-')) {
                return value;
            }
        }
    }

    fn cn_id(&mut self) -> String {
        let region = *self.pick(&["110105", "310115", "440305", "510104", "330106", "420111"]);
        let (year, month, day) = (
            1950 + self.random.below(60),
            1 + self.random.below(12),
            1 + self.random.below(28),
        );
        let body = format!("{region}{year}{month:02}{day:02}{}", self.number(3));
        let sum: usize = body
            .bytes()
            .rev()
            .zip(1..)
            .map(|(it, at)| usize::from(it - b'0') << at)
            .sum();
        let check = (12 - sum % 11) % 11;
        match (check, self.second) {
            (10, false) => format!("{body}X"),
            (10, true) => format!("{body}x"),
            _ => self.written(&format!("{body}{check}"), &[6, 8, 4]),
        }
    }

    fn hk_id(&mut self) -> String {
        let count = 1 + self.random.below(2);
        let letters = self.letters("ABCDEFGHKMPRVYZ", count);
        let body = self.number(6);
        let padded = format!("{letters:>2}{body}");
        let value = |c: char| c.to_digit(36).map_or(36, |it| it as usize);
        let sum: usize = padded
            .chars()
            .rev()
            .zip(2..)
            .map(|(c, weight)| value(c) * weight)
            .sum();
        let check = match (11 - sum % 11) % 11 {
            10 => "A".to_owned(),
            check => check.to_string(),
        };
        match self.second {
            false => format!("{letters}{body}({check})"),
            true if self.random.chance(0.5) => format!("{letters}{body}（{check}）"),
            true => format!("{} {body} ({check})", letters.to_lowercase()),
        }
    }

    fn mo_id(&mut self) -> String {
        let (first, body, check) = (*self.pick(&["1", "5", "7"]), self.number(6), self.number(1));
        match self.second {
            false => format!("{first}{body}({check})"),
            true if self.random.chance(0.5) => format!("{first}/{body}/{check}"),
            true => format!("{first}{body}（{check}）"),
        }
    }

    fn tw_id(&mut self) -> String {
        let (at, letter) = *self.pick(&[
            (10, 'A'),
            (11, 'B'),
            (12, 'C'),
            (13, 'D'),
            (15, 'F'),
            (17, 'H'),
            (34, 'I'),
            (35, 'O'),
        ]);
        let body = format!("{}{}", self.pick(&["1", "2"]), self.number(7));
        let sum: usize = body
            .bytes()
            .zip((1..=8).rev())
            .map(|(it, weight)| usize::from(it - b'0') * weight)
            .sum();
        let check = (10 - (at / 10 + at % 10 * 9 + sum) % 10) % 10;
        match self.second {
            false => format!("{letter}{body}{check}"),
            true if self.random.chance(0.5) => {
                format!("{}{body}{check}", letter.to_ascii_lowercase())
            }
            true => format!("{letter}-{body}{check}"),
        }
    }

    fn passport(&mut self) -> String {
        let body = self.number(8);
        match (self.second, self.chinese) {
            (false, true) => format!("E{body}"),
            (false, false) => self.number(9),
            (true, true) => format!("{}{}", self.pick(&["EA", "EK", "ed"]), self.number(7)),
            (true, false) => format!("{} {}", self.letters("ABCDEFGHKLM", 2), self.number(7)),
        }
    }

    fn mobile(&mut self) -> String {
        let national = format!(
            "1{}{}",
            self.pick(&["38", "59", "77", "86", "99", "33"]),
            self.number(8)
        );
        let rest = self.number(4);
        match (self.random.below(6), self.second) {
            (0, false) => format!("+86 {national}"),
            (0, true) => format!("（+86）{}", self.written(&national, &[3, 4])),
            (1, true) => format!("0086-{national}"),
            (1, false) => format!("+852 9{} {rest}", self.number(3)),
            (2, true) => format!("+852-6{}{rest}", self.number(3)),
            (2, false) => format!("0912-{}-{}", self.number(3), self.number(3)),
            (3, false) if !self.chinese => format!("(212) 555-{rest}"),
            (3, true) if !self.chinese => format!("+44 (0) 7700 900{}", self.number(3)),
            (4, true) if !self.chinese => format!("415.555.{rest}"),
            (4, false) if !self.chinese => format!("+1 415-555-{rest}"),
            _ => self.written(&national, &[3, 4]),
        }
    }

    fn landline(&mut self) -> String {
        let (area, length) = *self.pick(&[
            ("010", 7),
            ("021", 7),
            ("0755", 7),
            ("0571", 7),
            ("0931", 6),
        ]);
        let local = format!("{}{}", self.pick(&["8", "6", "5"]), self.number(length));
        match (self.random.below(3), self.second) {
            (0, false) => format!("{area}-{local}"),
            (1, false) => format!("({area}){local}"),
            (_, false) => format!("{area}{local}"),
            (0, true) => format!(
                "{area} {} {}",
                &local[..local.len() - 4],
                &local[local.len() - 4..]
            ),
            (1, true) => format!("{area}-{local}转{}", self.number(3)),
            (_, true) => format!("+86-{}-{local}", &area[1..]),
        }
    }

    fn bank_card(&mut self) -> String {
        let (start, length) = *self.pick(&[
            ("622202", 19),
            ("621700", 19),
            ("4", 16),
            ("52", 16),
            ("37", 15),
            ("622588", 16),
        ]);
        let body = format!("{start}{}", self.number(length - start.len() - 1));
        let luhn = |text: &str| -> usize {
            let doubled = text
                .bytes()
                .rev()
                .enumerate()
                .map(|(at, it)| usize::from(it - b'0') * (1 + at % 2));
            doubled.map(|it| it / 10 + it % 10).sum()
        };
        let check = (10 - luhn(&format!("{body}0")) % 10) % 10;
        self.written(&format!("{body}{check}"), &[4, 4, 4, 4])
    }

    fn uscc(&mut self) -> String {
        let set = "0123456789ABCDEFGHJKLMNPQRTUWXY";
        let body = format!(
            "{}{}{}",
            self.pick(&["91", "92", "51", "12"]),
            self.pick(&["110108", "310000", "440300"]),
            self.letters(set, 9)
        );
        let mut weight = 1;
        let mut sum = 0;
        for c in body.chars() {
            sum += set.find(c).unwrap_or(0) * weight;
            weight = weight * 3 % 31;
        }
        let check = set.chars().nth((31 - sum % 31) % 31).unwrap_or('0');
        match self.second {
            false => format!("{body}{check}"),
            true if self.random.chance(0.5) => format!("{body}{check}").to_lowercase(),
            true => format!("{} {}{check}", &body[..8], &body[8..]),
        }
    }

    fn plate(&mut self) -> String {
        let place = format!(
            "{}{}",
            self.pick(&["京", "沪", "粤", "川", "浙", "鄂"]),
            self.letters("ABCDEFGHJK", 1)
        );
        let number = format!(
            "{}{}",
            self.letters("ABCDEFGHJKLMNPQRSTUVWXYZ", 1),
            self.number(4)
        );
        match (self.random.below(3), self.second) {
            (0, false) => format!("{place}{number}"),
            (1, false) => format!("{place}·{number}"),
            (_, false) => format!("{place}D{}", self.number(5)),
            (0, true) => format!("{place} {number}").to_lowercase(),
            (1, true) => format!("{place}-{}F", self.number(5)),
            (_, true) => format!("{place}{}学", self.number(4)),
        }
    }

    fn email(&mut self) -> String {
        let user = format!(
            "{}{}",
            self.pick(&["li.wei", "zhang_san", "j.smith", "kate+shop", "bao-bao"]),
            self.number(2)
        );
        let (host, end) = *self.pick(&[
            ("example", "com"),
            ("mail.example", "org"),
            ("qq", "com"),
            ("shop-example", "co.uk"),
        ]);
        match (self.random.below(4), self.second) {
            (0..3, false) => format!("{user}@{host}.{end}"),
            (_, false) => format!("{user}＠{host}.{end}"),
            (0, true) => format!("{user} (at) {host}.{end}"),
            (1, true) => format!("{user}@{host}。{end}").replace('。', "．"),
            (2, true) => format!("{user} @ {host}.{end}"),
            (_, true) => format!("{user}[at]{host}[dot]{end}"),
        }
    }

    fn ip(&mut self) -> String {
        let part = |it: &mut Self| 1 + it.random.below(254);
        match (self.random.below(3), self.second) {
            (0 | 1, false) => format!(
                "{}.{}.{}.{}",
                part(self),
                part(self),
                part(self),
                part(self)
            ),
            (_, false) => format!("2001:db8::{:x}:{:x}", part(self), part(self)),
            (0, true) => format!(
                "{}．{}．{}．{}",
                part(self),
                part(self),
                part(self),
                part(self)
            ),
            (1, true) => format!("fe80::{:x}", 4096 + part(self)),
            (_, true) => format!(
                "::ffff:{}.{}.{}.{}",
                part(self),
                part(self),
                part(self),
                part(self)
            ),
        }
    }

    fn url(&mut self) -> String {
        let number = self.number(6);
        match (self.random.below(3), self.second) {
            (0 | 1, false) => format!("https://shop.example.com/user/{number}?tab=orders"),
            (_, false) => format!("www.example.com/u/{number}"),
            (0, true) => format!("HTTP://user:pw@example.org:8080/#{number}"),
            (1, true) => format!("m.example.cn/i/{number}"),
            (_, true) => format!("ftp://files.example.net/{number}.zip"),
        }
    }

    fn iban(&mut self) -> String {
        let (country, length) = *self.pick(&[("DE", 18), ("FR", 23), ("ES", 20), ("NO", 11)]);
        let body = self.number(length);
        let turned = format!("{body}{country}00");
        let rest = turned.chars().fold(0, |rest, c| {
            let value = c.to_digit(36).unwrap_or(0);
            (rest * if value > 9 { 100 } else { 10 } + value) % 97
        });
        let all = format!("{country}{:02}{body}", 98 - rest);
        let chunks: Vec<&str> = (0..all.len())
            .step_by(4)
            .map(|at| &all[at..all.len().min(at + 4)])
            .collect();
        match (self.random.below(2), self.second) {
            (0, false) => all,
            (_, false) => chunks.join(" "),
            (0, true) => all.to_lowercase(),
            (_, true) => chunks.join("-"),
        }
    }

    fn order(&mut self) -> String {
        match (self.random.below(4), self.second) {
            (0, false) => self.number(8),
            (1, false) => format!("2024{}", self.number(12)),
            (2, false) => format!("SF{}", self.number(12)),
            (_, false) => format!("138{}", self.number(8)),
            (0, true) => format!("AB-{}-{}", self.number(4), self.number(6)),
            (1, true) => format!("jd_{}", self.number(11)),
            (2, true) => format!("{}-{}", self.number(3), self.number(7)),
            (_, true) => {
                let number = self.number(10);
                self.written(&number, &[4, 3])
            }
        }
    }

    fn name(&mut self) -> String {
        if self.chinese {
            return format!("{}{}", self.pick(SURNAMES), self.pick(GIVEN));
        }
        let (first, last) = (*self.pick(FIRST), *self.pick(LAST));
        match (self.random.below(3), self.second) {
            (0, true) => format!("{first} {}. {last}", self.letters("ABCDEJKLM", 1)),
            _ => format!("{first} {last}"),
        }
    }

    fn birth_date(&mut self) -> String {
        let (year, month, day) = (
            1950 + self.random.below(60),
            1 + self.random.below(12),
            1 + self.random.below(28),
        );
        let name = [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ][month - 1];
        match (self.random.below(4), self.chinese, self.second) {
            (0 | 1, true, false) => format!("{year}年{month}月{day}日"),
            (_, _, false) if self.chinese => format!("{year}-{month:02}-{day:02}"),
            (0 | 1, false, false) => format!("{name} {day}, {year}"),
            (_, _, false) => format!("{month:02}/{day:02}/{year}"),
            (0, true, true) => format!("{:02}年{month}月{day}号", year % 100),
            (1, true, true) => format!("{year}{month:02}{day:02}"),
            (2, true, true) => format!("{year}/{month}/{day}"),
            (_, true, true) => format!(
                "{}月{}日",
                [
                    "一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二"
                ][month - 1],
                ["二", "十五", "二十三", "八"][day % 4]
            ),
            (0, false, true) => format!("{day} {} {year}", &name[..3]),
            (1, false, true) => format!("the {day}th of {name} {year}"),
            (2, false, true) => format!("{day}.{month}.{year}"),
            (_, false, true) => format!("{year}-{month:02}-{day:02}"),
        }
    }

    fn address(&mut self) -> String {
        let number = 1 + self.random.below(300);
        let room = 100 + self.random.below(900);
        let block = 1 + self.random.below(30);
        if self.chinese {
            let city = *self.pick(&[
                "北京市海淀区",
                "上海市浦东新区",
                "广东省深圳市南山区",
                "浙江省杭州市西湖区",
                "成都市武侯区",
            ]);
            let street = *self.pick(&["中关村大街", "科苑路", "文三路", "人民南路", "建设一巷"]);
            let estate = *self.pick(&["阳光花园", "翠湖小区", "万科城", "锦绣公寓"]);
            return match (self.random.below(3), self.second) {
                (0, false) => format!("{city}{street}{number}号"),
                (1, false) => format!("{city}{street}{number}号{block}栋{room}室"),
                (_, false) => format!("{city}{estate}{block}号楼{room}室"),
                (0, true) => format!("{street}{number}弄{block}号{room}"),
                (1, true) => format!("{estate}{block}幢2单元{room}"),
                (_, true) => format!("{city}{estate}三期{block}-{room}"),
            };
        }
        let street = *self.pick(&[
            "Maple Street",
            "Oak Avenue",
            "Kings Road",
            "Fifth Avenue",
            "Old Mill Lane",
            "St. James Square",
        ]);
        let (town, state, zip) = *self.pick(&[
            ("Springfield", "IL", "62704"),
            ("Austin", "TX", "78701"),
            ("San Jose", "CA", "95112"),
        ]);
        match (self.random.below(3), self.second) {
            (0, false) => format!("{number} {street}"),
            (1, false) => format!("{number} {street}, {town}, {state} {zip}"),
            (_, false) => format!("{number} {street}, Apt {block}B, {town}, {state} {zip}"),
            (0, true) => format!("Flat {block}, {number} {street}, London SW1A 1AA"),
            (1, true) => format!("{number} {street} #{room}, {town} {state}"),
            (_, true) => format!("PO Box {room}, {town}, {state} {zip}"),
        }
    }
}
