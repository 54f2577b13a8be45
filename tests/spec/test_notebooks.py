"""Notebooks run from top to bottom, on a fresh kernel, in an empty directory, and find what they tell of."""

import ast
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
# What each must have found, in its own names: run as a last cell.
FOUND = {
    "01_look_at_orders": """
assert report.customers == orders["customer_id"].nunique() > 2_000, report.customers
assert str(report.first_day) == "1997-01-01", report.first_day
assert 0.3 < report.repeat_share < 0.6, report.repeat_share
assert curve.is_monotonic_increasing and 0.05 < curve.iloc[0] < curve.iloc[-1] < 0.6, curve
assert (customers["orders"] >= 1).mean() > 0.99 and len(customers) == before["customer_id"].nunique()
assert {"products", "product_views_7d"} <= set(unknown) and not {"orders", "spend"} & set(unknown), unknown
""",
    "02_add_a_feature": """
assert customers["quick_returns"].between(0, (customers["orders"] - 1).clip(lower=0)).all()
assert customers["quick_returns"].max() > 1
assert "quick_returns" in importance["input"].tolist()
assert set(found) == {"without", "with quick_returns"}
assert all(0.7 < metrics["auc"] < 0.95 for metrics in found.values()), found
assert found["without"] != found["with quick_returns"], "the feature changed nothing"
""",
    "03_train_and_compare": """
metrics = pd.DataFrame(comparison.rows).set_index("method")
assert metrics.loc["regulars", "brier"] <= metrics["brier"].drop("regulars").min() + 0.003, metrics["brier"]
assert {"regulars", "scikit-learn"} <= set(everybody["method"]), set(everybody["method"])
assert everybody.groupby("method").size()["scikit-learn"] == len(folds) >= 1
assert everybody.query("method == 'scikit-learn'")["auc"].between(0.6, 0.95).all()
assert {lead.metric for lead in leads} >= {"auc", "brier"}, leads
assert own.release != summary.release and own.rows[0]["auc"] != summary.rows[0]["auc"]
assert own.gate.verdict in {"model", "rule"} and own.gate.reasons and own.reasons
changes = listed(home)
assert changes[-1].action == "rollback" and changes[-1].before == in_force != deployed_release(home)
assert all(change.refused is None and change.by == "notebook 03" for change in changes), changes
assert set(runs["tags.gate"]) <= {"model", "rule"} and runs["metrics.regulars.auc"].between(0.6, 0.95).all()
assert scores["p_order_30d"].between(0, 1).all() and (scores["clv_365d"] >= 0).all()
assert len(published.facts.segments) == len(sizes) and sizes["size"].max() <= published.facts.customers
assert published.facts.release == deployed_release(home)
""",
}


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom_and_finds_what_it_tells_of(path: Path, tmp_path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    notebook.cells.append(nbformat.v4.new_code_cell(FOUND[path.stem]))  # type: ignore[no-untyped-call]
    # A cell that raises fails the test; the kernel's own environment is the tests'.
    NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_uses_nothing_that_is_not_public(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells  # type: ignore[no-untyped-call]
    private = set()
    for cell in cells:
        for node in ast.walk(ast.parse(cell.source)) if cell.cell_type == "code" else ():
            if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
                private.add(node.attr)
            if isinstance(node, ast.ImportFrom):
                private |= {name.name for name in node.names if name.name.startswith("_")}
    assert private == set()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(path: Path) -> None:
    cells = nbformat.read(path, as_version=4).cells  # type: ignore[no-untyped-call]
    assert [
        cell.id for cell in cells if cell.cell_type == "code" and (cell.outputs or cell.execution_count)
    ] == []
