//! The sealed file: secrets under a passphrase, replaced as a whole or not at all.
//!
//! `magic, rounds, salt, nonce, ciphertext`: PBKDF2-HMAC-SHA256 makes the key, ChaCha20-Poly1305 seals, and the head is
//! sealed along. A new version is written beside the old one, synced, and renamed over it, so that whatever stops the
//! process leaves one whole file. It never tells a wrong passphrase from a damaged file, because nobody can.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::pbkdf2;
use ring::rand::{SecureRandom, SystemRandom};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::domain::secret::Secret;

const MAGIC: &[u8; 15] = b"reknit-vault-1\n";
const SALT: usize = 16;
const NONCE: usize = 12;
const HEAD: usize = MAGIC.len() + 4 + SALT + NONCE;
/// A guess at the passphrase costs an attacker so many hashes.
pub(super) const ROUNDS: u32 = if cfg!(test) { 1_000 } else { 600_000 };
/// A file that asks for more was not made by us: it would only keep us busy.
const MOST_ROUNDS: u32 = 20_000_000;
const LONGEST: u64 = 4 << 20;

/// Why the vault cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// It is there, and nobody gave the passphrase.
    #[error("{path} is sealed, and neither REKNIT_VAULT_PASSPHRASE nor REKNIT_VAULT_PASSPHRASE_FILE is set", path = .0.display())]
    Locked(PathBuf),
    /// There is none, and no passphrase to make one with.
    #[error("neither REKNIT_VAULT_PASSPHRASE nor REKNIT_VAULT_PASSPHRASE_FILE is set")]
    NoPassphrase,
    /// The passphrase cannot be taken.
    #[error("{0}")]
    Passphrase(String),
    /// The system would not let us.
    #[error("{path}: {why}", path = .path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        why: String,
    },
    /// It is some other file.
    #[error("{path} is no vault of Reknit's, or only a part of one", path = .0.display())]
    NotAVault(PathBuf),
    /// It does not open.
    #[error("{path} does not open: the passphrase is wrong, or the file was damaged", path = .0.display())]
    WrongKey(PathBuf),
}

/// A file of secrets and the passphrase that opens it.
pub(super) struct Sealed {
    path: PathBuf,
    passphrase: Secret,
    /// The key last made: it costs half a second, and only a new salt asks for another.
    key: Mutex<Option<Made>>,
}

struct Made {
    salt: [u8; SALT],
    rounds: u32,
    key: LessSafeKey,
}

impl Sealed {
    pub(super) fn new(path: PathBuf, passphrase: Secret) -> Self {
        Self { path, passphrase, key: Mutex::new(None) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What it holds; none when there is no file.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<Option<T>, VaultError> {
        let Some(bytes) = self.bytes()? else { return Ok(None) };
        let (head, sealed) = bytes.split_at_checked(HEAD).ok_or_else(|| self.foreign())?;
        let rounds = rounds(head).filter(|rounds| head.starts_with(MAGIC) && *rounds <= MOST_ROUNDS);
        let rounds = rounds.ok_or_else(|| self.foreign())?;
        let salt: [u8; SALT] = part(head, MAGIC.len() + 4);
        let nonce: [u8; NONCE] = part(head, MAGIC.len() + 4 + SALT);
        let mut plain = Zeroizing::new(sealed.to_vec());
        let opened = self.with_key(salt, rounds, |key| {
            key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(head), &mut plain)
                .map(|text| text.len())
        });
        let length = opened.map_err(|_| VaultError::WrongKey(self.path.clone()))?;
        serde_json::from_slice(&plain[..length]).map(Some).map_err(|_| self.foreign())
    }

    /// Changes what it holds, alone among all processes. Whatever stops it leaves the old file or the new one.
    pub(super) fn change<T: DeserializeOwned + Serialize + Default, R>(
        &self,
        change: impl FnOnce(&mut T) -> R,
    ) -> Result<R, VaultError> {
        self.change_unless(change, || Ok(()))
    }

    /// The same, with something that may go wrong at the worst moment: the new file is whole and not yet in place.
    pub(super) fn change_unless<T: DeserializeOwned + Serialize + Default, R>(
        &self,
        change: impl FnOnce(&mut T) -> R,
        at_the_worst: impl FnOnce() -> io::Result<()>,
    ) -> Result<R, VaultError> {
        let _alone = self.lock("lock")?;
        let mut held: T = self.read()?.unwrap_or_default();
        let result = change(&mut held);
        let plain = Zeroizing::new(serde_json::to_vec(&held).map_err(|error| self.unusable(&error))?);
        let bytes = self.seal(&plain)?;
        self.replace(&bytes, at_the_worst).map_err(|error| self.unusable(&error))?;
        Ok(result)
    }

    /// Waits for a lock beside the file; given up when dropped, however the process ends.
    pub(super) fn lock(&self, ending: &str) -> Result<File, VaultError> {
        let path = self.path.with_extension(ending);
        let failed = |error: io::Error| VaultError::Unusable { path: path.clone(), why: error.to_string() };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let file = private(OpenOptions::new().create(true).truncate(false).write(true))
            .open(&path)
            .map_err(failed)?;
        file.lock().map_err(failed)?;
        Ok(file)
    }

    fn bytes(&self) -> Result<Option<Vec<u8>>, VaultError> {
        match fs::metadata(&self.path) {
            Ok(found) if found.len() > LONGEST => return Err(self.foreign()),
            _ => {}
        }
        match fs::read(&self.path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.unusable(&error)),
        }
    }

    fn seal(&self, plain: &[u8]) -> Result<Vec<u8>, VaultError> {
        let random = SystemRandom::new();
        let fill = |bytes: &mut [u8]| {
            random.fill(bytes).map_err(|_| self.unusable(&"the system gives no randomness"))
        };
        // The salt stays as long as the passphrase does, so the key need not be made anew; the nonce never does.
        let known = self
            .key
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .map(|made| (made.salt, made.rounds));
        let (salt, rounds) = match known {
            Some(known) => known,
            None => {
                let mut salt = [0; SALT];
                fill(&mut salt)?;
                (salt, ROUNDS)
            }
        };
        let mut nonce = [0; NONCE];
        fill(&mut nonce)?;
        let mut bytes = Vec::with_capacity(HEAD + plain.len() + CHACHA20_POLY1305.tag_len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&rounds.to_be_bytes());
        bytes.extend_from_slice(&salt);
        bytes.extend_from_slice(&nonce);
        let mut sealed = plain.to_vec();
        self.with_key(salt, rounds, |key| {
            key.seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(&bytes[..]),
                &mut sealed,
            )
        })
        .map_err(|_| self.unusable(&"it is too long to be sealed"))?;
        bytes.extend_from_slice(&sealed);
        Ok(bytes)
    }

    fn with_key<R>(&self, salt: [u8; SALT], rounds: u32, act: impl FnOnce(&LessSafeKey) -> R) -> R {
        let mut made = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = made.as_ref().filter(|made| made.salt == salt && made.rounds == rounds) {
            return act(&made.key);
        }
        let mut bytes = Zeroizing::new([0; 32]);
        let count = NonZeroU32::new(rounds).unwrap_or(NonZeroU32::MIN);
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA256,
            count,
            &salt,
            self.passphrase.reveal().as_bytes(),
            &mut *bytes,
        );
        let key = UnboundKey::new(&CHACHA20_POLY1305, &*bytes).expect("32 bytes are what the cipher takes");
        let made = made.insert(Made { salt, rounds, key: LessSafeKey::new(key) });
        act(&made.key)
    }

    fn replace(&self, bytes: &[u8], at_the_worst: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let beside = self.path.with_extension("new");
        // One that an earlier death left behind is written over, and its permissions are not trusted.
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = private(OpenOptions::new().create_new(true).write(true)).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        drop(file);
        at_the_worst()?;
        fs::rename(&beside, &self.path)?;
        // The new name must survive a power failure too. Where folders cannot be synced, the rename was all there is.
        match self.path.parent().map(File::open) {
            Some(Ok(folder)) => {
                folder.sync_all().or_else(|error| if cfg!(unix) { Err(error) } else { Ok(()) })
            }
            _ => Ok(()),
        }
    }

    fn foreign(&self) -> VaultError {
        VaultError::NotAVault(self.path.clone())
    }

    fn unusable(&self, why: &dyn std::fmt::Display) -> VaultError {
        VaultError::Unusable { path: self.path.clone(), why: why.to_string() }
    }
}

/// Readable by its owner alone, where the system knows such a thing.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}

fn rounds(head: &[u8]) -> Option<u32> {
    let bytes = head.get(MAGIC.len()..MAGIC.len() + 4)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

fn part<const N: usize>(head: &[u8], at: usize) -> [u8; N] {
    head[at..at + N].try_into().expect("the head is as long as all its parts")
}
