//! Whether a workbook can be opened without harm. It is a zip archive, and what opens it (calamine)
//! loads all texts that its cells share: a small file may hide gigabytes, or merely claim them. So
//! everything is unpacked and counted once, and thrown away, before anything is kept.

use super::row::Broken;
use std::io::{Read, Seek};
use zip::ZipArchive;

/// What a zip bomb may not reach. 200,000 rows of six cells are about 60 MB of sheet.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Parts of the workbook.
    pub parts: usize,
    /// Bytes of all parts together, unpacked.
    pub bytes: u64,
    /// Bytes of the shared texts, which are all in memory at once.
    pub texts: u64,
    /// Elements (and their ends) among the shared texts: each may be a text, be it empty.
    pub elements: u64,
}

/// In force.
pub const LIMITS: Limits = Limits { parts: 2_000, bytes: 256 << 20, texts: 64 << 20, elements: 8_000_000 };

/// How the part with the shared texts is named.
const TEXTS: &str = "sharedstrings.xml";
/// The attribute by which memory is reserved for texts before one is read.
const RESERVED: &[u8] = b"uniqueCount";

/// Looks at all of it.
///
/// # Errors
/// When it is no archive, or over a limit.
pub fn check(from: impl Read + Seek, limits: Limits) -> Result<(), Broken> {
    let broken = |_| Broken::because("this is no workbook: its archive can't be read");
    let mut archive = ZipArchive::new(from).map_err(broken)?;
    if archive.len() > limits.parts {
        return Err(too_large());
    }
    let mut left = limits.bytes;
    let mut buffer = vec![0; 64 * 1024];
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).map_err(broken)?;
        let texts = part.name().is_ok_and(|name| name.to_ascii_lowercase().ends_with(TEXTS));
        let mut texts = texts.then(|| Texts::within(limits));
        loop {
            let count = part.read(&mut buffer).map_err(|_| Broken::because("the workbook's archive is damaged"))?;
            if count == 0 {
                break;
            }
            left = left.checked_sub(count as u64).ok_or_else(too_large)?;
            if let Some(texts) = &mut texts {
                texts.look(&buffer[..count])?;
            }
        }
    }
    Ok(())
}

fn too_large() -> Broken {
    Broken::because("the workbook is too large when unpacked")
}

/// The part with the shared texts, as it streams by.
struct Texts {
    bytes: u64,
    elements: u64,
    most: u64,
    matched: usize,
    /// The number that follows the attribute's name, while it is read.
    number: Option<u64>,
}

impl Texts {
    const fn within(limits: Limits) -> Self {
        Self { bytes: limits.texts, elements: limits.elements, most: limits.elements, matched: 0, number: None }
    }

    fn look(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        self.bytes = self.bytes.checked_sub(bytes.len() as u64).ok_or_else(too_large)?;
        for &byte in bytes {
            match byte {
                b'<' => self.elements = self.elements.checked_sub(1).ok_or_else(too_large)?,
                // UTF-16 or a shift of the character set: what follows could not be recognised.
                0 | 0x1b => return Err(Broken::because("the workbook's texts are not in UTF-8")),
                _ => {}
            }
            self.number = match (self.number, byte) {
                (Some(number), b'0'..=b'9') => {
                    let number = number.saturating_mul(10).saturating_add(u64::from(byte - b'0'));
                    if number > self.most {
                        return Err(too_large());
                    }
                    Some(number)
                }
                (Some(0), b'=' | b'"' | b'\'' | b'+' | b' ' | b'\t' | b'\r' | b'\n') => Some(0),
                _ => None,
            };
            let next = RESERVED.get(self.matched) == Some(&byte);
            self.matched = if next { self.matched + 1 } else { usize::from(byte == RESERVED[0]) };
            if self.matched == RESERVED.len() {
                (self.matched, self.number) = (0, Some(0));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "archive_test.rs"]
mod tests;
