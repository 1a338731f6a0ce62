//! Which model answers a turn.

use cs_serve::Understanding;
use cs_serve::route::{Cascade, Choice, DialogueState, Policy, Route, Router, Turn};

use super::{Scripted, answer, ask};

#[test]
fn the_full_model_is_asked_only_when_it_is_needed() {
    let cascade = Cascade::new(Policy::default());
    for (confidence, route, of_full) in [(0.95, Route::Light, 0), (0.5, Route::Full, 1)] {
        let light = Scripted::new("light", confidence);
        let full = Scripted::new("full", 0.1);
        let asked = ask(&cascade, (&light, &full), &Turn::alone("order"));
        assert_eq!(asked, Ok(route));
        assert_eq!((light.calls(), full.calls()), ((1, 1), (of_full, of_full)));
    }
    let counts = cascade.counts();
    assert_eq!((counts.light, counts.full), (1, 1));
}

#[test]
fn an_idle_full_model_reads_beside_the_light_one_and_is_cancelled() {
    for (confidence, is_idle, route, full_calls) in [
        (0.95, true, Route::Light, (1, 0)),
        (0.5, true, Route::Full, (1, 1)),
        (0.95, false, Route::Light, (0, 0)),
    ] {
        let cascade = Cascade::new(Policy::default()).in_parallel();
        let light = Scripted::new("light", confidence);
        let full = Scripted {
            is_idle,
            pauses: 3,
            ..Scripted::new("full", 0.1)
        };
        let asked = ask(&cascade, (&light, &full), &Turn::alone("order"));
        assert_eq!((asked, full.calls()), (Ok(route), full_calls));
    }
}

#[test]
fn a_model_that_fails_fails_the_turn() {
    let cascade = Cascade::new(Policy::default());
    let (light, full) = (Scripted::new("light", 0.9), Scripted::new("full", 0.9));
    let asked = ask(&cascade, (&light, &full), &Turn::alone("broken"));
    assert_eq!(asked, Err("light"));
    assert_eq!(full.calls(), (0, 0));
    assert_eq!(cascade.counts().light, 0);
}

/// A dialogue that has one slot.
struct Dialogue {
    city: Option<&'static str>,
    is_critical: bool,
}

impl DialogueState for Dialogue {
    fn slot(&self, label: &str) -> Option<&str> {
        self.city.filter(|_| label == "city")
    }

    fn is_critical(&self) -> bool {
        self.is_critical
    }
}

#[test]
fn what_the_light_model_may_have_misread_is_the_full_models() {
    let policy = Policy {
        max_chars: 5,
        ..Policy::default()
    };
    let after = |text, light: &Understanding| policy.after(&Turn::alone(text), light);
    let sure = |entities| answer("a", 0.95, entities);
    let nothing = Understanding::default();
    let cut = Understanding {
        truncated: true,
        ..sure(&[])
    };
    let (once, twice) = ([("city", "Rome")], [("city", "Rome"), ("city", "Oslo")]);
    let again = [("city", "Rome"), ("city", "ROME"), ("date", "Oslo")];
    for (text, light, choice) in [
        ("order", sure(&[]), Choice::Light),
        ("order", answer("a", 0.89, &[]), Choice::Full),
        ("order", answer("a", f32::NAN, &[]), Choice::Full),
        ("order", cut, Choice::Full),
        ("order", sure(&once), Choice::Light),
        ("order", sure(&twice), Choice::Full),
        ("order", sure(&again), Choice::Light),
        // There is something to read, and the light model could not.
        ("ひ", nothing.clone(), Choice::Full),
        (" \u{200b}?", nothing, Choice::Light),
    ] {
        assert_eq!(after(text, &light), choice, "{text} {light:?}");
    }
    assert_eq!(policy.before(&Turn::alone("我要退款。")), Choice::Light);
    assert_eq!(policy.before(&Turn::alone("我要退款。。")), Choice::Full);
    let lenient = Policy {
        entity_conflicts: false,
        ..policy
    };
    let turn = Turn::alone("order");
    assert_eq!(lenient.after(&turn, &sure(&twice)), Choice::Light);
}

#[test]
fn the_dialogue_decides_too() {
    let policy = Policy::default();
    for (city, is_critical, before, after) in [
        (None, true, Choice::Full, Choice::Light),
        (None, false, Choice::Light, Choice::Light),
        (Some("rome"), false, Choice::Light, Choice::Light),
        (Some("Oslo"), false, Choice::Light, Choice::Full),
    ] {
        let dialogue = Dialogue { city, is_critical };
        let turn = Turn {
            text: "to Rome",
            dialogue: Some(&dialogue),
        };
        let light = answer("a", 0.95, &[("city", "Rome")]);
        assert_eq!(
            (policy.before(&turn), policy.after(&turn, &light)),
            (before, after)
        );
    }
}

#[test]
fn what_is_hardly_an_entity_conflicts_with_no_other() {
    let mut light = answer("light", 0.95, &[("city", "Rome"), ("city", "me")]);
    let turn = Turn::alone("to Rome");
    let policy = Policy::default();
    assert_eq!(policy.after(&turn, &light), Choice::Full);
    light.entities[1].confidence = 0.49;
    assert_eq!(policy.after(&turn, &light), Choice::Light);
    // What the dialogue holds is not overruled by a guess.
    let dialogue = Dialogue {
        city: Some("Rome"),
        is_critical: false,
    };
    let within = Turn {
        dialogue: Some(&dialogue),
        ..turn
    };
    assert_eq!(policy.after(&within, &light), Choice::Full);
}
