//! Whom the slot trusts in TLS.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use rustls::{ClientConfig, RootCertStore};

/// The authorities a receiver's certificate may come from: those of this machine, and those of a
/// file.
#[derive(Clone, Debug)]
pub struct Roots {
    own: RootCertStore,
}

/// Why the certificates of a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// The file cannot be read, or is not PEM.
    #[error("the certificates in {} cannot be read: {reason}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        reason: String,
    },
    /// It is PEM, and holds no certificate.
    #[error("there is no certificate in {}; it must hold PEM blocks that begin with BEGIN CERTIFICATE", .0.display())]
    Empty(PathBuf),
}

impl Roots {
    /// This machine's authorities, and those in the PEM file `ca_file`.
    ///
    /// The file is read now; this machine's authorities at the first use, because a slot that
    /// starts must answer at once.
    pub fn new(ca_file: Option<&Path>) -> Result<Self, RootsError> {
        let mut own = RootCertStore::empty();
        if let Some(path) = ca_file {
            let certificates = read(path).map_err(|error| unreadable(path, &error))?;
            if certificates.is_empty() {
                return Err(RootsError::Empty(path.to_owned()));
            }
            for certificate in certificates {
                own.add(certificate)
                    .map_err(|error| unreadable(path, &error))?;
            }
        }
        Ok(Self { own })
    }

    /// All of them, read now.
    pub(crate) fn trusted(&self) -> RootCertStore {
        let mut roots = self.own.clone();
        let system = rustls_native_certs::load_native_certs();
        for error in system.errors {
            tracing::warn!("some of this machine's root certificates cannot be read: {error}");
        }
        roots.add_parsable_certificates(system.certs);
        roots
    }

    /// The TLS of the slot's connections.
    pub(crate) fn client_config(&self) -> Arc<ClientConfig> {
        let roots = self.trusted();
        if roots.is_empty() {
            tracing::warn!(
                "this machine has no root certificates, so no https receiver can be trusted: \
                 install the package ca-certificates, or name a file with --ca-file"
            );
        }
        #[expect(
            clippy::expect_used,
            reason = "ring has cipher suites for both versions"
        )]
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring supports TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Arc::new(config)
    }
}

fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, pem::Error> {
    CertificateDer::pem_file_iter(path)?.collect()
}

fn unreadable(path: &Path, reason: &dyn std::error::Error) -> RootsError {
    RootsError::Unreadable {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}
