//! What is written down of Herald's events for its users is what this program does.

use herald::catalogue::Catalogue;

fn hold(file: &str, format: &str, kept: &str, wanted: &str) {
    assert!(
        kept == wanted,
        "{file} is not what this program says. Renew it: make events\n\
         (cargo run -- events --format {format} > {file})"
    );
}

#[test]
fn the_typescript_declaration_is_current() {
    let wanted = Catalogue::gather().typescript().expect("a declaration");
    hold("docs/herald-events.d.ts", "typescript", include_str!("../docs/herald-events.d.ts"), &wanted);
}

#[test]
fn the_asyncapi_document_is_current() {
    let wanted = Catalogue::gather().asyncapi_text().expect("JSON");
    hold("docs/asyncapi.json", "asyncapi", include_str!("../docs/asyncapi.json"), &wanted);
}

#[test]
fn nothing_in_them_is_only_for_those_who_work_on_herald() {
    for text in [include_str!("../docs/herald-events.d.ts"), include_str!("../docs/asyncapi.json")] {
        for word in ["CONTRACT", "crate::", "TODO"] {
            assert!(!text.contains(word), "{word}");
        }
    }
}
