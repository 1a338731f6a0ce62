//! Prohibited meanings, by vectors.

use cs_serve::safety::meaning::{Exemplar, ExemplarList, Meaning, MeaningError};
use cs_serve::safety::{Action, Severity};

fn exemplar(category: &str, vector: &[f32]) -> Exemplar {
    Exemplar {
        category: Some(category.into()),
        severity: Severity::DEFAULT,
        action: Action::Block,
        vector: vector.into(),
    }
}

/// Vectors at so many degrees.
fn at(degrees: impl IntoIterator<Item = u32>) -> Vec<Vec<f32>> {
    let vector = |degrees: u32| {
        let angle = f64::from(degrees).to_radians();
        vec![angle.cos() as f32 * 3.0, angle.sin() as f32 * 3.0]
    };
    degrees.into_iter().map(vector).collect()
}

#[test]
fn at_most_the_share_of_ordinary_texts_alarms_and_a_nearer_one_does() {
    // 100 ordinary texts at 1 to 100 degrees from what is prohibited: five of them may alarm.
    let ordinary = at(1..=100);
    let meaning = Meaning::fit(vec![exemplar("a", &[2.0, 0.0])], vec![], &ordinary, 0.05).unwrap();
    let alarms = |vector: &Vec<f32>| meaning.prohibited(vector).unwrap().is_some();
    assert_eq!(ordinary.iter().filter(|vector| alarms(vector)).count(), 5);
    assert!((meaning.threshold() - 6f32.to_radians().cos()).abs() < 1e-5);
    assert!(alarms(&at([0])[0]) && !alarms(&at([7])[0]));
}

#[test]
fn what_is_nearer_to_what_is_fine_is_fine() {
    let (bad, fine) = (exemplar("a", &at([0])[0]), at([20]));
    let meaning = Meaning::fit(
        vec![bad, exemplar("b", &at([90])[0])],
        fine,
        &at(160..180),
        0.05,
    )
    .unwrap();
    let category = |degrees| {
        meaning
            .prohibited(&at([degrees])[0])
            .unwrap()
            .map(|like| like.category.unwrap().to_owned())
    };
    assert_eq!(
        [category(9), category(11), category(89)],
        [Some("a".to_owned()), None, Some("b".to_owned())]
    );
}

#[test]
fn the_strictest_of_several_near_ones_counts() {
    let with = |action, degrees| Exemplar {
        action,
        ..exemplar("a", &at([degrees])[0])
    };
    let all = vec![
        with(Action::Pass, 0),
        with(Action::Block, 4),
        with(Action::Review, 1),
    ];
    let meaning = Meaning::fit(all, at([20]), &at(160..180), 0.05).unwrap();
    let action = |degrees| {
        let like = meaning.prohibited(&at([degrees])[0]).unwrap();
        like.map(|like| like.action)
    };
    assert_eq!(action(0), Some(Action::Block));
    // Nearer to what is fine than the one that blocks is to it.
    assert_eq!(action(14), None);
}

#[test]
fn what_has_little_in_common_with_anything_prohibited_is_fine_however_few_alarms_there_were() {
    let all = vec![exemplar("a", &at([0])[0])];
    let meaning = Meaning::fit(all, at([180]), &at(170..190), 0.05).unwrap();
    assert!((meaning.threshold() - 0.5).abs() < 1e-6);
    let is_like = |degrees| meaning.prohibited(&at([degrees])[0]).unwrap().is_some();
    assert!(is_like(55) && !is_like(65));
}

#[test]
fn what_cannot_be_fitted_is_refused() {
    let one = || vec![exemplar("a", &[1.0, 0.0])];
    let ordinary = at(1..=10);
    let fit = |prohibited, ordinary: &[Vec<f32>], share| {
        Meaning::fit(prohibited, vec![], ordinary, share).unwrap_err()
    };
    assert_eq!(fit(vec![], &ordinary, 0.1), MeaningError::Empty);
    assert_eq!(
        fit(one(), &ordinary, 0.05),
        MeaningError::Few {
            found: 10,
            needed: 20
        }
    );
    assert!(matches!(
        fit(one(), &ordinary, f64::NAN),
        MeaningError::MaxAlarms { .. }
    ));
    let meaning = Meaning::fit(one(), vec![], &ordinary, 0.1).unwrap();
    for vector in [
        vec![1.0],
        vec![0.0, 0.0],
        vec![f32::NAN, 1.0],
        vec![f32::INFINITY, 1.0],
    ] {
        assert!(matches!(
            meaning.prohibited(&vector),
            Err(MeaningError::Vector { expected: 2, .. })
        ));
    }
}

#[test]
fn a_list_has_prohibited_texts_and_fine_ones() {
    let lines = "\u{feff}# text, category, severity, action\nI know where you live\tthreat\t3\tblock\n\n\
                 我知道你住哪儿\t\t\treview\nHe knows where I live\t\t\tallow\r\n";
    let list = ExemplarList::read(lines.as_bytes(), "e.tsv".as_ref()).unwrap();
    let told = |at: usize| {
        let text = &list.prohibited[at];
        (text.category.as_deref(), text.severity.get(), text.action)
    };
    assert_eq!(list.prohibited[1].text, "我知道你住哪儿");
    assert_eq!(
        [told(0), told(1)],
        [
            (Some("threat"), 3, Action::Block),
            (None, 1, Action::Review)
        ]
    );
    assert_eq!(list.fine, ["He knows where I live"]);
}

#[test]
fn a_list_that_is_none_is_refused_with_its_place() {
    let long = "x".repeat(2_001);
    for (lines, expected) in [
        (
            "a\tb\t1\tmask",
            "e.tsv:1:1: the action \"mask\", expected pass, review, block or allow",
        ),
        (
            "a\n\tthreat",
            "e.tsv:2:1: no text, expected a text of 1 to 2,000 characters",
        ),
        (
            "a\tb\t0",
            "e.tsv:1:5: the severity \"0\", expected 1 to 10, or low, medium or high for 1, 2 or 3",
        ),
        (
            long.as_str(),
            "e.tsv:1:1: a text of 2001 characters, expected a text of 1 to 2,000 characters",
        ),
    ] {
        let error = ExemplarList::read(lines.as_bytes(), "e.tsv".as_ref()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}
