//! The steps, in their order: cheap and telling ones first.

use std::path::PathBuf;

use super::place::Place;
use crate::{arch, docs, tidy};

/// Steps that only run when they are named: what they show is shown by another step in less time, or they need root.
pub(super) const ON_REQUEST: &[&str] = &["chaos", "cluster", "rolling"];

/// One line of the summary.
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// Whether it must count tests.
    pub(super) tests: bool,
    /// Whether it needs real servers.
    pub(super) servers: bool,
    pub(super) parts: Vec<Part>,
}

/// One thing that a step does; the rest of the step is left out when it fails.
pub(super) enum Part {
    /// A program with its arguments, in a folder.
    Program { folder: PathBuf, program: PathBuf, args: Vec<&'static str> },
    /// One of our own tasks.
    Task(fn() -> anyhow::Result<()>),
}

/// Returns all steps.
pub(super) fn all(place: &Place) -> Vec<Step> {
    let mut steps = before_the_build(place);
    steps.extend(from_the_build_on(place));
    steps
}

fn before_the_build(place: &Place) -> Vec<Step> {
    let check =
        |name, about, part| Step { name, about, tests: false, servers: false, parts: vec![part] };
    vec![
        check("fmt", "formatting of Rust", place.cargo(&["fmt", "--all", "--check"])),
        // Before anything is compiled: the API embeds what this builds.
        Step {
            name: "web",
            about: "types, formatting, build and unit tests of the UI",
            tests: true,
            servers: false,
            parts: vec![
                place.npm("web", &["ci"]),
                place.npm("web", &["run", "build"]),
                place.npm("web", &["test"]),
                place.npm("web", &["run", "check"]),
            ],
        },
        check(
            "lint",
            "clippy, warnings are errors",
            place.cargo(&[
                "clippy",
                "--workspace",
                "--all-targets",
                "--all-features",
                "--locked",
                "--",
                "-Dwarnings",
            ]),
        ),
        check(
            "rustdoc",
            "documentation comments and the links in them",
            place.cargo(&[
                "doc",
                "--no-deps",
                "--locked",
                "--config=build.rustdocflags=[\"-Dwarnings\"]",
            ]),
        ),
        check("arch", "arrows between crates", Part::Task(arch::run)),
        check("tidy", "sizes, names, links", Part::Task(tidy::run)),
        check(
            "deny",
            "licenses, sources, who may use which driver",
            Part::Program {
                folder: place.root.clone(),
                program: place.tools.join("bin/cargo-deny"),
                args: vec![
                    "--workspace",
                    "--locked",
                    "check",
                    "bans",
                    "licenses",
                    "sources",
                    // Who may use a driver need not.
                    "--allow=unused-wrapper",
                ],
            },
        ),
        check("docs", "generated documents are up to date", Part::Task(docs::check)),
    ]
}

fn from_the_build_on(place: &Place) -> Vec<Step> {
    let mut steps = vec![
        build(place),
        tests(
            "rust",
            "unit, contract, use-case and service tests",
            vec![place.cargo(&[
                "test",
                "--workspace",
                "--exclude=ccm-system-tests",
                "--all-features",
                "--locked",
                "--no-fail-fast",
            ])],
        )
        .over_servers(),
        tests(
            "system",
            "the product as many processes over real servers, and what breaks there",
            vec![place.system_tests("")],
        )
        .over_servers(),
        tests(
            "chaos",
            "every kind of trouble, for CCM_CHAOS_SECONDS each",
            vec![place.system_tests("chaos")],
        )
        .over_servers(),
        tests(
            "protocols",
            "real protocols: moto, the stock CML client, our simulators",
            vec![
                place.pytest("tests/protocols/product"),
                place.python("tests/protocols/virl2", &["run.py"]),
            ],
        ),
    ];
    steps.extend(deployments(place));
    steps.push(tests(
        "browser",
        "the UI in a real browser",
        vec![place.npm("tests/browser", &["ci"]), place.npm("tests/browser", &["test"])],
    ));
    steps
}

fn deployments(place: &Place) -> Vec<Step> {
    vec![
        tests(
            "deploy",
            "images, systemd units, compose file, load balancers, alerts, backup",
            vec![place.pytest("tests/deploy")],
        )
        .over_servers(),
        tests(
            "rolling",
            "every API process replaced behind each load balancer, with CCM_ROLLING streams and requests",
            vec![place.python(
                "tests/deploy",
                &["-m", "pytest", "-ra", "-s", "-p", "no:cacheprovider", "test_rolling.py"],
            )],
        )
        .over_servers(),
        tests(
            "helm",
            "the chart: schema, renderings, alerts, and its trial as processes",
            vec![place.pytest("tests/chart")],
        )
        .over_servers(),
        tests(
            "cluster",
            "the chart on real clusters: without nodes, and on one where its pods run",
            vec![place.pytest("tests/cluster")],
        ),
    ]
}

/// One set of features for everything that is built, so that nothing is built twice: all steps behind it run what
/// this one made.
fn build(place: &Place) -> Step {
    Step {
        name: "build",
        about: "all binaries and tests",
        tests: false,
        servers: false,
        parts: vec![place.cargo(&[
            "build",
            "--workspace",
            "--all-targets",
            "--all-features",
            "--locked",
        ])],
    }
}

fn tests(name: &'static str, about: &'static str, parts: Vec<Part>) -> Step {
    Step { name, about, tests: true, servers: false, parts }
}

impl Step {
    fn over_servers(self) -> Self {
        Self { servers: true, ..self }
    }
}

impl Place {
    fn cargo(&self, args: &[&'static str]) -> Part {
        self.program("", "cargo", args)
    }

    /// One at a time: each measures how long the product takes on this whole machine.
    fn system_tests(&self, filter: &'static str) -> Part {
        self.cargo(&[
            "test",
            "--workspace",
            "--all-features",
            "--locked",
            "--no-fail-fast",
            "--test=system",
            "--",
            "--test-threads=1",
            "--nocapture",
            filter,
        ])
    }

    fn npm(&self, folder: &str, args: &[&'static str]) -> Part {
        self.program(folder, "npm", args)
    }

    fn python(&self, folder: &str, args: &[&'static str]) -> Part {
        let folder = self.root.join(folder);
        Part::Program { folder, program: self.python_of_tests(), args: args.to_vec() }
    }

    fn pytest(&self, folder: &str) -> Part {
        self.python(folder, &["-m", "pytest", "-ra", "-p", "no:cacheprovider"])
    }

    fn program(&self, folder: &str, program: &str, args: &[&'static str]) -> Part {
        Part::Program {
            folder: self.root.join(folder),
            program: PathBuf::from(program),
            args: args.to_vec(),
        }
    }
}
