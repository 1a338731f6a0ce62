//! Names in English, by their capitals.

use std::collections::HashSet;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::super::Search;
use super::super::pattern::{Pattern, pattern};

/// Given names that many have.
static GIVEN: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("given_names.txt").split_whitespace().collect());

/// Family names that many have.
static FAMILY: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    include_str!("family_names.txt")
        .split_whitespace()
        .collect()
});

/// Chinese surnames in Latin letters.
static PINYIN_SURNAMES: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    include_str!("pinyin_surnames.txt")
        .split_whitespace()
        .collect()
});

/// One or two syllables of Mandarin or Cantonese.
static SYLLABLES: Pattern = Pattern::new(|| {
    pattern(
        r"^(?i:(?:zh|ch|sh|ng|kw|gw|ts|hs|[bpmfdtnlgkhjqxrzcsyw])?(?:i?ang?|uang?|u?ai|i?ao|ou|u?ei|i?e|u?en|eng|iu|iong|ong|ing?|un|uo|ue|ui|er|ua|ia|[aoeiu]|eu?ng|am|im|ok|ak|it|at|ee|oi|ung|aw)-?){1,2}$",
    )
});

/// A word of a name.
const WORD: &str = r"(?:O'|D'|Mc|Mac)?[A-ZÀ-ÞĀ-ſẠ-ỹ][a-zß-ÿĀ-ſẠ-ỹ]+(?:-(?:(?:O'|Mc|Mac)?[A-ZÀ-Þ][a-zß-ÿ]+|[a-zß-ÿ]+)|'(?:[A-ZÀ-Þ][a-zß-ÿ]+|[a-rt-z][a-z]+))?";

/// What stands before the last word of some.
const PARTICLE: &str = "(?:van|von|de|der|den|del|della|dos|da|du|bin|ibn|al|el|la|di|ter) ";

/// The second word of a name and those after it.
fn rest() -> String {
    format!(r"(?: (?:{PARTICLE}){{0,2}}(?:{WORD}|[A-Z]\.|[A-Z](?-u:\b))|,? (?:Jr|Sr)(?-u:\b)\.?)")
}

/// Whose name follows.
const ROLES: &str = "account holder|account owner|cardholder|card holder|recipient|customer|client|passenger|passengers|guest|patient|student|\
     tenant|beneficiary|payee|payer|buyer|seller|purchaser|traveller|traveler|attendee|applicant|policyholder|policy holder|insured|resident|\
     addressee|consignee|receiver|subscriber|member|user|operator|technician|representative|rep|supervisor|nurse|doctor|teacher|landlord|\
     lawyer|cleaner|engineer|plumber|waiter|delivery guy|delivery man|delivery driver|c/o|care of|fao|in the name of|registered name|\
     registered owner|spouse|emergency contact|billing name|shipping name|first name|last name|surname|family name|given name|contact person|contact|attn|attention|owner|driver|agent|courier|employee|colleague|manager|sender|name|\
     full name|first and last name|real name|legal name|user name|name of the (?:holder|guest|patient|owner|recipient)|name on (?:the |my )?(?:card|account|order|ticket|booking|label|parcel|passport)";

/// What a name follows.
static AFTER_WORDS: Pattern = Pattern::new(|| {
    let rest = rest();
    let title = r"(?:(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Sir|Madam|Rev|Capt|Lt|Sgt|Professor|Doctor)\.? )";
    let relation = "wife|husband|partner|son|daughter|friend|colleague|boss|mother|mom|mum|father|dad|brother|sister|assistant|neighbour|neighbor|roommate|aunt|uncle|cousin|grandmother|grandfather|grandma|grandpa|grandson|granddaughter|niece|nephew|fiance|flatmate|housemate|landlord|tenant|secretary|\
         client|stepson|stepdaughter|mother-in-law|father-in-law|daddy|mommy|mate|buddy|girlfriend|boyfriend|fiancée?";
    let strong = format!(
        r"my (?:full |real |legal )?name(?: is|'s|:)|i go by|everyone calls me|people call me|you may call me|known as|maiden name(?: is| was)?|named|\
         kind regards,?|warm regards,?|best,|all the best,?|yours,|love,|respectfully,?|cordially,?|signed by|signed off by|herr|frau|madame|monsieur|señora?|sra?\.?|name's|the name is|call me|(?:{ROLES})(?: is| was|:| ?=|,)?|regards,?|sincerely,?|truly,?|faithfully,?|wishes,?|thanks,|cheers,|signed,?"
    );
    let vague = format!(
        r"i am|i'm|im|this is|it is|it's|dear|hello|hi|hey|met|meet|thank|thanks to|thanks|told|asked|says|said|and|spoken with|chatting with|dealing with|helped by|served by|handled by|assisted by|contact|reach|ask|tell|see|by|via|cc|speaking with|spoke (?:to|with)|talked (?:to|with)|chatted with|address(?:ed)? (?:it |this |them )?to|deliver(?:ed)? (?:it )?to|registered (?:to|for|under)|under(?: the name)?(?: of)?|booked (?:under|for|by)|booking for|reservation for|ask(?: for)?|signed (?:for )?by|written by|sent by|from|by|for|to|with|behalf of|my {{0,2}}(?:{relation})(?: is| named)?,?|our {{0,2}}(?:{relation}),?|named|called"
    );
    pattern(&format!(
        r"(?-u:\b)(?:(?P<strong>(?i:{strong}))|(?P<vague>(?i:{vague})))\s{{1,2}}{title}?((?:{WORD}|[A-Z]\.){rest}{{0,3}})"
    ))
});

static IN_LOWER_CASE: Pattern = Pattern::new(|| {
    pattern(
        r"(?i:(?-u:\b)(?:(?P<sure>my (?:full |real |legal )?name(?: is|'s))|(?P<titled>mr\.?|mrs\.?|miss|dear|named|cardholder name|patient name|recipient name|customer name|guest name|name on (?:the |my )?(?:card|account|order|booking|parcel)|account name|in the name of|call me|colleague|wife|husband|son|daughter|mother|father|mom|mum|dad|brother|sister|friend|boss|agent|driver|courier|cheers,|regards,|thanks,)|name's|i am|i'm|this is|cardholder|account holder|customer|recipient|passenger|guest|patient|name|colleague|regards,|cheers,|thanks,|sincerely,|for|to|of|by)(?: name)?(?: is|:)?)\s{1,2}([a-z]{2,15}(?: [a-z]{2,15})?)(?-u:\b)",
    )
});

/// Words with capitals.
static CAPITALS: Pattern = Pattern::new(|| {
    let rest = rest();
    pattern(&format!(r"(?-u:\b){WORD}{rest}{{1,3}}"))
});

/// What says after a name that it is one.
const AFTER: [&str; 8] = [
    " here",
    " speaking",
    " writing",
    " again",
    " from ",
    " signed",
    " ordered",
    " (",
];

/// Words with a capital that are no names.
static NO_NAMES: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| NO_NAMES_TEXT.split(' ').collect());

const NO_NAMES_TEXT: &str = "Yo Fax Will English American Chinese British Canadian French German Spanish Not Very So Just Still Sorry Happy \
    Sad Trying Looking Having Here The A An It My Your Our Really Also Unable Calling Writing Customer Sir \
    Madam Team Support Service Friday Monday Tuesday Wednesday Thursday Saturday Sunday January February \
    March April May June July August September October November December Apple Android Amazon Windows \
    Premium Gold Silver Platinum VIP What Why How When Where Who Is Are Can Do Please In On At For From \
    To And But Urgent New All Great Good Fine Ok Okay Black White Christmas Mr Mrs Ms Miss Dr Best Kind Warm Yours Thank Thanks \
    Hello Hi Hey Flat Room Unit Suite Apartment Apt Building Block Tower Floor House No Order Invoice Passport Visa Mastercard \
    Express International National Bank Store Center Centre Mall Hotel Airport Station University Hospital School College Park \
    Company Group Inc Ltd Limited Corp LLC Department Desk Card Account Number Address Phone Mobile Email Date Birth Name Street \
    St Road Rd Avenue Ave Lane Drive Court Place Way Square Sales Day Year Week Sale Pro Plus Max Mini Ultra Watch Book Phone \
    I You He She We They This That These Those There If Then With Without Of By As Or Up Out Now Today Tomorrow Yesterday \
    America Europe Asia Africa China Japan Korea India England Scotland Wales Ireland France Germany Spain Italy Paris London \
    Berlin York Angeles Hong Kong Beijing Shanghai Shenzhen Tokyo Singapore Taiwan Macau Boston Chicago Seattle Houston Dallas \
    Miami Denver Toronto Sydney Melbourne Manchester Dublin Union Pay";

/// Given names that are words in lower case.
const ALSO_WORDS: &str = "mark frank grant will may june april august rose grace hope faith joy dawn amber ruby jade jasmine ivy iris violet \
    holly hazel daisy lily poppy rosemary robin dean earl duke miles chase hunter carter mason jack bill bob rob pat sue rich drew art \
    gene ray jay dale glen brook star christian jean jan ali ama max crystal dana bonnie angel virginia florence georgia madison \
    austin jordan charlotte sydney logan harry barry terry carol marina paris penny sandy stormy summer sunny sky gay gilbert jin may";

/// Surnames among them.
const SURNAMES_TOO: &str = "White Black Gold Park Day Best May March London";

/// What titles are of that are no persons.
const NO_TITLED: [&str; 8] = [
    "Clean", "Pepper", "Martens", "Muscle", "Bean", "Kipling", "Potato", "Coffee",
];

/// Family names that are words in lower case.
const FAMILY_TOO: &str = "hill flores ward gray day may little banks fields powers price sharp swift savage waters winter winters stone wood long \
    hart lane berry rice hunt hunter fox mason porter carpenter fisher cook baker cooper taylor walker park green brown white black young \
    king rose bush bell love cross best read reed page bishop knight chambers mills wells burns barnes brooks marsh field ford hope jordan \
    holland austin dean le do ho he ma ba so sow fall sy sun fan tan pan ding tang song small rich cash speed frost snow early sim ray grant \
    sims gill heath booth poole rowe leach sen das luna vega cruz costa abe singh lee wade house hall webb case rush carter clay koch \
    major sage yates light english church moon street miles wise power sweet star goody robin frank \
    gore li weaver singer leach may ali das ray jin goto bui dang \
    coke pepper pierce butler foster gardner turner archer cannon fields flowers gates rivers walls woods hand head foot cotton silk";

/// Names of products and companies that are as persons'.
const BRANDS: &[&str] = &[
    "Harry Potter",
    "Long Range",
    "Nina Ricci",
    "Harley Davidson",
    "Mario",
    "Calvin Klein",
    "Ralph Lauren",
    "Tommy Hilfiger",
    "Louis Vuitton",
    "Michael Kors",
    "Jimmy Choo",
    "Kate Spade",
    "Marc Jacobs",
    "Hugo Boss",
    "Tom Ford",
    "Paul Smith",
    "Ted Baker",
    "Fred Perry",
    "Levi Strauss",
    "Victoria Beckham",
    "Taylor Swift",
    "Mary Kay",
    "Elizabeth Arden",
    "Estee Lauder",
    "Bobbi Brown",
    "Charlotte Tilbury",
    "Jo Malone",
    "Alexander McQueen",
    "Vera Wang",
    "Stella McCartney",
    "Vivienne Westwood",
    "Jack Daniel",
    "Jack Wills",
    "Jim Beam",
    "Johnnie Walker",
    "Ben Jerry",
    "Oscar Mayer",
    "Sara Lee",
    "Betty Crocker",
    "John Deere",
    "John Lewis",
    "Stanley Cup",
    "Martin Luther",
    "Prince Charles",
    "Santa Claus",
    "Tiffany",
    "Thomas Cook",
    "Morgan Stanley",
    "Charles Schwab",
    "Samuel Adams",
    "Russell Hobbs",
    "Kenneth Cole",
    "Karen Millen",
    "Laura Ashley",
    "Jack Jones",
    "Peter Rabbit",
    "Thomas Pink",
    "Christian Dior",
    "Christian Louboutin",
    "Tory Burch",
    "Anne Klein",
    "Diane Von",
    "Steve Madden",
    "Carolina Herrera",
    "Giorgio Armani",
    "Roberto Cavalli",
    "Robert Bosch",
    "Lewis Hamilton",
    "Indiana Jones",
    "James Bond",
    "Mickey Mouse",
    "Peter Pan",
    "Winnie",
    "Sherlock",
    "Grant Thornton",
    "Ernst Young",
    "Martin guitar",
    "Dr Pepper",
    "Ann Arbor",
    "San",
    "Santa",
    "Los",
    "Saint",
    "Fort",
    "El",
    "Las",
    "Lake",
    "Mount",
];

/// Given names that alone are months.
const MONTHS: &str = "Jan April May June August";

/// Words in lower case that follow "my name is" and are no name.
const NO_LOWER: &str = "not on spelled spelt wrong incorrect misspelled and in the a an missing different correct still too \
    also already now listed showing printed written my i but or so at with from can please to is as it for that this who about when if instead telling saying and he she they we you was has had be by of";

/// Gives the bytes of each.
pub(super) fn find(search: &Search<'_>) -> Vec<(usize, usize)> {
    let text = &search.view.text;
    let mut found: Vec<(usize, usize)> = Vec::new();
    found.extend(pairs(text));
    if text.contains('/') {
        found.extend(with_slash(text));
    }
    if search.view.has_chinese {
        found.extend(after_chinese(text));
    }
    if !has_capital_word(text) {
        found.extend(in_lower_case(text));
        return found;
    }
    let mut at = 0;
    while let Some(captures) = AFTER_WORDS.captures_at(text, at) {
        let (Some(all), Some(name)) = (captures.get(0), captures.get(3)) else {
            break;
        };
        let length = own_length(name.as_str(), (true, captures.name("strong").is_some()));
        let length = length.max(turned_length(&text[name.start()..]));
        // What is no name may be what another one follows.
        at = if length > 0 {
            all.end().max(name.start() + length)
        } else {
            name.start()
        };
        if length > 0 && !text[name.start() + length..].starts_with("'s") {
            found.push((name.start(), name.start() + length));
        }
    }
    found.extend(in_lower_case(text));
    for all in CAPITALS.find_iter(text) {
        let is_named = AFTER.iter().any(|it| text[all.end()..].starts_with(it))
            || is_signature(text, all.start(), all.end());
        let start = all.start() + capital_start(all.as_str());
        let length = own_length(
            &text[start..all.end()],
            (false, is_named && is_beginning(text, start)),
        );
        if length > 0 && !text[start + length..].starts_with("'s") {
            found.push((start, start + length));
        }
    }
    found.extend(titled(text));
    if text.contains(". ") {
        found.extend(with_initials(text));
    }
    found.retain(|it| {
        !BRANDS
            .iter()
            .any(|brand| text[it.0..it.1].starts_with(brand))
    });
    found
}

/// Names after a title, which is enough for a family name that nobody has heard.
fn titled(text: &str) -> Vec<(usize, usize)> {
    static TITLED: Pattern = Pattern::new(|| {
        let rest = rest();
        pattern(&format!(
            r"(?-u:\b)(?i:mr|mrs|ms|miss|mx|dr|prof|professor|sir|madam|herr|frau|señora?|madame|monsieur|mme|mlle|sra?)\.? ((?:{PARTICLE})?(?:{WORD}|[A-Z]\.){rest}{{0,3}})"
        ))
    });
    let names = TITLED.captures_iter(text).filter_map(|it| it.get(1));
    let own = names.filter_map(|name| {
        let words = name.as_str().split(' ');
        let is_own = |it: &&str| !NO_NAMES.contains(*it) && !NO_TITLED.contains(it);
        let length: usize = words.take_while(is_own).map(|it| it.len() + 1).sum();
        let end = name.start() + length.checked_sub(1)?;
        (!text[end..].starts_with("'s")).then_some((name.start(), end))
    });
    own.collect()
}

/// Names of which the first is a letter alone: R. Eriksen.
fn with_initials(text: &str) -> Vec<(usize, usize)> {
    static INITIALS: Pattern = Pattern::new(|| {
        pattern(&format!(
            r"(?-u:\b)(?:[A-Z]\.? ?){{1,2}} ?(?P<particle>(?:{PARTICLE}|Van |De |Von ){{1,2}})?(?P<name>{WORD})"
        ))
    });
    let named = INITIALS.captures_iter(text).filter_map(|it| {
        let (all, name) = (it.get(0)?, it.name("name")?);
        let is_name = is_family(name.as_str(), "X") && !NO_NAMES.contains(name.as_str());
        let is_marked = all.as_str().contains(". ");
        let is_name = is_marked && (is_name || it.name("particle").is_some());
        is_name.then_some((all.start(), all.end()))
    });
    named.collect()
}

/// Names as tickets have them: KAPOOR/NIKHIL.
fn with_slash(text: &str) -> Vec<(usize, usize)> {
    static SLASH: Pattern =
        Pattern::new(|| pattern(r"(?-u:\b)([A-Za-z]{2,})/([A-Za-z]{2,})(?: [A-Z]{2,})?(?-u:\b)"));
    let named = SLASH.captures_iter(text).filter_map(|it| {
        let (family, given) = (capitalised(&it[1]), capitalised(&it[2]));
        let is_name = is_given_name(&given) && !is_in(ALSO_WORDS, &it[2])
            || is_family_name(&family)
                && it[1].bytes().all(|it| it.is_ascii_uppercase())
                && it[2].len() > 3
            || is_chinese(&[&family, &given]);
        is_name.then(|| it.get(0).map(|it| (it.start(), it.end())))?
    });
    named.collect()
}

/// Names after a Chinese word that says so, as in 姓名拼音 ZENG Zixuan.
fn after_chinese(text: &str) -> Vec<(usize, usize)> {
    static LABELLED: Pattern = Pattern::new(|| {
        pattern(
            r"(?:姓名|名字|拼音|户名|英文名|持卡人|联系人|收件人|收货人|寄件人|乘客|旅客|乘机人|入住人|住客|预订人|机主|[我他她]叫|我是|我系|叫我|本人)(?:姓名|拼音|名字)?[是为叫写填的:, ]{0,3}((?:[A-Z]\.|[A-Za-zÀ-ÿ]+(?:['\-][A-Za-zÀ-ÿ]+)*)(?:[ /,·]{1,2}(?:[A-Z]\.|[A-Za-zÀ-ÿ]+(?:['\-][A-Za-zÀ-ÿ]+)*)){0,4})",
        )
    });
    let named = LABELLED.captures_iter(text).filter_map(|it| {
        let name = it.get(1)?;
        let end = name
            .as_str()
            .split([' ', ','])
            .take_while(|it| !is_label(it));
        let length: usize = end.map(|it| it.len() + 1).sum();
        let name = name
            .as_str()
            .get(..length.saturating_sub(1).min(name.len()))
            .map(|it| (name.start(), it))?;
        let is_name = name.1.contains([' ', '/'])
            || is_given_name(&capitalised(name.1))
            || is_family_name(&capitalised(name.1));
        is_name.then_some((name.0, name.0 + name.1.trim_end_matches([',', ' ']).len()))
    });
    named.collect()
}

/// Says whether a word tells what follows it, and is of no name.
fn is_label(word: &str) -> bool {
    [
        "phone", "tel", "mobile", "email", "order", "from", "and", "id", "ip", "vip", "app",
        "passport", "dob", "born", "card", "iphone", "plus", "pro",
    ]
    .iter()
    .any(|it| word.eq_ignore_ascii_case(it))
}

/// Says whether words end a text after a sentence, as a signature does.
fn is_signature(text: &str, start: usize, end: usize) -> bool {
    let before = text[..start].trim_end();
    let is_end = text[end..].trim().is_empty();
    is_end && before.ends_with(['.', '!', '?', '-', '\n'])
}

/// A given name and a family name, in whatever case.
fn pairs(text: &str) -> Vec<(usize, usize)> {
    static WORDS: Pattern = Pattern::new(|| pattern(r"[A-Za-zÀ-ſẠ-ỹ]+(?:['\-][A-Za-zÀ-ſẠ-ỹ]+)*"));
    let words: Vec<(usize, usize)> = WORDS
        .find_iter(text)
        .map(|it| (it.start(), it.end()))
        .collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at + 1 < words.len() {
        let (first, mut next) = (words[at], at + 1);
        let has_initial = words[next].1 - words[next].0 == 1 && next + 1 < words.len();
        if has_initial {
            next += 1;
        }
        let second = words[next];
        let between = text[first.1..second.0].replace(
            |c: char| has_initial && (c.is_ascii_alphabetic() || c == '.'),
            "",
        );
        let (one, two) = (&text[first.0..first.1], &text[second.0..second.1]);
        let is_name = match between.as_str() {
            " " | "  " => is_pair(one, two) || is_shouted_chinese(one, two),
            ", " if !has_initial => {
                is_family(one, two) && is_given_name(&capitalised(two)) && !is_in(ALSO_WORDS, two)
            }
            _ => false,
        };
        if is_name {
            found.push((first.0, second.1));
            at = next;
        }
        at += 1;
    }
    found
}

/// Says whether two words are a Chinese name of which at least the surname is in capitals.
fn is_shouted_chinese(one: &str, two: &str) -> bool {
    let is_shouted = |it: &str| it.len() > 1 && it.bytes().all(|it| it.is_ascii_uppercase());
    let starts = two.starts_with(|c: char| c.is_ascii_uppercase());
    is_shouted(one)
        && starts
        && two.len() > 3
        && PINYIN_SURNAMES.contains(&*capitalised(one))
        && SYLLABLES.is_match(two)
}

fn is_pair(given: &str, family: &str) -> bool {
    given.len() > 1 && is_given_name(&capitalised(given)) && is_family(family, given)
}

/// Says whether a word is a family name, and not a word beside another one in the same case.
fn is_family(word: &str, other: &str) -> bool {
    let is_lower = word.starts_with(|c: char| c.is_lowercase())
        || other.starts_with(|c: char| c.is_lowercase());
    let is_shouted = word.len() > 1 && word.bytes().all(|it| it.is_ascii_uppercase());
    let name = capitalised(word);
    let is_irish = |prefix: &str| {
        name.strip_prefix(prefix).is_some_and(|it| {
            it.len() > 2 && FAMILY.contains(&*format!("{prefix}{}", capitalised(it)))
        })
    };
    let is_arabic = |prefix: &str| name.strip_prefix(prefix).is_some_and(|it| it.len() > 2);
    let is_known = is_family_name(&name)
        || is_arabic("Al-")
        || is_arabic("El-")
        || is_irish("O'")
        || is_irish("Mc")
        || is_irish("Mac");
    let is_known = is_known || is_family_name(word);
    is_known && !((is_lower || is_shouted) && is_in(FAMILY_TOO, &name.to_ascii_lowercase()))
}

/// Says whether a word begins with a capital, and is longer than that.
fn has_capital_word(text: &str) -> bool {
    let is_capital =
        |pair: &[u8]| (pair[0].is_ascii_uppercase() || pair[0] >= 0xc3) && pair[1] != b' ';
    text.as_bytes().windows(2).any(is_capital)
}

/// Gives where a name begins in words with capitals of which the first may begin a sentence.
fn capital_start(words: &str) -> usize {
    let second = words.find(' ').map_or(0, |at| at + 1);
    let first = words.split(' ').next().unwrap_or_default();
    if NO_NAMES.contains(first) { second } else { 0 }
}

fn is_beginning(text: &str, at: usize) -> bool {
    let before = text[..at].trim_end();
    before.is_empty() || before.ends_with(['.', '!', '?', ':', ',', '-', '\n'])
}

/// Gives the length of the name with which words begin; where nothing says that they are one, its first word tells.
fn own_length(name: &str, (is_led, is_said): (bool, bool)) -> usize {
    let words: Vec<&str> = name.split(' ').collect();
    let is_led_by_given = is_given_name(words[0]);
    let is_own = |at: usize, word: &str| {
        word.len() == 1
            || at > 0 && (word.ends_with('.') || is_led_by_given && is_in(SURNAMES_TOO, word))
            || !NO_NAMES.contains(word)
    };
    let count = words
        .iter()
        .enumerate()
        .take_while(|(at, word)| is_own(*at, word))
        .count();
    let own = &words[..count];
    let Some(&first) = own.first() else { return 0 };
    let is_given =
        is_given_name(first) || is_chinese(own) || !first.is_ascii() && is_family_name(first);
    let is_name = match own.len() {
        1 => is_given && (is_said || is_led && words.len() == 1) && !is_in(MONTHS, first),
        _ => {
            is_said
                || is_given
                || own.last().is_some_and(|it| {
                    is_family_name(it) && !is_in(FAMILY_TOO, &it.to_ascii_lowercase())
                })
        }
    };
    match is_name {
        true => own.iter().map(|it| it.len() + 1).sum::<usize>() - 1,
        false => 0,
    }
}

fn is_given_name(word: &str) -> bool {
    let first = plain(word.split('-').next().unwrap_or(word));
    GIVEN.contains(&*first)
}

/// Takes the accents off letters.
fn plain(word: &str) -> std::borrow::Cow<'_, str> {
    match word.is_ascii() {
        true => word.into(),
        false => word.nfd().filter(|c| !is_combining_mark(*c)).collect(),
    }
}

fn is_family_name(word: &str) -> bool {
    FAMILY.contains(word) || FAMILY.contains(&*plain(word))
}

/// Gives the length of "Smith, John" with which a text begins.
fn turned_length(text: &str) -> usize {
    static TURNED: Pattern = Pattern::new(|| pattern(&format!("^({WORD}), ({WORD})(?-u:\\b)")));
    let Some(captures) = TURNED.captures(text) else {
        return 0;
    };
    match !NO_NAMES.contains(&captures[1]) && is_given_name(&captures[2]) {
        true => captures[0].len(),
        false => 0,
    }
}

/// Says whether two words are a Chinese name, its surname first or last.
fn is_chinese(words: &[&str]) -> bool {
    let is_name = |surname: &str, given: &[&str]| {
        PINYIN_SURNAMES.contains(surname) && given.iter().all(|it| SYLLABLES.is_match(it))
    };
    match words {
        // Wong Ka Yan Tommy
        [first, rest @ .., last] if rest.len() == 2 && is_given_name(last) => is_name(first, rest),
        [first, rest @ ..] if (1..=2).contains(&rest.len()) => {
            is_name(first, rest) || rest.len() == 1 && is_name(rest[0], &[first])
        }
        _ => false,
    }
}

fn in_lower_case(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for captures in IN_LOWER_CASE.captures_iter(text) {
        let Some(name) = captures.get(2) else {
            continue;
        };
        // Without "my name is", both a given name and another one.
        let (first, last) = name.as_str().split_once(' ').unwrap_or_default();
        let is_word = first.len() < 3 || is_in(FAMILY_TOO, first);
        let is_pinyin = last.len() > if is_word { 3 } else { 1 }
            && is_chinese(&[&capitalised(first), &capitalised(last)]);
        let is_given = !is_in(NO_LOWER, last)
            && is_given_name(&capitalised(first))
            && !is_in(ALSO_WORDS, first);
        let is_known = |it: &str| {
            let it = capitalised(it);
            (GIVEN.contains(&*it) || is_family_name(&it))
                && !is_in(ALSO_WORDS, &it.to_ascii_lowercase())
        };
        let alone = name.as_str().split(' ').next().unwrap_or_default();
        let is_titled = captures.name("titled").is_some() && is_known(alone);
        if captures.name("sure").is_none() && !is_given && !is_titled && !is_pinyin {
            continue;
        }
        let words = name.as_str().split(' ');
        let words = words.take_while(|it| !is_in(NO_LOWER, &it.to_ascii_lowercase()));
        let length: usize = words.map(|it| it.len() + 1).sum();
        if length > 0 {
            found.push((name.start(), name.start() + length - 1));
        }
    }
    found
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first.chain(chars.flat_map(char::to_lowercase)).collect()
}

fn is_in(words: &str, word: &str) -> bool {
    words.split(' ').any(|it| it == word)
}
