//! Why a text is no time.

/// Why a text is no time or no day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimeError {
    /// It is no RFC 3339 time.
    #[error("expected a time with its offset as RFC 3339 writes it (2025-01-02T10:30:00+01:00), found `{0}`")]
    Timestamp(String),
    /// It is no day, with or without a time.
    #[error("expected a day or a time as ISO 8601 writes it (2025-01-02 or 2025-01-02T08:30), found `{0}`")]
    Moment(String),
    /// It is no day.
    #[error("expected a day as YYYY-MM-DD, found `{0}`")]
    Date(String),
}
