//! All routes on one screen.

use std::sync::Arc;

use axum::Router;
use axum::routing::{delete, get, patch, post, put};
use ccm_testkit::lab_host::LabHosts;

use crate::sim::Switches;
use crate::tls::Certificates;
use crate::{auth, definitions, elements, labs, licensing, people, sim, system};

/// How the face behaves, apart from the world behind it.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long a token counts, in seconds of the controller's clock.
    pub token_life_secs: i64,
    /// Power switches of `POST /{id}/_sim/power`; `None` when power comes from elsewhere.
    pub switches: Option<Arc<Switches>>,
    /// Certificates to serve with; `None` for plain HTTP.
    pub certificates: Option<Arc<Certificates>>,
}

impl Default for Options {
    fn default() -> Self {
        Self { token_life_secs: 86_400, switches: None, certificates: None }
    }
}

/// What every handler can reach.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) world: Arc<LabHosts>,
    pub(crate) options: Options,
}

/// Returns the routes of one controller, without its prefix, and those behind the scenes.
pub(crate) fn router(app: App) -> Router {
    let api = Router::new()
        .merge(session_routes())
        .merge(system_routes())
        .merge(licensing_routes())
        .merge(lab_routes())
        .merge(element_routes())
        .merge(people_routes())
        .merge(definition_routes())
        .fallback(auth::not_found);
    Router::new()
        .nest("/api/v0", api)
        .route("/_sim/workers", get(sim::workers))
        .route("/_sim/certificate", post(sim::certificate))
        .route("/_sim/activity", post(sim::activity))
        .route("/_sim/faults", post(sim::inject).delete(sim::heal))
        .route("/_sim/sessions", delete(sim::end_sessions))
        .route("/_sim/power", post(sim::power))
        .route("/_sim/truth", get(sim::truth))
        .fallback(auth::not_found)
        .with_state(app)
}

fn session_routes() -> Router<App> {
    Router::new()
        .route("/authenticate", post(auth::authenticate))
        .route("/auth_extended", post(auth::auth_extended))
        .route("/authok", get(auth::authok))
        .route("/authentication", get(auth::authentication))
        .route("/logout", delete(auth::logout))
        .route("/web_session_timeout", get(auth::web_session_timeout))
}

fn system_routes() -> Router<App> {
    Router::new()
        .route("/system_information", get(system::information))
        .route("/system_health", get(system::health))
        .route("/system_stats", get(system::stats))
        .route("/system/compute_hosts", get(system::compute_hosts))
        .route("/system/compute_hosts/configuration", get(system::compute_configuration))
        .route("/system/compute_hosts/{id}", get(system::one_compute_host))
        .route("/system/maintenance_mode", get(system::maintenance))
        .route("/system/external_connectors", get(system::connectors))
        .route("/system/notices", get(system::notices).post(system::add_notice))
        .route("/system/notices/{id}", patch(system::change_notice).delete(system::remove_notice))
        .route("/telemetry", get(system::opt_in))
        .route("/telemetry/events", get(system::events))
        .route("/diagnostics/{category}", get(system::diagnostics))
}

fn licensing_routes() -> Router<App> {
    Router::new()
        .route("/licensing", get(licensing::status))
        .route("/licensing/features", get(licensing::features).patch(licensing::set_features))
        .route("/licensing/product_license", put(licensing::set_product))
        .route("/licensing/registration", post(licensing::register))
        .route("/licensing/registration/renew", put(licensing::accept))
        .route("/licensing/authorization/renew", put(licensing::accept))
        .route("/licensing/transport", put(licensing::accept))
        .route("/licensing/deregistration", delete(licensing::deregister))
        .route("/licensing/tech_support", get(licensing::tech_support))
}

fn lab_routes() -> Router<App> {
    Router::new()
        .route("/labs", get(labs::list).post(labs::create))
        .route("/labs/{lab}", get(labs::show).patch(labs::change).delete(labs::delete))
        .route("/labs/{lab}/start", put(labs::start))
        .route("/labs/{lab}/stop", put(labs::stop))
        .route("/labs/{lab}/wipe", put(labs::wipe))
        .route("/labs/{lab}/bootstrap", put(labs::bootstrap).get(labs::bootstrap))
        .route("/labs/{lab}/state", get(labs::state))
        .route("/labs/{lab}/check_if_converged", get(labs::converged))
        .route("/labs/{lab}/topology", get(labs::topology_of))
        .route("/labs/{lab}/download", get(labs::download))
        .route("/labs/{lab}/events", get(labs::nothing))
        .route("/labs/{lab}/resource_pools", get(labs::nothing))
        .route("/labs/{lab}/lab_element_state", get(labs::element_states))
        .route("/labs/{lab}/simulation_stats", get(labs::simulation_stats))
        .route("/labs/{lab}/layer3_addresses", get(labs::layer3_addresses))
        .route("/labs/{lab}/pyats_testbed", get(labs::pyats_testbed))
        .route("/labs/{lab}/tile", get(labs::tile))
        .route("/populate_lab_tiles", get(labs::tiles))
        .route("/import", post(labs::import))
}

fn element_routes() -> Router<App> {
    let node = "/labs/{lab}/nodes/{node}";
    Router::new()
        .route("/nodes", get(elements::all_nodes))
        .route("/labs/{lab}/nodes", get(elements::nodes).post(elements::add_node))
        .route(node, get(elements::node).delete(elements::remove_node))
        .route(node, patch(elements::change_node))
        .route(&format!("{node}/state"), get(elements::node_state))
        .route(&format!("{node}/state/start"), put(elements::start_node))
        .route(&format!("{node}/state/stop"), put(elements::stop_node))
        .route(&format!("{node}/wipe_disks"), put(elements::wipe_node))
        .route(&format!("{node}/check_if_converged"), get(elements::node_converged))
        .route(&format!("{node}/interfaces"), get(elements::node_ports))
        .route("/labs/{lab}/interfaces", get(elements::ports).post(elements::add_port))
        .route("/labs/{lab}/interfaces/{port}", get(elements::port))
        .route("/labs/{lab}/links", get(elements::links).post(elements::add_link))
        .route("/labs/{lab}/links/{link}", get(elements::link).delete(elements::remove_link))
}

fn people_routes() -> Router<App> {
    Router::new()
        .route("/users", get(people::list).post(people::create))
        .route("/users/{id}", get(people::show).delete(people::delete))
        .route("/users/{id}/id", get(people::id_of))
        .route("/groups", get(people::none))
        .route("/resource_pools", get(people::none))
        .route("/resource_pool_usage", get(people::none))
        .route("/lab_repos", get(people::none))
        .route("/sample/labs", get(people::none))
}

fn definition_routes() -> Router<App> {
    Router::new()
        .route("/node_definitions", get(definitions::nodes))
        .route("/node_definitions/{id}", get(definitions::node))
        .route("/simplified_node_definitions", get(definitions::simplified_nodes))
        .route("/image_definitions", get(definitions::images))
}
