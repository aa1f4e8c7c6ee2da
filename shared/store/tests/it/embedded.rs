//! The suites, stamped.

mod memory {
    use crate::in_memory;

    ccm_ports::store_contract!(in_memory());
}

mod file {
    use crate::in_a_file;

    ccm_ports::store_contract!(in_a_file());
}
