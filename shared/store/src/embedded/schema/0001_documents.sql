-- One row for each document. `guard` is the store's own: the epoch that last sealed or wrote the document.
CREATE TABLE docs (
    coll  TEXT    NOT NULL,
    key   TEXT    NOT NULL,
    rev   INTEGER NOT NULL,
    guard INTEGER NOT NULL,
    body  TEXT    NOT NULL,
    PRIMARY KEY (coll, key)
) STRICT;

-- A repeated seal touches only what is below its epoch.
CREATE INDEX docs_by_guard ON docs (coll, guard);

-- What lists filter and sort by; a field may have several values.
CREATE TABLE fields (
    coll  TEXT NOT NULL,
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    key   TEXT NOT NULL,
    PRIMARY KEY (coll, field, value, key)
) STRICT, WITHOUT ROWID;

-- All values of one document: tested by filters, compared by writes.
CREATE INDEX fields_by_key ON fields (coll, key, field, value);

-- Further keys that no two documents of a collection share.
CREATE TABLE uniques (
    coll  TEXT NOT NULL,
    value TEXT NOT NULL,
    key   TEXT NOT NULL,
    PRIMARY KEY (coll, value)
) STRICT, WITHOUT ROWID;

CREATE INDEX uniques_by_key ON uniques (coll, key);

-- Changes not yet told, in the order of their commits.
CREATE TABLE changes (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    coll      TEXT NOT NULL,
    key       TEXT NOT NULL,
    change_id TEXT NOT NULL,
    body      TEXT NOT NULL
) STRICT;

-- Taken out one by one; a document is not forgotten while it has some.
CREATE INDEX changes_by_document ON changes (coll, key, change_id);

-- Everything told, without a hole.
CREATE TABLE events (
    seq       INTEGER PRIMARY KEY,
    change_id TEXT NOT NULL UNIQUE,
    body      TEXT NOT NULL
) STRICT;

-- The last place given out, which outlives the entry itself.
CREATE TABLE log (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    head INTEGER NOT NULL
) STRICT;

INSERT INTO log (only, head) VALUES (1, 0);

CREATE TABLE leases (
    role     TEXT    NOT NULL PRIMARY KEY,
    epoch    INTEGER NOT NULL,
    holder   TEXT    NOT NULL,
    renewals INTEGER NOT NULL,
    released INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- `worker` holds the sixteen bytes of the id, `at` milliseconds since 1970.
CREATE TABLE samples (
    worker BLOB    NOT NULL,
    at     INTEGER NOT NULL,
    cpu    REAL,
    memory REAL,
    disk   REAL,
    nodes  INTEGER,
    PRIMARY KEY (worker, at)
) STRICT, WITHOUT ROWID;

-- Sealed with AES-256-GCM; `expires` in milliseconds since 1970 is part of what is authenticated.
CREATE TABLE secrets (
    id      TEXT    NOT NULL PRIMARY KEY,
    expires INTEGER NOT NULL,
    nonce   BLOB    NOT NULL,
    sealed  BLOB    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX secrets_by_expiry ON secrets (expires);
