//! Thin gauges `━━──`, sparklines `▁▃█` and waterfall bars; always beside the number, never instead of it.

use ratatui::style::Style;
use ratatui::text::Span;

use crate::console::text::span;
use crate::console::theme::Theme;

/// A gauge of `cells`; `share` is 0 to 1.
pub fn gauge(theme: &Theme, share: f64, cells: usize, style: Style) -> [Span<'static>; 2] {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    let full = (share * cells as f64).round() as usize;
    [span("━".repeat(full), style), span("─".repeat(cells - full), theme.faint)]
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
}
