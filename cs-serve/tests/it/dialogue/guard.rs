//! What comes of words and meanings that may not be said, both ways.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use cs_serve::dialogue::{
    Cause, Chat, ChatConfig, Direction, Event, Filtered, Flagged, Flows, Guard, MemorySessions,
    SessionsConfig, Told, Turn,
};
use cs_serve::reply::retrieval::Embedder;
use cs_serve::reply::{Asked, Evidence, Reply, Sink, Source};
use cs_serve::safety::meaning::{Exemplar, Meaning};
use cs_serve::safety::words::{CurrentFilter, Filter, FilterConfig, Trick, WordList};
use cs_serve::safety::{Action, Severity};
use cs_serve::{BackendError, Understanding};
use proptest::prelude::*;

use super::{SHOP, Service, understood};

const WORDS: &str = "rascal\tinsult\t2\tmask\n大坏蛋\tinsult\t3\tblock\nlousy shop\tblame\t1\treview\nfree money\tpromise\t3\tblock\n";

fn words(lines: &'static str) -> Arc<CurrentFilter> {
    let read = move || {
        let mut words = WordList::new();
        words.add(lines.as_bytes(), "words.tsv".as_ref())?;
        Ok(Filter::new(words, FilterConfig::default()))
    };
    Arc::new(CurrentFilter::open(read).unwrap())
}

/// What was asked of who answers: the texts, and what came before.
type Heard = Arc<Mutex<Vec<(String, Vec<String>)>>>;

/// A shop whose answers say backwards what they were asked after "say", in pieces of so many characters.
fn shop(guard: Guard, piece: usize, heard: &Heard) -> Chat {
    let heard = Arc::clone(heard);
    let answers = move |asked: &Asked<'_>, sink: &mut Sink<'_>| {
        let before = asked.history.iter().map(|it| it.customer.clone()).collect();
        heard.lock().unwrap().push((asked.text.to_owned(), before));
        let Some(text) = asked.text.strip_prefix("say") else {
            return Ok(None);
        };
        let text = backwards(text.trim());
        let chars: Vec<char> = text.chars().collect();
        for piece in chars.chunks(piece) {
            if sink(&piece.iter().collect::<String>()).is_break() {
                return Ok(None);
            }
        }
        Ok(Some(Reply {
            text,
            source: Source::Generated,
            evidence: Vec::new(),
            checked: None,
        }))
    };
    let flows = Flows::parse(SHOP).unwrap();
    let sessions = MemorySessions::new(&SessionsConfig::default()).unwrap();
    let chat = Chat::new(
        flows,
        Box::new(answers),
        Box::new(sessions),
        ChatConfig::default(),
    );
    let chat = chat.unwrap().with_actions(Box::new(Service::default()));
    chat.with_guard(guard)
}

fn backwards(text: &str) -> String {
    text.chars().rev().collect()
}

/// Has a text said, of which nothing is known beforehand.
fn have_said(chat: &Chat, text: &str) -> (Told, String) {
    say(chat, &format!("say {}", backwards(text)), "")
}

/// What a customer is told, and what came of it piece by piece.
fn say(chat: &Chat, text: &str, script: &str) -> (Told, String) {
    let understanding = understood(text, script);
    say_understood(chat, text, &understanding)
}

fn say_understood(chat: &Chat, text: &str, understanding: &Understanding) -> (Told, String) {
    let turn = Turn {
        session: "s1",
        turn: None,
        text,
        understanding,
        parts: &[],
    };
    let mut given = String::new();
    let told = chat
        .turn(&turn, &mut |_| (), &mut |piece| {
            given.push_str(piece);
            ControlFlow::Continue(())
        })
        .unwrap();
    (told, given)
}

fn guard() -> Guard {
    Guard::default().with_words(words(WORDS))
}

fn of_words() -> (Chat, Heard) {
    let heard = Heard::default();
    (shop(guard(), 3, &heard), heard)
}

fn filtered(input: Action, reply: Action) -> Option<Filtered> {
    Some(Filtered { input, reply })
}

fn flagged(chat: &Chat) -> Vec<Flagged> {
    let events = chat.events("s1").unwrap();
    let flagged = events.into_iter().filter_map(|event| match event {
        Event::Flagged(flagged) => Some(flagged),
        _ => None,
    });
    flagged.collect()
}

#[test]
fn what_is_blocked_is_not_heard_and_what_was_asked_stays_asked() {
    let (chat, heard) = of_words();
    say(&chat, "我要退款", "refund_request");
    let (told, given) = say(&chat, "大 坏 蛋，A12345", "");
    assert_eq!(
        told.reply.text,
        "抱歉，您的消息含有不当内容，无法处理，请换个说法。\n请问订单号是多少？"
    );
    assert_eq!(given, told.reply.text);
    assert_eq!(told.filtered, filtered(Action::Block, Action::Pass));
    assert_eq!((told.turn, told.state.slots.len()), (2, 0));
    let cause = Cause {
        category: Some("insult".into()),
        trick: Some(Trick::Spaces),
    };
    assert_eq!(
        flagged(&chat),
        [Flagged {
            direction: Direction::Input,
            action: Action::Block,
            causes: vec![cause],
        }]
    );
    let (told, _) = say(&chat, "A12345", "");
    assert_eq!(told.state.slots["order_id"], "A12345");
    assert_eq!(told.filtered, filtered(Action::Pass, Action::Pass));
    // Nobody hears of it later, and it is kept covered.
    say(&chat, "broken", "");
    say(&chat, "运费是多少", "");
    let heard = heard.lock().unwrap().clone();
    assert!(
        !heard
            .iter()
            .any(|(_, before)| before.iter().any(|it| it.contains('*')))
    );
    let events = serde_json::to_string(&chat.events("s1").unwrap()).unwrap();
    assert!(
        !events.contains("坏 蛋") && events.contains("*****，A12345"),
        "{events}"
    );
}

#[test]
fn what_is_masked_goes_on_covered_and_what_is_reviewed_as_it_is() {
    let (chat, heard) = of_words();
    let (told, _) = say(&chat, "you ras-cal of a lousy shop", "");
    assert_eq!(heard.lock().unwrap()[0].0, "you ******* of a lousy shop");
    assert_eq!(told.filtered, filtered(Action::Mask, Action::Pass));
    assert_eq!(flagged(&chat)[0].causes.len(), 2);
    let (told, given) = have_said(&chat, "a lousy shop");
    assert_eq!(
        told.reply.source,
        Source::Handover,
        "nobody answered the first turn"
    );
    assert_eq!(given, told.reply.text);
}

#[test]
fn values_of_slots_are_covered_too() {
    let (chat, _) = of_words();
    say(&chat, "I want a refund", "refund_request");
    say(&chat, "A12345", "");
    say(&chat, "other", "");
    let (told, _) = say(&chat, "the rascal broke it", "");
    assert_eq!(told.state.slots["note"], "the ****** broke it");
}

#[test]
fn a_reply_with_words_is_said_covered_or_a_person_goes_on() {
    let (chat, _) = of_words();
    let (told, given) = have_said(&chat, "no rascal here");
    assert_eq!(
        (told.reply.text.as_str(), given.as_str()),
        ("no ****** here", "no ****** here")
    );
    assert_eq!(told.filtered, filtered(Action::Pass, Action::Mask));

    let (told, given) = have_said(&chat, "there is free money for you");
    assert_eq!(given, "there is ");
    assert_eq!(
        told.reply.text,
        "I am passing you on to a colleague. One moment, please."
    );
    assert_eq!(
        (told.reply.source, told.reply.evidence[0].id.as_str()),
        (Source::Handover, "withheld")
    );
    assert_eq!(told.filtered, filtered(Action::Pass, Action::Block));
    let events = serde_json::to_string(&chat.events("s1").unwrap()).unwrap();
    assert!(!events.contains("free money"), "{events}");
    // Said once more, it is told once more.
    let (again, _) = say(&chat, "hello", "");
    assert_eq!(again.reply.source, Source::Handover);
}

#[test]
fn a_turn_that_is_sent_again_tells_what_was_done_with_it() {
    let (chat, _) = of_words();
    let understanding = Understanding::default();
    let turn = Turn {
        session: "s1",
        turn: Some(1),
        text: "you rascal",
        understanding: &understanding,
        parts: &[],
    };
    let tell = || {
        chat.turn(&turn, &mut |_| (), &mut |_| ControlFlow::Continue(()))
            .unwrap()
    };
    let (first, again) = (tell(), tell());
    assert_eq!(first.filtered, filtered(Action::Mask, Action::Pass));
    assert_eq!(
        (again.turn, again.filtered, again.reply),
        (1, first.filtered, first.reply)
    );
}

#[test]
fn a_turn_is_known_again_whatever_the_words_are_by_then() {
    let current = Arc::new(Mutex::new("rascal\tinsult\t2\tmask\n"));
    let read = {
        let current = Arc::clone(&current);
        move || {
            let mut words = WordList::new();
            words.add(current.lock().unwrap().as_bytes(), "words.tsv".as_ref())?;
            Ok(Filter::new(words, FilterConfig::default()))
        }
    };
    let filter = Arc::new(CurrentFilter::open(read).unwrap());
    let guard = Guard::default().with_words(Arc::clone(&filter));
    let chat = shop(guard, 3, &Heard::default());
    let understanding = Understanding::default();
    let send = |number, text| {
        let turn = Turn {
            session: "s1",
            turn: Some(number),
            text,
            understanding: &understanding,
            parts: &[],
        };
        chat.turn(&turn, &mut |_| (), &mut |_| ControlFlow::Continue(()))
    };
    let covered = send(1, "you rascal").unwrap();
    let open = send(2, "you blackguard").unwrap();
    *current.lock().unwrap() = "blackguard\tinsult\t2\tmask\n";
    filter.reload().unwrap();
    let again = send(2, "you blackguard").unwrap();
    assert!(again.is_repeated && again.reply == open.reply);
    assert!(send(2, "you whiteguard").is_err());
    let third = send(3, "you blackguard").unwrap();
    assert_eq!(third.text, "you **********");
    assert!(send(3, "you greengrocs").is_err() && send(3, "you blackguard").unwrap().is_repeated);
    assert_ne!(covered.text, "you rascal");
}

#[test]
fn evidence_does_not_spell_out_what_is_covered() {
    let flows = r#"
version: 1
flows:
  f: { starts: { intent: i }, slots: { x: { ask: "x?" } }, steps: [{ collect: [x] }] }
"#;
    let answers = |_: &Asked<'_>, _: &mut Sink<'_>| {
        Ok(Some(Reply {
            text: "He is a rascal.".into(),
            source: Source::Faq,
            evidence: vec![Evidence {
                source: Source::Faq,
                id: "1".into(),
                text: "Is he a rascal?".into(),
            }],
            checked: None,
        }))
    };
    let sessions = MemorySessions::new(&SessionsConfig::default()).unwrap();
    let flows = Flows::parse(flows).unwrap();
    let config = ChatConfig::default();
    let chat = Chat::new(flows, Box::new(answers), Box::new(sessions), config).unwrap();
    let (told, _) = say(&chat.with_guard(guard()), "who is he?", "");
    assert_eq!(told.reply.text, "He is a ******.");
    assert_eq!(told.reply.evidence[0].text, "Is he a ******?");
}

#[test]
fn a_flow_does_not_repeat_what_a_customer_may_not_have_said() {
    let lines = "blackguard\tinsult\t3\tblock\n";
    let heard = Heard::default();
    // The list is read anew between the turns: what was heard before is not said now.
    let current = Arc::new(Mutex::new("# nothing yet\nx-x-x\n"));
    let read = {
        let current = Arc::clone(&current);
        move || {
            let mut words = WordList::new();
            words.add(current.lock().unwrap().as_bytes(), "words.tsv".as_ref())?;
            Ok(Filter::new(words, FilterConfig::default()))
        }
    };
    let filter = Arc::new(CurrentFilter::open(read).unwrap());
    let chat = shop(Guard::default().with_words(Arc::clone(&filter)), 3, &heard);
    say(&chat, "I want a refund", "refund_request");
    say(&chat, "A12345", "");
    say(&chat, "other", "");
    *current.lock().unwrap() = "refund order\tpromise\t3\tblock\n";
    filter.reload().unwrap();
    let (told, _) = say(&chat, "no", "");
    assert_eq!(told.reply.source, Source::Handover);
    assert_eq!(told.filtered, filtered(Action::Pass, Action::Block));
    *current.lock().unwrap() = lines;
    filter.reload().unwrap();
}

/// Makes vectors of texts by what they begin with.
struct ByBeginning;

impl Embedder for ByBeginning {
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, BackendError> {
        let vector = |text: &&str| match *text {
            text if text.contains("out of order") => Err("out of order".into()),
            text if text.starts_with("threat") => Ok(vec![1.0, 0.0]),
            text if text.starts_with("hint") => Ok(vec![0.0, -1.0]),
            _ => Ok(vec![0.1, 1.0]),
        };
        texts.iter().map(vector).collect()
    }

    fn version(&self) -> &str {
        "by beginning"
    }
}

fn meaning() -> Meaning {
    let exemplar = |vector: [f32; 2], action| Exemplar {
        category: Some("threat".into()),
        severity: Severity::DEFAULT,
        action,
        vector: vector.into(),
    };
    let prohibited = vec![
        exemplar([1.0, 0.0], Action::Block),
        exemplar([0.0, -1.0], Action::Review),
    ];
    Meaning::fit(prohibited, vec![], &vec![vec![0.2, 1.0]; 200], 0.01).unwrap()
}

#[test]
fn prohibited_meanings_are_neither_heard_nor_written_by_a_model() {
    let heard = Heard::default();
    let chat = shop(
        Guard::default().with_meaning(meaning(), Arc::new(ByBeginning)),
        3,
        &heard,
    );
    let (told, _) = say(&chat, "threat of mine", "");
    assert_eq!(told.filtered, filtered(Action::Block, Action::Pass));
    assert!(heard.lock().unwrap().is_empty());
    let events = serde_json::to_string(&chat.events("s1").unwrap()).unwrap();
    assert!(
        events.contains("****** ** ****") && !events.contains("threat of"),
        "{events}"
    );
    assert_eq!(flagged(&chat)[0].causes[0].trick, None);

    let (told, given) = have_said(&chat, "hello there");
    assert_eq!(
        (told.reply.text.as_str(), given.as_str()),
        ("hello there", "hello there")
    );
    let (told, _) = say(&chat, "hint hint", "");
    assert_eq!(told.filtered, filtered(Action::Review, Action::Pass));
}

#[test]
fn a_prohibited_meaning_is_not_begun_to_be_said() {
    let heard = Heard::default();
    let chat = shop(
        Guard::default().with_meaning(meaning(), Arc::new(ByBeginning)),
        3,
        &heard,
    );
    let (told, given) = have_said(&chat, "threat of mine");
    assert_eq!(told.reply.source, Source::Handover);
    assert_eq!(given, told.reply.text);
    assert_eq!(told.filtered, filtered(Action::Pass, Action::Block));
}

#[test]
fn what_cannot_be_held_against_meanings_is_neither_heard_nor_said() {
    let heard = Heard::default();
    let chat = shop(
        Guard::default().with_meaning(meaning(), Arc::new(ByBeginning)),
        3,
        &heard,
    );
    let understanding = Understanding::default();
    let turn = Turn {
        session: "s1",
        turn: None,
        text: "out of order",
        understanding: &understanding,
        parts: &[],
    };
    let refused = chat
        .turn(&turn, &mut |_| (), &mut |_| ControlFlow::Continue(()))
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "what texts are held against: out of order"
    );
    assert!(chat.events("s1").is_err());

    let (told, given) = have_said(&chat, "out of order");
    assert_eq!(
        (told.reply.source, told.failures.len()),
        (Source::Handover, 1)
    );
    assert_eq!(given, told.reply.text);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn no_split_of_a_reply_lets_a_word_out(
        parts in prop::collection::vec(
            prop::sample::select(vec!["ras", "cal", " ", "-", "free", " money", "大", "坏", "蛋", "好的", "x", "R"]),
            1..14,
        ),
        piece in 1usize..6,
    ) {
        let chat = shop(guard(), piece, &Heard::default());
        let (told, given) = have_said(&chat, &parts.concat());
        let filter = words(WORDS).get();
        for text in [&given, &told.reply.text] {
            prop_assert!(filter.filter(text).action < Action::Mask, "{text}");
        }
        if told.reply.source == Source::Generated {
            prop_assert_eq!(given, told.reply.text);
        }
    }
}
