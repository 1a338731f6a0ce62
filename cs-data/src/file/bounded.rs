//! Files that may not be larger than they should be.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Reads a file of at most `most` bytes; none if it has more. No more than these are read, also of one that grows
/// meanwhile, or that does not know its length, as a pipe.
///
/// # Errors
/// What the system gives.
pub fn read_at_most(path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let mut limited = File::open(path)?.take(most.saturating_add(1));
    limited.read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= most).then_some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_read_than_there_may_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        assert!(read_at_most(&path, 3).is_err());
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(read_at_most(&path, 3).unwrap(), Some(b"abc".to_vec()));
        assert_eq!(read_at_most(&path, 2).unwrap(), None);
        if Path::new("/dev/zero").exists() {
            assert_eq!(read_at_most("/dev/zero".as_ref(), 9).unwrap(), None);
        }
    }
}
