//! Scripts: one atomic step each, on the one server that has the log.

use redis::aio::ConnectionLike;
use redis::{Cmd, FromRedisValue, RedisResult, ToRedisArgs, cmd};

use super::error::is_unknown_script;

/// A script, called by its hash.
pub(super) struct Script {
    code: &'static str,
    hash: String,
}

/// A script with its arguments.
pub(super) struct Call<'a> {
    script: &'a Script,
    key: &'a str,
    args: Vec<Vec<u8>>,
}

impl Script {
    pub(super) fn new(code: &'static str) -> Self {
        Self { code, hash: redis::Script::new(code).get_hash().to_owned() }
    }

    /// Begins a call that uses this key.
    pub(super) const fn on<'a>(&'a self, key: &'a str) -> Call<'a> {
        Call { script: self, key, args: Vec::new() }
    }
}

impl Call<'_> {
    pub(super) fn arg(&mut self, arg: impl ToRedisArgs) -> &mut Self {
        arg.write_redis_args(&mut self.args);
        self
    }

    /// Calls the script; a server that does not know it is given the code.
    pub(super) async fn invoke<T: FromRedisValue>(
        &self,
        connection: &mut impl ConnectionLike,
    ) -> RedisResult<T> {
        match self.command("EVALSHA", &self.script.hash).query_async(connection).await {
            // Not loaded first, as the driver does it: in a cluster that needs all nodes, of which some may be away.
            Err(err) if is_unknown_script(&err) => {
                self.command("EVAL", self.script.code).query_async(connection).await
            }
            answer => answer,
        }
    }

    fn command(&self, name: &str, script: &str) -> Cmd {
        let mut command = cmd(name);
        command.arg(script).arg(1).arg(self.key).arg(&self.args);
        command
    }
}
