//! The review in a browser: pages and the small interface that their scripts talk to.
//!
//! In: the folder that is served and who may use it. Out: pages, pictures and answers over HTTP on this machine, or over TLS beyond
//! it. Nothing is fetched from elsewhere, and no path of a request leads to a file: cases are found by an identifier, cells by
//! their numbers.

mod pages;
mod view;
