//! What quantising each layer alone costs.

use cs_model::names::{ALL_HEADS, BERT, Role, product};
use cs_quant::{Error, NativeModel, Probe, QuantConfig, sensitivity};

use crate::common::{bundle, figures, texts};

#[test]
fn each_layer_is_reported_once_and_the_worst_comes_first() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = bundle(dir.path());
    let texts = texts();
    let mut models = 0;
    let mut metric = |_: &NativeModel| {
        models += 1;
        Ok::<_, Error>(figures(f64::from(models)))
    };
    let mut probe = Probe {
        texts: &texts,
        metric: Some(&mut metric),
    };
    let found = sensitivity(&bundle, &QuantConfig::default(), &mut probe).unwrap();
    // Words and positions, and two blocks of four.
    assert_eq!(found.len(), 2 + 2 * 4);
    assert!(found.is_sorted_by(|a, b| a.cosine <= b.cosine));
    assert!(
        found
            .iter()
            .all(|layer| layer.least_cosine <= layer.cosine && layer.cosine < 1.0)
    );
    assert!(
        found
            .iter()
            .all(|layer| layer.drops.len() == 3 && layer.worst_drop().unwrap().1 < 0.0)
    );
    assert_eq!(models, 1 + found.len() as i32);
    let names: std::collections::BTreeSet<_> = found.iter().map(|layer| &layer.layer[..]).collect();
    let query = BERT.layer(1).weight(Role::Query);
    assert!(names.contains(&*product(&query)) && names.len() == found.len());
    // What is kept is not quantised: nothing is left to report.
    let keep_fp32 = names.into_iter().map(str::to_owned).collect();
    let kept = QuantConfig {
        keep_fp32,
        ..QuantConfig::default()
    };
    let left = sensitivity(
        &bundle,
        &kept,
        &mut Probe::<Error> {
            texts: &texts,
            metric: None,
        },
    );
    assert!(
        left.unwrap()
            .iter()
            .all(|layer| layer.layer.starts_with(ALL_HEADS))
    );
}
