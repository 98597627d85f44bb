-- The marketplace. Money is a decimal number as text, as it came; who may see what is in the rows
-- themselves (`buyer_id`, `seller_id`). The unique indexes say again what the rules say: one live
-- offer of a seller, one live payment of an offer, one live payout of a payment, one open dispute.

-- `seller_id`, `accepted_offer_id`: whose offer was accepted.
CREATE TABLE purchase_requests (
  id                 TEXT PRIMARY KEY NOT NULL,
  buyer_id           TEXT NOT NULL,
  seller_id          TEXT,
  accepted_offer_id  TEXT,
  title              TEXT NOT NULL,
  description        TEXT NOT NULL,
  category           TEXT,
  budget             TEXT,
  status             TEXT NOT NULL CHECK (status IN ('OPEN', 'IN_PROGRESS', 'COMPLETED', 'CANCELLED')),
  created_at         TIMESTAMP NOT NULL,
  updated_at         TIMESTAMP NOT NULL
);
CREATE INDEX purchase_requests_buyer ON purchase_requests (buyer_id);
CREATE INDEX purchase_requests_status ON purchase_requests (status, id);

-- `price_by`: who named the price; it binds the seller only if the seller did.
CREATE TABLE offers (
  id          TEXT PRIMARY KEY NOT NULL,
  request_id  TEXT NOT NULL REFERENCES purchase_requests (id),
  buyer_id    TEXT NOT NULL,
  seller_id   TEXT NOT NULL,
  price       TEXT NOT NULL,
  price_by    TEXT NOT NULL,
  currency    TEXT NOT NULL,
  message     TEXT,
  status      TEXT NOT NULL CHECK (status IN ('PENDING', 'COUNTERED', 'ACCEPTED', 'DECLINED', 'WITHDRAWN')),
  created_at  TIMESTAMP NOT NULL,
  updated_at  TIMESTAMP NOT NULL
);
CREATE INDEX offers_request ON offers (request_id);
CREATE INDEX offers_seller ON offers (seller_id);
CREATE UNIQUE INDEX offers_live ON offers (request_id, seller_id) WHERE status IN ('PENDING', 'COUNTERED', 'ACCEPTED');
CREATE UNIQUE INDEX offers_accepted ON offers (request_id) WHERE status = 'ACCEPTED';

CREATE TABLE chats (
  id          TEXT PRIMARY KEY NOT NULL,
  request_id  TEXT NOT NULL UNIQUE REFERENCES purchase_requests (id),
  buyer_id    TEXT NOT NULL,
  seller_id   TEXT NOT NULL,
  created_at  TIMESTAMP NOT NULL
);
CREATE INDEX chats_buyer ON chats (buyer_id);
CREATE INDEX chats_seller ON chats (seller_id);

-- `read_at`: when the other of the two had read it.
CREATE TABLE chat_messages (
  id          TEXT PRIMARY KEY NOT NULL,
  chat_id     TEXT NOT NULL REFERENCES chats (id),
  sender_id   TEXT NOT NULL,
  text        TEXT NOT NULL,
  created_at  TIMESTAMP NOT NULL,
  read_at     TIMESTAMP
);
CREATE INDEX chat_messages_chat ON chat_messages (chat_id, id);

CREATE TABLE payments (
  id                   TEXT PRIMARY KEY NOT NULL,
  offer_id             TEXT NOT NULL REFERENCES offers (id),
  request_id           TEXT NOT NULL REFERENCES purchase_requests (id),
  buyer_id             TEXT NOT NULL,
  seller_id            TEXT NOT NULL,
  amount               TEXT NOT NULL,
  currency             TEXT NOT NULL,
  status               TEXT NOT NULL CHECK (status IN ('CREATED', 'PENDING', 'COMPLETED', 'FAILED')),
  provider_payment_id  TEXT,
  created_at           TIMESTAMP NOT NULL,
  updated_at           TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX payments_live ON payments (offer_id) WHERE status IN ('CREATED', 'PENDING', 'COMPLETED');
CREATE INDEX payments_request ON payments (request_id, status);
CREATE INDEX payments_buyer ON payments (buyer_id);
CREATE INDEX payments_seller ON payments (seller_id);

CREATE TABLE payouts (
  id          TEXT PRIMARY KEY NOT NULL,
  payment_id  TEXT NOT NULL REFERENCES payments (id),
  seller_id   TEXT NOT NULL,
  amount      TEXT NOT NULL,
  currency    TEXT NOT NULL,
  status      TEXT NOT NULL CHECK (status IN ('CREATED', 'COMPLETED', 'FAILED')),
  tx_hash     TEXT,
  created_at  TIMESTAMP NOT NULL,
  updated_at  TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX payouts_live ON payouts (payment_id) WHERE status IN ('CREATED', 'COMPLETED');
CREATE INDEX payouts_seller ON payouts (seller_id);

CREATE TABLE disputes (
  id           TEXT PRIMARY KEY NOT NULL,
  request_id   TEXT NOT NULL REFERENCES purchase_requests (id),
  buyer_id     TEXT NOT NULL,
  seller_id    TEXT NOT NULL,
  opened_by    TEXT NOT NULL,
  reason       TEXT NOT NULL,
  status       TEXT NOT NULL CHECK (status IN ('OPEN', 'RESOLVED')),
  resolution   TEXT,
  created_at   TIMESTAMP NOT NULL,
  updated_at   TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX disputes_open ON disputes (request_id) WHERE status = 'OPEN';
CREATE INDEX disputes_buyer ON disputes (buyer_id);
CREATE INDEX disputes_seller ON disputes (seller_id);

CREATE TABLE dispute_evidence (
  id          TEXT PRIMARY KEY NOT NULL,
  dispute_id  TEXT NOT NULL REFERENCES disputes (id),
  user_id     TEXT NOT NULL,
  text        TEXT NOT NULL,
  created_at  TIMESTAMP NOT NULL
);
CREATE INDEX dispute_evidence_dispute ON dispute_evidence (dispute_id, id);
