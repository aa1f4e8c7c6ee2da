#![doc = include_str!("../README.md")]
#![warn(missing_docs)]

pub mod activity;
mod actor;
pub mod cml;
pub mod command;
mod error;
mod id;
pub mod idle;
mod instance;
pub mod lab;
mod license;
mod revision;
pub mod run;
pub mod schedule;
pub mod settings;
pub mod sink;
mod time;
pub mod worker;

pub use activity::{Activity, Use};
pub use actor::{Actor, ActorKind, Author, Forbidden, Permission, Role};
pub use command::{Command, CommandKind, CommandState};
pub use error::{DomainError, FieldFault};
pub use id::{
    Account, ImageId, InstanceId, InstanceType, InvalidId, LabId, OperationId, Region, Scope,
    SinkName, WorkerId,
};
pub use idle::{IDLE_TAG, IdleInputs, IdlePolicy, IdleVerdict, Verdict};
pub use instance::{
    CpuReading, Image, ImageQuery, Instance, InstanceState, LaunchOrder, StatusCheck,
};
pub use lab::{Lab, LabFact, LabView};
pub use license::{License, LicenseState};
pub use revision::Epoch;
pub use run::{Run, RunError, RunFact, RunId, RunState};
pub use schedule::{Schedule, ScheduleFact, Slot};
pub use settings::{Settings, SettingsFact, SettingsSpec};
pub use sink::{DeadLetter, Sink};
pub use time::{InvalidTimestamp, Timestamp, seconds};
pub use worker::{Worker, WorkerFact, WorkerState, WorkerView};
