//! Smart licensing.

use ccm_domain::cml::{Compliance, Deregistered, LabAction, LicenseSeen, Registration};

use super::{Outside, SECOND, World, first_lab};
use crate::RemoteError;

async fn license(world: &dyn World) -> LicenseSeen {
    world.api().license(&world.at()).await.unwrap()
}

async fn register(world: &dyn World, token: &str, again: bool) -> Result<(), RemoteError> {
    world.api().register(&world.at(), &token.to_owned().into(), again).await
}

async fn registered(world: &dyn World) {
    register(world, "good-token", false).await.unwrap();
    world.pass(60 * SECOND);
    assert_eq!(license(world).await.registration, Registration::Completed);
}

/// The token is handed over once; the rest is followed by looking.
pub async fn a_registration_goes_on_by_itself_until_it_complies(world: &dyn World) {
    let before = license(world).await;
    assert_eq!(before.registration, Registration::NotRegistered);
    assert_eq!(before.compliance, Compliance::Init);
    assert_eq!(before.expires_at, None);

    world.api().set_product(&world.at(), "CML_Enterprise").await.unwrap();
    register(world, "good-token", false).await.unwrap();

    let mut seen = Vec::new();
    for _ in 0..60 {
        let now = license(world).await;
        if seen.last() != Some(&(now.registration, now.compliance)) {
            seen.push((now.registration, now.compliance));
        }
        world.pass(SECOND);
    }
    assert_eq!(
        seen,
        [
            (Registration::InProgress, Compliance::Init),
            (Registration::Completed, Compliance::Init),
            (Registration::Completed, Compliance::InCompliance),
        ]
    );
    let after = license(world).await;
    assert_eq!(after.product.as_deref(), Some("CML_Enterprise"));
    assert_eq!(after.reason, None);
    assert!(after.expires_at > Some(world.now()), "{after:?}");
    assert!(after.features.iter().any(|feature| feature.in_use > 0), "{after:?}");
}

/// A refused token shows as a failed registration with a reason, and another try can be made.
pub async fn a_bad_token_fails_with_a_reason(world: &dyn World) {
    register(world, "bad-token", false).await.unwrap();
    world.pass(60 * SECOND);

    let failed = license(world).await;
    assert_eq!(failed.registration, Registration::Failed);
    assert!(failed.reason.is_some_and(|why| !why.is_empty()));

    registered(world).await;
    let error = register(world, "not a token", true).await.unwrap_err();
    assert!(matches!(&error, RemoteError::Invalid(_)), "{error:?}");
    assert!(!format!("{error:?}").contains("not a token"), "{error:?}");
}

/// An account with too few licences registers but does not comply.
pub async fn too_few_licences_are_told_apart(world: &dyn World) {
    register(world, "short-token", false).await.unwrap();
    world.pass(60 * SECOND);

    let seen = license(world).await;
    assert_eq!(seen.registration, Registration::Completed);
    assert_eq!(seen.compliance, Compliance::OutOfCompliance);
}

/// While one registration is under way, or done and not to be repeated, another is a conflict.
pub async fn a_registration_is_not_disturbed(world: &dyn World) {
    register(world, "good-token", false).await.unwrap();

    let error = register(world, "good-token", true).await.unwrap_err();
    assert!(matches!(error, RemoteError::Conflict(_)), "{error:?}");
    let error = world.api().set_product(&world.at(), "CML_Education").await.unwrap_err();
    assert!(matches!(error, RemoteError::Conflict(_)), "{error:?}");

    world.pass(60 * SECOND);
    let error = register(world, "good-token", false).await.unwrap_err();
    assert!(matches!(error, RemoteError::Conflict(_)), "{error:?}");
    register(world, "good-token", true).await.unwrap();
    assert_eq!(license(world).await.registration, Registration::InProgress);
}

/// A product has to exist.
pub async fn a_product_that_does_not_exist_is_invalid(world: &dyn World) {
    let before = license(world).await.product;

    let error = world.api().set_product(&world.at(), "CML_Nonsense").await.unwrap_err();

    assert!(matches!(error, RemoteError::Invalid(_)), "{error:?}");
    assert_eq!(license(world).await.product, before);
}

/// Done, done here only, was not registered, not now.
pub async fn the_outcomes_of_a_deregistration_are_told_apart(world: &dyn World) {
    let at = world.at();
    let deregister = || world.api().deregister(&at);
    assert_eq!(deregister().await.unwrap(), Deregistered::WasNotRegistered);

    register(world, "good-token", false).await.unwrap();
    assert_eq!(deregister().await.unwrap(), Deregistered::Busy);
    world.pass(60 * SECOND);
    assert_eq!(deregister().await.unwrap(), Deregistered::Done);
    assert_eq!(license(world).await.registration, Registration::NotRegistered);

    registered(world).await;
    world.happens(Outside::LicenseAgentBusy);
    assert_eq!(deregister().await.unwrap(), Deregistered::Busy);
    world.happens(Outside::AllWell);
    world.happens(Outside::LicenseServerAway);
    assert_eq!(deregister().await.unwrap(), Deregistered::LocalOnly);
    assert_eq!(license(world).await.registration, Registration::NotRegistered);

    world.happens(Outside::AllWell);
    registered(world).await;
    let lab = first_lab(world).await.id;
    world.api().act(&world.at(), &lab, LabAction::Start).await.unwrap();
    assert_eq!(deregister().await.unwrap(), Deregistered::Busy, "nodes run");
    assert_eq!(license(world).await.registration, Registration::Completed);
}
