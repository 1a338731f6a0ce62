//! What names in Latin letters stand after and beside.

use super::super::super::pattern::{Pattern, pattern};

/// A word of a name.
pub(super) const WORD: &str = r"(?:(?:[Aa]l|[Ee]l|Abd|Abu|Ben)-|O'|D'|Mc|Mac)?[A-ZÀ-ÞĀ-ſẠ-ỹ][a-zß-ÿĀ-ſẠ-ỹ]+(?:-(?:(?:O'|Mc|Mac)?[A-ZÀ-Þ][a-zß-ÿ]+|[a-zß-ÿ]+)|'(?:[A-ZÀ-Þ][a-zß-ÿ]+|[a-rt-z][a-z]+))*";

/// What stands before the last word of some.
pub(super) const PARTICLE: &str = "(?:van|von|zu|de|der|den|del|della|dos|das|do|da|du|di|la|le|bin|binti|bint|ibn|al|el|ter|ten|y|e|Ní|Ó) ";

/// The first word of a name, with what stands before it.
pub(super) fn first() -> String {
    format!(r"(?:(?:{PARTICLE}){{0,2}}{WORD}|[A-Z]\.)")
}

/// The second word of a name and those after it.
pub(super) fn rest() -> String {
    format!(r"(?: (?:{PARTICLE}){{0,2}}(?:{WORD}|[A-Z]\.|[A-Z](?-u:\b))|,? (?:Jr|Sr)(?-u:\b)\.?)")
}

/// Who somebody is to somebody else.
const RELATIONS: &str = "wife|husband|partner|son|daughter|friend|colleague|co-worker|coworker|boss|mother|mom|mum|father|dad|brother|sister|assistant|neighbour|neighbor|roommate|aunt|uncle|cousin|grandmother|grandfather|grandma|grandpa|grandson|granddaughter|niece|nephew|fiance|flatmate|housemate|landlord|landlady|tenant|secretary|\
    client|customer|stepson|stepdaughter|mother-in-law|father-in-law|sister-in-law|brother-in-law|daddy|mommy|mummy|mate|buddy|girlfriend|boyfriend|fiancée?|spouse|kid|child|baby|twin|carer|nanny|guest|manager|supervisor|accountant|lawyer|doctor|teacher|trainer|driver|employee|intern|team lead|contact|agent";

/// Whose name follows.
const ROLES: &str = "account holder|account owner|cardholder|card holder|recipient|customer|client|lead passenger|passengers?|guests?|patient|student|pupil|\
    tenant|beneficiary|payee|payer|buyer|seller|purchaser|traveller|traveler|attendee|applicant|policyholder|policy holder|policy owner|insured|insured person|resident|\
    addressee|consignee|consignor|shipper|receiver|subscriber|member|user|operator|technician|representative|rep|supervisor|nurse|doctor|teacher|landlord|\
    lawyer|cleaner|engineer|plumber|electrician|waiter|waitress|receptionist|cashier|clerk|salesperson|installer|delivery guy|delivery man|delivery driver|c/o|care of|fao|in the name of|registered name|\
    registered owner|registered keeper|vehicle owner|spouse|emergency contact|next of kin|billing name|shipping name|delivery name|first name|last name|middle name|surname|family name|given name|forename|contact person|contact|attn|attention|owner|driver|agent|advisor|adviser|courier|employee|colleague|manager|sender|name|\
    full name|first and last name|real name|legal name|user name|maiden name|married name|display name|signatory|witness|guardian|parent|caller|complainant|claimant|debtor|borrower|lender|director|host|hostess|author|bride|groom|candidate|participant|player|winner|\
    name of the (?:holder|guest|patient|owner|recipient|passenger|customer|driver|tenant|child)|name on (?:the |my )?(?:card|account|order|ticket|booking|label|parcel|passport|invoice|bill|policy|reservation|doorbell|lease)";

/// What a name follows: what says so, after which whoever it is is one (`strong`); what mostly does, after which two words that
/// are nothing else are (`personal`); and what anything may follow (`vague`).
pub(super) static AFTER_WORDS: Pattern = Pattern::new(|| {
    let (first, rest) = (first(), rest());
    let title = r"(?:(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Sir|Madam|Rev|Capt|Lt|Sgt|Professor|Doctor)\.? )";
    let strong = format!(
        r"my (?:full |real |legal |first |last |maiden |married |middle )?name(?: is| was|'s|:)|i go by|goes by|go by the name(?: of)?|everyone calls me|people call me|you (?:may|can) call me|known as|maiden name(?: is| was)?|married name(?: is| was)?|named|\
         kind(?:est)? regards,?|warm(?:est)? regards,?|many thanks,?|best,|best wishes,?|all the best,?|yours,|yours (?:sincerely|faithfully|truly),?|love,|respectfully,?|cordially,?|signed by|signed off by|herr|frau|madame|monsieur|señora?|sra?\.?|name's|the name is|call me|(?:{ROLES})(?: is| was|'s|:| ?=|,| -)?|regards,?|sincerely,?|truly,?|faithfully,?|wishes,?|thanks,|thank you,|cheers,|signed,?"
    );
    let personal = format!(
        r"i am|i'm|im|this is|dear|met|meet|thanks to|told|tell|asked|ask|says|said|spoken (?:with|to)|chatting with|dealing with|speaking with|speaking to|spoke (?:to|with)|talked (?:to|with)|talking (?:to|with)|chatted with|helped by|served by|handled by|assisted by|treated by|contact|reach|address(?:ed)? (?:it |this |them )?to|made out to|issued (?:to|for)|registered (?:to|for|under)|under(?: the name)?(?: of)?|booked (?:under|for|by)|booking for|reservation for|appointment for|room for|ask(?: for)?|signed (?:for )?by|written by|sent by|posted by|accepted by|collected by|picked up by|taken by|paid by|ordered by|(?:left|leave)(?: it)? with|handed (?:it )?to|behalf of|someone called|somebody called|a certain|called|(?:should|must) (?:be|read|say)|instead of|changed? (?:it |the name |my name |the holder )?(?:from|to)|spel(?:t|led)(?: as)?|(?:my|our|his|her|their|your) {{0,2}}(?:{RELATIONS})(?: is| named| called|'s name is)?,?"
    );
    let vague = "it is|it's|its|hello|hi|hey|thank|thanks|and|see|by|via|cc|deliver(?:ed)? (?:it )?to|from|for|to|with";
    pattern(&format!(
        r"(?-u:\b)(?:(?P<strong>(?i:{strong}))|(?P<personal>(?i:{personal}))|(?P<vague>(?i:{vague})))(?:\s{{0,2}}[:=]\s{{0,2}}|\s{{1,2}}){title}?(?P<name>(?:{first}){rest}{{0,3}})"
    ))
});

/// What says after a name that it is one.
pub(super) const AFTER: [&str; 10] = [
    " here",
    " speaking",
    " writing",
    " again",
    " from ",
    " signed",
    " ordered",
    " (",
    " lives at",
    " is my name",
];
