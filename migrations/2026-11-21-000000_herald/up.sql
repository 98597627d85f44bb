-- One portable set for SQLite and PostgreSQL: ids and enums are TEXT, lists are JSON in TEXT,
-- times are TIMESTAMP in UTC, nothing is numbered by the database but by `sequence`.

-- The one order. `newest`: the last notice committed; `pruned`: up to here nothing is kept.
-- Every change takes this row's lock first, so changes are one after the other on every database.
CREATE TABLE sequence (
  id      BIGINT PRIMARY KEY NOT NULL CHECK (id = 1),
  newest  BIGINT NOT NULL,
  pruned  BIGINT NOT NULL
);
INSERT INTO sequence (id, newest, pruned) VALUES (1, 0, 0);

-- Every notice, in order; written in the transaction of the change it tells of.
CREATE TABLE outbox (
  seq         BIGINT PRIMARY KEY NOT NULL,
  event       TEXT NOT NULL,
  payload     TEXT NOT NULL,
  audience    TEXT NOT NULL,
  origin      TEXT,
  effect      TEXT,
  created_at  TIMESTAMP NOT NULL
);

CREATE TABLE users (
  id             TEXT PRIMARY KEY NOT NULL,
  email          TEXT NOT NULL UNIQUE,
  password_hash  TEXT NOT NULL,
  first_name     TEXT NOT NULL,
  last_name      TEXT NOT NULL,
  roles          TEXT NOT NULL,
  disabled       BOOLEAN NOT NULL,
  notify_admin_on_review_request  BOOLEAN NOT NULL,
  notify_on_event_update          BOOLEAN NOT NULL,
  version        BIGINT NOT NULL,
  created_at     TIMESTAMP NOT NULL,
  updated_at     TIMESTAMP NOT NULL
);

-- Users that were: nothing of them is kept but that their tokens no longer work. Without this they
-- could not be told from users of another issuer, of whom Herald has no record either.
CREATE TABLE deleted_users (
  id          TEXT PRIMARY KEY NOT NULL,
  deleted_at  TIMESTAMP NOT NULL
);

-- A login session: known once somebody logged in here, or once it was ended here.
CREATE TABLE login_sessions (
  sid         TEXT PRIMARY KEY NOT NULL,
  user_id     TEXT NOT NULL,
  ended_at    TIMESTAMP,
  expires_at  TIMESTAMP NOT NULL,
  created_at  TIMESTAMP NOT NULL
);
CREATE INDEX login_sessions_user ON login_sessions (user_id);

-- Only hashes of refresh tokens and tickets are kept.
CREATE TABLE refresh_tokens (
  hash        TEXT PRIMARY KEY NOT NULL,
  sid         TEXT NOT NULL REFERENCES login_sessions (sid) ON DELETE CASCADE,
  used_at     TIMESTAMP,
  expires_at  TIMESTAMP NOT NULL
);
CREATE INDEX refresh_tokens_sid ON refresh_tokens (sid);

CREATE TABLE tickets (
  hash        TEXT PRIMARY KEY NOT NULL,
  claims      TEXT NOT NULL,
  expires_at  TIMESTAMP NOT NULL
);

CREATE TABLE departments (
  id           TEXT PRIMARY KEY NOT NULL,
  name         TEXT NOT NULL UNIQUE,
  description  TEXT NOT NULL,
  letter       TEXT NOT NULL,
  color        TEXT NOT NULL,
  version      BIGINT NOT NULL,
  created_at   TIMESTAMP NOT NULL,
  updated_at   TIMESTAMP NOT NULL
);

CREATE TABLE event_groups (
  id           TEXT PRIMARY KEY NOT NULL,
  name         TEXT NOT NULL,
  description  TEXT NOT NULL,
  member_ids   TEXT NOT NULL,
  version      BIGINT NOT NULL,
  created_at   TIMESTAMP NOT NULL,
  updated_at   TIMESTAMP NOT NULL
);

-- The same as event_groups.member_ids, for looking up from the other side.
CREATE TABLE event_group_members (
  group_id  TEXT NOT NULL REFERENCES event_groups (id) ON DELETE CASCADE,
  user_id   TEXT NOT NULL,
  PRIMARY KEY (group_id, user_id)
);
CREATE INDEX event_group_members_user ON event_group_members (user_id);

CREATE TABLE events (
  id                TEXT PRIMARY KEY NOT NULL,
  author_id         TEXT NOT NULL,
  state             TEXT NOT NULL CHECK (state IN ('DRAFT', 'REVIEW', 'PUBLISHED', 'REFUSED')),
  starts_at         TIMESTAMP NOT NULL,
  ends_at           TIMESTAMP NOT NULL,
  location          TEXT,
  description       TEXT NOT NULL,
  description_long  TEXT,
  department_ids    TEXT NOT NULL,
  group_ids         TEXT NOT NULL,
  parent_id         TEXT,
  cloned_from_id    TEXT,
  job_id            TEXT,
  version           BIGINT NOT NULL,
  created_at        TIMESTAMP NOT NULL,
  updated_at        TIMESTAMP NOT NULL,
  deleted_at        TIMESTAMP
);
CREATE INDEX events_author ON events (author_id);
CREATE INDEX events_state ON events (state);
CREATE INDEX events_parent ON events (parent_id);

-- The same as events.group_ids and events.department_ids, for looking up from the other side.
CREATE TABLE events_in_groups (
  event_id  TEXT NOT NULL REFERENCES events (id) ON DELETE CASCADE,
  group_id  TEXT NOT NULL,
  PRIMARY KEY (group_id, event_id)
);
CREATE INDEX events_in_groups_event ON events_in_groups (event_id);

CREATE TABLE events_in_departments (
  event_id       TEXT NOT NULL REFERENCES events (id) ON DELETE CASCADE,
  department_id  TEXT NOT NULL REFERENCES departments (id),
  PRIMARY KEY (department_id, event_id)
);
CREATE INDEX events_in_departments_event ON events_in_departments (event_id);
