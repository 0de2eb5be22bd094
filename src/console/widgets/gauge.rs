//! Thin gauges `━━──`, sparklines `▁▃█` and waterfall bars; always beside the number, never instead of it.

use ratatui::style::Style;
use ratatui::text::Span;

use crate::console::text::span;
use crate::console::theme::Theme;

/// A gauge of `cells`; `share` is 0 to 1.
pub fn gauge(theme: &Theme, share: f64, cells: usize, style: Style) -> [Span<'static>; 2] {
    [span(bars(share, cells), style), span(lines(share, cells), theme.faint)]
}

/// The full part of a gauge of `cells`; `share` is 0 to 1.
pub fn bars(share: f64, cells: usize) -> String {
    "━".repeat(full(share, cells))
}

/// The empty part of the same gauge.
pub fn lines(share: f64, cells: usize) -> String {
    "─".repeat(cells - full(share, cells))
}

/// What is used of anything shows at least one cell, and only what is used up fills the last one.
fn full(share: f64, cells: usize) -> usize {
    if !share.is_finite() || share <= 0.0 {
        return 0;
    }
    if share >= 1.0 {
        return cells;
    }
    ((share * cells as f64).round() as usize).clamp(1, cells.saturating_sub(1).max(1)).min(cells)
}

/// The style of a limit that is used up to `share`: warns at 80 %, alarms at 95 %.
pub fn limit_style(theme: &Theme, share: f64) -> Style {
    if share >= 0.95 {
        theme.error
    } else if share >= 0.8 {
        theme.warn
    } else {
        theme.accent
    }
}

/// One bar per number, the tallest eight eighths high; zero is the lowest bar, so that the line is seen.
pub fn sparkline(numbers: &[u64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = numbers.iter().copied().max().unwrap_or(0).max(1);
    numbers.iter().map(|number| BARS[(number.saturating_mul(7).div_ceil(most)).min(7) as usize]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparkline_has_one_bar_per_number_and_its_peak_at_the_most() {
        assert_eq!(sparkline(&[0, 1, 8]), "▁▂█");
        assert_eq!(sparkline(&[]), "");
    }

    #[test]
    fn a_gauge_is_full_only_when_nothing_is_left_and_empty_only_when_nothing_is_used() {
        let cells = |share| bars(share, 10).chars().count();
        assert_eq!([0.0, 0.001, 0.5, 0.999, 1.0, 7.0, f64::NAN].map(cells), [0, 1, 5, 9, 10, 10, 0]);
        assert_eq!(lines(0.5, 10).chars().count(), 5);
    }
}
