//! Converting leads.
