//! The shipped recipes on the bench, at every edge of what is asked of them: webhooks in, the vendors' books out.
