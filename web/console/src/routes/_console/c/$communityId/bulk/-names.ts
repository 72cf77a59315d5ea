// What addresses may say of jobs and rows; apart from the pages, since addresses are read before a page's code is there.
export const types = ["bulk_update", "bulk_update_premium_currency", "bulk_import", "revert"] as const;
export type JobType = (typeof types)[number];
export const states = ["queued", "processing", "completed", "failed", "cancelled", "reverting", "reverted"] as const;
export type JobState = (typeof states)[number];
export const outcomes = ["updated", "unchanged", "created", "failed", "not_processed"] as const;
export type Outcome = (typeof outcomes)[number];
