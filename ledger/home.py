"""Where everything of one shop lives: the only place that spells paths inside the home directory."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """One shop's directory.

    Parameters
    ----------
    path : Path
        The directory; it need not exist until something is written.
    """

    path: Path

    @property
    def ledger(self) -> Path:
        """Directory of the ledger's Delta tables, one directory a table."""
        return self.path / "ledger"

    @property
    def arrivals(self) -> Path:
        """SQLite file of what was posted to the service, until the scores that are served are made of it."""
        return self.path / "arrivals.db"

    @property
    def webhooks(self) -> Path:
        """SQLite file of which deliveries of the shop system came in the last days, and of which state of an order."""
        return self.path / "webhooks.db"

    @property
    def keys(self) -> Path:
        """SQLite file of the service's API keys, hashed."""
        return self.path / "keys.db"

    @property
    def erasures(self) -> Path:
        """Directory of how far erasures begun from the pages are; no file in it names anybody."""
        return self.path / "erasures"

    @property
    def work(self) -> Path:
        """Directory of what imports need while they run."""
        return self.path / "work"

    @property
    def shop_facts(self) -> Path:
        """JSON file with the shop's currency and time zone, fixed by the first import."""
        return self.path / "shop.json"

    @property
    def settings(self) -> Path:
        """TOML file of the shop's settings; written by its owner, if at all."""
        return self.path / "settings.toml"

    @property
    def demo_marker(self) -> Path:
        """JSON file that names the packaged data set a demo's home was made from."""
        return self.path / "demo.json"

    @property
    def bentoml(self) -> Path:
        """Directory of BentoML's own files."""
        return self.path / "bentoml"

    @property
    def snapshots(self) -> Path:
        """Directory of customers described as of cutoffs, kept for the next training; may be removed at any time."""
        return self.path / "snapshots"

    @property
    def scores(self) -> Path:
        """Delta table of scores, one row a customer and run."""
        return self.path / "scores"

    @property
    def replenishment(self) -> Path:
        """Delta table of next purchases per customer and product or category."""
        return self.path / "replenishment"

    @property
    def suggestions(self) -> Path:
        """Delta table of reminders to send, one row a customer and run."""
        return self.path / "suggestions"

    @property
    def demand(self) -> Path:
        """Delta table of expected demand per product or category and day; no customers in it."""
        return self.path / "demand"

    @property
    def memberships(self) -> Path:
        """Delta table of who was in which segment from when to when."""
        return self.path / "memberships"

    @property
    def movements(self) -> Path:
        """Delta table of who entered and left which segment in which run, and why."""
        return self.path / "movements"

    @property
    def trend(self) -> Path:
        """Delta table of each segment's size and value in every run; no customers in it."""
        return self.path / "trend"

    @property
    def definitions(self) -> Path:
        """SQLite file of the shop's own segments, in every version they had."""
        return self.path / "segments.db"

    @property
    def deliveries(self) -> Path:
        """Directory of what was delivered where, one file a segment and destination."""
        return self.path / "deliveries"

    @property
    def releases(self) -> Path:
        """Directory of immutable releases, one directory each, named by release."""
        return self.path / "releases"

    @property
    def cards(self) -> Path:
        """Directory of model cards, a Markdown file a release."""
        return self.path / "cards"

    @property
    def deployed(self) -> Path:
        """Pointer file naming the release that is served."""
        return self.path / "deployed" / "current.json"

    @property
    def deployments(self) -> Path:
        """JSON file of who deployed which release when."""
        return self.deployed.with_name("log.json")

    @property
    def published(self) -> Path:
        """Directory of immutable copies of each scoring run that the service reads."""
        return self.path / "published"

    @property
    def published_pointer(self) -> Path:
        """Pointer file naming the scoring run that is served."""
        return self.published / "current.json"

    @property
    def cohorts(self) -> Path:
        """JSON file of cohorts, as the last scoring run counted them; no customers in it."""
        return self.path / "cohorts.json"

    @property
    def monitoring(self) -> Path:
        """JSON file of how the release does at work, as `regulars monitor` found it last; no customers in it."""
        return self.path / "monitoring.json"

    @property
    def mlflow_database(self) -> Path:
        """SQLite file of the MLflow tracking and registry store."""
        return self.path / "mlflow.db"

    @property
    def mlflow_artifacts(self) -> Path:
        """Directory of MLflow's artifacts."""
        return self.path / "mlflow-artifacts"
