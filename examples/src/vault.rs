//! Vaults of personal data.

use std::path::Path;

use cs_serve::safety::personal::{Keys, Vault, VaultError};

use crate::error::{Error, Result};

/// Opens a vault, or makes it, with the third key of a key file.
///
/// # Errors
///
/// [`Error::Unfit`] names a key file without one; else [`Error::Vault`].
pub fn open_vault(path: &Path, key_file: &Path, keys: &Keys) -> Result<Vault> {
    Vault::open(path, keys).map_err(|error| match error {
        VaultError::NoKey => Error::Unfit {
            path: key_file.to_owned(),
            found: "no key of a vault".to_owned(),
            expected: "a third line beside the keys of values and customers",
        },
        error => Error::Vault(error),
    })
}
