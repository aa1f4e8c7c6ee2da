use std::path::PathBuf;

use super::*;

fn labels() -> Labels {
    Labels {
        version: "1.2.3".to_owned(),
        revision: "0a1b2c".to_owned(),
        created: "2026-01-02T03:04:05Z".to_owned(),
    }
}

/// Makes the layers of a service whose binary is this program: what runs now has all it needs.
fn packed(service: &Service) -> Vec<Vec<u8>> {
    let binary = std::env::current_exe().unwrap();
    let libraries = libraries::of(&binary).unwrap();
    let base = contents::base(&libraries).unwrap();
    let own = contents::own(service, &binary).unwrap();
    vec![tar::pack(&base).unwrap(), tar::pack(&own).unwrap()]
}

#[test]
fn the_same_input_gives_the_same_digest_and_another_commit_another() {
    let service = &SERVICES[0];
    let image = |labels: &Labels| Image::new(service, labels, &packed(service)).digest();

    let (once, again) = (image(&labels()), image(&labels()));
    let later = image(&Labels { revision: "ffffff".to_owned(), ..labels() });

    assert_eq!(once, again);
    assert_ne!(once, later);
}

#[test]
fn images_share_their_lowest_layer() {
    let [api, _, _, standalone, ..] = &SERVICES;

    let (one, other) = (packed(api), packed(standalone));

    assert_eq!(one[0], other[0]);
    assert_ne!(one[1], other[1]);
}

#[test]
fn libraries_are_read_from_what_the_loader_lists() {
    let text = "\tlinux-vdso.so.1 (0x00007f)\n\tlibc.so.6 => /lib/libc.so.6 (0x00007f)\n\
                \t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n";

    let found = libraries::listed(text).unwrap();

    assert_eq!(found, ["/lib/libc.so.6", "/lib64/ld-linux-x86-64.so.2"].map(PathBuf::from));
    assert!(libraries::listed("\tstatically linked\n").unwrap().is_empty());
}

#[test]
fn a_library_that_is_missing_is_refused_by_name() {
    let err = libraries::listed("\tlibodd.so.1 => not found\n").unwrap_err();

    assert!(err.to_string().contains("libodd.so.1"), "{err}");
}

#[test]
fn a_size_is_rounded_up() {
    for (bytes, text) in [(0, "0.0"), (1, "0.1"), (1024 * 1024, "1.0"), (1024 * 1024 + 1, "1.1")] {
        assert_eq!(mebibytes(bytes), text, "{bytes}");
    }
}
