//! What `/readyz` knows is measured, too.

use ccm_runtime::Shell;

#[tokio::test]
async fn every_part_is_measured_as_it_was_known_last() {
    let shell = Shell::for_testing();
    let (bus, _events) = (shell.ready.advisory("bus"), shell.ready.latch("events"));
    shell.ready.probe("store", || async { Ok(()) });
    bus.open();

    shell.ready.check().await;

    let text = shell.metrics.render().unwrap();
    for line in [
        "ccm_part_up{part=\"bus\"} 1",
        "ccm_part_up{part=\"events\"} 0",
        "ccm_part_up{part=\"store\"} 1",
        "ccm_probe_seconds{part=\"store\"} ",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
}
