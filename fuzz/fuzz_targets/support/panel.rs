//! A panel in any format: refused, or one that every score and the evidence can be made of.

use schistoquant::clinical::{PanelOptions, ScoreOptions, read_panel, scores};
use schistoquant::evidence::weigh;

pub fn check(bytes: &[u8]) {
    match read_panel(bytes, "panel", &PanelOptions::default()) {
        Ok(panel) => {
            let options = ScoreOptions::default();
            for score in scores(&panel, &options) {
                serde_json::to_string(&score).expect("a plain record");
            }
            serde_json::to_string(&weigh(None, &panel, &options)).expect("a plain record");
        }
        Err(error) => assert!(error.to_string().starts_with("panel: ")),
    }
}
