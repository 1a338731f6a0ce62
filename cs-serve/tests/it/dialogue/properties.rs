//! What holds of every conversation, whatever is said.

use std::sync::LazyLock;

use cs_serve::Understanding;
use cs_serve::dialogue::{Decision, Event, Flows, Input, Next, Outcome, Said, State, decide};
use cs_serve::reply::{Reply, Source, Values};
use proptest::prelude::*;

use super::{SHOP, understood};

static SHOP_FLOWS: LazyLock<Flows> = LazyLock::new(|| Flows::parse(SHOP).unwrap());

/// A turn: a text, what the model makes of it, whether the service answers, and whether actions succeed.
type Turn = (String, String, bool, bool);

pub(super) fn text() -> impl Strategy<Value = String> {
    let known = [
        "我要退款",
        "A12345",
        "12345",
        "坏了",
        "对",
        "不对",
        "不是A12345，是B54321",
        "算了",
        "撤销",
        "没有",
        "yes",
        "no, A99999",
        "A12345 and A99999",
        "never mind",
        "go back",
        "转人工",
        "{{order_id}}",
        "",
        "🙂",
        "取消",
        "尺码不对",
        "不是坏了",
        "go back please",
        "other",
    ];
    prop_oneof![
        4 => prop::sample::select(known.to_vec()).prop_map(str::to_owned),
        1 => ".{0,40}",
        1 => "[不是，A-C0-9对错 ]{0,30}",
    ]
}

pub(super) fn script() -> impl Strategy<Value = String> {
    let scripts = [
        "",
        "",
        "refund_request",
        "order_status",
        "cancel_order@0.6",
        "human_agent",
        "thanks@0.2",
        "x ~0.05",
    ];
    prop::sample::select(scripts.to_vec()).prop_map(str::to_owned)
}

fn turn() -> impl Strategy<Value = Turn> {
    (text(), script(), any::<bool>(), any::<bool>())
}

fn answer() -> Reply {
    Reply {
        text: "答".into(),
        source: Source::Faq,
        evidence: Vec::new(),
        checked: None,
    }
}

/// What comes of a turn, with all that is done for it.
fn take(flows: &Flows, state: &State, turn: &Turn) -> Decision {
    let (text, script, is_answered, succeeds) = turn;
    let understanding = understood(text, script);
    let parts: Vec<Understanding> = match text.len() % 3 {
        0 => ["order_status", "cancel_order", "refund_request"]
            .map(|intent| understood("A12345, A99999", intent))
            .into(),
        _ => Vec::new(),
    };
    let said = Said {
        text,
        understanding: &understanding,
        parts: &parts,
    };
    let mut decision = decide(flows, state, &Input::Turn(said), 7);
    let mut events = std::mem::take(&mut decision.events);
    for _ in 0..100 {
        let input = match decision.next {
            Next::Reply => break,
            Next::Recall => Input::Recalled {
                said,
                reply: (*is_answered && text.len() % 2 == 0).then(answer),
            },
            Next::Answer => Input::Answer(is_answered.then(answer)),
            Next::Call(_) if *succeeds => {
                let values = [("id", "R7"), ("status", "ok")];
                let values = values.map(|(key, value)| (key.to_owned(), value.to_owned()));
                Input::Outcome(Outcome::Done(Values::from(values)))
            }
            Next::Call(_) if text.len() % 2 == 0 => Input::Outcome(Outcome::Refused),
            Next::Call(_) => Input::Outcome(Outcome::Unknown),
        };
        decision = decide(flows, &decision.state, &input, 7);
        events.append(&mut decision.events);
    }
    assert_eq!(decision.next, Next::Reply, "a turn comes to its end");
    Decision { events, ..decision }
}

/// The part of a state that a customer can take back.
fn form(state: &State) -> (Option<String>, Values) {
    (state.flow().map(str::to_owned), state.slots().clone())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn the_state_follows_from_the_events(turns in prop::collection::vec(turn(), 1..12)) {
        let mut state = State::default();
        let mut events: Vec<Event> = Vec::new();
        for (number, said) in turns.iter().enumerate() {
            let before = state.clone();
            let decision = take(&SHOP_FLOWS, &state, said);
            prop_assert_eq!(&decision, &take(&SHOP_FLOWS, &before, said));
            events.extend(decision.events);
            state = decision.state;
            prop_assert_eq!(state.turn() as usize, number + 1);
            prop_assert!(matches!(events.last(), Some(Event::Answered)));
            let replies = events.iter().filter(|event| matches!(event, Event::Said(_))).count();
            prop_assert!(replies > number);
        }
        prop_assert_eq!(&State::replay(&events), &state);
        // So it does from what is stored of them.
        let json = serde_json::to_string(&events).unwrap();
        let stored: Vec<Event> = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(State::replay(&stored), state);
    }

    #[test]
    fn undo_gives_the_state_before_the_turn(turns in prop::collection::vec(turn(), 1..8)) {
        let mut state = State::default();
        for said in &turns {
            let decision = take(&SHOP_FLOWS, &state, said);
            let is_final = |event: &Event| matches!(event, Event::Undone | Event::Committed);
            let before = std::mem::replace(&mut state, decision.state);
            let is_changed = form(&state) != form(&before);
            if is_changed && state.handed_over().is_none() && !decision.events.iter().any(is_final) {
                let back = ("撤销".to_owned(), String::new(), false, false);
                let undone = take(&SHOP_FLOWS, &state, &back);
                prop_assert_eq!(form(&undone.state), form(&before));
            }
        }
    }

    #[test]
    fn any_file_is_read_or_refused(text in "(version: 1\n)?(flows:\n)?[ a-z:{}\\[\\],'\"|>&*!#%@\n-]{0,200}") {
        match Flows::parse(&text) {
            Ok(_) => {}
            Err(problems) => prop_assert!(!problems.is_empty() && problems.iter().all(|it| it.line > 0 && it.column > 0)),
        }
    }
}
