//! Dropout. It draws from libtorch's global generator, so this file has one test only.
#![cfg(feature = "torch")]
#![allow(
    clippy::unwrap_used,
    reason = "a failed test may panic, in its helpers too"
)]

use cs_data::TokenBatch;
use cs_model::{BertConfig, BiLstmConfig, Device, EncoderConfig, Mode, Model, Tasks};

#[test]
fn dropout_is_on_in_training_only_and_repeats_with_the_seed() {
    let transformer = BertConfig {
        vocab_size: 20,
        hidden_size: 16,
        num_hidden_layers: 1,
        num_attention_heads: 2,
        intermediate_size: 16,
        ..BertConfig::default()
    };
    let light = BiLstmConfig {
        vocab_size: 20,
        embedding_size: 8,
        ..BiLstmConfig::default()
    };
    let tasks = Tasks {
        intent: Some(vec!["a".into(), "b".into()]),
        ..Tasks::default()
    };
    let batch = TokenBatch::pack([&[1, 2, 3, 4][..], &[5, 6]]);
    for config in [EncoderConfig::from(transformer), light.into()] {
        let model = Model::new(&config, &tasks, Device::Cpu, 1).unwrap();
        let intent = |mode, seed| -> Vec<f32> {
            tch::manual_seed(seed);
            let logits = model.forward(&batch, mode).unwrap().intent.unwrap();
            logits.flatten(0, -1).try_into().unwrap()
        };
        assert_eq!(intent(Mode::Eval, 1), intent(Mode::Eval, 2));
        assert_eq!(intent(Mode::Train, 1), intent(Mode::Train, 1));
        assert_ne!(intent(Mode::Train, 1), intent(Mode::Train, 2));
        assert_ne!(intent(Mode::Train, 1), intent(Mode::Eval, 1));
    }
}
