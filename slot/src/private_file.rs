//! Files with secrets in them: readable by their owner only, and whole after any crash.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::geteuid;
use zeroize::Zeroizing;

/// Why a private file cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum PrivateFileError {
    /// The system refuses.
    #[error("cannot read or write {}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Others than its owner may read or write it, so what it holds is no secret any more.
    #[error(
        "others may read or write {file}; if you trust what is in it, run: chmod 600 {file}",
        file = path.display()
    )]
    Exposed {
        /// Which file.
        path: PathBuf,
    },
    /// Another user owns it, and so may read it and change what is in it.
    #[error(
        "{file} belongs to another user; if you trust what is in it, run: chown {user} {file}",
        user = geteuid().as_raw(), file = path.display()
    )]
    Foreign {
        /// Which file.
        path: PathBuf,
    },
    /// It leads elsewhere, where others may have their hands on it, or it is no file at all.
    #[error(
        "{} is no plain file; put the file itself there, not a link to it",
        path.display()
    )]
    NotPlain {
        /// What is there.
        path: PathBuf,
    },
    /// Others than its owner may write in the folder, and so put files of theirs in the place of ours.
    #[error(
        "others may write in {folder}; if you trust what is in it, run: chmod go-w {folder}",
        folder = path.display()
    )]
    OpenFolder {
        /// Which folder.
        path: PathBuf,
    },
}

/// The text of a private file, or `None` if there is no such file.
///
/// # Errors
///
/// If it cannot be read, or is not its user's alone, as [`open`] has it.
pub fn read(path: &Path) -> Result<Option<Zeroizing<String>>, PrivateFileError> {
    let failed = |source| PrivateFileError::Io {
        path: path.to_owned(),
        source,
    };
    let mut file = match open(path, OpenOptions::new().read(true)) {
        Ok(file) => file,
        Err(PrivateFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    // Room for all of it at once: a buffer that grows leaves copies behind.
    let size = file.metadata().map_err(failed)?.len();
    let size = usize::try_from(size).unwrap_or_default();
    let mut text = Zeroizing::new(String::with_capacity(size + 1));
    file.read_to_string(&mut text).map_err(failed)?;
    Ok(Some(text))
}

/// Opens a private file as `options` say; one that is made is for its owner only.
///
/// # Errors
///
/// If the system refuses; if it is no plain file, belongs to another user than this process is of, or
/// others than its owner may read or write it.
pub fn open(path: &Path, options: &mut OpenOptions) -> Result<File, PrivateFileError> {
    let failed = |source| PrivateFileError::Io {
        path: path.to_owned(),
        source,
    };
    let not_plain = || PrivateFileError::NotPlain {
        path: path.to_owned(),
    };
    // Without a wait for whoever may write into what is a pipe.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = options
        .mode(0o600)
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
            return Err(not_plain());
        }
        Err(error) => return Err(failed(error)),
    };
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(not_plain());
    }
    if metadata.uid() != geteuid().as_raw() {
        return Err(PrivateFileError::Foreign {
            path: path.to_owned(),
        });
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(PrivateFileError::Exposed {
            path: path.to_owned(),
        });
    }
    Ok(file)
}

/// Makes sure of a folder of private files, which is made if it is not there, for its owner only.
///
/// That others see what is in it does no harm, for each file is its owner's alone; that they change it
/// would.
///
/// # Errors
///
/// If the system refuses, or others than its owner may write in it.
pub fn folder(path: &Path) -> Result<(), PrivateFileError> {
    let failed = |source| PrivateFileError::Io {
        path: path.to_owned(),
        source,
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(failed)?;
    if fs::metadata(path).map_err(failed)?.mode() & 0o022 != 0 {
        return Err(PrivateFileError::OpenFolder {
            path: path.to_owned(),
        });
    }
    Ok(())
}

/// Replaces `path` by `text`, durably: after a crash it holds either the old or the new text.
///
/// # Errors
///
/// If the system refuses; the old text is then kept.
pub fn write(path: &Path, text: &str) -> Result<(), PrivateFileError> {
    replace(path, text).map_err(|source| PrivateFileError::Io {
        path: path.to_owned(),
        source,
    })
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let fresh = path.with_extension("new");
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn a_private_file_is_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        assert!(read(&path).unwrap().is_none());

        write(&path, "one").unwrap();
        write(&path, "two").unwrap();

        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(read(&path).unwrap().unwrap().as_str(), "two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn one_that_others_can_read_is_refused_with_the_command_that_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        write(&path, "secret").unwrap();
        for mode in [0o640, 0o604, 0o620] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = read(&path).unwrap_err().to_string();
            assert!(
                error.ends_with(&format!("chmod 600 {}", path.display())),
                "{error}"
            );
        }
    }

    #[test]
    fn what_is_no_plain_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = folder.path().join("elsewhere.json");
        write(&elsewhere, "secret").unwrap();
        let link = folder.path().join("link.json");
        symlink(&elsewhere, &link).unwrap();
        let pipe = folder.path().join("pipe.json");
        let owner = Mode::RUSR | Mode::WUSR;
        mknodat(CWD, &pipe, FileType::Fifo, owner, 0).unwrap();
        for path in [&link, &pipe] {
            let error = read(path).unwrap_err();
            assert!(
                matches!(error, PrivateFileError::NotPlain { .. }),
                "{error}"
            );
        }
    }

    #[test]
    fn a_folder_that_others_can_write_in_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data/slot");
        folder(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        for (mode, is_refused) in [(0o755, false), (0o775, true), (0o702, true)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(folder(&path).is_err(), is_refused, "{mode:o}");
        }
    }

    #[test]
    fn what_a_crash_left_behind_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.json");
        fs::write(path.with_extension("new"), "half").unwrap();
        write(&path, "whole").unwrap();
        assert_eq!(read(&path).unwrap().unwrap().as_str(), "whole");
    }
}
