//! The names of the tensors of decoders.

use super::role::Role;
use super::table::{Names, Table};

/// The names of `GPT2LMHeadModel`, without the prefix `transformer.`.
pub const GPT2: Names = Names::new(&Table {
    prefix: Some("transformer."),
    // Masks, which old checkpoints hold.
    unused: &["h.{layer}.attn.bias", "h.{layer}.attn.masked_bias"],
    roles: &[
        (Role::WordEmbeddings, "wte.{part}"),
        (Role::PositionEmbeddings, "wpe.{part}"),
        (Role::AttentionNorm, "h.{layer}.ln_1.{part}"),
        (Role::QueryKeyValue, "h.{layer}.attn.c_attn.{part}"),
        (Role::AttentionOutput, "h.{layer}.attn.c_proj.{part}"),
        (Role::FeedForwardNorm, "h.{layer}.ln_2.{part}"),
        (Role::FeedForwardIn, "h.{layer}.mlp.c_fc.{part}"),
        (Role::FeedForwardOut, "h.{layer}.mlp.c_proj.{part}"),
        (Role::FinalNorm, "ln_f.{part}"),
        (Role::LmHead, "lm_head.weight"),
    ],
    base: None,
});

/// The names of `LlamaForCausalLM`, `Qwen2ForCausalLM` and `Qwen3ForCausalLM`, without the prefix
/// `model.`.
pub const LLAMA: Names = Names::new(&Table {
    prefix: Some("model."),
    // Frequencies, which old checkpoints hold.
    unused: &["layers.{layer}.self_attn.rotary_emb.inv_freq"],
    roles: &[
        (Role::WordEmbeddings, "embed_tokens.{part}"),
        (Role::AttentionNorm, "layers.{layer}.input_layernorm.{part}"),
        (Role::Query, "layers.{layer}.self_attn.q_proj.{part}"),
        (Role::Key, "layers.{layer}.self_attn.k_proj.{part}"),
        (Role::Value, "layers.{layer}.self_attn.v_proj.{part}"),
        (Role::QueryNorm, "layers.{layer}.self_attn.q_norm.{part}"),
        (Role::KeyNorm, "layers.{layer}.self_attn.k_norm.{part}"),
        (
            Role::AttentionOutput,
            "layers.{layer}.self_attn.o_proj.{part}",
        ),
        (
            Role::FeedForwardNorm,
            "layers.{layer}.post_attention_layernorm.{part}",
        ),
        (Role::FeedForwardGate, "layers.{layer}.mlp.gate_proj.{part}"),
        (Role::FeedForwardIn, "layers.{layer}.mlp.up_proj.{part}"),
        (Role::FeedForwardOut, "layers.{layer}.mlp.down_proj.{part}"),
        (Role::FinalNorm, "norm.{part}"),
        (Role::LmHead, "lm_head.weight"),
    ],
    base: None,
});

/// The names of GGUF files, which are the same for every decoder.
pub const GGUF: Names = Names::new(&Table {
    prefix: None,
    unused: &[],
    roles: &[
        (Role::WordEmbeddings, "token_embd.{part}"),
        (Role::PositionEmbeddings, "position_embd.{part}"),
        (Role::AttentionNorm, "blk.{layer}.attn_norm.{part}"),
        (Role::QueryKeyValue, "blk.{layer}.attn_qkv.{part}"),
        (Role::Query, "blk.{layer}.attn_q.{part}"),
        (Role::Key, "blk.{layer}.attn_k.{part}"),
        (Role::Value, "blk.{layer}.attn_v.{part}"),
        (Role::QueryNorm, "blk.{layer}.attn_q_norm.{part}"),
        (Role::KeyNorm, "blk.{layer}.attn_k_norm.{part}"),
        (Role::AttentionOutput, "blk.{layer}.attn_output.{part}"),
        (Role::FeedForwardNorm, "blk.{layer}.ffn_norm.{part}"),
        (Role::FeedForwardGate, "blk.{layer}.ffn_gate.{part}"),
        (Role::FeedForwardIn, "blk.{layer}.ffn_up.{part}"),
        (Role::FeedForwardOut, "blk.{layer}.ffn_down.{part}"),
        (Role::FinalNorm, "output_norm.{part}"),
        (Role::LmHead, "output.weight"),
    ],
    base: None,
});
