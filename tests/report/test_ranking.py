import math

from jare_tf.report import ranking


def test_a_method_that_diverged_has_words_and_the_dots_of_the_rest():
    (axes,) = ranking.draw({"distance": {"whole": [1.0, 3.0], "half": [2.0, math.inf]}}).axes
    assert [(bar.get_y() + bar.get_height() / 2, bar.get_width()) for bar in axes.patches] == [(0.0, 2.0)]
    assert [words.get_text() for words in axes.texts] == ["1 of 2 diverged"]
    assert [list(line.get_xdata()) for line in axes.lines] == [[1.0, 3.0], [2.0]]
