//! Turns the markup of the SVG backend into an element for an HTML page.

use super::canvas::{HEIGHT, WIDTH};

/// The drawing in `markup`, with an opening tag of our own, a title and a description.
///
/// Joins and caps are set once on the root and inherited. Attributes that plotters writes on every filled
/// shape and that say what SVG assumes anyway are left out; they would be a third of the file.
pub(super) fn embeddable(markup: &str, title: &str, description: &str) -> String {
    let content = markup.split_once('>').map_or("", |(_, content)| content);
    let content = content.replace(" stroke=\"none\" stroke-width=\"1\"", "").replace(" opacity=\"1\"", "");
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot\" role=\"img\" width=\"{}\" height=\"{}\" \
         viewBox=\"0 0 {WIDTH} {HEIGHT}\" stroke-linejoin=\"round\" stroke-linecap=\"round\">\n\
         <title>{}</title>\n<desc>{}</desc>{content}",
        WIDTH / 2,
        HEIGHT / 2,
        escaped(title),
        escaped(description),
    )
}

fn escaped(text: &str) -> String {
    let text = super::canvas::printable(text);
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
