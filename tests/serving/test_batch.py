from serving import tables


def test_every_customer_gets_one_row_of_scores(shop) -> None:
    scores = tables.read_newest(shop.home.scores)
    print(shop.summary)
    print(scores.schema)
    assert scores.num_rows == shop.summary.facts.customers
