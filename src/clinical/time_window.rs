//! How far from its specimen a result may lie; [`window`](super::window) applies it.
//!
//! METHOD: 72 hours on either side. No source fixes a window. The score for overt DIC is repeated after one to two days
//! (Taylor et al., Thromb Haemost 2001), so an older value no longer tells the state, and PLASMIC takes the values of the day
//! of first suspicion (Bendapudi et al., 2017); the third day lets a film made behind a weekend meet the panel before it.
//! Where the specimen's time is not known the window lies around the newest result: a value of years ago is never weighed
//! beside one of today.

use serde::{Deserialize, Serialize};

/// Hours on either side of the specimen, see the text of the module.
pub const DEFAULT_WINDOW_HOURS: u32 = 72;

/// Hours before and after the specimen that results may lie in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TimeWindow {
    /// Hours before the specimen.
    pub before_hours: u32,
    /// Hours after the specimen.
    pub after_hours: u32,
}

impl Default for TimeWindow {
    fn default() -> Self {
        Self { before_hours: DEFAULT_WINDOW_HOURS, after_hours: DEFAULT_WINDOW_HOURS }
    }
}
