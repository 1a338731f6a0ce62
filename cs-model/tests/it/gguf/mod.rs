//! GGUF files as the package `gguf` writes them (`tests/reference/make_gguf.py`), and broken ones.

mod rotary;
mod tokenizers;

use std::path::{Path, PathBuf};

use cs_model::gguf::Gguf;
use cs_model::{DecoderConfig, Weights};
use proptest::prelude::*;

fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/reference")
        .join(name)
}

/// The bytes of a file, put together by hand.
#[derive(Clone, Default)]
struct Written(Vec<u8>);

impl Written {
    /// A file's beginning, for so many tensors and keys.
    fn new(tensors: u64, keys: u64) -> Self {
        Self(b"GGUF".to_vec()).u32(3).u64(tensors).u64(keys)
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn u32(self, value: u32) -> Self {
        self.bytes(&value.to_le_bytes())
    }

    fn u64(self, value: u64) -> Self {
        self.bytes(&value.to_le_bytes())
    }

    fn text(self, text: &str) -> Self {
        self.u64(text.len() as u64).bytes(text.as_bytes())
    }

    /// A tensor of a shape, type and offset.
    fn tensor(self, name: &str, shape: &[u64], of: u32, offset: u64) -> Self {
        let start = self.text(name).u32(shape.len() as u32);
        let shaped = shape.iter().fold(start, |file, &size| file.u64(size));
        shaped.u32(of).u64(offset)
    }

    /// Fills the header up to 32 bytes, and adds data.
    fn data(mut self, len: usize) -> Self {
        let size = self.0.len().next_multiple_of(32) + len;
        self.0.resize(size, 0);
        self
    }

    fn open(&self) -> Result<Gguf, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("m");
        std::fs::write(&path, &self.0).unwrap();
        Gguf::open(&path).map_err(|error| {
            let dir = format!("{}: ", path.display());
            error.to_string().replace(&dir, "")
        })
    }

    fn refusal(&self) -> String {
        self.open().unwrap_err()
    }
}

/// A file with a key of each kind and two tensors.
fn whole() -> Written {
    let kinds: [(u32, &[u8]); 12] = [
        (0, &[7]),
        (1, &[255]),
        (2, &[1, 0]),
        (3, &[1, 0]),
        (4, &[1, 0, 0, 0]),
        (5, &[1, 0, 0, 0]),
        (6, &[0, 0, 128, 63]),
        (7, &[1]),
        (8, b"\x02\0\0\0\0\0\0\0hi"),
        (10, &[1, 0, 0, 0, 0, 0, 0, 0]),
        (12, &[0, 0, 0, 0, 0, 0, 240, 63]),
        (
            9,
            b"\x08\0\0\0\x02\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0a\0\0\0\0\0\0\0\0",
        ),
    ];
    let keys = kinds.iter().fold(Written::new(2, 12), |file, (of, value)| {
        file.text(&format!("key.{of}")).u32(*of).bytes(value)
    });
    keys.tensor("a", &[4, 2], 0, 0)
        .tensor("b", &[32], 2, 32)
        .data(32 + 18)
}

#[test]
fn every_type_of_block_is_read_as_by_the_reference() {
    let gguf = Gguf::open(&reference("gguf/blocks.gguf")).unwrap();
    let expected = Weights::open(&reference("gguf/blocks.safetensors")).unwrap();
    let names: Vec<_> = gguf.names().collect();
    assert_eq!(names.len(), 10);
    for name in names {
        let found = gguf.f32(name, &[2, 256]).unwrap();
        let expected = expected.f32(name, &[2, 256]).unwrap();
        for (i, (x, y)) in found.iter().zip(&expected).enumerate() {
            let close = (x - y).abs() <= 1e-5 * y.abs().max(1.0);
            assert!(close, "{name}: {x} at {i}, expected {y}");
        }
    }
}

#[test]
fn a_decoder_has_the_configuration_and_the_weights_of_its_folder() {
    for family in ["gpt2", "llama", "qwen2", "qwen3"] {
        let folder = reference("decoders").join(family);
        let expected = DecoderConfig::open(&folder).unwrap();
        let weights = Weights::open_folder(&folder).unwrap();
        let gguf = Gguf::open(&reference(&format!("gguf/{family}.gguf"))).unwrap();
        let config = gguf.decoder_config().unwrap();
        gguf.check_all(&config).unwrap();
        assert_eq!(config.tensors(), expected.tensors(), "{family}");
        let (mut found, mut stack) = (config.stack(), expected.stack());
        // The file has them in f32; and none of what training alone has.
        assert!((found.norms.eps / stack.norms.eps - 1.0).abs() < 1e-6);
        for stack in [&mut found, &mut stack] {
            stack.norms.eps = 0.0;
            (stack.dropout, stack.attention_dropout) = (0.0, 0.0);
        }
        assert_eq!(found, stack, "{family}");
        for (name, shape) in expected.tensors() {
            let mut is = gguf.f32(&name, &shape);
            if family == "gpt2" && name.contains(".c_") && shape.len() == 2 {
                is = gguf.f32(&name, &[shape[1], shape[0]]);
                let rows = is.as_ref().unwrap();
                let turned = (0..rows.len()).map(|i| rows[i % shape[1] * shape[0] + i / shape[1]]);
                is = Ok(turned.collect());
            }
            assert_eq!(is.unwrap(), weights.f32(&name, &shape).unwrap(), "{name}");
        }
    }
}

#[test]
fn what_is_wrong_with_a_header_is_told_with_its_byte() {
    assert!(whole().open().is_ok());
    let key = |of: u32, value: &[u8]| Written::new(0, 1).text("k").u32(of).bytes(value);
    let array = |of: u32, count: u64| key(9, &[]).u32(of).u64(count).bytes(&[0; 16]);
    for (file, expected) in [
        (
            Written(b"GGML\x03\0\0\0".to_vec()),
            "byte 4: the file is \"GGML\" at its beginning, expected \"GGUF\"",
        ),
        (
            Written(b"GGUF\x01\0\0\0".to_vec()),
            "byte 8: the version is 1, expected 2 or 3",
        ),
        (
            Written(b"GGUF\0\0\0\x03".to_vec()),
            "byte 8: the version is 3 in big endian, expected 2 or 3 in little endian",
        ),
        (
            Written::new(u64::MAX, 0),
            "the number of tensors is 18446744073709551615, expected at most 0",
        ),
        (
            Written::new(0, 1 << 40),
            "the number of keys is 1099511627776, expected at most 0",
        ),
        (
            key(13, &[0; 8]),
            "k is of the type 13, expected a type from 0 to 12",
        ),
        (key(7, &[2]).data(32), "k is the flag 2, expected 0 or 1"),
        (
            key(8, &[255; 8]),
            "k is 18446744073709551615 bytes long, expected at most the 0 that are left",
        ),
        (
            key(8, b"\x01\0\0\0\0\0\0\0\xff"),
            "k is bytes that are not UTF-8 from 0 on",
        ),
        (
            array(9, 1),
            "k is a list of lists, expected a list of one level",
        ),
        (array(8, 3), "k is 3, expected at most 2"),
        (
            array(10, u64::MAX),
            "k is 18446744073709551615, expected at most 2",
        ),
        (
            Written::new(0, 2)
                .text("k")
                .u32(0)
                .bytes(&[1])
                .text("k")
                .u32(0)
                .bytes(&[1])
                .data(0),
            "k is there twice, expected one value",
        ),
        (
            Written::new(0, 1).text("").u32(0).bytes(&[0]).data(32),
            "the key 0 is 0 bytes long",
        ),
        (
            Written::new(0, 1)
                .text("general.alignment")
                .u32(4)
                .u32(24)
                .data(0),
            "general.alignment is 24, expected a power of two from 8 to 65536",
        ),
    ] {
        let found = file.refusal();
        assert!(found.contains(expected), "{found}\nexpected {expected}");
    }
}

#[test]
fn what_is_wrong_with_a_tensor_is_told_with_its_name() {
    let one = |shape: &[u64], of, offset| {
        let file = Written::new(1, 0).tensor("t", shape, of, offset);
        file.data(64)
    };
    let two = |offset| {
        let first = Written::new(2, 0).tensor("a", &[16], 0, 0);
        first.tensor("b", &[8], 0, offset).data(96)
    };
    for (file, expected) in [
        (
            one(&[], 0, 0),
            "tensor t is of 0 dimensions, expected 1 to 4",
        ),
        (
            one(&[1; 5], 0, 0),
            "tensor t is of 5 dimensions, expected 1 to 4",
        ),
        (
            one(&[0, 1], 0, 0),
            "tensor t is [0, 1], expected sizes above 0",
        ),
        (
            one(&[u64::MAX, 2], 0, 0),
            "tensor t is [18446744073709551615, 2], expected sizes",
        ),
        (
            one(&[1 << 62, 2], 0, 0),
            "expected sizes above 0 whose product is a number of bytes",
        ),
        (
            one(&[31], 2, 0),
            "tensor t is 31 wide, expected rows of a multiple of 32, as they are Q4_0",
        ),
        (
            one(&[256], 10, 0),
            "tensor t is of the type 10 (Q2_K), expected F32, F16",
        ),
        (one(&[256], 4, 0), "tensor t is of the type 4 (unknown)"),
        (one(&[256], 99, 0), "tensor t is of the type 99 (unknown)"),
        (
            one(&[1], 0, 4),
            "tensor t: expected a multiple of 32, found the offset 4",
        ),
        (
            one(&[17], 0, 0),
            "expected to end within the 64 bytes of data, found 68 bytes from offset 0 on",
        ),
        (
            one(&[1], 0, u64::MAX - 31),
            "expected to end within the 64 bytes",
        ),
        (
            two(32),
            "tensor b: expected bytes of its own, found it at byte 128, within a",
        ),
        (
            Written::new(2, 0)
                .tensor("t", &[1], 0, 0)
                .tensor("t", &[1], 0, 32)
                .data(64),
            "tensor t is there twice",
        ),
    ] {
        let found = file.refusal();
        assert!(found.contains(expected), "{found}\nexpected {expected}");
    }
    assert!(two(64).open().is_ok());
}

#[test]
fn numbers_that_are_not_finite_are_refused() {
    for (of, scale) in [(2, 0x7e00u16), (2, 0x7c00), (8, 0x7c00)] {
        let mut file = Written::new(1, 0).tensor("t", &[32], of, 0).data(34);
        let at = file.0.len() - 34;
        file.0[at..at + 2].copy_from_slice(&scale.to_le_bytes());
        let gguf = file.open().unwrap();
        // The folder is gone, and the file is still open.
        let error = gguf.f32("t", &[32]).unwrap_err().to_string();
        assert!(
            error.contains("tensor t: expected finite numbers"),
            "{error}"
        );
        let steps = gguf.four_bits("t", [1, 32]);
        assert!(steps.is_err() || of == 8);
    }
}

#[test]
fn a_file_that_was_cut_is_refused_wherever_it_was() {
    let file = whole();
    for len in 0..file.0.len() {
        let cut = Written(file.0[..len].to_vec());
        assert!(cut.open().is_err(), "{len} bytes");
    }
    let small = std::fs::read(reference("gguf/qwen2.gguf")).unwrap();
    for len in (0..small.len()).step_by(97) {
        assert!(
            Written(small[..len].to_vec()).open().is_err(),
            "{len} bytes"
        );
    }
}

#[test]
fn what_no_decoder_has_is_refused_by_its_name() {
    let file = |architecture: &str| {
        Written::new(0, 1)
            .text("general.architecture")
            .u32(8)
            .text(architecture)
            .data(0)
    };
    let error = file("mamba")
        .open()
        .unwrap()
        .decoder_config()
        .unwrap_err()
        .to_string();
    let expected = "general.architecture is \"mamba\", expected llama, qwen2, qwen3 or gpt2";
    assert!(error.ends_with(expected), "{error}");
    let error = file("llama")
        .open()
        .unwrap()
        .decoder_config()
        .unwrap_err()
        .to_string();
    assert!(error.contains("llama."), "{error}");
    let error = file("llama")
        .open()
        .unwrap()
        .tokenizer()
        .unwrap_err()
        .to_string();
    assert!(
        error.ends_with("tokenizer.ggml.model is missing, expected gpt2 or llama"),
        "{error}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// A file with other bytes is refused or read, and what it has is read or refused.
    #[test]
    fn other_bytes_do_no_harm(
        changes in prop::collection::vec((0usize..2000, any::<u8>()), 1..4),
        is_small in any::<bool>(),
    ) {
        let mut file = match is_small {
            true => whole(),
            false => Written(std::fs::read(reference("gguf/llama.gguf")).unwrap()),
        };
        for (at, byte) in changes {
            let at = at % file.0.len();
            file.0[at] = byte;
        }
        if let Ok(gguf) = file.open() {
            if let Ok(config) = gguf.decoder_config() {
                let _ = gguf.check_all(&config);
                for (name, shape) in config.tensors().into_iter().take(30) {
                    let _ = gguf.f32(&name, &shape);
                }
            }
            let _ = (gguf.tokenizer(), gguf.generate_config());
        }
    }
}
