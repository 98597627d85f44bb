-- Keys of other back ends. `hash`: the SHA-256 of the key, which is shown once and stored nowhere.
-- `rooms`, `events`: what it may publish, JSON lists of names and prefixes; `null` is everything.
-- `last_used_at` is coarse: not every use is a write.
CREATE TABLE api_keys (
  id            TEXT PRIMARY KEY NOT NULL,
  hash          TEXT NOT NULL,
  name          TEXT NOT NULL,
  rooms         TEXT NOT NULL,
  events        TEXT NOT NULL,
  created_at    TIMESTAMP NOT NULL,
  last_used_at  TIMESTAMP
);
CREATE UNIQUE INDEX api_keys_hash ON api_keys (hash);
