//! What one client sees, and what it does to the others.

use ccm_events::Kind;
use ccm_fanout::{ClientId, Ended, Filter, Hole, Hub, Limits, Published, Refused, Told};

use crate::desk::{SMALL, Seen, logged, metrics, publish, subscribe, worker};

fn started(limits: Limits) -> Hub {
    let hub = Hub::new(limits);
    hub.start(0);
    hub
}

fn workers(subject: &ccm_events::Subject) -> Filter {
    let id = subject.worker().unwrap().to_string();
    Filter::parse(Some(&id), None, None).unwrap()
}

#[test]
fn a_client_without_a_cursor_gets_what_comes_next() {
    let hub = started(SMALL);
    publish(&hub, 1..=3);

    let mut client = subscribe(&hub, &Filter::default(), None).unwrap();
    assert_eq!(client.drain(), (vec![], None));
    publish(&hub, 4..=5);

    assert!(client.was_woken());
    assert_eq!(client.drain(), (vec![4, 5], None));
}

#[test]
fn a_client_with_a_cursor_gets_what_it_missed_and_then_what_comes() {
    let hub = started(SMALL);
    publish(&hub, 1..=5);

    let mut client = subscribe(&hub, &Filter::default(), Some(2)).unwrap();
    publish(&hub, 6..=6);

    assert_eq!(client.drain(), (vec![3, 4, 5, 6], None));
}

#[test]
fn a_cursor_before_the_ring_is_refused_with_where_it_begins() {
    let hub = started(SMALL);
    publish(&hub, 1..=20);

    let refused = subscribe(&hub, &Filter::default(), Some(11)).unwrap_err();

    assert_eq!(refused, Refused::TooOld { floor: 12 });
    assert_eq!(hub.stats().clients, 0);
    assert!(subscribe(&hub, &Filter::default(), Some(12)).is_ok());
}

#[test]
fn a_cursor_from_a_faster_process_waits_until_this_one_is_there() {
    let hub = started(SMALL);
    publish(&hub, 1..=3);

    let mut client = subscribe(&hub, &Filter::default(), Some(5)).unwrap();
    publish(&hub, 4..=7);

    assert_eq!(client.drain(), (vec![6, 7], None));
}

#[test]
fn a_hole_is_refused_and_a_repeat_is_told_once() {
    let hub = started(SMALL);
    let mut client = subscribe(&hub, &Filter::default(), None).unwrap();
    publish(&hub, 1..=2);

    let repeated = hub.publish(&logged(2, Kind::WorkerPaused, &worker(1)));
    let hole = hub.publish(&logged(4, Kind::WorkerPaused, &worker(1)));

    assert_eq!(repeated, Ok(Published::Repeated));
    assert_eq!(hole, Err(Hole { after: 2 }));
    assert_eq!(client.drain(), (vec![1, 2], None));
}

#[test]
fn a_client_whose_filter_matches_nothing_stays_resumable_and_asleep() {
    let hub = started(SMALL);
    let mut quiet = subscribe(&hub, &workers(&worker(2)), None).unwrap();
    assert_eq!(quiet.poll(), None);

    // Many times what the ring keeps.
    publish(&hub, 1..=100);

    assert!(!quiet.was_woken());
    assert_eq!(quiet.subscription.cursor(), 100);
    drop(quiet);
    let mut again = subscribe(&hub, &workers(&worker(2)), Some(100)).unwrap();
    assert_eq!(again.drain(), (vec![], None));
}

#[test]
fn a_slow_client_is_told_so_and_the_others_get_everything() {
    let hub = started(SMALL);
    let mut slow = subscribe(&hub, &Filter::default(), None).unwrap();
    let mut quick = subscribe(&hub, &Filter::default(), None).unwrap();
    let mut got = Vec::new();

    for seq in 1..=100 {
        publish(&hub, [seq]);
        got.extend(quick.drain().0);
    }

    assert!(got.iter().copied().eq(1..=100), "{got:?}");
    assert!(slow.over.is_cancelled());
    assert_eq!(slow.drain(), (vec![], Some(Ended::TooSlow)));
    assert_eq!(slow.subscription.cursor(), 0);
    assert_eq!(hub.stats().ended[Ended::TooSlow as usize], (Ended::TooSlow, 1));
    drop(slow);
    assert_eq!(hub.stats().ended[Ended::TooSlow as usize], (Ended::TooSlow, 1));
}

#[test]
fn what_a_client_catches_up_with_does_not_make_it_slow() {
    let hub = started(Limits { ring_events: 1000, ring_bytes: 1 << 20, ..SMALL });
    publish(&hub, 1..=500);

    let mut client = subscribe(&hub, &Filter::default(), Some(0)).unwrap();
    publish(&hub, 501..=502);

    let (got, ended) = client.drain();
    assert_eq!(ended, None);
    assert!(got.iter().copied().eq(1..=502), "{got:?}");
}

#[test]
fn a_client_that_the_ring_laps_is_told_so() {
    let hub = started(Limits { pending_bytes: 1 << 20, ..SMALL });
    let mut lapped = subscribe(&hub, &Filter::default(), None).unwrap();

    publish(&hub, 1..=9);

    assert_eq!(lapped.drain(), (vec![], Some(Ended::Lapped)));
}

#[test]
fn a_client_that_reads_late_sees_the_newest_reading_of_each_worker() {
    let hub = started(SMALL);
    let mut client = subscribe(&hub, &Filter::default(), None).unwrap();

    for n in 1..=50 {
        hub.publish(&metrics(&worker(n % 2), n)).unwrap();
    }

    let mut seen = Vec::new();
    while let Some(Told::Frame(frame)) = client.poll() {
        let frame = Seen::read(&frame);
        assert_eq!(frame.seq, None);
        seen.push(frame.n);
    }
    assert_eq!(seen, [49, 50]);
    assert_eq!(client.subscription.cursor(), 0);
}

#[test]
fn readings_from_before_a_client_came_are_not_told() {
    let hub = started(SMALL);
    hub.publish(&metrics(&worker(1), 1)).unwrap();

    let mut client = subscribe(&hub, &Filter::default(), None).unwrap();
    assert_eq!(client.poll(), None);
    hub.publish(&metrics(&worker(1), 2)).unwrap();

    assert!(client.was_woken());
    let Some(Told::Frame(frame)) = client.poll() else { panic!("nothing was told") };
    assert_eq!(Seen::read(&frame).n, 2);
}

#[test]
fn a_kicked_client_ends_and_others_do_not() {
    let hub = started(SMALL);
    let mut one = subscribe(&hub, &Filter::default(), None).unwrap();
    let mut other = subscribe(&hub, &Filter::default(), None).unwrap();
    assert_eq!(one.poll(), None);

    assert!(hub.kick(one.subscription.id()));

    assert!(one.was_woken() && one.over.is_cancelled());
    assert_eq!(one.poll(), Some(Told::End(Ended::Kicked)));
    assert_eq!(other.poll(), None);
    assert!(!hub.kick(ClientId(4711)));
}

#[test]
fn the_list_shows_who_is_how_far_behind() {
    let hub = started(SMALL);
    let _idle = subscribe(&hub, &workers(&worker(2)), None).unwrap();
    let mut reader = subscribe(&hub, &Filter::default(), None).unwrap();
    publish(&hub, 1..=2);
    reader.drain();
    publish(&hub, 3..=4);

    let streams = hub.streams();

    let positions: Vec<_> = streams.iter().map(|view| (view.cursor, view.lag)).collect();
    assert_eq!(positions, [(4, 0), (2, 2)]);
    assert!(streams[0].filter.starts_with("workers=0190"), "{}", streams[0].filter);
    assert_eq!((streams[1].frames, streams[1].pending_bytes > 0), (2, true));
    let stats = hub.stats();
    assert_eq!((stats.clients, stats.last, stats.most_lag, stats.frames), (2, 4, 2, 2));
    drop(reader);
    assert_eq!((hub.stats().clients, hub.stats().frames), (1, 2));
}

#[test]
fn no_more_clients_are_let_in_than_there_may_be() {
    let hub = started(SMALL);
    let mut clients: Vec<_> =
        (0..SMALL.clients).map(|_| subscribe(&hub, &Filter::default(), None).unwrap()).collect();

    assert_eq!(subscribe(&hub, &Filter::default(), None).unwrap_err(), Refused::Full);

    clients.pop();
    assert!(subscribe(&hub, &Filter::default(), None).is_ok());
}

#[test]
fn nobody_is_let_in_before_the_start_and_after_the_end() {
    let hub = Hub::new(SMALL);
    assert_eq!(subscribe(&hub, &Filter::default(), None).unwrap_err(), Refused::NotOpen);
    hub.start(10);
    let mut client = subscribe(&hub, &Filter::default(), Some(10)).unwrap();

    hub.close();

    assert_eq!(client.poll(), Some(Told::End(Ended::Closed)));
    assert_eq!(subscribe(&hub, &Filter::default(), None).unwrap_err(), Refused::NotOpen);
}

#[test]
fn clients_are_told_when_the_hub_goes_on_elsewhere() {
    let hub = started(SMALL);
    publish(&hub, 1..=4);
    let mut at_the_end = subscribe(&hub, &Filter::default(), None).unwrap();
    let mut ahead = subscribe(&hub, &Filter::default(), Some(10)).unwrap();

    hub.start(10);
    publish(&hub, 11..=11);

    assert_eq!(at_the_end.drain(), (vec![], Some(Ended::Interrupted)));
    assert_eq!(ahead.drain(), (vec![11], None));
    // Backwards is as bad as forwards: numbers would be told again for other events.
    hub.start(3);
    assert_eq!(ahead.drain(), (vec![], Some(Ended::Interrupted)));
}

#[test]
fn the_oldest_clients_are_found_and_sent_elsewhere() {
    let hub = started(Limits { clients: 20, ..SMALL });
    let mut clients: Vec<_> =
        (0..20).map(|_| subscribe(&hub, &Filter::default(), None).unwrap()).collect();
    let ids: Vec<_> = clients.iter().map(|client| client.subscription.id()).collect();
    drop(clients.remove(1));
    hub.kick(ids[2]);

    // Neither who left nor who is ended already.
    assert_eq!(hub.oldest(3), [ids[0], ids[3], ids[4]]);
    assert_eq!(hub.oldest(100).len(), 18);
    assert!(hub.send_elsewhere(ids[0]));

    assert_eq!(clients[0].drain(), (vec![], Some(Ended::Rebalanced)));
    assert_eq!(hub.oldest(1), [ids[3]]);
    assert_eq!(hub.clients(), 19);
    assert!(!hub.send_elsewhere(ids[1]));
}
