/** The states of an event: how each is called here, and its colour. */
export const STATES = {
  DRAFT: ["Draft", ""], REVIEW: ["In review", "warn"], PUBLISHED: ["Published", "ok"], REFUSED: ["Refused", "bad"],
};
