"""The whole schema, one file per table group; importing this package makes every table known."""

from app.models.calls import Call
from app.models.corpora import Chunk, Corpus, Document, Embedding
from app.models.datasets import Context, Dataset, Event, Sample, Unit
from app.models.exams import Exam, Serving
from app.models.exports import Export
from app.models.files import File, PartedUpload, UploadPart
from app.models.model_exports import ModelExport
from app.models.reports import Report
from app.models.tenants import ApiKey, IdempotencyKey, Tenant
from app.models.trainings import Training, TrainingCheckpoint, TrainingEvent

__all__ = [
    "ApiKey",
    "Call",
    "Chunk",
    "Context",
    "Corpus",
    "Dataset",
    "Document",
    "Embedding",
    "Event",
    "Exam",
    "Export",
    "File",
    "IdempotencyKey",
    "ModelExport",
    "PartedUpload",
    "Report",
    "Sample",
    "Serving",
    "Tenant",
    "Training",
    "TrainingCheckpoint",
    "TrainingEvent",
    "Unit",
    "UploadPart",
]
