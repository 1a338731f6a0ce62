//! English addresses: a number and a street, what is in the house before or after, and the town.

use super::super::pattern::{Pattern, pattern};
use crate::safety::personal::view::View;

static PATTERN: Pattern = Pattern::new(|| {
    let inner = r"(?:(?:Apt|Apartment|Suite|Ste|Unit|Flat|Floor|Fl|Room|Rm|Block|Blk|Tower|Building|Bldg|House|Shop|Lot)\.? ?#?[A-Za-z0-9\-]{1,6}|#[A-Za-z0-9\-]{1,6}|\d{1,2}/F|\d{1,2}(?:st|nd|rd|th) [Ff]l(?:oor)?\.?|(?:[A-Z][a-z']+ ){1,3}(?:Mansions?|House|Court|Building|Centre|Center|Tower|Towers|Heights|Estate|Plaza|Gardens?|City|Lodge|Apartments))";
    let before = format!(r"(?:{inner},? ){{0,4}}");
    let kind = "Street|St|Road|Rd|Avenue|Ave|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Way|Square|Sq|Terrace|Ter|Crescent|Cres|Close|Parkway|Pkwy|Highway|Hwy|Circle|Cir|Row|Gardens|Grove|Mews|Hill|Trail|Alley|Gate|View|Wharf|Quay|Esplanade|Rise|Park|Green|Walk|Parade|Broadway|Loop|Run|Path|Point|Ridge|Bend|Cove|Crossing|Plaza|Pike|Turnpike|Expressway|Freeway|Heights|Mount|Vale|Yard|Embankment|Promenade|Circus|Bridge";
    let number = r"(?:No\.? ?)?\d{1,5}[A-Za-z]?(?:[-/]\d{1,5}[A-Za-z]?)?,?";
    let word = r"(?:(?:[A-Z][a-z]+'s|[A-Z]'?[A-Za-z]*[a-z\-]+|\d{1,3}(?:st|nd|rd|th)|Mc[A-Z][a-z]+|St\.) )";
    let side = r"(?:[NSEW]\.? |(?:NE|NW|SE|SW) |North |South |East |West )?";
    let lane = r"(?:Lane \d{1,4},? )?";
    let numbered = r"(?:(?:Highway|Hwy|State Route|County Road|Route|Interstate) \d{1,4})";
    let foreign = "(?:bis |ter )?(?:[Rr]ue|Via|Viale|[Cc]alle|[Aa]venida|[Aa]venue|[Bb]oulevard|[Pp]laza|[Pp]lace|Piazza|Rua|[Ii]mpasse|[Aa]llée|[Cc]hemin|[Qq]uai|[Cc]ours) (?:(?:de|du|des|la|le|les|del|della|di|da|dos|do) |de l'|d'|l'){0,2}[A-ZÀ-Þ][a-zß-ÿ]+(?:[ -][A-ZÀ-Þ]?[a-zß-ÿ]+){0,3}";
    let name = r"[A-Z][a-zß-ÿ]+(?:'[a-z]+)?";
    let town = format!(r"(?:,? ?(?:in )?{name}(?:[ -]{name}){{0,2}}(?: \d{{1,2}}(?-u:\b))?)");
    let code = r"(?:\d{4,6}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z0-9]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d)";
    let lower = r"(?:(?:apt|apartment|flat|unit|suite|room)\.? ?#?[a-z0-9]{1,5},? ){0,2}\d{1,5}[a-z]? (?:[a-z][a-z']+ ){1,3}(?:street|st|road|rd|avenue|ave|boulevard|blvd|lane|ln|terrace|crescent)(?-u:\b)\.?(?:,? (?:apt|apartment|flat|unit|suite|room)\.? ?#?[a-z0-9]{1,5})?(?:, ?[a-z]+(?: [a-z]+)?)?(?:,? [a-z]{2})?(?:,? \d{5}(?:-\d{4})?| [a-z]{1,2}\d[a-z0-9]? ?\d[a-z]{2}(?-u:\b))?";
    let tail = format!(
        r"(?:{town}){{0,3}}(?:,? ?(?:[A-Z]{{2,3}}(?-u:\b)|N\.T\.))?(?:,? ?{code}(?-u:\b))?(?:, (?:USA|UK|US))?"
    );
    pattern(&format!(
        r"(?:{before}{number} {lane}{side}(?:{numbered}|{word}{{1,4}}(?:{kind})(?-u:\b)\.?)|{before}\d{{1,4}},? {foreign})(?: (?:NW|NE|SW|SE|N|S|E|W)(?-u:\b))?(?:,? {inner}){{0,2}}{tail}|(?:{inner},? ){{1,4}}{word}{{1,3}}(?:{kind})(?: (?:Central|East|West|North|South))? \d{{1,4}}{tail}|[A-ZÄÖÜ][a-zß-ÿ]+(?:str\.|strasse|straße|allee|weg|platz|gasse) \d{{1,4}}[a-z]?(?:, \d{{5}} [A-ZÄÖÜ][a-zß-ÿ]+)?|[A-ZÄÖÜ][a-zß-ÿ\-]+ (?:Straße|Strasse|Str\.|Allee|Platz|Weg|Ring|Damm|Ufer|Gasse) \d{{1,4}} ?[a-z]?(?:, \d{{5}} [A-ZÄÖÜ][a-zß-ÿ]+)?|[A-Z][a-z]+(?:gracht|straat|laan|plein|kade|dijk|steeg|gatan|vägen|gade|vej|gata|veien) \d{{1,4}}[a-zA-Z]?(?:-\d{{1,3}})?(?:,? \d{{4,5}} ?(?:[A-Z]{{2}})? [A-Z][a-zß-ÿ]+)?|(?:Calle|C/|Via|Viale|Piazza|Rua|Avenida|Av\.|Plaza|Paseo|Corso|Carrer|ul\.) ?(?:(?:de|du|la|el|del|della|di|da|dos|do) ){{0,2}}[A-ZÀ-Þ][a-zß-ÿ]+(?: [A-ZÀ-Þ][a-zß-ÿ]+){{0,2}},? (?:n\.? ?º? ?)?\d{{1,4}}(?:, ?\d{{1,2}}º?)?(?:,? \d{{4,5}}(?:-\d{{3}})? [A-ZÀ-Þ][a-zß-ÿ]+)?|(?i:p\.? ?o\.? ?box) \d{{1,6}}{tail}|(?i:gpo box) \d{{1,6}}{tail}|{lower}"
    ))
});

/// Gives the bytes of each.
pub(super) fn find(view: &View) -> Vec<(usize, usize)> {
    let found = PATTERN
        .find_iter(&view.text)
        .map(|it| (it.start(), it.end()));
    found.filter(|it| view.is_apart(it.0, it.1)).collect()
}
