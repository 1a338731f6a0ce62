//! Numbers with check digits, and others that have their own rules, written without anything between.

use cs_data::SplitMix;

const USCC: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";

/// Makes a number of a source; none has another name.
pub(super) fn make(name: &str, random: &mut SplitMix) -> Option<String> {
    if let Some(country) = name.strip_prefix("iban") {
        return iban(country, random);
    }
    Some(match name {
        "cn" => cn_id(random),
        "cn15" => cn_id_of_15(random),
        "hk" => hk_id(1, random),
        "hk2" => hk_id(2, random),
        "mo" => one_of(&["1", "5", "7"], random) + &digits(7, random),
        "tw" => tw_id(random),
        "mobile" => mobile(random),
        "hkphone" => one_of(&["5", "6", "9"], random) + &digits(7, random),
        "usphone" => us_phone(random),
        "bj" => "010".to_owned() + &local(8, random),
        "bj2" => "10".to_owned() + &local(8, random),
        "sh" => "021".to_owned() + &local(8, random),
        "sz" => one_of(&["0755", "0571", "0531", "0731"], random) + &local(8, random),
        "sz3" => one_of(&["755", "571", "531", "731"], random) + &local(8, random),
        "lz" => one_of(&["0931", "0830", "0395"], random) + &local(7, random),
        "bj8" | "sz8" => local(8, random),
        "card15" => card(&["34", "37"], 15, random),
        "card16" => card(&["4", "51", "55", "622588", "625912"], 16, random),
        "card17" => card(&["620522"], 17, random),
        "card18" => card(&["622155"], 18, random),
        "card19" => card(&["622202", "621700", "622848", "621661"], 19, random),
        "uscc" => uscc(random),
        "ip4" => ip4(".", random),
        "ip4s" => ip4(". ", random),
        _ => return None,
    })
}

fn one_of(items: &[&str], random: &mut SplitMix) -> String {
    random.pick(items).map_or("", |it| *it).to_owned()
}

fn digits(count: usize, random: &mut SplitMix) -> String {
    of("0123456789", count, random)
}

fn of(set: &str, count: usize, random: &mut SplitMix) -> String {
    let set: Vec<char> = set.chars().collect();
    (0..count).map(|_| set[random.below(set.len())]).collect()
}

fn day_of_birth(random: &mut SplitMix) -> (usize, usize, usize) {
    let mut below = |bound| random.below(bound);
    (1945 + below(70), 1 + below(12), 1 + below(28))
}

fn region(random: &mut SplitMix) -> String {
    let all = [
        "110105", "310115", "440305", "510104", "330106", "420111", "130528", "621121", "230102",
        "522732",
    ];
    one_of(&all, random)
}

/// GB 11643, of which the last is a check character by ISO 7064, MOD 11-2.
fn cn_id(random: &mut SplitMix) -> String {
    let (year, month, day) = day_of_birth(random);
    let body = format!(
        "{}{year}{month:02}{day:02}{}",
        region(random),
        digits(3, random)
    );
    let values = body.bytes().rev().map(|it| usize::from(it - b'0'));
    let sum: usize = values.zip(1..).map(|(it, at)| it << at).sum();
    let check = match (12 - sum % 11) % 11 {
        10 => "X".to_owned(),
        check => check.to_string(),
    };
    body + &check
}

fn cn_id_of_15(random: &mut SplitMix) -> String {
    let (year, month, day) = day_of_birth(random);
    let region = region(random);
    format!(
        "{region}{:02}{month:02}{day:02}{}",
        year % 100,
        digits(3, random)
    )
}

fn hk_id(count: usize, random: &mut SplitMix) -> String {
    let body = of("ABCDEFGHKMPRVYZ", count, random) + &digits(6, random);
    let value = |c: char| c.to_digit(36).map_or(36, |it| it as usize);
    let padded = format!("{body:>8}");
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
    body + &check
}

fn tw_id(random: &mut SplitMix) -> String {
    let letters = [
        (10, 'A'),
        (11, 'B'),
        (12, 'C'),
        (13, 'D'),
        (15, 'F'),
        (17, 'H'),
        (20, 'K'),
        (23, 'P'),
        (34, 'I'),
        (35, 'O'),
    ];
    let (number, letter) = letters[random.below(letters.len())];
    let body = one_of(&["1", "2"], random) + &digits(7, random);
    let values = body.bytes().map(|it| usize::from(it - b'0'));
    let sum: usize = values
        .zip((1..=8).rev())
        .map(|(it, weight)| it * weight)
        .sum();
    let check = (10 - (number / 10 + number % 10 * 9 + sum) % 10) % 10;
    format!("{letter}{body}{check}")
}

fn mobile(random: &mut SplitMix) -> String {
    let starts = [
        "133", "135", "138", "139", "147", "150", "158", "166", "176", "177", "186", "189", "191",
        "198",
    ];
    one_of(&starts, random) + &digits(8, random)
}

fn us_phone(random: &mut SplitMix) -> String {
    let areas = ["212", "312", "415", "503", "617", "713", "206", "646"];
    one_of(&areas, random) + &one_of(&["555", "278", "934"], random) + &digits(4, random)
}

fn local(count: usize, random: &mut SplitMix) -> String {
    one_of(&["2", "5", "6", "8"], random) + &digits(count - 1, random)
}

/// A card's number, of which the last is a check digit by Luhn.
fn card(starts: &[&str], length: usize, random: &mut SplitMix) -> String {
    let start = one_of(starts, random);
    let body = format!("{start}{}", digits(length - 1 - start.len(), random));
    let doubled = body
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, it)| usize::from(it - b'0') * (2 - at % 2));
    let sum: usize = doubled.map(|it| it / 10 + it % 10).sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

/// GB 32100, of which the last is a check character, MOD 31-3.
fn uscc(random: &mut SplitMix) -> String {
    let body =
        one_of(&["91", "92", "93", "51", "12"], random) + &region(random) + &of(USCC, 9, random);
    let mut weight = 1;
    let mut sum = 0;
    for c in body.chars() {
        sum += USCC.find(c).unwrap_or(0) * weight;
        weight = weight * 3 % 31;
    }
    let check = USCC.chars().nth((31 - sum % 31) % 31).unwrap_or('0');
    format!("{body}{check}")
}

/// ISO 13616: two check digits by MOD 97-10 behind the country.
fn iban(country: &str, random: &mut SplitMix) -> Option<String> {
    let (letters, numbers) = match country {
        "DE" => (0, 18),
        "GB" | "IE" => (4, 14),
        "NL" => (4, 10),
        "FR" => (0, 23),
        "IT" => (1, 22),
        "ES" => (0, 20),
        "CH" => (0, 17),
        "AT" => (0, 16),
        "BE" => (0, 12),
        "NO" => (0, 11),
        "PL" => (0, 24),
        _ => return None,
    };
    let body = of("ABCDEFGHIKLMNOPRSTUVWX", letters, random) + &digits(numbers, random);
    let rest = format!("{body}{country}00").chars().fold(0, |rest, c| {
        let value = c.to_digit(36).unwrap_or(0);
        (rest * if value > 9 { 100 } else { 10 } + value) % 97
    });
    Some(format!("{country}{:02}{body}", 98 - rest))
}

fn ip4(between: &str, random: &mut SplitMix) -> String {
    let parts: Vec<String> = (0..4)
        .map(|_| (1 + random.below(254)).to_string())
        .collect();
    parts.join(between)
}
