//! Reads the arguments, runs the command, prints the cause chain once, leaves with its exit code.

mod cli;

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use cli::Cli;
use cli::terminal::visible;

/// A block as large as the planes of a picture of a few megapixels.
const FREED_BLOCK_BYTES: usize = 16 << 20;

/// Lets the allocator keep what is freed.
///
/// METHOD: every field takes and frees the same planes of pixels. glibc gives freed memory back to the system and fetches it anew, page
/// by page, unless a block at least as large was freed before: its limits grow with that (`mallopt(3)`, `M_MMAP_THRESHOLD`), up to 32
/// MiB. It saves a twentieth of the time of a field on one thread, and the peak of a thousand fields stays the same. Other allocators
/// take no notice.
fn keep_freed_memory() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(FREED_BLOCK_BYTES)));
}

/// METHOD: musl's own allocator gives each plane of pixels back at once: fixtures/specimen took 1.42 times as long as with glibc.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    keep_freed_memory();
    // Wrong usage leaves with 2 and help with 0: clap's own codes are the contract's.
    let cli = Cli::parse();
    match cli::run(&cli) {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(failure) => {
            let mut message = format!("error: {failure}");
            let mut cause = failure.source();
            while let Some(error) = cause {
                message.push_str(&format!("\n  caused by: {error}"));
                cause = error.source();
            }
            // Nothing can be said where stderr is closed.
            let _ = writeln!(std::io::stderr(), "{}", visible(&message));
            ExitCode::from(failure.exit.code())
        }
    }
}
