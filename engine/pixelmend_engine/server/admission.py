"""What is let into the queue: a request that can be read, for a picture that can be restored."""

from pixelmend.errors import OutOfMemory
from pixelmend.wire import Json, Raster
from pixelmend_engine.catalog import registry, tasks
from pixelmend_engine.images import limits
from pixelmend_engine.inference import memory
from pixelmend_engine.restoration import task_request
from pixelmend_engine.restoration.task_request import Request, TaskRequest


def admit(raster: Raster, parameters: Json) -> Request:
    """Reads what is asked for a picture, and makes sure that it can be done on this computer.

    Raises:
        BadImage: The picture, or its result, is too small or too large.
        BadRequest: There is no such task, or an option is not what its schema says.
        UnknownModel: There is no such model, or it is not for this task.
        OutOfMemory: No plan of tiles fits into the memory that the system grants.
    """
    limits.check_size(raster.width, raster.height, "image")
    request = task_request.read(parameters)
    if isinstance(request, TaskRequest):
        limits.check_result(raster.width, raster.height, tasks.result_scale(request.options))
        _check_memory(raster, request)
    return request


def _check_memory(raster: Raster, request: TaskRequest) -> None:
    # What no plan of tiles makes smaller: each model looks at the whole picture once.
    choice, pixels = request.model, raster.width * raster.height
    needed = min(
        spec.cost.prepare_bytes(pixels, int(pixels * choice.scale**2))
        for spec in registry.matching(choice.task, choice.model, choice.scale)
    )
    granted = memory.granted()
    if needed > granted.total_bytes:
        raise OutOfMemory(
            f"A picture of {raster.width} x {raster.height} pixels needs {needed / 1e9:.0f} GB of "
            f"memory, more than {granted.grantor} grants ({granted.total_bytes / 1e9:.1f} GB)",
            hint="Restore it in parts",
        )
