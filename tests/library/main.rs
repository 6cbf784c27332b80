//! The library as another program sees it: the structure, the pictures, the formats, the states, hostile input.

// What is skipped is said aloud.
#![allow(clippy::print_stderr)]

mod architecture;
mod cases;
mod engines;
mod exports;
mod eyepiece;
mod face;
mod fixtures;
mod formats;
mod forms;
mod fuzz_seeds;
mod hostile;
mod jobs;
mod labels;
mod messages;
mod quality;
mod report_page;
#[cfg(feature = "pdf")]
mod report_pdf;
mod review;
mod reviewed;
mod safety;
mod segmentation;
mod slides;
mod states;
mod sweeps;

#[path = "../support"]
mod support {
    pub mod fake_case;
    pub mod fake_review;
    pub mod made_slide;
    pub mod states;
}
