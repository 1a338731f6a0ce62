//! Prohibited meanings, by vectors.

use cs_serve::safety::meaning::{Exemplar, Meaning, MeaningError};

fn exemplar(category: &str, vector: &[f32]) -> Exemplar {
    Exemplar {
        category: category.into(),
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
    let (bad, fine) = (exemplar("a", &at([0])[0]), exemplar("", &at([20])[0]));
    let meaning = Meaning::fit(
        vec![bad, exemplar("b", &at([90])[0])],
        vec![fine],
        &at(160..180),
        0.05,
    )
    .unwrap();
    let category = |degrees| {
        meaning
            .prohibited(&at([degrees])[0])
            .unwrap()
            .map(|like| like.category)
    };
    assert_eq!(
        [category(9), category(11), category(89)],
        [Some("a"), None, Some("b")]
    );
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
