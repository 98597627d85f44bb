//! Which kind of file it is: by its name, else by what its sender calls it, and by a look at how it
//! begins.

/// How many of the first bytes [`Kind::fits`] looks at.
pub const HEAD: usize = 512;
/// How every workbook begins: it is a zip archive.
pub(super) const ZIP: &[u8] = b"PK\x03\x04";
/// How every calendar begins.
const CALENDAR: &[u8] = b"BEGIN:VCALENDAR";
/// How UTF-8 may begin.
pub(super) const BOM: &[u8] = b"\xef\xbb\xbf";
/// How UTF-16 begins.
pub(super) const UTF_16: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// A kind of file with events in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Comma-separated values.
    Csv,
    /// iCalendar (RFC 5545).
    Ics,
    /// A workbook of Excel 2007 and later.
    Xlsx,
}

impl Kind {
    /// By the name's extension; where that says nothing, by the media type. `None`: no kind that is
    /// read.
    #[must_use]
    pub fn of(filename: &str, media_type: &str) -> Option<Self> {
        let (_, extension) = filename.rsplit_once('.').unwrap_or_default();
        match extension.to_ascii_lowercase().as_str() {
            "csv" => return Some(Self::Csv),
            "ics" | "ical" => return Some(Self::Ics),
            "xlsx" => return Some(Self::Xlsx),
            _ => {}
        }
        match media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "text/csv" => Some(Self::Csv),
            "text/calendar" => Some(Self::Ics),
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => Some(Self::Xlsx),
            _ => None,
        }
    }

    /// By how it begins, for a file whose name says nothing.
    #[must_use]
    pub fn seen(head: &[u8]) -> Self {
        let text = head.strip_prefix(BOM).unwrap_or(head).trim_ascii_start();
        match text.get(..CALENDAR.len()) {
            _ if head.starts_with(ZIP) => Self::Xlsx,
            Some(start) if start.eq_ignore_ascii_case(CALENDAR) => Self::Ics,
            _ => Self::Csv,
        }
    }

    /// Whether a file that begins so may be of this kind: a workbook is a zip archive, the others
    /// are text.
    #[must_use]
    pub fn fits(self, head: &[u8]) -> bool {
        match self {
            Self::Xlsx => head.starts_with(ZIP),
            // What Excel calls Unicode text is refused with a reason of its own (`csv`).
            Self::Csv if UTF_16.iter().any(|mark| head.starts_with(mark)) => true,
            Self::Csv | Self::Ics => !head.starts_with(ZIP) && !head.contains(&0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_says_the_kind_and_the_media_type_only_where_it_does_not() {
        for (name, media, kind) in [
            ("a.csv", "", Some(Kind::Csv)),
            ("A.B.CSV", "text/calendar", Some(Kind::Csv)),
            ("a.ics", "text/csv", Some(Kind::Ics)),
            ("a.xlsx", "application/octet-stream", Some(Kind::Xlsx)),
            ("a.txt", "text/csv; charset=utf-8", Some(Kind::Csv)),
            ("", "text/calendar", Some(Kind::Ics)),
            ("csv", "text/plain", None),
            ("a.xls", "application/vnd.ms-excel", None),
            ("a.pdf", "application/pdf", None),
        ] {
            assert_eq!(Kind::of(name, media), kind, "{name} {media}");
        }
    }

    #[test]
    fn where_the_name_says_nothing_the_first_bytes_do() {
        assert_eq!(Kind::seen(b"PK\x03\x04rest"), Kind::Xlsx);
        assert_eq!(Kind::seen(b"\xef\xbb\xbf\r\nbegin:vcalendar\r\n"), Kind::Ics);
        assert_eq!(Kind::seen(b"start"), Kind::Csv);
    }

    #[test]
    fn a_file_that_begins_like_another_kind_does_not_fit() {
        assert!(Kind::Xlsx.fits(b"PK\x03\x04rest"));
        assert!(!Kind::Xlsx.fits(b"description,start,end"));
        assert!(!Kind::Csv.fits(b"PK\x03\x04rest"));
        assert!(!Kind::Ics.fits(b"\x89PNG\0"));
        assert!(Kind::Csv.fits(b"description,start,end"));
        assert!(Kind::Csv.fits(b"\xff\xfed\0e\0"), "told why by the job");
    }
}
