-- What must reach a person even when nobody is there, and what takes a while.

ALTER TABLE users ADD COLUMN notify_by_email BOOLEAN NOT NULL DEFAULT TRUE;

-- One user's inbox. `seq`: the place of its `new_notification`, known when it is written since
-- there is one writer. The `mail_` columns: e-mail as the last resort. `mail_due_at`: when the next
-- attempt is due (`NONE`; nothing before the first), the claim lapses (`CLAIMED`), the server took it (`SENT`).
CREATE TABLE notifications (
  id             TEXT PRIMARY KEY NOT NULL,
  user_id        TEXT NOT NULL,
  message        TEXT NOT NULL,
  kind           TEXT NOT NULL,
  data           TEXT,
  status         TEXT NOT NULL CHECK (status IN ('PENDING', 'DELIVERED', 'READ')),
  created_at     TIMESTAMP NOT NULL,
  delivered_at   TIMESTAMP,
  read_at        TIMESTAMP,
  seq            BIGINT NOT NULL,
  mail_state     TEXT NOT NULL CHECK (mail_state IN ('NONE', 'CLAIMED', 'SENT', 'FAILED')),
  mail_attempts  INTEGER NOT NULL,
  mail_due_at    TIMESTAMP
);
CREATE INDEX notifications_user ON notifications (user_id, status, seq);
CREATE INDEX notifications_newest ON notifications (user_id, seq);
CREATE INDEX notifications_status ON notifications (status, created_at);
-- Small: only what was ever tried by e-mail. The first for all who had much of it lately, the second for one.
CREATE INDEX notifications_mailed ON notifications (mail_due_at) WHERE mail_due_at IS NOT NULL;
CREATE INDEX notifications_mailed_to ON notifications (user_id, mail_due_at) WHERE mail_due_at IS NOT NULL;

-- An administrator's message to many, while it is still being put into their inboxes, in the order
-- of user ids. `position`: up to this user it is done. Gone when it is done.
CREATE TABLE broadcasts (
  id          TEXT PRIMARY KEY NOT NULL,
  sender_id   TEXT NOT NULL,
  message     TEXT NOT NULL,
  kind        TEXT NOT NULL,
  data        TEXT,
  role        TEXT,
  user_ids    TEXT,
  position    TEXT NOT NULL,
  created_at  TIMESTAMP NOT NULL
);

-- The first answer to a request that named an `Idempotency-Key`, for 24 h.
CREATE TABLE idempotency_keys (
  caller      TEXT NOT NULL,
  route       TEXT NOT NULL,
  key         TEXT NOT NULL,
  body_hash   TEXT NOT NULL,
  status      INTEGER NOT NULL,
  answer      TEXT NOT NULL,
  seq         BIGINT NOT NULL,
  created_at  TIMESTAMP NOT NULL,
  PRIMARY KEY (caller, route, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

-- Background jobs. Clients see the columns up to `progress`, and the last three. `admins_see`: an
-- event of it is under review, published or refused. `file`: its name in UPLOADS_DIR, until the job
-- has ended. `log_left_out`: lines for which the log has no room. `reverting`: what it made is being
-- removed. `checkpoint`: how far it is, in units of its kind. `attempts`: runs since it last moved
-- on; `lost`: those of them that ended without a word. `due_at`: when a runner has to look at it:
-- to run it, to take it up because its lease is over, or, if it says `otherwise`, to end it with
-- that reason. `lease`: the run that has it; nobody else may write for it.
CREATE TABLE jobs (
  id            TEXT PRIMARY KEY NOT NULL,
  type          TEXT NOT NULL CHECK (type IN ('IMPORT', 'CLONE', 'UPLOAD')),
  state         TEXT NOT NULL CHECK (state IN ('PENDING', 'RUNNING', 'DONE', 'ERROR', 'REVERTED')),
  user_id       TEXT NOT NULL,
  description   TEXT NOT NULL,
  filename      TEXT,
  log           TEXT NOT NULL,
  progress      INTEGER NOT NULL,
  admins_see    BOOLEAN NOT NULL,
  log_left_out  INTEGER NOT NULL,
  reverting     BOOLEAN NOT NULL,
  file          TEXT,
  checkpoint    BIGINT NOT NULL,
  attempts      INTEGER NOT NULL,
  lost          INTEGER NOT NULL,
  due_at        TIMESTAMP NOT NULL,
  otherwise     TEXT,
  lease         TEXT,
  version       BIGINT NOT NULL,
  created_at    TIMESTAMP NOT NULL,
  updated_at    TIMESTAMP NOT NULL
);
CREATE INDEX jobs_user ON jobs (user_id, id);
CREATE INDEX jobs_due ON jobs (state, due_at);
CREATE INDEX events_job ON events (job_id, state) WHERE job_id IS NOT NULL;
-- What a revert has still to remove, in the order of ids.
CREATE INDEX events_job_left ON events (job_id, id) WHERE job_id IS NOT NULL AND deleted_at IS NULL;

CREATE TABLE uploads (
  id            TEXT PRIMARY KEY NOT NULL,
  user_id       TEXT NOT NULL,
  job_id        TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
  filename      TEXT NOT NULL,
  content_type  TEXT NOT NULL,
  size          BIGINT NOT NULL,
  sha256        TEXT NOT NULL,
  state         TEXT NOT NULL CHECK (state IN ('STORED', 'SENT', 'DONE', 'FAILED')),
  data          TEXT,
  created_at    TIMESTAMP NOT NULL,
  updated_at    TIMESTAMP NOT NULL
);
CREATE INDEX uploads_user ON uploads (user_id);
CREATE UNIQUE INDEX uploads_job ON uploads (job_id);

-- Ids of webhooks that were taken: the same id does nothing twice.
CREATE TABLE webhook_deliveries (
  id           TEXT PRIMARY KEY NOT NULL,
  received_at  TIMESTAMP NOT NULL
);
CREATE INDEX webhook_deliveries_age ON webhook_deliveries (received_at);
