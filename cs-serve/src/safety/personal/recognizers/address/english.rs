//! Addresses in Latin letters: a number and a street or the other way round, what is in the house before or after, and
//! the town.

use super::super::pattern::{Pattern, pattern};
use crate::safety::personal::view::View;

/// What is in a house, or is one with a name.
const INNER: &str = r"(?:(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Fl|Room|Rm|Block|Blk|Tower|Building|Bldg|House|Shop|Lot)\.? ?#?[A-Za-z0-9\-]{1,6}|#[A-Za-z0-9\-]{1,6}|\d{1,2}/F|\d{1,2}(?:st|nd|rd|th) [Ff]l(?:oor)?\.?|(?:[A-Z][a-z']+ ){1,3}(?:Mansions?|House|Cottage|Farm|Farmhouse|Manor|Villa|Barn|Grange|Rectory|Hall|Court|Building|Centre|Center|Tower|Towers|Heights|Estate|Plaza|Gardens?|City|Lodge|Apartments))";

/// What streets are called.
const KIND: &str = "Street|St|Road|Rd|Avenue|Ave|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Way|Square|Sq|Terrace|Ter|Crescent|Cres|Close|Parkway|Pkwy|Highway|Hwy|Circle|Cir|Row|Gardens|Grove|Mews|Hill|Trail|Alley|Gate|View|Wharf|Quay|Esplanade|Rise|Park|Green|Walk|Parade|Broadway|Loop|Run|Path|Point|Ridge|Bend|Cove|Crossing|Plaza|Pike|Turnpike|Expressway|Freeway|Heights|Mount|Vale|Yard|Embankment|Promenade|Circus|Bridge|Approach|Cross|Main|Marg|Nagar|Jalan|Lorong";

/// The number of a house.
const NUMBER: &str = r"(?:No\.? ?)?\d{1,5}[A-Za-z]?(?:[-/]\d{1,5}[A-Za-z]?)?,?";

/// A word of a street's name.
const WORD: &str =
    r"(?:(?:[A-Z][a-z]+'s|[A-Z]'?[A-Za-z]*[a-z\-]+|\d{1,3}(?:st|nd|rd|th)|Mc[A-Z][a-z]+|St\.) )";

/// A word of a name in other languages too.
const NAME: &str = r"[A-ZÀ-Þ][a-zß-ÿ]+(?:['\-][A-Za-zÀ-ÿ]+)?";

/// The codes of the post that have letters in them.
const CODE_WITH_LETTERS: &str =
    r"(?:[A-Z]{1,2}\d[A-Z0-9]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d|\d{4} [A-Z]{2})";

/// Countries, after a town.
const COUNTRY: &str = "(?:,? (?:USA|UK|US|U\\.S\\.A\\.|United States|United Kingdom|England|Scotland|Wales|Ireland|Canada|Australia|New Zealand|Germany|Deutschland|France|Spain|España|Italy|Italia|Portugal|Netherlands|Belgium|Austria|Switzerland|Sweden|Norway|Denmark|Finland|Poland|Japan|Korea|South Korea|China|Hong Kong|Taiwan|Singapore|Malaysia|Thailand|India|Brazil|Mexico|UAE|South Africa)(?-u:\\b))?";

/// The town with its state and code, as it stands after a street.
fn tail() -> String {
    let name = r"[A-Z][a-zß-ÿ]+(?:'[a-z]+)?";
    let town = format!(r"(?:,? ?(?:in )?{name}(?:[ -]{name}){{0,2}}(?: \d{{1,2}}(?-u:\b))?)");
    format!(
        r"(?:{town}){{0,3}}(?:,? ?(?:[A-Z]{{2,3}}(?-u:\b)|N\.T\.))?(?:,? ?(?:\d{{4,6}}(?:-\d{{4}})?|{CODE_WITH_LETTERS})(?-u:\b))?{COUNTRY}"
    )
}

/// 12 Oak Street, Apt 4; Flat 3, 12 Oak Street.
static STREET: Pattern = Pattern::new(|| {
    let tail = tail();
    let before = format!(r"(?:{INNER},? ){{0,4}}");
    let side = r"(?:[NSEW]\.? |(?:NE|NW|SE|SW) |North |South |East |West )?";
    let lane = r"(?:Lane \d{1,4},? )?";
    let numbered = r"(?:(?:Highway|Hwy|State Route|County Road|Route|Interstate) \d{1,4})";
    pattern(&format!(
        r"(?:{before}{NUMBER} {lane}{side}(?:{numbered}|{WORD}{{1,4}}(?:{KIND})(?-u:\b)\.?))(?: (?:NW|NE|SW|SE|N|S|E|W)(?-u:\b))?(?:,? {INNER}){{0,2}}{tail}|(?:{INNER},? ){{1,4}}{WORD}{{1,3}}(?:{KIND})(?: (?:Central|East|West|North|South))? \d{{1,4}}{tail}|(?i:(?:g?p\.? ?o\.? ?box) \d{{1,6}}){tail}"
    ))
});

/// Whatever is between a number and a code of the post: 28a Queensway, Cardiff CF10 2AF.
static WITH_CODE: Pattern = Pattern::new(|| {
    let part = format!(r"(?:{NAME}|\d{{1,3}}(?:st|nd|rd|th)|#?\d{{1,3}}-\d{{1,4}}|\d{{1,3}}),?");
    pattern(&format!(
        r"(?:{INNER},? ){{0,3}}(?:(?:Blk|Block|No\.?|Unit) )?\d{{1,5}}[A-Za-z]?(?:[-/]\d{{1,4}}){{0,3}},? (?:{part} ){{1,8}}?(?:{CODE_WITH_LETTERS}|[A-Z]{{2,3}},? \d{{4,5}}(?:-\d{{4}})?|\d{{5,6}}|\d{{3}}-\d{{4}})(?-u:\b){COUNTRY}"
    ))
});

/// A street before its number, as on the Continent: Via Roma 12, 20121 Milano.
static TURNED: Pattern = Pattern::new(|| {
    let town = format!(
        r"(?:,? (?:[A-Z]{{1,2}}-)?\d{{4,5}}(?:-\d{{3}})?(?: [A-Z]{{2}})? {NAME}(?: {NAME})?)"
    );
    let flat = r"(?:, ?[A-Za-z0-9º°.]{1,8}(?: [A-Za-z0-9º°.]{1,3})?)?";
    let kinds = r"(?:[Cc]alle|C/|Via|Viale|Piazza|Rua|[Aa]venida|Av\.|[Pp]laza|Paseo|Corso|Carrer|Largo|Praça|ul\.|Jalan|Jl\.)";
    let ends = "(?:str\\.|strasse|straße|allee|weg|platz|gasse|gracht|straat|laan|plein|kade|dijk|steeg|gatan|vägen|gade|vej|gata|veien)";
    let particles = "(?:(?:de|du|des|la|las|los|le|les|del|della|dei|di|da|dos|do|van|von|der|den) |de l'|d'|l'){0,2}";
    pattern(&format!(
        r"{NAME}(?: {particles}{NAME}){{0,3}},? \d{{1,4}} ?[a-zA-Z]?{flat}{town}{COUNTRY}|{kinds} ?{particles}{NAME}(?: {particles}{NAME}){{0,3}},? (?:n\.? ?º? ?)?\d{{1,4}}{flat}{town}?{COUNTRY}|[A-ZÄÖÜ][a-zß-ÿ]+{ends} \d{{1,4}} ?[a-z]?{town}?{COUNTRY}|[A-ZÄÖÜ][a-zß-ÿ\-]+ (?:Straße|Strasse|Str\.|Allee|Platz|Weg|Ring|Damm|Ufer|Gasse) \d{{1,4}} ?[a-z]?{town}?{COUNTRY}"
    ))
});

/// A number before a street in French and the like: 20 rue des Lilas, 31000 Toulouse.
static FOREIGN: Pattern = Pattern::new(|| {
    let tail = tail();
    let kinds = "(?:bis |ter )?(?:[Rr]ue|Via|[Cc]alle|[Aa]venida|[Aa]venue|[Bb]oulevard|[Pp]laza|[Pp]lace|Piazza|Rua|[Ii]mpasse|[Aa]llée|[Cc]hemin|[Qq]uai|[Cc]ours|[Rr]oute|Jalan|Jln|Lorong)";
    let particles = "(?:(?:de|du|des|la|le|les|del|della|di|da|dos|do) |de l'|d'|l'){0,3}";
    pattern(&format!(
        r"(?:{INNER},? ){{0,3}}\d{{1,4}},? {kinds} {particles}{NAME}(?:[ -][A-ZÀ-Þ]?[a-zß-ÿ]+){{0,3}}(?:,? {INNER}){{0,2}}(?:,? \d{{4,5}} {NAME}(?:[ -]{NAME}){{0,2}}|{tail}){COUNTRY}"
    ))
});

/// As people write it who have no time for capitals.
static IN_LOWER_CASE: Pattern = Pattern::new(|| {
    let inner =
        r"(?:(?:apt|apartment|flat|unit|suite|room|ste)\.? ?#?[a-z0-9]{1,5}|#[a-z0-9]{1,5})";
    let plain = "street|st|road|rd|avenue|ave|boulevard|blvd|lane|ln|terrace|crescent";
    let vague = "drive|dr|way|close|court|ct|place|pl|square|sq|grove|gardens|hill|row|mews|circle|parkway|pkwy";
    let code =
        r"(?:[a-z]{2} \d{5}(?:-\d{4})?|[a-z]{1,2}\d[a-z0-9]? ?\d[a-z]{2}|\d{5}(?:-\d{4})?)(?-u:\b)";
    let number = r"\d{1,5}[a-z]?(?:[-/]\d{1,4})?";
    pattern(&format!(
        r"(?:{inner},? ){{0,2}}{number} (?:[nsew] )?(?:(?:[a-z][a-z']+|\d{{1,3}}(?:st|nd|rd|th)) ){{1,3}}(?:(?:{plain})(?-u:\b)\.?(?:,? {inner})?(?:(?:,? [a-z]+){{1,3}},? {code}|, ?[a-z]+(?: [a-z]+)?(?:, ?[a-z]{{2}}(?-u:\b))?|,? {code})?|(?:{vague})(?-u:\b)\.?(?:,? {inner})?(?:,? [a-z]+){{0,3}},? {code})"
    ))
});

/// Gives the bytes of each.
pub(super) fn find(view: &View) -> Vec<(usize, usize)> {
    let text = view.text.as_str();
    let mut found = Vec::new();
    let has_capitals = text.bytes().any(|it| it.is_ascii_uppercase());
    let capital: [&Pattern; 4] = [&STREET, &WITH_CODE, &TURNED, &FOREIGN];
    let patterns = capital.into_iter().filter(|_| has_capitals);
    for pattern in patterns.chain([&IN_LOWER_CASE]) {
        found.extend(pattern.find_iter(text).map(|it| (it.start(), it.end())));
    }
    let is_part = |start: usize| matches!(view.before(start), Some('-' | '/' | '.' | '+'));
    found.retain(|it| view.is_apart(it.0, it.1) && !is_part(it.0));
    found
}
