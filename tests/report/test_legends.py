import pytest

from jare_tf.report import bars, curves, line_panels

LINE = ([0, 1, 2], [1.0, 2.0, 3.0])
SHORT, LONG = ["SimGD", "ConOpt", "JARE"], [f"adversarial extrapolation, γ = {10 * number}" for number in range(1, 6)]
PICTURES = {
    "curves": lambda labels: curves.panels([[curves.Panel("", {label: [LINE] for label in labels})] * 2]),
    "lines": lambda labels: line_panels.draw([[line_panels.LinePanel("", "x", "y", dict.fromkeys(labels, LINE))] * 2]),
    "bars": lambda labels: bars.draw({"": {"A": {label: bars.Bar(1.0) for label in labels}}}, "y"),
}


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize(("labels", "one_row"), [(SHORT, True), (LONG, False), (["x" * 300], True)])
def test_a_legend_is_inside_its_picture_in_as_few_rows_as_possible(picture, labels, one_row):
    figure = PICTURES[picture](labels)
    figure.draw_without_rendering()
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == labels
    heights = {round(text.get_window_extent().y0) for text in legend.get_texts()}
    assert (len(heights) == 1) == one_row
    box, whole = legend.get_window_extent(), figure.bbox
    assert len(labels) == 1 or (whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0)
