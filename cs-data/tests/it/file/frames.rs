//! Files of frames: whole frames come back, whatever is done to the file.

use std::convert::Infallible;
use std::fs;
use std::path::Path;

use cs_data::file::{FrameError, FrameKind, Frames, MAX_FRAME_BYTES, Salvaged, Torn};
use proptest::prelude::*;

const KIND: FrameKind = FrameKind {
    magic: *b"cs-tests",
    version: 2,
};

const HEAD: usize = 16;

/// The frames of a file, its writer, and the end that was cut off.
type Opened = (Vec<Vec<u8>>, Frames, Option<Torn>);

fn open(path: &Path) -> Result<Opened, FrameError> {
    let mut found = Vec::new();
    let (frames, torn) = Frames::open(path, KIND, |_, it| {
        found.push(it.to_vec());
        Ok::<(), Infallible>(())
    })?;
    Ok((found, frames, torn))
}

fn read(path: &Path) -> Result<(Vec<Vec<u8>>, Option<Torn>), FrameError> {
    let mut found = Vec::new();
    let torn = Frames::read(path, KIND, |_, it| {
        found.push(it.to_vec());
        Ok::<(), Infallible>(())
    })?;
    Ok((found, torn))
}

fn write(path: &Path, payloads: &[Vec<u8>]) {
    let (_, mut frames, _) = open(path).unwrap();
    for payload in payloads {
        frames.append(payload).unwrap();
    }
    frames.sync().unwrap();
    assert_eq!(frames.len(), fs::metadata(path).unwrap().len());
}

fn payloads() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let byte = prop_oneof![Just(0), any::<u8>()];
    proptest::collection::vec(proptest::collection::vec(byte, 0..40), 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_cut_gives_whole_frames_from_the_beginning(payloads in payloads(), cut in 0.0..=1.0) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("frames");
        write(&path, &payloads);
        let bytes = fs::read(&path).unwrap();
        let cut = (bytes.len() as f64 * cut) as usize;
        fs::write(&path, &bytes[..cut]).unwrap();

        let ends = payloads.iter().scan(HEAD, |end, it| {
            *end += 8 + it.len();
            Some(*end)
        });
        let whole = ends.take_while(|&end| end <= cut).count();
        prop_assert_eq!(&read(&path).unwrap().0, &payloads[..whole]);
        let (found, mut frames, torn) = open(&path).unwrap();
        prop_assert_eq!(&found, &payloads[..whole]);
        prop_assert_eq!(torn.map_or(cut as u64, |it| it.at + it.bytes), cut as u64);
        frames.append(b"later").unwrap();
        drop(frames);
        let mut expected = payloads[..whole].to_vec();
        expected.push(b"later".to_vec());
        prop_assert_eq!(read(&path).unwrap(), (expected, None));
    }

    #[test]
    fn a_flipped_bit_is_told_or_gives_whole_frames_from_the_beginning(
        payloads in payloads(),
        place in any::<prop::sample::Index>(),
        bit in 0..8,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("frames");
        write(&path, &payloads);
        let mut bytes = fs::read(&path).unwrap();
        let place = place.index(bytes.len());
        bytes[place] ^= 1_u8 << bit;
        fs::write(&path, &bytes).unwrap();

        match open(&path) {
            Ok((found, _, torn)) => {
                // Only the last frame may go, and its place is told.
                prop_assert_eq!(&found, &payloads[..payloads.len() - 1]);
                prop_assert!(torn.is_some_and(|it| it.at <= place as u64));
            }
            Err(error) => {
                let told = matches!(error, FrameError::Damaged { at, .. } if at <= place as u64);
                let is_head = matches!(error, FrameError::Kind { .. }) && place < HEAD;
                prop_assert!(told || is_head, "{error}");
                prop_assert_eq!(fs::read(&path).unwrap(), bytes);
            }
        }
    }

    #[test]
    fn any_bytes_are_refused_or_read(bytes in proptest::collection::vec(any::<u8>(), 0..200), starts in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("frames");
        if starts {
            write(&path, &[b"whole".to_vec()]);
        }
        let mut all = fs::read(&path).unwrap_or_default();
        all.extend(bytes);
        fs::write(&path, &all).unwrap();
        if let Ok((found, torn)) = read(&path) {
            let whole: usize = found.iter().map(|it| 8 + it.len()).sum();
            let torn = torn.map_or(0, |it| it.bytes) as usize;
            prop_assert!(whole + torn + HEAD == all.len() || torn == all.len());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn of_a_damaged_file_all_frames_are_salvaged_that_are_whole(
        payloads in payloads(),
        places in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("frames");
        write(&path, &payloads);
        let whole = fs::read(&path).unwrap();
        let mut bytes = whole.clone();
        let places = (places.0.index(bytes.len()), places.1.index(bytes.len()));
        // A page that was lost, of the head or of frames, but of a head as a whole.
        let from = match places.0.min(places.1) {
            from if from < HEAD => 0,
            from => from,
        };
        let to = places.0.max(places.1).max(if from == 0 { HEAD } else { from });
        bytes[from..to].fill(0);
        fs::write(&path, &bytes).unwrap();

        let mut at = HEAD;
        let mut kept = Vec::new();
        for payload in &payloads {
            let end = at + 8 + payload.len();
            if bytes[at..end] == whole[at..end] {
                kept.push(payload.clone());
            }
            at = end;
        }
        let salvaged = Frames::salvage(&path, KIND).unwrap();
        let held: usize = kept.iter().map(|it| 8 + it.len()).sum();
        let head = if from == 0 { 0 } else { HEAD };
        let lost_bytes = (bytes.len() - head - held) as u64;
        prop_assert_eq!(salvaged, Salvaged { frames: kept.len() as u64, lost_bytes });
        prop_assert_eq!(read(&path).unwrap(), (kept, None));
    }
}

#[test]
fn behind_damage_by_chance_all_frames_are_salvaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("frames");
    let payloads: Vec<Vec<u8>> = (0..1_000u32)
        .map(|i| format!("{i}: {}", "a row ".repeat(60)).into_bytes())
        .collect();
    write(&path, &payloads);
    let mut bytes = fs::read(&path).unwrap();
    let mut state = 7u64;
    for byte in &mut bytes[12_000..12_000 + (64 << 10)] {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        *byte = (state >> 56) as u8;
    }
    fs::write(&path, &bytes).unwrap();

    Frames::salvage(&path, KIND).unwrap();
    let kept = read(&path).unwrap().0;
    let of_frame = 8 + payloads[500].len();
    assert!(
        kept.len() >= 1_000 - (64 << 10) / (of_frame - 3) - 2,
        "{}",
        kept.len()
    );
    assert_eq!(kept.last(), payloads.last());
}

#[cfg(unix)]
#[test]
fn behind_a_link_the_file_is_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (path, link) = (folder.path().join("frames"), folder.path().join("link"));
    write(&path, &[b"old".to_vec()]);
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let each = |_: u64, _: &[u8]| Ok::<(), std::io::Error>(());
    let (mut frames, _) = Frames::open(&link, KIND, each).unwrap();
    frames.renew(KIND, |put| put(b"new")).unwrap();
    drop(frames);
    assert!(link.is_symlink());
    assert_eq!(read(&path).unwrap().0, [b"new".to_vec()]);
}

#[test]
fn what_is_no_such_file_is_not_salvaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("frames");
    let other = "another file, which is longer than a head";
    fs::write(&path, other).unwrap();
    let error = Frames::salvage(&path, KIND).unwrap_err();
    assert!(matches!(error, FrameError::Kind { .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), other.as_bytes());
    fs::remove_file(&path).unwrap();
    let (_, _frames, _) = open(&path).unwrap();
    let error = Frames::salvage(&path, KIND).unwrap_err();
    assert!(matches!(error, FrameError::Taken { .. }), "{error}");
}

#[cfg(unix)]
#[test]
fn a_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("frames");
    let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    write(&path, &[]);
    assert_eq!(mode(), 0o600);
    Frames::replace(&path, KIND, |put| put(b"one")).unwrap();
    assert_eq!(mode(), 0o600);
}

#[test]
fn a_file_has_one_writer_and_any_readers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("frames");
    let (_, mut frames, _) = open(&path).unwrap();
    frames.append(b"one").unwrap();
    let error = open(&path).unwrap_err();
    assert!(matches!(error, FrameError::Taken { .. }), "{error}");
    assert_eq!(read(&path).unwrap().0, [b"one"]);
    drop(frames);
    assert_eq!(open(&path).unwrap().0, [b"one"]);
}

#[test]
fn other_files_and_later_versions_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("frames");
    let later = FrameKind { version: 3, ..KIND };
    drop(Frames::open(&path, later, |_, _| Ok::<(), Infallible>(())).unwrap());
    let error = open(&path).unwrap_err().to_string();
    assert!(
        error.ends_with("frames: format version 3, expected at most 2"),
        "{error}"
    );

    for other in ["a note\n", "another file, which is longer than a head"] {
        fs::write(&path, other).unwrap();
        let error = open(&path).unwrap_err();
        assert!(matches!(error, FrameError::Kind { .. }), "{error}");
        assert_eq!(fs::read(&path).unwrap(), other.as_bytes());
    }
    let earlier = FrameKind { version: 1, ..KIND };
    fs::remove_file(&path).unwrap();
    drop(Frames::open(&path, earlier, |_, _| Ok::<(), Infallible>(())).unwrap());
    open(&path).unwrap();
    let error = Frames::read(&path, earlier, |_, _| Ok::<(), Infallible>(())).unwrap_err();
    let expected = "frames: format version 2, expected at most 1";
    assert!(error.to_string().ends_with(expected), "{error}");
    write(&path, &[b"one".to_vec()]);
    assert_eq!(read(&path).unwrap(), (vec![b"one".to_vec()], None));
}

#[test]
fn zeros_at_the_end_are_a_torn_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("frames");
    write(&path, &[b"one".to_vec()]);
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.len() as u64;
    bytes.resize(bytes.len() + 5000, 0);
    fs::write(&path, &bytes).unwrap();
    let (found, _, torn) = open(&path).unwrap();
    assert_eq!((found.len(), torn), (1, Some(Torn { at, bytes: 5000 })));
    fs::write(&path, [0; 300]).unwrap();
    assert_eq!(
        open(&path).unwrap().2,
        Some(Torn { at: 0, bytes: 300 }),
        "not even its head was synced"
    );
    let other = [&[0; 300][..], b"what somebody else wrote"].concat();
    fs::write(&path, &other).unwrap();
    let error = open(&path).unwrap_err();
    assert!(matches!(error, FrameError::Kind { .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), other);
}

#[test]
fn a_bad_frame_with_a_good_one_behind_it_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("frames");
    write(
        &path,
        &[b"one".to_vec(), b"two".to_vec(), b"three".to_vec()],
    );
    let mut bytes = fs::read(&path).unwrap();
    bytes[HEAD + 11 + 9] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let error = open(&path).unwrap_err().to_string();
    let expected = "at byte 27: 11 bytes are no frame, expected one; they are no torn end, as a whole frame comes \
                    behind them";
    assert!(error.ends_with(expected), "{error}");
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn what_a_reader_refuses_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("frames");
    write(&path, &[b"one".to_vec(), b"two".to_vec()]);
    let refuse = |_, it: &[u8]| (it != b"two").then_some(()).ok_or("no number");
    let error = Frames::read(&path, KIND, refuse).unwrap_err().to_string();
    assert!(error.ends_with("frames: at byte 27: no number"), "{error}");
}

#[test]
fn a_frame_that_is_too_large_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("frames");
    let (_, mut frames, _) = open(&path).unwrap();
    frames.append(&vec![7; MAX_FRAME_BYTES]).unwrap();
    let error = frames.append(&vec![7; MAX_FRAME_BYTES + 1]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a frame of 16777217 bytes, expected at most 16777216"
    );
    assert_eq!(read(&path).unwrap().0.len(), 1);
}

#[test]
fn a_file_is_replaced_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("frames");
    write(&path, &[b"one".to_vec(), b"two".to_vec()]);
    Frames::replace(&path, KIND, |put| {
        put(b"three")?;
        Err(std::io::Error::other("no"))
    })
    .unwrap_err();
    assert_eq!(read(&path).unwrap().0, [b"one", b"two"]);
    Frames::replace(&path, KIND, |put| put(b"two")).unwrap();
    assert_eq!(read(&path).unwrap(), (vec![b"two".to_vec()], None));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// A device that is always full.
#[cfg(target_os = "linux")]
#[test]
fn what_is_no_file_is_told() {
    let error = open("/dev/full".as_ref()).unwrap_err();
    assert!(error.to_string().starts_with("/dev/full: "), "{error}");
    let folder = tempfile::tempdir().unwrap();
    let error = open(folder.path()).unwrap_err();
    assert!(matches!(error, FrameError::Io { .. }), "{error}");
}
