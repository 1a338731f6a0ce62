//! The values themselves, under a key of their own.

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use cs_data::file::{FrameKind, Frames, Torn};
use zeroize::Zeroizing;

use super::error::VaultError;
use super::keys::Keys;
use super::kind::Kind;
use super::placeholder::TAG;

const FRAMES: FrameKind = FrameKind {
    magic: *b"cs-vault",
    version: 1,
};

const NONCE: usize = 24;

/// What the first frame has under the key, so that another key is told.
const HEAD: &[u8] = b"a vault of personal data";

/// Keeps the values that tags stand for, each under XChaCha20-Poly1305 with a random nonce by a key of its own; tag,
/// conversation and kind are bound to it. Without that key a file of these tells how many values there are, of which
/// kinds and conversations, and how long they are. A value is written once for each tag.
///
/// ```
/// use std::sync::Arc;
///
/// use cs_serve::safety::personal::{Keys, Masker, Vault};
///
/// # let folder = tempfile::tempdir()?;
/// let keys = Keys::random()?;
/// let vault = Arc::new(Vault::open(&folder.path().join("vault"), &keys)?);
/// let masker = Masker::new(keys).with_vault(Arc::clone(&vault));
///
/// let masked = masker.text("conversation 7", "写信到a@b.example").masked.into_inner();
/// let tag = masked.trim_end_matches('>').rsplit(':').next().unwrap_or_default();
/// assert_eq!(vault.get(tag)?.as_deref().map(String::as_str), Some("a@b.example"));
///
/// let conversation = masker.conversation("conversation 7");
/// assert_eq!(vault.forget(&[conversation.get()])?, 1);
/// assert_eq!(vault.get(tag)?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Vault {
    path: PathBuf,
    cipher: XChaCha20Poly1305,
    state: Mutex<State>,
    /// Held by who writes the file anew.
    renewal: Mutex<()>,
    torn: Option<Torn>,
    lost: AtomicU64,
}

struct State {
    /// None while the file is written anew.
    frames: Option<Frames>,
    /// What is to be kept when it is there again.
    waiting: Vec<Vec<u8>>,
    tags: HashSet<[u8; TAG]>,
}

/// What a value is bound to. It lies before it in the clear.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) tag: &'a str,
    pub(super) conversation: &'a str,
    pub(super) kind: Kind,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault").finish_non_exhaustive()
    }
}

impl Vault {
    /// Opens a vault, or makes it, with the third of some keys. One process at a time has it.
    ///
    /// # Errors
    /// [`VaultError::NoKey`] if there are but two keys, [`VaultError::WrongKey`] if it was made with another one, and
    /// [`VaultError::File`] if the file is none or another process has it.
    pub fn open(path: &Path, keys: &Keys) -> Result<Self, VaultError> {
        let key = keys.vault.as_ref().ok_or(VaultError::NoKey)?;
        let cipher = XChaCha20Poly1305::new((&**key).into());
        let (state, torn) = load(path, &cipher)?;
        Ok(Self {
            path: path.to_owned(),
            cipher,
            state: Mutex::new(state),
            renewal: Mutex::new(()),
            torn,
            lost: AtomicU64::new(0),
        })
    }

    /// Gives the end of the file that a crash had left half written, and which was cut off.
    #[must_use]
    pub fn torn(&self) -> Option<Torn> {
        self.torn
    }

    /// Gives the value that a tag stands for. Reads the file.
    ///
    /// # Errors
    /// [`VaultError::File`] if it cannot be read, [`VaultError::WrongKey`] if the value does not fit its tag.
    pub fn get(&self, tag: &str) -> Result<Option<Zeroizing<String>>, VaultError> {
        let state = self.state();
        if !bytes_of(tag).is_some_and(|it| state.tags.contains(&it)) {
            return Ok(None);
        }
        let mut sealed = None;
        Frames::read(&self.path, FRAMES, |_, frame| {
            let is_it = Record::of(frame).is_some_and(|it| it.tag == tag.as_bytes());
            if is_it {
                sealed = Some(frame.to_vec());
            }
            Ok::<_, std::convert::Infallible>(())
        })?;
        let Some(sealed) = sealed else {
            return Ok(None);
        };
        let value = Record::of(&sealed).and_then(|it| open(&self.cipher, it.place, it.sealed));
        let value = value.and_then(|it| String::from_utf8(it).ok());
        match value {
            Some(value) => Ok(Some(Zeroizing::new(value))),
            None => Err(self.wrong_key()),
        }
    }

    /// Deletes the values of conversations, by their tags ([`Masker::conversation`](super::Masker::conversation)), and
    /// gives how many. The file is read twice and written anew without them, and until then is as it was. Values that are to
    /// be kept meanwhile wait in memory, and nobody waits for the disk. `LogFolder::delete` does not do it by itself: a
    /// folder's `LogFolder::conversations` are those of a customer.
    ///
    /// # Errors
    /// [`VaultError::File`] and [`VaultError::Write`] if it cannot be read or written.
    pub fn forget(&self, conversations: &[&str]) -> Result<usize, VaultError> {
        let conversations: HashSet<&[u8]> = conversations.iter().map(|it| it.as_bytes()).collect();
        let _renewal = lock(&self.renewal);
        let mut gone = HashSet::new();
        Frames::read(&self.path, FRAMES, |_, frame| {
            let record = Record::of(frame).filter(|it| conversations.contains(it.conversation));
            gone.extend(record.and_then(|it| it.tag()));
            Ok::<_, std::convert::Infallible>(())
        })?;
        let frames = match gone.is_empty() {
            true => None,
            false => self.take(&gone),
        };
        let Some(mut frames) = frames else {
            return Ok(0);
        };
        let written = frames.renew(FRAMES, |put| self.copy(&gone, put));
        let mut state = self.state();
        if written.is_err() {
            state.tags.extend(&gone);
        }
        let lost = state.give_back(frames);
        drop(state);
        self.lose(lost);
        written.map_err(|source| self.write_error(source))?;
        Ok(gone.len())
    }

    /// Takes the file away from who keeps values, without some tags.
    fn take(&self, gone: &HashSet<[u8; TAG]>) -> Option<Frames> {
        let mut state = self.state();
        state.tags.retain(|it| !gone.contains(it));
        state.frames.take()
    }

    /// Copies what is in the file, but for some tags.
    fn copy(
        &self,
        gone: &HashSet<[u8; TAG]>,
        put: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let copied = Frames::read(&self.path, FRAMES, |_, frame| {
            let tag = Record::of(frame).and_then(|it| it.tag());
            match tag.is_some_and(|it| gone.contains(&it)) {
                true => Ok(()),
                false => put(frame),
            }
        });
        copied.map(drop).map_err(io::Error::other)
    }

    /// Makes all values so far outlast a crash of the machine; some milliseconds, or as long as a
    /// [`forget`](Self::forget) takes that has begun.
    ///
    /// # Errors
    /// [`VaultError::Write`] if the file cannot be synced.
    pub fn sync(&self) -> Result<(), VaultError> {
        let _renewal = lock(&self.renewal);
        let mut state = self.state();
        match state.frames.as_mut() {
            Some(frames) => frames.sync().map_err(|source| self.write_error(source)),
            None => Ok(()),
        }
    }

    /// Gives how many values could not be kept, as on a full disk. Their texts were masked none the less.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Keeps a value, unless it is there.
    pub(super) fn keep(&self, place: Place<'_>, value: &str) {
        if self.put(place, value).is_none() {
            self.lose(1);
        }
    }

    /// Counts what could not be kept, and tells the first of it.
    fn lose(&self, count: u64) {
        if count > 0 && self.lost.fetch_add(count, Ordering::Relaxed) == 0 {
            let file = self.path.display();
            tracing::error!(%file, "values cannot be written into the vault, and are lost");
        }
    }

    fn put(&self, place: Place<'_>, value: &str) -> Option<()> {
        let tag = bytes_of(place.tag)?;
        let mut state = self.state();
        if state.tags.contains(&tag) {
            return Some(());
        }
        let record = seal(&self.cipher, &place.bytes(), value.as_bytes())?;
        match &mut state.frames {
            Some(frames) => frames.append(&record).ok()?,
            None => state.waiting.push(record),
        }
        state.tags.insert(tag);
        Some(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn wrong_key(&self) -> VaultError {
        let path = self.path.clone();
        VaultError::WrongKey { path }
    }

    fn write_error(&self, source: io::Error) -> VaultError {
        let path = self.path.clone();
        VaultError::Write { path, source }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nobody panics while it is locked.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// Has values kept in the file again, and gives how many of those that waited could not be.
    fn give_back(&mut self, mut frames: Frames) -> u64 {
        let mut lost = 0;
        for record in self.waiting.drain(..) {
            if frames.append(&record).is_err() {
                lost += 1;
                if let Some(tag) = Record::of(&record).and_then(|it| it.tag()) {
                    self.tags.remove(&tag);
                }
            }
        }
        self.frames = Some(frames);
        lost
    }
}

/// Opens the file, and makes sure that the key is its own.
fn load(path: &Path, cipher: &XChaCha20Poly1305) -> Result<(State, Option<Torn>), VaultError> {
    let mut tags = HashSet::new();
    let mut head = None;
    let (mut frames, torn) = Frames::open(path, FRAMES, |_, frame| {
        match (&head, Record::of(frame)) {
            (None, _) => head = Some(frame.to_vec()),
            (Some(_), Some(record)) => {
                tags.extend(record.tag());
            }
            (Some(_), None) => {
                return Err("a frame that is no value, expected its tag, conversation and kind");
            }
        }
        Ok(())
    })?;
    let write = |source| VaultError::Write {
        path: path.to_owned(),
        source,
    };
    match head {
        None => {
            let head = seal(cipher, b"", HEAD).ok_or(VaultError::Random)?;
            frames
                .append(&head)
                .and_then(|()| frames.sync())
                .map_err(write)?;
        }
        Some(head) if open(cipher, b"", &head).is_none_or(|it| it != HEAD) => {
            let path = path.to_owned();
            return Err(VaultError::WrongKey { path });
        }
        Some(_) => {}
    }
    let state = State {
        frames: Some(frames),
        waiting: Vec::new(),
        tags,
    };
    Ok((state, torn))
}

/// A frame of a value: tag, conversation's tag, length and name of the kind, and what is sealed.
struct Record<'a> {
    tag: &'a [u8],
    conversation: &'a [u8],
    /// All of these.
    place: &'a [u8],
    sealed: &'a [u8],
}

impl<'a> Record<'a> {
    fn of(frame: &'a [u8]) -> Option<Self> {
        let kind = usize::from(*frame.get(2 * TAG)?);
        let (place, sealed) = frame.split_at_checked(2 * TAG + 1 + kind)?;
        let is_kind =
            std::str::from_utf8(&place[2 * TAG + 1..]).is_ok_and(|it| Kind::named(it).is_some());
        is_kind.then_some(Self {
            tag: &place[..TAG],
            conversation: &place[TAG..2 * TAG],
            place,
            sealed,
        })
    }
}

impl Record<'_> {
    fn tag(&self) -> Option<[u8; TAG]> {
        self.tag.first_chunk().copied()
    }
}

impl Place<'_> {
    fn bytes(&self) -> Vec<u8> {
        let name = self.kind.name();
        let length = [name.len() as u8];
        [
            self.tag.as_bytes(),
            self.conversation.as_bytes(),
            &length,
            name.as_bytes(),
        ]
        .concat()
    }
}

/// Gives a place, a nonce and what the key makes of a value.
fn seal(cipher: &XChaCha20Poly1305, place: &[u8], value: &[u8]) -> Option<Vec<u8>> {
    let mut nonce = [0; NONCE];
    getrandom::fill(&mut nonce).ok()?;
    let payload = Payload {
        msg: value,
        aad: place,
    };
    let sealed = cipher.encrypt(XNonce::from_slice(&nonce), payload).ok()?;
    Some([place, &nonce, &sealed].concat())
}

fn open(cipher: &XChaCha20Poly1305, place: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = sealed.split_at_checked(NONCE)?;
    let payload = Payload {
        msg: sealed,
        aad: place,
    };
    cipher.decrypt(XNonce::from_slice(nonce), payload).ok()
}

fn bytes_of(tag: &str) -> Option<[u8; TAG]> {
    tag.as_bytes().try_into().ok()
}
