"""What can be asked for. One file is one entry; the folder is the registry."""

from app.catalog.bundled import Trainer
from app.catalog.kinds import Container, DatasetTask, Evolution, ExportFormat, Metric
from app.catalog.registry import Registry
from app.catalog.training import TrainingMethod, TrainingVariant

TASKS = Registry(DatasetTask, "app.catalog.tasks")
FORMATS = Registry(ExportFormat, "app.catalog.formats")
CONTAINERS = Registry(Container, "app.catalog.containers")
TRAINERS = Registry(Trainer, "app.catalog.trainers")
METRICS = Registry(Metric, "app.catalog.metrics")
EVOLUTIONS = Registry(Evolution, "app.catalog.evolutions")
METHODS = Registry(TrainingMethod, "app.catalog.methods")
VARIANTS = Registry(TrainingVariant, "app.catalog.variants")
