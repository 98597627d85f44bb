DROP TABLE dispute_evidence;
DROP TABLE disputes;
DROP TABLE payouts;
DROP TABLE payments;
DROP TABLE chat_messages;
DROP TABLE chats;
DROP TABLE offers;
DROP TABLE purchase_requests;
