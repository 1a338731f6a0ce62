//! What the settings of a run are when left out, for `--help`.

use clap::Arg;
use cs_model::{BertConfig, BiLstmConfig, EncoderConfig};
use cs_train::schedule::{Preset, TrainConfig};
use serde_json::Value;

/// Adds to an argument's help what it is if left out, where that follows from the preset or the
/// model. An argument is looked up among the fields of [`TrainConfig`] by its name.
pub(crate) fn stated(arg: Arg) -> Arg {
    let Some(default) = default_of(arg.get_id().as_str()) else {
        return arg;
    };
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    arg.help(format!("{help} [default: {default}]"))
}

fn default_of(argument: &str) -> Option<String> {
    let light = BiLstmConfig::light(0);
    match argument {
        "light_hidden" => Some(light.hidden_size.to_string()),
        "light_words" => Some(light.embedding_size.to_string()),
        "light_word_dropout" => Some(light.word_dropout.to_string()),
        "light_dropout" => Some(light.dropout.to_string()),
        "slots" => Some("crf for light, else softmax".to_owned()),
        // Has a default of its own.
        "seed" => None,
        "focal" => by_preset("focal_gamma"),
        field => by_preset(field),
    }
}

/// The value of the general preset, then those of presets that differ.
fn by_preset(field: &str) -> Option<String> {
    let general = by_model(field, Preset::General)?;
    let mut stated = general.clone();
    for preset in Preset::ALL {
        let other = by_model(field, preset)?;
        if other != general {
            stated.push_str(&format!("; {}: {other}", preset.name()));
        }
    }
    Some(stated)
}

/// The values for the light model, the mini model and a model of BERT-base's width.
fn by_model(field: &str, preset: Preset) -> Option<String> {
    let value = |encoder: EncoderConfig| {
        let config = serde_json::to_value(TrainConfig::preset(preset, &encoder)).ok()?;
        let value = config.get(field).or_else(|| config["loss"].get(field))?;
        text(value)
    };
    let light = value(BiLstmConfig::light(0).into())?;
    let mini = value(BertConfig::mini(0).into())?;
    let base = value(BertConfig::default().into())?;
    Some(if light == mini && mini == base {
        light
    } else if mini == base {
        format!("{light} for light, else {base}")
    } else {
        format!("{light} for light, {mini} for mini, {base} at BERT-base's width")
    })
}

/// Numbers with three digits.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) if number.is_f64() => {
            let rounded: f64 = format!("{:.2e}", number.as_f64()?).parse().ok()?;
            Some(rounded.to_string())
        }
        Value::Number(number) => Some(number.to_string()),
        Value::String(name) => Some(name.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use clap::Args as _;
    use cs_model::SlotHead;
    use cs_train::recipe::Start;

    #[test]
    fn the_help_states_what_follows_from_preset_and_model() {
        let mut command = Settings::augment_args(clap::Command::new("train"));
        let help = command.render_help().to_string();
        let line = |flag: &str| {
            let from = help.find(&format!("--{flag} ")).unwrap();
            let rest = help[from + 2..].split("\n      --").next().unwrap();
            rest.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let general = |encoder: EncoderConfig| TrainConfig::preset(Preset::General, &encoder);
        let light = general(BiLstmConfig::light(9).into());
        let base = general(BertConfig::default().into());
        let said = line("epochs");
        assert!(
            said.contains(&format!(
                "[default: {} for light, else {}; complex: ",
                light.epochs, base.epochs
            )),
            "{said}"
        );
        assert!(
            line("lr").contains("0.00003 at BERT-base's width; small-data: "),
            "{}",
            line("lr")
        );
        assert!(
            line("precision").ends_with("[default: fp32]"),
            "{}",
            line("precision")
        );
        assert_eq!(Start::Light.slot_head(), SlotHead::Crf);
        assert_eq!(Start::Mini.slot_head(), SlotHead::Softmax);
        assert!(
            line("slots").ends_with("[default: crf for light, else softmax]"),
            "{}",
            line("slots")
        );
    }
}
