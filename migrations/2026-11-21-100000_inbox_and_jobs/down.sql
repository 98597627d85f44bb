DROP TABLE webhook_deliveries;
DROP TABLE uploads;
DROP INDEX events_job_left;
DROP INDEX events_job;
DROP TABLE jobs;
DROP TABLE idempotency_keys;
DROP TABLE broadcasts;
DROP TABLE notifications;
ALTER TABLE users DROP COLUMN notify_by_email;
