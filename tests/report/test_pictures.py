import numpy as np
import pytest

import jare_tf
from jare_tf.data.synthetic import Uniform, gaussian, ring
from jare_tf.report import curves, pictures
from jare_tf.training.run import Run


def test_image_grid_places_and_scales():
    images = np.full((6, 4, 4, 3), -1.0)
    images[1] = 1.0  # first row, second column
    images[3, ..., 0] = 0.0  # second row, first column: red at half
    grid = pictures.ImageGrid(rows=2, columns=3).draw(images)
    assert grid.shape == (2 * 5 - 1, 3 * 5 - 1, 3)
    assert grid.dtype == np.uint8
    assert (grid[0, 0] == 0).all()
    assert (grid[0, 5] == 255).all()
    assert grid[5, 0].tolist() == [128, 0, 0]
    assert (grid[4] == 255).all()  # the line between the rows


def test_gray_images_and_numbers_out_of_range():
    grid = pictures.ImageGrid(rows=1, columns=2).draw(
        np.array([-3.0, 3.0])[:, None, None, None] * np.ones((2, 2, 2, 1))
    )
    assert grid.shape == (2, 5, 3)
    assert grid[0, 0].tolist() == [0, 0, 0]
    assert grid[0, 3].tolist() == [255, 255, 255]


def blue(picture):
    """Where the density is dark: far from white, more blue than red."""
    pixels = picture.astype(int)
    return (pixels[..., 2] - pixels[..., 0] > 60) & (pixels[..., 0] < 160)


def test_density_shows_samples_where_they_lie():
    picture = pictures.Density(target=ring(radius=2.0, std=0.1))
    rng = np.random.default_rng(0)
    up = blue(picture.draw(rng.normal([0.0, 2.0], 0.1, size=(1000, 2))))
    right = blue(picture.draw(rng.normal([2.0, 0.0], 0.1, size=(1000, 2))))
    rows, columns = np.nonzero(up)
    assert rows.mean() < 0.4 * up.shape[0]
    assert 0.4 * up.shape[1] < columns.mean() < 0.65 * up.shape[1]
    rows, columns = np.nonzero(right)
    assert columns.mean() > 0.7 * right.shape[1]


def orange(picture):
    pixels = picture.astype(int)
    return (pixels[..., 0] > 200) & (pixels[..., 2] < 160)


def test_points_show_samples_and_data_where_they_lie():
    data = Uniform(dimension=2, limit=1.0)
    picture = pictures.Points(dataset=data)
    lower_left = picture.draw(np.random.default_rng(0).uniform(-1, -0.5, size=(2000, 2)))
    rows, columns = np.nonzero(blue(lower_left))
    assert rows.mean() > 0.6 * lower_left.shape[0]
    assert columns.mean() < 0.5 * lower_left.shape[1]
    rows, columns = np.nonzero(orange(lower_left))
    assert 0.3 * lower_left.shape[1] < columns.mean() < 0.7 * lower_left.shape[1]


def test_points_in_one_dimension():
    picture = pictures.Points(dataset=Uniform(limit=1.0))
    narrow = picture.draw(np.random.default_rng(0).uniform(0.4, 0.6, size=(2000, 1)))
    columns = np.nonzero(blue(narrow))[1]
    assert np.percentile(columns, 10) > 0.1 * narrow.shape[1]
    assert orange(narrow).sum() > 100
    with pytest.raises(jare_tf.InputError, match=r"Points draws points \[n, d\] of the data's shape, not \(9, 2\)"):
        picture.draw(np.zeros((9, 2)))


def test_points_in_three_dimensions():
    data = Uniform(dimension=3, limit=1.0)
    assert blue(pictures.Points(dataset=data).draw(data.batch(1, 2000, 0).numpy())).any()


def test_wrong_shapes():
    with pytest.raises(jare_tf.InputError, match=r"draws points \[n, 2\], not \(3, 3\)"):
        pictures.Density(target=gaussian(mean=[0.0, 0.0], std=1.0)).draw(np.zeros((3, 3)))
    with pytest.raises(jare_tf.InputError, match="draws images"):
        pictures.ImageGrid().draw(np.zeros((64, 2)))


def test_curves(tmp_path):
    for label, values in (("a", (1.0, 0.1)), ("b", (2.0, 0.2))):
        (tmp_path / label).mkdir()
        rows = "".join(f'{{"step": {step}, "tag": {value}}}\n' for step, value in enumerate(values))
        (tmp_path / label / "metrics.jsonl").write_text(rows)
    figure = curves.draw({label: [Run(str(tmp_path / label))] for label in "ab"}, {"tag": "a title"})
    with pytest.raises(jare_tf.InputError, match="a/metrics.jsonl has 'nosuch': nothing to draw"):
        curves.draw({"a": [Run(str(tmp_path / "a"))]}, {"nosuch": ""})
    lines = figure.axes[0].get_lines()
    assert [line.get_label() for line in lines] == ["a", "b"]
    np.testing.assert_allclose(lines[1].get_ydata(), [2.0, 0.2])
    assert figure.axes[0].get_yscale() == "log"
    (tmp_path / "b" / "metrics.jsonl").write_text('{"step": 0, "tag": 0.0}\n')
    assert curves.draw({"b": [Run(str(tmp_path / "b"))]}, {"tag": ""}).axes[0].get_yscale() == "linear"
    seeds = [(np.arange(3), np.array(values)) for values in ([0, 1, 9], [5, 2, 3], [1, 6, 4])]
    seeds[2] = (np.arange(1, 4), np.array([6, 4, 0]))  # logged elsewhere too
    (axes,) = curves.panels([[curves.Panel("", {"method": seeds})]]).axes
    np.testing.assert_array_equal(axes.get_lines()[0].get_xydata(), [[1, 2], [2, 4]])
    band = axes.collections[0].get_paths()[0].vertices
    assert {(1, 1), (1, 6), (2, 3), (2, 9)} <= {tuple(map(int, point)) for point in band}
    curves.save(figure, str(tmp_path / "curves.png"))
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
