//! Review and sign-off of a case: a person reads the suspicious cells, the count follows, and a signature makes it final.
//!
//! In: a folder with `case.json` and its archive of fields. Out: events in an audit trail beside them, and after a signature the
//! reports made anew. Everything that a review says follows from the record of the software and the events: the same events give
//! the same bytes.
//!
//! `event` is a line of the trail, `trail` the file, `state` what follows from the lines; `cells` and `reviewed` join them with the
//! software's record; `open_case` is every step that a person can take; `verify` proves all of it; `web` serves it to a browser.
//!
//! Limits: one program writes a case at a time; a lock on its trail keeps others off.

mod cells;
mod error;
mod event;
mod files;
mod labels;
mod open_case;
mod reviewed;
mod state;
mod trail;
mod verify;
pub mod web;
mod worklist;

pub use cells::{ReviewCell, ReviewCells};
pub use error::{ReviewError, TrailFault};
pub use event::{Act, Event, FileHashes, Series, Settled};
pub use labels::{LABELS_FILE, export_labels};
pub use open_case::{MAX_REMARK_CHARS, OpenCase, ReviewSettings, Step, check_remake, is_reviewed, note_remade};
pub use reviewed::{Figures, Reviewed};
pub use state::{AddedCell, CurrentReading, ReviewState, Signature};
pub use trail::{ReadTrail, Trail};
pub use verify::{Verified, verify};
pub use worklist::{Listed, Progress, Worklist, case_folders};
