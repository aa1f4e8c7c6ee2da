use super::*;

fn surpluses(streams: &[u64]) -> Vec<u64> {
    let others = |own| streams.iter().enumerate().filter(move |(n, _)| *n != own);
    let one = |(n, own): (usize, &u64)| surplus(*own, others(n).map(|(_, streams)| streams));
    streams.iter().enumerate().map(one).collect()
}

#[test]
fn whoever_is_above_the_mean_ends_what_is_above_it() {
    for (streams, ended) in [
        (&[1000, 1000, 0][..], &[333, 333, 0][..]),
        (&[700, 650, 650], &[33, 0, 0]),
        // A full twentieth of the mean, and one more.
        (&[690, 667, 657], &[0, 0, 0]),
        (&[691, 667, 657], &[19, 0, 0]),
        // A handful is even.
        (&[5, 1], &[0, 0]),
        (&[6, 1], &[2, 0]),
        // Nobody else.
        (&[4711], &[0]),
        (&[0, 0], &[0, 0]),
    ] {
        assert_eq!(surpluses(streams), ended, "{streams:?}");
    }
}

#[test]
fn an_empty_process_among_many_full_ones_gets_its_share() {
    let mut streams = vec![1000; 99];
    streams.push(0);

    assert!(surpluses(&streams)[..99].iter().all(|ended| *ended == 10));
}

#[test]
fn streams_that_come_back_anywhere_are_even_after_some_rounds() {
    let mut chance = rand::rng();
    let mut streams = vec![3000, 3000, 3000, 0];

    for _ in 0..14 {
        let ended = surpluses(&streams);
        for (streams, ended) in streams.iter_mut().zip(&ended) {
            *streams -= ended;
        }
        for _ in 0..ended.iter().sum::<u64>() {
            let nth = chance.random_range(0..streams.len());
            streams[nth] += 1;
        }
    }

    assert_eq!(surpluses(&streams), [0; 4], "{streams:?}");
}

#[tokio::test(start_paused = true)]
async fn tries_that_do_not_help_become_seldom_until_there_is_somebody_else() {
    let mut pace = Pace::new(Duration::from_secs(15));
    let one = BTreeMap::from([(Uuid::from_u128(1), 0)]);
    let mut tries = Vec::new();
    for second in (0..1200).step_by(15) {
        if pace.allows(100, &one) {
            tries.push(second);
        }
        tokio::time::advance(Duration::from_secs(15)).await;
    }

    let two = BTreeMap::from([(Uuid::from_u128(1), 0), (Uuid::from_u128(2), 0)]);

    assert_eq!(tries, [0, 15, 30, 60, 120, 240, 480, 960]);
    assert!(!pace.allows(100, &one));
    assert!(pace.allows(100, &two));
}

#[tokio::test(start_paused = true)]
async fn tries_that_help_go_on() {
    let mut pace = Pace::new(Duration::from_secs(15));
    let others = BTreeMap::from([(Uuid::from_u128(1), 0)]);

    for surplus in [1000, 900, 600, 200, 0, 1000] {
        assert_eq!(pace.allows(surplus, &others), surplus > 0, "{surplus}");
        tokio::time::advance(Duration::from_secs(15)).await;
    }
}
