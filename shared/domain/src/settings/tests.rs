use proptest::prelude::*;

use super::*;
use crate::ActorKind;

fn ada() -> Author {
    Author { kind: ActorKind::Person, name: "ada".to_owned() }
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn region(name: &str) -> Region {
    name.parse().unwrap()
}

fn rule() -> ImportRule {
    ImportRule {
        account: Account::default(),
        region: region("eu-central-1"),
        enabled: true,
        image_name: Some("cml-*".to_owned()),
        tag: None,
        tag_value: None,
    }
}

#[test]
fn the_defaults_are_within_their_own_bounds() {
    assert_eq!(SettingsSpec::default().check(), vec![]);
}

#[test]
fn an_empty_document_is_the_defaults() {
    let read: Settings = serde_json::from_str("{}").unwrap();

    assert_eq!(read, Settings::default());
    assert_eq!(read.spec.idle.timeout_s, 3_600);
}

#[test]
fn a_document_of_another_version_is_read_as_far_as_it_goes() {
    let text = r#"{"rev": 3, "spec": {"idle": {"timeout_s": 7200, "mood": "calm"}, "quota": {}}}"#;
    let read: Settings = serde_json::from_str(text).unwrap();

    assert_eq!((read.rev, read.spec.idle.timeout_s, read.spec.idle.snooze_s), (3, 7_200, 1_800));
}

#[test]
fn settings_survive_being_written_and_read() {
    let mut settings = Settings::default();
    let mut spec = SettingsSpec::default();
    spec.provisioning.regions.insert(
        region("eu-west-1"),
        Placement { subnet: Some("subnet-0abcd123".to_owned()), ..Placement::default() },
    );
    spec.import.rules.push(rule());
    settings.put(spec, &ada(), at(5)).unwrap();
    settings.take_facts();

    let text = serde_json::to_string(&settings).unwrap();

    assert_eq!(serde_json::from_str::<Settings>(&text).unwrap(), settings);
}

#[test]
fn a_change_is_told_with_its_sections_and_its_author() {
    let mut settings = Settings::default();
    let mut spec = settings.spec.clone();
    spec.idle.timeout_s = 7_200;
    spec.retention.events = 5_000;

    let fact = settings.put(spec, &ada(), at(9)).unwrap();

    let sections = vec!["idle".to_owned(), "retention".to_owned()];
    assert_eq!(fact, Some(SettingsFact::Changed { rev: 1, sections, by: ada() }));
    assert_eq!((settings.changed_at, settings.changed_by), (Some(at(9)), Some(ada())));
}

#[test]
fn the_same_settings_again_change_and_tell_nothing() {
    let mut settings = Settings::default();

    assert_eq!(settings.put(SettingsSpec::default(), &ada(), at(9)), Ok(None));
    assert_eq!(settings, Settings::default());
}

#[test]
fn settings_out_of_bounds_change_nothing_and_name_every_field() {
    let mut settings = Settings::default();
    let mut spec = SettingsSpec::default();
    spec.idle.timeout_s = 1;
    spec.retention.events = 0;

    let error = settings.put(spec, &ada(), at(9)).unwrap_err();

    let DomainError::Invalid { faults } = error else { panic!("{error:?}") };
    let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(pointers, ["/idle/timeout_s", "/idle/warn_before_s", "/retention/events"]);
    assert_eq!(settings, Settings::default());
}

#[test]
fn each_bound_is_reported_where_it_is_broken() {
    type Break = fn(&mut SettingsSpec);
    let table: [(Break, &str); 15] = [
        (|s| s.idle.timeout_s = 31 * 86_400, "/idle/timeout_s"),
        (|s| s.idle.snooze_s = 8 * 86_400, "/idle/snooze_s"),
        (|s| s.idle.warn_before_s = s.idle.timeout_s, "/idle/warn_before_s"),
        (|s| s.idle.categories.clear(), "/idle/categories"),
        (|s| s.idle.service_users = [" x".to_owned()].into(), "/idle/service_users/0"),
        (|s| s.retention.runs_s = 10, "/retention/runs_s"),
        (|s| s.retention.samples_coarse_s = 86_399, "/retention/samples_coarse_s"),
        (|s| s.provisioning.placement.subnet = Some("sub".to_owned()), "/provisioning/subnet"),
        (
            |s| s.provisioning.placement.security_groups = vec!["sg-zz".to_owned()],
            "/provisioning/security_groups/0",
        ),
        (|s| s.provisioning.placement.image = Some(ImageQuery::default()), "/provisioning/image"),
        (
            |s| drop(s.provisioning.default_tags.insert("aws:x/y".to_owned(), String::new())),
            "/provisioning/default_tags/aws:x~1y",
        ),
        (|s| s.import.rules = vec![ImportRule { image_name: None, ..rule() }], "/import/rules/0"),
        (
            |s| s.import.rules = vec![ImportRule { image_name: Some("*".to_owned()), ..rule() }],
            "/import/rules/0/image_name",
        ),
        (
            |s| s.import.rules = vec![ImportRule { tag_value: Some("x".to_owned()), ..rule() }],
            "/import/rules/0/tag_value",
        ),
        (|s| s.import.rules = vec![rule(), rule()], "/import/rules/1"),
    ];
    for (break_it, pointer) in table {
        let mut spec = SettingsSpec::default();
        break_it(&mut spec);
        let faults = spec.check();
        assert!(faults.iter().any(|fault| fault.pointer == pointer), "{pointer}: {faults:?}");
    }
}

#[test]
fn a_region_takes_the_general_placement_where_it_has_none_of_its_own() {
    let own = Placement { subnet: Some("subnet-0abcd123".to_owned()), ..Placement::default() };
    let provisioning = Provisioning {
        placement: Placement {
            subnet: Some("subnet-0abcd999".to_owned()),
            key_name: Some("ops".to_owned()),
            ..Placement::default()
        },
        regions: BTreeMap::from([(region("eu-west-1"), own)]),
        ..Provisioning::default()
    };

    let there = provisioning.placement_in(&region("eu-west-1"));
    let elsewhere = provisioning.placement_in(&region("us-east-1"));

    assert_eq!(there.subnet.as_deref(), Some("subnet-0abcd123"));
    assert_eq!(there.key_name.as_deref(), Some("ops"));
    assert_eq!(elsewhere, provisioning.placement);
}

#[test]
fn import_rules_count_in_their_scope_only_while_enabled() {
    let off = ImportRule { enabled: false, ..rule() };
    let other = ImportRule { region: region("us-east-1"), ..rule() };
    let import = ImportSettings { rules: vec![rule(), off, other] };
    let scope = Scope { account: Account::default(), region: region("eu-central-1") };

    assert_eq!(import.rules_in(&scope).collect::<Vec<_>>(), [&rule()]);
}

#[test]
fn a_tag_condition_compares_key_and_value() {
    let tags = BTreeMap::from([("cml".to_owned(), "yes".to_owned())]);
    let wants = |tag: Option<&str>, value: Option<&str>| ImportRule {
        tag: tag.map(str::to_owned),
        tag_value: value.map(str::to_owned),
        ..rule()
    };
    for (rule, expected) in [
        (wants(None, None), true),
        (wants(Some("cml"), None), true),
        (wants(Some("cml"), Some("yes")), true),
        (wants(Some("cml"), Some("no")), false),
        (wants(Some("CML"), None), false),
    ] {
        assert_eq!(rule.accepts_tags(&tags), expected, "{rule:?}");
    }
}

proptest! {
    /// What was accepted is within bounds, and the revision counts the changes exactly.
    #[test]
    fn the_revision_counts_accepted_changes(timeouts in prop::collection::vec(0_u64..10_000, 0..20)) {
        let mut settings = Settings::default();
        let mut told = 0;
        for timeout_s in timeouts {
            let mut spec = settings.spec.clone();
            spec.idle.timeout_s = timeout_s;
            told += u64::from(matches!(settings.put(spec, &ada(), at(0)), Ok(Some(_))));
            prop_assert_eq!(settings.spec.check(), vec![]);
        }
        prop_assert_eq!(settings.rev, told);
    }
}
