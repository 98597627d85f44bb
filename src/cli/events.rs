//! `herald events`: the catalogue of events, as the program that is run has them.

use super::Failure;
use crate::catalogue::Catalogue;

/// How the catalogue is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    TypeScript,
    AsyncApi,
}

impl Format {
    /// Reads `--format`; one that is missing was reported already and is empty.
    pub(super) fn read(text: &str) -> Result<Self, Option<String>> {
        match text {
            "typescript" => Ok(Self::TypeScript),
            "asyncapi" => Ok(Self::AsyncApi),
            "" => Err(None),
            other => Err(Some(format!("--format: {other} is neither typescript nor asyncapi"))),
        }
    }
}

/// The catalogue.
pub(super) fn text(format: Format) -> Result<String, Failure> {
    let catalogue = Catalogue::gather();
    match format {
        Format::TypeScript => catalogue.typescript().map_err(Failure::failed),
        Format::AsyncApi => catalogue.asyncapi_text().map_err(Failure::failed),
    }
}
