//! Many specimens in one run: durable as they finish, resumable at any moment, divisible among machines.
//!
//! In: a [`Manifest`], an output folder, a [`Preparer`] that reads what a row names. Out, in the output folder:
//!
//! | file | content |
//! | --- | --- |
//! | `batch.json` | what was asked for: program, models, options, manifest, shard ([`BatchSettings`]) |
//! | `journal.jsonl` | one line for each specimen that is done ([`SpecimenOutcome`](crate::case::SpecimenOutcome)) |
//! | `specimens/<accession>_<job>/` | the reports of a specimen |
//! | `failures.csv` | specimens without a result and why |
//! | `specimens.csv` | one row for each specimen, finished or not |
//! | `repeated.csv` | pictures that two specimens show, even where one was turned or saved again |
//! | `specimens.parquet`, `cells.parquet` | the tables of all of them; left out where no specimen was finished |
//! | `left_out/` | results that a corrected manifest no longer asks for; in no table |
//! | `batch.html` | the page over all of them |
//!
//! Order for a specimen, every step durable before the next: 1. reports into `.partial-ROW`, flushed; 2. that folder
//! becomes `specimens/NAME` by a rename; 3. a line in the journal, flushed. What has its line is done; a run that was
//! killed and is started again with resume repeats the rest. When the last specimen is done the journal is put into the
//! order of the manifest and the other files are written, so that a run with interruptions, one with other threads, and
//! the merged shards of several machines end in the same bytes.
//!
//! METHOD: a specimen that fails is a line in the journal too, and stops nothing. Resume tries it again, because a file that
//! could not be read for a moment (on a network drive) must not be lost to a large batch.
//!
//! A batch goes on with a corrected manifest. What a row asks for and the bytes of its files stand in the journal, so that
//! rows that are the same are kept, changed ones are done again, and those that are gone are named.
//!
//! Limits: one run at a time in an output folder, kept so by a lock on the journal where the file system has locks.

mod error;
mod grouping;
mod journal;
mod manifest;
mod results;
mod run;
mod same_pictures;
mod settings;
mod sheet;

pub use error::{BatchError, MAX_MANIFEST_BYTES, ManifestProblem};
pub use grouping::GroupPattern;
pub use journal::{Outcomes, parse as parse_journal};
pub use manifest::{Manifest, ManifestRow};
pub use results::{BatchReport, merge};
pub use run::{BatchOptions, BatchWatcher, Prepared, Preparer, TakenBack, run};
pub use same_pictures::{MOST_COMPARED, RepeatedPicture, SharedImages, shared_images};
pub use settings::{BatchSettings, Shard};
