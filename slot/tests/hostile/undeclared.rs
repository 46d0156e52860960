//! A component that asks for what it did not declare.

use placeos_slot::module::{Manifest, StartError};

use crate::Behaviour;
use crate::site::Site;

pub(crate) fn behaviours() -> Vec<Behaviour> {
    vec![Behaviour::new("asks for what it did not declare", |site| {
        Box::pin(undeclared(site))
    })]
}

/// It is refused before any of it runs.
async fn undeclared(site: Site) {
    let declared = Manifest::embedded().capabilities;
    let mut uses = 0;
    for capability in &declared {
        let mut manifest = Manifest::embedded();
        manifest.capabilities.retain(|kept| kept != capability);
        match site.started("load", "trap", manifest) {
            Err(StartError::Undeclared(import)) => {
                assert!(import.starts_with(&format!("placeos:slot/{capability}@")));
                uses += 1;
            }
            Err(error) => panic!("without {capability}: {error}"),
            Ok(_) => panic!("it was let go without {capability}"),
        }
    }
    assert_eq!(uses, declared.len());
}
