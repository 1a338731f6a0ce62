//! The scaling of rotary positions as GGUF files have it, against the same in a `config.json`.

use std::f64::consts::PI;

use cs_model::{DecoderConfig, Positions};
use serde_json::{Value, json};

use super::Written;

const BASE: f64 = 500_000.0;

enum Key {
    Number(f32),
    Size(u32),
    Text(&'static str),
}
use Key::{Number, Size, Text};

/// Keys by their names after `llama.rope.`.
type Keys<'a> = &'a [(&'a str, Key)];

/// The configuration of a small Llama with further keys `llama.rope.…`, and the divisors of its four
/// frequencies if there are any; or what is refused.
fn opened(keys: Keys, divisors: &[f32]) -> Result<DecoderConfig, String> {
    let sizes = [
        ("embedding_length", 16),
        ("block_count", 1),
        ("attention.head_count", 2),
        ("context_length", 64),
        ("feed_forward_length", 8),
    ];
    let tensors = if divisors.is_empty() { 1 } else { 2 };
    let mut file = Written::new(tensors, (sizes.len() + keys.len() + 3) as u64);
    file = file.text("general.architecture").u32(8).text("llama");
    for (name, size) in sizes {
        file = file.text(&format!("llama.{name}")).u32(4).u32(size);
    }
    let number = |file: Written, name: &str, value: f32| {
        let key = file.text(&format!("llama.{name}")).u32(6);
        key.bytes(&value.to_le_bytes())
    };
    file = number(file, "attention.layer_norm_rms_epsilon", 1e-5);
    file = number(file, "rope.freq_base", BASE as f32);
    for (name, value) in keys {
        let name = format!("rope.{name}");
        file = match value {
            Number(value) => number(file, &name, *value),
            Size(value) => file.text(&format!("llama.{name}")).u32(4).u32(*value),
            Text(value) => file.text(&format!("llama.{name}")).u32(8).text(value),
        };
    }
    file = file.tensor("token_embd.weight", &[16, 4], 0, 0);
    if !divisors.is_empty() {
        file = file.tensor("rope_freqs.weight", &[divisors.len() as u64], 0, 256);
    }
    file = file.data(256);
    for divisor in divisors {
        file = file.bytes(&divisor.to_le_bytes());
    }
    let config = file.open()?.decoder_config();
    config.map_err(|error| error.to_string())
}

/// The positions of a decoder whose `config.json` has these `rope_parameters`.
fn told(rope: Value) -> Positions {
    let config = json!({"model_type": "llama", "vocab_size": 4, "hidden_size": 16, "intermediate_size": 8,
        "num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 64,
        "rms_norm_eps": 1e-5, "rope_parameters": rope});
    let config = DecoderConfig::from_json(config.to_string().as_bytes(), "config.json".as_ref());
    config.unwrap().stack().embeddings.positions
}

fn positions(keys: Keys, divisors: &[f32]) -> Positions {
    let config = opened(keys, divisors).unwrap();
    config.stack().embeddings.positions
}

/// The divisors that llama.cpp's converter makes of Llama 3.1's scaling by a factor.
fn divisors(factor: f64) -> Vec<f32> {
    let divisor = |pair: i32| {
        let turns = 8192.0 * BASE.powf(-f64::from(pair) / 4.0) / (2.0 * PI);
        let smooth = ((turns - 1.0) / 3.0).clamp(0.0, 1.0);
        (1.0 / ((1.0 - smooth) / factor + smooth)) as f32
    };
    (0..4).map(divisor).collect()
}

#[test]
fn scaling_by_keys_is_that_of_a_config_json() {
    let plain = json!({"rope_theta": BASE});
    assert_eq!(positions(&[], &[]), told(plain.clone()));
    assert_eq!(
        positions(&[("scaling.type", Text("none"))], &[]),
        told(plain)
    );
    let linear = [
        ("scaling.type", Text("linear")),
        ("scaling.factor", Number(4.0)),
    ];
    let expected = json!({"rope_theta": BASE, "rope_type": "linear", "factor": 4.0});
    assert_eq!(positions(&linear, &[]), told(expected));
    let yarn = [
        ("scaling.type", Text("yarn")),
        ("scaling.factor", Number(4.0)),
        ("scaling.original_context_length", Size(16)),
        ("scaling.attn_factor", Number(1.0)),
        ("scaling.yarn_beta_fast", Number(16.0)),
        ("scaling.yarn_beta_slow", Number(2.0)),
    ];
    let expected = json!({"rope_theta": BASE, "rope_type": "yarn", "factor": 4.0,
        "original_max_position_embeddings": 16, "beta_fast": 16.0, "beta_slow": 2.0});
    assert_eq!(positions(&yarn, &[]), told(expected));
    let without = json!({"rope_theta": BASE, "rope_type": "yarn", "factor": 4.0});
    assert_eq!(positions(&yarn[..2], &[]), told(without));
}

#[test]
fn the_divisors_of_llama_3_are_its_scaling() {
    for factor in [8.0, 32.0] {
        let divisors = divisors(factor);
        // One that is left alone, one between, one that is low.
        assert_eq!((divisors[0], divisors[3]), (1.0, factor as f32));
        assert!(divisors[2] > 1.0 && divisors[2] < factor as f32);
        let expected = json!({"rope_theta": BASE, "rope_type": "llama3", "factor": factor,
            "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192});
        assert_eq!(positions(&[], &divisors), told(expected));
    }
}

#[test]
fn other_scaling_is_refused_by_name() {
    let of = |kind| ("scaling.type", Text(kind));
    let by = |factor| ("scaling.factor", Number(factor));
    let cases: [(Keys, &[f32], &str); 9] = [
        (
            &[of("longrope"), by(4.0)],
            &[],
            "llama.rope.scaling.type is \"longrope\", expected none, linear or yarn",
        ),
        (
            &[of("linear")],
            &[],
            "llama.rope.scaling.factor is missing, expected a number",
        ),
        (
            &[of("linear"), by(0.0)],
            &[],
            "factor is 0, expected above 0",
        ),
        (&[of("yarn"), by(f32::NAN)], &[], "factor is "),
        (
            &[
                of("yarn"),
                by(4.0),
                ("scaling.yarn_ext_factor", Number(0.5)),
            ],
            &[],
            "llama.rope.scaling.yarn_ext_factor is 0.5, expected 1",
        ),
        (
            &[("dimension_count", Size(4))],
            &[],
            "llama.rope.dimension_count is 4, expected the 8 of a whole head",
        ),
        (
            &[],
            &divisors(16.0),
            "rope_freqs.weight: expected the divisors of Llama 3.1 (8) or 3.2 (32)",
        ),
        (&[], &[1.0; 3], "rope_freqs.weight"),
        (
            &[of("linear"), by(4.0)],
            &divisors(8.0),
            "rope_freqs.weight: expected no such tensor beside another scaling",
        ),
    ];
    for (keys, divisors, expected) in cases {
        let error = opened(keys, divisors).unwrap_err();
        assert!(error.contains(expected), "{error}\nexpected {expected}");
    }
}
