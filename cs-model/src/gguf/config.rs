//! A decoder's configuration out of the metadata.

use serde_json::{Map, Value as Json, json};

use super::container::Gguf;
use super::weights::{ROPE_FACTORS, name_of};
use crate::config::{DecoderConfig, Positions, Rotary};
use crate::error::{Error, Result};

const ARCHITECTURE: &str = "general.architecture";
/// The architectures that are read: the families' names in `config.json`.
const ARCHITECTURES: [&str; 4] = ["llama", "qwen2", "qwen3", "gpt2"];
/// The divisors that Llama 3.1 and 3.2 have for low frequencies.
const LLAMA3_FACTORS: [f64; 2] = [8.0, 32.0];

impl Gguf {
    /// The configuration of the decoder in the file, of the architecture `llama`, `qwen2`, `qwen3`
    /// or `gpt2`.
    ///
    /// # Errors
    /// [`Error::Field`] for a key that is missing or cannot be used; [`Error::Tensors`] and
    /// [`Error::Tensor`] if the tensors are not those of such a decoder.
    pub fn decoder_config(&self) -> Result<DecoderConfig> {
        let mut config = match self.architecture()? {
            "gpt2" => self.gpt2()?,
            family => self.llama(family)?,
        };
        config.insert("vocab_size".into(), self.vocab_size()?.into());
        let tied = !self.contains("lm_head.weight");
        config.insert("tie_word_embeddings".into(), tied.into());
        if self.has(ROPE_FACTORS) {
            return self.with_llama3_scaling(config);
        }
        self.validated(config)
    }

    /// The width of a head, if the numbers of it that are turned together lie side by side, as they
    /// do for this architecture alone.
    pub(super) fn head_with_pairs_side_by_side(&self) -> Result<Option<usize>> {
        if self.architecture()? != "llama" {
            return Ok(None);
        }
        let (head, key) = (self.head_size()?, self.key("attention.key_length")?);
        match head >= 2 && head.is_multiple_of(2) {
            true => Ok(Some(head as usize)),
            false => Err(Error::field(key, head, "an even number above 0").in_file(self.path())),
        }
    }

    fn architecture(&self) -> Result<&str> {
        let found = self.text(ARCHITECTURE)?;
        let known = found.filter(|name| ARCHITECTURES.contains(name));
        known.ok_or_else(|| self.wrong(ARCHITECTURE, "llama, qwen2, qwen3 or gpt2"))
    }

    /// The whole name of one of the architecture's keys.
    fn key(&self, name: &str) -> Result<String> {
        Ok(format!("{}.{name}", self.architecture()?))
    }

    /// The number of one of the architecture's keys, if it is there.
    fn own(&self, name: &str) -> Result<Option<u32>> {
        self.size(&self.key(name)?)
    }

    /// The number of a key that has to be there.
    fn needed(&self, name: &str) -> Result<u32> {
        let found = self.own(name)?;
        let key = self.key(name)?;
        found.ok_or_else(|| self.wrong(&key, "a whole number"))
    }

    fn needed_float(&self, name: &str) -> Result<f64> {
        let key = self.key(name)?;
        let found = self.float(&key)?;
        found.ok_or_else(|| self.wrong(&key, "a number"))
    }

    fn head_size(&self) -> Result<u32> {
        let heads = self.needed("attention.head_count")?;
        let width = self.needed("embedding_length")?;
        let found = self.own("attention.key_length")?;
        Ok(found.unwrap_or(width.checked_div(heads).unwrap_or_default()))
    }

    /// The number of rows of the word embeddings.
    fn vocab_size(&self) -> Result<usize> {
        let name = name_of("wte.weight");
        match self.tensor(&name)?.shape[..] {
            [rows, _] => Ok(rows),
            ref shape => {
                let found = format!("{shape:?}");
                Err(Error::tensor(self.path(), &name, "a matrix", found))
            }
        }
    }

    fn gpt2(&self) -> Result<Map<String, Json>> {
        let config = json!({
            "model_type": "gpt2",
            "n_embd": self.needed("embedding_length")?,
            "n_layer": self.needed("block_count")?,
            "n_head": self.needed("attention.head_count")?,
            "n_positions": self.needed("context_length")?,
            "n_inner": self.needed("feed_forward_length")?,
            "layer_norm_epsilon": self.needed_float("attention.layer_norm_epsilon")?,
        });
        Ok(object(config))
    }

    fn llama(&self, family: &str) -> Result<Map<String, Json>> {
        let head = self.head_size()?;
        for name in ["attention.value_length", "rope.dimension_count"] {
            let found = self.own(name)?;
            if found.is_some_and(|found| found != head) {
                return Err(self.wrong(&self.key(name)?, format!("the {head} of a whole head")));
            }
        }
        for name in ["expert_count", "attention.sliding_window"] {
            if self.own(name)?.is_some_and(|found| found > 0) {
                return Err(self.wrong(&self.key(name)?, "0, as nothing else is computed"));
            }
        }
        let config = json!({
            "model_type": family,
            "hidden_size": self.needed("embedding_length")?,
            "intermediate_size": self.needed("feed_forward_length")?,
            "num_hidden_layers": self.needed("block_count")?,
            "num_attention_heads": self.needed("attention.head_count")?,
            "num_key_value_heads": self.own("attention.head_count_kv")?,
            "head_dim": head,
            "max_position_embeddings": self.needed("context_length")?,
            "rms_norm_eps": self.needed_float("attention.layer_norm_rms_epsilon")?,
            "attention_bias": self.contains("layers.0.self_attn.o_proj.bias"),
            "mlp_bias": self.contains("layers.0.mlp.gate_proj.bias"),
            "rope_parameters": self.rope_parameters()?,
        });
        Ok(object(config))
    }

    fn rope_parameters(&self) -> Result<Map<String, Json>> {
        let theta = self.float(&self.key("rope.freq_base")?)?;
        let mut rope = object(json!({"rope_theta": theta.unwrap_or(10_000.0)}));
        let key = self.key("rope.scaling.type")?;
        let kind = match self.text(&key)? {
            None | Some("none") => return Ok(rope),
            Some(kind @ ("linear" | "yarn")) => kind,
            Some(_) => return Err(self.wrong(&key, "none, linear or yarn")),
        };
        rope.insert("rope_type".into(), kind.into());
        rope.insert(
            "factor".into(),
            self.needed_float("rope.scaling.factor")?.into(),
        );
        if let Some(length) = self.own("rope.scaling.original_context_length")? {
            rope.insert("original_max_position_embeddings".into(), length.into());
        }
        if kind == "linear" {
            return Ok(rope);
        }
        // The file's factor comes on top of that of YaRN's authors.
        for name in ["attn_factor", "yarn_ext_factor", "yarn_attn_factor"] {
            let key = self.key(&format!("rope.scaling.{name}"))?;
            if self.float(&key)?.is_some_and(|found| found != 1.0) {
                return Err(self.wrong(&key, "1"));
            }
        }
        for name in ["beta_fast", "beta_slow"] {
            let key = self.key(&format!("rope.scaling.yarn_{name}"))?;
            if let Some(value) = self.float(&key)? {
                rope.insert(name.into(), value.into());
            }
        }
        Ok(rope)
    }

    /// The configuration with the scaling of Llama 3.1 or 3.2, which the file has as the divisors of
    /// all frequencies.
    fn with_llama3_scaling(&self, mut config: Map<String, Json>) -> Result<DecoderConfig> {
        let plain = self.validated(config.clone())?;
        let head = plain.stack().head_size;
        let before = frequencies(&plain, head);
        let divisors = self.f32(ROPE_FACTORS, &[head / 2])?;
        let Some(rope) = config
            .get_mut("rope_parameters")
            .filter(|rope| rope["rope_type"].is_null())
        else {
            let expected = "no such tensor beside another scaling of positions";
            return Err(Error::tensor(self.path(), ROPE_FACTORS, expected, "it"));
        };
        rope["rope_type"] = "llama3".into();
        rope["low_freq_factor"] = 1.0.into();
        rope["high_freq_factor"] = 4.0.into();
        rope["original_max_position_embeddings"] = 8192.into();
        for factor in LLAMA3_FACTORS {
            config["rope_parameters"]["factor"] = factor.into();
            let scaled = self.validated(config.clone())?;
            let after = frequencies(&scaled, head);
            let expected = before
                .iter()
                .zip(&after)
                .map(|(before, after)| before / after);
            let mut pairs = expected.zip(&divisors);
            if pairs.all(|(expected, found)| (expected / found - 1.0).abs() < 1e-3) {
                return Ok(scaled);
            }
        }
        let expected = "the divisors of Llama 3.1 (8) or 3.2 (32)";
        Err(Error::tensor(self.path(), ROPE_FACTORS, expected, "others"))
    }

    fn validated(&self, config: Map<String, Json>) -> Result<DecoderConfig> {
        DecoderConfig::from_json(Json::Object(config).to_string().as_bytes(), self.path())
    }
}

/// The frequencies of rotary positions; none where positions are told otherwise.
fn frequencies(decoder: &DecoderConfig, head: usize) -> Vec<f32> {
    let rotary = |rotary: &Rotary| rotary.frequencies(head);
    match &decoder.stack().embeddings.positions {
        Positions::Rotary(found) => rotary(found),
        _ => Vec::new(),
    }
}

fn object(value: Json) -> Map<String, Json> {
    match value {
        Json::Object(map) => map,
        _ => Map::new(),
    }
}
