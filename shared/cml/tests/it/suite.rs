//! The suite of the port, over http and https.

mod http {
    use crate::rig::Rig;

    ccm_ports::cml_contract!(Rig::new().await);
}

mod https {
    use crate::rig::Rig;

    ccm_ports::cml_contract!(Rig::encrypted().await);
}
