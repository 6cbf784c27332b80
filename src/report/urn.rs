//! Identifiers that follow from the job: the same work gives the same ones, and no others give them.
//!
//! Method: UUID version 5 (RFC 9562, section 5.5), the SHA-1 of a namespace and a name. The namespace is that of the URL
//! namespace for [`AUTHORITY`]; the name is the whole hash of the job, a slash, and what is identified.

use uuid::Uuid;

use crate::case::Job;

/// What the identifiers are made under.
const AUTHORITY: &str = "urn:schistoquant";

/// Makes the identifiers of a job.
pub(super) struct Identifiers<'a> {
    namespace: Uuid,
    job: &'a Job,
}

impl<'a> Identifiers<'a> {
    /// Those of a job.
    pub(super) fn of(job: &'a Job) -> Self {
        Self { namespace: Uuid::new_v5(&Uuid::NAMESPACE_URL, AUTHORITY.as_bytes()), job }
    }

    /// The UUID of a part of the work.
    pub(super) fn uuid(&self, part: &str) -> String {
        Uuid::new_v5(&self.namespace, format!("{}/{part}", self.job.sha256()).as_bytes()).to_string()
    }

    /// The same as `urn:uuid:…`.
    pub(super) fn urn(&self, part: &str) -> String {
        format!("urn:uuid:{}", self.uuid(part))
    }
}
