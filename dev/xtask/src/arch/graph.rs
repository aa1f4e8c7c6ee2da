//! What the manifests say, and where it differs from the rules.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context;
use serde::Deserialize;

use super::rules::{
    ALLOWED, Allowed, FENCES, FOR_TESTS, NOT_IN_DOMAIN, OUT_OF_REACH, PURE, matches,
};
use crate::repo;

/// The crates of the workspace and everything they reach.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) ours: Vec<Manifest>,
    /// From each crate (ours or not) to what it links in normal and build dependencies.
    pub(super) links: BTreeMap<String, BTreeSet<String>>,
}

/// One crate of ours and the dependencies its manifest names.
#[derive(Debug, Default)]
pub(super) struct Manifest {
    pub(super) name: String,
    pub(super) dependencies: Vec<Dependency>,
}

/// One line of a manifest.
#[derive(Debug)]
pub(super) struct Dependency {
    pub(super) name: String,
    pub(super) for_tests: bool,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    dependencies: Vec<PackageDependency>,
}

#[derive(Deserialize)]
struct PackageDependency {
    name: String,
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<NodeDependency>,
}

#[derive(Deserialize)]
struct NodeDependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Deserialize)]
struct DependencyKind {
    kind: Option<String>,
}

/// Reads the graph of the workspace at `root`.
pub(super) fn load(root: &Path) -> anyhow::Result<Graph> {
    let args = ["metadata", "--format-version=1", "--locked", "--all-features"];
    let text = repo::output(root, "cargo", &args)?;
    let metadata: Metadata = serde_json::from_str(&text).context("read cargo metadata")?;
    Ok(from_metadata(metadata))
}

fn from_metadata(metadata: Metadata) -> Graph {
    let names: BTreeMap<&str, &str> =
        metadata.packages.iter().map(|p| (p.id.as_str(), p.name.as_str())).collect();
    let mut links: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for node in &metadata.resolve.nodes {
        let Some(from) = names.get(node.id.as_str()) else { continue };
        let linked = node
            .deps
            .iter()
            .filter(|dep| dep.dep_kinds.iter().any(|kind| kind.kind.as_deref() != Some("dev")))
            .filter_map(|dep| names.get(dep.pkg.as_str()))
            .map(|name| (*name).to_owned());
        links.entry((*from).to_owned()).or_default().extend(linked);
    }
    let ours = metadata
        .packages
        .into_iter()
        .filter(|package| metadata.workspace_members.contains(&package.id))
        .map(|package| Manifest {
            name: package.name,
            dependencies: package
                .dependencies
                .into_iter()
                .map(|dep| Dependency {
                    for_tests: dep.kind.as_deref() == Some("dev"),
                    name: dep.name,
                })
                .collect(),
        })
        .collect();
    Graph { ours, links }
}

/// Returns one sentence for each arrow that the rules do not have.
pub(super) fn check(graph: &Graph) -> Vec<String> {
    let mut faults = Vec::new();
    for manifest in &graph.ours {
        match ALLOWED.iter().find(|allowed| allowed.name == manifest.name) {
            Some(allowed) => check_arrows(manifest, allowed, &mut faults),
            None => faults.push(format!(
                "{} is not in the rules; say in arch/rules.rs which arrows it may have",
                manifest.name
            )),
        }
        check_fences(manifest, &mut faults);
    }
    check_reach(graph, &mut faults);
    faults.sort();
    faults.dedup();
    faults
}

fn check_arrows(manifest: &Manifest, allowed: &Allowed, faults: &mut Vec<String>) {
    let name = &manifest.name;
    let is_ours = |dep: &str| ALLOWED.iter().any(|allowed| allowed.name == dep);
    for Dependency { name: dep, for_tests } in &manifest.dependencies {
        if !is_ours(dep) || allowed.ours.contains(&dep.as_str()) {
            continue;
        }
        let for_its_tests = allowed.tests.contains(&dep.as_str())
            || (FOR_TESTS.contains(&dep.as_str()) && !PURE.contains(&name.as_str()));
        match (for_tests, for_its_tests) {
            (true, true) => {}
            (true, false) => faults.push(format!("{name} -> {dep}: not even its tests may")),
            (false, _) => faults.push(format!("{name} -> {dep}: this arrow is not allowed")),
        }
    }
}

fn check_fences(manifest: &Manifest, faults: &mut Vec<String>) {
    let name = manifest.name.as_str();
    for dep in &manifest.dependencies {
        for fence in FENCES.iter().filter(|fence| matches(fence.dependency, &dep.name)) {
            if !fence.only.contains(&name) {
                let only = fence.only.join(" and ");
                faults.push(format!("{name} -> {}: only {only} may: {}", dep.name, fence.reason));
            }
        }
        let banned = |pattern: &&str| matches(pattern, &dep.name);
        if name == "ccm-domain" && !dep.for_tests && NOT_IN_DOMAIN.iter().any(banned) {
            faults.push(format!("{name} -> {}: the domain has no runtime and no I/O", dep.name));
        }
    }
}

fn check_reach(graph: &Graph, faults: &mut Vec<String>) {
    for rule in OUT_OF_REACH {
        if let Some(path) = path_to(&graph.links, rule.from, rule.dependency) {
            faults.push(format!("{}: {}", path.join(" -> "), rule.reason));
        }
    }
}

/// Returns the shortest way from `from` to something that `pattern` means.
fn path_to(
    links: &BTreeMap<String, BTreeSet<String>>,
    from: &str,
    pattern: &str,
) -> Option<Vec<String>> {
    let mut seen = BTreeSet::from([from.to_owned()]);
    let mut paths = std::collections::VecDeque::from([vec![from.to_owned()]]);
    while let Some(path) = paths.pop_front() {
        for next in path.last().and_then(|last| links.get(last)).into_iter().flatten() {
            if seen.insert(next.clone()) {
                let longer: Vec<_> = path.iter().cloned().chain([next.clone()]).collect();
                if matches(pattern, next) {
                    return Some(longer);
                }
                paths.push_back(longer);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(name: &str, dependencies: &[(&str, bool)]) -> Manifest {
        Manifest {
            name: name.to_owned(),
            dependencies: dependencies
                .iter()
                .map(|(name, for_tests)| Dependency {
                    name: (*name).to_owned(),
                    for_tests: *for_tests,
                })
                .collect(),
        }
    }

    fn faults(name: &str, dependency: &str, for_tests: bool) -> Vec<String> {
        let ours = vec![manifest(name, &[(dependency, for_tests)])];
        check(&Graph { ours, links: BTreeMap::new() })
    }

    #[test]
    fn allowed_arrows_are_clean() {
        for (name, dependency, for_tests) in [
            ("ccm-app", "ccm-ports", false),
            ("ccm-app", "ccm-store", true),
            ("ccm-scheduler", "ccm-aws", false),
            ("ccm-sim-aws", "ccm-aws", true),
            ("ccm-aws", "aws-sdk-ec2", false),
            ("ccm-cml", "aws-lc-rs", false),
            ("ccm-domain", "serde", false),
            ("ccm-domain", "rand", true),
        ] {
            assert_eq!(faults(name, dependency, for_tests), [""; 0], "{name} -> {dependency}");
        }
    }

    #[test]
    fn every_kind_of_wrong_arrow_is_found() {
        for (name, dependency, for_tests, said) in [
            ("ccm-domain", "ccm-ports", false, "not allowed"),
            ("ccm-app", "ccm-store", false, "not allowed"),
            ("ccm-store", "ccm-app", false, "not allowed"),
            ("ccm-store", "ccm-bus", false, "not allowed"),
            ("ccm-api", "ccm-scheduler", false, "not allowed"),
            ("ccm-api", "ccm-aws", false, "not allowed"),
            ("ccm-api", "ccm-aws", true, "not even its tests"),
            ("ccm-api", "ccm-cml", false, "not allowed"),
            ("ccm-relay", "ccm-cml", false, "not allowed"),
            ("ccm-domain", "ccm-testkit", true, "not even its tests"),
            ("ccm-api", "aws-config", false, "only ccm-aws may"),
            ("ccm-scheduler", "aws-sdk-ec2", false, "only ccm-aws may"),
            ("ccm-api", "rusqlite", true, "only ccm-store may"),
            ("ccm-api", "mongodb", false, "only ccm-store and ccm-testkit may"),
            ("ccm-api", "redis", false, "only ccm-bus and ccm-testkit may"),
            ("ccm-api", "apalis", false, "only ccm-scheduler may"),
            ("ccm-store", "apalis-core", false, "only ccm-scheduler may"),
            ("ccm-domain", "tokio", false, "no runtime"),
            ("ccm-domain", "tokio-util", false, "no runtime"),
            ("ccm-stranger", "serde", false, "not in the rules"),
        ] {
            let faults = faults(name, dependency, for_tests);
            assert_eq!(faults.len(), 1, "{name} -> {dependency}: {faults:?}");
            assert!(faults[0].contains(said), "{name} -> {dependency}: {faults:?}");
        }
    }

    #[test]
    fn a_cloud_client_behind_two_arrows_is_found_with_the_way_to_it() {
        let link = |from: &str, to: &str| (from.to_owned(), BTreeSet::from([to.to_owned()]));
        let links = BTreeMap::from([
            link("ccm-api", "some-crate"),
            link("some-crate", "aws-sdk-ec2"),
            link("ccm-relay", "aws-lc-rs"),
        ]);

        let faults = check(&Graph { ours: Vec::new(), links });

        assert_eq!(faults, ["ccm-api -> some-crate -> aws-sdk-ec2: API pods have no cloud client"]);
    }

    #[test]
    fn dev_dependencies_are_not_linked() {
        let metadata = serde_json::from_str(
            r#"{
                "packages": [
                    {"id": "1", "name": "ccm-api", "dependencies": [
                        {"name": "ccm-testkit", "kind": "dev"}]},
                    {"id": "2", "name": "ccm-testkit", "dependencies": []}],
                "workspace_members": ["1"],
                "resolve": {"nodes": [{"id": "1", "deps": [
                    {"pkg": "2", "dep_kinds": [{"kind": "dev"}]}]}]}
            }"#,
        )
        .unwrap();

        let graph = from_metadata(metadata);

        assert!(graph.links["ccm-api"].is_empty());
        assert!(graph.ours[0].dependencies[0].for_tests);
    }

    #[test]
    fn the_rules_name_each_crate_once_and_no_crate_twice_removed() {
        let names: BTreeSet<_> = ALLOWED.iter().map(|allowed| allowed.name).collect();
        assert_eq!(names.len(), ALLOWED.len());
        for allowed in ALLOWED {
            for dep in allowed.ours.iter().chain(allowed.tests) {
                assert!(names.contains(dep), "{} -> {dep}", allowed.name);
            }
        }
    }
}
