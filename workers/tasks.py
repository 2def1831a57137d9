"""Every Celery task on one page: ids in, nothing out. Each says only that there may be work of a kind."""

from workers import sweep as sweeping
from workers.celery_app import celery_app


@celery_app.task(name="corpusmith.parse")
def parse() -> None:
    from workers import intake

    intake.run()


@celery_app.task(name="corpusmith.plan")
def plan(dataset_id: str) -> None:
    from workers import plan as planning

    planning.run(dataset_id)


@celery_app.task(name="corpusmith.drain")
def drain() -> None:
    from workers import drain as draining

    draining.run()


@celery_app.task(name="corpusmith.select")
def select(dataset_id: str) -> None:
    from workers import finish

    finish.run(dataset_id)


@celery_app.task(name="corpusmith.export")
def export(export_id: str) -> None:
    from workers import export as exporting

    exporting.run(export_id)


@celery_app.task(name="corpusmith.report")
def report(dataset_id: str) -> None:
    from app.reports import service as reports

    reports.store(dataset_id)


@celery_app.task(name="corpusmith.check")
def check(training_id: str) -> None:
    from workers import check as checking

    checking.run(training_id)


@celery_app.task(name="corpusmith.train")
def train() -> None:
    from workers import train as training

    training.run()


@celery_app.task(name="corpusmith.serve")
def serve() -> None:
    from workers import serve as serving

    serving.run()


@celery_app.task(name="corpusmith.pack")
def pack(export_id: str) -> None:
    from workers.model_exports import run as packing

    packing.run(export_id)


@celery_app.task(name="corpusmith.merge")
def merge(export_id: str) -> None:
    from workers.model_exports import run as merging

    merging.run(export_id)


@celery_app.task(name="corpusmith.sweep")
def sweep() -> None:
    sweeping.run()
