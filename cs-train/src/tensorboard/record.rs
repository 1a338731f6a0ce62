//! TFRecord, the frame of every event: length, its checksum, the bytes, their checksum
//! (tensorflow/core/lib/io/record_writer.h).

use std::time::{SystemTime, UNIX_EPOCH};

use crc::{CRC_32_ISCSI, Crc, Table};

static CRC32C: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);

/// Appends `bytes` to `out` as one record.
pub(super) fn append(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = (bytes.len() as u64).to_le_bytes();
    out.extend_from_slice(&length);
    out.extend_from_slice(&masked(&length).to_le_bytes());
    out.extend_from_slice(bytes);
    out.extend_from_slice(&masked(bytes).to_le_bytes());
}

/// TensorFlow's masked CRC-32C: a plain one of data that holds checksums itself is weak.
fn masked(bytes: &[u8]) -> u32 {
    CRC32C
        .checksum(bytes)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}

/// Seconds since 1970.
pub(super) fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| since.as_secs_f64())
}

/// The whole records at the beginning of `bytes`, up to a tear.
#[cfg(test)]
pub(super) fn read(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut records = Vec::new();
    while let Some((head, rest)) = bytes.split_at_checked(12) {
        let (length, crc) = head.split_at(8);
        assert_eq!(crc, masked(length).to_le_bytes());
        let length = u64::from_le_bytes(length.try_into().expect("8 bytes")) as usize;
        let Some((record, rest)) = rest.split_at_checked(length) else {
            break;
        };
        let Some((crc, rest)) = rest.split_at_checked(4) else {
            break;
        };
        assert_eq!(crc, masked(record).to_le_bytes());
        records.push(record);
        bytes = rest;
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_rfc_3720() {
        // Appendix B.4: 32 bytes of zeros, and of ones.
        assert_eq!(CRC32C.checksum(&[0; 32]), 0x8a91_36aa);
        assert_eq!(CRC32C.checksum(&[0xff; 32]), 0x62a8_ab43);
    }

    #[test]
    fn a_torn_file_reads_up_to_the_tear() {
        let mut file = Vec::new();
        append(&mut file, b"one");
        append(&mut file, b"two");
        for length in 0..file.len() {
            let whole = usize::from(length >= 19);
            assert_eq!(read(&file[..length]).len(), whole, "{length}");
        }
        assert_eq!(read(&file), [b"one", b"two"]);
    }
}
