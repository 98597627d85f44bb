//! The content lines of an iCalendar file, unfolded (RFC 5545, 3.1), one at a time. Folds may cut a
//! character in two, so lines are bytes until they are whole.

use super::kind::BOM;
use std::io::{self, BufRead};

/// Most bytes of a line that are kept: attachments, which may be long, are not read.
pub const LINE_MAX: usize = 256 * 1024;

/// Reads lines.
pub struct Lines<R> {
    from: R,
    /// Bytes read so far.
    pub read: u64,
    begun: bool,
}

impl<R: BufRead> Lines<R> {
    pub const fn new(from: R) -> Self {
        Self { from, read: 0, begun: false }
    }

    /// Puts the next line that is not empty into `line`, cut off after [`LINE_MAX`] and one more
    /// byte. `false` at the end.
    pub fn next(&mut self, line: &mut Vec<u8>) -> io::Result<bool> {
        line.clear();
        if !std::mem::replace(&mut self.begun, true) && self.from.fill_buf()?.starts_with(BOM) {
            self.pass(BOM.len());
        }
        loop {
            if !self.stretch(line)? {
                return Ok(!line.is_empty());
            }
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            match self.from.fill_buf()?.first() {
                // A fold: the line goes on behind the space.
                Some(b' ' | b'\t') if !line.is_empty() => self.pass(1),
                _ if line.is_empty() => {}
                _ => return Ok(true),
            }
        }
    }

    /// Adds what stands before the next line break. `false` when the file ends without one.
    fn stretch(&mut self, line: &mut Vec<u8>) -> io::Result<bool> {
        loop {
            let bytes = self.from.fill_buf()?;
            if bytes.is_empty() {
                return Ok(false);
            }
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let part = &bytes[..end.unwrap_or(bytes.len())];
            let room = (LINE_MAX + 1).saturating_sub(line.len());
            line.extend_from_slice(&part[..part.len().min(room)]);
            let passed = part.len() + usize::from(end.is_some());
            self.pass(passed);
            if end.is_some() {
                return Ok(true);
            }
        }
    }

    fn pass(&mut self, count: usize) {
        self.from.consume(count);
        self.read += u64::try_from(count).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    fn lines(text: &[u8]) -> Vec<String> {
        // A buffer of two bytes: every seam is met.
        let mut lines = Lines::new(BufReader::with_capacity(2, text));
        let (mut all, mut line) = (Vec::new(), Vec::new());
        while lines.next(&mut line).expect("bytes") {
            all.push(String::from_utf8_lossy(&line).into_owned());
        }
        assert_eq!(lines.read, text.len() as u64);
        all
    }

    #[test]
    fn folded_lines_are_whole_again_even_where_the_fold_cuts_a_character() {
        assert_eq!(
            lines(b"SUMMARY:Caf\xc3\r\n \xa9 in\n\t  Bern\r\n\r\nEND:VEVENT"),
            ["SUMMARY:Café in  Bern", "END:VEVENT"]
        );
        assert_eq!(lines(b"\n\r\nA\n\nB\n"), ["A", "B"]);
        assert_eq!(lines(b""), [""; 0]);
    }

    #[test]
    fn a_line_without_end_is_cut_off_and_the_next_is_found() {
        let mut text = vec![b'x'; 3 * LINE_MAX];
        text.extend(b"\nB");
        let mut lines = Lines::new(text.as_slice());
        let mut line = Vec::new();
        assert!(lines.next(&mut line).expect("bytes"));
        assert_eq!(line.len(), LINE_MAX + 1);
        assert!(lines.next(&mut line).expect("bytes"));
        assert_eq!(line, b"B");
    }
}
