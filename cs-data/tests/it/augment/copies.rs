//! Where copies come from, and what they are called.

use cs_data::augment::*;
use cs_data::*;

use super::{corpus, noisy};

#[test]
fn copies_have_provenance_and_ids_of_their_own() {
    let mut rows: Vec<Utterance> = corpus(3).iter().collect();
    rows[0].id = "1~1".into(); // the id that row 1's first copy would get
    rows[2].id = "1".into(); // the same as row 1's
    rows[2].origin = "typos".into();
    rows[2].reply = Some("好的".into());
    let data = Dataset::from_utterances(rows).unwrap();
    let config = PipelineConfig {
        copies: 2,
        keep_original: true,
        seed: 1,
        ..PipelineConfig::default()
    };
    let (augmented, report) = noisy(config).run(&data).unwrap();
    let all: Vec<Utterance> = augmented.iter().collect();
    let ids: Vec<&str> = all.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "1~1", "1", "1", "1~1~1", "1~1~2", "1~2", "1~3", "1~4", "1~5"
        ]
    );
    assert_eq!(all[8].parent.as_deref(), Some("1"));
    assert!(all[8].origin.starts_with("typos+"), "{}", all[8].origin);
    assert_eq!(
        (all[8].reply.as_deref(), all[8].intent.as_deref()),
        (Some("好的"), Some("status"))
    );
    assert_eq!((report.rows_in, report.rows_out), (3, 9));
    assert_eq!(report.by_origin.values().sum::<usize>(), 9);
    assert_eq!(report.by_origin["source"], 2);
}
