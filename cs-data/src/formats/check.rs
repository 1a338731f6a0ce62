//! Options that a format would not heed are refused.

use crate::error::{Error, Result};

use super::format::Format;
use super::options::{ReadOptions, WriteOptions};

/// An option that only some formats heed.
struct Only {
    name: &'static str,
    is_set: bool,
    formats: &'static [Format],
}

/// Refuses what would have no effect on reading a file of `format`.
pub(crate) fn check(options: &ReadOptions, format: Format) -> Result<()> {
    use Format::{Conll, Csv, Doccano, Json, Jsonl, LabelStudio, Parquet, Seq, Tsv};
    if format == Parquet && options.encoding.is_some() {
        return Err(Error::argument(
            "encoding",
            "set for parquet",
            "a format of text",
        ));
    }
    let limited = [
        Only {
            name: "columns",
            is_set: !options.columns.is_empty(),
            formats: &[Jsonl, Json, Csv, Tsv, Parquet, Doccano, LabelStudio],
        },
        Only {
            name: "records",
            is_set: options.records.is_some(),
            formats: &[Json],
        },
        Only {
            name: "no_header",
            is_set: options.no_header,
            formats: &[Csv, Tsv],
        },
        Only {
            name: "scheme",
            is_set: options.scheme.is_some(),
            formats: &[Conll, Seq, Json, Jsonl],
        },
        Only {
            name: "separator",
            is_set: options.separator.is_some(),
            formats: &[Csv, Tsv],
        },
    ];
    refuse(&limited, format)
}

/// Refuses what would have no effect on writing a file of `format`.
pub(crate) fn check_write(options: &WriteOptions, format: Format) -> Result<()> {
    let limited = [
        Only {
            name: "scheme",
            is_set: options.scheme.is_some(),
            formats: &[Format::Conll, Format::Seq],
        },
        Only {
            name: "partition_by",
            is_set: options.partition_by.is_some(),
            formats: &[Format::Parquet],
        },
    ];
    refuse(&limited, format)
}

/// Refuses the first option that is set and not for `format`.
fn refuse(limited: &[Only], format: Format) -> Result<()> {
    let ignored = limited
        .iter()
        .find(|option| option.is_set && !option.formats.contains(&format));
    ignored.map_or(Ok(()), |option| {
        let names: Vec<String> = option.formats.iter().map(Format::to_string).collect();
        Err(Error::argument(
            option.name,
            format!("set for {format}"),
            format!("the format {}", names.join(", ")),
        ))
    })
}
