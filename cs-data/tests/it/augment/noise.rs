//! Characters put in, left out and swapped.

use cs_data::augment::*;

use super::edited;

#[test]
fn noise_puts_in_a_tenth_and_empties_nothing() {
    let text = "我想知道这个东西什么时候可以送到我家里来".repeat(500);
    let noise = Noise::new(NoiseConfig::default())
        .unwrap()
        .with_fillers(["□嗯"])
        .unwrap();
    let inserted = edited(&noise, &text).matches('□').count() as f64 / (20.0 * 500.0);
    assert!((0.09..0.11).contains(&inserted), "{inserted}"); // 3.3 standard errors
    let all = NoiseConfig {
        insert: 0.0,
        delete: 1.0,
        ..NoiseConfig::default()
    };
    assert_eq!(edited(&Noise::new(all).unwrap(), "退 款!"), "款!");
    assert_eq!(
        edited(
            &Noise::new(NoiseConfig {
                insert: 0.0,
                swap: 1.0,
                ..NoiseConfig::default()
            })
            .unwrap(),
            "my order, 不见"
        ),
        "order my, 见不"
    );
    assert!(
        Noise::new(NoiseConfig {
            delete: 0.6,
            swap: 0.6,
            ..NoiseConfig::default()
        })
        .is_err()
    );
    assert!(
        Noise::new(NoiseConfig {
            insert: f64::NAN,
            ..NoiseConfig::default()
        })
        .is_err()
    );
    assert!(
        Noise::new(NoiseConfig::default())
            .unwrap()
            .with_fillers([])
            .is_err()
    );
}
